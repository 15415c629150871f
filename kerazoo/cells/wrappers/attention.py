"""`AttentionCell`: attention over the last k outputs of a cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_int
from kerazoo.cells.base import output_size_of
from kerazoo.cells.wrappers.base import WrapperCell

__all__ = ["AttentionCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class AttentionCell(WrapperCell):
    """Attention over the last `length` outputs; its result is part of the next input.

    As `tf.contrib.rnn.AttentionCellWrapper`. Equations (Bahdanau et al. 2015, arXiv:1409.0473, sec. 3.1, over a window
    of the cell's own outputs)::

        u_t = [x_t, a_(t-1)] W_u + b_u              of the width of x_t
        s_t, states = cell(u_t)
        e_j = v . tanh(y_(t-j) W_y + s_t W_s)       for j = 1..length, y before the first step being 0
        a_t = sum_j softmax(e)_j y_(t-j)
        y_t = [s_t, a_t] W_o + b_o

    The query is the output of the cell. (TensorFlow's wrapper used all its states, which can be matrices here.)

    Args:
        cell: the cell inside.
        length: int >= 1, k, number of past outputs that attention reads.
        **kwargs: see :class:`kerazoo.cells.WrapperCell`.

    Shapes: inputs (B, F); states: those of the cell, a (B, U), window (B, length * U) with the oldest output first;
    output (B, U).

    >>> import numpy as np
    >>> cell = AttentionCell(keras.layers.GRUCell(5), length=4)
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 5)
    """

    options = ("length",)
    passes_linear = False

    def __init__(self, cell: Any, length: int, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.length = check_int("length", length, hint="It is the number of past outputs that attention reads.")

    @property
    def own_state_sizes(self) -> list[int]:
        """Widths of a and of the window of past outputs."""
        size = output_size_of(self.cell)
        return [size, self.length * size]

    def build(self, input_shape: Any) -> None:
        """Build the weights of the attention and the cell inside."""
        width, size = int(input_shape[-1]), output_size_of(self.cell)

        def matrix(name: str, *shape: int) -> Any:
            return self.add_weight(shape=shape, name=name, initializer="glorot_uniform")

        self.input_kernel = matrix("input_kernel", width + size, width)
        self.input_bias = self.add_weight(shape=(width,), name="input_bias", initializer="zeros")
        self.window_kernel = matrix("window_kernel", size, size)
        self.query_kernel = matrix("query_kernel", size, size)
        self.score_kernel = matrix("score_kernel", size, 1)
        self.output_kernel = matrix("output_kernel", 2 * size, size)
        self.output_bias = self.add_weight(shape=(size,), name="output_bias", initializer="zeros")
        super().build(input_shape)

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, U), new states."""
        *inner_states, attended, flat_window = list(states)
        size = output_size_of(self.cell)
        inputs = ops.matmul(ops.concatenate([inputs, attended], axis=-1), self.input_kernel) + self.input_bias
        output, inner_states = self.call_inner(inputs, inner_states, training, noise, time)
        window = ops.reshape(flat_window, (-1, self.length, size))
        # Products of matrices and a softmax along the last axis: along another one, TensorFlow transposes by an order
        # that is computed in the graph, and XLA cannot differentiate that inside a loop.
        read = ops.matmul(ops.reshape(flat_window, (-1, size)), self.window_kernel)
        query = ops.expand_dims(ops.matmul(output, self.query_kernel), 1)
        hidden = ops.tanh(ops.reshape(read, (-1, self.length, size)) + query)
        scores = ops.matmul(ops.reshape(hidden, (-1, size)), self.score_kernel)
        weights = ops.softmax(ops.reshape(scores, (-1, self.length)), axis=-1)
        attended = ops.sum(ops.expand_dims(weights, -1) * window, axis=1)
        output = ops.matmul(ops.concatenate([output, attended], axis=-1), self.output_kernel) + self.output_bias
        flat_window = ops.concatenate([flat_window[:, size:], output], axis=-1)
        return output, [*inner_states, attended, flat_window]
