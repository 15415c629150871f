"""TensorFlow's fast path of the table optimizer: touch only the rows that occur in the batch."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["apply_rows"]


def apply_rows(optimizer: Any, variable: Any, gradient: tf.IndexedSlices, rate: Any, clip: float) -> None:
    """Sum the gradient rows of equal index, clip each sum, subtract it from that row of the variable."""
    from kerazoo.word2vec.optimizer import clip_rows

    indices, places = tf.unique(gradient.indices)
    summed = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(indices))
    update = clip_rows(tf.cast(summed, variable.dtype) * rate, clip)
    optimizer.assign_sub(variable, tf.IndexedSlices(update, indices))


def add_rows(variable: Any, rows: Any, update: Any) -> None:
    """variable[rows] += update, without a copy of the table."""
    variable.value.scatter_add(tf.IndexedSlices(update, rows))
