"""Dense layers before and after a cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_int
from kerazoo.cells.base import output_size_of
from kerazoo.cells.wrappers.base import WrapperCell

__all__ = ["InputProjectionCell", "OutputProjectionCell"]


class _ProjectionCell(WrapperCell):
    """A wrapper with one dense layer."""

    options = ("units", "activation", "use_bias")

    def __init__(self, cell: Any, units: int, activation: Any = None, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.units = check_int("units", units, hint="It is the width of the projection.")
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)

    def _add_projection(self, width: int, kernel: str, bias: str) -> None:
        self.projection = self.add_weight(shape=(width, self.units), name=kernel, initializer="glorot_uniform")
        self.bias = self.add_weight(shape=(self.units,), name=bias, initializer="zeros") if self.use_bias else None

    def project(self, values: Any) -> Any:
        """Apply the dense layer along the last axis."""
        values = ops.matmul(values, self.projection)
        return self.activation(values if self.bias is None else values + self.bias)


@keras.saving.register_keras_serializable(package="kerazoo")
class InputProjectionCell(_ProjectionCell):
    """A dense layer before the cell: cell(g(x_t W + b)).

    Args:
        cell: the cell inside.
        units: int >= 1, width of the inputs of the cell inside.
        activation: g; None: the identity.
        use_bias: bool.
        **kwargs: see :class:`WrapperCell`.

    Weights: input_projection (F, units), input_projection_bias (units).

    >>> import numpy as np
    >>> cell = InputProjectionCell(keras.layers.GRUCell(5), 4)
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 5)
    """

    def build(self, input_shape: Any) -> None:
        """Build the projection and the cell inside."""
        self._add_projection(int(input_shape[-1]), "input_projection", "input_projection_bias")
        super().build(input_shape)

    def inner_shape(self, input_shape: Any) -> Any:
        """Shape of the projected inputs."""
        return (*input_shape[:-1], self.units)

    def prepare(self, inputs: Any) -> Any:
        """Project the inputs."""
        return self.project(inputs)


@keras.saving.register_keras_serializable(package="kerazoo")
class OutputProjectionCell(_ProjectionCell):
    """A dense layer after the cell: g(cell(x_t) W + b). The states are those of the cell.

    Args:
        cell: the cell inside.
        units: int >= 1, width of the output.
        activation: g; None: the identity.
        use_bias: bool.
        **kwargs: see :class:`WrapperCell`.

    Weights: output_projection (U, units), output_projection_bias (units).

    >>> import numpy as np
    >>> cell = OutputProjectionCell(keras.layers.GRUCell(5), 4)
    >>> y, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 4)
    """

    def build(self, input_shape: Any) -> None:
        """Build the projection and the cell inside."""
        self._add_projection(output_size_of(self.cell), "output_projection", "output_projection_bias")
        super().build(input_shape)

    @property
    def output_size(self) -> int:
        """Width of the projected output."""
        return self.units

    def finish(self, inputs: Any, output: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Project the output."""
        return self.project(output), states
