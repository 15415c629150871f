"""Totals of months, quarters and years, adjusted for the number of days."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.frequency import ENDS, frequency_of, months_of, offset_of
from kerazoo.forecast.transforms.base import Index, PointwiseTransform, Values
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["PerDay"]

DAYS_IN_A_YEAR = 365.25


@register_transform
class PerDay(PointwiseTransform):
    """z = y / (days of the period) · (mean days of such a period): totals adjusted for the length of the period.

    The mean is that of the Julian year, 365.25 / 12 days for a month, so that z has the unit of y. For totals of
    months, quarters, years and their multiples, over a `DatetimeIndex` of their first or last days or a `PeriodIndex`.
    If the dates have no `freq`, pandas infers it; if they are too few for that, the frequency of the fitted series is
    used.
    :meth:`fit` and :meth:`apply` raise InvalidArgumentError for other frequencies.

    Attributes:
        freq_: str, the frequency of the fitted dates, such as "MS" or "QE-DEC"; None for periods, which have their own.


    >>> index = pd.date_range("2021-01-01", periods=3, freq="MS")
    >>> PerDay().fit([31.0, 28.0, 31.0], index).apply([31.0, 28.0, 31.0], index)[0]
    array([30.4375, 30.4375, 30.4375])
    """

    name = "per_day"
    learned = ("freq_",)

    freq_: str | None

    def _fit(self, y: Values, index: Index) -> None:
        self.freq_ = None
        self.relative_length(index)
        self.freq_ = None if isinstance(index, pd.PeriodIndex) else frequency_of(index)

    def _check_state(self) -> None:
        try:
            known = self.freq_ is None or (isinstance(self.freq_, str) and months_of(offset_of(self.freq_)) is not None)
        except ValueError:
            known = False
        if not known:
            raise InvalidArgumentError(f"freq_={self.freq_!r:.80} of PerDay; expected months, quarters, years or None.")

    def _forward(self, y: Values, index: Index) -> Values:
        return y / self.relative_length(index)

    def _backward(self, z: Values, index: Index) -> Values:
        return z * self.relative_length(index)

    def relative_length(self, index: Index) -> Values:
        """Days of each period, relative to the mean."""
        offset = None
        if isinstance(index, pd.PeriodIndex):
            offset = index.freq
        elif isinstance(index, pd.DatetimeIndex):
            freq = frequency_of(index) or self.freq_
            offset = None if freq is None else offset_of(freq)
        months = None if offset is None else months_of(offset)
        if months is None:
            what = f"frequency {offset.freqstr}" if offset is not None else "no recognisable frequency"
            raise InvalidArgumentError(
                f"a {type(index).__name__} with {what}; PerDay expected months, quarters or years: a DatetimeIndex of "
                "their first or last days (freq 'MS', 'ME', 'QS', ...; series.asfreq sets it) or a PeriodIndex. Leave "
                "PerDay out for other periods, which have equal lengths."
            )
        if isinstance(index, pd.PeriodIndex):
            first = index.asfreq("M", how="start").asi8
        else:
            first = (index.year.to_numpy(np.int64) - 1970) * 12 + index.month.to_numpy(np.int64) - 1
            if isinstance(offset, ENDS):
                first = first - (months - 1)
        starts, ends = (month.astype("datetime64[M]").astype("datetime64[D]") for month in (first, first + months))
        days: Values = (ends - starts).astype(np.int64) / (months * DAYS_IN_A_YEAR / 12)
        return days
