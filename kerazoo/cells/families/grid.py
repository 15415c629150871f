"""Grid LSTM: coupled LSTMs along several dimensions, one of which is depth and the others are time."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_flag, check_int, check_real
from kerazoo.cells.base import RecurrentCell, raised_bias
from kerazoo.cells.registry import CellInfo
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "GridLSTMCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class GridLSTMCell(RecurrentCell):
    """Grid LSTM: a block of N LSTMs, one per dimension, each of which reads the hidden vectors of all.

    Equations (Kalchbrenner et al. 2016, "Grid Long Short-Term Memory", arXiv:1507.01526, sec. 3.1 and 3.2). The LSTM of
    a dimension takes the hidden vectors H of the block and its own memory m, with g = `activation`::

        LSTM(H, m; W, b):
            u, f, o, c = H W + b
            m' = sigmoid(f) * m + sigmoid(u) * g(c)
            h' = g(sigmoid(o) * m')

    As in the paper, g is applied after the output gate, unlike in the usual LSTM. Dimension 0 is depth: the projected
    input enters the block there, and its h' is the output. Dimensions 1 to N - 1 are time: their (h_i, m_i) are those
    of the previous step. Depth has priority (sec. 3.2): it is computed last and reads the new hidden vectors of the
    others::

        h_0 = x_t V_h,  m_0 = x_t V_m
        (h'_i, m'_i) = LSTM([h_0, h_1, ..., h_(N-1)], m_i; W_i, b_i)        i = 1 .. N - 1
        (h'_0, m'_0) = LSTM([h_0, h'_1, ..., h'_(N-1)], m_0; W_0, b_0)
        output h'_0,  carried to the next step (h'_1, m'_1), ..., (h'_(N-1), m'_(N-1))

    With `depth_activation` = r, depth is a dense layer instead of an LSTM (sec. 3.3) and has no memory::

        h'_0 = r([h_0, h'_1, ..., h'_(N-1)] W_0 + b_0)

    With one dimension there is only time, and the block is the LSTM of sec. 2 of the paper::

        (h', m') = LSTM([x_t V_h, h], m; W, b)        output and carried to the next step h'

    The dimensions, their roles and the priority follow `Grid2LSTMCell` and `Grid3LSTMCell` of `tf.contrib.grid_rnn`.
    Their dimension 0 also has states, which the projected input overwrites; they are omitted here. `Grid1LSTMCell`
    there overwrites its only states and so remembers nothing; this cell does not. `tf.contrib` computes
    h' = o * tanh(m'); this cell follows the paper. The biases, which the paper omits, and the value 1 of `forget_bias`
    are those of `tf.contrib`.

    Args:
        units: int >= 1, width of every dimension.
        dimensions: int >= 1, N: depth, and N - 1 dimensions of time.
        shared: bool, one W and one b for the LSTMs of all dimensions (`tied` in `tf.contrib`). Dimensions of time then
            differ only in their memories: with N > 2 and zero initial states they stay equal.
        activation: function of the candidate and of the output.
        depth_activation: None for an LSTM along depth, or the function of a dense layer.
        forget_bias: float, added to the initial b_f of `bias_initializer`.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h_1, m_1, h_2, m_2, ...], each (B, units), of the dimensions of time; output h'_0, or
    h' with one dimension, (B, units). Weights, with gates as [u, f, o, c]:

    - kernel (F, 2 units) as [V_h, V_m]; without V_m, (F, units), with one dimension or a dense layer;
    - recurrent_kernel (N units, (N - 1) 4 units) and bias ((N - 1) 4 units), in the order of the dimensions; if shared,
      a single (N units, 4 units) and (4 units); with one dimension (2 units, 4 units) and (4 units);
    - depth_kernel (N units, 4 units) and depth_bias (4 units), if not shared; for a dense layer, shared or not,
      (N units, units) and (units).

    >>> import numpy as np
    >>> cell = GridLSTMCell(4, dimensions=3)
    >>> h, states = cell(np.zeros((2, 5), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(states)
    ((2, 4), 4)
    """

    options = ("dimensions", "shared", "activation", "depth_activation", "forget_bias")

    def __init__(
        self,
        units: int,
        dimensions: int = 2,
        shared: bool = False,
        activation: Any = "tanh",
        depth_activation: Any = None,
        forget_bias: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.dimensions = check_int("dimensions", dimensions, hint="One dimension is depth, the others are time.")
        self.shared = check_flag("shared", shared)
        self.activation = keras.activations.get(activation)
        # None means that depth is an LSTM, so it must not become the identity.
        self.depth_activation = None if depth_activation is None else keras.activations.get(depth_activation)
        if self.depth_activation is not None and self.dimensions == 1:
            raise InvalidArgumentError(
                f"depth_activation={depth_activation!r}; expected None. With dimensions=1 there is no depth."
            )
        self.forget_bias = check_real("forget_bias", forget_bias)
        self.droppable_states = tuple(range(0, len(self.state_size), 2))

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units] * (2 * max(self.dimensions - 1, 1))

    @property
    def _times(self) -> int:
        """Number of dimensions of time."""
        return max(self.dimensions - 1, 1)

    def _add_bias_of_gates(self, name: str, count: int) -> Any:
        offsets = [0.0, self.forget_bias, 0.0, 0.0] * count
        return self.add_bias(name, (4 * self.units * count,), raised_bias(self.bias_initializer, offsets))

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        units, plain = self.units, self.depth_activation is not None
        hidden = max(self.dimensions, 2) * units
        self.kernel = self.add_kernel(
            "kernel", (input_shape[-1], units if self.dimensions == 1 or plain else 2 * units)
        )
        blocks = 1 if self.shared else self._times
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (hidden, 4 * units * blocks))
        self.bias = self._add_bias_of_gates("bias", blocks)
        if plain:
            self.depth_kernel = self.add_recurrent_kernel("depth_kernel", (hidden, units))
            self.depth_bias = self.add_bias("depth_bias", (units,))
        elif self.dimensions > 1 and not self.shared:
            self.depth_kernel = self.add_recurrent_kernel("depth_kernel", (hidden, 4 * units))
            self.depth_bias = self._add_bias_of_gates("depth_bias", 1)
        self.built = True

    def _transform(self, gates: list[Any], m: Any) -> tuple[Any, Any]:
        u, f, o, c = gates
        m = ops.sigmoid(f) * m + ops.sigmoid(u) * self.activation(c)
        return self.activation(ops.sigmoid(o) * m), m

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        states = list(states)
        hidden, memories = states[::2], states[1::2]
        entered = ops.matmul(inputs, self.kernel)
        h_in, m_in = entered[:, : self.units], entered[:, self.units :]

        read = ops.matmul(ops.concatenate([h_in, *hidden], axis=-1), self.recurrent_kernel) + self.bias
        blocks = 1 if self.shared else self._times
        gates = ops.split(read, 4 * blocks, axis=-1) * (self._times // blocks)
        new = [self._transform(gates[4 * i : 4 * i + 4], memories[i]) for i in range(self._times)]
        new_states = [state for pair in new for state in pair]
        if self.dimensions == 1:
            return new_states[0], new_states

        seen = ops.concatenate([h_in, *(h for h, _ in new)], axis=-1)
        if self.depth_activation is not None:
            return self.depth_activation(ops.matmul(seen, self.depth_kernel) + self.depth_bias), new_states
        kernel, bias = (self.recurrent_kernel, self.bias) if self.shared else (self.depth_kernel, self.depth_bias)
        output, _ = self._transform(ops.split(ops.matmul(seen, kernel) + bias, 4, axis=-1), m_in)
        return output, new_states


_PAPER = 'Kalchbrenner et al. 2016, "Grid Long Short-Term Memory", ICLR, arXiv:1507.01526'

CELLS = (
    CellInfo(
        name="grid1lstm",
        make=GridLSTMCell,
        title="Grid LSTM of one dimension, time.",
        paper=_PAPER,
        states=("h", "m"),
        options={"dimensions": 1},
    ),
    CellInfo(
        name="grid2lstm",
        make=GridLSTMCell,
        title="Grid LSTM of two dimensions, depth and time.",
        paper=_PAPER,
        aliases=("gridlstm",),
        states=("h", "m"),
        options={"dimensions": 2},
    ),
    CellInfo(
        name="grid3lstm",
        make=GridLSTMCell,
        title="Grid LSTM of three dimensions, depth and two of time.",
        paper=_PAPER,
        states=("h₁", "m₁", "h₂", "m₂"),
        options={"dimensions": 3},
    ),
)
