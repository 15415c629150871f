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
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import (
    SHOWN,
    check_repeated,
    dates_between,
    dates_from,
    future_index,
    grid_like,
    kind_of,
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
from kerazoo.forecast.data.pandas_json import (
    dtype_config,
    dtype_from,
    index_config,
    index_from_config,
    label_config,
    label_from,
)

__all__ = ["Panel", "SeriesData", "read_future", "read_panel", "write_forecast", "write_steps"]

Values: TypeAlias = NDArray[np.float64]
Index: TypeAlias = pd.Index

FORMS = ("series", "frame", "long", "array")
KEYS = ("unique_id", "ds")
ALLOWED = (
    "a pandas Series, a DataFrame with one column a series, a DataFrame with the columns unique_id, ds and y, "
    "a NumPy array (T,) or (T, n), or a list of numbers"
)


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
                text = json.dumps(index_config(each.index))
                known[id(each.index)] = indexes.setdefault(text, len(indexes))
            series.append({"id": label_config(each.id), "index": known[id(each.index)]})
        return {
            "form": self.form,
            "covariate_names": list(self.covariate_names),
            "name": label_config(self.name),
            "level_names": [label_config(name) for name in self.level_names],
            "id_dtype": dtype_config(self.id_dtype),
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
        indexes = [index_from_config(each) for each in config["indexes"]]
        index_of = [indexes[each["index"]] for each in config["series"]]
        shapes: list[tuple[int, ...]] = [(len(index),) for index in index_of]
        numbers = _arrays("values", values, shapes)
        features = _arrays("covariates", covariates, [(*shape, len(names)) for shape in shapes])
        series = tuple(
            SeriesData(label_from(each["id"]), *parts)
            for each, *parts in zip(config["series"], numbers, index_of, features, strict=True)
        )
        return cls(
            series,
            config["form"],
            names,
            label_from(config["name"]),
            tuple(label_from(name) for name in config["level_names"]),
            dtype_from(config["id_dtype"]),
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
                f"y has the columns {listed(labels)}, but not {missing!r}; expected unique_id, ds and y in a long "
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
            f"{text_of(first[0])} to {text_of(first[-1])}{of_series}."
        )
    if isinstance(X_future, pd.Series | pd.DataFrame):
        if panel.form == "long":
            return _future_of_long(panel, X_future, wanted)
        columns = _named_columns(_framed(X_future, names), names)
        values = _rows_of(columns, X_future.index, wanted[0])
    elif isinstance(X_future, np.ndarray | list | tuple):
        if panel.form == "long":
            raise InvalidArgumentError(
                "X_future is an array without dates; expected a DataFrame with unique_id, ds and the covariates, "
                "since y is a long frame, whose series may end at different dates."
            )
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


def write_steps(panel: Panel, values: Sequence[Values]) -> Any:
    """Values of each step of the series, over their own dates and in the form that they came in.

    Args:
        panel: Panel.
        values: float64 (T,) a series.

    Returns:
        A Series, a DataFrame (a long one has the columns unique_id, ds and forecast) or a float64 array.

    >>> write_steps(read_panel([3.0, 1.0]), [np.array([np.nan, 3.0])])
    array([nan,  3.])
    """
    if panel.form == "series":
        return pd.Series(values[0], panel.series[0].index, name=panel.name)
    if panel.form == "array":
        return values[0] if panel.ndim == 1 else np.stack(values, axis=1)
    if panel.form == "frame":
        return pd.DataFrame(np.stack(values, axis=1), index=panel.series[0].index, columns=_columns_of(panel))
    ids = _columns_of(panel).repeat([len(each.values) for each in panel.series])
    dates = panel.series[0].index.append([each.index for each in panel.series[1:]])
    return pd.DataFrame({"unique_id": ids, "ds": dates.rename(None), "forecast": np.concatenate(values)})


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
        raise InvalidArgumentError(f"y has the columns {listed(labels)}, but not 'y'; expected unique_id, ds and y.")
    if not len(y):
        raise InvalidArgumentError("y has no rows; expected at least one.")
    dates, codes, uniques = _keys_of(y, "y")
    order = np.lexsort((ordinals(dates), codes))
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
    grid = grid_like(dates.min(), dates.max(), first)
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
        found = renamed_if_equal(dates, dates_from(dates[0], len(dates), first.freq, dates.unit))
        if found is not None:
            return found
        if len(dates) < 3 and not dates.has_duplicates:  # too short for a frequency of their own
            grid = dates_between(dates[0], dates[-1], first.freq, dates.unit)
            if grid is not None and dates.isin(grid).all():
                raise_missing(grid[~grid.isin(dates)], first.freq, *_long_place(label))
            raise InvalidArgumentError(
                f"{_long_place(label)[0]}: {listed(dates)} do not fit the frequency {offset_text(first.freq)} of the "
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
            f"series {label!r} has the frequency {offset_text(index.freq)} and {longest!r}, the longest, "
            f"{offset_text(first.freq)}; expected one frequency for all series."
        )
    return index


def _keys_of(frame: pd.DataFrame, what: str) -> tuple[Index, NDArray[np.intp], Index]:
    """ds as an index, the number of each row's series, and the unique_ids in the order of their first rows."""
    missing = int(frame["unique_id"].isna().sum())
    if missing:
        raise InvalidArgumentError(f"{what}['unique_id'] is missing in {missing} rows; expected an id in each.")
    dates = typed_index(pd.Index(frame["ds"], name="ds"), f"{what}['ds']", what, ordered=False)
    codes, uniques = pd.factorize(frame["unique_id"])
    return dates, codes, pd.Index(uniques)


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
    check_repeated(pd.MultiIndex.from_arrays([X_codes, X_dates]), "X", shown)
    known = uniques.get_indexer(X_uniques)[X_codes]  # -1: a series that y does not have
    rows_of_y = np.flatnonzero(known >= 0)
    X_rows = pd.MultiIndex.from_arrays([known[rows_of_y], X_dates[rows_of_y]])
    places = X_rows.get_indexer(pd.MultiIndex.from_arrays([codes, dates]))
    if (places < 0).any():
        raise InvalidArgumentError(
            f"X lacks {int((places < 0).sum())} rows of y: {listed(rows[places < 0])}; "
            "expected the same unique_id and ds in both."
        )
    places = rows_of_y[places]
    if len(X) > len(places):
        extra = np.ones(len(X), bool)
        extra[places] = False
        raise InvalidArgumentError(
            f"X has {int(extra.sum())} rows that y does not have: {listed(shown[extra])}; expected the same unique_id "
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
    if not same_labels(frame.index, index):
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


def _raise_other_index(found: Index, index: Index) -> NoReturn:
    _check_same_kind(found, index, "X.index", "y.index")
    check_repeated(found, "X.index")
    lacks = index[~index.isin(found)]
    extra = found[~found.isin(index)]
    if len(lacks):
        raise InvalidArgumentError(
            f"X lacks {len(lacks)} of the {len(index)} dates of y: {listed(lacks)}; expected the same index."
        )
    if len(extra):
        raise InvalidArgumentError(
            f"X has {len(extra)} dates that y does not have: {listed(extra)}; expected the same index. "
            "X.loc[y.index] has those of y."
        )
    raise InvalidArgumentError(
        "X has the dates of y in another order; expected the same index. X.loc[y.index] mends it."
    )


def _check_same_kind(found: Index, index: Index, found_name: str, index_name: str) -> None:
    """Refuse indexes that have no label in common by their type. Units of datetimes may differ."""
    if kind_of(found) != kind_of(index):
        raise InvalidArgumentError(
            f"{found_name} has {kind_of(found)}, {index_name} has {kind_of(index)}; expected the same."
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
    check_repeated(kept, f"X_future{of_series}")
    places = kept.get_indexer(wanted)
    if (places < 0).any():
        raise InvalidArgumentError(
            f"X_future{of_series} lacks {int((places < 0).sum())} of the {len(wanted)} dates of the forecast: "
            f"{listed(wanted[places < 0])}; expected {text_of(wanted[0])} to {text_of(wanted[-1])}."
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
            f"X_future lacks {len(lacks)} of the {len(panel.ids)} series: {listed(lacks)}; expected rows of each."
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
    shown = ", ".join(f"{_number(values[place])} at {text_of(labels[place])}" for place in bad[:SHOWN])
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


def _check_unique(labels: Sequence[Any], what: str) -> None:
    repeated = [label for label, count in Counter(str(label) for label in labels).items() if count > 1]
    if repeated:
        raise InvalidArgumentError(f"{what} has more than one column {repeated[0]!r}; expected different names.")


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
