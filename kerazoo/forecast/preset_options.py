"""`model="preset:NAME"` of a forecaster: what it allows, and the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo._presets import preset_names, read_preset
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.presets.forecaster import PresetForecaster
from kerazoo.forecast.presets.settings import check_forecaster

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets import GlobalNet

__all__ = ["PREFIX", "check_preset", "preset_name", "preset_net"]

PREFIX = "preset:"
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
    for parameter, allowed in MADE.items():
        value = parameters[parameter]
        if (value.tolist() if isinstance(value, np.ndarray) else value) not in allowed:
            others = ", or 0 for statistics alone" if parameter == "epochs" else ""
            raise InvalidArgumentError(
                f"{given} with {parameter}={value!r}; expected the default, {allowed[0]!r}{others}: the network is "
                "trained."
            )
    inputs = [*panel.past_names, *panel.static_names, *panel.category_names]
    if inputs:
        raise InvalidArgumentError(
            f"{given} with X_past or static ({', '.join(map(str, inputs))}); expected none: the network knows the "
            "series alone. X has a linear effect."
        )


def preset_net(name: str, periods: tuple[float, ...]) -> GlobalNet:
    """The network of a preset, for series with these seasons.

    >>> preset_net("forecast_small", (12,)).horizon
    24
    """
    from kerazoo.forecast.global_nets import GlobalNet
    from kerazoo.zoo.spec import RNNSpec

    found = read_preset(name)
    return GlobalNet(
        RNNSpec.from_dict(found.spec),
        periods if len(periods) > 1 else periods[0],
        "quantiles",
        tuple(found.settings["levels"]),
        (tuple(found.weights),),
        np.array(found.settings["limits"]),
        (int(found.card.get("steps", 0)),),
        (float(found.card.get("loss", math.nan)),),
        recency=found.settings["recency"],
        any_scale=True,
    )
