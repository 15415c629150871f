"""One step of Keras's own cells for many members: matrix products with a leading axis of members.

`keras.ops.vectorized_map` does the same for any cell. On TensorFlow, however, its result does not compile under XLA,
and without XLA a time step of a small cell costs a hundred times its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["member_step_of"]

#: (x (M, B, F), states, weights (M, ...)) -> (output (M, B, U), states)
MemberStep = Callable[[Any, list[Any], Sequence[Any]], tuple[Any, list[Any]]]


def member_step_of(cell: Any) -> MemberStep | None:
    """The step of a cell for stacked weights; None if the cell is not one of Keras's or has dropout."""
    make = _STEPS.get(type(cell))
    if make is None or cell.dropout or cell.recurrent_dropout or not cell.use_bias:
        return None
    if isinstance(cell, keras.layers.GRUCell) and not cell.reset_after:
        return None
    return make(cell)


def _simple(cell: Any) -> MemberStep:
    def step(x: Any, states: list[Any], weights: Sequence[Any]) -> tuple[Any, list[Any]]:
        kernel, recurrent, bias = weights
        h = cell.activation(ops.matmul(x, kernel) + _row(bias) + ops.matmul(states[0], recurrent))
        return h, [h]

    return step


def _lstm(cell: Any) -> MemberStep:
    def step(x: Any, states: list[Any], weights: Sequence[Any]) -> tuple[Any, list[Any]]:
        kernel, recurrent, bias = weights
        h, c = states
        gates = ops.matmul(x, kernel) + _row(bias) + ops.matmul(h, recurrent)
        i, f, g, o = ops.split(gates, 4, axis=-1)
        c = cell.recurrent_activation(f) * c + cell.recurrent_activation(i) * cell.activation(g)
        h = cell.recurrent_activation(o) * cell.activation(c)
        return h, [h, c]

    return step


def _gru(cell: Any) -> MemberStep:
    def step(x: Any, states: list[Any], weights: Sequence[Any]) -> tuple[Any, list[Any]]:
        kernel, recurrent, bias = weights  # bias (M, 2, 3 U): for the inputs and for the state
        (h,) = states
        from_x = ops.split(ops.matmul(x, kernel) + bias[:, :1], 3, axis=-1)
        from_h = ops.split(ops.matmul(h, recurrent) + bias[:, 1:], 3, axis=-1)
        z = cell.recurrent_activation(from_x[0] + from_h[0])
        r = cell.recurrent_activation(from_x[1] + from_h[1])
        new = cell.activation(from_x[2] + r * from_h[2])
        h = z * h + (1.0 - z) * new
        return h, [h]

    return step


def _row(bias: Any) -> Any:
    """(M, U) -> (M, 1, U)."""
    return ops.expand_dims(bias, 1)


_STEPS: dict[type, Callable[[Any], MemberStep]] = {
    keras.layers.SimpleRNNCell: _simple,
    keras.layers.LSTMCell: _lstm,
    keras.layers.GRUCell: _gru,
}
