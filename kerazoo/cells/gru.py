"""`GRU`: Keras's layer with a faster loop on JAX with a GPU, where neither Keras nor JAX has a fused GRU."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.cells.loop import loop_over_steps, unroll_factor_for

__all__ = ["GRU"]


@keras.saving.register_keras_serializable(package="kerazoo")
class GRU(keras.layers.GRU):
    """`keras.layers.GRU` with the same arguments, weights and results.

    On JAX with an accelerator the loop over the steps is unrolled by a factor, and the products with the inputs are
    computed before it. On other backends, and with a mask, dropout, `unroll=True` or `reset_after=False`, the loop is
    Keras's own.

    >>> import numpy as np
    >>> layer = GRU(3, return_sequences=True)
    >>> tuple(layer(np.zeros((2, 5, 1), "float32")).shape)
    (2, 5, 3)
    """

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Run the steps; returns (last output, outputs (B, T, units), last states)."""
        cell, factor = self.cell, unroll_factor_for(sequences.shape[1])
        dropout = cell.recurrent_dropout or (training and cell.dropout)
        if factor == 1 or mask is not None or self.unroll or dropout or not cell.reset_after:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        dtype = cell.compute_dtype
        kernel, recurrent = (ops.cast(each, dtype) for each in (cell.kernel, cell.recurrent_kernel))
        bias, recurrent_bias = ops.unstack(ops.cast(cell.bias, dtype), 2) if cell.use_bias else (0.0, 0.0)

        def step(x: list[Any], states: list[Any]) -> tuple[Any, list[Any]]:
            (h,) = states
            x_z, x_r, x_h = ops.split(x[0], 3, axis=-1)
            h_z, h_r, h_h = ops.split(ops.matmul(h, recurrent) + recurrent_bias, 3, axis=-1)
            z = cell.recurrent_activation(x_z + h_z)
            candidate = cell.activation(x_h + cell.recurrent_activation(x_r + h_r) * h_h)
            new = z * h + (1.0 - z) * candidate
            return new, [new]

        last, outputs, states = loop_over_steps(
            step,
            [ops.matmul(sequences, kernel) + bias],
            [ops.cast(each, dtype) for each in keras.tree.flatten(initial_state)],
            all_outputs=self.return_sequences,
            go_backwards=self.go_backwards,
            unroll_factor=factor,
        )
        return last, outputs, states
