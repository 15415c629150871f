"""`WrapperCell`: a cell around a cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.cells.base import (
    Configured,
    call_cell,
    droppable_states,
    initial_state_of,
    output_size_of,
    state_sizes_of,
)
from kerazoo.cells.scan import run_parallel_form
from kerazoo.errors import InvalidArgumentError

__all__ = ["WrapperCell"]


class WrapperCell(Configured):
    """Base class of the wrappers: passes states, noise and time stamps to the cell inside.

    A subclass implements `prepare` and `finish`, which work on a step and on a whole sequence; or `call`, and
    `parallel_call` unless ``passes_linear = False``. Its own states follow those of the cell: see `own_state_sizes`.

    Args:
        cell: a cell of kerazoo or Keras, or another wrapper.
        **kwargs: `name`, `dtype`, `trainable`.

    Attributes:
        passes_linear: bool, the wrapper keeps the parallel form of the cell inside.
        options: names of the subclass's own constructor arguments. One that is missing here is an error when the class
            is defined, unless the class has its own `get_config`.

    Raises:
        InvalidArgumentError: `cell` is not a cell, or it is a cell of Keras with its own dropout, whose masks are
            renewed only by Keras's own layers.
    """

    passes_linear = True
    _base_arguments = ("cell", "name", "dtype", "trainable")

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        if not hasattr(cell, "state_size") or not hasattr(cell, "call"):
            raise InvalidArgumentError(
                f"cell={cell!r}; expected a cell: an object with `call(inputs, states)` and `state_size`. "
                "make_cell('lstm', 32) returns one."
            )
        if getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0):
            raise InvalidArgumentError(
                f"cell={type(cell).__name__} with dropout={cell.dropout}, recurrent_dropout={cell.recurrent_dropout}; "
                "expected 0 inside a wrapper. Put DropoutCell around it instead."
            )
        super().__init__(**kwargs)
        self.cell = cell

    @property
    def own_state_sizes(self) -> list[int]:
        """Widths of the wrapper's own states."""
        return []

    @property
    def state_size(self) -> list[int]:
        """Widths of the states: those of the cell inside, then the wrapper's own."""
        return [*state_sizes_of(self.cell), *self.own_state_sizes]

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return output_size_of(self.cell)

    @property
    def linear(self) -> bool:
        """Whether there is a parallel form."""
        return self.passes_linear and bool(getattr(self.cell, "linear", False))

    @property
    def chunked(self) -> bool:
        """Whether the parallel form works on chunks."""
        return bool(getattr(self.cell, "chunked", False))

    @property
    def why_not_linear(self) -> str:
        """Why there is no parallel form: a sentence."""
        if self.passes_linear:
            return getattr(self.cell, "why_not_linear", "") or f"{type(self.cell).__name__} is not linear in its state."
        return f"{type(self).__name__} reads its own outputs, so its steps run one after another."

    @property
    def supports_step_mask(self) -> bool:
        """Whether steps can be masked."""
        return bool(getattr(self.cell, "supports_step_mask", True))

    @property
    def droppable_states(self) -> tuple[int, ...]:
        """Indices of the states that state dropout acts on."""
        return droppable_states(self.cell)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States before the first step: those of the cell inside, then zeros."""
        own = [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.own_state_sizes]
        return [*initial_state_of(self.cell, batch_size, self.compute_dtype), *own]

    def sequence_noise(self, batch: Any, steps: Any, training: bool) -> Any:
        """Noise for a sequence, drawn before the loop: a tree of (B, n) and, if it differs per step, (B, T, n)."""
        draw = getattr(self.cell, "sequence_noise", None)
        inner = draw(batch, steps, training) if draw else None
        return None if inner is None else {"inner": inner}

    def build(self, input_shape: Any) -> None:
        """Build the cell inside, unless it is built."""
        if not self.cell.built:
            self.cell.build(self.inner_shape(input_shape))
            self.cell.built = True
        self.built = True

    def inner_shape(self, input_shape: Any) -> Any:
        """Shape of the inputs of the cell inside."""
        return tuple(input_shape)

    def call_inner(self, inputs: Any, states: Any, training: bool, noise: Any, time: Any) -> Any:
        """One step of the cell inside, with its part of the states: (output, its new states)."""
        inner_states = list(states)[: len(state_sizes_of(self.cell))]
        return call_cell(self.cell, inputs, inner_states, training, (noise or {}).get("inner"), time)

    def parallel_inner(self, sequences: Any, states: Any, mask: Any, training: bool, noise: Any) -> Any:
        """All steps of the cell inside, in parallel: (outputs, its last states)."""
        return run_parallel_form(self.cell, sequences, list(states), mask, training, (noise or {}).get("inner"))

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        return self.finish(inputs, *self.call_inner(self.prepare(inputs), states, training, noise, time))

    def parallel_call(
        self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False, noise: Any = None
    ) -> tuple[Any, list[Any]]:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        return self.finish(sequences, *self.parallel_inner(self.prepare(sequences), states, mask, training, noise))

    def prepare(self, inputs: Any) -> Any:
        """Inputs of the cell inside, from those of the wrapper, of a step or a sequence."""
        return inputs

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """(Output, states) of the wrapper, from the inputs and from those of the cell, of a step or a sequence."""
        return output, states

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        """Shapes of (output, states)."""
        return (input_shape[0], self.output_size), [(input_shape[0], size) for size in self.state_size]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values, with the serialised cell."""
        config = super().get_config()
        config["cell"] = keras.saving.serialize_keras_object(self.cell)
        self._write_options(config)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WrapperCell:
        """The inverse of `get_config`."""
        config = dict(config)
        config["cell"] = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**config)
