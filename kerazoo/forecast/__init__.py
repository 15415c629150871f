"""Forecasts of time series: `Forecaster`, transforms and their selection, pandas in and out, calendar features."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.forecast.forecaster import Forecaster

__all__ = ["Forecaster"]

_MODULES = ("generators", "presets", "statistics", "transforms")


def __getattr__(name: str) -> Any:
    # On first use: transforms and metrics do not need scikit-learn.
    if name == "Forecaster":
        value = importlib.import_module("kerazoo.forecast.forecaster").Forecaster
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__) | set(_MODULES))
