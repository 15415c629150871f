"""Series and forecasts as arrays: what the plots of forecasts draw, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._columns import FORECAST, bound_columns, levels_of
from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Interval", "Line", "check_kinds", "one_series", "read_forecast", "read_line", "shown"]

_INDEX_KINDS = {"M": "dates", "i": "whole numbers", "u": "whole numbers"}  # by NumPy dtype kind


class Line(NamedTuple):
    """Values over times."""

    x: NDArray[Any]  # datetime64 or integers (N,)
    y: NDArray[np.float64]  # (N,)


class Interval(NamedTuple):
    """The bounds of a forecast interval, (H,) each."""

    level: float
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def read_line(name: str, series: Any) -> Line:
    """A Series as float64 values over strictly rising times."""
    import pandas as pd

    if not isinstance(series, pd.Series):
        raise InvalidArgumentError(f"{name} is a {type(series).__name__}; expected a pandas Series over its times.")
    if series.empty:
        raise InvalidArgumentError(f"{name} is empty; expected at least one value.")
    try:
        y = series.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} has values that are not numbers ({error}); expected floats.") from None
    if np.isinf(y).any():
        raise InvalidArgumentError(f"{name} is infinite at {shown(series.index[np.isinf(y)][0])}; expected numbers.")
    return Line(read_times(name, series.index), y)


def one_series(table: pd.DataFrame, folds: pd.DataFrame) -> pd.Series:
    """The series of a long or wide frame that the folds forecast."""
    labels = list(folds["series"].unique()) if "series" in folds.columns else []
    if len(labels) != 1:
        found = f"the series {', '.join(map(str, labels[:5]))}" if labels else "no column series"
        raise InvalidArgumentError(
            f"history is a DataFrame and folds has {found}; expected the folds of one series, such as "
            "folds[folds['series'] == label], or a pandas Series as history."
        )
    label = labels[0]
    if {"unique_id", "ds", "y"} <= set(table.columns):
        rows = table[table["unique_id"] == label]
        known, series = list(table["unique_id"].unique()), rows.set_index("ds")["y"].sort_index().rename(label)
    else:
        known, series = list(table.columns), table[label] if label in table.columns else table.iloc[:0, 0]
    if label not in known:
        raise InvalidArgumentError(
            f"folds has the series {label!r}, history {', '.join(map(repr, known[:5]))}; expected the same series."
        )
    return series


def read_times(name: str, index: pd.Index) -> NDArray[Any]:
    """The index as strictly rising datetime64 values or integers."""
    import pandas as pd

    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        index = index.tz_localize(None)
    elif not pd.api.types.is_integer_dtype(index.dtype):
        raise InvalidArgumentError(
            f"the index of {name} is a {type(index).__name__} of {index.dtype}; expected a DatetimeIndex, a "
            "PeriodIndex or whole numbers. pd.to_datetime makes dates of strings."
        )
    if index.hasnans or not index.is_monotonic_increasing or not index.is_unique:
        raise InvalidArgumentError(
            f"the index of {name} does not rise strictly; expected each time once, in order. "
            "sort_index() sorts a Series."
        )
    return np.asarray(index)


def check_kinds(times: Mapping[str, NDArray[Any]]) -> None:
    """Raise where some times are dates and others numbers."""
    kinds = {name: _INDEX_KINDS.get(x.dtype.kind, str(x.dtype)) for name, x in times.items()}
    if len(set(kinds.values())) > 1:
        shown = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        raise InvalidArgumentError(f"the indices are of different kinds: {shown}; expected the same kind in all.")


def read_forecast(name: str, table: Any) -> tuple[Line, list[Interval]]:
    """The point forecast, and its intervals, widest first."""
    import pandas as pd

    if isinstance(table, pd.Series):
        table = table.to_frame(FORECAST)
    if not isinstance(table, pd.DataFrame) or table.shape[1] == 0:
        raise InvalidArgumentError(
            f"{name} is a {type(table).__name__}; expected a pandas Series, or a DataFrame with the forecast first."
        )
    if not table.columns.is_unique:
        raise InvalidArgumentError(f"{name} has the columns {list(table.columns)}; expected each label once.")
    lines = {
        str(column): read_line(f"{name}, column {column}", table.iloc[:, i]) for i, column in enumerate(table.columns)
    }
    for column, line in lines.items():
        if np.isnan(line.y).any():
            time = shown(table.index[np.isnan(line.y)][0])
            raise InvalidArgumentError(f"{name}, column {column}, is nan at {time}; expected finite numbers.")
    points, *others = lines
    for column in others:
        if not levels_of([column]):
            raise InvalidArgumentError(
                f"{name} has the column {column!r}; expected pairs like lower_80 and upper_80 after the forecast."
            )
    intervals = []
    for level in reversed(levels_of(others)):
        present = [column for column in bound_columns(level) if column in others]
        if len(present) == 1:
            raise InvalidArgumentError(f"{name} has only {present[0]}; expected lower and upper bounds.")
        lower, upper = (lines[column].y for column in present)
        if (lower > upper).any():
            time = shown(table.index[lower > upper][0])
            raise InvalidArgumentError(
                f"{name}: {present[0]} is above {present[1]} at {time}; expected lower <= upper. Were they swapped?"
            )
        intervals.append(Interval(level, lower, upper))
    return lines[points], intervals


def shown(time: Any) -> str:
    """A time as a short string: without the hour if it is midnight."""
    return str(time).removesuffix(" 00:00:00")
