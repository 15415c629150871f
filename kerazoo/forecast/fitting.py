"""From series to a trained ensemble: choose transforms, hold out, train all nets at once, measure their errors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.ensemble import Ensemble, Features, members_of
from kerazoo.forecast.intervals import ConformalIntervals
from kerazoo.forecast.nets.checkpoint import TrainingFile
from kerazoo.forecast.nets.members import MemberNets, member_nets
from kerazoo.forecast.nets.trainer import BestWeights, Course, Learner, fit_learner
from kerazoo.forecast.nets.windows import KnownScale, Windows, windows_of
from kerazoo.forecast.transforms.base import Values
from kerazoo.forecast.transforms.chain import Chain, fitted_chain
from kerazoo.forecast.transforms.selection import Choice, choose_transforms
from kerazoo.zoo.spec import RNNSpec

__all__ = ["FitSettings", "Fitted", "checked_held_out", "fit_ensemble", "spec_for"]

# Steps of a window unless asked for: the whole of a short series, and of a long one what a recurrent net can use.
LONGEST_WINDOW = 256
SHORTEST_HELD = 4
RESIDUAL_ORIGINS = 24
MOST_HISTORIES = 400
# Of what nets have learned, besides all of it.
SHARES = (0.0, 0.25, 0.5, 0.75)

Errors = list[tuple[int, Values]]


@dataclass(frozen=True)
class FitSettings:
    """The parameters of a Forecaster, checked, and decided where that depends on the series: see there."""

    spec: RNNSpec
    strategy: str
    horizon: int
    lookback: int | None
    period: int
    transforms: Any
    calendar: tuple[str, ...]
    calendar_order: int
    n_members: int
    loss: str
    epochs: int
    steps_per_epoch: int
    batch_size: int
    learning_rate: float
    patience: int
    min_gain: float
    seed: int
    verbose: int
    callbacks: Sequence[Any]


@dataclass(eq=False)
class Fitted:
    """What a fit leaves.

    Attributes:
        ensemble: Ensemble.
        course: Course of the training.
        intervals: ConformalIntervals, or None where nothing was held out.
        n_held: int, steps held out of each series.
        spec: RNNSpec of one net.
    """

    ensemble: Ensemble
    course: Course
    intervals: ConformalIntervals | None
    n_held: int
    spec: RNNSpec


def spec_for(settings: FitSettings, n_known: int) -> RNNSpec:
    """The spec of one net: inputs are the value and what is known; outputs what the strategy and the loss need.

    A bidirectional layer would see, in a sequence of outputs, what it is to foretell: such nets have one output for a
    window. An output activation is left out, as what is foretold is scaled, of both signs, and without bounds.
    """
    spec = settings.spec
    looks_back = any(layer.bidirectional for layer in spec.layers)
    return spec.replace(
        features=1 + n_known,
        outputs=2 if settings.loss == "normal" else 1,
        horizon=_ahead(settings),
        output_activation=None,
        returns="last" if looks_back else spec.returns,
        lookback=None,
    )


def _ahead(settings: FitSettings) -> int:
    """Steps that a net foretells at once."""
    return 1 if settings.strategy == "recursive" else settings.horizon


def checked_held_out(panel: Panel, settings: FitSettings, val: int | None) -> int:
    """Steps to hold out of each series: `val`, or four seasons or horizons, but at most a third of the shortest.

    Raises:
        InvalidArgumentError: a series is too short for them and for what is to be learned.
    """
    place = min(range(len(panel.series)), key=lambda place: len(panel.series[place].values))
    shortest = len(panel.series[place].values)
    n_held = val
    if n_held is None:
        wanted = min(4 * max(settings.period, settings.horizon), shortest // 3)
        n_held = wanted if wanted >= SHORTEST_HELD else 0
    where = f" (series {panel.ids[place]!r})" if len(panel.series) > 1 else ""
    _check_lengths(settings, shortest, n_held, where)
    return n_held


def fit_ensemble(
    panel: Panel, settings: FitSettings, val: int | None = None, file: TrainingFile | None = None
) -> Fitted:
    """Fit to the series of a panel: see :class:`kerazoo.Forecaster`.

    For every member there is a twin that learns from the first part of each series only, from the same seed and in the
    same computation: its errors on the rest say when to stop, and how wide intervals have to be.
    """
    n_held = checked_held_out(panel, settings, val)
    series = panel.series
    lengths = [len(each.values) for each in series]
    choices = _choices(settings, series, n_held)
    member_choice = members_of(choices, settings.n_members)
    ahead = _ahead(settings)
    features = Features(settings.calendar, settings.calendar_order, ahead)
    raw = [features.rows(each.index, each.covariates) for each in series]
    spec = spec_for(settings, raw[0].shape[1])
    cuts = [[length - n_held for length in lengths], lengths] if n_held else [lengths]
    with threadpool_limits(1, user_api="blas"):
        parts = [_fit_part(choices, series, raw, cut) for cut in cuts]  # the twins', then the members' own
    longest = max(lengths)
    wanted = settings.lookback or settings.spec.lookback or LONGEST_WINDOW
    layout = Windows(max(1, min(wanted, longest - 1)), ahead, spec.returns == "last")

    seeds = [int(each) for each in np.random.SeedSequence(settings.seed).generate_state(settings.n_members) >> 1]
    nets = member_nets(spec, seeds * len(parts), layout.length)
    described = []
    for part, cut in zip(parts, cuts, strict=True):
        described += [(part.zs[choice], part.known, cut) for choice in member_choice]
    learner = Learner(nets, windows_of(layout, described), settings.loss)
    learner.compile(keras.optimizers.Adam(settings.learning_rate, clipvalue=1.0), jit_compile=learner.supports_jit)
    course = _train(learner, settings, n_held, file)

    def ensemble_of(part: _Part, first: int) -> Ensemble:
        own = member_nets(spec, seeds, layout.length)
        own.assign(nets.values_of(range(first, first + settings.n_members)))
        return Ensemble(own, member_choice, choices, part.fitted, layout, features, part.scale,
                        settings.loss == "normal", settings.strategy)  # fmt: skip

    intervals = None
    if n_held:
        twins = ensemble_of(parts[0], 0)
        unit = np.array([_unit(each.values[:cut], settings.period) for each, cut in zip(series, cuts[0], strict=True)])
        errors = _errors(twins, settings, series, cuts[0], n_held)
        if course.best_epoch and settings.loss != "normal":
            share, errors = _share(
                twins,
                errors,
                errors_of=lambda: _errors(twins, settings, series, cuts[0], n_held),
                losses=lambda found: _losses(found, unit, settings.horizon),
                n_apart=max(1.0, n_held / settings.horizon) * len(series),
                min_gain=settings.min_gain,
            )
            course = replace(course, share=share)
            if share == 0:
                course = replace(course, best_epoch=0, best=course.start)
            nets.assign(nets.shrunk(nets.values_of(range(nets.n_members)), share))
        intervals = ConformalIntervals.of(errors, unit, n_held)
    ensemble = ensemble_of(parts[-1], (len(parts) - 1) * settings.n_members)
    return Fitted(ensemble, course, intervals, n_held, spec)


@dataclass(frozen=True, eq=False)
class _Part:
    """Fits to the first part of each series.

    Attributes:
        fitted: by chain and series.
        zs: by chain and series, float64 (T,), of the whole series.
        known: by series, float64 (T, K), scaled.
        scale: KnownScale.
    """

    fitted: list[list[Chain]]
    zs: list[list[Values]]
    known: list[Values]
    scale: KnownScale


def _fit_part(
    choices: Sequence[Choice], series: Sequence[SeriesData], raw: Sequence[Values], cuts: Sequence[int]
) -> _Part:
    scale = KnownScale.of([rows[:cut] for rows, cut in zip(raw, cuts, strict=True)])
    fitted, zs = [], []
    for choice in choices:
        fits = []
        for each, cut in zip(series, cuts, strict=True):
            try:
                fits.append(fitted_chain(choice.config, each.values[:cut], each.index[:cut]))
            except InvalidArgumentError as error:
                if len(series) == 1:
                    raise
                raise InvalidArgumentError(f"series {each.id!r}: {error}") from error
        fitted.append(fits)
        zs.append([fit.apply(each.values, each.index)[0] for fit, each in zip(fits, series, strict=True)])
    return _Part(fitted, zs, [scale.apply(rows) for rows in raw], scale)


def _choices(settings: FitSettings, series: Sequence[SeriesData], n_held: int) -> list[Choice]:
    if settings.transforms != "auto":
        config: tuple[Mapping[str, Any], ...] = tuple(each.to_config() for each in settings.transforms)
        return [Choice(config, 1.0, math.nan)]
    if all(np.ptp(each.values) == 0 for each in series):
        warnings.warn(
            "the series is constant: its forecast is the same value again, and its intervals have no width.",
            UserWarning,
            stacklevel=4,
        )
        return [Choice((), 1.0, math.nan)]
    return choose_transforms(series, settings.period, settings.horizon, min(5, settings.n_members))


def _check_lengths(settings: FitSettings, shortest: int, n_held: int, where: str) -> None:
    lost = 0
    if settings.transforms != "auto":
        lost = sum(each.n_lost for each in settings.transforms)
    window = settings.lookback or 2
    needed = lost + window + settings.horizon + n_held
    if shortest < needed:
        fits = shortest - lost - settings.horizon - n_held
        remedy = (
            f"lookback={fits} would fit" if settings.lookback and fits >= 1
            else f"horizon={max(1, shortest - lost - window - n_held)} would fit"
            if shortest - lost - window - n_held >= 1
            else "A longer series is needed"
        )  # fmt: skip
        raise InvalidArgumentError(
            f"y has {shortest} values{where}; expected at least {needed}: {lost} that the transforms lose, a lookback "
            f"of {window}, the horizon of {settings.horizon} and {n_held} held out. {remedy}."
        )


def _train(learner: Learner, settings: FitSettings, n_held: int, file: TrainingFile | None) -> Course:
    nets: MemberNets = learner.nets
    start = math.nan
    if n_held:
        start = learner.initial_held_loss()
    best = BestWeights(start, settings.patience, settings.min_gain)
    callbacks: list[Any] = list(settings.callbacks)
    initial_epoch = 0
    if file is not None:
        initial_epoch = file.resume(learner, best)
        callbacks.append(file.callback(best, settings.callbacks))
    if file is not None and file.is_complete:  # its weights are those that were kept
        return file.course
    if initial_epoch >= settings.epochs:
        if best.is_worth_it:
            assert best.weights is not None
            nets.assign(best.weights)
        elif n_held and best.initial is not None:
            nets.assign(best.initial)
        return Course({}, 0, start, start) if file is None else file.course
    course = fit_learner(
        learner,
        epochs=settings.epochs,
        steps_per_epoch=settings.steps_per_epoch,
        batch_size=settings.batch_size,
        seed=settings.seed,
        verbose=settings.verbose,
        callbacks=callbacks,
        initial_epoch=initial_epoch,
        best=best,
    )
    if file is not None:
        course = file.finish(learner, best, course)
    return course


def _errors(
    twins: Ensemble, settings: FitSettings, series: Sequence[SeriesData], cuts: Sequence[int], n_held: int
) -> Errors:
    """(series, errors by steps ahead) of the twins at rolling origins in what was held out."""
    reach = min(n_held, max(settings.horizon, settings.period))
    each = max(1, min(RESIDUAL_ORIGINS, MOST_HISTORIES // len(series)))
    histories = []
    none = np.empty((reach, series[0].covariates.shape[1]))
    for place, (data, cut) in enumerate(zip(series, cuts, strict=True)):
        origins = np.unique(np.linspace(cut, len(data.values) - 1, each).astype(int))
        histories += [twins.history_of(place, data, none, reach, int(origin)) for origin in origins]
    return [
        (history.series, series[history.series].values[len(history.y) : len(history.y) + len(foretold)] - foretold)
        for history, foretold in zip(histories, twins.forecast(histories, reach), strict=True)
    ]


def _share(
    twins: Ensemble, errors: Errors, errors_of: Callable[[], Errors], losses: Callable[[Errors], Values],
    n_apart: float, min_gain: float,
) -> tuple[float, Errors]:  # fmt: skip
    """How much of their corrections the nets should make, by the forecasts of their twins; and the errors of these.

    Args:
        twins: their nets end with that share.
        errors: of the twins as they are.
        errors_of: the errors of the twins, when their nets have changed.
        losses: one value an origin, of errors.
        n_apart: how many of the forecasts do not overlap.
        min_gain: float, the least share of the loss that has to be gained. The gain has to be larger than its standard
            error as well, unless this is 0, which asks for any gain.
    """
    trained = twins.nets.values_of(range(twins.nets.n_members))
    found = {1.0: errors}
    for share in SHARES:
        twins.nets.assign(twins.nets.shrunk(trained, share))
        found[share] = errors_of()
    # Paths that ran away are of no use, however large a number they are.
    by_origin = {share: np.nan_to_num(losses(each), nan=np.inf, posinf=np.inf) for share, each in found.items()}
    best = min(by_origin, key=lambda share: float(by_origin[share].mean()))
    gains = by_origin[0.0] - by_origin[best] if best else np.zeros(1)
    chance = float(gains.std()) / math.sqrt(n_apart) if min_gain else 0.0
    if not gains.mean() >= max(min_gain * float(by_origin[0.0].mean()), chance):
        best = 0.0
    twins.nets.assign(twins.nets.shrunk(trained, best))
    return best, found[best]


def _losses(errors: Errors, unit: Values, horizon: int) -> Values:
    """Mean squares of errors up to the horizon, one an origin, each in units of its series."""
    return np.array([np.mean(np.square(each[:horizon] / unit[place])) for place, each in errors])


def _unit(y: Values, period: int) -> float:
    lag = period if len(y) > period else 1
    size = float(np.mean(np.abs(y[lag:] - y[:-lag]))) if len(y) > lag else 0.0
    return size if size > 0 else 1.0
