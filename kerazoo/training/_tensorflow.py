"""TensorFlow: many training steps as one XLA loop."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from kerazoo.training.looped import LoopedTrainFunctionBase

__all__ = ["LoopedTrainFunction", "placeholder_dataset"]


def placeholder_dataset(example: Any, n: int) -> tf.data.Dataset:
    """`n` times the same batch: Keras's `fit` counts its steps; the values are never used."""
    return tf.data.Dataset.from_tensors(example).repeat(n)


class LoopedTrainFunction(LoopedTrainFunctionBase):
    """The compiled loop: see :class:`kerazoo.training.looped.LoopedTrainFunctionBase`."""

    def __init__(self, model: Any, count: int) -> None:
        super().__init__(model, count)
        # Without autograph, as in Keras's own step: it would replace errors of the model by its own type.
        self._steps = tf.function(self._run_steps, jit_compile=True, autograph=False)
        # The smaller last batch comes once per epoch: compilation by XLA would take longer than it saves.
        self._single = tf.function(model.train_step, reduce_retracing=True, autograph=False)

    def _run_steps(self, data: Any, n: Any) -> Any:
        def body(i: Any) -> tuple[Any]:
            self.model.train_step(keras.tree.map_structure(lambda leaf: leaf[i], data))
            return (i + 1,)

        tf.while_loop(lambda i: i < n, body, (tf.constant(0),))
        return self.model.get_metrics_result()

    def __call__(self, iterator: Any) -> Any:
        logs: Any = {}
        for batches in self.reader.take(iterator, self.count):
            if batches.smaller:
                logs = self._single(keras.tree.map_structure(tf.convert_to_tensor, batches[0]))
            else:
                logs = self._steps(batches.stacked(self.count), tf.constant(len(batches)))
        return logs
