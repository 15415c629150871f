"""Residual and highway connections around a cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.cells.wrappers.base import WrapperCell
from kerazoo.errors import InvalidArgumentError

__all__ = ["HighwayCell", "ResidualCell"]


def _check_equal_widths(what: str, inputs: int, outputs: int) -> None:
    if inputs != outputs:
        raise InvalidArgumentError(
            f"{what}: inputs of width {inputs}, outputs of width {outputs}; expected equal widths, as they are added. "
            f"Use an input projection to {outputs} (InputProjectionCell(..., {outputs}) around it), an output "
            f"projection to {inputs} (OutputProjectionCell(cell, {inputs}) inside it), or {inputs} units."
        )


@keras.saving.register_keras_serializable(package="kerazoo")
class ResidualCell(WrapperCell):
    """Adds the inputs to the outputs: y_t = x_t + cell(x_t) (He et al. 2015; Wu et al. 2016, eq. 5).

    Args:
        cell: the cell inside; its input and output must have the same width.
        **kwargs: see :class:`WrapperCell`.

    Raises:
        InvalidArgumentError: when built, if the widths differ. The message names the projection that fixes it.

    >>> import numpy as np
    >>> cell = ResidualCell(keras.layers.GRUCell(3))
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 3)
    """

    def build(self, input_shape: Any) -> None:
        """Check the widths and build the cell inside and the weights."""
        _check_equal_widths("residual connection", int(input_shape[-1]), self.output_size)
        super().build(input_shape)

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Add the inputs to the output."""
        return inputs + output, states


@keras.saving.register_keras_serializable(package="kerazoo")
class HighwayCell(WrapperCell):
    """A gate carries part of the inputs past the cell (Srivastava et al. 2015, eq. 3, with C = 1 - T).

    The equations are::

        k_t = sigmoid(x_t W_k + b_k)
        y_t = k_t * x_t + (1 - k_t) * cell(x_t)

    Args:
        cell: the cell inside; its input and output must have the same width.
        carry_bias: float, initial b_k; large values carry most of the inputs at first.
        **kwargs: see :class:`WrapperCell`.

    Weights: carry_kernel (F, F), carry_bias (F).

    Raises:
        InvalidArgumentError: when built, if the widths differ. The message names the projection that fixes it.

    >>> import numpy as np
    >>> cell = HighwayCell(keras.layers.GRUCell(3))
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 3)
    """

    options = ("carry_bias",)

    def __init__(self, cell: Any, carry_bias: float = 1.0, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.carry_bias = float(carry_bias)

    def build(self, input_shape: Any) -> None:
        """Check the widths and build the cell inside and the weights."""
        width = int(input_shape[-1])
        _check_equal_widths("highway connection", width, self.output_size)
        self.gate_kernel = self.add_weight(shape=(width, width), name="carry_kernel", initializer="glorot_uniform")
        self.gate_bias = self.add_weight(
            shape=(width,), name="carry_bias", initializer=keras.initializers.Constant(self.carry_bias)
        )
        super().build(input_shape)

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Mix inputs and output by the gate."""
        carry = ops.sigmoid(ops.matmul(inputs, self.gate_kernel) + self.gate_bias)
        return carry * inputs + (1 - carry) * output, states
