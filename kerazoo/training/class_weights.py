"""`with_sample_weight`: class weights as sample weights, one for each target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError

__all__ = ["with_sample_weight"]


def with_sample_weight(model: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `keras.Model.fit` in which sample weights take the place of `class_weight`, if `y` is an array.

    Keras would take ids of classes (B, T), one for every step, for vectors of T probabilities, and weigh whole
    sequences by the largest of them, silently.

    Args:
        model: a compiled Keras model.
        arguments: of `keras.Model.fit`: at least `x`.

    Returns:
        The arguments, unchanged without `class_weight` or if `y` is None and Keras weighs the batches correctly.

    Raises:
        InvalidArgumentError: sample weights are given, too; the targets are no classes; or `y` is None, and the model
            has an output for every step.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "softmax")])
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> arguments = {"x": np.zeros((3, 1)), "y": np.array([0, 1, 1]), "class_weight": {1: 2.0}}
    >>> with_sample_weight(model, arguments)["sample_weight"]
    array([1., 2., 2.], dtype=float32)
    """
    weights = arguments.get("class_weight")
    if weights is None:
        return arguments
    if not isinstance(weights, Mapping):
        raise InvalidArgumentError(
            f"class_weight={weights!r}; expected a dict from class to weight, such as {{0: 1.0}}."
        )
    if arguments.get("sample_weight") is not None:
        raise InvalidArgumentError("class_weight and sample_weight are both given; expected one of them.")
    y = arguments.get("y")
    if y is None:
        shape = getattr(model, "output_shape", None)
        if isinstance(shape, tuple) and len(shape) > 2:
            raise InvalidArgumentError(
                "class_weight with targets for every step in batches; expected y as an array, or batches (x, y, "
                "sample_weight) with a weight for each target."
            )
        return arguments
    if not hasattr(y, "__array__"):
        return arguments  # several outputs, which Keras refuses
    arguments = _without_split(arguments)
    y = np.asarray(arguments["y"])
    classes = _classes_of(model, y)
    found = np.ones(classes.shape, "float32")
    for each, weight in weights.items():
        found[classes == each] = weight
    return {**{name: value for name, value in arguments.items() if name != "class_weight"}, "sample_weight": found}


def _without_split(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments with the data that `validation_split` takes away: class weights do not hold for them."""
    split = arguments.get("validation_split")
    leaves = keras.tree.flatten(arguments["x"])
    if not split or arguments.get("validation_data") is not None or not all(hasattr(leaf, "shape") for leaf in leaves):
        return arguments
    at = math.floor(len(arguments["y"]) * (1.0 - split))  # as Keras does
    before, after = (
        tuple(keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], arguments[name]) for name in ("x", "y"))
        for rows in (slice(None, at), slice(at, None))
    )
    return {**arguments, "x": before[0], "y": before[1], "validation_data": after, "validation_split": 0.0}


def _classes_of(model: Any, y: NDArray[Any]) -> NDArray[Any]:
    """The class of each target: without the axis of a single value or of one probability per class."""
    loss = getattr(model, "_compile_loss", None)
    user = getattr(loss, "_user_loss", None)
    name = user if isinstance(user, str) else getattr(getattr(user, "fn", user), "__name__", type(user).__name__)
    shape = getattr(model, "output_shape", None)
    wide = isinstance(shape, tuple) and y.ndim == len(shape) and y.shape[-1] == shape[-1] > 1
    if wide and "sparse" not in str(name).lower():
        return np.argmax(y, axis=-1)
    if isinstance(shape, tuple) and y.ndim == len(shape) and y.shape[-1] == 1:
        y = y[..., 0]
    if not np.array_equal(y, np.round(y)):
        raise InvalidArgumentError(
            "class_weight with targets of floats; expected classes 0, 1, ..., or one-hot vectors. Use sample_weight."
        )
    return y
