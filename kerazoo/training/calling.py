"""`compiled`: a model as a compiled function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from kerazoo._runtime.model_cache import model_cache

__all__ = ["compiled"]


def compiled(model: keras.Model) -> Callable[[Any], Any]:
    """A function that returns ``model(x, training=False)``, compiled once for each shape of `x`.

    It is a `tf.function` on TensorFlow, a function under `jit` on JAX, and a CUDA graph on torch with a CUDA device. On
    torch without one, for a model that cannot be captured, and on NumPy, it runs without compilation and gradients. The
    next call uses weights that were trained, set or loaded in the meantime.

    Args:
        model: a built Keras model.

    Returns:
        A function of `x`, an array or a tensor, or a tree of them; it returns tensors of the backend. The same model
        always gives the same function.

    >>> import numpy as np
    >>> from kerazoo import zoo
    >>> model = zoo.build("gru_1x4", seed=1)
    >>> x = np.ones((2, 5, 1), "float32")
    >>> np.allclose(compiled(model)(x), model(x), atol=1e-6)
    True
    """
    cache = model_cache(model, "compiled")
    if "call" not in cache:
        cache["call"] = _MAKERS.get(keras.backend.backend(), _for_others)(model)
    function: Callable[[Any], Any] = cache["call"]
    return function


def _for_tensorflow(model: Any) -> Callable[[Any], Any]:
    import tensorflow as tf

    arguments = _arguments(model)
    traced = tf.function(lambda x: model(x, **arguments), autograph=False)

    def call(x: Any) -> Any:
        tensors = keras.tree.map_structure(tf.convert_to_tensor, x)
        # The concrete function is requested here, because TensorFlow treats functions of the same code as one function:
        # it counts how often it is traced and warns of retracing at the fifth model.
        return traced.get_concrete_function(tensors)(tensors)

    return call


def _for_jax(model: Any) -> Callable[[Any], Any]:
    import jax

    arguments = _arguments(model)

    @jax.jit
    def traced(trainable: Any, others: Any, x: Any) -> Any:
        return model.stateless_call(trainable, others, x, **arguments)[0]

    def call(x: Any) -> Any:
        return traced(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in model.non_trainable_variables],
            x,
        )

    return call


def _for_torch(model: Any) -> Callable[[Any], Any]:
    from kerazoo.training._torch import CapturedPrediction

    return CapturedPrediction(model, _arguments(model))


def _for_others(model: Any) -> Callable[[Any], Any]:
    """Keras's NumPy backend, which predicts, and does not train."""
    arguments = _arguments(model)
    return lambda x: model(x, **arguments)


def _arguments(model: Any) -> dict[str, Any]:
    return {"training": False} if "training" in inspect.signature(model.call).parameters else {}


_MAKERS = {"tensorflow": _for_tensorflow, "jax": _for_jax, "torch": _for_torch}
