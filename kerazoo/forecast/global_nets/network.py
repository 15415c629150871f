"""The Keras model around a zoo model: windows and further inputs in, numbers of a loss for each step ahead out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerazoo._runtime.names import numbered_anew
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.inputs import InputCoder
from kerazoo.zoo import RNNSpec, build
from kerazoo_ext import _panel_windows

__all__ = ["embedding_width", "make_network", "network_spec"]

#: Standard deviation of the initial embeddings.
SPREAD = 0.1


def network_spec(
    model: RNNSpec | str, lookback: int, horizon: int, n_outputs: int, coder: InputCoder | None = None, patch: int = 1
) -> RNNSpec:
    """The spec of a zoo model for windows of a panel.

    Args:
        model: a name or spec, for its layers. Features, lookback, horizon, outputs and `returns` are set here.
        lookback: L, steps of a window.
        horizon: H, steps to predict.
        n_outputs: numbers of the loss for each step.
        coder: of further inputs. Covariates are features of the steps; static numbers, the known covariates of the
            steps ahead and embeddings are static features.
        patch: P >= 1, steps of a window that the network reads as one, with P times the features: it has 1 / P as many
            steps to compute (Nie et al. 2023, arXiv:2211.14730, section 3.1).

    Raises:
        InvalidArgumentError: a lookback that is not a multiple of the patch; or a model of words or classes, with
            several heads, states, static features, time stamps or a mask of its own.

    >>> network_spec("gru_2x64_residual", 36, 18, 1).name
    'gru_2x64_residual_seq2one_f3_h18_t36'
    >>> network_spec("gru_2x64_residual", 36, 18, 1, patch=4).name
    'gru_2x64_residual_seq2one_f12_h18_t9'
    """
    if lookback % check_int("patch", patch):
        raise InvalidArgumentError(f"lookback={lookback} with patch={patch}; expected a multiple of it.")
    spec = RNNSpec.from_name(model) if isinstance(model, str) else model
    if not isinstance(spec, RNNSpec):
        raise InvalidArgumentError(f"model={model!r}; expected a name such as 'gru_2x64_residual', or an RNNSpec.")
    wrong = [
        name
        for name in ("vocabulary", "classes", "heads", "static", "return_states", "timestamps", "masked")
        if getattr(spec, name)
    ]
    if spec.head != "dense" or spec.output_activation:
        wrong.append("head" if spec.head != "dense" else "output_activation")
    if wrong:
        raise InvalidArgumentError(
            f"model={spec.name!r} has {', '.join(wrong)}; expected layers only, such as 'gru_2x64_residual'."
        )
    coder = coder or InputCoder()
    return spec.replace(
        features=patch * (_panel_windows.FEATURES + coder.n_columns),
        static=coder.n_numbers(horizon) + sum(map(embedding_width, coder.categories)),
        lookback=lookback // patch,
        horizon=horizon,
        outputs=n_outputs,
        returns="last",
    )


def embedding_width(n_values: int) -> int:
    """Numbers of an embedding of n categories: the square root, from 2 to 32.

    >>> [embedding_width(n) for n in (2, 10, 5000)]
    [2, 4, 32]
    """
    return min(32, max(2, math.ceil(math.sqrt(n_values))))


@numbered_anew()
def make_network(spec: RNNSpec, seed: int | None = None, categories: Sequence[int] = (), patch: int = 1) -> Any:
    """A functional model (B, L, 3 + P + K) -> (B, H, O), not compiled.

    Its inputs are those of :meth:`kerazoo.forecast.global_nets.inputs.CodedInputs.join`. The zoo model is one of its
    layers: as the model itself it would refuse targets that hold weights and units.

    Args:
        spec: of :func:`network_spec`.
        seed: of the initial weights, or None.
        categories: values of each column of categories.
        patch: steps that the zoo model reads as one.

    >>> tuple(make_network(network_spec("gru_1x8", 12, 1, 2), seed=1).output_shape)
    (None, 1, 2)
    """
    inner = build(spec, seed=seed, name="zoo")
    inputs = [keras.Input((patch * (spec.lookback or 1), spec.features // patch), name="windows")]
    windows = inputs[0]
    if patch > 1:
        windows = keras.layers.Reshape((spec.lookback, spec.features), name="patches")(windows)
    static: list[Any] = []
    n_numbers = spec.static - sum(map(embedding_width, categories))
    if n_numbers:
        inputs.append(keras.Input((n_numbers,), name="numbers"))
        static.append(inputs[-1])
    if categories:
        inputs.append(keras.Input((len(categories),), dtype="int32", name="categories"))
        static += [_embedded(inputs[-1], column, n, seed) for column, n in enumerate(categories)]
    joined = keras.layers.Concatenate(name="static")(static) if len(static) > 1 else (static or [None])[0]
    found = inner(windows if joined is None else [windows, joined])
    outputs = keras.layers.Reshape((spec.horizon, spec.outputs), name="steps")(found)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name="global_net")


def _embedded(codes: Any, column: int, n_values: int, seed: int | None) -> Any:
    """The embeddings (B, width) of one column of codes."""
    layer = keras.layers.Embedding(n_values + 1, embedding_width(n_values), name=f"category_{column}")
    found = layer(codes[:, column])
    # Drawn by NumPy, as the weights of the zoo: the same seed gives the same ones on every backend.
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(column,)))
    layer.embeddings.assign(rng.normal(0.0, SPREAD, layer.embeddings.shape).astype(np.float32))
    return found
