"""TensorFlow: many training steps as one XLA loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter  # the order of rows in `fit`
from numpy.typing import NDArray

from kerazoo.cells.steps import gradients_recomputed
from kerazoo.training.looped import LoopedTrainFunctionBase

__all__ = ["LoopedTrainFunction", "arrays_of", "order_of", "placeholder_dataset"]


def arrays_of(x: Any, y: Any, sample_weight: Any) -> Any:
    """The arrays in the form, and with the dtypes, in which Keras's `fit` passes batches to `train_step`."""
    return _with_tuples(ArrayDataAdapter(x, y, sample_weight=sample_weight)._inputs)


def _with_tuples(values: Any) -> Any:
    """A tree with tuples for lists, which `tf.data` would take for tensors."""
    if isinstance(values, dict):
        return {name: _with_tuples(each) for name, each in values.items()}
    return tuple(map(_with_tuples, values)) if isinstance(values, list | tuple) else values


def order_of(n: int, batch_size: int, shuffle: Any) -> Callable[[], NDArray[np.int64]]:
    """A function that returns the order of `n` rows in the next epoch of Keras's `fit`, as Keras itself draws it."""
    if not shuffle:
        return lambda: np.arange(n)
    batches = ArrayDataAdapter(np.arange(n), batch_size=batch_size, shuffle=shuffle).get_tf_dataset()
    padded = batches.padded_batch(1024, padded_shapes=[batch_size], padding_values=np.int64(-1))

    def order() -> NDArray[np.int64]:
        rows = np.concatenate([each.ravel() for each in padded.as_numpy_iterator()])
        return rows[rows >= 0]

    return order


def placeholder_dataset(example: Any, n: int) -> tf.data.Dataset:
    """`n` times the same batch: Keras's `fit` counts its steps; the values are never used."""
    return tf.data.Dataset.from_tensors(_with_tuples(example)).repeat(n)


class LoopedTrainFunction(LoopedTrainFunctionBase):
    """The compiled loop: see :class:`kerazoo.training.looped.LoopedTrainFunctionBase`."""

    def __init__(self, model: Any, count: int) -> None:
        super().__init__(model, count)
        # Without autograph, as in Keras's own step: it would replace errors of the model by its own type.
        self._steps = tf.function(self._run_steps, jit_compile=True, autograph=False)
        # The smaller last batch comes once per epoch: compilation by XLA would take longer than it saves.
        self._single = tf.function(model.train_step, reduce_retracing=True, autograph=False)

    def _run_steps(self, data: Any, n: Any) -> Any:
        def one(i: Any) -> Any:
            return self.model.train_step(keras.tree.map_structure(lambda leaf: leaf[i], data))

        def body(i: Any, logs: Any) -> tuple[Any, Any]:
            new = one(i)
            return i + 1, ({} if self.has_keras_step else keras.tree.map_structure(tf.convert_to_tensor, new))

        with gradients_recomputed(self.model._flatten_layers()):
            logs = {} if self.has_keras_step else self._zeros_like_logs(one)
            _, logs = tf.while_loop(lambda i, logs: i < n, body, (tf.constant(0), logs))
        return self.model.get_metrics_result() if self.has_keras_step else logs

    def _zeros_like_logs(self, step: Callable[[Any], Any]) -> Any:
        """Zeros of the shapes and dtypes of the logs of a step, which is traced into a function that nobody calls."""
        traced = tf.function(step, autograph=False).get_concrete_function(tf.TensorSpec((), tf.int32))
        return keras.tree.map_structure(lambda each: tf.zeros(each.shape, each.dtype), traced.structured_outputs)

    def __call__(self, iterator: Any) -> Any:
        logs: Any = {}
        for batches in self.reader.take(iterator, self.count):
            if batches.smaller:
                logs = self._single(keras.tree.map_structure(tf.convert_to_tensor, batches[0]))
            else:
                logs = self._steps(batches.stacked(self.count), tf.constant(len(batches)))
        return logs
