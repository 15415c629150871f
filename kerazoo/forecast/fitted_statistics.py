"""`FittedStatistics`: the state of a forecaster of several series without networks, and forecasts from it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo._columns import FORECAST
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.ensemble import Ensemble
from kerazoo.forecast.intervals import ConformalIntervals, usual_change
from kerazoo.forecast.nets.trainer import Course
from kerazoo.forecast.options import FitSettings
from kerazoo.forecast.statistics import Statistics, Weights, combine, fit_statistics, weigh
from kerazoo.forecast.transforms.base import Values
from kerazoo.zoo.spec import RNNSpec

__all__ = ["FittedStatistics", "fit_series"]


@dataclass(frozen=True, eq=False)
class FittedStatistics:
    """All that a fit of statistics by series leaves; the methods are those of `kerazoo.forecast.fitted.Fitted`.

    Attributes:
        panel: the series that were fitted.
        period: int, steps per season.
        horizon: int, H, default number of steps of a forecast.
        seed: int; nothing is drawn.
        spec: RNNSpec of a network, of which none was trained.
        floor: float or None, below which no forecast falls.
        names: names of the C candidates.
        weights: float64 (S, C), weights of the candidates in the forecast of each series.
        forecasts: float64 (S, H), from the end of each series.
        intervals: ConformalIntervals; None if nothing was held out.
        n_held_out: int, steps held out of each series.
    """

    panel: Panel
    period: int
    horizon: int
    seed: int
    spec: RNNSpec
    floor: float | None
    names: tuple[str, ...]
    weights: Values
    forecasts: Values
    intervals: ConformalIntervals | None
    n_held_out: int

    @property
    def ensemble(self) -> Ensemble:
        """Networks, of which there are none.

        Raises:
            InvalidArgumentError: always.
        """
        raise InvalidArgumentError("a forecaster without networks (epochs=0); expected epochs >= 1, or predict().")

    @property
    def course(self) -> Course:
        """The training of no networks."""
        return Course({}, 0, float("nan"), float("nan"))

    @property
    def correction_weight(self) -> float:
        """Fraction of a network's correction that is applied: 0."""
        return 0.0

    @property
    def statistics(self) -> dict[str, Values]:
        """Name of a candidate -> its weights in the forecasts, float64 (S,); of those that have any."""
        return {name: column for name, column in zip(self.names, self.weights.T, strict=True) if column.any()}

    @property
    def transforms(self) -> list[tuple[list[dict[str, Any]], float]]:
        """Pairs of the configs of a chain of transforms and its weight: none."""
        return []

    def covariate_effects(self) -> list[dict[str, Any]]:
        """Effects of covariates: none."""
        return []

    def unknown_effects(self, futures: Sequence[Values]) -> list[str]:
        """Covariates whose effect is unknown: none."""
        return []

    def forecast(
        self, series: Sequence[SeriesData], futures: Sequence[Values], horizon: int, levels: Iterable[float] = ()
    ) -> dict[str, list[Values]]:
        """Forecasts and the bounds of their intervals.

        Args:
            series: the fitted series, or the same series with other lengths. To those the candidates are fitted anew,
                and combined with the weights of the fitted series.
            futures: float64 (H, 0) per series.
            horizon: int >= 1, H.
            levels: fractions.

        Returns:
            Column label -> one float64 (H,) per series.

        Raises:
            IntervalError: too few steps were held out for a level, or none.
        """
        same = [np.array_equal(one.values, other.values) for one, other in zip(series, self.panel.series, strict=True)]
        points = [forecast[:horizon] for forecast in self.forecasts]
        if horizon > self.horizon or not all(same):
            found = fit_statistics(
                [each.values for each in series], self.period, horizon, n_origins=0, floor=self.floor
            )
            anew = combine(found, _repeated(self.weights, horizon))
            # Fits that start elsewhere end elsewhere, within some 1e-4: a longer forecast begins with the shorter one.
            points = [
                np.concatenate([before, after[len(before) :]]) if known else after
                for before, after, known in zip(points, anew, same, strict=True)
            ]
        columns = {FORECAST: points}
        levels = tuple(levels)
        if not levels:
            return columns
        if self.intervals is None:
            raise IntervalError(
                "level is given, but no steps were held out to measure the width of intervals; expected level=None, "
                "or a fit with val > 0."
            )
        return columns | self.intervals.bounds(points, horizon, levels, self.floor)

    def possible_levels(self, levels: Iterable[float]) -> tuple[float, ...]:
        """The levels for which enough steps were held out."""
        intervals = self.intervals
        return () if intervals is None else tuple(level for level in levels if intervals.supports(level))

    def fitted_values(self, series: Sequence[SeriesData]) -> list[Values]:
        """One-step forecasts of each series, float64 (T,), each from the values before; NaN at the start."""
        found = fit_statistics(
            [each.values for each in series], self.period, 1, n_origins=0, floor=self.floor, fitted=True
        )
        assert found.fitted is not None
        ends = np.cumsum(found.lengths)[:-1]
        values = []
        for of_series, weights in zip(np.split(found.fitted, ends, axis=1), self.weights, strict=True):
            share = weights[:, None] * np.isfinite(of_series)
            total = share.sum(axis=0)
            combined = (share * np.nan_to_num(of_series)).sum(axis=0)
            values.append(np.where(total > 0, combined / np.where(total > 0, total, 1.0), np.nan))
        return values

    def to_state(self) -> tuple[dict[str, Values], dict[str, Any]]:
        """The arrays, and the other values as JSON holds them, to be saved; without the panel, spec and intervals."""
        arrays = {"weights": self.weights, "forecasts": self.forecasts}
        return arrays, {"names": list(self.names), "floor": self.floor}

    @classmethod
    def from_state(cls, arrays: Mapping[str, Values], rest: Mapping[str, Any], **others: Any) -> FittedStatistics:
        """The inverse of :meth:`to_state`; `others` are the other attributes."""
        weights, forecasts = (np.array(arrays[name], np.float64) for name in ("weights", "forecasts"))
        return cls(names=tuple(rest["names"]), floor=rest["floor"], weights=weights, forecasts=forecasts, **others)


def _repeated(weights: Values, horizon: int) -> Weights:
    by_series = np.repeat(weights[:, :, None], horizon, axis=2)
    return Weights(by_series.mean(axis=0), by_series, 0.0)


def fit_series(panel: Panel, settings: FitSettings, val: int | None) -> FittedStatistics:
    """Fit all candidates to every series and weigh them by series.

    Args:
        panel: the series, without covariates.
        settings: FitSettings.
        val: int, steps to hold out, of which at least `horizon` are; 0: none, and the weights are the usual ones.
    """
    horizon = settings.horizon
    if all(np.ptp(each.values) == 0 for each in panel.series):
        warnings.warn(
            "all series are constant: the forecasts are the same constants, and intervals have zero width.",
            UserWarning,
            stacklevel=5,
        )
    origins: dict[str, Any] = {}
    if val is not None:
        origins = {"n_origins": 1 + max(0, val - horizon) // max(1, horizon // 3) if val else 0}
    found = fit_statistics(
        [each.values for each in panel.series], settings.period, horizon, floor=settings.floor, **origins
    )
    weights = weigh(found)
    return FittedStatistics(
        panel=panel,
        period=settings.period,
        horizon=horizon,
        seed=settings.seed,
        spec=settings.spec,
        floor=settings.floor,
        names=found.names,
        weights=weights.by_series[:, :, 0],
        forecasts=combine(found, weights),
        intervals=_intervals(found, weights, panel, settings.period),
        n_held_out=int(found.backs[0]) if len(found.backs) else 0,
    )


def _intervals(found: Statistics, weights: Weights, panel: Panel, period: int) -> ConformalIntervals | None:
    if not len(found.backs):
        return None
    errors = found.truth - combine(found, weights, rolled=True)
    held_out = int(found.backs[0])
    paths = [(number, path) for number, of_series in enumerate(errors) for path in of_series if np.isfinite(path).any()]
    if not paths:  # every series is shorter than the steps that are held out
        return None
    unit = np.array([usual_change(each.values[:-held_out], period) for each in panel.series])
    return ConformalIntervals.of(paths, unit, held_out)
