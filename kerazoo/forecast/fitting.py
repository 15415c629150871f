"""`fit`: from a panel of series to a trained ensemble with intervals."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo._runtime import traced_gradients
from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._runtime.precision import in_float32
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.ensemble import Ensemble, Features, History, members_of
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.fitted import Fitted
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.intervals import ConformalIntervals, Errors, usual_change
from kerazoo.forecast.mixture import mixed
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.nets.windows import KnownScale, Windows
from kerazoo.forecast.options import steps_to_hold_out
from kerazoo.forecast.panel_fitting import fit_panel
from kerazoo.forecast.preset_options import preset_net
from kerazoo.forecast.series_statistics import WEIGHT, SeriesStatistics, most_values, weight_by_errors
from kerazoo.forecast.transforms.base import Values
from kerazoo.forecast.transforms.linear_term import LinearTerm, fit_terms
from kerazoo.forecast.transforms.per_day import PerDay
from kerazoo.forecast.transforms.selection import Choice, choose_term, choose_transforms
from kerazoo.forecast.transforms.series_model import SeriesModel

if TYPE_CHECKING:
    from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint

__all__ = ["fit", "spec_for"]

# Default maximum steps per window: all of a short series, and of a long one as many as a recurrent network can use.
MAX_WINDOW = 256
N_ORIGINS = 24  # rolling origins per series for the forecast errors
MAX_HISTORIES = 400  # rolling origins of all series


def fit(
    panel: Panel, settings: FitSettings, val: int | None = None, checkpoints: CheckpointFile | None = None
) -> Fitted | FittedPanel:
    """Fit a forecaster to the series of a panel.

    Every network has a validation network with the same seed, which is trained in the same computation, but only on
    the first part of each series. The errors of the validation networks on the held-out rest decide when to stop and
    how wide intervals are.

    Args:
        panel: the series.
        settings: FitSettings.
        val: int, steps to hold out of each series; None: see :func:`kerazoo.forecast.options.steps_to_hold_out`.
        checkpoints: the file of :func:`kerazoo.forecast.fit_checkpoint.checkpoint_file`, or None. A checkpoint in it is
            continued, with its seed.

    Returns:
        The fitted state. After Ctrl-C or a divergence, `course.error` holds the exception, and the forecasts are those
        of the best weights so far, or of the statistics alone. A second Ctrl-C is raised at once.

    Raises:
        InvalidArgumentError: a series is too short, the transforms do not suit the values, or a checkpoint belongs to
            another training.
    """
    n_held_out = steps_to_hold_out(panel, settings, val)
    if settings.by_series:
        with traced_gradients.forgotten():
            return fit_panel(panel, settings, val, checkpoints)
    checkpoint = None
    if checkpoints is not None:
        found = checkpoints.read()
        if found is not None:
            settings = replace(settings, seed=found.seed)
        if settings.epochs:
            from kerazoo.forecast.nets.checkpoint import TrainingCheckpoint

            checkpoint = TrainingCheckpoint(checkpoints, found, settings.seed)
    precision = in_float32() if settings.epochs else contextlib.nullcontext()
    with DeferredInterrupt() as interrupt, precision, traced_gradients.forgotten():
        fitted = _fit(panel, settings, n_held_out, checkpoint, interrupt)
    if interrupt.pending and fitted.course.error is None:  # it came before or after the training
        return replace(fitted, course=replace(fitted.course, error=KeyboardInterrupt()))
    return fitted


def spec_for(settings: FitSettings, n_known: int) -> NetSpec:
    """The spec of one network: its inputs are the value and the known features, its outputs depend on the strategy.

    In a sequence of outputs, a bidirectional layer would see the values that it forecasts: such networks have one
    output per window. The output activation is dropped: targets are scaled, of both signs and unbounded.

    Args:
        settings: FitSettings.
        n_known: int, features that are known in the future.
    """
    model = settings.model
    return model.replace(
        features=1 + n_known,
        outputs=2 if settings.loss == "normal" else 1,
        horizon=settings.steps_per_output,
        output_activation=None,
        returns="last" if model.bidirectional or model.last_only else "sequence",
        lookback=None,
    )


def _fit(
    panel: Panel,
    settings: FitSettings,
    n_held_out: int,
    checkpoint: TrainingCheckpoint | None,
    interrupt: DeferredInterrupt,
) -> Fitted:
    series = panel.series
    lengths = [len(each.values) for each in series]
    with threadpool_limits(1, user_api="blas"):  # BLAS threads wait for each other longer than they compute
        choices = _choices(settings, series, n_held_out)
    member_choice = members_of(choices, settings.n_members)
    ahead = settings.steps_per_output
    features = Features(settings.calendar, settings.calendar_order, ahead)
    raw = [features.rows(each.index, each.covariates) for each in series]
    spec = spec_for(settings, raw[0].shape[1])
    cuts = [[length - n_held_out for length in lengths], lengths] if n_held_out else [lengths]
    with threadpool_limits(1, user_api="blas"):
        # Of the validation networks, then of the others.
        try:
            parts = [_fit_part(choices, series, raw, cut, settings) for cut in cuts]
        except InvalidArgumentError:
            if not any(choice.term for choice in choices):
                raise
            # What the covariates leave may lie outside of the domain of a transform of the user.
            choices = [replace(choice, term=None) for choice in choices]
            parts = [_fit_part(choices, series, raw, cut, settings) for cut in cuts]
    longest = max(lengths)
    wanted = settings.lookback or settings.model.lookback or MAX_WINDOW
    layout = Windows(max(1, min(wanted, longest - 1)), ahead, spec.last_only)
    networks, course = None, Course()
    if settings.epochs:
        # Here, as it imports Keras, which takes seconds.
        from kerazoo.forecast.chain_networks import ChainNetworks

        members = [[(part.zs[choice], part.known, cut) for choice in member_choice]
                   for part, cut in zip(parts, cuts, strict=True)]  # fmt: skip
        networks = ChainNetworks(spec, layout, members, settings)
        course = networks.train(checkpoint, interrupt)

    def ensemble_of(number: int) -> Ensemble:
        part, own = parts[number], None if networks is None else networks.of_part(number)
        return Ensemble(own, member_choice, choices, part.fitted, layout, features, part.scale,
                        settings.loss == "normal", settings.strategy, settings.transforms == "auto",
                        settings.floor)  # fmt: skip

    intervals, mixture = None, _statistics(settings, series[0], choices, parts[-1])
    if n_held_out:
        validation = ensemble_of(0)
        unit = np.array(
            [usual_change(each.values[:cut], settings.period) for each, cut in zip(series, cuts[0], strict=True)]
        )
        histories = _held_out(validation, settings, series, cuts[0], n_held_out)
        errors = _errors(validation, histories, series)
        if networks is not None and course.best_epoch and settings.loss != "normal":
            assert validation.nets is not None
            weight, errors = networks.correction_weight(
                validation.nets,
                errors,
                errors_of=lambda: _errors(validation, histories, series),
                losses=lambda found: _losses(found, _units_of_losses(series, settings.period), settings.horizon),
                n_apart=max(1.0, n_held_out / settings.horizon) * len(series),
            )
            course = replace(course, correction_weight=weight)
            if weight == 0:
                course = replace(course, best_epoch=0, best=course.start)
        before = _statistics(settings, series[0].first(cuts[0][0]), choices, parts[0])
        if before is not None:
            chosen, errors = _mixed_errors(before, errors, histories, series[0].values, settings.horizon)
            if mixture is not None:
                mixture = replace(mixture, weight=chosen.weight, preset=chosen.preset) if chosen.weight else None
        intervals = ConformalIntervals.of(errors, unit, n_held_out)
    ensemble = ensemble_of(len(parts) - 1)
    return Fitted(panel, settings.period, settings.horizon, settings.seed, spec, ensemble, course, intervals,
                  n_held_out, mixture)  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Part:
    """Transforms that are fitted to the first part of each series.

    Attributes:
        fitted: list of list of SeriesModel, by choice and series.
        zs: by chain and series, float64 (T,), the transformed values of the whole series.
        known: by series, float64 (T, K), the scaled known features.
        scale: KnownScale.
    """

    fitted: list[list[SeriesModel]]
    zs: list[list[Values]]
    known: list[Values]
    scale: KnownScale


def _fit_part(
    choices: Sequence[Choice],
    series: Sequence[SeriesData],
    raw: Sequence[Values],
    cuts: Sequence[int],
    settings: FitSettings,
) -> _Part:
    scale = KnownScale.of([rows[:cut] for rows, cut in zip(raw, cuts, strict=True)])
    parts = [each.first(cut) for each, cut in zip(series, cuts, strict=True)]
    terms: dict[str | None, Sequence[LinearTerm | None]] = {None: [None] * len(parts)}
    for form in {choice.term for choice in choices if choice.term is not None}:
        ys, covariates = [each.values for each in parts], [each.covariates for each in parts]
        terms[form] = fit_terms(form, ys, covariates, settings.period)
    if settings.transforms == "auto":  # those that are given may have a state that depends on the first date
        parts = [each.last(most_values(settings.period)) for each in parts]
    fitted, zs = [], []
    for choice in choices:
        models = []
        for each, term in zip(parts, terms[choice.term], strict=True):
            try:
                models.append(SeriesModel.fit(choice.config, each.values, each.index, each.covariates, term))
            except InvalidArgumentError as error:
                if len(series) == 1:
                    raise
                raise InvalidArgumentError(f"series {each.id!r}: {error}") from error
        fitted.append(models)
        zs.append(
            [
                model.apply(each.values, each.index, each.covariates)[0]
                for model, each in zip(models, series, strict=True)
            ]
        )
    return _Part(fitted, zs, [scale.apply(rows) for rows in raw], scale)


def _choices(settings: FitSettings, series: Sequence[SeriesData], n_held_out: int) -> list[Choice]:
    if settings.transforms != "auto":
        config: tuple[Mapping[str, Any], ...] = tuple(each.to_config() for each in settings.transforms)
        return [choose_term(config, series, settings.period, settings.horizon)]
    if all(np.ptp(each.values) == 0 for each in series):
        warnings.warn(
            "the series is constant: the forecast is the same constant, and intervals have zero width.",
            UserWarning,
            stacklevel=5,
        )
        return [Choice((), 1.0, math.nan)]
    most = min(5, settings.n_members)
    last = most_values(settings.period)
    return choose_transforms(series, settings.period, settings.horizon, most, n_held_out, last)


def _statistics(
    settings: FitSettings, data: SeriesData, choices: Sequence[Choice], part: _Part
) -> SeriesStatistics | None:
    """The compiled statistics that the forecast is mixed with; None: where it is that of given chains, or of networks.

    Selected chains are those of a single series, and the term is that of the best. A constant needs one forecast only.
    """
    if settings.transforms != "auto" or settings.loss == "normal" or not choices[0].config:
        return None
    preset = None if settings.beside is None else preset_net(settings.beside, (settings.period,))
    # As the chains take them: they are selected with and without.
    per_day = any(transform["name"] == PerDay.name for choice in choices for transform in choice.config)
    return SeriesStatistics.fit(
        data, part.fitted[0][0].term, settings.period, settings.horizon, settings.floor, preset, per_day=per_day
    )


def _held_out(
    validation: Ensemble, settings: FitSettings, series: Sequence[SeriesData], cuts: Sequence[int], n_held_out: int
) -> list[History]:
    """Histories up to rolling origins in the held-out part."""
    reach = min(n_held_out, max(settings.horizon, settings.period))
    per_series = max(1, min(N_ORIGINS, MAX_HISTORIES // len(series)))
    histories = []
    no_future = np.empty((reach, series[0].covariates.shape[1]))
    for number, (data, cut) in enumerate(zip(series, cuts, strict=True)):
        origins = np.unique(np.linspace(cut, len(data.values) - 1, per_series).astype(int))
        histories += [validation.history_of(number, data, no_future, reach, int(origin)) for origin in origins]
    return histories


def _errors(validation: Ensemble, histories: Sequence[History], series: Sequence[SeriesData]) -> Errors:
    """Errors of the validation networks' forecasts after histories."""
    reach = max(len(history.future) for history in histories)
    return [
        (history.series, series[history.series].values[len(history.y) : len(history.y) + len(forecast)] - forecast)
        for history, forecast in zip(histories, validation.forecast(histories, reach), strict=True)
    ]


def _mixed_errors(
    statistics: SeriesStatistics, errors: Errors, histories: Sequence[History], y: Values, horizon: int
) -> tuple[SeriesStatistics, Errors]:
    """The statistics with their weight, and the errors with it; `errors` are of the chains, `y` is the whole series."""

    def weight_of(one: Sequence[Values], other: Sequence[Values], usual: float) -> float:
        first, second = ([each[:horizon] for each in of_all] for of_all in (one, other))
        return weight_by_errors(first, second, usual)

    def errors_of(found: SeriesStatistics) -> list[Values]:
        return [
            y[len(history.y) : len(history.y) + len(forecast)] - forecast
            for history, forecast in zip(histories, found.forecast(histories), strict=True)
        ]

    chains, own = [each for _, each in errors], errors_of(statistics)
    if statistics.preset is not None:
        alone = replace(statistics, preset=None, weight=WEIGHT)
        of_alone = errors_of(alone)
        if weight_of(of_alone, own, 1.0) == 0.0:  # without noise, a network spoils what a statistic tells exactly
            statistics, own = alone, of_alone
    weight = weight_of(chains, own, statistics.weight)
    mean = [(0, mixed(*both, np.full(len(both[0]), weight))) for both in zip(chains, own, strict=True)]
    return replace(statistics, weight=weight), mean


def _losses(errors: Errors, unit: Values, horizon: int) -> Values:
    """Mean squared errors up to the horizon, one per forecast, in units of its series."""
    return np.array([np.mean(np.square(each[:horizon] / unit[number])) for number, each in errors])


def _units_of_losses(series: Sequence[SeriesData], period: int) -> Values:
    """By which errors of series are divided to compare them: of the whole series, which a launch late in it is part of.

    Infinite for constant series, whose errors say nothing about networks, unless all are.
    """
    units = np.array([usual_change(each.values, period) for each in series])
    return np.where(units > 0, units, np.inf) if units.any() else np.ones(len(units))
