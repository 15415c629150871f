"""Conformal prediction intervals: their width is a quantile of past forecast errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo.errors import IntervalError
from kerazoo.forecast.transforms.base import Values

__all__ = ["ConformalIntervals"]

MAX_ERRORS = 2000


@dataclass(frozen=True, eq=False)
class ConformalIntervals:
    """Half widths by horizon, from errors at rolling origins.

    This is split conformal prediction (Vovk et al. 2005) for the absolute errors divided by their size at each horizon,
    with two corrections for the correlation of errors at neighbouring origins. The level is raised to
    ((n + 1) level) / n, where n is the number of held-out steps. And since the errors of one path are large or small
    together, the widths are multiplied by the ratio of the quantiles of Student's t, with as many degrees of freedom as
    there are paths that do not overlap, and of the normal distribution. Without it, 95 % intervals of the milk series
    covered 86 % (docs/forecast.md).

    Attributes:
        growth: float64 (R,), non-decreasing sizes of the errors 1, ..., R steps ahead, in units of `unit`.
        errors: float64, sorted absolute errors, in units of their growth.
        unit: float64 (series,), the unit of the errors of each series.
        n_held_out: int, steps that were held out of each series.
    """

    growth: Values
    errors: Values
    unit: Values
    n_held_out: int

    @classmethod
    def of(cls, errors: Sequence[tuple[int, Values]], unit: Values, n_held_out: int) -> ConformalIntervals:
        """Fit to errors of forecasts.

        Args:
            errors: per forecast the number of its series and float64 (h,), truth minus forecast 1, ..., h steps ahead.
            unit: float64 (series,), > 0.
            n_held_out: int, steps held out of each series.
        """
        reach = max(len(each) for _, each in errors)
        table = np.full((len(errors), reach), np.nan)
        for row, (series, each) in zip(table, errors, strict=True):
            row[: len(each)] = np.abs(each) / unit[series]
        count = np.isfinite(table).sum(axis=0)
        size = np.sqrt(np.nansum(table**2, axis=0) / np.maximum(count, 1))
        growth = np.maximum(_non_decreasing(size, count), 1e-12)
        relative = np.sort((table / growth)[np.isfinite(table)])
        if len(relative) > MAX_ERRORS:
            relative = np.quantile(relative, np.linspace(0.0, 1.0, MAX_ERRORS))
        return cls(growth, relative, np.asarray(unit, np.float64), n_held_out)

    def supports(self, level: float) -> bool:
        """Whether enough steps were held out for intervals of this level."""
        return level * (self.n_held_out + 1) / self.n_held_out <= 1.0 + 0.5 / self.n_held_out

    def half_widths(self, level: float, series: int, horizon: int) -> Values:
        """Half widths of the intervals, float64 (horizon,), in the units of the data.

        Args:
            level: float in (0, 1), the coverage.
            series: int, the number of the series.
            horizon: int >= 1.

        Raises:
            IntervalError: too few steps were held out for the level.
        """
        raised = level * (self.n_held_out + 1) / self.n_held_out
        if not self.supports(level):
            needed = math.ceil((level - 0.5) / (1.0 - level) - 1e-9)
            raise IntervalError(
                f"interval of {level:.0%} from {self.n_held_out} held-out steps; expected at least {needed}. Hold out "
                "more (fit(val=...)), choose a lower level, or use loss='normal'."
            )
        quantile = float(np.quantile(self.errors, min(1.0, raised)))
        growth = self.growth[:horizon]
        if horizon > len(growth):
            growth = np.concatenate([growth, self._beyond(horizon)])
        return quantile * self._widening(level) * growth * self.unit[series]

    def _widening(self, level: float) -> float:
        from scipy import stats  # type: ignore[import-untyped]

        paths = max(2.0, self.n_held_out * len(self.unit) / len(self.growth))
        tail = 0.5 + 0.5 * level
        return float(stats.t.ppf(tail, paths) / stats.norm.ppf(tail))

    def _beyond(self, horizon: int) -> Values:
        """Sizes of errors further ahead than measured: a power of the horizon, at most linear."""
        reach = len(self.growth)
        steps = np.arange(1, reach + 1)
        power = 0.5
        if reach > 1:
            power = float(np.clip(np.polyfit(np.log(steps), np.log(self.growth), 1)[0], 0.0, 1.0))
        return self.growth[-1] * (np.arange(reach + 1, horizon + 1) / reach) ** power

    def to_state(self) -> tuple[dict[str, Values], dict[str, Any]]:
        """The arrays, and the other values as JSON holds them, to be saved."""
        return {"growth": self.growth, "errors": self.errors, "unit": self.unit}, {"n_held": self.n_held_out}

    @classmethod
    def from_state(cls, arrays: Mapping[str, Values], rest: Mapping[str, Any]) -> ConformalIntervals:
        """The inverse of :meth:`to_state`."""
        growth, errors, unit = (np.array(arrays[name], np.float64) for name in ("growth", "errors", "unit"))
        return cls(growth, errors, unit, rest["n_held"])


def _non_decreasing(sizes: Values, counts: Values) -> Values:
    """The non-decreasing values closest to `sizes`, by weighted least squares."""
    from sklearn.isotonic import IsotonicRegression

    found = IsotonicRegression().fit_transform(np.arange(len(sizes)), sizes, sample_weight=np.maximum(counts, 1))
    return np.asarray(found, np.float64)
