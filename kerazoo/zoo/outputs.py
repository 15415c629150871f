"""The heads of a spec as layers, and what the outputs of a model are, told from its layers."""

from __future__ import annotations

from typing import Any

import keras

from kerazoo.zoo.head_spec import HeadSpec
from kerazoo.zoo.heads import SampledHead, SplitHorizon
from kerazoo.zoo.kinds import CLASSES, VALUES, WORDS, layer_name
from kerazoo.zoo.spec import RNNSpec

__all__ = ["head_layers", "heads_of"]


def heads_of(
    spec: RNNSpec, negative: int = 64, noise_probabilities: Any = None, seed: int | None = None
) -> dict[str | None, list[keras.layers.Layer]]:
    """The layers after the last recurrent layer: name of the output -> layers; the name is None for a single one.

    >>> [layer.name for layer in heads_of(RNNSpec.from_name("gru_1x4_classes3"))[None]]
    ['classes']
    """
    if spec.heads is not None:
        return {name: head_layers(head, name) for name, head in spec.heads.items()}
    if spec.head == "none":
        return {None: []}
    if spec.head in ("nce", "sampled_softmax"):
        assert spec.vocabulary is not None
        sampled = SampledHead(
            spec.vocabulary,
            loss=spec.head,
            negative=negative,
            noise_probabilities=noise_probabilities,
            seed=seed,
            name=layer_name(VALUES),
        )
        return {None: [sampled]}
    if spec.head == "softmax":
        return {None: [keras.layers.Dense(spec.vocabulary, name=layer_name(WORDS))]}
    return {None: head_layers(HeadSpec(spec.outputs, spec.classes, spec.output_activation, spec.horizon))}


def head_layers(head: HeadSpec, name: str | None = None) -> list[keras.layers.Layer]:
    """The layers of a head: a dense layer, and one that splits the horizon off if there is one.

    Probabilities are computed in the dtype of the weights, since half precision has none below 6e-8.
    """
    if head.classes is not None:
        policy = keras.config.dtype_policy()
        made = keras.layers.Dense(
            head.classes, activation="softmax", dtype=policy.variable_dtype, name=layer_name(CLASSES, name)
        )
        return [made]
    values = keras.layers.Dense(head.outputs * head.horizon, activation=head.activation, name=layer_name(VALUES, name))
    layers: list[keras.layers.Layer] = [values]
    if head.horizon > 1:
        layers.append(SplitHorizon(head.horizon, head.outputs, name="horizon" if name is None else f"horizon_{name}"))
    return layers
