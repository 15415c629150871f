"""Names of frequencies, and steps counted by the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._validation import LARGEST_INT, check_choice, check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import inferred
from kerazoo.forecast.data.types import Index, Values

__all__ = ["ENDS", "Clock", "first_label", "frequency_of", "months_of", "offset_of"]

# Frequencies whose dates are the last days of their periods, or the last business days, in the same month.
ENDS = (
    pd.offsets.MonthEnd,
    pd.offsets.BusinessMonthEnd,
    pd.offsets.QuarterEnd,
    pd.offsets.BQuarterEnd,
    pd.offsets.YearEnd,
    pd.offsets.BYearEnd,
)

_KINDS = ("DatetimeIndex", "PeriodIndex", "RangeIndex")  # of a clock
_MONTHS = (
    (1, (pd.offsets.MonthBegin, pd.offsets.MonthEnd, pd.offsets.BusinessMonthBegin, pd.offsets.BusinessMonthEnd)),
    (3, (pd.offsets.QuarterBegin, pd.offsets.QuarterEnd, pd.offsets.BQuarterBegin, pd.offsets.BQuarterEnd)),
    (12, (pd.offsets.YearBegin, pd.offsets.YearEnd, pd.offsets.BYearBegin, pd.offsets.BYearEnd)),
)


def months_of(offset: Any) -> int | None:
    """Months from one date to the next, or None if the step is not a whole number of months."""
    for months, classes in _MONTHS:
        if isinstance(offset, classes):
            return months * int(offset.n)
    return None


@lru_cache(maxsize=64)
def offset_of(freq: str) -> Any:
    """The pandas offset with this name."""
    return pd.tseries.frequencies.to_offset(freq)


def frequency_of(index: Index) -> str | None:
    """The name of the frequency, or None if the index has no frequency or an unnamed one."""
    if isinstance(index, pd.PeriodIndex):
        return str(index.freqstr)
    return _name_of(index.freq) or _name_of(inferred(index))


def _name_of(offset: Any) -> str | None:
    try:
        return None if offset is None else str(offset_of(offset.freqstr).freqstr)
    except ValueError:  # a general DateOffset; inference from the dates may still find a named frequency
        return None


@dataclass(frozen=True)
class Clock:
    """Counts the steps of an index from its first entry, by the calendar.

    Attributes:
        kind: name of the index type.
        start: the first entry.
        freq: the frequency; for a RangeIndex its step.
    """

    kind: str
    start: int | str
    freq: int | str

    @classmethod
    def of(cls, index: Index) -> Clock:
        """The clock that starts at the first entry of an index."""
        if isinstance(index, pd.RangeIndex):
            return cls("RangeIndex", first_label(index), int(index.step))
        freq = frequency_of(index)
        if freq is None:
            raise InvalidArgumentError(
                f"a DatetimeIndex from {index[0]} to {index[-1]} without a frequency; expected evenly spaced dates, at "
                "least three. series.asfreq('MS'), or another, sets the frequency and shows the gaps."
            )
        return cls(type(index).__name__, first_label(index), freq)

    @classmethod
    def from_state(cls, state: Any) -> Clock:
        """A clock that a file describes: the inverse of `dataclasses.asdict`.

        Raises:
            InvalidArgumentError: other fields, or a start or a frequency that pandas cannot read.

        >>> Clock.from_state({"kind": "DatetimeIndex", "start": "2020-01-31", "freq": "ME"}).freq
        'ME'
        """
        if not isinstance(state, Mapping) or set(state) != {"kind", "start", "freq"}:
            raise InvalidArgumentError(f"clock={state!r:.200}; expected a dict with kind, start and freq.")
        clock = cls(check_choice("kind of a clock", state["kind"], _KINDS), state["start"], state["freq"])
        if clock.kind == "RangeIndex":
            check_int("start of a clock", clock.start, -LARGEST_INT)
            check_int("freq of a clock", clock.freq)
            return clock
        try:
            if clock.kind == "PeriodIndex":
                parsed = pd.Period(clock.start, clock.freq)
                offset = parsed.freq
            else:
                parsed, offset = pd.Timestamp(clock.start), offset_of(str(clock.freq))
            known = isinstance(clock.start, str) and isinstance(clock.freq, str) and parsed is not pd.NaT
            if isinstance(offset, pd.offsets.Tick):
                pd.Timedelta(offset)  # an OverflowError of what 64 bits cannot hold
        except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise InvalidArgumentError(
                f"clock={state!r:.200}: {error!r:.200}; expected a date and a frequency."
            ) from None
        if not known or offset.n < 1:
            raise InvalidArgumentError(f"clock={state!r:.200}; expected the texts of a date and of a frequency > 0.")
        return clock

    def steps(self, index: Index) -> Values:
        """Steps from the start to each entry, float64 (T,): 0, 1, ... for the index of :meth:`of`."""
        if type(index).__name__ != self.kind:
            raise InvalidArgumentError(f"a {type(index).__name__}; expected a {self.kind}, as the fitted series.")
        if self.kind == "RangeIndex":
            return (index.to_numpy(np.float64) - float(self.start)) / float(self.freq)
        if self.kind == "PeriodIndex":
            if index.freqstr != self.freq:
                raise InvalidArgumentError(f"periods of {index.freqstr}; expected {self.freq}, as the fitted series.")
            return np.asarray((index.asi8 - pd.Period(self.start, self.freq).ordinal) / index.freq.n, np.float64)
        return self._steps_of_dates(index)

    def _steps_of_dates(self, index: pd.DatetimeIndex) -> Values:
        offset = offset_of(str(self.freq))
        start = pd.Timestamp(self.start)
        if (start.tz is None) != (index.tz is None):
            raise InvalidArgumentError("dates with and without a time zone; expected that of the fitted series.")
        if isinstance(offset, pd.offsets.Tick) and not isinstance(offset, pd.offsets.Day):
            return _between(start, index) / (pd.Timedelta(offset) / pd.Timedelta(1, unit="s"))
        # Longer steps follow the calendar, in which no day has 23 or 25 hours.
        if start.tz is not None:
            index, start = index.tz_localize(None), start.tz_localize(None)
        months = months_of(offset)
        if months is not None:
            if len(index) and index.freq is not None and index.freq == offset:  # one look at the calendar is enough
                first = (index[0].year - start.year) * 12 + index[0].month - start.month
                return first / months + np.arange(len(index), dtype=np.float64)
            count = (index.year.to_numpy() - start.year) * 12 + index.month.to_numpy() - start.month
            return np.asarray(count / months, np.float64)
        if isinstance(offset, pd.offsets.Day | pd.offsets.Week):
            days = offset.n * (7 if isinstance(offset, pd.offsets.Week) else 1)
            return _between(start, index) / (86400.0 * days)
        grid = pd.date_range(min(start, index[0]), max(start, index[-1]), freq=offset)
        positions = grid.get_indexer(index)
        if start not in grid or (positions < 0).any():
            raise InvalidArgumentError(
                f"dates from {index[0]} to {index[-1]}; expected dates of frequency {self.freq}, as {self.start}."
            )
        return np.asarray(positions - grid.get_loc(start), np.float64)


def _between(start: pd.Timestamp, index: pd.DatetimeIndex) -> Values:
    """Seconds from `start` to each date, exact to the unit of the index, over any number of years."""
    if abs(index[-1].year - start.year) > 200 or abs(index[0].year - start.year) > 200:
        index, start = index.as_unit("s"), start.as_unit("s")  # nanoseconds in 64 bits overflow after 292 years
    return np.asarray((index - start) / pd.Timedelta(1, unit="s"), np.float64)


def first_label(index: Index) -> int | str:
    """The first entry of an index, as a number or text that JSON can hold."""
    if isinstance(index, pd.RangeIndex):
        return int(index[0])
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        return str(index[0])
    return _label(index.dtype, int(index.asi8[0]))


@lru_cache(maxsize=4096)
def _label(dtype: Any, value: int) -> str:
    """The text of a date, which takes long: all candidates of a selection start at the same ones."""
    if isinstance(dtype, pd.PeriodDtype):
        return str(pd.Period(ordinal=value, freq=dtype.freq))
    return str(pd.Index(np.array([value])).astype(dtype)[0])
