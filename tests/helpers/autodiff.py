"""The gradient of a function of Keras variables, as each backend computes it."""

from __future__ import annotations

import keras
import numpy as np


def gradients(function, variables):
    """`function()` and its gradients with respect to Keras variables, as (float, list of NumPy arrays)."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = function()
        found = tape.gradient(value, [v.value for v in variables])
        found = [np.zeros(v.shape) if g is None else g for g, v in zip(found, variables, strict=True)]
    elif backend == "jax":
        import jax

        def of(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return function()

        value, found = jax.value_and_grad(of)([v.value for v in variables])
    else:
        for variable in variables:
            variable.value.grad = None
        value = function()
        value.backward()
        value = value.detach()
        found = [np.zeros(v.shape) if v.value.grad is None else v.value.grad for v in variables]
    return float(keras.ops.convert_to_numpy(value)), [keras.ops.convert_to_numpy(g) for g in found]
