"""`run_steps`: a recurrent layer of Keras or of kerazoo runs its cell step by step.

In the context `gradients_recomputed` the gradients of these loops are computed in a cheaper way, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from kerazoo.cells.base import call_cell, output_size_of
from kerazoo.cells.loop import loop_over_steps, recomputes, recomputing, unroll_factor_for

__all__ = ["gradients_recomputed", "is_deterministic", "run_steps"]

#: Layers of Keras whose loop is that of `run_steps`.
_KERAS_LAYERS = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU)


def run_steps(
    layer: Any, sequences: Any, states: list[Any], mask: Any = None, training: bool = False, noise: Any = None
) -> tuple[Any, Any, list[Any]]:
    """Run the cell of a layer over sequences.

    Args:
        layer: a `Recurrent`, or a recurrent layer of Keras; its cell is built.
        sequences: (B, T, F).
        states: a flat list of (B, n).
        mask: bool (B, T) or None. Masked steps keep the states and repeat the last output (zeros at first), or return
            zeros if the layer has `zero_output_for_mask`.
        training: bool.
        noise: of all steps, from `sequence_noise` of the cell, or None.

    Returns:
        (last output (B, U), outputs (B, T, U), last states).
    """
    # The mask and the noise of each step are further inputs of Keras's loop, and the previous output is a further
    # state, so that masks behave the same on every backend.
    flat_noise = [] if noise is None else keras.tree.flatten(noise)
    stepwise = [leaf for leaf in flat_noise if len(leaf.shape) == 3]
    inputs = [sequences, *stepwise]
    if mask is not None:
        inputs.append(ops.expand_dims(mask, -1))
        size = output_size_of(layer.cell)
        states = [*states, ops.zeros((ops.shape(sequences)[0], size), dtype=layer.cell.compute_dtype)]

    def noise_of_step(leaves: list[Any]) -> Any:
        if noise is None:
            return None
        following = iter(leaves)
        return keras.tree.pack_sequence_as(
            noise, [next(following) if len(leaf.shape) == 3 else leaf for leaf in flat_noise]
        )

    def step(step_inputs: list[Any], states: list[Any]) -> tuple[Any, list[Any]]:
        x, *others = step_inputs
        drawn = noise_of_step(others[: len(stepwise)])
        last = None
        if mask is not None:
            *states, last = states
        output, new_states = call_cell(layer.cell, x, states, training, drawn)
        # A cell inside a stack or a wrapper can have another dtype than these; a loop keeps the dtypes of states.
        output = ops.cast(output, layer.cell.compute_dtype)
        new_states = [ops.cast(new, old.dtype) for new, old in zip(new_states, states, strict=True)]
        if mask is None:
            return output, new_states
        valid = others[-1]
        new_states = [ops.where(valid, new, old) for new, old in zip(new_states, states, strict=True)]
        held = ops.where(valid, output, last)
        shown = ops.where(valid, output, ops.zeros_like(output)) if layer.zero_output_for_mask else held
        return shown, [*new_states, held]

    last_output, outputs, states = loop_over_steps(
        step,
        inputs,
        states,
        all_outputs=layer.return_sequences,
        go_backwards=layer.go_backwards,
        unroll=layer.unroll,
        unroll_factor=unroll_factor_for(sequences.shape[1]),
        variables=layer.cell.variables if training and recomputes() and is_deterministic(layer.cell) else None,
    )
    return last_output, outputs, states if mask is None else states[:-1]


def is_deterministic(cell: Any) -> bool:
    """Whether a step gives the same result when it is computed again, after the layer was called.

    True for the cells of kerazoo, whose noise is drawn before the loop, and for those of Keras without dropout, whose
    masks are forgotten after the call. Other cells may draw random numbers.
    """
    parts = cell._flatten_layers() if isinstance(cell, keras.layers.Layer) else [cell]
    return all(_has_no_noise(part) for part in parts)


def _has_no_noise(part: Any) -> bool:
    # An activation of the user may read variables, which would get no gradient, or draw numbers.
    activations = (getattr(part, name, None) for name in ("activation", "recurrent_activation"))
    if not all(each is None or _package(each) in ("keras", "kerazoo") for each in activations):
        return False
    dropout = getattr(part, "dropout", 0) or getattr(part, "recurrent_dropout", 0)
    return _package(type(part)) == "kerazoo" or (_package(type(part)) == "keras" and not dropout)


def _package(value: Any) -> str:
    if isinstance(value, keras.layers.Layer):
        return ""
    return str(getattr(value, "__module__", "")).split(".")[0]


@contextmanager
def gradients_recomputed(layers: Iterable[Any]) -> Iterator[None]:
    """Context in which training recomputes the steps of these layers for their gradients; for TensorFlow.

    Results are the same up to rounding. It pays inside functions that XLA compiles; on other backends nothing changes.

    Args:
        layers: the layers of a model; those without a loop over steps are left alone.
    """
    own = [each for each in layers if isinstance(each, _KERAS_LAYERS) and _can_run(each)]
    try:
        for layer in own:
            vars(layer)["inner_loop"] = _inner_loop_of(layer)
        with recomputing():
            yield
    finally:
        for layer in own:
            vars(layer).pop("inner_loop", None)


def _can_run(layer: Any) -> bool:
    return not layer.stateful and is_deterministic(layer) and "inner_loop" not in vars(layer)


def _inner_loop_of(layer: Any) -> Any:
    def inner_loop(sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        mask = keras.tree.flatten(mask)[0] if mask is not None else None
        mask = None if mask is None else ops.cast(mask, "bool")
        return run_steps(layer, sequences, list(keras.tree.flatten(initial_state)), mask, training)

    return inner_loop
