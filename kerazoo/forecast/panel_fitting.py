"""`fit_panel`: from several series to weighted statistics, global networks, and the mixture of both."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.intervals import ConformalIntervals, usual_change
from kerazoo.forecast.mixture import mixed, network_weights, usual_weight
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.panel_inputs import NetworkInputs
from kerazoo.forecast.panel_nets import PanelNet, forecast_of, has_distribution
from kerazoo.forecast.panel_networks import PanelNetworks
from kerazoo.forecast.panel_terms import Adjusted, adjust
from kerazoo.forecast.percentage import percentage_factors
from kerazoo.forecast.statistics import Statistics, combine, fit_statistics, steps_back, weigh

__all__ = ["check_windows", "fit_panel", "rolled_origins"]

#: Paths of errors that the weights of the networks should be known by. With fewer series, more is held out of each.
PATHS = 50
#: Origins that the weights of the statistics are known from, at least and at most.
ORIGINS, MOST_ORIGINS = 6, 24
#: Errors below this fraction of a value are rounding.
ROUNDING = 1e-13
#: Windows without which networks are not tried, unless the user chose their length.
LEAST_WINDOWS = 20


def fit_panel(
    panel: Panel, settings: FitSettings, val: int | None = None, checkpoints: CheckpointFile | None = None
) -> FittedPanel:
    """Fit the statistics to every series and weigh them by series; train networks on all; mix both by what is held out.

    Networks are trained twice: without the steps that are held out, to measure what they deserve, and, if that is
    anything, on all values.

    Args:
        panel: the series.
        settings: FitSettings.
        val: int, steps to hold out, of which at least `horizon` are; 0: none, and all weights are the usual ones.
        checkpoints: where finished networks are kept, or None.

    Returns:
        The fitted state. After Ctrl-C or a divergence, `course.error` holds the exception, and the forecasts are those
        of the networks that were finished, or of the statistics alone.
    """
    horizon, period = settings.horizon, settings.period
    if _all_constant(panel):
        warnings.warn(
            "all series are constant: the forecasts are the same constants, and intervals have zero width.",
            UserWarning,
            stacklevel=4,
        )
        settings = replace(settings, epochs=0)
    n_origins = rolled_origins([len(each.values) for each in panel.series], horizon, val)
    # What the terms of covariates leave may lie below the floor.
    floor = None if panel.covariate_names and settings.loss != "negative_binomial" else settings.floor

    def fit(ys: Sequence[Values], **changes: Any) -> Statistics:
        return fit_statistics(ys, settings.periods, horizon, floor=floor, **{"n_origins": n_origins, **changes})

    values, covariates = [each.values for each in panel.series], [each.covariates for each in panel.series]
    if settings.epochs and settings.loss == "negative_binomial":
        covariates = [rows[:, :0] for rows in covariates]  # what a term leaves of counts are no counts
    adjusted = adjust(values, covariates, period, fit, relative=settings.loss == "mape")
    found = adjusted.found
    weights = weigh(found)
    points, rolled = combine(found, weights), combine(found, weights, rolled=True)
    factors, panel_factors = np.ones(points.shape), np.ones(horizon)
    if _counts_percentages(settings, adjusted):
        factors, panel_factors = percentage_factors(found, rolled)
        points, rolled = factors * points, factors[:, None] * rolled
    held = _held_out(found.backs, found.lengths, val)
    known = settings.preset or settings.beside
    if known and settings.epochs and not settings.preset_alone and not _can_train(values, held, settings):
        if settings.loss == "quantiles":  # which is not the default
            warnings.warn(
                f"fine_tune={settings.fine_tune}, but the series are too short to train on: the preset stays as it is.",
                UserWarning,
                stacklevel=4,
            )
        settings = replace(settings, preset=known, beside=None, fine_tune=0)
    if settings.preset_alone:  # which has seen no value of any origin
        held = int(max(found.backs, default=0))
    inputs = NetworkInputs(
        settings.calendar, settings.calendar_order, settings.embed_ids, unused=settings.preset is not None
    )
    nets: tuple[PanelNet, ...] = ()
    shares: tuple[float, ...] = ()
    net_weights, course, seed = np.zeros(horizon), Course(), settings.seed
    if settings.epochs and (settings.preset_alone or _can_train(values, held, settings)):
        networks = PanelNetworks(settings, checkpoints)
        nets, net_weights, rolled, course = _with_networks(
            networks, panel, adjusted, inputs, factors, rolled, held, settings
        )
        seed, shares = networks.seed, networks.shares(nets, len(values))
        if nets and not inputs.depend_on_futures(panel):
            points = mixed(points, forecast_of(nets, adjusted.ys, horizon, inputs.of(panel), shares), net_weights)
    intervals = _intervals(found, rolled, adjusted.earlier, period)
    return FittedPanel(
        panel=panel,
        period=period,
        periods=settings.periods,
        horizon=horizon,
        seed=seed,
        spec=settings.model,
        floor=settings.floor,
        terms=adjusted.terms,
        names=found.names,
        weights=weights.by_series[:, :, 0],
        panel_weights=weights.panel[:, 0],
        factors=factors,
        panel_factors=panel_factors,
        forecasts=points,
        inputs=inputs,
        nets=nets,
        shares=shares,
        bounds_of_nets=bool(nets) and nets[0].loss == settings.loss and has_distribution(nets[0]),
        net_weights=net_weights,
        course=course,
        intervals=intervals,
        n_held_out=0 if intervals is None else int(found.backs[0]),
        rates=(weights.rate, weights.likelihood_rate),
    )


def _counts_percentages(settings: FitSettings, adjusted: Adjusted) -> bool:
    """Whether errors are percentages of what the terms leave; an additive term leaves no such base."""
    return settings.loss == "mape" and not (adjusted.terms and adjusted.terms[0].form == "additive")


def check_windows(panel: Panel, settings: FitSettings, val: int | None = None) -> None:
    """Refuse a `lookback` for which no series has values enough, as `fit_panel` does after the statistics.

    Args:
        panel: the series.
        settings: FitSettings; those of a single series have windows of their own.
        val: int, steps to hold out, or None.

    Raises:
        InvalidArgumentError: no window fits.
    """
    if settings.by_series and settings.epochs and settings.lookback and not _all_constant(panel):
        ys = [each.values for each in panel.series]
        lengths = np.array([len(y) for y in ys])
        backs = steps_back(settings.horizon, rolled_origins(lengths.tolist(), settings.horizon, val))
        _can_train(ys, _held_out(backs, lengths, val), settings)


def _all_constant(panel: Panel) -> bool:
    return all(np.ptp(each.values[np.isfinite(each.values)]) == 0 for each in panel.series)


def rolled_origins(lengths: Sequence[int], horizon: int, val: int | None = None) -> int:
    """Rolled origins: six, and of few long series as many as lie in the second half of most of them.

    With `val`, those that lie in the steps to hold out.

    On the 66 series of `benchmarks/data/series_of_r.py`, each alone, 24 origins instead of 6 lowered the MASE by .8 %.
    """
    if val is not None:
        return 1 + max(0, val - horizon) // max(1, horizon // 3) if val else 0
    wanted = math.ceil(MOST_ORIGINS * 2 / len(lengths))
    room = 1 + int(max(0.0, float(np.median(lengths)) / 2 - horizon)) // max(1, horizon // 3)
    return max(ORIGINS, min(MOST_ORIGINS, wanted, room))


def _can_train(ys: Sequence[Values], held: int, settings: FitSettings) -> bool:
    """Whether there are windows enough for networks; a window that the user chose must fit."""
    n_windows = _n_windows(ys, held)
    if settings.lookback and not n_windows:
        raise InvalidArgumentError(
            f"lookback={settings.lookback}, but no series has three values before the {held} that are held out; "
            "expected longer series, a smaller horizon, or epochs=0: statistics alone."
        )
    return bool(settings.lookback) or n_windows >= LEAST_WINDOWS


def _n_windows(ys: Sequence[Values], held: int) -> int:
    """Windows of two values and one to predict, at least."""
    return sum(max(0, int(np.isfinite(y[: max(0, len(y) - held)]).sum()) - 2) for y in ys)


def _held_out(backs: NDArray[np.int64], lengths: NDArray[np.int64], val: int | None) -> int:
    """Steps that the networks do not see at first: up to the earliest origin that they are judged from.

    One horizon of many series is enough; of few series more is held out, but not more than a third of the usual one. As
    many as the user says, else.
    """
    if not len(backs):
        return 0
    if val is not None:
        return int(backs[0])
    origins = min(len(backs), math.ceil(PATHS / len(lengths)))
    third = float(np.median(lengths)) / 3
    possible = [int(back) for back in backs[-origins:] if back <= third]
    return max(possible, default=int(backs[-1]))


def _with_networks(
    networks: PanelNetworks,
    panel: Panel,
    adjusted: Adjusted,
    inputs: NetworkInputs,
    factors: Values,
    rolled: Values,
    held: int,
    settings: FitSettings,
) -> tuple[tuple[PanelNet, ...], Values, Values, Course]:
    """Networks, their weights, the forecasts (S, K, H) from the origins with them, and the course of the training.

    `rolled` are those of the statistics, times their `factors`, and `held` steps are held out of the networks.
    """
    found, ys = adjusted.found, adjusted.earlier
    nothing = np.zeros(settings.horizon)
    finished: tuple[PanelNet, ...] = ()
    n_trained_on = 0 if settings.preset_alone else len(ys)
    usual = usual_weight(n_trained_on, with_preset=bool(settings.preset or settings.beside))
    weights, start, best = np.full(settings.horizon, usual), math.nan, math.nan
    epochs = 0 if settings.preset_alone else 1 if settings.fine_tune else settings.epochs
    try:
        if held:
            long = _with_values(ys, held, 2)
            known = inputs.of(panel, numbers=long, cut=held)
            finished = networks.train("validation", [ys[place][:-held] for place in long], known)
            judged = np.full(rolled.shape, np.nan)
            for place in np.flatnonzero(found.backs <= held):
                before = found.at(int(place))
                if len(before.backs):  # weights that have not seen what follows either
                    rolled[:, place] = factors * combine(before, weigh(before))
                back = int(found.backs[place])
                if long := _with_values(ys, back, 1):
                    known = inputs.of(panel, numbers=long, cut=back)
                    judged[long, place] = forecast_of(
                        finished,
                        [ys[number][:-back] for number in long],
                        found.horizon,
                        known,
                        networks.shares(finished, len(ys)),
                    )
        if held and (not settings.preset_alone or (np.isfinite(judged) & np.isfinite(found.truth)).any()):
            scale = found.scale
            if _counts_percentages(settings, adjusted):
                scale = np.where(found.truth > 0, found.truth, np.nan)
            weights = network_weights(found.truth, rolled, judged, scale, settings.min_gain, usual)
            if not weights.any() and not networks.interrupted:
                return (), nothing, rolled, Course(networks.history)
            start, rolled, best = _mixed_errors(found, rolled, judged, weights)
            if networks.interrupted:
                raise KeyboardInterrupt
        nets = networks.train("final", adjusted.ys, inputs.of(panel))
    except (KeyboardInterrupt, TrainingError) as error:
        # Networks of the shorter series are better than none.
        nets = finished if best == best and weights.any() else ()
        course = Course(networks.history, epochs if nets else 0, start, best, error=error)
        return nets, weights if nets else nothing, rolled, course
    ended = KeyboardInterrupt() if networks.interrupted else None
    return nets, weights, rolled, Course(networks.history, epochs, start, best, error=ended)


def _with_values(ys: Sequence[Values], back: int, least: int) -> list[int]:
    """The series with at least so many values before the last steps."""
    return [number for number, y in enumerate(ys) if np.isfinite(y[:-back]).sum() >= least]


def _mixed_errors(found: Statistics, rolled: Values, judged: Values, weights: Values) -> tuple[float, Values, float]:
    """The mean error of the statistics, the mixed forecasts from the origins, and their mean error.

    From origins where the networks have seen what follows, the errors of the mixture are taken to be those of the
    statistics, smaller by the same factor for each step as at the others.
    """
    known = np.isfinite(judged) & np.isfinite(found.truth)
    both = np.where(known, mixed(rolled, judged, weights), rolled)
    with np.errstate(over="ignore"):
        before, after = (
            np.where(known, np.clip(np.abs(each - found.truth) / found.scale[:, None, None], 0, 1e12), 0.0)
            for each in (rolled, both)
        )
    ratio = after.sum(axis=(0, 1)) / np.maximum(before.sum(axis=(0, 1)), 1e-300)
    smaller = found.truth + np.clip(ratio, 0.0, 1.0) * (rolled - found.truth)
    count = max(1, int(known.sum()))
    return float(before.sum()) / count, np.where(known, both, smaller), float(after.sum()) / count


def _intervals(found: Statistics, rolled: Values, ys: Sequence[Values], period: int) -> ConformalIntervals | None:
    if not len(found.backs):
        return None
    errors = found.truth - rolled
    # A mean of equal values differs from them by rounding, which is no size of an error.
    errors = np.where(np.abs(errors) <= ROUNDING * np.abs(found.truth), 0.0, errors)
    held_out = int(found.backs[0])
    paths = [(number, path) for number, of_series in enumerate(errors) for path in of_series if np.isfinite(path).any()]
    if not paths:  # every series is shorter than the steps that are held out
        return None
    unit = np.array([usual_change(y[:-held_out], period) for y in ys])
    return ConformalIntervals.of(paths, unit, held_out)
