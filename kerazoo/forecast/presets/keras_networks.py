"""The networks of a preset as those of a panel: for Keras, which computes any layers and trains them further."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kerazoo._presets import PresetFile
from kerazoo.forecast.global_nets import GlobalNet
from kerazoo.zoo import RNNSpec

__all__ = ["global_net_of"]


def global_net_of(preset: PresetFile, periods: Sequence[float] = (1,)) -> GlobalNet:
    """The networks of a preset.

    Args:
        preset: of a forecaster.
        periods: steps of the seasons of the series that they are for.

    >>> from kerazoo._presets import read_preset
    >>> global_net_of(read_preset("forecast_small"), (12,)).lookback
    64
    """
    settings, members = preset.settings, preset.members()
    return GlobalNet(
        RNNSpec.from_dict(preset.spec),
        tuple(periods) if len(periods) > 1 else periods[0],
        "quantiles",
        tuple(float(level) for level in settings["levels"]),
        tuple(tuple(each) for each in members),
        np.array(settings["limits"], np.float64),
        (int(preset.card.get("steps", 0)),) * len(members),
        (float(preset.card.get("loss") or math.nan),) * len(members),
        recency=float(settings["recency"]),
        any_scale=True,
        patch=int(settings.get("patch", 1)),
    )
