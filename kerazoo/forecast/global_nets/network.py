"""The Keras model around a zoo model: scaled windows in, numbers of a loss for each step of the horizon out."""

from __future__ import annotations

from typing import Any

import keras

from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import RNNSpec, build
from kerazoo_ext import _panel_windows

__all__ = ["make_network", "network_spec"]


def network_spec(model: RNNSpec | str, lookback: int, horizon: int, n_outputs: int) -> RNNSpec:
    """The spec of a zoo model for windows of a panel.

    Args:
        model: a name or spec, for its layers. Features, lookback, horizon, outputs and `returns` are set here.
        lookback: L, steps of a window.
        horizon: H, steps to predict.
        n_outputs: numbers of the loss for each step.

    Raises:
        InvalidArgumentError: a model of words or classes, with several heads, states, static features, time stamps or
            a mask of its own.

    >>> network_spec("gru_2x64_residual", 36, 18, 1).name
    'gru_2x64_residual_seq2one_f3_h18_t36'
    """
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
    return spec.replace(
        features=_panel_windows.FEATURES, lookback=lookback, horizon=horizon, outputs=n_outputs, returns="last"
    )


def make_network(spec: RNNSpec, seed: int | None = None) -> Any:
    """A functional model (B, L, 3) -> (B, H, O), not compiled.

    The zoo model is one of its layers: as the model itself it would refuse targets that hold weights and units.

    >>> tuple(make_network(network_spec("gru_1x8", 12, 1, 2), seed=1).output_shape)
    (None, 1, 2)
    """
    inner = build(spec, seed=seed, name="zoo")
    inputs = keras.Input((spec.lookback, spec.features), name="windows")
    outputs = keras.layers.Reshape((spec.horizon, spec.outputs), name="steps")(inner(inputs))
    return keras.Model(inputs, outputs, name="global_net")
