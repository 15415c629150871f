"""Networks that are trained already, and forecast series which they have never seen; and how they are trained.

>>> import numpy as np
>>> forecaster = load_forecaster("forecast_small")
>>> forecaster.forecast([np.arange(40.0)], horizon=3).shape
(1, 3)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kerazoo._presets import PresetFile, list_presets, write_preset
from kerazoo.forecast.presets.forecaster import PresetForecaster, load_forecaster

if TYPE_CHECKING:
    from kerazoo.forecast.presets.pretraining import pretrain

__all__ = ["PresetFile", "PresetForecaster", "list_presets", "load_forecaster", "pretrain", "write_preset"]


def __getattr__(name: str) -> Any:
    # On first use: forecasts need no Keras.
    if name == "pretrain":
        value = importlib.import_module("kerazoo.forecast.presets.pretraining").pretrain
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
