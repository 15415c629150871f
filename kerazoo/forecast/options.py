"""The settings of a forecaster: parameters checked, and defaults that depend on the data resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from kerazoo._runtime.callbacks import flatten_callbacks
from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo._validation import check_choice, check_flag, check_int, check_real, check_seed
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.calendar import calendar_names
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.ranges import check_counts, check_floor, check_not_negative
from kerazoo.forecast.fit_settings import FitSettings, Transforms
from kerazoo.forecast.net_spec import DEFAULT_SPECS, NetSpec
from kerazoo.forecast.periods import read_seasons, season_of, seasons_of, values_of_season
from kerazoo.forecast.preset_options import (
    FINE_TUNE_RATE,
    DefaultPreset,
    check_preset,
    default_preset,
    preset_name,
    preset_spec,
)
from kerazoo.forecast.transforms import Chain, Transform, transform_from_config

__all__ = [
    "DEFAULTS",
    "DISTRIBUTION_LEVELS",
    "LOSSES",
    "LOSSES_OF_PANELS",
    "STRATEGIES",
    "USUAL_LEVELS",
    "fit_settings",
    "identity_of",
    "is_auto",
    "read_levels",
    "read_transforms",
    "steps_to_hold_out",
]

STRATEGIES = ("recursive", "direct", "mean")
LOSSES = ("mse", "mae", "huber", "normal")
# Those of `kerazoo.forecast.global_nets.losses`, which imports Keras.
LOSSES_OF_PANELS = (
    "bounded", "mape", "mae", "mse", "huber", "quantiles", "normal", "student_t", "negative_binomial",
)  # fmt: skip
DISTRIBUTION_LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # of loss="quantiles"
USUAL_LEVELS = (0.8, 0.95)
# Parameters that are None: their values for one series or given transforms, and for several series. The steps of an
# epoch of several series are those that see every value once, at most MOST_STEPS.
DEFAULTS: Mapping[str, tuple[Any, Any]] = {
    "model": ("lstm_1x32", "mingru_2x64_residual"),  # of one series if a parameter of networks is given
    "strategy": ("recursive", "direct"),
    "n_members": (5, 3),
    "loss": ("mse", "bounded"),
    "steps_per_epoch": (10, None),
    "batch_size": (64, 256),
    "learning_rate": (1e-3, 2e-3),
    "min_gain": (0.05, 0.0),
}
MOST_STEPS = 50
LEAST_WINDOW = 2  # steps before a forecast that the method of one series needs
LEAST_LEFT = 3  # values of the longest of several series before the steps that are held out
MIN_HELD_OUT = 4  # if the default would hold out fewer steps, it holds out none

# Settings that a training must share with the checkpoint that it continues, besides those that `identity_of` adds.
IDENTITY = (
    "strategy", "horizon", "lookback", "period", "n_members", "loss", "epochs", "steps_per_epoch", "batch_size",
    "learning_rate", "patience", "min_gain", "calendar_order",
)  # fmt: skip


def fit_settings(parameters: Mapping[str, Any], panel: Panel) -> FitSettings:
    """Check the constructor parameters of a Forecaster and resolve those that depend on the data.

    Args:
        parameters: name -> value of all constructor parameters.
        panel: the series to fit.

    Raises:
        InvalidArgumentError: a parameter is out of range.
    """
    given = dict(parameters)
    transforms = read_transforms(given["transforms"])
    seasons = read_seasons(given["period"])
    preset = preset_name(given["model"])
    fine_tune = check_int("fine_tune", given["fine_tune"], 0, hint="It is the number of training steps.")
    if preset is not None:
        check_preset(preset, given, panel)
        given |= {"loss": "quantiles", "learning_rate": given["learning_rate"] or FINE_TUNE_RATE}
    elif fine_tune:
        raise InvalidArgumentError(f"fine_tune={fine_tune} without a preset; expected model='preset:NAME', or 0.")
    by_series = transforms == "auto" and (
        preset is not None
        or len(panel.series) > 1
        or panel.has_gaps
        or not _is_one_season(seasons)
        or bool(panel.past_names)
    )
    period = season_of(panel, seasons, any_length=True)
    if not by_series and preset is None and default_preset(given, panel, False, period > 1).name:
        # Nothing is trained, and the statistics of several series need no minimum length.
        horizon = given["horizon"] if isinstance(given["horizon"], Integral) else period if period > 1 else 12
        by_series = len(panel.series[0].values) < LEAST_WINDOW + int(horizon)
    if not by_series:
        _check_chains(panel, seasons, given["embed_ids"])
        period = season_of(panel, seasons, any_length=False)
    default = default_preset(given, panel, by_series, period > 1) if preset is None else DefaultPreset(None)
    if default.alone:
        if by_series:
            preset, fine_tune = default.name, default.fine_tune
            given["learning_rate"] = FINE_TUNE_RATE
        else:
            given["epochs"] = 0
    for name, defaults in DEFAULTS.items():
        if given[name] is None:
            given[name] = defaults[by_series]
    batch_size = check_int("batch_size", given["batch_size"])
    if given["steps_per_epoch"] is None:
        n_values = sum(len(each.values) for each in panel.series)
        given["steps_per_epoch"] = min(MOST_STEPS, -(-n_values // batch_size))
    periods = seasons or (seasons_of(panel) if by_series else ())
    default_horizon = period if period > 1 else 12
    seed = given["seed"]
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    check_real(
        "checkpoint_minutes", given["checkpoint_minutes"], 0.0, hint=f"The default is {DEFAULT_MINUTES:g} minutes."
    )
    strategy = check_choice("strategy", given["strategy"], STRATEGIES)
    is_auto_calendar = isinstance(given["calendar"], str) and given["calendar"] == "auto"
    longest = max(panel.series, key=lambda each: len(each.values))
    loss, epochs = _loss(given["loss"], strategy, by_series), check_int("epochs", given["epochs"], 0)
    is_count = loss == "negative_binomial" and epochs > 0
    if is_count:
        check_counts(panel)
    if loss == "mape":
        check_not_negative(panel)
    least = 2 if by_series else 1
    return FitSettings(
        model=_model(given["model"], preset),
        strategy=strategy,
        horizon=check_int(
            "horizon",
            default_horizon if given["horizon"] is None else given["horizon"],
            hint="It is the number of steps to forecast.",
        ),
        lookback=None if given["lookback"] is None else check_int("lookback", given["lookback"], least),
        period=period,
        transforms=transforms,
        # Statistics and networks of several series take the seasons out.
        calendar=calendar_names(longest.index, () if by_series and is_auto_calendar else given["calendar"]),
        calendar_order=check_int("calendar_order", given["calendar_order"]),
        n_members=check_int("n_members", given["n_members"], hint="It is the number of networks."),
        floor=check_floor(0.0 if is_count and given["floor"] is None else given["floor"], panel),
        loss=loss,
        epochs=epochs,
        steps_per_epoch=check_int("steps_per_epoch", given["steps_per_epoch"]),
        batch_size=batch_size,
        learning_rate=check_real("learning_rate", given["learning_rate"], 0.0, exclusive=True),
        patience=check_int("patience", given["patience"]),
        min_gain=check_real("min_gain", given["min_gain"], 0.0),
        seed=check_seed("seed", seed),
        verbose=check_int("verbose", given["verbose"], 0, 2),
        callbacks=flatten_callbacks(given["callbacks"]),
        by_series=by_series,
        embed_ids=check_flag("embed_ids", given["embed_ids"]),
        preset=preset,
        beside=None if by_series and default.alone and not fine_tune else default.name,
        fine_tune=fine_tune,
        periods=tuple(each for each in periods if each > 1) or (1.0,),
    )


def _model(model: Any, preset: str | None) -> NetSpec:
    """The network of the parameter `model`; Keras is imported unless it is a preset or a default."""
    if preset is not None:
        return preset_spec(preset)
    if isinstance(model, str) and model in DEFAULT_SPECS:
        return DEFAULT_SPECS[model]
    from kerazoo.zoo.builders import as_spec

    spec = as_spec(model)
    if spec.vocabulary is not None or spec.head != "dense":
        raise InvalidArgumentError(
            f"model={spec.name!r} has a vocabulary or another head; expected a model of numbers, such as 'lstm_1x32'."
        )
    others = [name for name in ("classes", "masked", "static", "heads", "return_states") if getattr(spec, name)]
    if others:
        raise InvalidArgumentError(
            f"model has {', '.join(others)}; expected none of them: the forecaster makes the inputs and outputs of its "
            "networks itself, such as 'lstm_1x32'."
        )
    if spec.timestamps:
        raise InvalidArgumentError(
            f"model={spec.name!r} reads time stamps; expected [time=step] instead: series have regular steps."
        )
    return NetSpec(spec.to_dict())


def _is_one_season(seasons: Sequence[float]) -> bool:
    """Whether there is at most one season, of whole steps."""
    return len(seasons) < 2 and all(isinstance(each, int) for each in seasons)


def _check_chains(panel: Panel, seasons: Sequence[float], embed_ids: Any) -> None:
    """What given transforms, and a single series without gaps, do not allow."""
    if panel.has_gaps:
        raise InvalidArgumentError(
            "missing='skip' with given transforms, but values are missing; expected transforms='auto', or complete "
            "series."
        )
    if panel.past_names:
        raise InvalidArgumentError("X_past with given transforms; expected X_past=None, or transforms='auto'.")
    if panel.static_names or panel.category_names:
        raise InvalidArgumentError(
            "static with one series or given transforms; expected static=None, or several series and transforms='auto'."
        )
    if not _is_one_season(seasons):
        raise InvalidArgumentError(
            f"period={list(seasons)} with given transforms; expected one season of whole steps, or transforms='auto'."
        )
    if check_flag("embed_ids", embed_ids):
        raise InvalidArgumentError(
            "embed_ids=True with one series or given transforms; expected False, or several series and "
            "transforms='auto'."
        )


def _loss(loss: Any, strategy: str, by_series: bool) -> str:
    if by_series:
        return check_choice("loss", loss, LOSSES_OF_PANELS)
    hint = "Others are for several series."
    checked = check_choice("loss", loss, LOSSES, hint=hint if loss in LOSSES_OF_PANELS else "")
    if checked == "normal" and strategy != "recursive":
        raise InvalidArgumentError(
            f"loss='normal' with strategy={strategy!r}; expected 'recursive': paths are sampled step by step."
        )
    return checked


def read_transforms(given: Any) -> Transforms:
    """The parameter `transforms` as "auto" or a tuple of transforms.

    Args:
        given: "auto"; a transform, a name or a config; or a sequence of them.

    Raises:
        InvalidArgumentError: something else, or an unknown name or argument.

    >>> read_transforms("log")
    (Log(),)
    """
    if isinstance(given, str):
        return "auto" if given == "auto" else (transform_from_config(given),)
    if isinstance(given, Transform | Mapping):
        given = [given]
    try:
        return tuple(Chain(given).transforms)
    except InvalidArgumentError:
        raise
    except (TypeError, ValueError):  # not iterable, or an element that is not a mapping
        raise InvalidArgumentError(
            f"transforms={given!r}; expected 'auto', or a sequence of transforms, names or configs."
        ) from None


def is_auto(level: Any) -> bool:
    """Whether `level` is "auto"; another string is refused."""
    if isinstance(level, str):
        check_choice("level", level, ("auto",), hint="Or levels, such as [0.8, 0.95]; None means no intervals.")
        return True
    return False


def read_levels(level: Any) -> tuple[float, ...]:
    """The parameter `level` as fractions, in the order given, without duplicates.

    Args:
        level: None, a number or a sequence of numbers. Numbers in (0, 1) are fractions, in (1, 100) percent.

    Raises:
        InvalidArgumentError: a number outside of both ranges, or no number.

    >>> read_levels([80, 0.95])
    (0.8, 0.95)
    """
    if level is None:
        return ()
    try:
        given = [level] if isinstance(level, str) else list(level)
    except TypeError:
        given = [level]
    hint = "0.8 and 80 both mean 80 %."
    found: dict[str, float] = {}
    for each in given:
        number = check_real("level", each, 0.0, 100.0, exclusive=True, hint=hint)
        if number in (1.0, 100.0):
            raise InvalidArgumentError(
                f"level={each!r}; expected a fraction below 1, or a percentage above 1 and below 100: {hint}"
            )
        fraction = number if number < 1.0 else number / 100.0
        found.setdefault(f"{100 * fraction:g}", fraction)
    return tuple(found.values())


def steps_to_hold_out(panel: Panel, settings: FitSettings, val: int | None) -> int:
    """Steps to hold out of each series.

    Args:
        panel: the series.
        settings: FitSettings.
        val: int >= 0. None: four seasons or horizons, whichever is longer, but at most a third of the shortest series,
            and no more than leaves what the transforms, a season and the windows need.

    Raises:
        InvalidArgumentError: a series is too short to hold out so many steps and train on the rest.
    """
    if settings.by_series:  # which need no minimum length, and hold out by rolling the origin
        longest = max(len(each.values) for each in panel.series)
        if val and longest - max(val, settings.horizon) < LEAST_LEFT:
            most = longest - LEAST_LEFT
            remedy = f"val={most} would leave enough" if most >= settings.horizon else "val=0 holds out nothing"
            raise InvalidArgumentError(
                f"val={val} with a horizon of {settings.horizon}, but the longest series has {longest} values; at "
                f"least {LEAST_LEFT} are expected before the steps held out, which are at least the horizon. {remedy}."
            )
        return val or 0
    number = min(range(len(panel.series)), key=lambda i: len(panel.series[i].values))
    shortest = len(panel.series[number].values)
    if val is None:
        val = min(4 * max(settings.period, settings.horizon), shortest // 3)
        # Validation networks and their transforms are fitted without the steps that are held out. Fewer are, where else
        # the transforms could not be fitted or a season not be estimated.
        for needed in _values_to_fit(settings):
            if shortest - needed >= MIN_HELD_OUT:
                val = min(val, shortest - needed)
        val = val if val >= MIN_HELD_OUT else 0
    where = f" (series {panel.ids[number]!r})" if len(panel.series) > 1 else ""
    _check_length(settings, shortest, val, where)
    return val


def _values_to_fit(settings: FitSettings) -> tuple[int, int]:
    """Values before the steps that are held out, which windows with targets need, and which the transforms need."""
    chain = Chain(() if settings.transforms == "auto" else settings.transforms)
    windows = chain.n_lost + (settings.lookback or 2) + settings.horizon
    if settings.transforms == "auto":
        return windows, values_of_season(settings.period)
    return windows, chain.n_needed


def _check_length(settings: FitSettings, shortest: int, n_held_out: int, where: str) -> None:
    chain = Chain(() if settings.transforms == "auto" else settings.transforms)
    lost = chain.n_lost
    window = settings.lookback or LEAST_WINDOW
    needed = lost + window + settings.horizon + n_held_out
    if shortest < needed:
        longest_lookback = shortest - lost - settings.horizon - n_held_out
        longest_horizon = shortest - lost - window - n_held_out
        if settings.lookback and longest_lookback >= 1:
            remedy = f"lookback={longest_lookback} would fit"
        elif longest_horizon >= 1:
            remedy = f"horizon={longest_horizon} would fit"
        else:
            remedy = "A longer series is needed"
        raise InvalidArgumentError(
            f"y has {shortest} values{where}; expected at least {needed}: {lost} that the transforms lose, a lookback "
            f"of {window}, the horizon of {settings.horizon} and {n_held_out} held out. {remedy}."
        )
    needed = chain.n_needed + n_held_out
    if shortest < needed:
        raise InvalidArgumentError(
            f"y has {shortest} values{where}; expected at least {needed}: {chain.n_needed} that {chain.transforms} "
            f"need and {n_held_out} held out. A longer series is needed, fewer steps held out (val), or other "
            "transforms."
        )


def identity_of(panel: Panel, settings: FitSettings, val: int | None) -> dict[str, Any]:
    """The settings that a checkpoint must have in common with the training that continues it; see `CheckpointFile`.

    Args:
        panel: the series.
        settings: FitSettings.
        val: int or None, as given to `fit`.
    """
    transforms = settings.transforms
    # Networks that were trained before there was a linear term have learned other residuals.
    term = {"covariates": "linear term"} if panel.covariate_names else {}
    kind: dict[str, Any] = {"networks": settings.preset or "global"} if settings.by_series else {}
    kind |= {"fine_tune": settings.fine_tune} if settings.fine_tune else {}
    return {
        **term,
        **kind,
        "model": settings.model.to_json(),
        **{name: getattr(settings, name) for name in IDENTITY},
        **({"periods": list(settings.periods), "embed_ids": settings.embed_ids} if settings.by_series else {}),
        "transforms": transforms if transforms == "auto" else [each.to_config() for each in transforms],
        "calendar": list(settings.calendar),
        "val": val,
        "dates": [f"{each.index[0]} to {each.index[-1]}" for each in panel.series[:100]],
    }
