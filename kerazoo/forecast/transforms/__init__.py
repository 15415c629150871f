"""Reversible transforms of one series; importing this package registers all of them."""

from __future__ import annotations

from kerazoo.forecast.transforms.autoregression import Autoregression
from kerazoo.forecast.transforms.base import (
    BoxCox,
    Chain,
    Detrend,
    Difference,
    Log,
    MinMaxScale,
    PerDay,
    StandardScale,
    Transform,
    check_length,
    list_transforms,
    register_transform,
    transform_from_config,
)
from kerazoo.forecast.transforms.smoothing import ExponentialSmoothing

__all__ = [
    "Autoregression",
    "BoxCox",
    "Chain",
    "Detrend",
    "Difference",
    "ExponentialSmoothing",
    "Log",
    "MinMaxScale",
    "PerDay",
    "StandardScale",
    "Transform",
    "check_length",
    "list_transforms",
    "register_transform",
    "transform_from_config",
]
