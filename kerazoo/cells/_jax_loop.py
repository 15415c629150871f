"""JAX: the loop over steps as `lax.scan` with `unroll`, which Keras does not expose. A GPU waits less between steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from keras.src.backend.common import stateless_scope

__all__ = ["loop_unrolled"]


def loop_unrolled(
    step: Callable[[list[Any], list[Any]], tuple[Any, list[Any]]],
    inputs: Sequence[Any],
    states: Sequence[Any],
    *,
    go_backwards: bool = False,
    unroll_factor: int,
) -> tuple[Any, Any, list[Any]]:
    """:func:`kerazoo.cells.loop.loop_over_steps` with `unroll_factor` >= 1 steps per iteration.

    The results are the same, up to rounding: the compiler fuses operations of several steps.
    """

    def one(before: list[Any], x: list[Any]) -> tuple[list[Any], Any]:
        output, after = step(list(x), list(before))
        return list(after), output

    # A variable that is assigned while the loop is traced would keep a tracer; a stateless scope prevents it.
    scope: Any = contextlib.nullcontext() if stateless_scope.in_stateless_scope() else stateless_scope.StatelessScope()
    with scope:
        after, outputs = lax.scan(
            one, list(states), [jnp.swapaxes(x, 0, 1) for x in inputs], reverse=go_backwards, unroll=unroll_factor
        )
    if go_backwards:
        outputs = jnp.flip(outputs, 0)
    return outputs[-1], jnp.swapaxes(outputs, 0, 1), after
