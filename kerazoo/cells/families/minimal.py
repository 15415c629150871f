"""Gated units whose gates read only the input, so that they are linear in the state: minGRU and minLSTM."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo.cells.base import RecurrentCell
from kerazoo.cells.registry import CellInfo
from kerazoo.cells.scan import linear_scan

__all__ = ["CELLS", "MinGRUCell", "MinLSTMCell"]


class _InputGatedCell(RecurrentCell):
    """h_t = d_t * h_(t-1) + n_t, where d_t and n_t depend only on the inputs."""

    options = ("activation",)
    linear = True
    parts = 0  # number of blocks of the kernel

    def __init__(self, units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], self.parts * self.units))
        self.bias = self.add_bias("bias", (self.parts * self.units,))
        self.built = True

    def _parts_of(self, inputs: Any) -> list[Any]:
        return list(ops.split(ops.matmul(inputs, self.kernel) + self.bias, self.parts, axis=-1))

    def _decay_and_new(self, inputs: Any) -> tuple[Any, Any]:
        """D and n of a step or of a sequence."""
        raise NotImplementedError

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        decay, new = self._decay_and_new(inputs)
        h = decay * states[0] + new
        return h, [h]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        h = linear_scan(*self._decay_and_new(sequences), states[0], mask)
        return h, [h[:, -1]]


@keras.saving.register_keras_serializable(package="kerazoo")
class MinGRUCell(_InputGatedCell):
    """minGRU: a GRU whose gate and candidate do not read the state.

    Equations (Feng et al. 2024, "Were RNNs All We Needed?", arXiv:2410.01201, sec. 3.1.3), with g = `activation`::

        z_t = sigmoid(x_t W_z + b_z)
        c_t = g(x_t W_h + b_h)                  the paper's h~_t, with the identity for g
        h_t = (1 - z_t) * h_(t-1) + z_t * c_t

    Args:
        units: int >= 1.
        activation: function of the candidate; None is the paper's identity.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights: kernel (F, 2 units) as [z, h], bias (2 units).

    >>> import numpy as np
    >>> cell = MinGRUCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape)
    (2, 4)
    """

    parts = 2

    def _decay_and_new(self, inputs: Any) -> tuple[Any, Any]:
        z, candidate = self._parts_of(inputs)
        z = ops.sigmoid(z)
        return 1 - z, z * self.activation(candidate)


@keras.saving.register_keras_serializable(package="kerazoo")
class MinLSTMCell(_InputGatedCell):
    """minLSTM: an LSTM whose gates do not read the state, and whose forget and input gates sum to one.

    Equations (Feng et al. 2024, arXiv:2410.01201, sec. 3.2.3), with g = `activation`::

        f_t = sigmoid(x_t W_f + b_f),  i_t = sigmoid(x_t W_i + b_i)
        c_t = g(x_t W_h + b_h)                  the paper's h~_t, with the identity for g
        h_t = f_t / (f_t + i_t) * h_(t-1) + i_t / (f_t + i_t) * c_t

    Args:
        units: int >= 1.
        activation: function of the candidate; None is the paper's identity.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights: kernel (F, 3 units) as [f, i, h], bias (3 units).

    >>> import numpy as np
    >>> cell = MinLSTMCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape)
    (2, 4)
    """

    parts = 3

    def _decay_and_new(self, inputs: Any) -> tuple[Any, Any]:
        f, i, candidate = self._parts_of(inputs)
        # f / (f + i) = sigmoid(log f - log i), which avoids a quotient of two vanishing numbers.
        decay = ops.sigmoid(ops.log_sigmoid(f) - ops.log_sigmoid(i))
        return decay, (1 - decay) * self.activation(candidate)


_PAPER = 'Feng et al. 2024, "Were RNNs All We Needed?", arXiv:2410.01201'

CELLS = (
    CellInfo(name="mingru", make=MinGRUCell, title="GRU without the state in its gates.", paper=_PAPER),
    CellInfo(name="minlstm", make=MinLSTMCell, title="LSTM without the state in its gates.", paper=_PAPER),
)
