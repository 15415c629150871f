"""`model="preset:NAME"` of a forecaster: what it allows, and the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kerazoo._presets import preset_names, read_preset
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.panel_nets import PresetNet
from kerazoo.forecast.presets.forecaster import PresetForecaster
from kerazoo.forecast.presets.settings import check_forecaster

__all__ = [
    "FINE_TUNE_RATE",
    "PREFIX",
    "DefaultPreset",
    "check_preset",
    "default_preset",
    "preset_name",
    "preset_net",
    "preset_spec",
]

PREFIX = "preset:"
#: That which forecasts beside the statistics by default.
DEFAULT_PRESET = "forecast_small"
#: Training steps of the preset on at least so many series, from a rate of FINE_TUNE_RATE on: on the ends of the
#: training parts of M3's months, the MASE of the networks was .854 (.870 without, and .874 of three networks that are
#: trained from nothing in eight times the time).
FINE_TUNE_STEPS, FINE_TUNE_RATE, LEAST_SERIES = 300, 2e-3, 20
#: Losses of several series whose forecasts are medians or means, as those of a preset are.
BESIDE = (None, "bounded", "mae", "mse", "huber")
#: Parameters of the networks of one series, and their defaults. If another is given, networks are trained.
OF_NETWORKS: Mapping[str, Any] = {
    "model": None, "strategy": None, "loss": None, "lookback": None, "n_members": None, "epochs": 40,
    "steps_per_epoch": None, "batch_size": None, "learning_rate": None, "patience": 8, "min_gain": None,
}  # fmt: skip
#: Parameters that say how networks are made and trained, and their values with a preset, the default first.
MADE: Mapping[str, tuple[Any, ...]] = {
    "loss": (None, "quantiles"),
    "strategy": (None, "direct"),
    "lookback": (None,),
    "n_members": (None, 1),
    "embed_ids": (False,),
    "calendar": ("auto", (), []),
    "epochs": (40, 0),
    "steps_per_epoch": (None,),
    "batch_size": (None,),
    "learning_rate": (None,),
    "patience": (8,),
    "callbacks": ((), [], None),
}
#: Those of them that say how a preset is trained further.
TRAINED = ("batch_size", "learning_rate", "callbacks")


def preset_name(model: Any) -> str | None:
    """NAME of `"preset:NAME"`, None for other models.

    Raises:
        InvalidArgumentError: the name of a preset without `"preset:"`, or the forecaster of one.

    >>> preset_name("preset:forecast_small"), preset_name("lstm_1x32")
    ('forecast_small', None)
    """
    if isinstance(model, PresetForecaster):
        raise InvalidArgumentError(f"model is a PresetForecaster; expected its name: model='{PREFIX}NAME'.")
    if not isinstance(model, str):
        return None
    if model in preset_names():
        raise InvalidArgumentError(f"model={model!r} is a preset; expected model='{PREFIX}{model}'.")
    return model[len(PREFIX) :] if model.startswith(PREFIX) else None


def check_preset(name: str, parameters: Mapping[str, Any], panel: Panel) -> None:
    """Refuse what a network that is trained already does not know.

    Args:
        name: of the preset.
        parameters: those of the constructor of the forecaster.
        panel: the series to fit.

    Raises:
        InvalidArgumentError: an unknown preset, other parameters of networks or of a training, or inputs beside `X`.
    """
    check_forecaster(read_preset(name))
    given = f"model={PREFIX + name!r}"
    if parameters["transforms"] != "auto":
        raise InvalidArgumentError(f"{given} with given transforms; expected transforms='auto'.")
    if parameters["fine_tune"] and parameters["epochs"] == 0:
        raise InvalidArgumentError(
            f"{given} with fine_tune and epochs=0, which is statistics alone; expected one of them."
        )
    for parameter, allowed in MADE.items():
        if parameters["fine_tune"] and parameter in TRAINED:
            continue
        value = parameters[parameter]
        if (value.tolist() if isinstance(value, np.ndarray) else value) not in allowed:
            others = ", or 0 for statistics alone" if parameter == "epochs" else ""
            raise InvalidArgumentError(
                f"{given} with {parameter}={value!r}; expected the default, {allowed[0]!r}{others}: the network is "
                "trained. fine_tune=300 trains it 300 steps further."
            )
    inputs = [*panel.past_names, *panel.static_names, *panel.category_names]
    if inputs:
        raise InvalidArgumentError(
            f"{given} with X_past or static ({', '.join(map(str, inputs))}); expected none: the network knows the "
            "series alone. X has a linear effect."
        )


class DefaultPreset(NamedTuple):
    """How a preset is a part of the forecast by default.

    Attributes:
        name: of the preset, or None.
        alone: whether there are no other networks; else it stands beside others that are trained from nothing.
        fine_tune: steps that it is trained further, and then stands beside the result.
    """

    name: str | None
    alone: bool = False
    fine_tune: int = 0


def default_preset(parameters: Mapping[str, Any], panel: Panel, by_series: bool, seasonal: bool) -> DefaultPreset:
    """The preset of a forecaster whose model is not one.

    Networks of one series hardly ever help (docs/forecast.md) and take seconds, where a preset takes milliseconds. So
    they are trained only if the user says something about them. Networks of many series start from the preset, unless
    the user says something, or there are inputs that the preset does not see, or there is no season: then they start
    from nothing, and the preset stands beside them. (On the ends of the training parts of M3's months and quarters, the
    MASE of the mixture was 1 % lower with networks that start from the preset, and on its years 2 % higher.)

    Args:
        parameters: those of the constructor of the forecaster.
        panel: the series to fit.
        by_series: whether statistics and networks are those of several series.
        seasonal: whether the series have a season.
    """
    auto_calendar, auto_transforms = (
        isinstance(parameters[name], str) and parameters[name] == "auto" for name in ("calendar", "transforms")
    )
    callbacks = parameters["callbacks"]
    without_callbacks = callbacks is None or (isinstance(callbacks, list | tuple) and not callbacks)
    usual = auto_calendar and auto_transforms and without_callbacks
    usual = usual and not any(_is_given(parameters[name], default) for name, default in OF_NETWORKS.items())
    if not by_series:
        return DefaultPreset(DEFAULT_PRESET, alone=True) if usual else DefaultPreset(None)
    if parameters["model"] is not None or parameters["loss"] not in BESIDE or parameters["epochs"] == 0:
        return DefaultPreset(None)
    inputs = panel.covariate_names or panel.past_names or panel.static_names or panel.category_names
    if inputs or parameters["embed_ids"] or not usual:
        return DefaultPreset(DEFAULT_PRESET)
    if len(panel.series) < LEAST_SERIES:
        return DefaultPreset(DEFAULT_PRESET, alone=True)
    return DefaultPreset(DEFAULT_PRESET, seasonal, FINE_TUNE_STEPS if seasonal else 0)


def _is_given(value: Any, default: Any) -> bool:
    """Whether a parameter is another one than its default; arrays and the like always are."""
    return value is not default and not (isinstance(value, int | float | str) and value == default)


def preset_spec(name: str) -> NetSpec:
    """The spec of the network of a preset.

    >>> preset_spec("forecast_small").lookback
    16
    """
    return NetSpec(read_preset(name).spec)


def preset_net(name: str, periods: tuple[float, ...]) -> PresetNet:
    """The network of a preset, for series with these seasons.

    >>> preset_net("forecast_small", (12,)).horizon
    24
    """
    return PresetNet(read_preset(name), periods)
