"""`Fitted`: the state of a fitted forecaster, and forecasts with intervals from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerazoo._columns import FORECAST, bound_columns
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.ensemble import Ensemble
from kerazoo.forecast.intervals import ConformalIntervals
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.series_statistics import SeriesStatistics
from kerazoo.forecast.transforms.base import Values
from kerazoo.forecast.transforms.linear_term import constant_columns, fit_terms, unknown_effects
from kerazoo.forecast.transforms.selection import without_logarithm
from kerazoo.forecast.transforms.series_model import SeriesModel

__all__ = ["Fitted"]

N_SAMPLES = 1000  # paths sampled for the intervals of networks that output distributions


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that a fit leaves.

    Attributes:
        panel: the series that were fitted.
        period: int, steps per season.
        horizon: int, default number of steps of a forecast.
        seed: int, from which the training and the samples of `loss="normal"` are drawn.
        spec: NetSpec of one network.
        ensemble: the networks and their transforms.
        course: how the training went.
        intervals: ConformalIntervals; None if nothing was held out.
        n_held_out: int, steps held out of each series.
        mixed_with: compiled statistics of a single series, with which the forecast is mixed; None: it is that of the
            chains and networks alone.
    """

    panel: Panel
    period: int
    horizon: int
    seed: int
    spec: NetSpec
    ensemble: Ensemble
    course: Course
    intervals: ConformalIntervals | None
    n_held_out: int
    mixed_with: SeriesStatistics | None = None

    #: Only the fitted series have forecasts.
    knows_any_series = False

    @property
    def transforms(self) -> list[tuple[list[dict[str, Any]], float]]:
        """Pairs of the configs of a chain of transforms and its weight in the forecast."""
        return [([dict(part) for part in choice.config], choice.weight) for choice in self.ensemble.choices]

    @property
    def statistics(self) -> dict[str, Values]:
        """Name of a compiled candidate -> its weight among them, float64 (1,); of those that have any."""
        if self.mixed_with is None:
            return {}
        pairs = zip(self.mixed_with.names, self.mixed_with.weights, strict=True)
        return {name: np.array([weight]) for name, weight in pairs if weight > 0}

    @property
    def statistics_weight(self) -> float:
        """Weight of the compiled statistics in the forecast; preset, chains and networks have the rest."""
        mixed_with = self.mixed_with
        return 0.0 if mixed_with is None else mixed_with.weight * (1.0 - mixed_with.preset_share)

    @property
    def preset_weight(self) -> float:
        """Weight of the preset in the forecast."""
        return 0.0 if self.mixed_with is None else self.mixed_with.weight * self.mixed_with.preset_share

    @property
    def correction_weight(self) -> float:
        """Fraction of the networks' correction that is applied; 0 means that the statistical forecast is returned."""
        return self.course.correction_weight if self.course.best_epoch else 0.0

    def covariate_effects(self) -> list[dict[str, Any]]:
        """One row per series, covariate and form of the linear term: see :attr:`kerazoo.Forecaster.covariate_effects_`.

        Returns:
            Dicts with `series`, `covariate`, `form`, `coefficient`, `weight` and `note`.
        """
        names = self.panel.covariate_names
        if not names:
            return []
        first_with: dict[str | None, int] = {}  # the chains with the same form share the coefficients
        weights: dict[str | None, float] = {}
        for number, choice in enumerate(self.ensemble.choices):
            first_with.setdefault(choice.term, number)
            weights[choice.term] = weights.get(choice.term, 0.0) + choice.weight
        rows = []
        for number, each in enumerate(self.panel.series):
            constant = constant_columns(each.covariates)
            for form, weight in weights.items():
                term = self.ensemble.fitted[first_with[form]][number].term
                for column, name in enumerate(names):
                    note = "constant in fit" if constant[column] else "" if term else "does not lower the error"
                    coefficient = float(term.coefficients[column]) if term else 0.0
                    rows.append({"series": each.id, "covariate": name, "form": form or "none",
                                 "coefficient": coefficient, "weight": weight, "note": note})  # fmt: skip
        return rows

    def unknown_effects(self, futures: Sequence[Values]) -> list[str]:
        """Names of the covariates that were constant in every fitted series, and change in the future.

        Args:
            futures: float64 (H, K) per series.
        """
        return unknown_effects(self.panel, futures)

    def forecast(
        self, panel: Panel, futures: Sequence[Values], horizon: int, levels: Iterable[float] = ()
    ) -> dict[str, list[Values]]:
        """Forecasts and the bounds of their intervals.

        Args:
            panel: the fitted series, or the same series with other lengths.
            futures: float64 (H, K) per series, the covariates of the steps to forecast.
            horizon: int >= 1, H.
            levels: fractions.

        Returns:
            Column label -> one float64 (H,) per series.

        Raises:
            IntervalError: too few steps were held out for a level, or none.
        """
        ensemble, series, levels = self.ensemble, panel.series, tuple(levels)
        self._check_complete(panel)
        self._find_substitutes(series)
        histories = [
            ensemble.history_of(number, each, future, horizon)
            for number, (each, future) in enumerate(zip(series, futures, strict=True))
        ]
        points = ensemble.forecast(histories, horizon)
        if self.mixed_with is not None:
            points = self.mixed_with.mixed(points, histories)
        columns = {FORECAST: points}
        if not levels:
            return columns
        if ensemble.likelihood:
            sampled = ensemble.samples(histories, horizon, N_SAMPLES, np.random.default_rng(self.seed))
            for level in levels:
                quantiles = (1 - level) / 2, (1 + level) / 2
                for label, quantile in zip(bound_columns(level), quantiles, strict=True):
                    columns[label] = [np.quantile(paths, quantile, axis=0) for paths in sampled]
            return columns
        if self.intervals is None:
            raise IntervalError(
                "level is given, but no steps were held out to measure the width of intervals; expected level=None, "
                "or a fit with val > 0 (longer series), or loss='normal'."
            )
        return columns | self.intervals.bounds(points, horizon, levels, ensemble.floor)

    def updated(self, panel: Panel) -> Fitted:
        """The state with further values of each series, from whose end forecasts start; nothing else changes.

        Args:
            panel: the longer series.
        """
        self._check_complete(panel)
        self._find_substitutes(panel.series)
        return replace(self, panel=panel)

    @staticmethod
    def _check_complete(panel: Panel) -> None:
        if panel.has_gaps:
            raise InvalidArgumentError(
                "values are missing, but fit had one complete series, whose method knows no gaps; expected complete "
                "values, or a new fit to the series with its gaps."
            )

    def _find_substitutes(self, series: Sequence[SeriesData]) -> None:
        """Fit models without a logarithm, to the fitted series, for values that a selected logarithm refuses.

        A chain is selected for the values of `fit`. Zeros that come later must not end a backtest or a forecast.
        """
        ensemble = self.ensemble
        for number, each in enumerate(series):
            if each is self.panel.series[number]:
                continue
            for choice, chosen in enumerate(ensemble.choices):
                if (choice, number) in ensemble.substitutes or not ensemble.refuses(
                    choice, number, each.values, each.index, each.covariates
                ):
                    continue
                known = self.panel.series[number]
                term = None
                if chosen.term is not None:
                    (term,) = fit_terms("additive", [known.values], [known.covariates], self.period)
                config = without_logarithm(chosen.config)
                ensemble.substitutes[choice, number] = SeriesModel.fit(
                    config, known.values, known.index, known.covariates, term
                )

    def possible_levels(self, levels: Iterable[float]) -> tuple[float, ...]:
        """The levels for which enough steps were held out."""
        if self.ensemble.likelihood:
            return tuple(levels)
        intervals = self.intervals
        return () if intervals is None else tuple(level for level in levels if intervals.supports(level))

    def fitted_values(self, series: Sequence[SeriesData]) -> list[Values]:
        """One-step forecasts of each series, float64 (T,), each from the values before; NaN at the start."""
        self._find_substitutes(series)
        found = [self.ensemble.fitted_values(number, each) for number, each in enumerate(series)]
        if self.mixed_with is None:
            return found
        return [self.mixed_with.mixed_one_step(*both) for both in zip(found, series, strict=True)]
