"""`loop_over_steps`: a compiled loop over the steps of sequences, the one that all recurrent layers of Keras use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops
from keras.src import backend  # `backend.rnn` is the loop of every Keras RNN; it has no public name

from kerazoo._runtime.devices import accelerator_visible

__all__ = ["UNROLL_FACTOR", "loop_over_steps", "recomputes", "recomputing", "unroll_factor_for"]

#: Steps per iteration of the compiled loop on JAX, without and with an accelerator. On an H100 a factor of 8 made a GRU
#: 1.2 to 1.9 times as fast (benchmarks/README.md); on two CPU cores it gained little or nothing and compiled longer.
UNROLL_FACTOR = {False: 1, True: 8}


def unroll_factor_for(steps: int | None) -> int:
    """The unroll factor for sequences of `steps` (None: unknown); 1 on backends other than JAX."""
    if keras.backend.backend() != "jax" or not isinstance(steps, int):
        return 1
    return max(1, min(steps, UNROLL_FACTOR[accelerator_visible()]))


_RECOMPUTES: ContextVar[bool] = ContextVar("recomputes", default=False)


@contextmanager
def recomputing() -> Iterator[None]:
    """Context in which loops on TensorFlow recompute their steps for the gradient: see `kerazoo.cells.steps`."""
    token = _RECOMPUTES.set(True)
    try:
        yield
    finally:
        _RECOMPUTES.reset(token)


def recomputes() -> bool:
    """Whether a loop that runs now recomputes its steps for the gradient."""
    return _RECOMPUTES.get() and backend.backend() == "tensorflow"


def loop_over_steps(
    step: Callable[[list[Any], list[Any]], tuple[Any, list[Any]]],
    inputs: Sequence[Any],
    states: Sequence[Any],
    *,
    all_outputs: bool = True,
    go_backwards: bool = False,
    unroll: bool = False,
    unroll_factor: int = 1,
    variables: Sequence[Any] | None = None,
) -> tuple[Any, Any, list[Any]]:
    """``output_t, states_t = step(inputs_t, states_(t-1))`` for every step.

    `keras.ops.scan` is not used: on TensorFlow its outputs must have the shapes of its carry, and its loop has no
    bound, so that XLA cannot differentiate it.

    Args:
        step: takes the list of inputs of a step, (B, ...), and the list of states; returns an output and the new
            states.
        inputs: tensors (B, T, ...).
        states: tensors (B, ...).
        all_outputs: bool, keep the outputs of all steps.
        go_backwards: bool, run from the last step to the first.
        unroll: bool, unroll the whole loop; T must be static.
        unroll_factor: int >= 1, steps per iteration of the compiled loop; used on JAX only.
        variables: all variables that `step` reads, if it gives the same result when it is computed again, so that
            `recomputing` applies; else None.

    Returns:
        (last output, outputs (B, T, ...) in the order of the loop, last states).
    """
    inputs = list(inputs)
    if unroll_factor > 1 and not unroll and backend.backend() == "jax":
        from kerazoo.cells._jax_loop import loop_unrolled

        return loop_unrolled(step, inputs, states, go_backwards=go_backwards, unroll_factor=unroll_factor)
    if variables is not None and not unroll and recomputes():
        from kerazoo.cells._tensorflow_loop import loop_recomputed

        return loop_recomputed(step, inputs, states, variables, all_outputs=all_outputs, go_backwards=go_backwards)
    flat = [len(x.shape) == 2 for x in inputs]  # Keras's loop on TensorFlow needs a third axis
    wide = [ops.expand_dims(x, -1) if is_flat else x for x, is_flat in zip(inputs, flat, strict=True)]
    sizes = [int(x.shape[-1]) for x in wide]
    dtypes = [x.dtype for x in inputs]
    given: Any = wide  # a list of tensors: Keras's unrolled loop takes no other nesting
    if len(wide) == 1:
        given = wide[0]
    elif inputs[0].shape[1] is None:
        # If the number of steps is unknown, Keras's loop takes a single tensor only.
        given = ops.concatenate([ops.cast(x, wide[0].dtype) for x in wide], axis=-1)

    def of_step(x: Any) -> list[Any]:
        if given is wide:
            parts = list(x)
        elif len(wide) == 1:
            parts = [x]
        else:
            ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
            parts = [
                ops.cast(x[..., end - size : end], dtype) for end, size, dtype in zip(ends, sizes, dtypes, strict=True)
            ]
        return [part[:, 0] if is_flat else part for part, is_flat in zip(parts, flat, strict=True)]

    def flat_step(inputs_of_step: Any, states_before: Any) -> tuple[Any, list[Any]]:
        output, after = step(of_step(inputs_of_step), list(states_before))
        return output, list(after)

    last, outputs, after = backend.rnn(
        flat_step,
        given,
        list(states),
        go_backwards=go_backwards,
        unroll=unroll,
        input_length=inputs[0].shape[1],
        return_all_outputs=all_outputs,
    )
    return last, outputs, list(keras.tree.flatten(after))
