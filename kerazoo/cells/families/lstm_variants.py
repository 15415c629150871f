"""LSTMs with peepholes, a projection, normalisation or groups, and the cell of an architecture search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_flag, check_int, check_real
from kerazoo.cells.base import RecurrentCell, raised_bias
from kerazoo.cells.registry import CellInfo
from kerazoo.errors import InvalidArgumentError

__all__ = [
    "CELLS",
    "GroupLSTMCell",
    "LayerNormLSTMCell",
    "NASCell",
    "ProjectedLSTMCell",
]


@keras.saving.register_keras_serializable(package="kerazoo")
class ProjectedLSTMCell(RecurrentCell):
    """LSTM with peepholes and an optional recurrent projection.

    Equations (Sak, Senior & Beaufays 2014, "Long Short-Term Memory Based Recurrent Neural Network Architectures for
    Large Vocabulary Speech Recognition", arXiv:1402.1128, LSTMP; the peepholes, which are elementwise, are Gers &
    Schmidhuber's 2000), with g = `activation`::

        i_t = sigmoid(x_t W_i + r_(t-1) U_i + p_i * c_(t-1) + b_i)
        f_t = sigmoid(x_t W_f + r_(t-1) U_f + p_f * c_(t-1) + b_f)
        c_t = f_t * c_(t-1) + i_t * g(x_t W_c + r_(t-1) U_c + b_c)
        o_t = sigmoid(x_t W_o + r_(t-1) U_o + p_o * c_t + b_o)
        m_t = o_t * g(c_t)
        r_t = m_t P                             without a projection r_t = m_t

    The paper's second projection, which only the next layer reads, is a `Dense` layer after the cell.

    Args:
        units: int >= 1, width of the memory c.
        projection: int >= 1, width of the recurrent projection r; None: no projection.
        peephole: bool, the gates read the memory c.
        activation: function of the candidate and of the output.
        forget_bias: float, added to the initial b_f of `bias_initializer` (`tf.contrib.rnn.LSTMCell`: 1).
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: with R = projection or units: inputs (B, F); states [r (B, R), c (B, units)]; output r. Weights: kernel
    (F, 4 units) and recurrent_kernel (R, 4 units) as [i, f, c, o], bias (4 units); with peepholes peephole_kernel
    (3, units) as [i, f, o]; with a projection projection_kernel (units, R).

    >>> import numpy as np
    >>> cell = ProjectedLSTMCell(8, projection=3)
    >>> r, states = cell(np.zeros((2, 5), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(r.shape), [tuple(state.shape) for state in states]
    ((2, 3), [(2, 3), (2, 8)])
    """

    options = ("projection", "peephole", "activation", "forget_bias")

    def __init__(
        self,
        units: int,
        projection: int | None = None,
        peephole: bool = True,
        activation: Any = "tanh",
        forget_bias: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.projection = projection if projection is None else check_int("projection", projection)
        self.peephole = check_flag("peephole", peephole)
        self.activation = keras.activations.get(activation)
        self.forget_bias = check_real("forget_bias", forget_bias)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.output_size, self.units]

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return self.projection or self.units

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 4 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.output_size, 4 * self.units))
        offsets = [0.0, self.forget_bias, 0.0, 0.0]
        self.bias = self.add_bias("bias", (4 * self.units,), raised_bias(self.bias_initializer, offsets))
        if self.peephole:
            self.peephole_kernel = self.add_recurrent_kernel("peephole_kernel", (3, self.units))
        if self.projection:
            self.projection_kernel = self.add_recurrent_kernel("projection_kernel", (self.units, self.projection))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        r, c = states
        sums = ops.matmul(inputs, self.kernel) + ops.matmul(r, self.recurrent_kernel) + self.bias
        i, f, candidate, o = ops.split(sums, 4, axis=-1)
        if self.peephole:
            i = i + c * self.peephole_kernel[0]
            f = f + c * self.peephole_kernel[1]
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * self.activation(candidate)
        if self.peephole:
            o = o + c * self.peephole_kernel[2]
        r = ops.sigmoid(o) * self.activation(c)
        if self.projection:
            r = ops.matmul(r, self.projection_kernel)
        return r, [r, c]


@keras.saving.register_keras_serializable(package="kerazoo")
class LayerNormLSTMCell(RecurrentCell):
    """LSTM with layer normalisation of the terms of the state, of the terms of the input, and of the memory.

    Equations (Ba, Kiros & Hinton 2016, "Layer Normalization", arXiv:1607.06450, eq. 20 to 22 of the supplement), with
    LN(z) = (z - mean(z)) / sqrt(variance(z) + epsilon) over all 4 units sums of a step, and g = `activation`::

        [i, f, c', o] = a_h * LN(h_(t-1) U) + a_x * LN(x_t W) + b
        c_t = sigmoid(f) * c_(t-1) + sigmoid(i) * g(c')
        h_t = sigmoid(o) * g(a_c * LN(c_t) + b_c)

    The gains a are initially one, b_c zero. The paper has three biases that are added (one of each LN, and b); here
    they are one. `tf.contrib.rnn.LayerNormBasicLSTMCell` is a different cell: it normalises the sum of both parts, gate
    by gate.

    LN(x_t W) loses the scale of x_t. If x_t has one feature, only its sign remains, and a series is lost: put a layer
    before the cell, or use ``normalize_inputs=False``, which does not normalise x_t W.

    Args:
        units: int >= 1.
        activation: function of the candidate and of the output.
        epsilon: float > 0, added to variances (the authors' code: 1e-5).
        forget_bias: float, added to the initial b of the forget gate (`tf.contrib`: 1).
        normalize_inputs: bool, normalise x_t W as the paper does.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h, c], each (B, units); output h. Weights: kernel (F, 4 units), recurrent_kernel
    (units, 4 units), bias, recurrent_gain and, if inputs are normalised, input_gain (4 units) as [i, f, c, o];
    cell_gain and cell_bias (units).

    >>> import numpy as np
    >>> cell = LayerNormLSTMCell(4)
    >>> h, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(states)
    ((2, 4), 2)
    """

    options = ("activation", "epsilon", "forget_bias", "normalize_inputs")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        epsilon: float = 1e-5,
        forget_bias: float = 1.0,
        normalize_inputs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)
        self.epsilon = check_real("epsilon", epsilon, 0, exclusive=True, hint="The usual value is 1e-5.")
        self.forget_bias = check_real("forget_bias", forget_bias)
        self.normalize_inputs = check_flag("normalize_inputs", normalize_inputs)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        width = 4 * self.units
        self.kernel = self.add_kernel("kernel", (input_shape[-1], width))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, width))
        offsets = [0.0, self.forget_bias, 0.0, 0.0]
        self.bias = self.add_bias("bias", (width,), raised_bias(self.bias_initializer, offsets))
        # Gains do not use the kernels' initializer, regularizer or constraint: weight decay would pull them to zero.
        self.recurrent_gain = self.add_weight(shape=(width,), name="recurrent_gain", initializer="ones")
        if self.normalize_inputs:
            self.input_gain = self.add_weight(shape=(width,), name="input_gain", initializer="ones")
        self.cell_gain = self.add_weight(shape=(self.units,), name="cell_gain", initializer="ones")
        self.cell_bias = self.add_bias("cell_bias", (self.units,))
        self.built = True

    def _normalized(self, sums: Any) -> Any:
        # Means of squares are too coarse in half precision: use at least float32.
        given = keras.backend.standardize_dtype(sums.dtype)
        sums = ops.cast(sums, "float64" if given == "float64" else "float32")
        centred = sums - ops.mean(sums, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        return ops.cast(centred * ops.rsqrt(variance + self.epsilon), given)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c = states
        read = ops.matmul(inputs, self.kernel)
        if self.normalize_inputs:
            read = self.input_gain * self._normalized(read)
        sums = self.recurrent_gain * self._normalized(ops.matmul(h, self.recurrent_kernel)) + read + self.bias
        i, f, candidate, o = ops.split(sums, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * self.activation(candidate)
        h = ops.sigmoid(o) * self.activation(self.cell_gain * self._normalized(c) + self.cell_bias)
        return h, [h, c]


def one_for_each_group(initializer: Any) -> Callable[..., Any]:
    """An initializer of (groups, ...) that draws each group separately, with the fans of the group's matrix.

    Keras's initializers return the same numbers at every call, so each group has its own initializer.

    >>> values = one_for_each_group(keras.initializers.GlorotUniform(seed=1))((2, 3, 4), dtype="float32")
    >>> bool(ops.any(values[0] == values[1]))
    False
    """

    def another(group: int) -> Any:
        config = initializer.get_config() if hasattr(initializer, "get_config") else {}
        if not config or "seed" not in config:
            return initializer
        if isinstance(config["seed"], int):
            config["seed"] += group
        return type(initializer).from_config(config)

    def values(shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.stack([another(group)(shape[1:], dtype=dtype) for group in range(shape[0])])

    return values


@keras.saving.register_keras_serializable(package="kerazoo")
class GroupLSTMCell(RecurrentCell):
    """G-LSTM: independent LSTMs, each with a part of the units and of the input's features.

    Equations (Kuchaiev & Ginsburg 2017, "Factorization Tricks for LSTM Networks", arXiv:1703.10722, sec. 2.3), for
    group j, with x_t and h_t split into `groups` equal parts and g = `activation`::

        [i, f, c', o] = x_t^j W^j + h_(t-1)^j U^j + b^j
        c_t^j = sigmoid(f) * c_(t-1)^j + sigmoid(i) * g(c')
        h_t^j = sigmoid(o) * g(c_t^j)

    The kernels have 1/groups of the LSTM's weights. The input is split as in `tf.contrib.rnn.GLSTMCell`, which rejects
    widths that `groups` does not divide; here, every group then reads the whole input.

    Args:
        units: int >= 1, a multiple of `groups`.
        groups: int >= 1; with 1 the cell is an LSTM.
        activation: function of the candidate and of the output.
        forget_bias: float, added to the initial b of the forget gate (`tf.contrib`: 1).
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`. Initializers draw each group separately.

    Shapes: with n = units / groups: inputs (B, F); states [h, c], each (B, units); output h. Weights: kernel
    (groups, F / groups, 4 n), or (groups, F, 4 n) if every group reads all, and recurrent_kernel (groups, n, 4 n) as
    [i, f, c, o] of the group; bias (4 units) as [i, f, c, o].

    Raises:
        InvalidArgumentError: `units` is not a multiple of `groups`, or another argument is out of range.

    >>> import numpy as np
    >>> cell = GroupLSTMCell(6, groups=3)
    >>> h, states = cell(np.zeros((2, 9), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), tuple(cell.kernel.shape), tuple(cell.recurrent_kernel.shape)
    ((2, 6), (3, 3, 8), (3, 2, 8))
    """

    options = ("groups", "activation", "forget_bias")

    def __init__(
        self, units: int, groups: int = 2, activation: Any = "tanh", forget_bias: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.groups = check_int("groups", groups)
        if units % groups:
            raise InvalidArgumentError(
                f"units={units}; expected a multiple of groups={groups}. Every group has the same number of units."
            )
        self.activation = keras.activations.get(activation)
        self.forget_bias = check_real("forget_bias", forget_bias)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        features, size = int(input_shape[-1]), self.units // self.groups
        self.shares_input = features % self.groups != 0
        read = features if self.shares_input else features // self.groups
        self.kernel = self.add_kernel(
            "kernel", (self.groups, read, 4 * size), one_for_each_group(self.kernel_initializer)
        )
        self.recurrent_kernel = self.add_recurrent_kernel(
            "recurrent_kernel", (self.groups, size, 4 * size), one_for_each_group(self.recurrent_initializer)
        )
        offsets = [0.0, self.forget_bias, 0.0, 0.0]
        self.bias = self.add_bias("bias", (4 * self.units,), raised_bias(self.bias_initializer, offsets))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c = states
        size = self.units // self.groups
        if self.shares_input:
            sums = ops.einsum("bf,gfn->bgn", inputs, self.kernel)
        else:
            parts = ops.reshape(inputs, (-1, self.groups, inputs.shape[-1] // self.groups))
            sums = ops.einsum("bgf,gfn->bgn", parts, self.kernel)
        sums = sums + ops.einsum("bgf,gfn->bgn", ops.reshape(h, (-1, self.groups, size)), self.recurrent_kernel)
        # (B, groups, gate, n) -> (B, gate, groups, n): the units of a gate are adjacent, as in the states.
        sums = ops.transpose(ops.reshape(sums, (-1, self.groups, 4, size)), (0, 2, 1, 3))
        i, f, candidate, o = ops.split(ops.reshape(sums, (-1, 4 * self.units)) + self.bias, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * self.activation(candidate)
        h = ops.sigmoid(o) * self.activation(c)
        return h, [h, c]


@keras.saving.register_keras_serializable(package="kerazoo")
class NASCell(RecurrentCell):
    """The cell that a neural architecture search found on Penn Treebank: eight leaves, one memory.

    Equations (Zoph & Le 2017, "Neural Architecture Search with Reinforcement Learning", arXiv:1611.01578, fig. 8 of the
    appendix; the graph as in `tf.contrib.rnn.NASCell`), with u_k = x_t W_k and v_k = h_(t-1) U_k + b_k, k = 0 to 7::

        l_0 = sigmoid(u_0 + v_0),  l_1 = relu(u_1 + v_1)
        l_2 = sigmoid(u_2 + v_2),  l_3 = relu(u_3 * v_3)
        l_4 = tanh(u_4 + v_4),     l_5 = sigmoid(u_5 + v_5)
        l_6 = tanh(u_6 + v_6),     l_7 = sigmoid(u_7 + v_7)
        c_t = tanh(tanh(l_0 * l_1) + c_(t-1)) * tanh(l_2 + l_3)
        h_t = tanh(c_t * tanh(tanh(l_4 * l_5) + sigmoid(l_6 + l_7)))

    Args:
        units: int >= 1.
        use_bias: bool, use b_k; the paper and, by default, `tf.contrib` have none.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h, c], each (B, units); output h. Weights: kernel (F, 8 units) and recurrent_kernel
    (units, 8 units) in the order of k; with biases bias (8 units).

    >>> import numpy as np
    >>> cell = NASCell(4)
    >>> h, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(states)
    ((2, 4), 2)
    """

    options = ("use_bias",)

    def __init__(self, units: int, use_bias: bool = False, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.use_bias = check_flag("use_bias", use_bias)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 8 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.units, 8 * self.units))
        if self.use_bias:
            self.bias = self.add_bias("bias", (8 * self.units,))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c = states
        read, kept = ops.matmul(inputs, self.kernel), ops.matmul(h, self.recurrent_kernel)
        if self.use_bias:
            kept = kept + self.bias
        u, v = ops.split(read, 8, axis=-1), ops.split(kept, 8, axis=-1)
        written = ops.tanh(ops.sigmoid(u[0] + v[0]) * ops.relu(u[1] + v[1]))
        scale = ops.tanh(ops.sigmoid(u[2] + v[2]) + ops.relu(u[3] * v[3]))
        shown = ops.tanh(ops.tanh(u[4] + v[4]) * ops.sigmoid(u[5] + v[5]))
        shown = shown + ops.sigmoid(ops.tanh(u[6] + v[6]) + ops.sigmoid(u[7] + v[7]))
        c = ops.tanh(written + c) * scale
        h = ops.tanh(c * ops.tanh(shown))
        return h, [h, c]


CELLS = (
    CellInfo(
        name="lstmp",
        make=ProjectedLSTMCell,
        title="LSTM with peepholes and an optional recurrent projection.",
        paper=(
            'Sak, Senior & Beaufays 2014, "Long Short-Term Memory Based Recurrent Neural Network Architectures for '
            'Large Vocabulary Speech Recognition", arXiv:1402.1128; Gers & Schmidhuber 2000, "Recurrent Nets that Time '
            'and Count", IJCNN'
        ),
        aliases=("peepholelstm",),
        states=("r", "c"),
        note="r is `projection` wide and is the output",
    ),
    CellInfo(
        name="lnlstm",
        make=LayerNormLSTMCell,
        title="LSTM with layer normalisation.",
        paper='Ba, Kiros & Hinton 2016, "Layer Normalization", arXiv:1607.06450',
        aliases=("layernormlstm",),
        states=("h", "c"),
        note="`normalize_inputs=False` for single features: see below",
    ),
    CellInfo(
        name="glstm",
        make=GroupLSTMCell,
        title="G-LSTM: a group of independent LSTMs.",
        paper='Kuchaiev & Ginsburg 2017, "Factorization Tricks for LSTM Networks", arXiv:1703.10722',
        aliases=("grouplstm",),
        states=("h", "c"),
        note="1 / `groups` of the weights; every group reads all inputs if `groups` does not divide F",
    ),
    CellInfo(
        name="nas",
        make=NASCell,
        title="The cell of a neural architecture search.",
        paper='Zoph & Le 2017, "Neural Architecture Search with Reinforcement Learning", arXiv:1611.01578',
        aliases=("nascell",),
        states=("h", "c"),
        note="fixed activations",
    ),
)
