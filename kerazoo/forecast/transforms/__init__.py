"""Reversible transforms of one series; importing this package registers all of them."""

from __future__ import annotations

from kerazoo.forecast.transforms.autoregression import Autoregression
from kerazoo.forecast.transforms.base import Index, Tail, Transform, Values, check_length
from kerazoo.forecast.transforms.chain import Chain
from kerazoo.forecast.transforms.detrend import Detrend
from kerazoo.forecast.transforms.difference import Difference
from kerazoo.forecast.transforms.per_day import PerDay
from kerazoo.forecast.transforms.power import BoxCox, Log
from kerazoo.forecast.transforms.registry import list_transforms, register_transform, transform_from_config
from kerazoo.forecast.transforms.scaling import MinMaxScale, StandardScale
from kerazoo.forecast.transforms.smoothing import ExponentialSmoothing

__all__ = [
    "Autoregression",
    "BoxCox",
    "Chain",
    "Detrend",
    "Difference",
    "ExponentialSmoothing",
    "Index",
    "Log",
    "MinMaxScale",
    "PerDay",
    "StandardScale",
    "Tail",
    "Transform",
    "Values",
    "check_length",
    "list_transforms",
    "register_transform",
    "transform_from_config",
]
