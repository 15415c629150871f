"""`X_past`: covariates whose future is not known, over the dates of `y`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import check_repeated, listed, typed_index
from kerazoo.forecast.data.types import Index, Values
from kerazoo.forecast.data.validation import (
    KEYS,
    as_frame,
    check_keys,
    check_same_kind,
    check_unique_names,
    covariate_array,
    covariate_column,
    rows_by_key,
)

__all__ = ["long_past", "shared_past"]

UNKNOWN = 'missing="skip" reads what is missing as unknown.'


def shared_past(
    X_past: Any, index: Index, missing: str = "error", covariates: Sequence[str] = ()
) -> tuple[Values, tuple[str, ...]]:
    """Past covariates that are the same for every series.

    Args:
        X_past: a Series or a DataFrame whose index has the dates of `y`, in any order and among others; numbers (T, P)
            or (T,) without dates, one row for each step of `y`; or None.
        index: the T dates of `y`, with those that it lacks.
        missing: "skip": values and dates that are missing are NaN, which is unknown; "error": they are refused.
        covariates: names of the other covariates.

    Returns:
        float64 (T, P), and the P names.

    Raises:
        InvalidArgumentError: dates or values are missing, with "skip" all of them; values are infinite or no numbers,
            or a name is used twice.

    >>> days = pd.period_range("2021-03-01", periods=2, freq="D")
    >>> rain = pd.Series([0.0, 7.5, 1.0], pd.period_range("2021-03-01", periods=3, freq="D"), name="rain")
    >>> shared_past(rain, days)
    (array([[0. ],
           [7.5]]), ('rain',))
    """
    if X_past is None:
        return np.empty((len(index), 0)), ()
    if isinstance(X_past, np.ndarray | list | tuple):
        values = covariate_array(X_past, len(index), "X_past", "T", missing)
        names = tuple(f"past{i}" for i in range(values.shape[1]))
        shown = [f"X_past[:, {i}]" for i in range(values.shape[1])]
    elif isinstance(X_past, pd.Series | pd.DataFrame):
        frame = as_frame(X_past, ("past",))
        check_unique_names(list(frame.columns), "X_past")
        names = tuple(str(label) for label in frame.columns)
        if not names:
            raise InvalidArgumentError("X_past has no columns; expected at least one covariate, or X_past=None.")
        rows = _rows_of(frame.index, index, missing)
        values = _columns(frame, names, rows, index, missing)
        shown = [f"X_past[{name!r}]" for name in names]
    else:
        raise InvalidArgumentError(
            f"X_past is a {type(X_past).__name__}; expected None, a pandas Series or DataFrame over the dates of y, or "
            "a NumPy array (T, P)."
        )
    _check_names(names, covariates, "X")
    _check_some(values, shown)
    return values, names


def long_past(
    X_past: Any,
    rows: pd.MultiIndex,
    uniques: Index,
    codes: NDArray[Any],
    missing: str = "error",
    covariates: Sequence[str] = (),
) -> tuple[Values, tuple[str, ...]]:
    """Past covariates of the series of a long frame.

    Args:
        X_past: a long DataFrame with `unique_id`, `ds` and the covariates, its rows in any order and among those of
            other series and dates; or None.
        rows: (id, date) of each of the R rows of `y`, with those that it lacks.
        uniques: the ids.
        codes: int (R,), the number of the id of each row.
        missing: as for :func:`shared_past`; but each series has at least one row.
        covariates: names of the other covariates.

    Returns:
        float64 (R, P), and the P names.

    Raises:
        InvalidArgumentError: rows or values are missing, with "skip" all of a series or column; values are infinite or
            no numbers, or a name is used twice.

    >>> rows = pd.MultiIndex.from_arrays([["a", "b"], pd.to_datetime(["2021-03-01", "2021-03-01"])])
    >>> rain = pd.DataFrame({"unique_id": ["b", "a"], "ds": pd.to_datetime("2021-03-01"), "rain": [7.5, 0.0]})
    >>> long_past(rain, rows, pd.Index(["a", "b"]), np.array([0, 1]))
    (array([[0. ],
           [7.5]]), ('rain',))
    """
    if X_past is None:
        return np.empty((len(rows), 0)), ()
    if not isinstance(X_past, pd.DataFrame):
        raise InvalidArgumentError(
            f"X_past is a {type(X_past).__name__}; expected a DataFrame with unique_id, ds and the covariates, as y "
            "has."
        )
    check_keys(X_past, "X_past")
    check_unique_names(list(X_past.columns), "X_past")
    names = tuple(str(label) for label in X_past.columns if label not in KEYS)
    if not names:
        raise InvalidArgumentError(
            "X_past has no columns except unique_id and ds; expected covariates, or X_past=None."
        )
    if "y" in names:
        raise InvalidArgumentError(
            "X_past has the column 'y'; expected covariates besides the series. X_past.drop(columns='y') leaves it out."
        )
    _check_names(names, covariates, "X, or y without X,")
    found = rows_by_key(X_past, "X_past", uniques, codes, rows.get_level_values(1))
    lacks = found < 0
    if missing == "error" and lacks.any():
        raise InvalidArgumentError(
            f"X_past lacks {int(lacks.sum())} rows of y: {listed(rows[lacks])}; expected a row for each value of y. "
            f"Further rows are ignored. {UNKNOWN}"
        )
    without = np.setdiff1d(codes, codes[~lacks])
    if len(without):
        raise InvalidArgumentError(
            f"X_past has no row with a date of y for {len(without)} of {len(uniques)} series: "
            f"{listed(uniques[without])}; expected at least one of each. Rows of NaN say that nothing is known."
        )
    columns = X_past[[label for label in X_past.columns if label not in KEYS]]
    values = _columns(columns, names, found, rows, missing)
    _check_some(values, [f"X_past[{name!r}]" for name in names])
    return values, names


def _rows_of(found: Index, index: Index, missing: str) -> NDArray[np.intp]:
    """The row of each date of `index`, -1 for one that is missing."""
    found = typed_index(found, "X_past.index", "X_past", ordered=False)
    check_same_kind(found, index, "X_past.index", "y.index")
    check_repeated(found, "X_past.index")
    rows = found.get_indexer(index)
    lacks = rows < 0
    if lacks.all() or (missing == "error" and lacks.any()):
        raise InvalidArgumentError(
            f"X_past lacks {int(lacks.sum())} of the {len(index)} dates of y: {listed(index[lacks])}; expected a row "
            f"for each value of y. Further rows are ignored. {UNKNOWN}"
        )
    return np.asarray(rows)


def _columns(frame: pd.DataFrame, names: Sequence[str], rows: NDArray[np.intp], labels: Index, missing: str) -> Values:
    """float64 (R, P): the rows of the columns, NaN for -1."""
    have = rows >= 0
    values = np.full((len(rows), len(names)), np.nan)
    for i, name in enumerate(names):
        column = frame.iloc[:, i].iloc[rows[have]]
        values[have, i] = covariate_column(column, "X_past", name, labels[have], missing=missing)
    return values


def _check_names(names: Sequence[str], covariates: Sequence[str], owner: str) -> None:
    both = [name for name in names if name in covariates]
    if both:
        raise InvalidArgumentError(
            f"X_past has the covariate {both[0]!r}, which {owner} has too; expected each in one of them: X has what is "
            "known for the dates of the forecast."
        )


def _check_some(values: Values, shown: Sequence[str]) -> None:
    """Raise if a covariate has no value at any date of `y`."""
    for i, what in enumerate(shown):
        if np.isnan(values[:, i]).all():
            raise InvalidArgumentError(
                f"{what} has no value at any date of y: all are missing; expected at least one. Leave it out."
            )
