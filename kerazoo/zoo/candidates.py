"""Candidates of a search or a comparison: a spec, built with a seed and compiled, and a check of what it reads."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerazoo.zoo.builders import build
from kerazoo.zoo.compile_defaults import compile_defaults
from kerazoo.zoo.spec import RNNSpec

__all__ = ["compiled_candidate", "shown_name", "why_too_easy"]


def compiled_candidate(
    spec: RNNSpec,
    *,
    seed: int | None = None,
    learning_rate: float = 1e-3,
    loss: Any = None,
    metrics: Any = None,
) -> keras.Model:
    """A model of `spec`, compiled with the optimizer of :func:`kerazoo.zoo.compile_defaults`.

    Args:
        spec: of the candidate.
        seed: int or None, of weights and dropout.
        learning_rate: float > 0.
        loss: as in `keras.Model.compile`; None: that of `compile_defaults`.
        metrics: as in `keras.Model.compile`.

    >>> type(compiled_candidate(RNNSpec.from_name("gru_1x8"), seed=1).loss).__name__
    'MeanSquaredError'
    """
    model = build(spec, seed=seed)
    defaults = compile_defaults(model, learning_rate)
    model.compile(defaults["optimizer"], defaults.get("loss") if loss is None else loss, metrics=metrics)
    return model


def shown_name(spec: RNNSpec) -> str:
    """The name of a spec, or its JSON where no name can express it.

    >>> shown_name(RNNSpec.from_name("gru_2x8"))
    'gru_2x8'
    """
    try:
        return spec.name
    except ValueError:
        return spec.to_json()


def why_too_easy(spec: RNNSpec, x: Any, y: Any) -> str:
    """Why a model can read its targets from its inputs, or "".

    A bidirectional layer reads the whole sequence. If the target of a step is the input of the next one, it only has
    to copy that input, and its loss says nothing about forecasts.

    Args:
        spec: of the model.
        x: inputs, array (B, T, ...) or anything else, which is not examined.
        y: targets, array (B, T, ...) or anything else.

    >>> x = np.arange(12.0).reshape(2, 6, 1)
    >>> why_too_easy(RNNSpec.from_name("bigru_1x8"), x[:, :-1], x[:, 1:]).split(",")[0]
    'a bidirectional layer reads later steps'
    >>> why_too_easy(RNNSpec.from_name("gru_1x8"), x[:, :-1], x[:, 1:])
    ''
    """
    if spec.returns != "sequence" or not any(layer.bidirectional for layer in spec.layers):
        return ""
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray) or min(x.ndim, y.ndim) < 2:
        return ""
    x, y = x[:64], y[:64]  # enough to see it
    if spec.horizon > 1 and y.ndim > 2:
        y = y[:, :, 0]
    x, y = (np.reshape(each, (*each.shape[:2], -1)) for each in (x, y))
    if x.shape[:2] != y.shape[:2] or x.shape[1] < 2 or not (x[:, 1:, : y.shape[2]] == y[:, :-1, : x.shape[2]]).all():
        return ""
    return (
        "a bidirectional layer reads later steps, and the target of a step is the input of the next one; the model "
        "only has to copy it. Use seq2one, or no bidirectional layers."
    )
