"""Cells with elementwise recurrences, without a matrix product of the state: IndRNN, SRU, QRNN."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_choice, check_flag, check_int, check_real
from kerazoo.cells.base import RecurrentCell, raised_bias, split_at
from kerazoo.cells.registry import CellInfo
from kerazoo.cells.scan import hold_last_valid, linear_scan, previous_values
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "IndRNNCell", "MaxAbsolute", "QRNNCell", "SRUCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class MaxAbsolute(keras.constraints.Constraint):
    """Constraint that clips every entry of a weight to [-limit, limit].

    Args:
        limit: float > 0.

    >>> ops.convert_to_numpy(MaxAbsolute(1.0)([-3.0, 0.5])).tolist()
    [-1.0, 0.5]
    """

    def __init__(self, limit: float) -> None:
        self.limit = check_real("limit", limit, 0, exclusive=True)

    def __call__(self, w: Any) -> Any:
        """The clipped weight."""
        return ops.clip(ops.convert_to_tensor(w), -self.limit, self.limit)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments as plain values."""
        return {"limit": self.limit}


@keras.saving.register_keras_serializable(package="kerazoo")
class IndRNNCell(RecurrentCell):
    """IndRNN: a simple recurrent network in which each unit reads only its own state.

    Equations (Li et al. 2018, "Independently Recurrent Neural Network (IndRNN): Building A Longer and Deeper RNN",
    arXiv:1803.04831, sec. 3), with g = `activation`::

        h_t = g(x_t W + u * h_(t-1) + b)

    With relu the paper limits |u| to about 2^(1/T) for sequences of T steps, so that states do not explode: see
    `recurrent_clip`.

    Args:
        units: int >= 1.
        activation: function of the state; None makes the recurrence linear, but there is no parallel form.
        recurrent_clip: float > 0, largest |u| after each update; None: no limit.
        recurrent_initializer: of u; None: uniform from 0 to the smaller of 1 and `recurrent_clip`, as in the paper.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`; `recurrent_constraint` excludes `recurrent_clip`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights: kernel (F, units), recurrent_kernel (units),
    bias (units).

    >>> import numpy as np
    >>> cell = IndRNNCell(4, recurrent_clip=2 ** (1 / 100))
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape)
    (2, 4)
    """

    options = ("activation", "recurrent_clip")

    def __init__(
        self,
        units: int,
        activation: Any = "relu",
        recurrent_clip: float | None = None,
        recurrent_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        if recurrent_clip is not None:
            recurrent_clip = check_real("recurrent_clip", recurrent_clip, 0, exclusive=True)
            if kwargs.get("recurrent_constraint") is not None:
                raise InvalidArgumentError(
                    f"recurrent_clip={recurrent_clip!r} with a recurrent_constraint; expected one of the two. "
                    "recurrent_clip is itself a constraint of the recurrent weights."
                )
        if recurrent_initializer is None:
            recurrent_initializer = keras.initializers.RandomUniform(0.0, min(1.0, recurrent_clip or 1.0))
        super().__init__(units, recurrent_initializer=recurrent_initializer, **kwargs)
        self.activation = keras.activations.get(activation)
        self.recurrent_clip = recurrent_clip

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (input_shape[-1], self.units))
        self.recurrent_kernel = self.add_weight(
            shape=(self.units,),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint if self.recurrent_clip is None else MaxAbsolute(self.recurrent_clip),
        )
        self.bias = self.add_bias("bias", (self.units,))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h = self.activation(ops.matmul(inputs, self.kernel) + states[0] * self.recurrent_kernel + self.bias)
        return h, [h]


@keras.saving.register_keras_serializable(package="kerazoo")
class SRUCell(RecurrentCell):
    """SRU, the simple recurrent unit: a gated sum of projected inputs, with a highway connection.

    Equations (Lei et al. 2018, "Simple Recurrent Units for Highly Parallelizable Recurrence", arXiv:1709.02755), with
    g = `activation` and u_t = x_t if the input is as wide as the cell, else u_t = x_t W_u::

        f_t = sigmoid(x_t W_f + v_f * c_(t-1) + b_f)
        r_t = sigmoid(x_t W_r + v_r * c_(t-1) + b_r)
        c_t = f_t * c_(t-1) + (1 - f_t) * (x_t W_c)
        h_t = r_t * g(c_t) + (1 - r_t) * (alpha * u_t)

    The paper's first version ("Training RNNs as Fast as CNNs", and `tf.contrib.rnn.SRUCell`) has no v, alpha = 1 and
    g = tanh: the default here, whose recurrence is linear in c. The published one has v (`peephole=True`, no longer
    linear), alpha = sqrt(1 + 2 exp(b)) with b the initial b_r (`highway_scale=True`), and no g (`activation=None`).

    Args:
        units: int >= 1.
        activation: function of the memory in the output; None is the identity.
        peephole: bool, the gates read the memory with v_f and v_r; the cell then has no parallel form.
        highway_scale: bool, alpha as above, so that h initially has the variance of x; else alpha is 1.
        highway_bias: float, added to the initial b_r; values below 0 favour the highway.
        kernel_initializer: lecun_uniform, the paper's U[-sqrt(3 / F), sqrt(3 / F)].
        recurrent_initializer: of v; None: uniform within sqrt(1.5) of 0, as in the authors' implementation.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [c (B, units)]; output h. Weights: kernel (F, 3 units) as [c, f, r], or if F != units
    (F, 4 units) as [c, f, r, u]; bias (2 units) as [f, r]; with peepholes peephole_kernel (2, units) as [f, r].

    >>> import numpy as np
    >>> cell = SRUCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), cell.linear, SRUCell(4, peephole=True).linear
    ((2, 4), True, False)
    """

    options = ("activation", "peephole", "highway_scale", "highway_bias")
    linear = True

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        peephole: bool = False,
        highway_scale: bool = False,
        highway_bias: float = 0.0,
        kernel_initializer: Any = "lecun_uniform",
        recurrent_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        if recurrent_initializer is None:
            recurrent_initializer = keras.initializers.RandomUniform(-math.sqrt(1.5), math.sqrt(1.5))
        super().__init__(
            units, kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer, **kwargs
        )
        self.activation = keras.activations.get(activation)
        self.peephole = check_flag("peephole", peephole)
        self.highway_scale = check_flag("highway_scale", highway_scale)
        self.highway_bias = check_real("highway_bias", highway_bias, maximum=80, hint="Its exponential is taken.")
        self.alpha = math.sqrt(1 + 2 * math.exp(self.highway_bias)) if self.highway_scale else 1.0
        if self.peephole:
            self.linear = False
            self.why_not_linear = (
                "peephole=True makes the gates of SRUCell read its memory, so its steps run one after another."
            )

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.projects = input_shape[-1] != self.units
        self.kernel = self.add_kernel("kernel", (input_shape[-1], (4 if self.projects else 3) * self.units))
        offsets = [0.0, self.highway_bias]
        self.bias = self.add_bias("bias", (2 * self.units,), raised_bias(self.bias_initializer, offsets))
        if self.peephole:
            self.peephole_kernel = self.add_recurrent_kernel("peephole_kernel", (2, self.units))
        self.built = True

    def _of_inputs(self, inputs: Any) -> tuple[Any, Any, Any]:
        """The terms that depend only on the inputs: x W_c, the sums of the gates [f, r], alpha u."""
        products = ops.matmul(inputs, self.kernel)
        if self.projects:
            new, gates, highway = split_at(products, [self.units, 3 * self.units])
        else:
            new, gates = split_at(products, [self.units])
            highway = inputs
        return new, gates + self.bias, highway * self.alpha if self.highway_scale else highway

    def _output(self, r: Any, c: Any, highway: Any) -> Any:
        return r * self.activation(c) + (1 - r) * highway

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        c = states[0]
        new, gates, highway = self._of_inputs(inputs)
        if self.peephole:
            gates = gates + ops.concatenate([c, c], axis=-1) * ops.reshape(self.peephole_kernel, (-1,))
        f, r = ops.split(ops.sigmoid(gates), 2, axis=-1)
        c = f * c + (1 - f) * new
        return self._output(r, c, highway), [c]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        if self.peephole:
            return super().parallel_call(sequences, states, mask, training)
        new, gates, highway = self._of_inputs(sequences)
        f, r = ops.split(ops.sigmoid(gates), 2, axis=-1)
        c = linear_scan(f, (1 - f) * new, states[0], mask)
        return self._output(r, c, highway), [c[:, -1]]


_GATES_OF_POOLING = {"f": 2, "fo": 3, "ifo": 4}


@keras.saving.register_keras_serializable(package="kerazoo")
class QRNNCell(RecurrentCell):
    """QRNN, the quasi-recurrent network: gates from a causal convolution, and a pooling that is linear in the state.

    Equations (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks", arXiv:1611.01576, sec. 2), with g = `activation`
    and k = `window`::

        z_t = g(x_(t-k+1) W_z^1 + ... + x_t W_z^k + b_z)          f_t, o_t, i_t likewise, with sigmoid
        c_t = f_t * c_(t-1) + (1 - f_t) * z_t,  h_t = c_t         f-pooling
        c_t = f_t * c_(t-1) + (1 - f_t) * z_t,  h_t = o_t * c_t   fo-pooling
        c_t = f_t * c_(t-1) + i_t * z_t,        h_t = o_t * c_t   ifo-pooling

    Inputs before the first step are zeros. A cell reads one step at a time and knows the width of its inputs only when
    it is built, so its states do not hold past inputs, but their contributions to later gates: s^j is the sum of what
    the steps so far contribute to the gates j steps later. Masked steps do not enter the convolution.

    Args:
        units: int >= 1.
        activation: function of the candidate.
        window: int >= 1, number of steps that the convolution reads (the paper's k); 1 reads the current step only.
        pooling: `"f"`, `"fo"` or `"ifo"`.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes, with G = 2, 3, 4 gates for f, fo, ifo: inputs (B, F); states [c (B, units), s^1, ..., s^(window-1), each
    (B, G units)]; output h (B, units). Weights: kernel (window, F, G units), in the order of a causal `Conv1D` (the
    last block reads the current step), and bias (G units), as [z, f], [z, f, o] or [z, f, o, i].

    >>> import numpy as np
    >>> cell = QRNNCell(4, window=3)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), cell.state_size
    ((2, 4), [4, 12, 12])
    """

    options = ("activation", "window", "pooling")
    linear = True

    def __init__(
        self, units: int, activation: Any = "tanh", window: int = 2, pooling: str = "fo", **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.activation = keras.activations.get(activation)
        self.window = check_int("window", window, hint="It is the number of steps that the convolution reads.")
        self.pooling = check_choice("pooling", pooling, _GATES_OF_POOLING)

    @property
    def _width(self) -> int:
        """Width of the gates of one step."""
        return _GATES_OF_POOLING[self.pooling] * self.units

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units] + [self._width] * (self.window - 1)

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.kernel = self.add_kernel("kernel", (self.window, input_shape[-1], self._width))
        self.bias = self.add_bias("bias", (self._width,))
        self.built = True

    def _additions(self, inputs: Any) -> list[Any]:
        """For j = 0 .. window - 1, what the inputs of a step contribute to the gates j steps later; in one product."""
        kernel = ops.reshape(ops.transpose(self.kernel, (1, 0, 2)), (-1, self.window * self._width))
        return ops.split(ops.matmul(inputs, kernel), self.window, axis=-1)[::-1]

    def _gates(self, sums: Any) -> tuple[Any, Any, Any]:
        """Sums of a step -> decay of c, increment of c, gate of the output or None."""
        z, gates = split_at(sums, [self.units])
        z, gates = self.activation(z), ops.sigmoid(gates)
        if self.pooling == "f":
            return gates, (1 - gates) * z, None
        if self.pooling == "fo":
            f, o = ops.split(gates, 2, axis=-1)
            return f, (1 - f) * z, o
        f, o, i = ops.split(gates, 3, axis=-1)
        return f, i * z, o

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        c, *pending = states
        now, *later = self._additions(inputs)
        if pending:
            now = now + pending[0]
            later = [new + old for new, old in zip(later, pending[1:], strict=False)] + later[-1:]
        decay, new, o = self._gates(now + self.bias)
        c = decay * c + new
        return c if o is None else o * c, [c, *later]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        c, *pending = states
        sums, *later = self._additions(sequences)
        last = []
        if pending:
            for j in range(self.window - 3, -1, -1):  # s of the largest j needs no earlier step
                later[j] = later[j] + previous_values(later[j + 1], pending[j + 1], mask)
            sums = sums + previous_values(later[0], pending[0], mask)
            last = [hold_last_valid(s, mask, old)[:, -1] for s, old in zip(later, pending, strict=True)]
        decay, new, o = self._gates(sums + self.bias)
        c = linear_scan(decay, new, c, mask)
        return c if o is None else o * c, [c[:, -1], *last]


CELLS = (
    CellInfo(
        name="indrnn",
        make=IndRNNCell,
        title="Independently recurrent network: each unit reads only its own state.",
        paper='Li et al. 2018, "Independently Recurrent Neural Network (IndRNN)", CVPR, arXiv:1803.04831',
        note="with relu, clip at about 2^(1/T) for sequences of T steps",
    ),
    CellInfo(
        name="sru",
        make=SRUCell,
        title="Simple recurrent unit: gates of the input alone, and a highway connection.",
        paper='Lei et al. 2018, "Simple Recurrent Units for Highly Parallelizable Recurrence", EMNLP, arXiv:1709.02755',
        states=("c",),
        note="with `peephole=True` not linear",
    ),
    CellInfo(
        name="qrnn",
        make=QRNNCell,
        title="Quasi-recurrent network: a causal convolution and gated pooling.",
        paper='Bradbury et al. 2017, "Quasi-Recurrent Neural Networks", ICLR, arXiv:1611.01576',
        states=("c", "s"),
        note="`window` - 1 states s, each as wide as all gates: 2, 3 or 4 U for f, fo, ifo pooling",
    ),
)
