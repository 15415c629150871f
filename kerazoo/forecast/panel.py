"""Series of pandas and NumPy read in for a forecaster, and forecasts written out in the form that came in.

| form | y | forecast alone | with intervals |
|---|---|---|---|
| `"series"` | Series | Series of the same name | DataFrame, one column a label |
| `"frame"` | DataFrame, one column a series | DataFrame with the same columns | columns (series, label) |
| `"long"` | DataFrame with unique_id, ds, y | DataFrame with unique_id, ds, label | the same, one column a label |
| `"array"` | NumPy (T,) or list | NumPy (H,) | DataFrame, one column a label |
| `"array"` | NumPy (T, n) | NumPy (H, n) | DataFrame with columns (series, label) |
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from kerazoo.errors import InvalidArgumentError, check_choice, check_int

__all__ = ["Panel", "SeriesData", "future_index", "read_future", "read_panel", "regular_index", "write_forecast"]

Values: TypeAlias = NDArray[np.float64]
Index: TypeAlias = pd.Index

FORMS = ("series", "frame", "long", "array")
KEYS = ("unique_id", "ds")
ALLOWED = (
    "a pandas Series, a DataFrame with one column a series, a DataFrame with the columns unique_id, ds and y, "
    "a NumPy array (T,) or (T, n), or a list of numbers"
)
SHOWN = 3  # labels that a message lists
MOST_MISSING = 1_000_000  # a step that would need a longer grid than this explains no gap


@dataclass(frozen=True, eq=False)
class SeriesData:
    """One series.

    Attributes:
        id: label of the series: its name, column, unique_id, or number.
        values: float64 (T,), finite.
        index: the T dates: a DatetimeIndex with a freq, a PeriodIndex, or a RangeIndex of step 1.
        covariates: float64 (T, K), finite, known in the future; K = 0 without any.
    """

    id: Any
    values: Values
    index: Index
    covariates: Values


@dataclass(frozen=True, eq=False)
class Panel:
    """Series, and how they came in.

    Attributes:
        series: one SeriesData a series.
        form: `"series"`, `"frame"`, `"long"` or `"array"`.
        covariate_names: names of the K covariates.
        name: name of a Series; None in other forms.
        level_names: names of the levels of a frame's columns.
        id_dtype: pandas dtype of a frame's columns or of the unique_ids; None: what pandas makes of them.
        ndim: 1 or 2, axes of an array.

    >>> panel = read_panel([3.0, 1.0, 2.0])
    >>> panel.form, panel.ids, panel.series[0].index
    ('array', (0,), RangeIndex(start=0, stop=3, step=1))
    """

    series: tuple[SeriesData, ...]
    form: str
    covariate_names: tuple[str, ...] = ()
    name: Hashable = None
    level_names: tuple[Hashable, ...] = (None,)
    id_dtype: Any = None
    ndim: int = 1

    @property
    def ids(self) -> tuple[Any, ...]:
        """Labels of the series."""
        return tuple(each.id for each in self.series)

    def to_config(self) -> dict[str, Any]:
        """The description as values of JSON: all but the numbers of the series and of their covariates.

        Raises:
            InvalidArgumentError: a label, a frequency or a time zone has no form in JSON.
        """
        indexes: dict[str, int] = {}
        known: dict[int, int] = {}  # the series of a frame share one index: it is described once
        series = []
        for each in self.series:
            if id(each.index) not in known:
                text = json.dumps(_index_config(each.index))
                known[id(each.index)] = indexes.setdefault(text, len(indexes))
            series.append({"id": _label_config(each.id), "index": known[id(each.index)]})
        return {
            "form": self.form,
            "covariate_names": list(self.covariate_names),
            "name": _label_config(self.name),
            "level_names": [_label_config(name) for name in self.level_names],
            "id_dtype": _dtype_config(self.id_dtype),
            "ndim": self.ndim,
            "indexes": [json.loads(text) for text in indexes],
            "series": series,
        }

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        values: Sequence[Values] | None = None,
        covariates: Sequence[Values] | None = None,
    ) -> Panel:
        """The inverse of :meth:`to_config`.

        Args:
            config: what :meth:`to_config` gave.
            values: float64 (T,) a series. None: NaN; the panel then knows its dates and no history, which is enough
                for :func:`read_future` and :func:`write_forecast`.
            covariates: float64 (T, K) a series. None: NaN.

        Raises:
            InvalidArgumentError: a field is missing, or the arrays do not fit.

        >>> panel = read_panel([3.0, 1.0, 2.0])
        >>> write_forecast(Panel.from_config(panel.to_config()), {"forecast": [np.array([2.0, 2.0])]})
        array([2., 2.])
        """
        needed = ("form", "covariate_names", "name", "level_names", "id_dtype", "ndim", "indexes", "series")
        lacks = [field for field in needed if field not in config]
        if lacks:
            raise InvalidArgumentError(f"config without {', '.join(lacks)}; expected what Panel.to_config() gave.")
        check_choice("form", config["form"], FORMS)
        names = tuple(config["covariate_names"])
        indexes = [_index_from_config(each) for each in config["indexes"]]
        index_of = [indexes[each["index"]] for each in config["series"]]
        shapes: list[tuple[int, ...]] = [(len(index),) for index in index_of]
        numbers = _arrays("values", values, shapes)
        features = _arrays("covariates", covariates, [(*shape, len(names)) for shape in shapes])
        series = tuple(
            SeriesData(_label(each["id"]), *parts)
            for each, *parts in zip(config["series"], numbers, index_of, features, strict=True)
        )
        return cls(
            series,
            config["form"],
            names,
            _label(config["name"]),
            tuple(_label(name) for name in config["level_names"]),
            _dtype(config["id_dtype"]),
            config["ndim"],
        )


def read_panel(y: Any, X: Any = None) -> Panel:
    """Read one series or several, with the covariates that are known in the future.

    Args:
        y: one of

            - a Series over a DatetimeIndex, a PeriodIndex or integers that count up by 1;
            - a DataFrame over such an index, one column a series;
            - a long DataFrame with the columns `unique_id`, `ds` and `y`, its rows in any order. The series may start
              and end at different dates; all have one frequency. Further columns are covariates if `X` is None;
            - a NumPy array (T,) or (T, n), or a list of numbers.

            Any dtype of numbers but bool and complex, and nullable ones without a missing value. Without a `freq`, a
            DatetimeIndex shows its frequency by its dates, at least three. Time zones are kept.
        X: covariates, or None. A Series or a DataFrame over the index of `y`, the same for all series; for a long `y`
            a long DataFrame with `unique_id`, `ds` and the covariates; or numbers (T, K) or (T,), which are named x0,
            x1, ... A Series without a name is x.

    Returns:
        The panel. Its arrays are copies: `y` and `X` stay as they are.

    Raises:
        InvalidArgumentError: another type or dtype, no values, values that are not finite, or dates that are missing,
            repeated or not in order. The message names the dates.

    >>> months = pd.period_range("2020-01", periods=4, freq="M")
    >>> frame = pd.DataFrame({"north": [1, 2, 3, 4], "south": [5, 6, 7, 8]}, index=months)
    >>> panel = read_panel(frame, X=pd.Series([0, 0, 1, 0], months, name="strike"))
    >>> panel.form, panel.ids, panel.covariate_names, panel.series[1].values
    ('frame', ('north', 'south'), ('strike',), array([5., 6., 7., 8.]))
    """
    if isinstance(y, pd.DataFrame):
        labels = list(y.columns)
        if all(key in labels for key in KEYS):
            return _read_long(y, X)
        if any(key in labels for key in KEYS):
            missing = next(key for key in KEYS if key not in labels)
            raise InvalidArgumentError(
                f"y has the columns {_listed(labels)}, but not {missing!r}; expected unique_id, ds and y in a long "
                "frame. One series: y.set_index('ds')['y']; several as columns: without unique_id, dates as the index."
            )
        return _read_frame(y, X)
    if isinstance(y, pd.Series):
        index = _index_of(y, "y")
        values = _numbers(y, "y", index)
        covariates, names = _shared_covariates(X, index)
        return Panel((SeriesData(y.name, values, index, covariates),), "series", names, y.name)
    if isinstance(y, np.ndarray | list | tuple):
        return _read_array(y, X)
    raise InvalidArgumentError(f"y is a {type(y).__name__}; expected {ALLOWED}.")


def regular_index(index: Index, where: str = "index", owner: str = "y") -> Index:
    """The index as one that can be continued, or an error that names the dates which are in the way.

    Args:
        index: DatetimeIndex with or without `freq`, PeriodIndex, or integers that count up by 1.
        where: str, what messages call the index.
        owner: str, what messages call the data; its methods are the remedies.

    Returns:
        A DatetimeIndex with a freq, a PeriodIndex, or a RangeIndex. Name, unit and time zone are kept.

    Raises:
        InvalidArgumentError: another kind of index; no dates; dates that are missing, repeated or not in order.

    >>> regular_index(pd.DatetimeIndex(["2020-01-31", "2020-02-29", "2020-03-31"])).freq
    <MonthEnd>
    >>> regular_index(pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05"]))
    Traceback (most recent call last):
    ...
    kerazoo.errors.InvalidArgumentError: index: 2 dates are missing at the frequency 'D': 2020-01-03, 2020-01-04. To
    put them in and fill them: y.asfreq('D').interpolate().
    """
    index = _typed(index, where, owner)
    _check_order(index, where, owner)
    if isinstance(index, pd.RangeIndex):
        return index
    if isinstance(index, pd.PeriodIndex):
        grid = pd.period_range(index[0], index[-1], freq=index.freq)
        if len(grid) != len(index):
            _raise_missing(grid[~grid.isin(index)], index.freq, where, owner)
        return index
    found = _with_frequency(index)
    if found is not None:
        return found
    if len(index) < 3:
        remedy = f"a freq, as {owner}.asfreq('D') sets, or more dates" if owner else "three dates in a series at least"
        raise InvalidArgumentError(
            f"{where} has no freq and {len(index)} of the 3 dates that would show it; expected {remedy}."
        )
    _raise_irregular(index, where, owner)


def future_index(index: Index, horizon: int) -> Index:
    """The `horizon` dates that follow an index, of its kind, frequency, unit, time zone and name.

    Days, weeks and months go by the clock on the wall of the time zone, hours and minutes by the time that passes.

    Args:
        index: as for :func:`regular_index`.
        horizon: int >= 1.

    Raises:
        InvalidArgumentError: the index cannot be continued.

    >>> list(future_index(pd.period_range("2020Q1", "2021Q3", freq="Q"), 2).astype(str))
    ['2021Q4', '2022Q1']
    >>> future_index(pd.RangeIndex(5, name="step"), 3)
    RangeIndex(start=5, stop=8, step=1, name='step')
    """
    check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    index = regular_index(index)
    if isinstance(index, pd.RangeIndex):
        return pd.RangeIndex(index[-1] + 1, index[-1] + 1 + horizon, name=index.name)
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=horizon, freq=index.freq, name=index.name)
    try:
        # Not index[-1] + k * freq: across a change of the clocks that would leave the hour of the day.
        grid = pd.date_range(index[-1], periods=horizon + 1, freq=index.freq, name=index.name, unit=index.unit)
    except Exception as error:  # pytz and pandas have errors of their own for hours that a time zone skips
        raise InvalidArgumentError(
            f"{horizon} dates after {_text(index[-1])} at the frequency {_offset_text(index.freq)} do not exist "
            f"({type(error).__name__}: {error}); expected fewer, or dates in UTC (y.tz_convert('UTC'))."
        ) from error
    return grid[1:]


def read_future(panel: Panel, X_future: Any, horizon: int) -> list[Values]:
    """The covariates of the `horizon` steps after the end of each series.

    Args:
        panel: Panel, what was fitted.
        X_future: a DataFrame (a Series, for one covariate) whose index holds the dates of the forecast, or for a long
            panel a long DataFrame; columns are taken by name and rows by date, so other columns and rows do not
            matter. Or numbers (horizon, K), or (horizon,) if K is 1, in the order of `panel.covariate_names`; not for
            a long panel. None without covariates.
        horizon: int >= 1.

    Returns:
        One float64 (horizon, K) a series. Series that share their covariates share the array.

    Raises:
        InvalidArgumentError: covariates or dates are missing, values are not finite, or none were fitted.

    >>> panel = read_panel([3.0, 1.0, 2.0], X=[0, 1, 0])
    >>> read_future(panel, [1, 1], 2)
    [array([[1.],
           [1.]])]
    """
    check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    names = panel.covariate_names
    if not names:
        if X_future is not None:
            raise InvalidArgumentError(
                "X_future is given, but there were no covariates in fit; expected None, or covariates in both."
            )
        return [np.empty((horizon, 0)) for _ in panel.series]
    wanted = _future_indexes(panel, horizon)
    if X_future is None:
        first = wanted[0]
        of_series = "" if panel.form in ("series", "array") else f" (series {panel.ids[0]!r})"
        raise InvalidArgumentError(
            f"X_future=None; expected the covariates of fit ({', '.join(names)}) for the dates of the forecast: "
            f"{_text(first[0])} to {_text(first[-1])}{of_series}."
        )
    if isinstance(X_future, pd.Series | pd.DataFrame):
        if panel.form == "long":
            return _future_of_long(panel, X_future, wanted)
        columns = _named_columns(_framed(X_future, names), names)
        values = _rows_of(columns, X_future.index, wanted[0])
    elif isinstance(X_future, np.ndarray | list | tuple):
        _refuse_plain_numbers(panel.form == "long", "X_future")
        values = _plain_covariates(X_future, horizon, "X_future", "horizon")
        if values.shape[1] != len(names):
            raise InvalidArgumentError(
                f"X_future has {values.shape[1]} columns; expected {len(names)}: {', '.join(names)}."
            )
    else:
        raise InvalidArgumentError(
            f"X_future is a {type(X_future).__name__}; expected a pandas DataFrame, a Series or a NumPy array."
        )
    return [values] * len(panel.series)


def write_forecast(panel: Panel, columns: Mapping[str, Sequence[Values]]) -> Any:
    """Forecasts in the form of `y`, over the dates that follow it.

    One label, which is the forecast alone, gives the type of `y`; several, as with intervals, give a DataFrame. In a
    frame of one series, and in a long frame, the columns are the labels; in a frame of several they are pairs of
    series and label: `result["north"]["lower_80"]`, `result.xs("forecast", axis=1, level=-1)`. See the table at the
    head of this module.

    Args:
        panel: Panel.
        columns: label (`"forecast"`, `"lower_80"`, ...) to one float64 (H,) a series, H the same for all.

    Returns:
        A Series, DataFrame or float64 array.

    Raises:
        InvalidArgumentError: no label, or arrays that do not fit the panel or each other.

    >>> y = pd.Series([1.0, 2, 3], pd.period_range("2020-01", periods=3, freq="M"), name="sold")
    >>> forecast, lower = [np.array([4.0, 5])], [np.array([3.0, 3.5])]
    >>> write_forecast(read_panel(y), {"forecast": forecast})
    2020-04    4.0
    2020-05    5.0
    Freq: M, Name: sold, dtype: float64
    >>> write_forecast(read_panel(y), {"forecast": forecast, "lower_80": lower})
             forecast  lower_80
    2020-04       4.0       3.0
    2020-05       5.0       3.5
    """
    if not columns:
        raise InvalidArgumentError("columns is empty; expected at least one label with its forecasts.")
    checked = {label: [np.asarray(each, np.float64) for each in arrays] for label, arrays in columns.items()}
    shapes = {each.shape for arrays in checked.values() for each in arrays}
    counts = {len(arrays) for arrays in checked.values()}
    if counts != {len(panel.series)} or len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise InvalidArgumentError(
            f"columns hold {sorted(counts)} arrays of the shapes {sorted(shapes)}; "
            f"expected {len(panel.series)} a label, one a series, all of the same shape (H,)."
        )
    horizon = next(iter(shapes))[0]
    indexes = _future_indexes(panel, horizon)
    alone = next(iter(checked.values())) if len(checked) == 1 else None
    if panel.form == "long":
        dates = indexes[0].append(indexes[1:])
        keys = {"unique_id": _repeated_ids(panel, horizon), "ds": dates.rename(None)}
        return pd.DataFrame({**keys, **{label: np.concatenate(arrays) for label, arrays in checked.items()}})
    if panel.form == "array" and alone is not None:
        return alone[0].copy() if panel.ndim == 1 else np.stack(alone, axis=1)
    if panel.form == "series" and alone is not None:
        return pd.Series(alone[0].copy(), indexes[0], name=panel.name)
    if panel.form == "series" or (panel.form == "array" and panel.ndim == 1):
        return pd.DataFrame({label: arrays[0] for label, arrays in checked.items()}, index=indexes[0])
    by_series = [arrays[i] for i in range(len(panel.series)) for arrays in checked.values()]
    table = np.stack(by_series, axis=1)
    if alone is not None:
        return pd.DataFrame(table, index=indexes[0], columns=_columns_of(panel))
    pairs = [(*(each if isinstance(each, tuple) else (each,)), label) for each in panel.ids for label in checked]
    labels = pd.MultiIndex.from_tuples(pairs, names=[*panel.level_names, None])
    return pd.DataFrame(table, index=indexes[0], columns=labels)


# Reading y


def _read_frame(y: pd.DataFrame, X: Any) -> Panel:
    labels = list(y.columns)
    if not labels:
        raise InvalidArgumentError("y has no columns; expected one column a series.")
    _check_unique(labels, "y")
    index = _index_of(y, "y")
    numbers = [_numbers(y.iloc[:, i], f"y[{label!r}]", index, frame=True) for i, label in enumerate(labels)]
    covariates, names = _shared_covariates(X, index)
    series = tuple(
        SeriesData(label, values, index, covariates) for label, values in zip(y.columns.tolist(), numbers, strict=True)
    )
    dtype = None if isinstance(y.columns, pd.MultiIndex) else y.columns.dtype
    return Panel(series, "frame", names, None, tuple(y.columns.names), dtype)


def _read_array(y: Any, X: Any) -> Panel:
    array = _plain(y, "y")
    if array.ndim not in (1, 2):
        raise InvalidArgumentError(f"y has the shape {array.shape}; expected (T,) or (T, n).")
    if not array.size:
        raise InvalidArgumentError(f"y is empty (shape {array.shape}); expected at least one value.")
    index = pd.RangeIndex(len(array))
    columns = array.reshape(len(array), -1)
    covariates, names = _shared_covariates(X, index)
    series = []
    for i in range(columns.shape[1]):
        what = "y" if array.ndim == 1 else f"y[:, {i}]"
        series.append(SeriesData(i, _finite(columns[:, i].copy(), what, index), index, covariates))
    return Panel(tuple(series), "array", names, ndim=array.ndim)


def _read_long(y: pd.DataFrame, X: Any) -> Panel:
    labels = list(y.columns)
    _check_unique(labels, "y")
    if "y" not in labels:
        raise InvalidArgumentError(f"y has the columns {_listed(labels)}, but not 'y'; expected unique_id, ds and y.")
    if not len(y):
        raise InvalidArgumentError("y has no rows; expected at least one.")
    dates, codes, uniques = _keys_of(y, "y")
    order = np.lexsort((_ordinals(dates), codes))
    dates, codes = dates[order], codes[order]
    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    starts = np.append(0, ends[:-1])
    ids = uniques.tolist()
    rows = pd.MultiIndex.from_arrays([uniques.take(codes), dates])
    values = _numbers(y["y"].iloc[order], "y['y']", rows)
    if X is None:
        frame, what, places = y, "y", order
        names = tuple(str(label) for label in labels if label not in (*KEYS, "y"))
    else:
        if not isinstance(X, pd.DataFrame):
            raise InvalidArgumentError(
                f"X is a {type(X).__name__}; expected a DataFrame with unique_id, ds and the covariates, as y has."
            )
        _need_keys(X, "X")
        _check_unique(list(X.columns), "X")
        names = tuple(str(label) for label in X.columns if label not in KEYS)
        if not names:
            raise InvalidArgumentError("X has no columns but unique_id and ds; expected covariates, or None.")
        frame, what, places = X, "X", _matching_rows(X, rows, uniques, codes, dates)
    by_name = {str(label): frame[label] for label in frame.columns}
    columns = [_numbers(by_name[name].iloc[places], f"{what}[{name!r}]", rows) for name in names]
    covariates = np.stack(columns, axis=1) if columns else np.empty((len(values), 0))
    indexes = _long_indexes(dates, starts, ends, ids)
    series = tuple(
        SeriesData(ids[codes[start]], values[start:end].copy(), index, covariates[start:end].copy())
        for start, end, index in zip(starts, ends, indexes, strict=True)
    )
    return Panel(series, "long", names, id_dtype=y["unique_id"].dtype)


def _long_indexes(dates: Index, starts: NDArray[Any], ends: NDArray[Any], ids: list[Any]) -> list[Index]:
    """The index of each series. The longest shows the frequency; the others must have it."""
    longest = int(np.argmax(ends - starts))
    first = _long_index(dates[starts[longest] : ends[longest]], ids[longest])
    if isinstance(first, pd.RangeIndex):
        return [_long_index(dates[start:end], each) for start, end, each in zip(starts, ends, ids, strict=True)]
    # One grid for all, where they meet it: slices of it are many times faster than a grid for each.
    grid = _grid(dates.min(), dates.max(), first)
    places = np.full(len(dates), -1) if grid is None else grid.get_indexer(dates)
    indexes = []
    for start, end, each in zip(starts, ends, ids, strict=True):
        place = places[start]
        if grid is not None and place >= 0 and (np.diff(places[start:end]) == 1).all():
            indexes.append(grid[place : place + end - start])
        else:
            indexes.append(_like(_long_index_of(dates[start:end], each, first), first, each, ids[longest]))
    return indexes


def _long_index_of(dates: Index, label: Any, first: Index) -> Index:
    """Dates that are not on the grid of the longest series, but may have its frequency, as hourly ones at half past."""
    if isinstance(first, pd.DatetimeIndex):
        found = _same(dates, _dates(dates[0], len(dates), first.freq, dates.unit))
        if found is not None:
            return found
        if len(dates) < 3 and not dates.has_duplicates:  # too short for a frequency of their own
            grid = _dates_between(dates[0], dates[-1], first.freq, dates.unit)
            if grid is not None and dates.isin(grid).all():
                _raise_missing(grid[~grid.isin(dates)], first.freq, *_long_place(label))
            raise InvalidArgumentError(
                f"{_long_place(label)[0]}: {_listed(dates)} do not fit the frequency {_offset_text(first.freq)} of the "
                "longest series; expected one frequency for all series."
            )
    return _long_index(dates, label)


def _long_index(dates: Index, label: Any) -> Index:
    return regular_index(dates, *_long_place(label))


def _long_place(label: Any) -> tuple[str, str]:
    return f"ds of series {label!r}", ""


def _like(index: Index, first: Index, label: Any, longest: Any) -> Index:
    if index.freq != first.freq:
        raise InvalidArgumentError(
            f"series {label!r} has the frequency {_offset_text(index.freq)} and {longest!r}, the longest, "
            f"{_offset_text(first.freq)}; expected one frequency for all series."
        )
    return index


def _keys_of(frame: pd.DataFrame, what: str) -> tuple[Index, NDArray[np.intp], Index]:
    """ds as an index, the number of each row's series, and the unique_ids in the order of their first rows."""
    missing = int(frame["unique_id"].isna().sum())
    if missing:
        raise InvalidArgumentError(f"{what}['unique_id'] is missing in {missing} rows; expected an id in each.")
    dates = _typed(pd.Index(frame["ds"], name="ds"), f"{what}['ds']", what, ordered=False)
    codes, uniques = pd.factorize(frame["unique_id"])
    return dates, codes, pd.Index(uniques)


def _ordinals(dates: Index) -> NDArray[np.int64]:
    return np.asarray(dates.asi8 if hasattr(dates, "asi8") else dates, np.int64)


def _need_keys(frame: pd.DataFrame, what: str) -> None:
    lacks = [key for key in KEYS if key not in list(frame.columns)]
    if lacks:
        raise InvalidArgumentError(
            f"{what} has no column {' and no '.join(map(repr, lacks))}; expected unique_id, ds and the covariates, "
            "since y is a long frame."
        )


def _matching_rows(
    X: pd.DataFrame, rows: pd.MultiIndex, uniques: Index, codes: NDArray[Any], dates: Index
) -> NDArray[np.intp]:
    """Places in X of the rows of y."""
    X_dates, X_codes, X_uniques = _keys_of(X, "X")
    _check_same_kind(X_dates, dates, "X['ds']", "y['ds']")
    shown = pd.MultiIndex.from_arrays([X_uniques.take(X_codes), X_dates])
    _check_repeated(pd.MultiIndex.from_arrays([X_codes, X_dates]), "X", shown)
    known = uniques.get_indexer(X_uniques)[X_codes]  # -1: a series that y does not have
    rows_of_y = np.flatnonzero(known >= 0)
    X_rows = pd.MultiIndex.from_arrays([known[rows_of_y], X_dates[rows_of_y]])
    places = X_rows.get_indexer(pd.MultiIndex.from_arrays([codes, dates]))
    if (places < 0).any():
        raise InvalidArgumentError(
            f"X lacks {int((places < 0).sum())} rows of y: {_listed(rows[places < 0])}; "
            "expected the same unique_id and ds in both."
        )
    places = rows_of_y[places]
    if len(X) > len(places):
        extra = np.ones(len(X), bool)
        extra[places] = False
        raise InvalidArgumentError(
            f"X has {int(extra.sum())} rows that y does not have: {_listed(shown[extra])}; expected the same unique_id "
            "and ds in both. y[['unique_id', 'ds']].merge(X) has those of y."
        )
    return np.asarray(places)


# Covariates


def _shared_covariates(X: Any, index: Index) -> tuple[Values, tuple[str, ...]]:
    """Covariates (T, K) that are the same for every series, and their names."""
    if X is None:
        return np.empty((len(index), 0)), ()
    if isinstance(X, np.ndarray | list | tuple):
        values = _plain_covariates(X, len(index), "X", "T")
        return values, tuple(f"x{i}" for i in range(values.shape[1]))
    if not isinstance(X, pd.Series | pd.DataFrame):
        raise InvalidArgumentError(
            f"X is a {type(X).__name__}; expected None, a pandas Series or DataFrame with the index of y, "
            "or a NumPy array (T, K)."
        )
    frame = _framed(X)
    _check_unique(list(frame.columns), "X")
    if not frame.shape[1]:
        raise InvalidArgumentError("X has no columns; expected at least one covariate, or None.")
    if not _equal(frame.index, index):
        _raise_other_index(frame.index, index)
    names = tuple(str(label) for label in frame.columns)
    columns = [_numbers(frame.iloc[:, i], f"X[{name!r}]", index) for i, name in enumerate(names)]
    return np.stack(columns, axis=1), names


def _framed(X: Any, names: Sequence[str] = ("x",)) -> pd.DataFrame:
    """A Series as a frame of one column. Without a name it is the only one of `names`, or x."""
    if isinstance(X, pd.DataFrame):
        return X
    name = X.name if X.name is not None else names[0] if len(names) == 1 else "x"
    return X.to_frame(name)


def _plain_covariates(X: Any, length: int, what: str, axis: str) -> Values:
    array = _plain(X, what)
    if array.ndim not in (1, 2) or len(array) != length or not array.size:
        raise InvalidArgumentError(
            f"{what} has the shape {array.shape}; expected ({axis}, K) or ({axis},) with {axis}={length}."
        )
    columns = array.reshape(length, -1)
    labels = pd.RangeIndex(length)
    for i in range(columns.shape[1]):
        _finite(columns[:, i], what if array.ndim == 1 else f"{what}[:, {i}]", labels)
    return columns


def _refuse_plain_numbers(refused: bool, what: str) -> None:
    if refused:
        raise InvalidArgumentError(
            f"{what} is an array without dates; expected a DataFrame with unique_id, ds and the covariates, "
            "since y is a long frame, whose series may end at different dates."
        )


def _raise_other_index(found: Index, index: Index) -> NoReturn:
    _check_same_kind(found, index, "X.index", "y.index")
    _check_repeated(found, "X.index")
    lacks = index[~index.isin(found)]
    extra = found[~found.isin(index)]
    if len(lacks):
        raise InvalidArgumentError(
            f"X lacks {len(lacks)} of the {len(index)} dates of y: {_listed(lacks)}; expected the same index."
        )
    if len(extra):
        raise InvalidArgumentError(
            f"X has {len(extra)} dates that y does not have: {_listed(extra)}; expected the same index. "
            "X.loc[y.index] has those of y."
        )
    raise InvalidArgumentError(
        "X has the dates of y in another order; expected the same index. X.loc[y.index] mends it."
    )


def _check_same_kind(found: Index, index: Index, found_name: str, index_name: str) -> None:
    """Refuse indexes that have no label in common by their type. Units of datetimes may differ."""

    def kind(labels: Index) -> str:
        if isinstance(labels, pd.DatetimeIndex):
            return "dates without a time zone" if labels.tz is None else "dates with a time zone"
        if isinstance(labels, pd.PeriodIndex):
            return f"periods {labels.freqstr}"
        return "integers" if pd.api.types.is_integer_dtype(labels.dtype) else f"values of the dtype {labels.dtype}"

    if kind(found) != kind(index):
        raise InvalidArgumentError(
            f"{found_name} has {kind(found)}, {index_name} has {kind(index)}; expected the same."
        )


def _named_columns(frame: pd.DataFrame, names: Sequence[str]) -> list[tuple[str, pd.Series]]:
    labels = [str(label) for label in frame.columns]
    lacks = [name for name in names if name not in labels]
    if lacks:
        raise InvalidArgumentError(
            f"X_future has no column {', '.join(map(repr, lacks))}; expected the covariates of fit: {', '.join(names)}."
        )
    repeated = [name for name in names if labels.count(name) > 1]
    if repeated:
        raise InvalidArgumentError(f"X_future has the column {repeated[0]!r} more than once; expected different names.")
    return [(name, frame.iloc[:, labels.index(name)]) for name in names]


def _rows_of(columns: list[tuple[str, pd.Series]], index: Index, wanted: Index, of_series: str = "") -> Values:
    """float64 (H, K): the rows of the wanted dates."""
    _check_same_kind(index, wanted, "X_future.index" if not of_series else "X_future['ds']", "the index of y")
    rows = np.flatnonzero(index.isin(wanted))
    kept = index[rows]
    _check_repeated(kept, f"X_future{of_series}")
    places = kept.get_indexer(wanted)
    if (places < 0).any():
        raise InvalidArgumentError(
            f"X_future{of_series} lacks {int((places < 0).sum())} of the {len(wanted)} dates of the forecast: "
            f"{_listed(wanted[places < 0])}; expected {_text(wanted[0])} to {_text(wanted[-1])}."
        )
    taken = rows[places]
    return np.stack(
        [_numbers(column.iloc[taken], f"X_future[{name!r}]{of_series}", wanted) for name, column in columns], axis=1
    )


def _future_of_long(panel: Panel, X_future: Any, wanted: list[Index]) -> list[Values]:
    if not isinstance(X_future, pd.DataFrame):
        raise InvalidArgumentError("X_future is a Series; expected a DataFrame with unique_id, ds and the covariates.")
    _need_keys(X_future, "X_future")
    columns = _named_columns(X_future, panel.covariate_names)
    if not len(X_future):
        raise InvalidArgumentError("X_future has no rows; expected the dates of the forecast for each series.")
    dates, codes, uniques = _keys_of(X_future, "X_future")
    lacks = [each for each in panel.ids if each not in uniques]
    if lacks:
        raise InvalidArgumentError(
            f"X_future lacks {len(lacks)} of the {len(panel.ids)} series: {_listed(lacks)}; expected rows of each."
        )
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(uniques) + 1))
    found = []
    for each, label in zip(wanted, panel.ids, strict=True):
        code = uniques.get_loc(label)
        rows = order[bounds[code] : bounds[code + 1]]
        of_rows = [(name, column.iloc[rows]) for name, column in columns]
        found.append(_rows_of(of_rows, dates[rows], each, f" of series {label!r}"))
    return found


# Numbers


def _plain(data: Any, what: str) -> Values:
    """A list or an array as float64, a copy."""
    if isinstance(data, np.ma.MaskedArray) and data.dtype.kind in "iuf":
        data = np.ma.filled(data.astype(np.float64), np.nan)  # what is masked counts as missing
    try:
        array = np.asarray(data)
    except ValueError:
        raise InvalidArgumentError(f"{what} is a list of lists of different lengths; expected equal ones.") from None
    if array.dtype.kind not in "iuf":
        hint = " It holds None or values that are no numbers." if array.dtype.kind == "O" else ""
        raise InvalidArgumentError(f"{what} has the dtype {array.dtype}; expected numbers.{hint}")
    return np.array(array, np.float64)


def _numbers(column: pd.Series, what: str, labels: Index, frame: bool = False) -> Values:
    """A column as finite float64 (T,), a copy."""
    dtype = column.dtype
    types = pd.api.types
    if types.is_bool_dtype(dtype):
        raise InvalidArgumentError(
            f"{what} has the dtype {dtype}; expected numbers. {what}.astype(float) makes 0 and 1 of it."
        )
    if not types.is_numeric_dtype(dtype) or types.is_complex_dtype(dtype):
        hint = ""
        if types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
            hint = f" pd.to_numeric({what}) reads numbers from text."
        elif types.is_datetime64_any_dtype(dtype):
            hint = " Dates belong into the index."
        raise InvalidArgumentError(f"{what} has the dtype {dtype}; expected numbers.{hint}")
    values = np.array(column.to_numpy(np.float64, na_value=np.nan), np.float64)
    return _finite(values, what, labels, frame)


def _finite(values: Values, what: str, labels: Index, frame: bool = False) -> Values:
    bad = np.flatnonzero(~np.isfinite(values))
    if not len(bad):
        return values
    shown = ", ".join(f"{_number(values[place])} at {_text(labels[place])}" for place in bad[:SHOWN])
    more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    hint = "Fill them, as with interpolate(), or leave them out at the ends."
    if frame:
        hint += " Series that start or end at different dates go into a long frame (unique_id, ds, y)."
    verb = "is" if len(bad) == 1 else "are"
    raise InvalidArgumentError(
        f"{what}: {len(bad)} of {len(values)} values {verb} not finite: {shown}{more}; expected numbers. {hint}"
    )


def _number(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:g}"


# Indexes


def _index_of(data: Any, owner: str) -> Index:
    if not len(data):
        raise InvalidArgumentError(f"{owner} has no rows; expected at least one.")
    return regular_index(data.index, f"{owner}.index", owner)


def _typed(index: Index, where: str, owner: str, ordered: bool = True) -> Index:
    """A DatetimeIndex, a PeriodIndex or integers, without missing values; integers that count up as a RangeIndex."""
    if not isinstance(index, pd.Index):
        raise InvalidArgumentError(f"{where} is a {type(index).__name__}; expected a pandas Index.")
    if not len(index):
        raise InvalidArgumentError(f"{where} has no dates; expected at least one.")
    if getattr(index.dtype, "kind", "") == "M" and not isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index)  # from Arrow
    integers = pd.api.types.is_integer_dtype(index.dtype)
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not integers:
        kind = "a MultiIndex" if isinstance(index, pd.MultiIndex) else f"the dtype {index.dtype}"
        hint = f" {owner}.reset_index() gives columns, for a long frame." if kind == "a MultiIndex" else ""
        if pd.api.types.is_object_dtype(index.dtype) or pd.api.types.is_string_dtype(index.dtype):
            hint = f" pd.to_datetime({where}) reads dates from text." if kind != "a MultiIndex" else hint
        raise InvalidArgumentError(
            f"{where} has {kind}; expected dates (datetime64), periods, or integers that count up by 1.{hint}"
        )
    if index.hasnans:
        raise InvalidArgumentError(f"{where} is missing in {int(index.isna().sum())} rows; expected a date in each.")
    if not integers:
        return index
    index = pd.Index(np.asarray(index, np.int64), name=index.name)
    if not ordered:
        return index
    _check_order(index, where, owner)
    steps = np.diff(index)
    if (steps != 1).any():
        if int(steps.min()) == int(steps.max()):
            found = f"counts up by {int(steps[0])}"
        else:
            place = int(np.flatnonzero(steps != 1)[0])
            found = f"goes from {index[place]} to {index[place + 1]}"
        reset = f" {owner}.reset_index(drop=True) counts anew." if owner else ""
        raise InvalidArgumentError(f"{where} {found}; expected integers that count up by 1, without gaps.{reset}")
    return pd.RangeIndex(index[0], index[-1] + 1, name=index.name)


def _check_order(index: Index, where: str, owner: str) -> None:
    _check_repeated(index, where)
    backwards = np.flatnonzero(np.diff(_ordinals(index)) < 0)
    freq = getattr(index, "freq", None)
    if len(backwards):
        place = int(backwards[0]) + 1
        raise InvalidArgumentError(
            f"{where} is not in order: at position {place}, {_text(index[place])} follows {_text(index[place - 1])}; "
            f"expected dates that increase. {owner}.sort_index() mends it."
        )
    if freq is not None and freq.n < 1:
        raise InvalidArgumentError(f"{where} has the freq {freq.freqstr!r}; expected one that goes forwards.")


def _check_repeated(index: Index, where: str, shown: Index | None = None) -> None:
    repeated = index.duplicated()
    if repeated.any():
        labels = (index if shown is None else shown)[repeated].unique()
        raise InvalidArgumentError(
            f"{where} has {len(labels)} {'date' if len(labels) == 1 else 'dates'} more than once: {_listed(labels)}; "
            "expected each once. Drop the rows, or take their mean with groupby."
        )


def _check_unique(labels: Sequence[Any], what: str) -> None:
    repeated = [label for label, count in Counter(str(label) for label in labels).items() if count > 1]
    if repeated:
        raise InvalidArgumentError(f"{what} has more than one column {repeated[0]!r}; expected different names.")


def _equal(left: Index, right: Index) -> bool:
    """Whether the labels are the same. Index.equals of pandas 2 tells units of datetimes apart."""
    if isinstance(left, pd.DatetimeIndex) and isinstance(right, pd.DatetimeIndex):
        return (left.tz is None) == (right.tz is None) and len(left) == len(right) and bool((left == right).all())
    return bool(left.equals(right))


def _dates(start: Any, periods: int, freq: Any, unit: str) -> Index | None:
    """The dates from `start`, or None if there are none: pandas and pytz have several errors for hours that a time
    zone skips or has twice, and for dates beyond the range of the unit."""
    try:
        return pd.date_range(start, periods=periods, freq=freq, unit=unit)
    except Exception:
        return None


def _dates_between(start: Any, end: Any, freq: Any, unit: str) -> Index | None:
    try:
        step = (start + freq) - start
        if not step > pd.Timedelta(0) or (end - start) / step > MOST_MISSING:
            return None
        return pd.date_range(start, end, freq=freq, unit=unit)
    except Exception:
        return None


def _grid(start: Any, end: Any, like: Index) -> Index | None:
    if isinstance(like, pd.PeriodIndex):
        return pd.period_range(start, end, freq=like.freq, name=like.name)
    grid = _dates_between(start, end, like.freq, like.unit)
    return None if grid is None else grid.rename(like.name)


def _same(index: Index, grid: Index | None) -> Index | None:
    """The grid with the name of the index if it has the same dates, else None."""
    if grid is None or len(grid) != len(index) or not (grid == index).all():
        return None
    return grid.rename(index.name)


def _with_frequency(index: Index) -> Index | None:
    """A DatetimeIndex with a freq that its dates have, or None."""
    if index.freq is not None and (index.tz is None or not isinstance(index.freq, pd.offsets.Day)):
        return index
    freq = index.freq if index.freq is not None else _inferred(index)
    candidates = [] if freq is None else [freq]
    if index.tz is not None:
        # Steps of 24 hours leave the hour of the day when the clocks change; pandas 2 may call them days.
        passed = _inferred(index.tz_convert("UTC")) if freq is None else freq
        if isinstance(passed, pd.offsets.Day):
            candidates.append(pd.offsets.Hour(24 * passed.n))
    if len(index) > 2:
        candidates += _months(index)[:1]
    for freq in candidates:
        found = _same(index, _dates(index[0], len(index), freq, index.unit))
        if found is not None:
            return found
    return None


def _inferred(index: Index) -> Any:
    """The offset that pandas infers, or None."""
    if len(index) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3.1 announces that it will give an offset; both are taken here
        found = pd.infer_freq(index)
    return None if found is None else to_offset(found)


def _months(index: Index) -> list[Any]:
    """Offsets of whole months that dates may have: at the same day of the month, at its end, at its start."""
    steps = np.diff(index.year * 12 + index.month)
    step = Counter(steps.tolist()).most_common(1)[0][0]
    if step < 1:
        return []
    offsets = [pd.DateOffset(months=step)]
    if index.is_month_end.all():
        offsets.append(pd.offsets.MonthEnd(step))
    if index.is_month_start.all():
        offsets.append(pd.offsets.MonthBegin(step))
    return offsets


def _raise_irregular(index: Index, where: str, owner: str) -> NoReturn:
    """Name the dates that are missing at the frequency that explains all others with the fewest gaps."""
    best: tuple[Index, Any] | None = None
    for freq in _likely(index):
        grid = _dates_between(index[0], index[-1], freq, index.unit)
        if grid is None or not index.isin(grid).all():
            continue
        missing = grid[~grid.isin(index)]
        if best is None or len(missing) < len(best[0]):
            best = missing, freq
    if best is not None and len(best[0]):
        _raise_missing(*best, where, owner)
    steps = np.diff(_ordinals(index))
    usual, count = Counter(steps.tolist()).most_common(1)[0]
    place = int(np.flatnonzero(steps != usual)[0]) if count < len(steps) else 0
    step = pd.Timedelta(np.timedelta64(usual, index.unit))
    remedy = f"{owner}.asfreq(freq) sets one that dates do not show, {owner}.resample('D').mean() makes days of them."
    raise InvalidArgumentError(
        f"{where} has no frequency: {count} of {len(steps)} steps are {step}, but {_text(index[place + 1])} follows "
        f"{_text(index[place])}; expected dates at a fixed step. {remedy if owner else 'Resample the series.'}"
    )


def _likely(index: Index) -> list[Any]:
    """Frequencies that neighbouring dates have, the most common first."""
    places = np.unique(np.linspace(0, len(index) - 3, min(len(index) - 2, 200)).astype(int))
    found = Counter(freq for freq in (_inferred(index[place : place + 3]) for place in places) if freq is not None)
    steps = Counter(np.diff(_ordinals(index)).tolist())
    usual = min(steps, key=lambda step: (-steps[step], step))
    step = pd.Timedelta(np.timedelta64(usual, index.unit))
    days = [] if step % pd.Timedelta(days=1) else [pd.offsets.Day(step.days)]  # of 24 hours or, in a time zone, not
    return [*(freq for freq, _ in found.most_common()), *days, to_offset(step), *reversed(_months(index))]


def _raise_missing(missing: Index, freq: Any, where: str, owner: str) -> NoReturn:
    text = repr(missing.freqstr) if isinstance(missing, pd.PeriodIndex) else _offset_text(freq)
    remedy = "Add their rows."
    if owner:
        new = f"asfreq({text})"
        if isinstance(missing, pd.PeriodIndex):
            new = f"reindex(pd.period_range({where}[0], {where}[-1]))"
        remedy = f"To put them in and fill them: {owner}.{new}.interpolate()."
        if type(freq) is pd.offsets.BusinessDay and not isinstance(missing, pd.PeriodIndex):
            remedy += f" If they are holidays: {owner}.asfreq(pd.offsets.CustomBusinessDay(holidays=[...]))."
    verb = "date is" if len(missing) == 1 else "dates are"
    raise InvalidArgumentError(
        f"{where}: {len(missing)} {verb} missing at the frequency {text}: {_listed(missing)}. {remedy}"
    )


def _future_indexes(panel: Panel, horizon: int) -> list[Index]:
    """The dates after each series. Series that end at the same date share them."""
    known: dict[Any, Index] = {}
    found = []
    for each in panel.series:
        end = each.index[-1]
        if end not in known:
            # One date and the freq are enough to go on; the whole index would be checked for each series.
            known[end] = future_index(each.index[-1:], horizon)
        found.append(known[end])
    return found


# Labels


def _repeated_ids(panel: Panel, horizon: int) -> pd.Series:
    index = _columns_of(panel)
    return pd.Series(index.repeat(horizon)).reset_index(drop=True)


def _columns_of(panel: Panel) -> Index:
    """The ids as an index of the dtype that they came in."""
    ids = list(panel.ids)
    if panel.form == "frame" and len(panel.level_names) > 1:
        return pd.MultiIndex.from_tuples(ids, names=panel.level_names)
    try:
        return pd.Index(ids, dtype=panel.id_dtype, name=panel.level_names[0])
    except (TypeError, ValueError):  # a dtype of another version of pandas
        return pd.Index(ids, name=panel.level_names[0])


def _listed(labels: Iterable[Any]) -> str:
    everything = list(labels)
    more = f" and {len(everything) - SHOWN} more" if len(everything) > SHOWN else ""
    return ", ".join(_text(label) for label in everything[:SHOWN]) + more


def _text(label: Any) -> str:
    if isinstance(label, pd.Timestamp):
        return str(label.date()) if label.tz is None and label == label.normalize() else str(label)
    if isinstance(label, tuple):
        return f"({', '.join(_text(each) for each in label)})"
    return repr(label) if isinstance(label, str) else str(label)


def _offset_text(freq: Any) -> str:
    """An offset as code: 'MS', or pd.DateOffset(months=1) where there is no alias."""
    if type(freq) is pd.DateOffset:
        return f"pd.DateOffset({', '.join(f'{key}={value * freq.n}' for key, value in freq.kwds.items())})"
    return repr(freq.freqstr)


# Descriptions in JSON


def _arrays(what: str, arrays: Sequence[Values] | None, shapes: list[tuple[int, ...]]) -> list[Values]:
    if arrays is None:
        return [np.full(shape, np.nan) for shape in shapes]
    found = [np.asarray(each, np.float64) for each in arrays]
    if len(found) != len(shapes):
        raise InvalidArgumentError(f"{what} holds {len(found)} arrays; expected {len(shapes)}, one a series.")
    for i, (each, shape) in enumerate(zip(found, shapes, strict=True)):
        if each.shape != shape:
            raise InvalidArgumentError(f"{what}[{i}] has the shape {each.shape}; expected {shape}.")
    return found


def _label_config(label: Any) -> Any:
    if isinstance(label, np.generic):
        label = label.item()
    if label is None or isinstance(label, str | bool | int | float):
        return label
    if isinstance(label, tuple):
        return {"tuple": [_label_config(each) for each in label]}
    if isinstance(label, pd.Timestamp):
        return {"timestamp": label.isoformat()}
    raise InvalidArgumentError(
        f"label {label!r} is a {type(label).__name__}; expected text, a number, a Timestamp or a tuple of them, "
        "which JSON can hold. Rename the series."
    )


def _label(config: Any) -> Any:
    if isinstance(config, Mapping):
        return pd.Timestamp(config["timestamp"]) if "timestamp" in config else tuple(map(_label, config["tuple"]))
    return config


def _dtype_config(dtype: Any) -> Any:
    if isinstance(dtype, pd.CategoricalDtype):
        return {"categories": [_label_config(each) for each in dtype.categories], "ordered": bool(dtype.ordered)}
    return None if dtype is None else str(dtype)


def _dtype(config: Any) -> Any:
    if isinstance(config, Mapping):
        return pd.CategoricalDtype([_label(each) for each in config["categories"]], config["ordered"])
    try:
        return None if config is None else pd.api.types.pandas_dtype(config)
    except TypeError:  # a dtype of another version of pandas
        return None


def _index_config(index: Index) -> dict[str, Any]:
    config: dict[str, Any] = {"name": _label_config(index.name), "length": len(index)}
    if isinstance(index, pd.RangeIndex):
        return {**config, "kind": "range", "start": int(index[0])}
    if isinstance(index, pd.PeriodIndex):
        return {**config, "kind": "period", "start": int(index[0].ordinal), "freq": index.freqstr}
    start = index[0] if index.tz is None else index[0].tz_convert("UTC")  # an hour that comes twice stays apart
    zone = None if index.tz is None else _zone_config(index.tz)
    config.update(kind="datetime", start=start.isoformat(), tz=zone, unit=index.unit)
    return {**config, "freq": _offset_config(index.freq)}


def _index_from_config(config: Mapping[str, Any]) -> Index:
    kind = check_choice("kind", config["kind"], ("datetime", "period", "range"))
    length, name, start = config["length"], _label(config["name"]), config["start"]
    if kind == "range":
        return pd.RangeIndex(start, start + length, name=name)
    if kind == "period":
        first = pd.Period(ordinal=start, freq=config["freq"])
        return pd.period_range(first, periods=length, freq=first.freq, name=name)
    first = pd.Timestamp(start) if config["tz"] is None else pd.Timestamp(start).tz_convert(config["tz"])
    return pd.date_range(first, periods=length, freq=_offset(config["freq"]), name=name, unit=config["unit"])


def _zone_config(tz: Any) -> str:
    fixed = tz.utcoffset(None)
    if fixed is not None and fixed:
        minutes = int(fixed.total_seconds()) // 60
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    text = "UTC" if fixed is not None else str(tz)
    try:
        pd.Timestamp(0, tz=text)
    except Exception as error:  # zoneinfo and pytz have errors of their own
        raise InvalidArgumentError(
            f"time zone {tz!r} has no name that can be saved; expected one, as after y.tz_convert('Europe/Berlin')."
        ) from error
    return text


def _offset_config(freq: Any) -> str | dict[str, Any]:
    try:
        if to_offset(freq.freqstr) == freq:
            return str(freq.freqstr)
    except ValueError:
        pass
    if not freq.normalize:
        if type(freq) is pd.DateOffset and all(isinstance(value, int) for value in freq.kwds.values()):
            return {"n": freq.n, **freq.kwds}
        if type(freq) is pd.offsets.CustomBusinessDay and not freq.offset and isinstance(freq.weekmask, str):
            return {"n": freq.n, "weekmask": freq.weekmask, "holidays": [str(day) for day in freq.holidays]}
    raise InvalidArgumentError(
        f"freq {freq!r} has no form that can be saved; expected an alias of pandas, a DateOffset of whole units, or a "
        "CustomBusinessDay."
    )


def _offset(config: str | Mapping[str, Any]) -> Any:
    if isinstance(config, str):
        return to_offset(config)
    if "weekmask" in config:
        holidays = [np.datetime64(day) for day in config["holidays"]]
        return pd.offsets.CustomBusinessDay(config["n"], weekmask=config["weekmask"], holidays=holidays)
    return pd.DateOffset(**config)
