"""`FittedPanel`: the state of a forecaster of several series, statistics and global networks, and its forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._columns import FORECAST, bound_columns
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.ensemble import Ensemble
from kerazoo.forecast.intervals import ConformalIntervals, usual_change
from kerazoo.forecast.mixture import extended, mixed
from kerazoo.forecast.nets.trainer import Course
from kerazoo.forecast.statistics import Weights, combine, fit_statistics
from kerazoo.zoo.spec import RNNSpec

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets import GlobalNet

__all__ = ["FittedPanel", "forecast_of"]


@dataclass(frozen=True, eq=False)
class FittedPanel:
    """All that a fit of several series leaves; the methods are those of `kerazoo.forecast.fitted.Fitted`.

    Attributes:
        panel: the series that were fitted.
        period: int, steps per season.
        horizon: int, H, default number of steps of a forecast.
        seed: int, of the networks.
        spec: RNNSpec of a network.
        floor: float or None, below which no forecast falls.
        names: names of the C statistical candidates.
        weights: float64 (S, C), weights of the candidates in the statistical forecast of each series.
        panel_weights: float64 (C,), those of a series that was not fitted.
        forecasts: float64 (S, H), from the end of each series.
        nets: the networks: one GlobalNet for each strategy; () if they do not help.
        net_weights: float64 (H,), weight of the networks in the forecast of each step ahead; the statistics have the
            rest.
        course: how the training went.
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
    panel_weights: Values
    forecasts: Values
    nets: tuple[GlobalNet, ...]
    net_weights: Values
    course: Course
    intervals: ConformalIntervals | None
    n_held_out: int

    #: Series that were not fitted have forecasts, too.
    knows_any_series = True

    @property
    def ensemble(self) -> Ensemble:
        """Networks of a single series, of which there are none.

        Raises:
            InvalidArgumentError: always.
        """
        raise InvalidArgumentError(
            "generate() of a forecaster of several series; expected one of a single series. predict(history=...) "
            "forecasts any series."
        )

    @property
    def correction_weight(self) -> Values:
        """Weight of the networks in the forecast of each step ahead, float64 (H,)."""
        return self.net_weights

    @property
    def statistics(self) -> dict[str, Values]:
        """Name of a candidate -> its weights in the statistical forecasts, float64 (S,); of those that have any."""
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
            series: the fitted series, the same with other lengths, or others. To those that differ the candidates are
                fitted anew, and combined with the weights of the fitted series of that name, or of the panel.
            futures: float64 (H, 0) per series.
            horizon: int >= 1, H.
            levels: fractions.

        Returns:
            Column label -> one float64 (H,) per series.

        Raises:
            IntervalError: too few steps were held out for a level, or none.
        """
        numbers = self._numbers(series)
        same = [
            number is not None and np.array_equal(each.values, self.panel.series[number].values, equal_nan=True)
            for number, each in zip(numbers, series, strict=True)
        ]
        if horizon <= self.horizon and all(same):
            points = [self.forecasts[number][:horizon] for number in numbers]
        else:
            anew = self._points(series, numbers, horizon)
            # Fits that start elsewhere end elsewhere, within some 1e-4: a longer forecast begins with the shorter one.
            points = [
                np.concatenate([self.forecasts[number][:horizon], after[self.horizon :]]) if known else after
                for number, after, known in zip(numbers, anew, same, strict=True)
            ]
        columns = {FORECAST: points}
        levels = tuple(levels)
        if not levels:
            return columns
        if self._has_distribution:
            return columns | self._bounds_of_networks(series, points, horizon, levels)
        if self.intervals is None:
            raise IntervalError(
                "level is given, but no steps were held out to measure the width of intervals; expected level=None, "
                "or a fit with val > 0."
            )
        intervals = self.intervals
        if numbers != list(range(len(self.panel.series))):
            intervals = intervals.of_series(numbers, self._units(series, numbers))
        return columns | intervals.bounds(points, horizon, levels, self.floor)

    def _numbers(self, series: Sequence[SeriesData]) -> list[int | None]:
        known = {label: number for number, label in enumerate(self.panel.ids)}
        return [known.get(each.id) for each in series]

    def _points(self, series: Sequence[SeriesData], numbers: Sequence[int | None], horizon: int) -> Values:
        """Forecasts (S, H) of any series."""
        ys = [each.values for each in series]
        found = fit_statistics(ys, self.period, horizon, n_origins=0, floor=self.floor)
        weights = np.stack([self.panel_weights if number is None else self.weights[number] for number in numbers])
        points = combine(found, _repeated(weights, horizon))
        if self.nets:
            points = mixed(points, forecast_of(self.nets, ys, horizon), extended(self.net_weights, horizon), self.floor)
        return points

    def _units(self, series: Sequence[SeriesData], numbers: Sequence[int | None]) -> Values:
        """Sizes of the errors of series that were not fitted: as large, for what they vary by, as of those that were.

        0 for fitted series, which have their own.
        """
        assert self.intervals is not None
        own = np.array([usual_change(each.values[: -self.n_held_out], self.period) for each in self.panel.series])
        usual = (own > 0) & (self.intervals.unit > 0)
        ratio = float(np.median(self.intervals.unit[usual] / own[usual])) if usual.any() else 1.0
        return np.array(
            [
                ratio * usual_change(each.values, self.period) if number is None else 0.0
                for number, each in zip(numbers, series, strict=True)
            ]
        )

    @property
    def _has_distribution(self) -> bool:
        return bool(self.nets) and self.nets[0].make_loss().has_distribution

    def _bounds_of_networks(
        self, series: Sequence[SeriesData], points: Sequence[Values], horizon: int, levels: Sequence[float]
    ) -> dict[str, list[Values]]:
        """Quantiles of the networks, moved by what the forecast differs from theirs."""
        from kerazoo.forecast.global_nets import forecast_quantiles

        ys = [each.values for each in series]
        tails = [side for level in levels for side in ((1 - level) / 2, (1 + level) / 2)]
        quantiles = np.mean([forecast_quantiles(net, ys, tails, horizon) for net in self.nets], axis=0)
        moved = quantiles + (np.stack(points) - forecast_of(self.nets, ys, horizon))[:, :, None]
        if self.floor is not None:
            moved = np.maximum(moved, self.floor)
        labels = [label for level in levels for label in bound_columns(level)]
        return {label: list(moved[:, :, place]) for place, label in enumerate(labels)}

    def possible_levels(self, levels: Iterable[float]) -> tuple[float, ...]:
        """The levels for which enough steps were held out."""
        if self._has_distribution:
            return tuple(levels)
        intervals = self.intervals
        return () if intervals is None else tuple(level for level in levels if intervals.supports(level))

    def fitted_values(self, series: Sequence[SeriesData]) -> list[Values]:
        """One-step forecasts of the statistics, float64 (T,), each from the values before; NaN at the start."""
        found = fit_statistics(
            [each.values for each in series], self.period, 1, n_origins=0, floor=self.floor, fitted=True
        )
        assert found.fitted is not None
        ends = np.cumsum(found.lengths)[:-1]
        values = []
        for of_series, number in zip(np.split(found.fitted, ends, axis=1), self._numbers(series), strict=True):
            weights = self.panel_weights if number is None else self.weights[number]
            share = weights[:, None] * np.isfinite(of_series)
            total = share.sum(axis=0)
            combined = (share * np.nan_to_num(of_series)).sum(axis=0)
            values.append(np.where(total > 0, combined / np.where(total > 0, total, 1.0), np.nan))
        return values

    def to_state(self) -> tuple[dict[str, Values], dict[str, Any]]:
        """The arrays, and the other values as JSON holds them, to be saved; without the panel, spec and intervals."""
        arrays = {
            "weights": self.weights,
            "panel_weights": self.panel_weights,
            "forecasts": self.forecasts,
            "net_weights": self.net_weights,
        }
        notes = []
        for place, net in enumerate(self.nets):
            values, note = net.to_plain()
            arrays |= {f"strategy{place}.{name}": value for name, value in values.items()}
            notes.append(note)
        course = {"history": self.course.history, "best_epoch": self.course.best_epoch}
        return arrays, {"names": list(self.names), "floor": self.floor, "nets": notes, "course": course}

    @classmethod
    def from_state(cls, arrays: Mapping[str, Values], rest: Mapping[str, Any], **others: Any) -> FittedPanel:
        """The inverse of :meth:`to_state`; `others` are the other attributes."""
        weights, forecasts = (np.array(arrays[name], np.float64) for name in ("weights", "forecasts"))
        # The first files have neither networks nor the weights of the panel.
        panel_weights = np.array(arrays.get("panel_weights", weights.mean(axis=0)), np.float64)
        net_weights = np.array(arrays.get("net_weights", np.zeros(forecasts.shape[1])), np.float64)
        nets = []
        for place, note in enumerate(rest.get("nets", ())):
            from kerazoo.forecast.global_nets import GlobalNet

            start = f"strategy{place}."
            own = {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
            nets.append(GlobalNet.from_plain(own, note))
        return cls(
            names=tuple(rest["names"]), floor=rest["floor"], weights=weights, panel_weights=panel_weights,
            forecasts=forecasts, nets=tuple(nets), net_weights=net_weights, course=Course(**rest.get("course", {})),
            **others,
        )  # fmt: skip


def forecast_of(nets: Sequence[GlobalNet], ys: Sequence[Values], horizon: int) -> Values:
    """Mean forecast of the networks of all strategies, float64 (S, H).

    Args:
        nets: at least one.
        ys: float64 (T,) per series.
        horizon: int >= 1, H.
    """
    from kerazoo.forecast.global_nets import forecast

    return np.asarray(np.mean([forecast(net, ys, horizon) for net in nets], axis=0))


def _repeated(weights: Values, horizon: int) -> Weights:
    by_series = np.repeat(weights[:, :, None], horizon, axis=2)
    return Weights(by_series.mean(axis=0), by_series, 0.0)
