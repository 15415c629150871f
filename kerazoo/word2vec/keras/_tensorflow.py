"""Fast paths of TensorFlow: access to the rows of a table that occur in the batch, and batches without idle readers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from kerazoo.word2vec.keras.clipping import clip_rows

__all__ = ["add_rows", "apply_rows", "dataset", "take_rows", "trim"]


def apply_rows(optimizer: Any, variable: Any, gradient: tf.IndexedSlices, rate: Any, clip: float) -> None:
    """Sum the gradient rows of equal index, clip each sum, and subtract it from the row of the variable."""
    indices, positions = tf.unique(gradient.indices)
    summed = tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(indices))
    update = clip_rows(tf.cast(summed, variable.dtype) * rate, clip)
    optimizer.assign_sub(variable, tf.IndexedSlices(update, indices))


def take_rows(variable: Any, rows: Any) -> Any:
    """variable[rows] without a read of the whole table.

    After its first sparse update TensorFlow copies a table whenever it is read densely, as `keras.ops.take` does: 28 MB
    per step for 70,000 words, which took more time than the rest of the step.
    """
    return tf.gather(variable.value, rows)


def trim(block: dict[str, Any]) -> dict[str, Any]:
    """The block without the padding of its distinct words: shapes need not be static on TensorFlow."""
    cut = {name: block[name][: block[f"n_{name}"][0]] for name in ("unique", "out_unique")}
    return {**block, **cut}


def add_rows(variable: Any, rows: Any, update: Any) -> None:
    """variable[rows] += update, without a copy of the table."""
    variable.value.scatter_add(tf.IndexedSlices(update, rows))


def dataset(batches: Callable[[], Iterator[dict[str, Any]]], n: int, example: dict[str, Any]) -> tf.data.Dataset:
    """A `tf.data.Dataset` of the `n` batches that a call of `batches` yields, all of the shapes of `example`.

    Keras also makes one from a `PyDataset`, but each `fit` and each epoch leaves one behind that continues to read
    ahead: 0.9 s for an epoch of 160 blocks. This one reads only on request.

    Args:
        batches: a method, whose object must be kept as long as the data set is used: TensorFlow's default graph keeps
            what a data set calls for ever, and would keep the text with it.
        n: of the batches.
        example: a batch.
    """
    method = weakref.WeakMethod(batches)

    def read() -> Iterator[dict[str, Any]]:
        found = method()
        return iter(()) if found is None else found()

    signature = {name: tf.TensorSpec(array.shape, array.dtype) for name, array in example.items()}
    made = tf.data.Dataset.from_generator(read, output_signature=signature)
    options = tf.data.Options()
    options.experimental_warm_start = False
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    return made.apply(tf.data.experimental.assert_cardinality(n)).prefetch(2).with_options(options)
