"""`why_not_stepwise`: whether the layers of a model can be called step by step, with the states of its cells."""

from __future__ import annotations

from typing import Any

import keras

from kerazoo.zoo.heads import DropTimeStamp, SampledHead, SplitHorizon
from kerazoo.zoo.inputs import SequenceInput
from kerazoo.zoo.padding import PaddingMask

__all__ = ["layers_of", "why_not_stepwise"]

# Layers that treat each step independently, so that they can be called with one step as a sequence of length 1.
_STEPWISE = (
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.Embedding,
    keras.layers.LayerNormalization,
    keras.layers.Rescaling,
    DropTimeStamp,
    PaddingMask,  # a context has no padded steps: those of shorter contexts are masked by the loop
    SampledHead,
    SequenceInput,
    SplitHorizon,
)


def layers_of(model: Any) -> list[Any]:
    """The layers of a chain in their order, without its input."""
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def why_not_stepwise(model: Any) -> str:
    """Why the model needs whole sequences, or "".

    A model is called step by step if it is a chain of layers that treat steps independently, and of recurrent layers.
    What a class or a function of the user does with the steps is unknown.

    Args:
        model: a built Functional or Sequential model.
    """
    for layer in layers_of(model):
        name = f"{type(layer).__name__} {layer.name!r}"
        if not isinstance(layer, (*_STEPWISE, keras.layers.RNN)) or getattr(layer, "go_backwards", False):
            return f"{name} needs the whole sequence"
        if type(layer).__module__.partition(".")[0] not in ("keras", "kerazoo"):
            return f"{name} may need the whole sequence"
        if isinstance(layer, keras.layers.LayerNormalization) and not _normalises_features(layer):
            return f"{name} normalises other axes than the features"
        activation = getattr(layer, "activation", None)
        if activation is not None and not _is_keras_activation(activation) and not isinstance(layer, keras.layers.RNN):
            return f"the activation of {name} may need the whole sequence"
    return (
        "" if _is_chain(model) else "its layers are not a chain in which each is called once, without other operations"
    )


def _normalises_features(layer: Any) -> bool:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return all(axis in (-1, 2) for axis in axes)  # of (B, T, F)


def _is_keras_activation(activation: Any) -> bool:
    if isinstance(activation, keras.layers.Layer):
        return type(activation).__module__.partition(".")[0] == "keras"
    return getattr(activation, "__module__", "").partition(".")[0] == "keras"


def _is_chain(model: Any) -> bool:
    """Whether each layer of a functional model is called once, with the output of the one before."""
    if isinstance(model, keras.Sequential):
        return True
    padded = any(isinstance(layer, PaddingMask) or getattr(layer, "mask_zero", False) for layer in model.layers)
    nodes: dict[int, list[Any]] = {}  # of this model: its layers may also be in others
    for node in (each for same_depth in model._nodes_by_depth.values() for each in same_depth):
        nodes.setdefault(id(node.operation), []).append(node)
    before = {each._keras_history.operation for each in model.outputs}
    found = 0
    while len(before) == 1:
        (operation,) = before
        if not isinstance(operation, keras.layers.Layer) or len(nodes[id(operation)]) != 1:
            return False
        found += 1
        (node,) = nodes[id(operation)]
        arguments = node.arguments.kwargs
        # The masks of padding are computed by operations. The loop knows these masks, and no others.
        masks = keras.tree.flatten(arguments["mask"]) if padded and "mask" in arguments else []
        sources = [each for each in node.input_tensors if not any(each is mask for mask in masks)]
        before = {each._keras_history.operation for each in sources}
    return not before and found == len(model.layers)
