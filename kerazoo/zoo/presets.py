"""Trained models by name: `load_preset`."""

from __future__ import annotations

import os
from typing import Any

from kerazoo._presets import list_presets, read_preset
from kerazoo.zoo.builders import build
from kerazoo.zoo.spec import RNNSpec

__all__ = ["list_presets", "load_preset"]


def load_preset(name: str | os.PathLike[str]) -> Any:
    """A trained model of the zoo.

    That of a forecaster reads scaled windows, as :mod:`kerazoo.forecast.global_nets.windows` makes them. Its scales and
    seasons are in :func:`kerazoo.forecast.presets.load_forecaster`, which needs no Keras.

    Args:
        name: one of :func:`list_presets`, or the path of a file of a preset.

    Returns:
        A Keras model of :func:`kerazoo.zoo.build` with its weights, not compiled.

    Raises:
        InvalidArgumentError: an unknown name.
        StorageError: the file is missing or damaged.

    >>> model = load_preset("forecast_small")
    >>> tuple(model.input_shape)
    (None, 64, 3)
    """
    found = read_preset(name)
    model = build(RNNSpec.from_dict(found.spec), seed=0)
    model.set_weights(found.weights)
    return model
