"""Forecasts of time series: `Forecaster`, transforms and their selection, pandas in and out, calendar features."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.forecast.forecaster import Forecaster
    from kerazoo.forecast.groups.frames import FrameSchema, forecast_frame, forecast_schema
    from kerazoo.forecast.groups.results import GroupResults

__all__ = ["Forecaster", "FrameSchema", "GroupResults", "forecast_frame", "forecast_schema"]

_MODULES = ("generators", "presets", "statistics", "transforms")
_HOMES = {
    "Forecaster": "forecaster", "FrameSchema": "groups.frames", "GroupResults": "groups.results",
    "forecast_frame": "groups.frames", "forecast_schema": "groups.frames",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # On first use: transforms and metrics do not need scikit-learn.
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__) | set(_MODULES))
