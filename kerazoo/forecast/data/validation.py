"""Checks of the numbers and columns of `y`, `X` and `X_future`."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import SHOWN, check_repeated, kind_of, text_of, typed_index
from kerazoo.forecast.data.types import Index, Values

__all__ = [
    "KEYS",
    "LARGEST",
    "MISSING",
    "as_frame",
    "check_finite",
    "check_keys",
    "check_same_kind",
    "check_unique_names",
    "covariate_array",
    "covariate_column",
    "long_keys",
    "numeric_column",
    "plain_array",
    "rows_by_key",
    "series_array",
]

KEYS = ("unique_id", "ds")  # columns of a long frame, in addition to y
MISSING = ("error", "skip")  # what is done with values and dates that are missing
#: Largest size of a number: products and sums of squares of larger ones may be too large for float64.
LARGEST = 1e100


def plain_array(data: Any, what: str, missing: str | None = None) -> Values:
    """A list or an array as a float64 copy; masked values become NaN, and None with `missing="skip"`."""
    if isinstance(data, np.ma.MaskedArray) and data.dtype.kind in "iuf":
        data = np.ma.filled(data.astype(np.float64), np.nan)
    try:
        array = np.asarray(data)
    except ValueError:
        raise InvalidArgumentError(f"{what} is a list of lists of different lengths; expected equal lengths.") from None
    if missing == "skip" and array.dtype.kind == "O":
        found = _with_gaps(array.ravel())
        array = array if found is None else found.reshape(array.shape)
    if array.dtype.kind not in "iuf":
        hint = " It holds None or other values that are not numbers." if array.dtype.kind == "O" else ""
        raise InvalidArgumentError(f"{what} has the dtype {array.dtype}; expected numbers.{hint}")
    return np.array(array, np.float64)


def series_array(place: int, given: Any, largest: float = math.inf) -> Values:
    """One of several series of numbers, in which NaN is missing, as float64 (T,). Not copied if it is that already.

    Args:
        place: number of the series, for messages.
        given: numbers (T,); masked ones are missing.
        largest: largest size of a value.

    Raises:
        InvalidArgumentError: no numbers, more than one dimension, no value, or an infinite or larger one.
    """
    if isinstance(given, np.ma.MaskedArray) and given.dtype.kind in "iuf":
        given = np.ma.filled(given.astype(np.float64), np.nan)
    try:
        dtype = np.asarray(given).dtype
        # Would become numbers, too: real parts, nanoseconds, and what texts say.
        array = None if dtype.kind in "cmMSU" else np.asarray(given, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"series {place}: {error}; expected numbers.") from None
    if array is None:
        raise InvalidArgumentError(f"series {place}: the dtype is {dtype}; expected numbers.")
    if array.ndim != 1:
        raise InvalidArgumentError(
            f"series {place} has the shape {array.shape}; expected one dimension. One series y is given as [y]."
        )
    missing = np.isnan(array)
    wrong = np.isinf(array) | (np.abs(array) > largest)
    if wrong.any():
        at = int(wrong.argmax())
        numbers = "finite numbers" if largest == math.inf else f"numbers of at most {largest:g} in size"
        raise InvalidArgumentError(
            f"series {place}: value {at} is {array[at]}; expected {numbers}, or NaN where one is missing."
        )
    if missing.all():
        raise InvalidArgumentError(f"series {place} has no value; expected at least one. Remove the series.")
    return array


def _with_gaps(values: Any) -> Values | None:
    """Numbers among which None, NA or NaN stand for missing ones, as float64 (T,); None if there are other values."""
    known = ~pd.isna(values)
    if not all(isinstance(each, numbers.Real) and not isinstance(each, bool | np.bool_) for each in values[known]):
        return None
    found = np.full(len(values), np.nan)
    found[known] = values[known].astype(np.float64)
    return found


def numeric_column(
    column: pd.Series, what: str, labels: Index, frame: bool = False, missing: str | None = None
) -> Values:
    """A column as a finite float64 (T,) copy.

    Args:
        column: of numbers, also nullable ones; not bool or complex.
        what: how messages name the column.
        labels: dates of the values, for messages.
        frame: the column belongs to a frame with one column per series; adds a hint.
        missing: "skip": missing values stay NaN; "error": they are refused, with the hint that they could be skipped;
            None: they are refused.

    Raises:
        InvalidArgumentError: another dtype, or values that are not finite.
    """
    dtype = column.dtype
    types = pd.api.types
    if missing == "skip" and types.is_object_dtype(dtype):
        found = _with_gaps(column.to_numpy(object))
        if found is not None:
            return check_finite(found, what, labels, frame, missing)
    if types.is_bool_dtype(dtype):
        raise InvalidArgumentError(
            f"{what} has the dtype {dtype}; expected numbers. {what}.astype(float) converts it to 0 and 1."
        )
    if not types.is_numeric_dtype(dtype) or types.is_complex_dtype(dtype):
        hint = ""
        if types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
            hint = f" pd.to_numeric({what}) parses text."
        elif types.is_datetime64_any_dtype(dtype):
            hint = " Dates belong in the index."
        raise InvalidArgumentError(f"{what} has the dtype {dtype}; expected numbers.{hint}")
    values = np.array(column.to_numpy(np.float64, na_value=np.nan), np.float64)
    return check_finite(values, what, labels, frame, missing)


def covariate_column(
    column: pd.Series,
    owner: str,
    name: str,
    labels: Index,
    codes: NDArray[np.intp] | None = None,
    missing: str | None = None,
) -> Values:
    """A column of covariates as :func:`numeric_column`; the message for text and categories says what to do with them.

    Args:
        column: one value per row.
        owner: how messages name the frame.
        name: of the column.
        labels: dates of the values, for messages.
        codes: number of the series of each row, if there are several.
        missing: "skip": missing values stay NaN; None: they are refused.

    Raises:
        InvalidArgumentError: another dtype, or values that are not finite.
    """
    what, types = f"{owner}[{name!r}]", pd.api.types
    is_text = types.is_object_dtype(column.dtype) or types.is_string_dtype(column.dtype)
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    known = column.dropna() if missing == "skip" else column
    is_number = pd.to_numeric(known.astype(object), errors="coerce").notna().all() if is_text or is_category else True
    if is_number:
        return numeric_column(column, what, labels, missing=missing)
    drop = f"{owner}.drop(columns=[{name!r}]) leaves it out"
    dummies = f"pd.get_dummies({owner}, columns=[{name!r}], dtype=float) makes a column of 0 and 1 for each value."
    if codes is not None and _is_constant(column, codes):
        why = (
            f"in a long frame, columns besides unique_id, ds and y are covariates, and {name!r} is the same in all "
            "rows of each series: it describes the series"
        )
        table = f"static={owner}.drop_duplicates('unique_id')[['unique_id', {name!r}]] gives it for each series"
        raise InvalidArgumentError(f"{what} has the dtype {column.dtype}; expected numbers: {why}. {table}; {drop}.")
    reach = "" if owner == "X_past" else " that are known for the dates of the forecast"
    raise InvalidArgumentError(
        f"{what} has the dtype {column.dtype}; expected numbers: covariates are numbers{reach}. {drop}; {dummies}"
    )


def _is_constant(column: pd.Series, codes: NDArray[np.intp]) -> bool:
    """Whether the values are the same in all rows of each series; of values that cannot be compared they are not."""
    try:
        return bool((pd.Series(column.to_numpy(object)).groupby(codes).nunique(dropna=False) == 1).all())
    except TypeError:  # lists and other values without a hash
        return False


def check_finite(values: Values, what: str, labels: Index, frame: bool = False, missing: str | None = None) -> Values:
    """Return the values, or raise with the number of those that are not finite, or too large, and the first of them.

    The arguments are those of :func:`numeric_column`.
    """
    large = np.flatnonzero((np.abs(values) > LARGEST) & ~np.isinf(values))
    if len(large):
        raise InvalidArgumentError(
            f"{what}: {len(large)} of {len(values)} values {'is' if len(large) == 1 else 'are'} too large: "
            f"{values[large[0]]:g} at {text_of(labels[large[0]])}; expected at most {LARGEST:g} in size, as squares of "
            "larger ones are no numbers. Divide by a constant, or correct the value."
        )
    bad = np.flatnonzero(np.isinf(values) if missing == "skip" else ~np.isfinite(values))
    if not len(bad):
        return values
    shown = ", ".join(f"{_number(values[i])} at {text_of(labels[i])}" for i in bad[:SHOWN])
    more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    hint = "Fill them, for example with interpolate(), or drop them at the ends."
    if frame:
        hint += " Series that start or end at different dates need a long frame (unique_id, ds, y)."
    if missing == "error" and np.isnan(values[bad]).any():
        hint += ' missing="skip" reads NaN as gaps.'
    verb = "is" if len(bad) == 1 else "are"
    raise InvalidArgumentError(
        f"{what}: {len(bad)} of {len(values)} values {verb} not finite: {shown}{more}; expected numbers. {hint}"
    )


def _number(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:g}"


def check_unique_names(labels: Sequence[Any], what: str) -> None:
    """Raise if two column names are equal as text."""
    repeated = [label for label, count in Counter(str(label) for label in labels).items() if count > 1]
    if repeated:
        raise InvalidArgumentError(f"{what} has more than one column {repeated[0]!r}; expected different names.")


def check_same_kind(found: Index, index: Index, found_name: str, index_name: str) -> None:
    """Raise if two indexes differ in type or time zone, so that no label can be equal. Datetime units may differ."""
    if kind_of(found) != kind_of(index):
        raise InvalidArgumentError(
            f"{found_name} has {kind_of(found)}, {index_name} has {kind_of(index)}; expected the same."
        )


def as_frame(X: Any, names: Sequence[str] = ("x",)) -> pd.DataFrame:
    """A Series as a frame of one column. A Series without a name gets the only one of `names`, else "x"."""
    if isinstance(X, pd.DataFrame):
        return X
    name = X.name if X.name is not None else names[0] if len(names) == 1 else "x"
    return X.to_frame(name)


def covariate_array(X: Any, length: int, what: str, axis: str, missing: str | None = None) -> Values:
    """Covariates without dates as float64 (length, K); messages call them `what` and their first axis `axis`.

    With `missing="skip"` missing values are NaN; by default they are refused.
    """
    array = plain_array(X, what, missing)
    if array.ndim not in (1, 2) or len(array) != length or not array.size:
        raise InvalidArgumentError(
            f"{what} has the shape {array.shape}; expected ({axis}, K) or ({axis},) with {axis}={length}."
        )
    columns = array.reshape(length, -1)
    labels = pd.RangeIndex(length)
    for i in range(columns.shape[1]):
        check_finite(columns[:, i], what if array.ndim == 1 else f"{what}[:, {i}]", labels, missing=missing)
    return columns


def check_keys(frame: pd.DataFrame, what: str) -> None:
    """Raise if a long frame of covariates lacks unique_id or ds."""
    lacks = [key for key in KEYS if key not in list(frame.columns)]
    if lacks:
        raise InvalidArgumentError(
            f"{what} has no column {' and no '.join(map(repr, lacks))}; expected unique_id, ds and the covariates, "
            "since y is a long frame."
        )


def rows_by_key(frame: pd.DataFrame, what: str, uniques: Index, codes: NDArray[Any], dates: Index) -> NDArray[np.intp]:
    """Where the series and dates of a long `y` are in another long frame.

    Args:
        frame: with unique_id and ds.
        what: how messages name it.
        uniques: the ids of `y`.
        codes: number of the id of each row of `y`.
        dates: date of each row of `y`.

    Returns:
        For each row of `y` that of the frame, or -1.

    Raises:
        InvalidArgumentError: dates of another kind, or a key that occurs more than once.
    """
    own_dates, own_codes, own_uniques = long_keys(frame, what)
    check_same_kind(own_dates, dates, f"{what}['ds']", "y['ds']")
    shown = pd.MultiIndex.from_arrays([own_uniques.take(own_codes), own_dates])
    check_repeated(pd.MultiIndex.from_arrays([own_codes, own_dates]), what, shown)
    known = uniques.get_indexer(own_uniques)[own_codes]  # -1: a series that y does not have
    rows = np.flatnonzero(known >= 0)
    keys = pd.MultiIndex.from_arrays([known[rows], own_dates[rows]])
    found = keys.get_indexer(pd.MultiIndex.from_arrays([codes, dates]))
    return np.where(found < 0, -1, np.append(rows, -1)[found])


def long_keys(frame: pd.DataFrame, what: str) -> tuple[Index, NDArray[np.intp], Index]:
    """The keys of a long frame.

    Returns:
        `(dates, codes, uniques)`: ds as an index; for each row the number of its series; and the unique_ids in the
        order in which they first appear.
    """
    missing = int(frame["unique_id"].isna().sum())
    if missing:
        raise InvalidArgumentError(f"{what}['unique_id'] is missing in {missing} rows; expected an id in each.")
    dates = typed_index(pd.Index(frame["ds"], name="ds"), f"{what}['ds']", what, ordered=False)
    codes, uniques = pd.factorize(frame["unique_id"])
    return dates, codes, pd.Index(uniques)
