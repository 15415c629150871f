"""The steps of series: their seasons, their frequency, and the first date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kerazoo._validation import check_choice, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators.calendar_effects import FREQUENCIES, first_step

__all__ = ["Grid"]

# Shortest season -> frequency.
_USUAL = {1.0: "YS", 4.0: "QS", 5.0: "B", 7.0: "D", 12.0: "MS", 24.0: "h", 52.0: "W", 168.0: "h", 365.0: "D"}


@dataclass(frozen=True)
class Grid:
    """What the steps of series are.

    Attributes:
        periods: lengths of the seasons in steps, the shortest first; empty: no season.
        freq: one of `FREQUENCIES`, or None: no calendar.
        date: first date of all series; None: any.
    """

    periods: tuple[float, ...] = ()
    freq: str | None = None
    date: str | None = None

    @property
    def period(self) -> float:
        """The shortest season, or 1."""
        return self.periods[0] if self.periods else 1.0

    @classmethod
    def of(cls, period: Any, freq: str | None = "auto", date: str | None = None) -> Grid:
        """The checked grid.

        >>> Grid.of([168, 24])
        Grid(periods=(24.0, 168.0), freq='h', date=None)
        """
        given = list(period) if isinstance(period, Iterable) and not isinstance(period, str) else [period]
        if not given:
            raise InvalidArgumentError("period=[]; expected the steps of one season or of several. 1: no season.")
        checked = {check_real("period", each, 1.0, 1e6, hint="1: no season.") for each in given}
        periods = tuple(sorted(each for each in checked if each > 1))
        if freq == "auto":
            shortest = periods[0] if periods else 1.0
            freq = _USUAL.get(round(shortest, 0)) if abs(shortest - round(shortest)) < 0.3 else None
        elif freq is not None:
            check_choice("freq", freq, ("auto", *FREQUENCIES))
        if date is not None:
            first_step(date, freq or "D")
        return cls(periods, freq, date)
