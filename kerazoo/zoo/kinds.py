"""What an output of a zoo model is, by the name of its dense layer: clones, configurations and files keep names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras

__all__ = ["CLASSES", "VALUES", "WORDS", "kinds_of", "layer_name", "symbolic_outputs"]

VALUES = "head"  #: values, or a head that is trained against noise words
CLASSES = "classes"  #: a probability for each class
WORDS = "words"  #: a logit for each word


def layer_name(kind: str, output: str | None = None) -> str:
    """The name of the last dense layer of an output; `output` is its name in a model with several.

    >>> layer_name(VALUES), layer_name(CLASSES, "rises")
    ('head', 'classes_rises')
    """
    return kind if output is None else f"{kind}_{output}"


def kinds_of(layers: Iterable[Any], outputs: Mapping[str, Any] | None = None) -> dict[str | None, tuple[str, Any]]:
    """The kind of every output, and its dense layer.

    Args:
        layers: the layers of a model.
        outputs: name -> anything, of the outputs of a model with several, else None.

    Returns:
        Name of the output, None for a single one -> (kind, layer). An output without a layer of the zoo's is missing.

    >>> from kerazoo import zoo
    >>> {name: kind for name, (kind, _) in kinds_of(zoo.build("gru_1x4_classes3").layers).items()}
    {None: 'classes'}
    """
    by_name = {layer.name: layer for layer in layers}
    found: dict[str | None, tuple[str, Any]] = {}
    for output in [None] if outputs is None else list(outputs):
        for kind in (VALUES, CLASSES, WORDS):
            if layer_name(kind, output) in by_name:
                found[output] = kind, by_name[layer_name(kind, output)]
    return found


def symbolic_outputs(model: Any) -> Any:
    """The symbolic outputs of a model: a tensor, a list or a dict; None for a Sequential model that is not built.

    >>> from kerazoo import zoo
    >>> tuple(symbolic_outputs(zoo.build("gru_1x4_seq2one")).shape)
    (None, 1)
    """
    if isinstance(model, keras.Sequential):
        return model.outputs[0] if model.built and model.outputs else None
    return model.output
