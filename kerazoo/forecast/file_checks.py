"""Checks of what a forecaster's file says, which a stranger may have written.

A file may be whole, with fitting checksums, and say what no fit would: a horizon of text, weights of other candidates,
scales of other features. What is checked here, when it is loaded, cannot end a forecast with an error that says nothing
of the file, or take memory and time that no series asks for. The learned values of transforms and of the linear term
are checked by their own `set_state` and `from_state`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_choice, check_flag, check_int, check_real, check_seed
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.calendar import CALENDAR, calendar_features
from kerazoo.forecast.data.frequency import Clock
from kerazoo.forecast.data.index import future_index
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.ensemble import Ensemble
from kerazoo.forecast.fitted import Fitted
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.intervals import ConformalIntervals
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.options import LOSSES, LOSSES_OF_PANELS, STRATEGIES
from kerazoo.forecast.series_statistics import SeriesStatistics
from kerazoo.forecast.transforms import Chain, Transform
from kerazoo.forecast.transforms.linear_term import FORMS, LinearTerm
from kerazoo_ext import _statistics

__all__ = ["check_fitted", "check_params"]


def check_params(params: Mapping[str, Any]) -> None:
    """Refuse constructor parameters that forecasts and files use and `fit` would refuse.

    Args:
        params: name -> value; what is missing has its default.

    Raises:
        InvalidArgumentError: the first parameter that is wrong.
    """
    _check_choice_or_none("missing", params.get("missing", "error"), ("error", "skip"))
    _check_choice_or_none("loss", params.get("loss"), (*LOSSES, *LOSSES_OF_PANELS))
    _check_real_or_none("floor", params.get("floor"))
    calendar = params.get("calendar", "auto")
    if not isinstance(calendar, str) and not _is_texts(calendar):
        raise InvalidArgumentError(f"calendar={calendar!r:.80}; expected 'auto' or a list of names.")


def check_fitted(fitted: Fitted | FittedPanel) -> None:
    """Refuse a state that no fit leaves.

    Args:
        fitted: as it was read.

    Raises:
        InvalidArgumentError: a field is of another type or range, or does not fit the others.
    """
    panel = fitted.panel
    _check_panel(panel)
    check_int("period", fitted.period)
    check_int("horizon", fitted.horizon)
    check_seed("levels_seed", fitted.seed)
    check_int("n_held", fitted.n_held_out, 0)
    _check_spec(fitted.spec)
    if fitted.intervals is not None:
        _check_intervals(fitted.intervals, len(panel.series))
    course = fitted.course
    check_int("best_epoch", course.best_epoch, 0)
    _check_finite("share", course.correction_weight, ())
    if isinstance(fitted, FittedPanel):
        _check_of_panel(fitted)
        return
    _check_ensemble(fitted)
    if fitted.mixed_with is not None:
        _check_statistics(fitted.mixed_with, panel)


def _check_panel(panel: Panel) -> None:
    if not panel.series:
        raise InvalidArgumentError("no series; expected at least one.")
    check_int("ndim", panel.ndim, 1, 2)
    most = 1 if panel.form == "series" or (panel.form == "array" and panel.ndim == 1) else len(panel.series)
    if len(panel.series) > most:
        raise InvalidArgumentError(f"{len(panel.series)} series in the form {panel.form!r}; expected one.")
    for names in (panel.covariate_names, panel.past_names, panel.static_names, panel.category_names):
        if not _is_texts(names):
            raise InvalidArgumentError(f"names of covariates {names!r:.200}; expected texts.")
    if not all(_is_texts(each) for each in panel.categories):
        raise InvalidArgumentError("categories of another kind; expected texts.")
    if len(panel.level_names) != 1:
        wrong = [each for each in panel.ids if not isinstance(each, tuple) or len(each) != len(panel.level_names)]
        if not panel.level_names or wrong:
            raise InvalidArgumentError(
                f"{len(panel.level_names)} names of levels, and labels such as {panel.ids[0]!r:.80}; expected a tuple "
                "of as many."
            )
    if len(set(panel.ids)) < len(panel.ids):
        raise InvalidArgumentError("two series have the same label; expected different ones.")
    for label in (panel.name, *panel.level_names, *panel.ids):
        hash(label)  # a TypeError of what is no label
    first = panel.series[0].index
    kind = type(first)
    if panel.form == "array":  # of which all rows are written, also those before a series begins
        if kind is not pd.RangeIndex or min(int(each.index[0]) for each in panel.series) < 0:
            raise InvalidArgumentError(f"{first!r:.200} of an array; expected row numbers >= 0.")
        check_memory(
            8 * len(panel.series) * (int(first[-1]) + 1), f"{int(first[-1]) + 1:,} rows", "The file is damaged."
        )
    if panel.form in ("array", "frame") and any(each.index[-1] != first[-1] for each in panel.series):
        raise InvalidArgumentError(f"series of one {panel.form} that end at different dates; expected the same end.")
    for each in panel.series:
        known = each.values[~np.isnan(each.values)]
        if not len(known) or not np.isfinite(known).all():
            raise InvalidArgumentError(
                f"series {each.id!r:.80} with {len(known)} known values of {len(each.values)}; expected finite ones."
            )
        if not np.isfinite(each.covariates).all():
            raise InvalidArgumentError(f"covariates of series {each.id!r:.80}; expected finite ones.")
        if type(each.index) is not kind:
            raise InvalidArgumentError(f"a {type(each.index).__name__} beside a {kind.__name__}; expected one kind.")
        if len(future_index(each.index, 1)) != 1:
            raise InvalidArgumentError(
                f"dates of series {each.id!r:.80} that cannot be continued; expected regular ones."
            )


def _check_spec(spec: NetSpec) -> None:
    """The plain values that forecasts read; an RNNSpec checks the rest when one is made."""
    layers = spec.values["layers"]
    if not isinstance(layers, list | tuple) or not all(isinstance(each, Mapping) for each in layers):
        raise InvalidArgumentError(f"layers={layers!r:.80}; expected a list of layers.")
    for name in ("features", "outputs", "horizon"):
        check_int(f"{name} of a network", spec.values.get(name, 1))


def _check_intervals(intervals: ConformalIntervals, n_series: int) -> None:
    check_int("n_held of intervals", intervals.n_held_out)
    if not intervals.growth.size or not intervals.errors.size:
        raise InvalidArgumentError("intervals of no errors; expected at least one.")
    for name, shape in (("growth", None), ("errors", None), ("unit", (n_series,)), ("paths", (n_series,))):
        found = getattr(intervals, name)
        _check_finite(f"{name} of intervals", found, (found.size,) if shape is None else shape, 0.0)
    if not (intervals.growth > 0).all():
        raise InvalidArgumentError("growth of intervals with zeros; expected sizes > 0.")


def _check_ensemble(fitted: Fitted) -> None:
    ensemble, panel = fitted.ensemble, fitted.panel
    series, layout, features = panel.series, ensemble.layout, ensemble.features
    check_choice("strategy", ensemble.strategy, STRATEGIES)
    check_flag("likelihood", ensemble.likelihood)
    _check_real_or_none("floor", ensemble.floor)
    _check_choices(ensemble, series)
    check_int("length of windows", layout.length, 1, max(1, *(len(each.values) for each in series)))
    check_flag("last_only", layout.last_only)
    ahead = 1 if ensemble.strategy == "recursive" else fitted.horizon
    for name, found in (("layout", layout.ahead), ("features", features.ahead)):
        if check_int(f"ahead of {name}", found) != ahead:
            raise InvalidArgumentError(
                f"ahead={found} of {name} with strategy={ensemble.strategy!r}; expected {ahead}."
            )
    width = _check_features(ensemble, series[0])
    if ensemble.nets is not None:
        expected = {"features": 1 + width, "outputs": (2 if ensemble.likelihood else 1) * ahead}
        given = {"features": fitted.spec.values.get("features", 1), "outputs": ensemble.nets.n_outputs}
        if given != expected:
            raise InvalidArgumentError(f"networks of {given}; expected {expected}, as the series have.")


def _check_features(ensemble: Ensemble, first: SeriesData) -> int:
    """The number of features of a step, which the scale must have."""
    features, scale = ensemble.features, ensemble.scale
    check_int("order", features.order)
    for name in features.calendar:
        check_choice("calendar feature", name, CALENDAR)
    width = (
        calendar_features(first.index[:1], features.calendar, features.order)[0].shape[1] if features.calendar else 0
    )
    width += features.ahead * first.covariates.shape[1]
    _check_finite("scale/mean", scale.mean, (width,))
    deviation = np.asarray(scale.deviation, np.float64)
    if deviation.shape != (width,) or not (deviation > 0).all():  # infinite for constants
        raise InvalidArgumentError(f"scale/deviation of shape {deviation.shape}; expected {(width,)}, numbers > 0.")
    return width


def _check_choices(ensemble: Ensemble, series: Sequence[SeriesData]) -> None:
    n_choices, n_covariates = len(ensemble.choices), series[0].covariates.shape[1]
    if not isinstance(ensemble.member_choice, list):
        raise InvalidArgumentError(f"member_choice={ensemble.member_choice!r:.80}; expected a list of numbers.")
    members = {check_int("member_choice", each, 0, n_choices - 1) for each in ensemble.member_choice}
    if not n_choices or len(members) != n_choices:
        raise InvalidArgumentError(f"{n_choices} chains, of which {len(members)} have a member; expected each to have.")
    if len(ensemble.fitted) != n_choices or any(len(models) != len(series) for models in ensemble.fitted):
        raise InvalidArgumentError(
            f"transforms of {[len(models) for models in ensemble.fitted]!r:.80} series; expected {len(series)} for "
            f"each of {n_choices} chains."
        )
    for choice, models in zip(ensemble.choices, ensemble.fitted, strict=True):
        check_real("weight of a chain", choice.weight)
        if choice.term is not None:
            check_choice("term", choice.term, FORMS)
        Chain([dict(part) for part in choice.config])
        for model, each in zip(models, series, strict=True):
            _check_clocks(model.chain, each.index)
            _check_term(model.term, n_covariates)


def _check_clocks(transform: Transform, index: Any) -> None:
    """Clocks start within the series: the calendar between is counted date by date."""
    if isinstance(transform, Chain):
        for each in transform.transforms:
            _check_clocks(each, index)
        return
    state = getattr(transform, "clock_", None)
    if state is None:
        return
    clock = Clock.from_state(state)
    if clock.kind != type(index).__name__:
        raise InvalidArgumentError(f"a clock of a {clock.kind}; expected a {type(index).__name__}, as the series has.")
    start: Any = clock.start
    if clock.kind == "PeriodIndex":
        start = pd.Period(start, index.freq)
    elif clock.kind == "DatetimeIndex":
        start = pd.Timestamp(start)
    if not index[0] <= start <= index[-1]:
        raise InvalidArgumentError(f"a clock from {clock.start}; expected a date from {index[0]} to {index[-1]}.")
    clock.steps(index)


def _check_term(term: LinearTerm | None, n_covariates: int) -> None:
    if term is not None:
        _check_finite("coefficients of a linear term", term.coefficients, (n_covariates,))
        _check_finite("centre of a linear term", term.centre, (n_covariates,))


def _check_names_and_weights(names: Sequence[str], weights: Any, shape: tuple[int, ...]) -> None:
    if tuple(names) != tuple(_statistics.CANDIDATES):
        raise InvalidArgumentError(
            f"candidates {list(names)!r:.200}; expected {', '.join(_statistics.CANDIDATES)}, those of this version."
        )
    _check_finite("weights of the candidates", weights, (*shape, len(names)), 0.0)


def _check_statistics(found: SeriesStatistics, panel: Panel) -> None:
    _check_names_and_weights(found.names, found.weights, ())
    check_real("weight of the statistics", found.weight, 0.0, 1.0)
    _check_term(found.term, panel.series[0].covariates.shape[1])
    if found.per_day is not None:
        for each in panel.series:
            found.per_day.relative_length(each.index)
    if found.preset is not None:
        found.preset.check()


def _check_of_panel(fitted: FittedPanel) -> None:
    n_series, steps = len(fitted.panel.series), fitted.horizon
    _check_real_or_none("floor", fitted.floor)
    _check_names_and_weights(fitted.names, fitted.weights, (n_series,))
    _check_finite("panel_weights", fitted.panel_weights, (len(fitted.names),), 0.0)
    _check_finite("factors", fitted.factors, (n_series, steps))
    _check_finite("panel_factors", fitted.panel_factors, (steps,))
    _check_finite("forecasts", fitted.forecasts, (n_series, steps))
    _check_finite("net_weights", fitted.net_weights, (steps,), 0.0)
    if not fitted.periods:
        raise InvalidArgumentError("no periods; expected at least one.")
    for each in fitted.periods:
        check_real("periods", each, 1.0)
    if len(fitted.terms) not in (0, n_series):
        raise InvalidArgumentError(f"{len(fitted.terms)} linear terms; expected none, or {n_series}.")
    for term in fitted.terms:
        _check_term(term, fitted.panel.series[0].covariates.shape[1])
    if len(fitted.rates) != 2:
        raise InvalidArgumentError(f"{len(fitted.rates)} rates; expected 2.")
    for rate in fitted.rates:
        check_real("rates", rate)
    shares = [check_real("shares", each, 0.0) for each in fitted.shares]
    if len(shares) != len(fitted.nets) or (shares and not 0 < math.fsum(shares) < math.inf):
        raise InvalidArgumentError(f"shares={shares!r:.80} of {len(fitted.nets)} networks; expected one > 0 for each.")
    check_flag("bounds_of_nets", fitted.bounds_of_nets)
    inputs = fitted.inputs
    check_int("order of inputs", inputs.order)
    check_flag("ids of inputs", inputs.ids)
    check_flag("unused of inputs", inputs.unused)
    for name in inputs.calendar:
        check_choice("calendar feature", name, CALENDAR)
    for net in fitted.nets:
        net.check()


def _check_finite(name: str, values: Any, shape: tuple[int, ...], least: float = -math.inf) -> None:
    found = np.asarray(values, np.float64)
    if found.shape != shape:
        raise InvalidArgumentError(f"{name} of shape {found.shape}; expected {shape}.")
    wrong = ~np.isfinite(found) | (found < least)
    if wrong.any():
        raise InvalidArgumentError(f"{name} with {found[wrong][0]:g}; expected finite numbers >= {least:g}.")


def _check_real_or_none(name: str, value: Any) -> None:
    if value is not None:
        check_real(name, value)


def _check_choice_or_none(name: str, value: Any, choices: Iterable[str]) -> None:
    if value is not None:
        check_choice(name, value, choices)


def _is_texts(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(each, str) for each in values)
