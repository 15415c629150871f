"""`SeriesStatistics`: compiled statistics and a preset, which are mixed with the forecast of the chains of one series.

The chains of transforms are selected and weighted by their errors on the series alone, which tell little about what
forecasts best. The weights of the compiled candidates (:mod:`kerazoo.forecast.statistics`) are close to those that were
best for other series. Both err differently, and their mean is better than either. Its weights are equal: by the errors
at held-out origins, shrunk towards equal weights, they were no better (docs/forecast.md). Only where one of the two
forecasts what is held out so well that the mean would at least double its error, as chains do with series without
noise, it is used alone.

A preset, which has learned from other series, is a part of the second forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.ensemble import History
from kerazoo.forecast.mixture import mixed
from kerazoo.forecast.panel_fitting import rolled_origins
from kerazoo.forecast.panel_nets import PresetNet
from kerazoo.forecast.statistics import Weights, combine, combine_one_step, fit_statistics, weigh
from kerazoo.forecast.transforms.base import Index
from kerazoo.forecast.transforms.linear_term import LinearTerm
from kerazoo.forecast.transforms.per_day import PerDay

__all__ = ["SeriesStatistics", "most_values", "weight_by_errors"]

#: Weight of the compiled statistics in the forecast; the chains and their networks have the rest.
WEIGHT = 0.5
#: With a preset, chains, statistics and preset have the weights .4, .4 and .2 (docs/presets.md): that of statistics and
#: preset together, and the share of the preset in it.
WEIGHT_WITH_PRESET, PRESET_SHARE = 0.6, 1 / 3
#: Statistics of one series are selected and fitted by so many of its last values, or seasons: this takes thousands of
#: passes over them, and more say nothing new about a few weights. Forecasts continue the whole series.
MOST_VALUES, MOST_SEASONS = 50_000, 20
#: The mean is not used where its held-out error is so many times that of the chains, or of the statistics.
MOST_HARM = 2.0


def most_values(period: int) -> int:
    """Values at the end of a series by which its statistics are fitted.

    >>> most_values(1), most_values(10_080)
    (50000, 201600)
    """
    return max(MOST_VALUES, MOST_SEASONS * period)


def weight_by_errors(chains: Sequence[Values], statistics: Sequence[Values], usual: float = WEIGHT) -> float:
    """The weight of the compiled statistics: the usual one, unless the chains or the statistics are far better alone.

    Args:
        chains: errors of the chains and their networks from held-out origins, float64 (h,) each.
        statistics: those of the statistics.
        usual: float, the usual weight.

    >>> weight_by_errors([np.ones(3)], [np.full(3, -2.0)])
    0.5
    >>> weight_by_errors([np.full(3, 0.1)], [np.ones(3)]), weight_by_errors([np.ones(3)], [np.zeros(3)])
    (0.0, 1.0)
    """
    one, other = np.concatenate(chains), np.concatenate(statistics)
    known = np.isfinite(one) & np.isfinite(other)
    # In parts of the largest, so that no sum is too large for a number.
    largest = max(np.abs(one[known]).max(initial=0.0), np.abs(other[known]).max(initial=0.0)) or 1.0
    one, other = one[known] / largest, other[known] / largest
    mean = float(np.abs((1 - usual) * one + usual * other).sum())
    if mean > MOST_HARM * float(np.abs(one).sum()):
        return 0.0
    return 1.0 if mean > MOST_HARM * float(np.abs(other).sum()) else usual


@dataclass(frozen=True, eq=False)
class SeriesStatistics:
    """Weights of the compiled candidates for one series. The candidates are fitted to each history that is forecast.

    Attributes:
        names: names of the C candidates.
        weights: float64 (C,), of sum 1; a candidate that is impossible for a history leaves its weight to the others.
        period: int >= 1, steps per season.
        term: the linear term of the covariates, which is taken out before, as in the best chain; or None.
        floor: float or None, below which no forecast falls.
        weight: that of the combined candidates, with the preset, in the mixture; the chains and their networks have the
            rest.
        preset: the network that is a part of the forecast of the candidates, or None.
        per_day: the adjustment for the days of months and quarters, which comes before candidates and preset; or None.
    """

    names: tuple[str, ...]
    weights: Values
    period: int
    term: LinearTerm | None
    floor: float | None
    weight: float = WEIGHT
    preset: PresetNet | None = None
    per_day: PerDay | None = None

    @classmethod
    def fit(
        cls,
        data: SeriesData,
        term: LinearTerm | None,
        period: int,
        horizon: int,
        floor: float | None,
        preset: PresetNet | None = None,
        *,
        per_day: bool = False,
    ) -> SeriesStatistics:
        """Weigh the candidates by their errors at rolled origins, without networks or chains.

        Args:
            data: the series, without missing values; the last :func:`most_values` count.
            term: the linear term of its covariates, or None.
            period: int >= 1, steps per season.
            horizon: int >= 1, steps to forecast.
            floor: float or None.
            preset: a network, or None.
            per_day: whether values are totals of periods of unequal length, as the chains take them.
        """
        data = data.last(most_values(period))
        days = PerDay().fit(data.values, data.index) if per_day else None
        first = cls(
            (), np.empty(0), period, term, floor, WEIGHT if preset is None else WEIGHT_WITH_PRESET, preset, days
        )
        y = first._adjusted(data.values, data.index, data.covariates)
        found = fit_statistics([y], period, horizon, n_origins=rolled_origins([len(y)], horizon))
        return replace(first, names=found.names, weights=weigh(found).by_series[0].mean(axis=1))

    def _adjusted(self, y: Values, index: Index, covariates: Values) -> Values:
        """The values without the term of the covariates, for periods of equal length."""
        rest = y if self.term is None else self.term.remove(y, covariates)
        return rest if self.per_day is None else rest / self.per_day.relative_length(index)

    def _restored(self, values: Values, index: Index, covariates: Values) -> Values:
        """The inverse of :meth:`_adjusted`, above the floor."""
        found = values if self.per_day is None else values * self.per_day.relative_length(index)
        found = found if self.term is None else self.term.restore(found, covariates)
        return found if self.floor is None else np.maximum(found, self.floor)

    @property
    def preset_share(self) -> float:
        """Share of the preset in the forecast beside the chains; the candidates have the rest."""
        return 0.0 if self.preset is None else PRESET_SHARE

    def forecast(self, histories: Sequence[History]) -> list[Values]:
        """The forecast of candidates and preset after each history, float64 (H,), H steps in its future."""
        ys, horizon = [], 1
        for each in histories:
            end = len(each.y)
            part = slice(max(0, end - most_values(self.period)), end)
            ys.append(self._adjusted(each.y[part], each.index[part], each.covariates[part]))
            horizon = max(horizon, len(each.future))
        found = fit_statistics(ys, self.period, horizon, n_origins=0)
        weights = Weights.of_all_steps(np.repeat(self.weights[None], len(ys), axis=0), horizon)
        rows = combine(found, weights)
        if self.preset is not None:
            rows = mixed(rows, self.preset.forecast(ys, horizon), np.full(horizon, self.preset_share))
        points = []
        for row, each in zip(rows, histories, strict=True):
            steps, first = len(each.future), len(each.y)
            points.append(self._restored(row[:steps], each.future, each.covariates[first : first + steps]))
        return points

    def mixed(self, forecasts: Sequence[Values], histories: Sequence[History]) -> list[Values]:
        """Forecasts of the chains and their networks, float64 (H,) per history, mixed with those of the candidates."""
        own = self.forecast(histories)
        return [mixed(one, other, np.full(len(one), self.weight)) for one, other in zip(forecasts, own, strict=True)]

    def mixed_one_step(self, forecasts: Values, data: SeriesData) -> Values:
        """One-step forecasts of the chains, float64 (T,), mixed with those of the candidates, without a preset.

        The candidates are fitted to all values, so their parameters know them. NaN where the chains have no forecast.
        """
        y = self._adjusted(data.values, data.index, data.covariates)
        found = fit_statistics([y], self.period, 1, n_origins=0, fitted=True)
        assert found.fitted is not None
        own = self._restored(combine_one_step(found.fitted, self.weights), data.index, data.covariates)
        chains, candidates = 1 - self.weight, self.weight * (1 - self.preset_share)
        return mixed(forecasts, own, np.full(len(own), candidates / (chains + candidates)))

    def to_state(self) -> tuple[dict[str, Values], dict[str, Any]]:
        """The arrays of the preset, and the rest as JSON holds it, without the period and the floor."""
        arrays, preset = ({}, None) if self.preset is None else self.preset.to_plain()
        return arrays, {
            "names": list(self.names),
            "weights": self.weights.tolist(),
            "term": None if self.term is None else self.term.to_state(),
            "weight": self.weight,
            "preset": preset,
            "per_day": None if self.per_day is None else self.per_day.get_state(),
        }

    @classmethod
    def from_state(
        cls, arrays: Mapping[str, Values], state: Mapping[str, Any], period: int, floor: float | None
    ) -> SeriesStatistics:
        """The inverse of :meth:`to_state`."""
        term = None if state["term"] is None else LinearTerm.from_state(state["term"])
        weights = np.array(state["weights"], np.float64)
        notes = state.get("preset")
        preset = None if notes is None else PresetNet.from_plain(arrays, notes)
        per_day = None if state.get("per_day") is None else PerDay().set_state(state["per_day"])
        return cls(tuple(state["names"]), weights, period, term, floor, state["weight"], preset, per_day)
