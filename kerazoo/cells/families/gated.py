"""Gated units related to the LSTM and the GRU: CIFG, MGU, UGRNN, +RNN, RAN."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_flag, check_real
from kerazoo.cells.base import RecurrentCell, raised_bias, split_at
from kerazoo.cells.registry import CellInfo

__all__ = ["CELLS", "CIFGCell", "IntersectionRNNCell", "MGUCell", "RANCell", "UGRNNCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class CIFGCell(RecurrentCell):
    """CIFG: an LSTM with coupled input and forget gates, i = 1 - f.

    Equations (Greff et al. 2017, "LSTM: A Search Space Odyssey", arXiv:1503.04069, variant CIFG, written for the forget
    gate as `tf.contrib.rnn.CoupledInputForgetGateLSTMCell` does), with g = `activation`::

        f_t = sigmoid(x_t W_f + h_(t-1) U_f + p_f * c_(t-1) + b_f),  i_t = 1 - f_t
        c_t = f_t * c_(t-1) + i_t * g(x_t W_c + h_(t-1) U_c + b_c)
        o_t = sigmoid(x_t W_o + h_(t-1) U_o + p_o * c_t + b_o)
        h_t = o_t * g(c_t)

    The terms in p are the peepholes. The paper has them; in `tf.contrib`, and here, they are optional.

    Args:
        units: int >= 1.
        activation: function of the candidate and of the output.
        peephole: bool, the gates read the memory c.
        forget_bias: float, added to the initial b_f of `bias_initializer` (`tf.contrib`: 1).
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h, c], each (B, units); output h. Weights: kernel (F, 3 units) and recurrent_kernel
    (units, 3 units) as [f, c, o], bias (3 units); with peepholes peephole_kernel (2, units) as [f, o].

    >>> import numpy as np
    >>> cell = CIFGCell(4, peephole=True)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(states)
    ((2, 4), 2)
    """

    options = ("activation", "peephole", "forget_bias")

    def __init__(
        self, units: int, activation: Any = "tanh", peephole: bool = False, forget_bias: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)
        self.peephole = check_flag("peephole", peephole)
        self.forget_bias = check_real("forget_bias", forget_bias)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 3 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 3 * self.units))
        offsets = [self.forget_bias, 0.0, 0.0]
        self.bias = self.add_bias("bias", (3 * self.units,), raised_bias(self.bias_initializer, offsets))
        if self.peephole:
            self.peephole_kernel = self.add_recurrent_kernel("peephole_kernel", (2, self.units))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c = states
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        f, candidate, o = ops.split(sums, 3, axis=-1)
        if self.peephole:
            f = f + c * self.peephole_kernel[0]
        f = ops.sigmoid(f)
        c = f * c + (1 - f) * self.activation(candidate)
        if self.peephole:
            o = o + c * self.peephole_kernel[1]
        h = ops.sigmoid(o) * self.activation(c)
        return h, [h, c]


@keras.saving.register_keras_serializable(package="kerazoo")
class MGUCell(RecurrentCell):
    """MGU, the minimal gated unit: a GRU with one gate for reset and update.

    Equations (Zhou et al. 2016, "Minimal Gated Unit for Recurrent Neural Networks", arXiv:1603.09420), with
    g = `activation`::

        f_t = sigmoid(x_t W_f + h_(t-1) U_f + b_f)
        c_t = g(x_t W_h + (f_t * h_(t-1)) U_h + b_h)          the paper's h~_t
        h_t = (1 - f_t) * h_(t-1) + f_t * c_t

    Args:
        units: int >= 1.
        activation: function of the candidate.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights: kernel (F, 2 units) and recurrent_kernel
    (units, 2 units) as [f, h], bias (2 units).

    >>> import numpy as np
    >>> cell = MGUCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape)
    (2, 4)
    """

    options = ("activation",)

    def __init__(self, units: int, activation: Any = "tanh", **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 2 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 2 * self.units))
        self.bias = self.add_bias("bias", (2 * self.units,))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h = states[0]
        f, candidate = ops.split(ops.matmul(inputs, self.kernel) + self.bias, 2, axis=-1)
        of_gate, of_candidate = ops.split(ops.convert_to_tensor(self.recurrent_kernel), 2, axis=-1)
        f = ops.sigmoid(f + ops.matmul(h, of_gate))
        # The gate acts on the state before the product, so candidate and gate need separate products.
        candidate = self.activation(candidate + ops.matmul(f * h, of_candidate))
        h = (1 - f) * h + f * candidate
        return h, [h]


@keras.saving.register_keras_serializable(package="kerazoo")
class UGRNNCell(RecurrentCell):
    """UGRNN, the update gate RNN: one gate between the old state and the candidate.

    Equations (Collins et al. 2017, "Capacity and Trainability in Recurrent Neural Networks", arXiv:1611.09913), with
    s = `activation`::

        g_t = sigmoid(x_t W_g + h_(t-1) U_g + b_g)
        c_t = s(x_t W_c + h_(t-1) U_c + b_c)
        h_t = g_t * h_(t-1) + (1 - g_t) * c_t

    Args:
        units: int >= 1.
        activation: function of the candidate.
        forget_bias: float, added to the initial b_g of `bias_initializer` (`tf.contrib.rnn.UGRNNCell`: 1).
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights: kernel (F, 2 units) and recurrent_kernel
    (units, 2 units) as [g, c], bias (2 units).

    >>> import numpy as np
    >>> cell = UGRNNCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape)
    (2, 4)
    """

    options = ("activation", "forget_bias")

    def __init__(self, units: int, activation: Any = "tanh", forget_bias: float = 1.0, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)
        self.forget_bias = check_real("forget_bias", forget_bias)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 2 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 2 * self.units))
        self.bias = self.add_bias(
            "bias", (2 * self.units,), raised_bias(self.bias_initializer, [self.forget_bias, 0.0])
        )
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h = states[0]
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        g, candidate = ops.split(sums, 2, axis=-1)
        g = ops.sigmoid(g)
        h = g * h + (1 - g) * self.activation(candidate)
        return h, [h]


@keras.saving.register_keras_serializable(package="kerazoo")
class IntersectionRNNCell(RecurrentCell):
    """+RNN, the intersection RNN: one gate along time, one gate along depth.

    Equations (Collins et al. 2017, arXiv:1611.09913), with s1 = `y_activation`, s2 = `activation` and u_t = x_t if
    the input is as wide as the cell, else u_t = x_t W_u + b_u::

        a_t = s1(u_t W_y + h_(t-1) U_y + b_y)           the paper's y^in
        n_t = s2(u_t W_h + h_(t-1) U_h + b_h)           the paper's h^in
        g_t = sigmoid(u_t W_gy + h_(t-1) U_gy + b_gy)   the gate of depth
        k_t = sigmoid(u_t W_gh + h_(t-1) U_gh + b_gh)   the gate of time
        y_t = g_t * u_t + (1 - g_t) * a_t
        h_t = k_t * h_(t-1) + (1 - k_t) * n_t

    The output y is not a state. `tf.contrib.rnn.IntersectionRNNCell` has the projection, with a bias, if its argument
    `num_in_proj` is set; here it is added if the widths differ. The cell is meant for stacks of several layers.

    Args:
        units: int >= 1.
        activation: function of the candidate of the state.
        y_activation: function of the candidate of the output.
        forget_bias: float, added to the initial b_gy and b_gh of `bias_initializer` (`tf.contrib`: 1).
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output y (B, units). Weights: kernel and recurrent_kernel
    (units, 4 units) as [gh, h, gy, y], bias (4 units); if F != units projection_kernel (F, units) and
    projection_bias (units).

    >>> import numpy as np
    >>> cell = IntersectionRNNCell(4)
    >>> y, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape), tuple(states[0].shape)
    ((2, 4), (2, 4))
    """

    options = ("activation", "y_activation", "forget_bias")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        y_activation: Any = "relu",
        forget_bias: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)
        self.y_activation = keras.activations.get(y_activation)
        self.forget_bias = check_real("forget_bias", forget_bias)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.projects = input_shape[-1] != self.units
        if self.projects:
            self.projection_kernel = self.add_kernel("projection_kernel", (input_shape[-1], self.units))
            self.projection_bias = self.add_bias("projection_bias", (self.units,))
        self.kernel = self.add_kernel("kernel", (self.units, 4 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 4 * self.units))
        offsets = [self.forget_bias, 0.0, self.forget_bias, 0.0]
        self.bias = self.add_bias("bias", (4 * self.units,), raised_bias(self.bias_initializer, offsets))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h = states[0]
        if self.projects:
            inputs = ops.matmul(inputs, self.projection_kernel) + self.projection_bias
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel) + self.bias
        keep, new, carry, shown = ops.split(sums, 4, axis=-1)
        keep, carry = ops.sigmoid(keep), ops.sigmoid(carry)
        y = carry * inputs + (1 - carry) * self.y_activation(shown)
        h = keep * h + (1 - keep) * self.activation(new)
        return y, [h]


@keras.saving.register_keras_serializable(package="kerazoo")
class RANCell(RecurrentCell):
    """RAN, the recurrent additive network: the memory is a weighted sum of linear projections of the inputs.

    Equations (Lee, Levy & Zettlemoyer 2017, "Recurrent Additive Networks", arXiv:1705.07393, sec. 2), with
    g = `activation`::

        i_t = sigmoid(x_t W_i + h_(t-1) U_i + b_i),  f_t = sigmoid(x_t W_f + h_(t-1) U_f + b_f)
        c_t = i_t * (x_t W_c) + f_t * c_(t-1)           the content x_t W_c has no bias
        h_t = g(c_t)

    Args:
        units: int >= 1.
        activation: function of the output: tanh, or None for the identity (the paper has both).
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h, c], each (B, units); output h. Weights: kernel (F, 3 units) as [c, i, f],
    recurrent_kernel (units, 2 units) and bias (2 units) as [i, f].

    >>> import numpy as np
    >>> cell = RANCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(states)
    ((2, 4), 2)
    """

    options = ("activation",)

    def __init__(self, units: int, activation: Any = "tanh", **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 3 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 2 * self.units))
        self.bias = self.add_bias("bias", (2 * self.units,))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c = states
        content, gates = split_at(ops.matmul(inputs, self.kernel), [self.units])
        i, f = ops.split(ops.sigmoid(gates + ops.matmul(h, self.recurrent_kernel) + self.bias), 2, axis=-1)
        c = i * content + f * c
        h = self.activation(c)
        return h, [h, c]


_COLLINS = 'Collins, Sohl-Dickstein & Sussillo 2017, "Capacity and Trainability in Recurrent Neural Networks", ICLR'

CELLS = (
    CellInfo(
        name="cifg",
        make=CIFGCell,
        title="LSTM with coupled input and forget gates.",
        paper='Greff et al. 2017, "LSTM: A Search Space Odyssey", arXiv:1503.04069',
        aliases=("coupledlstm",),
        states=("h", "c"),
        note="input gate = 1 - forget gate",
    ),
    CellInfo(
        name="mgu",
        make=MGUCell,
        title="Minimal gated unit: a GRU with a single gate.",
        paper='Zhou et al. 2016, "Minimal Gated Unit for Recurrent Neural Networks", arXiv:1603.09420',
    ),
    CellInfo(
        name="ugrnn",
        make=UGRNNCell,
        title="Update gate RNN: one gate between the old state and the candidate.",
        paper=f"{_COLLINS}, arXiv:1611.09913",
    ),
    CellInfo(
        name="intersection",
        make=IntersectionRNNCell,
        title="+RNN: a gate along time and a gate along depth.",
        paper=f"{_COLLINS}, arXiv:1611.09913",
        aliases=("intersectionrnn", "plusrnn"),
        note="the output is not a state; made for stacks",
    ),
    CellInfo(
        name="ran",
        make=RANCell,
        title="Recurrent additive network: gated sums of linear inputs.",
        paper='Lee, Levy & Zettlemoyer 2017, "Recurrent Additive Networks", arXiv:1705.07393',
        states=("h", "c"),
    ),
)
