"""Season lengths and calendar features, which are known for any date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import future_index, regular_index
from kerazoo.forecast.data.types import Index, Values

__all__ = ["CALENDAR", "calendar_features", "calendar_names", "season_length", "season_lengths"]


HOUR, DAY, YEAR = 3600, 86_400, 365.25  # seconds, seconds, days
WEEKS_OF_YEAR = 52


class _Cycle(NamedTuple):
    """A cycle of the calendar.

    Attributes:
        position: dates -> (positions in the cycle, length of the cycle), both in the same unit.
        harmonics: int, the largest number of harmonics that integer positions can distinguish.
        days: float, length of the cycle; "auto" selects it only if the index spans as many.
        finest: float, days; "auto" selects the cycle if finest <= step < coarsest.
        coarsest: float, days.
    """

    position: Callable[[pd.DatetimeIndex], tuple[Any, Any]]
    harmonics: int
    days: float
    finest: float
    coarsest: float


def _week(dates: pd.DatetimeIndex) -> tuple[Any, Any]:
    iso = dates.isocalendar()
    # 28 December is always in the last week of its ISO year, which is week 52 or 53.
    years, where = np.unique(np.asarray(iso["year"], np.int64), return_inverse=True)
    last = pd.DatetimeIndex([f"{year:04d}-12-28" for year in years]).isocalendar()["week"]
    return np.asarray(iso["week"], np.float64), np.asarray(last, np.float64)[where]


def _hour(dates: pd.DatetimeIndex) -> tuple[Any, Any]:
    return dates.hour + dates.minute / 60 + dates.second / HOUR, 24


# A quarter has 90 to 92 days, and 91 on average; other steps of whole months use the month.
_CYCLES = {
    "month": _Cycle(lambda dates: (dates.month, 12), 6, 364, 27, 360),
    "quarter": _Cycle(lambda dates: (dates.quarter, 4), 2, 364, 90, 93),
    "week": _Cycle(_week, 25, 364, 6.9, 27),
    "day_of_year": _Cycle(lambda dates: (dates.day_of_year, 365 + dates.is_leap_year), 182, 364, 0, 6.9),
    "day_of_month": _Cycle(lambda dates: (dates.day, dates.days_in_month), 13, 31, 0, 0),
    "day_of_week": _Cycle(lambda dates: (dates.day_of_week, 7), 3, 7, 0, 3.6),
    "hour": _Cycle(_hour, 11, 1, 0, 0.6),
    "minute": _Cycle(lambda dates: (dates.minute + dates.second / 60, 60), 29, 1 / 24, 0, 1 / 1441),
}

#: Names of the calendar features.
CALENDAR = tuple(_CYCLES)


def season_length(index: Index) -> int:
    """The usual season length of a series with this frequency, in steps.

    | step | season |
    |---|---|
    | below a second | 1: none |
    | seconds | an hour: 3600 |
    | minutes, hours | a day: 1440, 96 for 15 minutes, 48 for 30, 24 for an hour |
    | days; business days | a week: 7; 5 |
    | weeks | a year: 52 |
    | half months, months, quarters, half years | a year: 24, 12, 4, 2 |
    | years, integers | 1: none |

    A multiple of a step divides the season: 6 for steps of two months. The result is 1 if the season is not a whole
    number of steps, and for offsets that are not listed, such as business hours.

    Args:
        index: as for :func:`kerazoo.forecast.data.index.regular_index`.

    Returns:
        int >= 1.

    Raises:
        InvalidArgumentError: the index has no frequency.

    >>> season_length(pd.date_range("2020-01-01", periods=30, freq="15min"))
    96
    >>> season_length(pd.period_range("2020-01", periods=30, freq="M"))
    12
    """
    index = regular_index(index)
    return 1 if isinstance(index, pd.RangeIndex) else _season(index.freq)


def season_lengths(index: Index) -> tuple[float, ...]:
    """All usual seasons of a series with this frequency, in steps, the shortest first.

    | step | seasons | lengths |
    |---|---|---|
    | below a second | none | |
    | seconds | an hour, a day | 3600, 86400 |
    | minutes, hours | a day, a week | 1440, 10080; 96, 672 for 15 minutes; 48, 336 for 30; 24, 168 for an hour |
    | days; business days | a week | 7; 5 |
    | weeks | a year of 365.25 days | 52.18 |
    | half months, months, quarters, half years | a year | 24, 12, 4, 2 |
    | years, integers | none | |

    A multiple of a step divides the seasons, also those that are then not whole: 3.5 for steps of two days. Those of
    less than two steps are left out. Steps of more than three and a half days have a year in place of a week. A year of
    days is left out: it takes long series, of which day_of_year (:func:`calendar_features`) has the same information.

    Args:
        index: as for :func:`kerazoo.forecast.data.index.regular_index`.

    Returns:
        Floats >= 2, at most two; () without a season.

    Raises:
        InvalidArgumentError: the index has no frequency.

    >>> season_lengths(pd.date_range("2020-01-01", periods=30, freq="h"))
    (24.0, 168.0)
    >>> [round(length, 2) for length in season_lengths(pd.period_range("2020-01-06", periods=30, freq="W"))]
    [52.18]
    >>> season_lengths(pd.RangeIndex(30))
    ()
    """
    index = regular_index(index)
    if isinstance(index, pd.RangeIndex):
        return ()
    return tuple(length for length in _seasons(index.freq) if length >= 2)


def calendar_names(index: Index, names: str | Iterable[str] = "auto") -> tuple[str, ...]:
    """Check the names of calendar features; `"auto"` is resolved to those that suit the index.

    `"auto"` selects a feature if it varies from step to step and the index spans its whole cycle, as a season cannot be
    learned from a part of it: `month` for monthly steps, `quarter` for quarters, `week` for weeks, `day_of_week` and
    `day_of_year` for days, also `hour` below a day, also `minute` below a minute. None for years and integers.

    Resolve the names once with the index of the history, and pass the result to :func:`calendar_features` both for the
    history and for the dates of the forecast, which are too few to select from.

    Args:
        index: as for :func:`kerazoo.forecast.data.index.regular_index`.
        names: `"auto"`, or names in :data:`CALENDAR`, or () for none.

    Returns:
        The names without repetitions, in the given order.

    Raises:
        InvalidArgumentError: an unknown name, or names for an index without dates.

    >>> calendar_names(pd.date_range("2020-01-01", periods=800, freq="D"))
    ('day_of_year', 'day_of_week')
    >>> calendar_names(pd.date_range("2020-01-01", periods=200, freq="D"))
    ('day_of_week',)
    """
    if isinstance(names, str) and names == "auto":
        index = regular_index(index)
        if isinstance(index, pd.RangeIndex):
            return ()
        span, step = _span_and_step(index)
        suitable = [
            name
            for name, cycle in _CYCLES.items()
            if cycle.finest <= step < cycle.coarsest and span >= 0.999 * cycle.days
        ]
        return tuple(name for name in suitable if name != "month" or "quarter" not in suitable)
    if isinstance(names, str) or not isinstance(names, Iterable):
        check_choice("calendar names", names, ("auto",), hint=f"Or a sequence of {', '.join(CALENDAR)}; () is none.")
        return ()
    chosen = [check_choice("calendar feature", name, CALENDAR) for name in names]
    if chosen and not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        raise InvalidArgumentError(
            f"calendar names={tuple(chosen)!r}, but the index is a {type(index).__name__} without dates; "
            "expected 'auto' or (), or a DatetimeIndex or a PeriodIndex."
        )
    return tuple(dict.fromkeys(chosen))


def calendar_features(
    index: Index, names: str | Iterable[str] = "auto", order: int = 1
) -> tuple[Values, tuple[str, ...]]:
    """Sines and cosines of the positions of dates in the cycles of the calendar.

    For the position p of a date in a cycle of length c, and the harmonics k = 1 .. `order`: sin(2 pi k p / c) and
    cos(2 pi k p / c) (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 7.4).

    | name | p | c | harmonics |
    |---|---|---|---|
    | `month` | 1 to 12 | 12 | 6 |
    | `quarter` | 1 to 4 | 4 | 2 |
    | `week` | week of ISO 8601, 1 to 53 | weeks of its year: 52 or 53 | 25 |
    | `day_of_year` | 1 to 366 | days of its year: 365 or 366 | 182 |
    | `day_of_month` | 1 to 31 | days of its month | 13 |
    | `day_of_week` | 0 (Monday) to 6 | 7 | 3 |
    | `hour` | 0 to 24, with fractions | 24 | 11 |
    | `minute` | 0 to 60, with fractions | 60 | 29 |

    `order` is limited to the harmonics in the table, as higher ones repeat lower ones. The last sines of `month` and
    `quarter` are zero everywhere and left out. Dates are in the time zone of the index; a period counts as its start.

    Args:
        index: DatetimeIndex or PeriodIndex of any dates (regular ones for `"auto"`), or a RangeIndex, which has none.
        names: `"auto"`, names in :data:`CALENDAR`, or () for none: see :func:`calendar_names`.
        order: int >= 1, number of harmonics.

    Returns:
        float64 (T, K) from -1 to 1, and the K names of its columns: `month_sin1`, `month_cos1`, `month_sin2`, ...

    Raises:
        InvalidArgumentError: an unknown name, names for an index without dates, or order < 1.

    >>> values, columns = calendar_features(pd.period_range("2020-01", periods=24, freq="M"))
    >>> columns, values[:3].round(2)
    (('month_sin1', 'month_cos1'), array([[0.5 , 0.87],
           [0.87, 0.5 ],
           [1.  , 0.  ]]))
    """
    check_int("order", order, hint="It is the number of harmonics.")
    chosen = calendar_names(index, names)
    dates = _moments(index)
    columns: dict[str, Values] = {}
    for name in chosen:
        cycle = _CYCLES[name]
        position, length = cycle.position(dates)
        phase = np.asarray(position, np.float64) / np.asarray(length, np.float64)
        for k in range(1, min(order, cycle.harmonics) + 1):
            if not (name in ("month", "quarter") and k == cycle.harmonics):
                columns[f"{name}_sin{k}"] = np.sin(2 * np.pi * k * phase)
            columns[f"{name}_cos{k}"] = np.cos(2 * np.pi * k * phase)
    values = np.stack(list(columns.values()), axis=1) if columns else np.empty((len(index), 0))
    # The computed sine of a multiple of pi is about 1e-16; a column of these must not look like one that varies.
    values[np.abs(values) < 1e-12] = 0.0
    return values, tuple(columns)


def _span_and_step(index: Index) -> tuple[float, float]:
    """Days from the first date to the one after the last, and the mean days of a step."""
    # Ten more steps, so that an index of one date has steps, and business days include weekends.
    dates = _moments(index.append(future_index(index, 10))).tz_localize(None)  # no days of 23 or 25 hours
    # As floats: differences of nanoseconds in 64 bits overflow after 292 years.
    unit = float(pd.Timedelta(1, unit=dates.unit) / pd.Timedelta(days=1))
    counts = dates.asi8.astype(np.float64)
    days = (counts - counts[0]) * unit
    return float(days[len(index)]), float(days[-1] / (len(days) - 1))


def _moments(index: Index) -> pd.DatetimeIndex:
    """The dates, or the starts of the periods."""
    if not isinstance(index, pd.PeriodIndex):
        return index
    try:
        return index.to_timestamp(how="start")
    except pd.errors.OutOfBoundsDatetime:  # pandas 2 counts nanoseconds, from 1677 to 2262
        start = index.asfreq("s", how="start")
        return pd.DatetimeIndex(start.asi8.astype("datetime64[s]"))


def _offsets(*names: str) -> tuple[Any, ...]:
    """Classes of pandas.offsets; older versions lack some."""
    return tuple(getattr(pd.offsets, name) for name in names if hasattr(pd.offsets, name))


_TIMES = _offsets("Hour", "Minute", "Second", "Milli", "Micro", "Nano")
_OF_A_YEAR = (
    (_offsets("SemiMonthBegin", "SemiMonthEnd"), 24),
    (
        _offsets(
            "MonthBegin",
            "MonthEnd",
            "BusinessMonthBegin",
            "BusinessMonthEnd",
            "CustomBusinessMonthBegin",
            "CustomBusinessMonthEnd",
            "WeekOfMonth",
            "LastWeekOfMonth",
        ),
        12,
    ),
    (_offsets("QuarterBegin", "QuarterEnd", "BQuarterBegin", "BQuarterEnd", "FY5253Quarter"), 4),
    (_offsets("HalfYearBegin", "HalfYearEnd", "BHalfYearBegin", "BHalfYearEnd"), 2),
)
_UNITS = {"years": 0, "months": 0, "weeks": 7 * DAY, "days": DAY, "hours": HOUR, "minutes": 60, "seconds": 1}


def _season(freq: Any) -> int:
    if type(freq) is pd.DateOffset:
        return _season_of_units(freq)
    if isinstance(freq, pd.offsets.Day):
        return _season_of_seconds(freq.n * DAY)
    if isinstance(freq, pd.offsets.Week):
        return _divided(WEEKS_OF_YEAR, freq.n)
    if isinstance(freq, _TIMES):
        seconds, rest = divmod(freq.nanos, 10**9)
        return 1 if rest else _season_of_seconds(seconds)
    # CustomBusinessDay is a subclass of BusinessDay; its weekmask gives the number of days in a week.
    if isinstance(freq, pd.offsets.CustomBusinessDay):
        return _divided(int(np.asarray(freq.calendar.weekmask).sum()), freq.n)
    if isinstance(freq, pd.offsets.BusinessDay):
        return _divided(5, freq.n)
    for classes, steps in _OF_A_YEAR:
        if isinstance(freq, classes):
            return _divided(steps, freq.n)
    return 1


def _season_of_units(freq: Any) -> int:
    """The season of a general DateOffset, such as DateOffset(months=2)."""
    months, seconds = _units(freq)
    return _divided(12, months) if months else _season_of_seconds(seconds)


def _units(freq: Any) -> tuple[int, float]:
    """The months or the seconds of a general DateOffset; 0 and 0 if it is no multiple of either."""
    units = {name: value * freq.n for name, value in freq.kwds.items() if value}
    if not units.keys() <= _UNITS.keys():
        return 0, 0
    months = 12 * units.get("years", 0) + units.get("months", 0)
    seconds = sum(_UNITS[name] * value for name, value in units.items())
    return (0, 0) if months and seconds else (months, seconds)


def _seasons(freq: Any) -> tuple[float, ...]:
    """The seasons of a frequency in steps, also those of less than two."""
    if type(freq) is pd.DateOffset:
        months, seconds = _units(freq)
        return (12 / months,) if months else _seasons_of_seconds(seconds)
    if isinstance(freq, pd.offsets.Day):
        return _seasons_of_seconds(freq.n * DAY)
    if isinstance(freq, pd.offsets.Week):
        return _seasons_of_seconds(freq.n * 7 * DAY)
    if isinstance(freq, _TIMES):
        seconds, rest = divmod(freq.nanos, 10**9)
        return () if rest else _seasons_of_seconds(seconds)
    if isinstance(freq, pd.offsets.CustomBusinessDay):
        return (int(np.asarray(freq.calendar.weekmask).sum()) / freq.n,)
    if isinstance(freq, pd.offsets.BusinessDay):
        return (5 / freq.n,)
    return tuple(steps / freq.n for classes, steps in _OF_A_YEAR if isinstance(freq, classes))


def _seasons_of_seconds(seconds: float) -> tuple[float, ...]:
    if not seconds or seconds != int(seconds):
        return ()
    if seconds < 60:
        return HOUR / seconds, DAY / seconds
    if seconds < DAY:
        return DAY / seconds, 7 * DAY / seconds
    if 2 * seconds <= 7 * DAY:
        return (7 * DAY / seconds,)
    return (YEAR * DAY / seconds,)


def _season_of_seconds(seconds: float) -> int:
    if not seconds or seconds != int(seconds):
        return 1
    if seconds < 60:
        return _divided(HOUR, int(seconds))
    if seconds < DAY:
        return _divided(DAY, int(seconds))
    if seconds < 7 * DAY:
        return _divided(7 * DAY, int(seconds))
    return _divided(WEEKS_OF_YEAR * 7 * DAY, int(seconds))


def _divided(season: int, steps: int) -> int:
    return season // steps if steps and season % steps == 0 else 1
