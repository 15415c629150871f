"""Trained models by name: `load_preset`."""

from __future__ import annotations

import os
from typing import Any

import keras

from kerazoo._presets import list_presets, read_preset
from kerazoo.zoo.builders import build
from kerazoo.zoo.spec import RNNSpec

__all__ = ["list_presets", "load_preset"]


def load_preset(name: str | os.PathLike[str]) -> Any:
    """A trained model of the zoo.

    That of a forecaster reads scaled windows, as :mod:`kerazoo.forecast.global_nets.windows` makes them, and may take
    several steps as one. Its scales and seasons are in :func:`kerazoo.forecast.presets.load_forecaster`, which
    needs no Keras.

    Args:
        name: one of :func:`list_presets`, or the path of a file of a preset.

    Returns:
        A Keras model of :func:`kerazoo.zoo.build` with its weights, not compiled; the mean of several, where the preset
        has several networks.

    Raises:
        InvalidArgumentError: an unknown name.
        StorageError: the file is missing or damaged.

    >>> model = load_preset("forecast_small")
    >>> tuple(model.input_shape)
    (None, 16, 12)
    """
    found = read_preset(name)
    spec, members = RNNSpec.from_dict(found.spec), []
    for number, weights in enumerate(found.members()):
        members.append(build(spec, seed=0, name=f"member_{number}"))
        members[-1].set_weights(weights)
    if len(members) == 1:
        return members[0]
    inputs = keras.Input(members[0].input_shape[1:])
    return keras.Model(inputs, keras.layers.Average()([each(inputs) for each in members]), name="members")
