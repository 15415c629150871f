"""JAX's loop over steps with several steps a turn, which Keras's has not: a GPU waits less between the turns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["loop_by_turns"]


def loop_by_turns(
    step: Callable[[list[Any], list[Any]], tuple[Any, list[Any]]],
    inputs: Sequence[Any],
    states: Sequence[Any],
    *,
    go_backwards: bool = False,
    steps_a_turn: int,
) -> tuple[Any, Any, list[Any]]:
    """As :func:`kerazoo.cells.loop.loop_over_steps`, with `steps_a_turn` >= 1 of them written out in the compiled loop.

    The numbers are the same, but for the rounding of a compiler that sees more at once.
    """
    import jax.numpy as jnp
    from jax import lax
    from keras.src.backend.common import stateless_scope

    def one(before: list[Any], x: list[Any]) -> tuple[list[Any], Any]:
        output, after = step(list(x), list(before))
        return list(after), output

    # A variable that is written to while the loop is traced would keep a tracer; a scope that is there sees to it.
    scope: Any = contextlib.nullcontext() if stateless_scope.in_stateless_scope() else stateless_scope.StatelessScope()
    with scope:
        after, outputs = lax.scan(
            one, list(states), [jnp.swapaxes(x, 0, 1) for x in inputs], reverse=go_backwards, unroll=steps_a_turn
        )
    if go_backwards:
        outputs = jnp.flip(outputs, 0)
    return outputs[-1], jnp.swapaxes(outputs, 0, 1), after
