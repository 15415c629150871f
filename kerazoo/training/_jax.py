"""JAX: many training steps as one compiled loop."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from kerazoo.training.looped import LoopedTrainFunctionBase

__all__ = ["LoopedTrainFunction", "build_optimizer"]


def build_optimizer(model: Any) -> None:
    """Build the optimizer of a built model with zeros from NumPy: JAX compiles a function per shape for its own."""
    optimizer = model.optimizer
    if optimizer.built or not model.built:
        return
    original = optimizer.add_variable

    def add_variable(shape: Any, initializer: Any = "zeros", dtype: Any = None, **kwargs: Any) -> Any:
        if initializer == "zeros" and dtype == "float32":
            initializer = _zeros
        return original(shape, initializer=initializer, dtype=dtype, **kwargs)

    try:
        vars(optimizer)["add_variable"] = add_variable
        optimizer.build(model.trainable_variables)
    finally:
        del vars(optimizer)["add_variable"]


def _zeros(shape: Any, dtype: Any = None) -> Any:
    return jax.device_put(np.zeros(shape, dtype))


class LoopedTrainFunction(LoopedTrainFunctionBase):
    """The compiled loop: see :class:`kerazoo.training.looped.LoopedTrainFunctionBase`."""

    def __init__(self, model: Any, count: int) -> None:
        super().__init__(model, count)
        plain = (keras.Model, keras.Sequential)
        self.logs_are_final = self.has_keras_step and type(model).test_step in [each.test_step for each in plain]
        self._steps = jax.jit(self._run_steps, donate_argnums=0)
        self._single = jax.jit(model.train_step, donate_argnums=0)

    def _run_steps(self, state: Any, data: Any, n: Any) -> Any:
        def one(i: Any, state: Any) -> Any:
            return self.model.train_step(state, keras.tree.map_structure(lambda leaf: leaf[i], data))

        # The number of steps is an argument, so that the last, shorter call needs no further compilation.
        if self.has_keras_step:
            state = jax.lax.fori_loop(0, n, lambda i, state: one(i, state)[1], state)
            metrics = list(zip(self.model.metrics_variables, state[3], strict=True))
            with keras.StatelessScope(state_mapping=metrics):
                return self.model.get_metrics_result(), state
        shapes, _ = jax.eval_shape(one, 0, state)
        logs = jax.tree.map(lambda leaf: jax.numpy.zeros(leaf.shape, leaf.dtype), shapes)
        return jax.lax.fori_loop(0, n, lambda i, carry: one(i, carry[1]), (logs, state))

    def _placed(self, batch: Any, stacked: bool) -> Any:
        """Arrays of one batch, or of several that are stacked, as the compiled step takes them."""
        return batch if stacked else keras.tree.map_structure(np.asarray, batch)

    def __call__(self, state: Any, iterator: Any) -> Any:
        logs: Any = {}
        for batches in self.reader.take(iterator, self.count):
            if batches.smaller:
                logs, state = self._single(state, self._placed(batches[0], False))
            else:
                logs, state = self._steps(state, self._placed(batches.stacked(self.count), True), len(batches))
        return logs, state
