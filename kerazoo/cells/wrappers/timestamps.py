"""`TimeStampedCell`: time stamps that pass through a stack."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.cells.base import output_size_of
from kerazoo.cells.wrappers.base import WrapperCell
from kerazoo.errors import InvalidArgumentError

__all__ = ["TimeStampedCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class TimeStampedCell(WrapperCell):
    """Passes the last feature, the time stamp, to the cell inside as an argument and appends it to the output.

    So a whole stack keeps its time stamps, whatever wrappers are inside. A Phased LSTM inside is made with
    ``time="argument"``; cells without an argument `time` do not get it.

    Args:
        cell: the cell inside.
        **kwargs: see :class:`WrapperCell`.

    Shapes: inputs (B, F + 1); output (B, U + 1).

    Raises:
        InvalidArgumentError: when built, if the input has a single feature, so that only the time would be left.

    >>> import numpy as np
    >>> cell = TimeStampedCell(keras.layers.GRUCell(5))
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 6)
    """

    def build(self, input_shape: Any) -> None:
        """Build the cell inside, for inputs without the time stamp."""
        if int(input_shape[-1]) < 2:
            raise InvalidArgumentError(
                f"time stamps missing: input of shape {tuple(input_shape)} has one feature; expected at least one "
                "feature and, as the last one, the time."
            )
        super().build(input_shape)

    @property
    def output_size(self) -> int:
        """Width of the output of the cell inside, plus one for the time stamp."""
        return output_size_of(self.cell) + 1

    def inner_shape(self, input_shape: Any) -> Any:
        """Shape of the inputs without the time stamp."""
        return (*input_shape[:-1], input_shape[-1] - 1)

    def call(
        self, inputs: Any, states: Any, training: bool = False, noise: Any = None, time: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step: (B, F + 1) and a list of states -> (B, U + 1), new states."""
        output, states = self.call_inner(inputs[..., :-1], states, training, noise, inputs[..., -1:])
        return self.finish(inputs, output, states)

    def prepare(self, inputs: Any) -> Any:
        """The inputs without the time stamp."""
        return inputs[..., :-1]

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Append the time stamp to the output."""
        return ops.concatenate([output, inputs[..., -1:]], axis=-1), states
