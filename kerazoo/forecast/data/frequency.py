"""Steps of time counted by the calendar, and the names of frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import inferred

__all__ = ["ENDS", "Clock", "first_label", "frequency_of", "months_of", "offset_of"]

Values: TypeAlias = NDArray[np.float64]
Index: TypeAlias = pd.Index

# Frequencies whose dates are the last days of their periods; business days lie within the same month.
ENDS = (
    pd.offsets.MonthEnd,
    pd.offsets.BusinessMonthEnd,
    pd.offsets.QuarterEnd,
    pd.offsets.BQuarterEnd,
    pd.offsets.YearEnd,
    pd.offsets.BYearEnd,
)


_MONTHS = (
    (1, (pd.offsets.MonthBegin, pd.offsets.MonthEnd, pd.offsets.BusinessMonthBegin, pd.offsets.BusinessMonthEnd)),
    (3, (pd.offsets.QuarterBegin, pd.offsets.QuarterEnd, pd.offsets.BQuarterBegin, pd.offsets.BQuarterEnd)),
    (12, (pd.offsets.YearBegin, pd.offsets.YearEnd, pd.offsets.BYearBegin, pd.offsets.BYearEnd)),
)


def months_of(offset: Any) -> int | None:
    """Months from a date to the next, or None where it is not a whole number of months."""
    for months, classes in _MONTHS:
        if isinstance(offset, classes):
            return months * int(offset.n)
    return None


def offset_of(freq: str) -> Any:
    """The offset of pandas that has this name."""
    return pd.tseries.frequencies.to_offset(freq)


def frequency_of(index: Index) -> str | None:
    """The frequency by name, or None where there is none, or none that has a name."""
    if isinstance(index, pd.PeriodIndex):
        return str(index.freqstr)
    return _name_of(index.freq) or _name_of(inferred(index))


def _name_of(offset: Any) -> str | None:
    try:
        return None if offset is None else str(offset_of(offset.freqstr).freqstr)
    except ValueError:  # a DateOffset of one's own; its dates may still be those of a frequency that has a name
        return None


@dataclass(frozen=True)
class Clock:
    """Counts steps of an index from its first entry on: type of the index, that entry, and the frequency."""

    kind: str
    start: int | str
    freq: int | str

    @classmethod
    def of(cls, index: Index) -> Clock:
        if isinstance(index, pd.RangeIndex):
            return cls("RangeIndex", first_label(index), int(index.step))
        freq = frequency_of(index)
        if freq is None:
            raise InvalidArgumentError(
                f"a DatetimeIndex from {index[0]} to {index[-1]} without a frequency; expected evenly spaced dates, at "
                "least three. series.asfreq('MS'), or another, sets the frequency and shows the gaps."
            )
        return cls(type(index).__name__, first_label(index), freq)

    def steps(self, index: Index) -> Values:
        """Steps from the start to each entry: 0, 1, ... for the index that the clock is of."""
        if type(index).__name__ != self.kind:
            raise InvalidArgumentError(
                f"a {type(index).__name__}; expected a {self.kind}, as that of the fitted series."
            )
        if self.kind == "RangeIndex":
            return (index.to_numpy(np.float64) - float(self.start)) / float(self.freq)
        if self.kind == "PeriodIndex":
            if index.freqstr != self.freq:
                raise InvalidArgumentError(f"periods of {index.freqstr}; expected {self.freq}, as those fitted on.")
            return np.asarray((index.asi8 - pd.Period(self.start, self.freq).ordinal) / index.freq.n, np.float64)
        return self._steps_of_dates(index)

    def _steps_of_dates(self, index: pd.DatetimeIndex) -> Values:
        offset = offset_of(str(self.freq))
        start = pd.Timestamp(self.start)
        if (start.tz is None) != (index.tz is None):
            raise InvalidArgumentError("dates with and without a time zone; expected those of the fitted series.")
        if isinstance(offset, pd.offsets.Tick) and not isinstance(offset, pd.offsets.Day):
            return _between(start, index) / (pd.Timedelta(offset) / pd.Timedelta(1, unit="s"))
        # Longer steps go by the calendar, in which a day has no 23 or 25 hours.
        index, start = index.tz_localize(None), start.tz_localize(None)
        months = months_of(offset)
        if months is not None:
            count = (index.year.to_numpy() - start.year) * 12 + index.month.to_numpy() - start.month
            return np.asarray(count / months, np.float64)
        if isinstance(offset, pd.offsets.Day | pd.offsets.Week):
            days = offset.n * (7 if isinstance(offset, pd.offsets.Week) else 1)
            return _between(start, index) / (86400.0 * days)
        grid = pd.date_range(min(start, index[0]), max(start, index[-1]), freq=offset)
        places = grid.get_indexer(index)
        if start not in grid or (places < 0).any():
            raise InvalidArgumentError(
                f"dates from {index[0]} to {index[-1]}; expected dates of frequency {self.freq}, as {self.start}."
            )
        return np.asarray(places - grid.get_loc(start), np.float64)


def _between(start: pd.Timestamp, index: pd.DatetimeIndex) -> Values:
    """Seconds from `start` to each date, exact to the unit of the index, over any number of years."""
    if abs(index[-1].year - start.year) > 200 or abs(index[0].year - start.year) > 200:
        index, start = index.as_unit("s"), start.as_unit("s")  # nanoseconds in 64 bits end after 292 years
    return np.asarray((index - start) / pd.Timedelta(1, unit="s"), np.float64)


def first_label(index: Index) -> int | str:
    """The first entry of an index, as a number or text that goes to JSON."""
    if isinstance(index, pd.RangeIndex):
        return int(index[0])
    return str(index[0])
