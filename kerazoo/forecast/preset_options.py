"""`model="preset:NAME"` of a forecaster: what it allows, and the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerazoo._presets import preset_names, read_preset
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.panel_nets import PresetNet
from kerazoo.forecast.presets.forecaster import PresetForecaster
from kerazoo.forecast.presets.settings import check_forecaster

__all__ = ["PREFIX", "check_preset", "preset_name", "preset_net", "preset_spec"]

PREFIX = "preset:"
#: That which forecasts beside the statistics by default.
DEFAULT_PRESET = "forecast_small"
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


def preset_beside(parameters: Mapping[str, Any], by_series: bool) -> str | None:
    """The preset that forecasts beside the others by default, or None.

    Networks of one series hardly ever help (docs/forecast.md) and take seconds, where a preset takes milliseconds. So
    they are trained only if the user says something about them.

    Args:
        parameters: those of the constructor of the forecaster.
        by_series: whether statistics and networks are those of several series.

    >>> parameters = OF_NETWORKS | {"calendar": "auto", "callbacks": (), "transforms": "auto"}
    >>> preset_beside(parameters, False), preset_beside(parameters | {"model": "gru_1x8"}, False)
    ('forecast_small', None)
    """
    if by_series:
        own = parameters["model"] is not None or parameters["loss"] not in BESIDE or parameters["epochs"] == 0
    else:
        calendar, callbacks = parameters["calendar"], parameters["callbacks"]
        own = (
            any(parameters[name] != default for name, default in OF_NETWORKS.items())
            or not (isinstance(calendar, str) and calendar == "auto")
            or not (callbacks is None or (isinstance(callbacks, list | tuple) and not callbacks))
            or not (isinstance(parameters["transforms"], str) and parameters["transforms"] == "auto")
        )
    return None if own else DEFAULT_PRESET


def preset_spec(name: str) -> NetSpec:
    """The spec of the network of a preset.

    >>> preset_spec("forecast_small").lookback
    64
    """
    return NetSpec(read_preset(name).spec)


def preset_net(name: str, periods: tuple[float, ...]) -> PresetNet:
    """The network of a preset, for series with these seasons.

    >>> preset_net("forecast_small", (12,)).horizon
    24
    """
    return PresetNet(read_preset(name), periods)
