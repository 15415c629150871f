"""`unroll`: a recurrent network written out step by step, without a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from kerazoo.cells.base import call_cell, initial_state_of
from kerazoo.cells.registry import make_cell
from kerazoo.errors import InvalidArgumentError

__all__ = ["unroll"]


def unroll(
    cell: Any, inputs_by_time: Sequence[Any], weights: Any = None, initial_state: Any = None
) -> tuple[list[Any], list[Any]]:
    """Run a cell over a list of inputs, one per step.

    For a simple network of two steps it computes::

        y0 = tanh(x0 Wx + b)
        y1 = tanh(y0 Wy + x1 Wx + b)

    Args:
        cell: a cell, or an int: a `SimpleRNNCell` with that many units.
        inputs_by_time: list of (B, F), one per step.
        weights: None (the cell's current or initial weights); arrays in the order of `cell.weights`; or a mapping from
            their names (`kernel`, `recurrent_kernel`, `bias`).
        initial_state: list of (B, n), or None: that of the cell.

    Returns:
        (list of outputs (B, U), one per step; states after the last step).

    Raises:
        InvalidArgumentError: no steps, inputs of unequal shapes, or weights that do not fit.

    >>> import numpy as np
    >>> x0, x1 = np.array([[0, 1], [2, 3], [4, 5]]), np.array([[100, 101], [102, 103], [104, 105]])
    >>> (y0, y1), _ = unroll(3, [x0, x1])
    >>> tuple(y0.shape), tuple(y1.shape)
    ((3, 3), (3, 3))
    """
    if isinstance(cell, int):
        cell = make_cell("rnn", cell)
    steps = [ops.convert_to_tensor(x, dtype=cell.compute_dtype) for x in inputs_by_time]
    if not steps:
        raise InvalidArgumentError("inputs_by_time has no steps; expected at least one array (batch, features).")
    for number, x in enumerate(steps):
        if len(x.shape) != 2 or tuple(x.shape) != tuple(steps[0].shape):
            raise InvalidArgumentError(
                f"inputs_by_time[{number}] has shape {tuple(x.shape)}; expected (batch, features), the same for all "
                "steps."
            )
    if not cell.built:
        cell.build(tuple(steps[0].shape))
        cell.built = True
    if weights is not None:
        _assign(cell, weights)
    states = (
        initial_state_of(cell, steps[0].shape[0], cell.compute_dtype)
        if initial_state is None
        else [ops.convert_to_tensor(state, dtype=cell.compute_dtype) for state in keras.tree.flatten(initial_state)]
    )
    outputs = []
    for x in steps:
        output, states = call_cell(cell, x, states)
        outputs.append(output)
    return outputs, states


def _assign(cell: Any, weights: Any) -> None:
    if not isinstance(weights, Mapping):
        given = list(weights)
        if len(given) != len(cell.weights):
            wanted = ", ".join(f"{w.name} {tuple(w.shape)}" for w in cell.weights)
            raise InvalidArgumentError(f"{len(given)} weights; expected {len(cell.weights)}: {wanted}.")
        weights = {w.name: value for w, value in zip(cell.weights, given, strict=True)}
    by_name = {w.name: w for w in cell.weights}
    for name, value in weights.items():
        if name not in by_name:
            raise InvalidArgumentError(f"weights has {name!r}; expected names among {', '.join(by_name)}.")
        if tuple(ops.shape(value)) != tuple(by_name[name].shape):
            raise InvalidArgumentError(
                f"weights[{name!r}] has shape {tuple(ops.shape(value))}; expected {tuple(by_name[name].shape)}."
            )
        by_name[name].assign(value)
