"""`FittedPanel`: the state of a forecaster of several series, statistics and global networks, and its forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._columns import FORECAST, bound_columns
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.data.ranges import check_counts
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.intervals import ConformalIntervals, usual_change
from kerazoo.forecast.mixture import extended, mixed
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.panel_inputs import NetworkInputs
from kerazoo.forecast.panel_nets import PanelNet, PresetNet, forecast_of, has_distribution, net_from_plain, quantiles_of
from kerazoo.forecast.panel_terms import terms_of
from kerazoo.forecast.statistics import Weights, combine, combine_one_step, fit_statistics
from kerazoo.forecast.transforms.linear_term import LinearTerm, constant_columns, unknown_effects

if TYPE_CHECKING:
    from kerazoo.forecast.ensemble import Ensemble
    from kerazoo.forecast.global_nets import Inputs

__all__ = ["FittedPanel"]


@dataclass(frozen=True, eq=False)
class FittedPanel:
    """All that a fit of several series leaves; the methods are those of `kerazoo.forecast.fitted.Fitted`.

    Attributes:
        panel: the series that were fitted.
        period: int, steps per season.
        periods: steps of the seasons of the statistics and networks, which may be several and not whole.
        horizon: int, H, default number of steps of a forecast.
        seed: int, of the networks.
        spec: NetSpec of a network.
        floor: float or None, below which no forecast falls.
        terms: the linear term of the covariates of each series; () if they have none. All that follows is of what the
            terms leave.
        names: names of the C statistical candidates.
        weights: float64 (S, C), weights of the candidates in the statistical forecast of each series.
        panel_weights: float64 (C,), those of a series that was not fitted.
        rates: how far `weights` follow the errors of a series, and the AICc: those of `Weights`.
        factors: float64 (S, H), of the statistical forecasts: 1 but with `loss="mape"`.
        panel_factors: float64 (H,), those of a series that was not fitted.
        forecasts: float64 (S, H), from the end of each series; those of the statistics, if the networks have inputs
            that are known for a forecast only.
        inputs: what the networks see besides the series.
        nets: the networks: one GlobalNet for each strategy, and PresetNets; () if they do not help.
        shares: of each network in their mean, of sum 1.
        bounds_of_nets: whether intervals are quantiles of the networks, instead of held-out errors.
        net_weights: float64 (H,), weight of the networks in the forecast of each step ahead; the statistics have the
            rest.
        course: how the training went.
        intervals: ConformalIntervals; None if nothing was held out.
        n_held_out: int, steps held out of each series.
    """

    panel: Panel
    period: int
    periods: tuple[float, ...]
    horizon: int
    seed: int
    spec: NetSpec
    floor: float | None
    terms: tuple[LinearTerm, ...]
    names: tuple[str, ...]
    weights: Values
    panel_weights: Values
    factors: Values
    panel_factors: Values
    forecasts: Values
    inputs: NetworkInputs
    nets: tuple[PanelNet, ...]
    shares: tuple[float, ...]
    bounds_of_nets: bool
    net_weights: Values
    course: Course
    intervals: ConformalIntervals | None
    n_held_out: int
    rates: tuple[float, float] = (0.0, 0.0)

    #: Series that were not fitted have forecasts, too.
    knows_any_series = True

    @property
    def ensemble(self) -> Ensemble:
        """Networks of a single series, of which there are none.

        Raises:
            InvalidArgumentError: always.
        """
        raise InvalidArgumentError(
            "generate() without chains of transforms; expected a forecaster of one series without gaps, several "
            "seasons, X_past or a preset, which has them. predict(horizon) forecasts any number of steps."
        )

    @property
    def correction_weight(self) -> Values:
        """Weight of the networks in the forecast of each step ahead, float64 (H,)."""
        return self.net_weights

    @property
    def preset_weight(self) -> Values:
        """Weight of presets in the forecast of each step ahead, float64 (H,)."""
        pairs = zip(self.nets, self.shares, strict=True)
        share = sum(share for net, share in pairs if isinstance(net, PresetNet) and not net.tuned)
        return share * self.net_weights

    @property
    def statistics(self) -> dict[str, Values]:
        """Name of a candidate -> its weights in the statistical forecasts, float64 (S,); of those that have any."""
        return {name: column for name, column in zip(self.names, self.weights.T, strict=True) if column.any()}

    @property
    def statistics_weight(self) -> float:
        """Weight of the statistics in the statistical forecast: there are no others."""
        return 1.0

    @property
    def transforms(self) -> list[tuple[list[dict[str, Any]], float]]:
        """Pairs of the configs of a chain of transforms and its weight: none."""
        return []

    def covariate_effects(self) -> list[dict[str, Any]]:
        """One row per series and covariate: see :attr:`kerazoo.Forecaster.covariate_effects_`."""
        rows = []
        for number, each in enumerate(self.panel.series):
            constant = constant_columns(each.covariates)
            term = self.terms[number] if self.terms else None
            for column, name in enumerate(self.panel.covariate_names):
                note = "constant in fit" if constant[column] else "" if term else "does not lower the error"
                coefficient = float(term.coefficients[column]) if term else 0.0
                rows.append({"series": each.id, "covariate": name, "form": term.form if term else "none",
                             "coefficient": coefficient, "weight": 1.0, "note": note})  # fmt: skip
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
            panel: the fitted series, the same with other lengths, or others. To those that differ the candidates are
                fitted anew, and combined with the weights of the fitted series of that name, or of the panel.
            futures: float64 (H, K) per series, covariates of the steps to forecast.
            horizon: int >= 1, H.
            levels: fractions.

        Returns:
            Column label -> one float64 (H,) per series.

        Raises:
            IntervalError: too few steps were held out for a level, or none.
        """
        series = panel.series
        numbers = self._numbers(series)
        terms = self._terms(series, numbers)
        ys = self._without_terms(series, terms)
        points, of_networks = self._points(panel, ys, numbers, futures, horizon)
        columns = {FORECAST: list(points)}
        levels = tuple(levels)
        # The floor is one of the series, not of what the terms leave.
        floor = None if terms else self.floor
        if levels and self._has_distribution:
            columns |= self._bounds_of_networks(panel, ys, futures, points, of_networks, levels)
        elif levels:
            if self.intervals is None:
                raise IntervalError(
                    "level is given, but no steps were held out to measure the width of intervals; expected "
                    "level=None, or a fit with val > 0 to series that are longer than the horizon."
                )
            intervals = self.intervals
            if numbers != list(range(len(self.panel.series))):
                intervals = intervals.of_series(numbers, self._units(ys, numbers))
            columns |= intervals.bounds(list(points), horizon, levels, floor)
        for number, term in enumerate(terms):
            for found in columns.values():
                found[number] = term.restore(found[number], futures[number])
        if self.floor is not None:
            columns = {label: [np.maximum(each, self.floor) for each in found] for label, found in columns.items()}
        return columns

    def updated(self, panel: Panel) -> FittedPanel:
        """The state with further values of each series, from whose end forecasts start; nothing else changes.

        Args:
            panel: the longer series.

        Raises:
            InvalidArgumentError: `loss="negative_binomial"` and values that are no counts.
        """
        if self.nets and self.nets[0].loss == "negative_binomial":
            check_counts(panel)
        numbers = list(range(len(panel.series)))
        ys = self._without_terms(panel.series, self._terms(panel.series, numbers))
        forecasts = self._statistics_of(ys, numbers, self.horizon)
        if self.nets and not self.inputs.depend_on_futures(panel):
            of_networks = forecast_of(self.nets, ys, self.horizon, self.inputs.of(panel), self.shares)
            forecasts = mixed(forecasts, of_networks, self.net_weights)
        return replace(self, panel=panel, forecasts=forecasts)

    def _inputs(self, panel: Panel, futures: Sequence[Values]) -> Inputs | None:
        """Inputs of the networks; the calendar goes on to the end of what they forecast at once."""
        block = max(net.horizon for net in self.nets)
        return self.inputs.of(panel, futures, block=block)

    def _statistics_of(self, ys: Sequence[Values], numbers: Sequence[int | None], horizon: int) -> Values:
        """Forecasts (S, H) of the statistics, fitted to series without their terms."""
        floor = None if self.terms else self.floor
        found = fit_statistics(ys, self.periods, horizon, n_origins=0, floor=floor)
        weights = np.stack([self.panel_weights if number is None else self.weights[number] for number in numbers])
        factors = [self.panel_factors if number is None else self.factors[number] for number in numbers]
        return np.stack([extended(each, horizon) for each in factors]) * combine(
            found, Weights.of_all_steps(weights, horizon)
        )

    def _numbers(self, series: Sequence[SeriesData]) -> list[int | None]:
        known = {label: number for number, label in enumerate(self.panel.ids)}
        return [known.get(each.id) for each in series]

    def _terms(self, series: Sequence[SeriesData], numbers: Sequence[int | None]) -> list[LinearTerm]:
        """The terms of series; those that were not fitted have terms of their own."""
        if not self.terms:
            return []
        form = self.terms[0].form
        found = []
        for each, number in zip(series, numbers, strict=True):
            if number is None:
                positive = form == "additive" or (each.values[np.isfinite(each.values)] > 0).all()
                own = terms_of(form if positive else "additive", [each.values], [each.covariates], self.period)
            found.append(own[0] if number is None else self.terms[number])
        return found

    @staticmethod
    def _without_terms(series: Sequence[SeriesData], terms: Sequence[LinearTerm]) -> list[Values]:
        if not terms:
            return [each.values for each in series]
        return [term.remove(each.values, each.covariates) for each, term in zip(series, terms, strict=True)]

    def _points(
        self,
        panel: Panel,
        ys: Sequence[Values],
        numbers: Sequence[int | None],
        futures: Sequence[Values],
        horizon: int,
    ) -> tuple[Values, Values]:
        """Forecasts (S, H) of series without their terms, and those of the networks alone, if they are needed."""
        same = [number is not None and _equal(panel, place, self.panel, number) for place, number in enumerate(numbers)]
        later = bool(self.nets) and self.inputs.depend_on_futures(panel)  # the stored forecasts are without networks
        stored = horizon <= self.horizon and all(same)
        of_networks = np.zeros((len(ys), horizon))
        if self.nets and (later or not stored or self._has_distribution):
            of_networks = forecast_of(self.nets, ys, horizon, self._inputs(panel, futures), self.shares)
        if stored:
            points = np.stack([self.forecasts[number][:horizon] for number in numbers])
        else:
            points = self._statistics_of(ys, numbers, horizon)
        weights = extended(self.net_weights, horizon)
        if self.nets and not later and not stored:
            points = mixed(points, of_networks, weights)
        if not stored:
            # Fits that start elsewhere end elsewhere, within some 1e-4: a longer forecast begins with the shorter one.
            for place, number in enumerate(numbers):
                if same[place]:
                    points[place, : self.horizon] = self.forecasts[number][:horizon]
        if later:
            points = mixed(points, of_networks, weights)
        return points, of_networks

    def _units(self, ys: Sequence[Values], numbers: Sequence[int | None]) -> Values:
        """Sizes of the errors of series that were not fitted: as large, for what they vary by, as of those that were.

        0 for fitted series, which have their own.
        """
        assert self.intervals is not None
        fitted = self._without_terms(self.panel.series, self.terms)
        own = np.array([usual_change(y[: -self.n_held_out], self.period) for y in fitted])
        usual = (own > 0) & (self.intervals.unit > 0)
        ratio = float(np.median(self.intervals.unit[usual] / own[usual])) if usual.any() else 1.0
        return np.array(
            [
                ratio * usual_change(y, self.period) if number is None else 0.0
                for number, y in zip(numbers, ys, strict=True)
            ]
        )

    @property
    def _has_distribution(self) -> bool:
        return bool(self.nets) and self.bounds_of_nets

    @property
    def _highest_level(self) -> float:
        """Highest level of an interval that the networks tell."""
        learned = self.nets[0].levels
        return round(min(1 - 2 * learned[0], 2 * learned[-1] - 1), 12) if learned else 1.0

    def _bounds_of_networks(
        self,
        panel: Panel,
        ys: Sequence[Values],
        futures: Sequence[Values],
        points: Values,
        of_networks: Values,
        levels: Sequence[float],
    ) -> dict[str, list[Values]]:
        """Quantiles of the networks, moved by what the forecasts `points` (S, H) differ from theirs.

        Those of positive series are moved by the ratio, so that they stay positive.
        """
        inputs, horizon = self._inputs(panel, futures), points.shape[1]
        if max(levels) > self._highest_level:
            others = "A fit with epochs=0 has those of any level that enough steps are held out for"
            if not (isinstance(self.nets[0], PresetNet) or self.nets[0].any_scale):  # not of a preset
                others = "Those that are trained with loss='normal' have intervals of any level"
            raise IntervalError(
                f"level={100 * max(levels):g} with networks of quantiles; expected at most "
                f"{100 * self._highest_level:g}, which they have learned. {others}."
            )
        tails = [side for level in levels for side in ((1 - level) / 2, (1 + level) / 2)]
        if learned := self.nets[0].levels:  # (1 - 0.8) / 2 is a little less than 0.1
            tails = np.clip(tails, learned[0], learned[-1]).tolist()
        moved = quantiles_of(self.nets, ys, tails, horizon, inputs)
        inside, theirs = points[:, :, None], of_networks[:, :, None]
        # Quantiles of counts are whole numbers of a skewed distribution: moved ones would leave the forecast outside.
        if self.nets[0].loss != "negative_binomial":
            positive = np.array([bool((y[np.isfinite(y)] > 0).all()) for y in ys])[:, None, None]
            by_ratio = positive & (inside > 0) & (theirs > 0) & (moved > 0).all(axis=-1, keepdims=True)
            with np.errstate(over="ignore"):
                scaled = moved * (inside / np.where(by_ratio, theirs, 1.0))
            moved = np.where(by_ratio & np.isfinite(scaled), scaled, moved + (inside - theirs))
        is_lower = np.arange(len(tails)) % 2 == 0
        moved = np.where(is_lower, np.minimum(moved, inside), np.maximum(moved, inside))
        labels = [label for level in levels for label in bound_columns(level)]
        return {label: list(moved[:, :, place]) for place, label in enumerate(labels)}

    def possible_levels(self, levels: Iterable[float]) -> tuple[float, ...]:
        """The levels for which enough steps were held out."""
        if self._has_distribution:
            return tuple(level for level in levels if level <= self._highest_level)
        intervals = self.intervals
        return () if intervals is None else tuple(level for level in levels if intervals.supports(level))

    def fitted_values(self, series: Sequence[SeriesData]) -> list[Values]:
        """One-step forecasts of the statistics, float64 (T,), each from the values before; NaN at the start."""
        numbers = self._numbers(series)
        terms = self._terms(series, numbers)
        found = fit_statistics(
            self._without_terms(series, terms), self.periods, 1, n_origins=0, floor=None if terms else self.floor,
            fitted=True,
        )  # fmt: skip
        assert found.fitted is not None
        ends = np.cumsum(found.lengths)[:-1]
        values = []
        for of_series, number in zip(np.split(found.fitted, ends, axis=1), numbers, strict=True):
            weights = self.panel_weights if number is None else self.weights[number]
            values.append(combine_one_step(of_series, weights))
        if terms:
            values = [
                term.restore(rest, each.covariates) for term, rest, each in zip(terms, values, series, strict=True)
            ]
            if self.floor is not None:
                values = [np.maximum(each, self.floor) for each in values]
        return values

    def to_state(self) -> tuple[dict[str, Values], dict[str, Any]]:
        """The arrays, and the other values as JSON holds them, to be saved; without the panel, spec and intervals."""
        arrays = {
            "weights": self.weights,
            "panel_weights": self.panel_weights,
            "factors": self.factors,
            "panel_factors": self.panel_factors,
            "forecasts": self.forecasts,
            "net_weights": self.net_weights,
        }
        notes = []
        for place, net in enumerate(self.nets):
            values, note = net.to_plain()
            arrays |= {f"strategy{place}.{name}": value for name, value in values.items()}
            notes.append(note)
        course = {"history": self.course.history, "best_epoch": self.course.best_epoch}
        rest = {
            "names": list(self.names), "floor": self.floor, "nets": notes, "course": course,
            "shares": list(self.shares), "bounds_of_nets": self.bounds_of_nets, "rates": list(self.rates),
            "periods": list(self.periods), "terms": [term.to_state() for term in self.terms],
            "inputs": vars(self.inputs) | {"calendar": list(self.inputs.calendar)},
        }  # fmt: skip
        return arrays, rest

    @classmethod
    def from_state(cls, arrays: Mapping[str, Values], rest: Mapping[str, Any], **others: Any) -> FittedPanel:
        """The inverse of :meth:`to_state`; `others` are the other attributes."""
        weights, forecasts = (np.array(arrays[name], np.float64) for name in ("weights", "forecasts"))
        # The first files have neither networks nor the weights of the panel.
        panel_weights = np.array(arrays.get("panel_weights", weights.mean(axis=0)), np.float64)
        net_weights = np.array(arrays.get("net_weights", np.zeros(forecasts.shape[1])), np.float64)
        factors = np.array(arrays.get("factors", np.ones_like(forecasts)), np.float64)
        panel_factors = np.array(arrays.get("panel_factors", np.ones_like(net_weights)), np.float64)
        nets = []
        for place, note in enumerate(rest.get("nets", ())):
            start = f"strategy{place}."
            own = {name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)}
            nets.append(net_from_plain(own, note))
        return cls(
            names=tuple(rest["names"]), floor=rest["floor"], weights=weights, panel_weights=panel_weights,
            factors=factors, panel_factors=panel_factors, forecasts=forecasts, nets=tuple(nets),
            # The first files have networks of one kind with equal shares.
            shares=tuple(rest.get("shares", [1.0 / len(nets)] * len(nets) if nets else ())),
            bounds_of_nets=rest.get("bounds_of_nets", bool(nets) and has_distribution(nets[0])),
            net_weights=net_weights, course=Course(**rest.get("course", {})),
            periods=tuple(rest.get("periods", (others["period"],))),
            terms=tuple(LinearTerm.from_state(each) for each in rest.get("terms", ())),
            inputs=NetworkInputs(**rest.get("inputs", {})), rates=tuple(rest.get("rates", (0.0, 0.0))), **others,
        )  # fmt: skip


def _equal(one: Panel, place: int, other: Panel, number: int) -> bool:
    """Whether a series of one panel and one of another agree in all that a forecast depends on."""
    if one is other and place == number:
        return True
    left, right = one.series[place], other.series[number]
    pairs = [(getattr(left, name), getattr(right, name)) for name in ("values", "covariates", "past")]
    pairs.append((one.static[place], other.static[number]))
    return one.categories[place] == other.categories[number] and all(
        np.array_equal(*pair, equal_nan=True) for pair in pairs
    )
