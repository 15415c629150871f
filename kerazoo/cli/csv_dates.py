"""Dates of CSV files, for the command line: formats, the order of day and month, holidays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._runtime.ignored_warnings import warnings_ignored
from kerazoo.errors import InvalidArgumentError

__all__ = ["business_days", "day_comes_first", "iso_dates", "parsed_dates", "periods_of"]

# Day and month, in one order or the other, before the year.
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)", re.DOTALL)
_PIVOT = 69  # as POSIX: 69 is 1969, 68 is 2068


def parsed_dates(text: pd.Series, date_format: str | None = None, utc: bool = False) -> pd.DatetimeIndex:
    """Text as dates, NaT where a cell has none.

    Args:
        text: of the cells.
        date_format: of all of them; None: inferred from the first.
        utc: whether to convert all to UTC, also those without a time zone.

    Raises:
        ValueError: an unknown directive in the format, or several time zones without `utc`.
    """
    with warnings_ignored():  # pandas warns if it finds no common format
        found = pd.to_datetime(text, format=date_format, errors="coerce", utc=utc)
    if not found.isna().any() and found.dtype.kind != "M":  # pandas 2 keeps several time zones as objects
        raise ValueError("Mixed timezones detected")
    return pd.DatetimeIndex(found)


def iso_dates(text: pd.Series, day_first: bool) -> pd.Series | None:
    """Dates such as 3/4/2018 as 2018-04-03 if the day comes first, else as 2018-03-04; None if they have other forms.

    >>> iso_dates(pd.Series(["3/4/2018", "13.04.18 10:00"]), day_first=True).tolist()
    ['2018-04-03', '2018-04-13 10:00']
    """
    matches = [_NUMBERS.fullmatch(cell) for cell in text]
    if not all(matches):
        return None
    found = []
    for match in matches:
        assert match is not None
        first, _, second, year, rest = match.groups()
        day, month = (first, second) if day_first else (second, first)
        if len(year) == 2:
            year = f"{'19' if int(year) >= _PIVOT else '20'}{year}"
        found.append(f"{year}-{month:0>2}-{day:0>2}{rest}")
    return pd.Series(found, text.index)


def day_comes_first(
    text: pd.Series, where: str, labels: pd.Series | None = None, freq: str | None = None, utc: bool = False
) -> bool | None:
    """Whether the day comes before the month in dates such as 3/4/2018.

    If all dates exist in one order only, it is that one. If they exist in both, it is the one in which they follow each
    other at a fixed step.

    Args:
        text: of the cells.
        where: name of the column, for messages.
        labels: of the series that each date belongs to; None: there is one series.
        freq: the period that the dates stand for, or None.
        utc: as for :func:`parsed_dates`.

    Returns:
        None if the dates have other forms, or exist in neither order.

    Raises:
        InvalidArgumentError: both orders fit.
    """
    readings: dict[bool, pd.DatetimeIndex] = {}
    for day_first in (True, False):
        iso = iso_dates(text, day_first)
        if iso is None:
            return None
        dates = parsed_dates(iso, utc=utc)
        if not dates.hasnans:
            readings[day_first] = dates
    if len(readings) < 2 or readings[True].equals(readings[False]):
        return next(iter(readings), None)
    regular = [day_first for day_first, dates in readings.items() if _is_regular(dates, labels, freq)]
    if len(regular) == 1:
        return regular[0]
    differing = int(np.flatnonzero(readings[True] != readings[False])[0])
    one, other = (str(readings[day_first][differing].date()) for day_first in (True, False))
    mark = _NUMBERS.fullmatch(text.iloc[differing])
    assert mark is not None
    year = "Y" if len(mark[4]) == 4 else "y"
    formats = [mark[2].join(f"%{part}" for part in (*order, year)) for order in ("dm", "md")]
    how = "a fixed step in both orders" if regular else "no fixed step in either order"
    raise InvalidArgumentError(
        f"{where}: {text.iloc[differing]!r} is {one} or {other}, and the dates have {how}; expected dates that can be "
        f"read in one way. Give their format: --date-format {formats[0]} or --date-format {formats[1]}."
    )


def _is_regular(dates: pd.DatetimeIndex, labels: pd.Series | None, freq: str | None) -> bool:
    """Whether the dates of each series rise at a fixed step; those of several series may be in any order."""
    if labels is not None:
        groups = pd.Series(dates).groupby(labels.to_numpy()).indices
        longest = max(groups.values(), key=len)
        dates = dates[longest].sort_values()
    if not dates.is_monotonic_increasing or not dates.is_unique:
        return False
    if freq is not None:
        steps = np.diff(periods_of(dates, freq).asi8)
        return bool((steps == steps[:1]).all())
    from kerazoo.forecast.data.index import regular_index

    try:
        regular_index(dates)
    except InvalidArgumentError:
        return False
    return True


def periods_of(dates: pd.DatetimeIndex, freq: str) -> pd.PeriodIndex:
    """The periods that contain the dates. `freq` may also name an offset: MS and ME mean M."""
    name = re.sub(r"^(\d*)B?([MQY])[SE](?=-|$)", r"\1\2", freq)
    try:
        with warnings_ignored():  # pandas warns that it drops the time zone; local dates are wanted
            return dates.to_period(name)
    except (ValueError, AttributeError, TypeError):
        raise InvalidArgumentError(f"--freq={freq!r}; expected a pandas period: Y, Q, M, W, D, h, 15min, ...") from None


def business_days(dates: Any, holidays: Sequence[Any], where: str, missing: str = "error") -> pd.DatetimeIndex:
    """Business days with the frequency that leaves out weekends and holidays.

    Args:
        dates: DatetimeIndex, from :meth:`kerazoo.cli.csv_tables.Table.dates`.
        holidays: dates, also those after the end, which a forecast then skips.
        where: name of the column, for messages.
        missing: "error": business days that are missing and no holidays are refused; "skip": they are filled in.

    Raises:
        InvalidArgumentError: dates are weekends or holidays, or with "error" business days are missing that are no
            holidays.
    """
    from kerazoo.forecast.data.index import listed

    if not isinstance(dates, pd.DatetimeIndex):
        raise InvalidArgumentError(f"{where} has no dates; expected dates of business days with --holidays.")
    dates = dates.rename(where) if dates.name is None else dates
    days = dates.tz_localize(None)
    if not days.is_monotonic_increasing or not days.is_unique or (days != days.normalize()).any():
        return dates  # the caller names the dates that are repeated, not sorted or no days
    freq = pd.offsets.CustomBusinessDay(holidays=[np.datetime64(day, "D") for day in holidays])
    grid = pd.date_range(days[0], days[-1], freq=freq, unit=dates.unit)
    extra, gone = days[~days.isin(grid)], grid[~grid.isin(days)]
    if len(extra):
        raise InvalidArgumentError(
            f"{where}: {len(extra)} of {len(days)} dates are weekends or in the file of --holidays: {listed(extra)}; "
            "expected business days. Drop their rows, or their lines in the file of --holidays."
        )
    if len(gone) and missing == "error":
        raise InvalidArgumentError(
            f"{where}: {len(gone)} business days are missing and not in the file of --holidays: {listed(gone)}. "
            "Add their rows, or their dates to that file. --missing skip reads them as gaps."
        )
    return pd.date_range(dates[0], periods=len(grid), freq=freq, unit=dates.unit, name=dates.name)
