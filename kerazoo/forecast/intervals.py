"""Conformal intervals: as wide as the errors of forecasts that were made without knowing what followed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo.errors import IntervalError
from kerazoo.forecast.transforms.base import Values

__all__ = ["ConformalIntervals"]

MOST_KEPT = 2000


@dataclass(frozen=True, eq=False)
class ConformalIntervals:
    """Half widths by horizon, from errors at rolling origins (split conformal prediction, Vovk et al. 2005, for the
    errors divided by their size at each horizon).

    Errors at neighbouring origins go together, so that they do not count for their number. The level is raised to
    ((n + 1) level) / n, n the steps that were held out; and as whole paths of errors are large or small together, the
    widths are those of Student's t with as many degrees of freedom as there are paths that do not overlap, in place of
    a normal distribution's: without it 95 % intervals of the milk series held 86 % (docs/forecast.md).

    Attributes:
        growth: float64 (R,), sizes of the errors 1 .. R steps ahead, which never fall; in units of `unit`.
        errors: float64, sorted sizes of errors, in units of their growth.
        unit: float64 (series,), what errors of each series are divided by.
        n_held: int, steps that were held out of each series.
    """

    growth: Values
    errors: Values
    unit: Values
    n_held: int

    @classmethod
    def of(cls, errors: Sequence[tuple[int, Values]], unit: Values, n_held: int) -> ConformalIntervals:
        """From errors of forecasts.

        Args:
            errors: (series, float64 (h,)) a forecast: what came, less what was foretold, 1 .. h steps ahead.
            unit: float64 (series,), > 0.
            n_held: int, steps held out of a series.
        """
        reach = max(len(each) for _, each in errors)
        table = np.full((len(errors), reach), np.nan)
        for row, (series, each) in zip(table, errors, strict=True):
            row[: len(each)] = np.abs(each) / unit[series]
        count = np.isfinite(table).sum(axis=0)
        size = np.sqrt(np.nansum(table**2, axis=0) / np.maximum(count, 1))
        growth = np.maximum(_rising(size, count), 1e-12)
        relative = np.sort((table / growth)[np.isfinite(table)])
        if len(relative) > MOST_KEPT:
            relative = np.quantile(relative, np.linspace(0.0, 1.0, MOST_KEPT))
        return cls(growth, relative, np.asarray(unit, np.float64), n_held)

    def can_hold(self, level: float) -> bool:
        """Whether enough steps were held out for :meth:`half_widths` of this level."""
        return level * (self.n_held + 1) / self.n_held <= 1.0 + 0.5 / self.n_held

    def half_widths(self, level: float, series: int, horizon: int) -> Values:
        """Float64 (horizon,), in units of the data, for an interval that holds a share `level` of what comes.

        Raises:
            IntervalError: too few steps were held out to say so much.
        """
        raised = level * (self.n_held + 1) / self.n_held
        if not self.can_hold(level):
            needed = math.ceil((level - 0.5) / (1.0 - level) - 1e-9)
            raise IntervalError(
                f"interval of {level:.0%} from {self.n_held} steps held out; expected at least {needed}. Hold out more "
                "(fit(val=...)), ask for a narrower interval, or take loss='normal'."
            )
        quantile = float(np.quantile(self.errors, min(1.0, raised)))
        growth = self.growth[:horizon]
        if horizon > len(growth):
            growth = np.concatenate([growth, self._beyond(horizon)])
        return quantile * self._widening(level) * growth * self.unit[series]

    def _widening(self, level: float) -> float:
        from scipy import stats  # type: ignore[import-untyped]

        paths = max(2.0, self.n_held * len(self.unit) / len(self.growth))
        tail = 0.5 + 0.5 * level
        return float(stats.t.ppf(tail, paths) / stats.norm.ppf(tail))

    def _beyond(self, horizon: int) -> Values:
        """Further than was measured, errors go on growing as a power of the horizon, at most as a straight line."""
        reach = len(self.growth)
        steps = np.arange(1, reach + 1)
        power = 0.5
        if reach > 1:
            power = float(np.clip(np.polyfit(np.log(steps), np.log(self.growth), 1)[0], 0.0, 1.0))
        return self.growth[-1] * (np.arange(reach + 1, horizon + 1) / reach) ** power

    def to_state(self) -> tuple[dict[str, Values], dict[str, Any]]:
        """Arrays and what else is to be saved."""
        return {"growth": self.growth, "errors": self.errors, "unit": self.unit}, {"n_held": self.n_held}

    @classmethod
    def from_state(cls, arrays: Mapping[str, Values], rest: Mapping[str, Any]) -> ConformalIntervals:
        """The inverse of :meth:`to_state`."""
        growth, errors, unit = (np.array(arrays[name], np.float64) for name in ("growth", "errors", "unit"))
        return cls(growth, errors, unit, rest["n_held"])


def _rising(sizes: Values, counts: Values) -> Values:
    """The closest values to `sizes` that never fall, by weighted least squares."""
    from sklearn.isotonic import IsotonicRegression

    found = IsotonicRegression().fit_transform(np.arange(len(sizes)), sizes, sample_weight=np.maximum(counts, 1))
    return np.asarray(found, np.float64)
