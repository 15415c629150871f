"""Effects of the calendar: lengths of months, weekdays, month ends, fixed and moving holidays.

The Gregorian calendar repeats itself after 400 years, which are 146,097 days or 20,871 whole weeks. One table of
these years serves series of any length and any first date. Easter is not the same after 400 years; the table takes it
from the years 1800 to 2199.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators.parameters import Values, check_shape

__all__ = ["FREQUENCIES", "calendar_effects", "first_step", "step_dates"]

#: Frequencies with effects of the calendar, and steps in a year.
FREQUENCIES = {"YS": 1.0, "QS": 4.0, "MS": 12.0, "W": 365.25 / 7, "D": 365.25, "B": 261.0, "h": 8766.0}

_FIRST = np.datetime64("1800-01-01", "D")  # a Wednesday
_DAYS = 146_097
_LUNAR_YEAR = 354.367  # days of the Islamic calendar: its holidays come about 11 days earlier each year
_FIXED = ((1, 1), (5, 1), (7, 4), (10, 3), (11, 1), (12, 25), (12, 26))
_EASTER, _LUNAR, _HOLIDAY, _END, _WEEKEND = 7, 8, 9, 10, 11


def easter(years: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Easter Sunday of each Gregorian year (the anonymous algorithm of 1876, as in Meeus 1991, chapter 8).

    >>> easter(np.array([1818, 2024]))
    array(['1818-03-22', '2024-03-31'], dtype='datetime64[D]')
    """
    a, b, c = years % 19, years // 100, years % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    months = (years - 1970) * 12 + f // 31 - 1
    return months.astype("datetime64[M]").astype("datetime64[D]") + f % 31


@lru_cache(maxsize=1)
def _days() -> Values:
    """Indicators of each day of 400 years: 7 weekdays, Easter, a lunar feast, fixed holidays, month end, weekend."""
    days = _FIRST + np.arange(_DAYS)
    table = np.zeros((_DAYS, 12))
    weekday = (np.arange(_DAYS) + 2) % 7
    table[np.arange(_DAYS), weekday] = 1.0
    for around in range(-3, 2):  # from Maundy Thursday to Easter Monday
        table[(easter(np.arange(1800, 2200)) - _FIRST).astype(np.int64) + around, _EASTER] = 1.0
    feasts = np.arange(0.0, _DAYS - 3, _LUNAR_YEAR).astype(np.int64)
    for around in range(3):
        table[feasts + around, _LUNAR] = 1.0
    months = days.astype("datetime64[M]")
    month, day = months.astype(np.int64) % 12 + 1, (days - months).astype(np.int64) + 1
    for holiday in _FIXED:
        table[(month == holiday[0]) & (day == holiday[1]), _HOLIDAY] = 1.0
    last = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - days).astype(np.int64)
    table[:, _END] = (last <= 2) | (day == 1)
    table[:, _WEEKEND] = weekday >= 5
    return table


def _table(freq: str) -> Values:
    """Sums of the indicators over the days of each step of 400 years, (steps, 12); of hours, those of their days."""
    days = _days()
    if freq in ("D", "h"):
        return days
    if freq == "B":
        return days[days[:, _WEEKEND] == 0]
    if freq == "W":
        return np.asarray(days.reshape(-1, 7, 12).sum(axis=1))
    months = {"MS": 1, "QS": 3, "YS": 12}[freq]
    starts = (np.datetime64("1800-01", "M") + np.arange(0, 4800, months)).astype("datetime64[D]")
    return np.asarray(np.add.reduceat(days, (starts - _FIRST).astype(np.int64), axis=0))


@lru_cache(maxsize=8)
def _moments(freq: str) -> tuple[Values, Values, Values]:
    table = _table(freq)
    return table, table.mean(axis=0), np.cov(table, rowvar=False, bias=True)


def _day(date: str) -> np.datetime64:
    try:
        if not isinstance(date, str):
            raise TypeError
        day = np.datetime64(date, "D")
        if np.isnat(day):
            raise ValueError
    except (ValueError, TypeError):
        raise InvalidArgumentError(f"date={date!r}; expected text with a date, such as '2000-01-01'.") from None
    return day


def first_step(date: str, freq: str) -> int:
    """The number of the step with this date, from the first of 1800 (weeks start on Wednesdays there).

    Raises:
        InvalidArgumentError: not a date.

    >>> first_step("1801-03-01", "MS")
    14
    """
    check_choice("freq", freq, FREQUENCIES)
    day = _day(date)
    since = int((day - _FIRST).astype(np.int64))
    if freq == "B":
        return int(np.busday_count(_FIRST, day))
    if freq in ("D", "W", "h"):
        return {"D": since, "W": since // 7, "h": since * 24}[freq]
    months = int((day.astype("datetime64[M]") - np.datetime64("1800-01", "M")).astype(np.int64))
    return months // {"MS": 1, "QS": 3, "YS": 12}[freq]


def step_dates(date: str, length: int, freq: str) -> NDArray[np.datetime64]:
    """The dates of the steps that begin with the one of `date`: of months, quarters and years their first days.

    Args:
        date: the first date, such as "2000-01-01"; of business days, the next one if it is none.
        length: T >= 1.
        freq: one of `FREQUENCIES`.

    Returns:
        datetime64 (T,), of seconds for hours and of days for all others.

    Raises:
        InvalidArgumentError: not a date or a frequency; the last date is after the year 9999.

    >>> step_dates("2000-01-01", 3, "QS")
    array(['2000-01-01', '2000-04-01', '2000-07-01'], dtype='datetime64[D]')
    """
    length = check_int("length", length)
    check_choice("freq", freq, FREQUENCIES)
    day, steps = _day(date), np.arange(length)
    if freq == "h":
        dates = (day.astype("datetime64[h]") + steps).astype("datetime64[s]")
    elif freq == "B":
        dates = np.busday_offset(day, steps, roll="forward")
    elif freq in ("D", "W"):
        dates = day + steps * (7 if freq == "W" else 1)
    else:
        months = {"MS": 1, "QS": 3, "YS": 12}[freq]
        first = day.astype("datetime64[M]").astype(np.int64) // months * months
        dates = (first + months * steps).astype("datetime64[M]").astype("datetime64[D]")
    if dates[-1] >= np.datetime64("10000-01-01"):
        raise InvalidArgumentError(
            f"length={length} with date={date!r} and freq={freq!r}; expected no date after the year 9999. "
            "A shorter series, or an earlier date, ends before."
        )
    return dates


def calendar_effects(
    rng: np.random.Generator, n_series: int, length: int, freq: str, *, date: str | None = None
) -> Values:
    """Relative effects of the calendar, with standard deviation 1 over the steps of a long time.

    The effect of a step is a random combination of what its days are: days of each weekday (of months, quarters and
    years, thereby also their lengths), the days from Maundy Thursday to Easter Monday, three days of a feast that
    comes 11 days earlier each year, seven fixed holidays, and the two days at the end and the first of a month. Each
    series has weights of its own, many of them 0. Days and hours have no weekdays here, as these are a season.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        freq: "YS", "QS", "MS", "W", "D", "B" or "h": first days of years, quarters and months, weeks, days, business
            days and hours.
        date: the first date of all series, such as "2000-01-01"; None: one of its own for each series.

    Raises:
        InvalidArgumentError: an argument is not one of these.

    >>> months = calendar_effects(np.random.default_rng(1), 3, 48, "MS", date="2021-01-01")
    >>> months.shape
    (3, 48)
    """
    n_series, length = check_shape(rng, n_series, length)
    check_choice("freq", freq, FREQUENCIES)
    table, mean, covariance = _moments(freq)
    hours = 24 if freq == "h" else 1
    total = len(table) * hours
    start = rng.integers(0, total, (n_series, 1)) if date is None else np.full((n_series, 1), first_step(date, freq))
    weights = rng.standard_normal((table.shape[1], n_series))
    active = rng.random(weights.shape) < 0.5
    active[:7] = rng.random(n_series) < 0.7
    if freq in ("D", "B", "h"):
        active[:7] = False  # they are a season
    active[_WEEKEND] = False  # the sum of two weekdays
    weights[:5] += rng.standard_normal(n_series)  # working days are alike
    weights[5:7] += rng.standard_normal(n_series)
    # All weeks have the same weekdays and all months a month end: these have no effect there, and some other must have.
    spread = np.sqrt(np.diag(covariance))
    varies = spread > 1e-9
    active &= varies[:, None]
    none = ~active.any(axis=0)
    active[_HOLIDAY if varies[_HOLIDAY] else slice(7), none] = True
    weights *= active
    weights[7:] /= np.where(varies[7:], spread[7:], 1.0)[:, None]  # so that rare days count as much
    # The standard deviation of the effect over all steps, without computing it for all of them.
    sd = np.sqrt(np.maximum(np.einsum("is,ij,js->s", weights, covariance, weights), 0.0))
    where = np.mod(start + np.arange(length), total) // hours
    effect = np.matmul(table[where] - mean, weights.T[:, :, None])[:, :, 0]
    return np.asarray(effect / np.where(sd > 1e-9, sd, np.inf)[:, None])
