"""`StackedCells`: a stack of cells as one cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell  # has no public name

from kerazoo.cells.base import call_cell, initial_state_of, output_size_of, state_sizes_of
from kerazoo.cells.scan import run_parallel_form
from kerazoo.errors import InvalidArgumentError

__all__ = ["StackedCells", "dropout_cells"]


def dropout_cells(cell: Any, width: int) -> Iterator[tuple[Any, int]]:
    """Keras's cells with dropout inside `cell`, which can be a stack or a wrapper, and the widths of their inputs.

    Args:
        cell: any cell.
        width: int, width of its inputs.

    Yields:
        (cell, int): a cell that keeps dropout masks, width of its inputs.

    >>> stack = StackedCells([keras.layers.GRUCell(4), keras.layers.LSTMCell(3, dropout=0.5)])
    >>> [(type(cell).__name__, width) for cell, width in dropout_cells(stack, 2)]
    [('LSTMCell', 4)]
    """
    if isinstance(getattr(cell, "cells", None), Sequence):
        for inner in cell.cells:
            yield from dropout_cells(inner, width)
            width = output_size_of(inner)
    elif hasattr(cell, "cell") and hasattr(cell, "inner_shape"):
        yield from dropout_cells(cell.cell, int(cell.inner_shape((None, width))[-1]))
    elif isinstance(cell, DropoutRNNCell) and (cell.dropout or cell.recurrent_dropout):
        yield cell, width


@keras.saving.register_keras_serializable(package="kerazoo")
class StackedCells(keras.layers.Layer):
    """A stack of cells as one cell: the outputs of one cell are the inputs of the next.

    Like `keras.layers.StackedRNNCells`, but with a flat list of states, with dropout and masks, and with the parallel
    form if all cells have one.

    Args:
        cells: list of cells; the first reads the input.
        **kwargs: `name`, `dtype`, `trainable`.

    Shapes: inputs (B, F); states of all cells in order; output of the last cell.

    >>> from kerazoo.cells import make_cell
    >>> StackedCells([make_cell("lstm", 4), make_cell("gru", 3)]).state_size
    [4, 4, 3]
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not cells:
            raise InvalidArgumentError("cells=[]; expected at least one cell. make_cell('lstm', 32) returns one.")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states of all cells."""
        return [size for cell in self.cells for size in state_sizes_of(cell)]

    @property
    def output_size(self) -> int:
        """Width of the output of the last cell."""
        return output_size_of(self.cells[-1])

    @property
    def linear(self) -> bool:
        """Whether all cells have a parallel form."""
        return all(getattr(cell, "linear", False) for cell in self.cells)

    @property
    def chunked(self) -> bool:
        """Whether the parallel forms of all cells work on chunks."""
        return all(getattr(cell, "chunked", False) for cell in self.cells)

    @property
    def supports_step_mask(self) -> bool:
        """Whether all cells can mask steps."""
        return all(getattr(cell, "supports_step_mask", True) for cell in self.cells)

    @property
    def why_not_linear(self) -> str:
        """Which cells have no parallel form."""
        not_linear = [type(cell).__name__ for cell in self.cells if not getattr(cell, "linear", False)]
        return f"{', '.join(not_linear)} in the stack: not linear in the state." if not_linear else ""

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States of all cells before the first step."""
        return [state for cell in self.cells for state in initial_state_of(cell, batch_size, self.compute_dtype)]

    def sequence_noise(self, batch: Any, steps: Any, training: bool) -> Any:
        """Noise of all cells: see `WrapperCell.sequence_noise`."""
        drawn = {}
        for number, cell in enumerate(self.cells):
            draw = getattr(cell, "sequence_noise", None)
            noise = draw(batch, steps, training) if draw else None
            if noise is not None:
                drawn[str(number)] = noise
        return drawn or None

    def build(self, input_shape: Any) -> None:
        """Build the cells that are not built, each for the outputs of the one before."""
        for cell in self.cells:
            if not cell.built:
                cell.build(tuple(input_shape))
                cell.built = True
            input_shape = (*input_shape[:-1], output_size_of(cell))
        self.built = True

    def _split_states(self, states: Any) -> list[list[Any]]:
        """The states of each cell."""
        remaining = iter(list(states))
        return [[next(remaining) for _ in state_sizes_of(cell)] for cell in self.cells]

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step through all cells."""
        new_states = []
        for number, (cell, own) in enumerate(zip(self.cells, self._split_states(states), strict=True)):
            inputs, new = call_cell(cell, inputs, own, training, (noise or {}).get(str(number)), time)
            new_states.extend(new)
        return inputs, new_states

    def parallel_call(
        self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False, noise: Any = None
    ) -> tuple[Any, list[Any]]:
        """All steps in parallel, one cell after the other."""
        new_states = []
        for number, (cell, own) in enumerate(zip(self.cells, self._split_states(states), strict=True)):
            drawn = (noise or {}).get(str(number))
            sequences, new = run_parallel_form(cell, sequences, own, mask, training, drawn)
            new_states.extend(new)
        return sequences, new_states

    def compute_output_shape(self, input_shape: Any, states_shape: Any = None) -> Any:
        """Shapes of (output, states)."""
        return (input_shape[0], self.output_size), [(input_shape[0], size) for size in self.state_size]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, with the serialised cells."""
        return {**super().get_config(), "cells": [keras.saving.serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StackedCells:
        """The inverse of `get_config`."""
        config = dict(config)
        config["cells"] = [keras.saving.deserialize_keras_object(cell) for cell in config["cells"]]
        return cls(**config)
