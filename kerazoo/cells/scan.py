"""The linear recurrence h_t = a_t h_(t-1) + b_t of a whole sequence in parallel, with masks.

The pairs (a, b) form a monoid under (a1, b1) o (a2, b2) = (a1 a2, a2 b1 + b2), so an associative scan computes all
prefixes in O(log T) steps instead of T (Blelloch 1990; Martin & Cundy 2018, sec. 2.2).

`keras.ops.associative_scan` is not used: on TensorFlow it loses the static shapes of tensors of unknown batch size, and
on torch it makes tensors without dtype and device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops
from keras.src import backend  # the scope that casts weights has no public name

from kerazoo.errors import InvalidArgumentError

__all__ = [
    "complex_linear_scan",
    "hold_last_valid",
    "linear_scan",
    "prefix_scan",
    "previous_values",
    "run_parallel_form",
]

Tensors = tuple[Any, ...]


def prefix_scan(combine: Callable[[Tensors, Tensors], Tensors], elements: Tensors) -> Tensors:
    """All prefixes e_1, e_1 o e_2, ..., e_1 o ... o e_T of an associative operation, along axis 1.

    Args:
        combine: (earlier, later) -> combined, elementwise along axis 1.
        elements: tensors (B, T, ...) of static T.

    Returns:
        Tensors (B, T, ...).

    Raises:
        InvalidArgumentError: T is unknown.

    >>> import numpy as np
    >>> (sums,) = prefix_scan(lambda x, y: (x[0] + y[0],), (np.arange(5.0)[None],))
    >>> np.asarray(sums).tolist()
    [[0.0, 1.0, 3.0, 6.0, 10.0]]
    """
    steps = elements[0].shape[1]
    if steps is None:
        raise InvalidArgumentError(
            "the number of steps is unknown; expected a static one, as the scan needs it. Use parallel=False."
        )
    if steps == 1:
        return tuple(elements)
    even = tuple(x[:, 0 : steps - 1 : 2] for x in elements)
    odd = tuple(x[:, 1::2] for x in elements)
    # Prefixes that end at odd indices come from half as many elements; those at even indices need one more operation.
    at_odd = prefix_scan(combine, combine(even, odd))
    if steps == 2:
        return tuple(ops.concatenate([x[:, :1], y], axis=1) for x, y in zip(elements, at_odd, strict=True))
    before = at_odd if steps % 2 else tuple(x[:, :-1] for x in at_odd)
    at_even = combine(before, tuple(x[:, 2::2] for x in elements))
    return tuple(
        _interleave(ops.concatenate([x[:, :1], e], axis=1), o)
        for x, e, o in zip(elements, at_even, at_odd, strict=True)
    )


def _interleave(even: Any, odd: Any) -> Any:
    """even_0, odd_0, even_1, ...; `even` may have one more element."""
    n = odd.shape[1]
    rest = tuple(odd.shape[2:])
    pairs = ops.reshape(ops.stack([even[:, :n], odd], axis=2), (-1, 2 * n, *rest))
    return pairs if even.shape[1] == n else ops.concatenate([pairs, even[:, n:]], axis=1)


def linear_scan(a: Any, b: Any, initial: Any, mask: Any = None) -> Any:
    """h_t = a_t * h_(t-1) + b_t for t = 1..T, elementwise, with h_0 = `initial`.

    Args:
        a: float (B, T, D), decay of each step.
        b: float (B, T, D), input of each step.
        initial: float (B, D), h_0.
        mask: bool (B, T) or None; steps where it is False do not change h.

    Returns:
        float (B, T, D), h_1 to h_T.

    >>> import numpy as np
    >>> a, b = np.full((1, 3, 1), 0.5, "float32"), np.ones((1, 3, 1), "float32")
    >>> np.asarray(linear_scan(a, b, np.zeros((1, 1), "float32")))[0, :, 0].tolist()
    [1.0, 1.5, 1.75]
    """
    a, b = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    if mask is not None:
        kept = ops.expand_dims(ops.cast(mask, "bool"), -1)
        a = ops.where(kept, a, ops.ones_like(a))
        b = ops.where(kept, b, ops.zeros_like(b))
    first = a[:, :1] * ops.expand_dims(initial, 1) + b[:, :1]
    b = ops.concatenate([first, b[:, 1:]], axis=1)
    _, h = prefix_scan(lambda x, y: (x[0] * y[0], y[0] * x[1] + y[1]), (a, b))
    return h


def complex_linear_scan(
    a: tuple[Any, Any], b: tuple[Any, Any], initial: tuple[Any, Any], mask: Any = None
) -> tuple[Any, Any]:
    """:func:`linear_scan` over complex numbers, each a pair (real part, imaginary part).

    Args:
        a: two float (B, T, D).
        b: two float (B, T, D).
        initial: two float (B, D).
        mask: bool (B, T) or None.

    Returns:
        Two float (B, T, D).
    """
    (a_re, a_im), (b_re, b_im) = a, b
    if mask is not None:
        kept = ops.expand_dims(ops.cast(mask, "bool"), -1)
        a_re = ops.where(kept, a_re, ops.ones_like(a_re))
        a_im, b_re, b_im = (ops.where(kept, x, ops.zeros_like(x)) for x in (a_im, b_re, b_im))
    re, im = (ops.expand_dims(part, 1) for part in initial)
    first_re = a_re[:, :1] * re - a_im[:, :1] * im + b_re[:, :1]
    first_im = a_re[:, :1] * im + a_im[:, :1] * re + b_im[:, :1]
    b_re = ops.concatenate([first_re, b_re[:, 1:]], axis=1)
    b_im = ops.concatenate([first_im, b_im[:, 1:]], axis=1)

    def combine(x: Any, y: Any) -> Any:
        return (
            x[0] * y[0] - x[1] * y[1],
            x[0] * y[1] + x[1] * y[0],
            y[0] * x[2] - y[1] * x[3] + y[2],
            y[0] * x[3] + y[1] * x[2] + y[3],
        )

    _, _, h_re, h_im = prefix_scan(combine, (a_re, a_im, b_re, b_im))
    return h_re, h_im


def hold_last_valid(values: Any, mask: Any, initial: Any) -> Any:
    """Replace the value of each masked step by that of the last unmasked step, or by `initial` if there is none.

    Args:
        values: (B, T, D).
        mask: bool (B, T) or None.
        initial: (B, D).

    Returns:
        (B, T, D).

    >>> import numpy as np
    >>> mask = np.array([[False, True, False]])
    >>> x = np.array([[[1.0], [2.0], [3.0]]], "float32")
    >>> np.asarray(hold_last_valid(x, mask, np.zeros((1, 1), "float32")))[0, :, 0].tolist()
    [0.0, 2.0, 2.0]
    """
    if mask is None:
        return values
    kept = ops.cast(mask, "int32")
    steps = ops.arange(1, ops.shape(values)[1] + 1, dtype="int32")
    # Index 0 is `initial`, t is step t; the running maximum is the last valid index.
    (last,) = prefix_scan(lambda x, y: (ops.maximum(x[0], y[0]),), (kept * ops.expand_dims(steps, 0),))
    padded = ops.concatenate([ops.expand_dims(ops.cast(initial, values.dtype), 1), values], axis=1)
    return ops.take_along_axis(padded, ops.expand_dims(last, -1), axis=1)


def previous_values(values: Any, initial: Any, mask: Any = None) -> Any:
    """The values of the previous valid step: `initial` before the first; masked steps are skipped.

    Args:
        values: (B, T, D).
        initial: (B, D).
        mask: bool (B, T) or None.

    Returns:
        (B, T, D).
    """
    held = hold_last_valid(values, mask, initial)
    return ops.concatenate([ops.expand_dims(ops.cast(initial, values.dtype), 1), held[:, :-1]], axis=1)


def run_parallel_form(
    cell: Any, sequences: Any, states: list[Any], mask: Any = None, training: bool = False, noise: Any = None
) -> tuple[Any, list[Any]]:
    """``cell.parallel_call``, with the casts to the cell's dtype that Keras makes when a cell is called for one step.

    A cell has a dtype policy of its own. Without these casts the inputs and the weights have the dtype of the layer
    around it, and the other constants that of the cell.

    Args:
        cell: a cell with a parallel form.
        sequences: (B, T, F); floats are cast, integers are not.
        states: list of (B, n), before the first step.
        mask: bool (B, T) or None.
        training: bool.
        noise: the noise of the cell, from its `sequence_noise`, or None.

    Returns:
        (outputs (B, T, U), list of states after the last step), in the compute dtype of the cell.

    >>> import numpy as np
    >>> from kerazoo.cells import make_cell
    >>> cell = make_cell("mingru", 3, dtype="float64")
    >>> cell.build((None, 2))
    >>> outputs, _ = run_parallel_form(cell, np.ones((1, 4, 2), "float32"), cell.get_initial_state(1))
    >>> keras.backend.standardize_dtype(outputs.dtype)
    'float64'
    """
    casts = bool(getattr(cell, "autocast", False))
    dtype = getattr(cell, "compute_dtype", None)

    def cast(x: Any) -> Any:
        is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
        return ops.cast(x, dtype) if is_float else x

    if casts:
        sequences, states = cast(sequences), [cast(state) for state in states]
        noise = keras.tree.map_structure(cast, noise) if noise is not None else None
    kwargs = {} if noise is None else {"noise": noise}
    # As `Layer.__call__`: a layer whose weights need no cast ends the scope of the layer around it.
    with backend.AutocastScope(dtype if casts and dtype != cell.variable_dtype else None):
        return cell.parallel_call(sequences, list(states), mask=mask, training=training, **kwargs)
