"""`read_panel`: series and covariates of pandas and NumPy as a `Panel`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.gaps import DATES_HINT, SeriesCutter, filled_index, filled_indexes, names_of_long, spread
from kerazoo.forecast.data.index import (
    check_repeated,
    dates_between,
    dates_from,
    grid_like,
    listed,
    offset_text,
    ordinals,
    raise_missing,
    regular_index,
    renamed_if_equal,
    same_labels,
    text_of,
    typed_index,
)
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.past import long_past, shared_past
from kerazoo.forecast.data.static import read_static
from kerazoo.forecast.data.types import Index, Values
from kerazoo.forecast.data.validation import (
    KEYS,
    MISSING,
    as_frame,
    check_finite,
    check_keys,
    check_same_kind,
    check_unique_names,
    covariate_array,
    covariate_column,
    long_keys,
    numeric_column,
    plain_array,
    rows_by_key,
)

__all__ = ["read_panel"]

ALLOWED = (
    "a pandas Series, a DataFrame with one column per series, a DataFrame with the columns unique_id, ds and y, "
    "a NumPy array (T,) or (T, n), or a list of numbers"
)
EVERY_STEP = ", also where a value of y is missing"


def read_panel(
    y: Any,
    X: Any = None,
    missing: str = "error",
    like: Index | None = None,
    *,
    X_past: Any = None,
    static: Any = None,
) -> Panel:
    """Read one or several series, with covariates and what else is known about them.

    Args:
        y: one of

            - a Series over a DatetimeIndex, a PeriodIndex or consecutive integers;
            - a DataFrame over such an index, one column per series;
            - a long DataFrame with the columns `unique_id`, `ds` and `y`, its rows in any order. The series may start
              and end at different dates but must have one frequency. Other columns are covariates if `X` is None;
            - a NumPy array (T,) or (T, n), or a list of numbers;
            - a frame or series of polars, pyarrow or another library with `to_pandas`: see
              :func:`kerazoo.forecast.data.other_frames.pandas_of`;
            - a :class:`Panel`, which is returned unchanged: a caller that reads `y` once can pass the result on.

            All numeric dtypes except bool and complex are accepted, also nullable ones. If a
            DatetimeIndex has no `freq`, it is inferred from the dates, of which there must be at least three. Time
            zones are kept.
        X: covariates that are known for future dates, or None. A Series or a DataFrame with a row for each date of `y`,
            the same for all series; for a long `y` a long DataFrame with `unique_id`, `ds` and the covariates; or
            numbers (T, K) or (T,), which are named x0, x1, ... A Series without a name is called x. Rows of frames may
            be in any order; those of further dates, as of the future, and of further series are ignored.
        missing: "error": missing values and dates are refused. "skip": missing values (NaN, None, NA) of `y` are NaN in
            the panel, and so are the values of dates that are missing between others. What is missing before the first
            value of a series is cut off, as the series begins there; what is missing at its end is kept, so that
            forecasts follow the last row of `y`, also for a series of a frame that ends before the others. Covariates
            must have a value for every step, also for dates that `y` lacks.
        like: a regular index whose frequency missing dates have, if all dates lie on its grid; else, or with None, it
            is the frequency that leaves the fewest gaps. Without `missing="skip"` it is not used.
        X_past: covariates that are not known for future dates, such as the weather or the sales of other shops, or
            None: see :func:`kerazoo.forecast.data.past.shared_past` and `long_past`. In the forms of `X`, with a
            finite value for every date of `y`, or, with `missing="skip"`, some of them: the others are unknown. Further
            dates and series are ignored. Columns of an array are named past0, past1, ..., a Series without a name past.
        static: what holds for a whole series, such as its region, or None: one row per series, see
            :func:`kerazoo.forecast.data.static.read_static`.

    Returns:
        The panel. Its arrays are copies of `y`, `X` and `X_past`.

    Raises:
        InvalidArgumentError: an unsupported type or dtype, no values, values that are not finite, or dates that are
            missing, repeated, not sorted or at no fixed step. The message names the dates. With `missing="skip"`: a
            series without any value, an infinite value, or a step without covariates.

    >>> import pandas as pd
    >>> months = pd.period_range("2020-01", periods=4, freq="M")
    >>> frame = pd.DataFrame({"north": [1, 2, 3, 4], "south": [5, 6, 7, 8]}, index=months)
    >>> panel = read_panel(frame, X=pd.Series([0, 0, 1, 0], months, name="strike"))
    >>> panel.form, panel.ids, panel.covariate_names, panel.series[1].values
    ('frame', ('north', 'south'), ('strike',), array([5., 6., 7., 8.]))
    >>> sold = pd.Series([2.0, 3.0, 4.0, 6.0], pd.PeriodIndex(["2020-01", "2020-02", "2020-03", "2020-05"], freq="M"))
    >>> read_panel(sold, missing="skip").series[0].values
    array([ 2.,  3.,  4., nan,  6.])
    """
    check_choice("missing", missing, MISSING, hint='"skip" reads missing values and dates as gaps.')
    y, X, X_past = pandas_of(y, "y"), pandas_of(X, "X"), pandas_of(X_past, "X_past")
    if isinstance(y, Panel):
        for name, given in (("X", X), ("X_past", X_past), ("static", static)):
            if given is not None:
                raise InvalidArgumentError(
                    f"{name} is given with a Panel as y; expected None, as a Panel holds its covariates."
                )
        if missing == "error":
            _check_no_gaps(y)
        return y
    panel = _read(y, X, X_past, missing, like)
    return panel if static is None else replace(panel, **read_static(static, panel.ids, panel.form))


def _read(y: Any, X: Any, X_past: Any, missing: str, like: Index | None) -> Panel:
    if isinstance(y, pd.DataFrame):
        labels = list(y.columns)
        if all(key in labels for key in KEYS):
            return _read_long(y, X, X_past, missing, like)
        if any(key in labels for key in KEYS):
            missing = next(key for key in KEYS if key not in labels)
            raise InvalidArgumentError(
                f"y has the columns {listed(labels)}, but not {missing!r}; expected unique_id, ds and y in a long "
                "frame. For one series: y.set_index('ds')['y']. For several as columns: leave unique_id out, and put "
                "the dates in the index."
            )
        return _read_frame(y, X, X_past, missing, like)
    if isinstance(y, pd.Series):
        index, rows = _index_of(y, missing, like)
        values = spread(numeric_column(y, "y", index[rows], missing=missing), rows, len(index))
        covariates, names = _shared_covariates(X, index, missing)
        past, past_names = shared_past(X_past, index, missing, names)
        series = SeriesCutter().series(y.name, values, index, covariates, past, "y")
        return Panel((series,), "series", names, y.name, past_names=past_names)
    if isinstance(y, np.ndarray | list | tuple):
        return _read_array(y, X, X_past, missing)
    raise InvalidArgumentError(f"y is a {type(y).__name__}; expected {ALLOWED}.")


def _check_no_gaps(panel: Panel) -> None:
    for each in panel.series:
        gaps = np.flatnonzero(np.isnan(each.values))
        if len(gaps):
            raise InvalidArgumentError(
                f"y is a Panel in which series {each.id!r} lacks {len(gaps)} of {len(each.values)} values: "
                f"{listed(each.index[gaps])}; expected numbers. {DATES_HINT}"
            )


def _read_frame(y: pd.DataFrame, X: Any, X_past: Any, missing: str, like: Index | None) -> Panel:
    labels = list(y.columns)
    if not labels:
        raise InvalidArgumentError("y has no columns; expected one column per series.")
    check_unique_names(labels, "y")
    index, rows = _index_of(y, missing, like)
    dates = index[rows]
    whats = [f"y[{label!r}]" for label in labels]
    numbers = [
        spread(numeric_column(y.iloc[:, i], what, dates, True, missing), rows, len(index))
        for i, what in enumerate(whats)
    ]
    covariates, names = _shared_covariates(X, index, missing)
    past, past_names = shared_past(X_past, index, missing, names)
    cutter = SeriesCutter()
    series = tuple(
        cutter.series(label, values, index, covariates, past, what)
        for label, values, what in zip(y.columns.tolist(), numbers, whats, strict=True)
    )
    dtype = None if isinstance(y.columns, pd.MultiIndex) else y.columns.dtype
    return Panel(series, "frame", names, None, tuple(y.columns.names), dtype, past_names=past_names)


def _read_array(y: Any, X: Any, X_past: Any, missing: str) -> Panel:
    array = plain_array(y, "y", missing)
    if array.ndim not in (1, 2):
        raise InvalidArgumentError(f"y has the shape {array.shape}; expected (T,) or (T, n).")
    if not array.size:
        raise InvalidArgumentError(f"y is empty (shape {array.shape}); expected at least one value.")
    index = pd.RangeIndex(len(array))
    columns = array.reshape(len(array), -1)
    covariates, names = _shared_covariates(X, index, missing)
    whats = ["y"] if array.ndim == 1 else [f"y[:, {i}]" for i in range(columns.shape[1])]
    numbers = [check_finite(columns[:, i].copy(), what, index, missing=missing) for i, what in enumerate(whats)]
    past, past_names = shared_past(X_past, index, missing, names)
    cutter = SeriesCutter()
    series = tuple(
        cutter.series(i, values, index, covariates, past, what)
        for i, (values, what) in enumerate(zip(numbers, whats, strict=True))
    )
    return Panel(series, "array", names, ndim=array.ndim, past_names=past_names)


def _index_of(y: Any, missing: str, like: Index | None) -> tuple[Index, NDArray[np.intp]]:
    """The regular index of a Series or frame, and the number of each row in it."""
    if not len(y):
        raise InvalidArgumentError("y has no rows; expected at least one.")
    if missing == "error":
        return regular_index(y.index, "y.index", "y", DATES_HINT), np.arange(len(y))
    index = filled_index(y.index, "y.index", "y", like)
    rows = np.arange(len(y)) if len(index) == len(y) else index.get_indexer(typed_index(y.index, "y.index", "y", False))
    return index, np.asarray(rows)


# Long frames


def _read_long(y: pd.DataFrame, X: Any, X_past: Any, missing: str, like: Index | None) -> Panel:
    labels = list(y.columns)
    check_unique_names(labels, "y")
    if "y" not in labels:
        raise InvalidArgumentError(f"y has the columns {listed(labels)}, but not 'y'; expected unique_id, ds and y.")
    if not len(y):
        raise InvalidArgumentError("y has no rows; expected at least one.")
    dates, codes, uniques = long_keys(y, "y")
    order = np.lexsort((ordinals(dates), codes))
    dates, codes = dates[order], codes[order]
    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    starts = np.append(0, ends[:-1])
    ids = uniques.tolist()
    _check_ids(ids)
    rows = pd.MultiIndex.from_arrays([uniques.take(codes), dates])
    values = numeric_column(y["y"].iloc[order], "y['y']", rows, missing=missing)
    indexes: list[Index] | None = None
    n_filled = 0
    if missing == "skip":
        indexes, places = filled_indexes(dates, starts, ends, ids, like)
        lengths = [len(each) for each in indexes]
        n_filled = sum(lengths) - len(values)
        if n_filled:
            values = spread(values, places, sum(lengths))
            codes, dates = np.repeat(np.arange(len(ids)), lengths), indexes[0].append(indexes[1:])
            rows = pd.MultiIndex.from_arrays([uniques.take(codes), dates])
            ends = np.cumsum(lengths)
            starts = ends - lengths
    if X is None:
        frame, what, rows_of_X = y, "y", order
        names = tuple(str(label) for label in labels if label not in (*KEYS, "y"))
        if names and n_filled:
            first = rows[np.setdiff1d(np.arange(len(rows)), places)[0]]
            raise InvalidArgumentError(
                f"y[{names[0]!r}] has no value at {text_of(first)}, a date that y lacks ({n_filled} in all); expected "
                "covariates for every step. Add the rows, with NaN in the column y."
            )
    else:
        if not isinstance(X, pd.DataFrame):
            raise InvalidArgumentError(
                f"X is a {type(X).__name__}; expected a DataFrame with unique_id, ds and the covariates, as y has."
            )
        check_keys(X, "X")
        check_unique_names(list(X.columns), "X")
        names = tuple(str(label) for label in X.columns if label not in KEYS)
        if not names:
            raise InvalidArgumentError("X has no columns except unique_id and ds; expected covariates, or X=None.")
        frame, what, rows_of_X = X, "X", _matching_rows(X, rows, uniques, codes, dates, n_filled > 0)
    by_name = {str(label): frame[label] for label in frame.columns}
    columns = [covariate_column(by_name[name].iloc[rows_of_X], what, name, rows, codes) for name in names]
    covariates = np.stack(columns, axis=1) if columns else np.empty((len(values), 0))
    past, past_names = long_past(X_past, rows, uniques, codes, missing, names)
    if indexes is None:
        indexes = _long_indexes(dates, starts, ends, ids)
    parts = [
        [each[start:end].copy() for each in (values, covariates, past)] for start, end in zip(starts, ends, strict=True)
    ]
    series = tuple(
        SeriesCutter().series(label, own, index, known, before, f"series {label!r}")
        for label, index, (own, known, before) in zip(ids, indexes, parts, strict=True)
    )
    return Panel(series, "long", names, id_dtype=y["unique_id"].dtype, past_names=past_names)


def _check_ids(ids: list[Any]) -> None:
    """Raise if two ids are equal as text, by which files and embeddings know them."""
    known: dict[str, Any] = {}
    for label in ids:
        other = known.setdefault(str(label), label)
        if other is not label:
            raise InvalidArgumentError(
                f"y['unique_id'] has {other!r} and {label!r}, which are equal as text; expected different names. "
                "y['unique_id'].astype(str) makes one series of both."
            )


def _long_indexes(dates: Index, starts: NDArray[Any], ends: NDArray[Any], ids: list[Any]) -> list[Index]:
    """The index of each series. The frequency is that of the longest series; the others must have the same."""
    longest = int(np.argmax(ends - starts))
    first = _long_index(dates[starts[longest] : ends[longest]], ids[longest])
    if isinstance(first, pd.RangeIndex):
        return [_long_index(dates[start:end], each) for start, end, each in zip(starts, ends, ids, strict=True)]
    # One grid for all series that lie on it: slicing it is many times faster than building one per series.
    grid = grid_like(dates.min(), dates.max(), first)
    positions = np.full(len(dates), -1) if grid is None else grid.get_indexer(dates)
    indexes = []
    for start, end, each in zip(starts, ends, ids, strict=True):
        position = positions[start]
        if grid is not None and position >= 0 and (np.diff(positions[start:end]) == 1).all():
            indexes.append(grid[position : position + end - start])
        else:
            indexes.append(_same_frequency(_long_index_of(dates[start:end], each, first), first, each, ids[longest]))
    return indexes


def _long_index_of(dates: Index, label: Any, first: Index) -> Index:
    """The index of dates off the grid of the longest series, which may still have its frequency (hourly, at :30)."""
    if isinstance(first, pd.DatetimeIndex):
        found = renamed_if_equal(dates, dates_from(dates[0], len(dates), first.freq, dates.unit))
        if found is not None:
            return found
        if len(dates) < 3 and not dates.has_duplicates:  # too short to infer a frequency
            grid = dates_between(dates[0], dates[-1], first.freq, dates.unit)
            if grid is not None and dates.isin(grid).all():
                raise_missing(grid[~grid.isin(dates)], first.freq, *names_of_long(label), DATES_HINT)
            raise InvalidArgumentError(
                f"{names_of_long(label)[0]}: {listed(dates)} do not have the frequency {offset_text(first.freq)} of "
                "the longest series; expected one frequency for all series."
            )
    return _long_index(dates, label)


def _long_index(dates: Index, label: Any) -> Index:
    return regular_index(dates, *names_of_long(label), DATES_HINT)


def _same_frequency(index: Index, first: Index, label: Any, longest: Any) -> Index:
    if index.freq != first.freq:
        raise InvalidArgumentError(
            f"series {label!r} has the frequency {offset_text(index.freq)} and {longest!r}, the longest, "
            f"{offset_text(first.freq)}; expected one frequency for all series."
        )
    return index


def _matching_rows(
    X: pd.DataFrame, rows: pd.MultiIndex, uniques: Index, codes: NDArray[Any], dates: Index, filled: bool
) -> NDArray[np.intp]:
    """The row numbers in X of the rows of y, those that were filled in among them."""
    found = rows_by_key(X, "X", uniques, codes, dates)
    if (found < 0).any():
        raise InvalidArgumentError(
            f"X lacks {int((found < 0).sum())} rows of y: {listed(rows[found < 0])}; "
            f"expected a row for each{EVERY_STEP if filled else ''}. Further rows are ignored."
        )
    return found


# Covariates over the index of y


def _shared_covariates(X: Any, index: Index, missing: str) -> tuple[Values, tuple[str, ...]]:
    """Covariates (T, K) that are the same for every series, and their names."""
    if X is None:
        return np.empty((len(index), 0)), ()
    if isinstance(X, np.ndarray | list | tuple):
        values = covariate_array(X, len(index), "X", "T")
        return values, tuple(f"x{i}" for i in range(values.shape[1]))
    if not isinstance(X, pd.Series | pd.DataFrame):
        raise InvalidArgumentError(
            f"X is a {type(X).__name__}; expected None, a pandas Series or DataFrame with the index of y, "
            "or a NumPy array (T, K)."
        )
    frame = as_frame(X)
    check_unique_names(list(frame.columns), "X")
    if not frame.shape[1]:
        raise InvalidArgumentError("X has no columns; expected at least one covariate, or X=None.")
    names = tuple(str(label) for label in frame.columns)
    if not same_labels(frame.index, index):
        frame = frame.iloc[_rows_of(frame.index, index, missing)]
    columns = [covariate_column(frame.iloc[:, i], "X", name, index) for i, name in enumerate(names)]
    return np.stack(columns, axis=1), names


def _rows_of(found: Index, index: Index, missing: str) -> NDArray[np.intp]:
    """The row of each date of `index` among those of X."""
    found = typed_index(found, "X.index", "X", ordered=False)
    check_same_kind(found, index, "X.index", "y.index")
    check_repeated(found, "X.index")
    rows = np.asarray(found.get_indexer(index), np.intp)
    lacks = index[rows < 0]
    if len(lacks):
        raise InvalidArgumentError(
            f"X lacks {len(lacks)} of the {len(index)} dates of y: {listed(lacks)}; expected a row for "
            f"each{EVERY_STEP if missing == 'skip' else ''}. Further rows are ignored."
        )
    return rows
