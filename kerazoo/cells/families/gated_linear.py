"""Diagonal linear recurrences whose decay depends on the input: RG-LRU (Griffin) and S6 (Mamba).

Both papers define the recurrence for inputs as wide as the states. For other inputs a linear map comes first, a weight
of the cell. Decays are computed and applied in float32 under mixed precision, because they are close to one for long
memory. The parallel form keeps the states in float32 between steps; the loop over the steps rounds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_int, check_real
from kerazoo.cells.base import RecurrentCell, draw, split_at
from kerazoo.cells.registry import CellInfo
from kerazoo.cells.scan import linear_scan
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "MambaCell", "RGLRUCell"]

_SMALLEST_STEP = 1e-4  # of the initial step sizes of Mamba, as in the authors' code


def _wide(dtype: str) -> str:
    """The dtype of decays: float32 instead of half precision, else `dtype`."""
    return "float32" if dtype in ("bfloat16", "float16") else dtype


class _SelectiveCell(RecurrentCell):
    """h_t = a_t * h_(t-1) + b_t, elementwise, where a_t, b_t and what reads h_t depend only on the input."""

    linear = True

    def _add_input_map(self, features: int) -> None:
        """Add the linear map of inputs that are not as wide as the recurrence."""
        self.projects = features != self.units
        if self.projects:
            self.input_kernel = self.add_kernel("input_kernel", (features, self.units))

    def _mapped(self, inputs: Any) -> Any:
        return ops.matmul(inputs, self.input_kernel) if self.projects else inputs

    def _terms(self, inputs: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
        """Of a step or a sequence: a and b in the wide dtype, and the function of the states that is the output."""
        raise NotImplementedError

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        decay, new, read = self._terms(inputs)
        h = decay * ops.cast(states[0], decay.dtype) + new
        return read(h), [ops.cast(h, self.compute_dtype)]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        decay, new, read = self._terms(sequences)
        h = linear_scan(decay, new, ops.cast(states[0], decay.dtype), mask)
        return read(h), [ops.cast(h[:, -1], self.compute_dtype)]


@keras.saving.register_keras_serializable(package="kerazoo")
class RGLRUCell(_SelectiveCell):
    """RG-LRU, the real-gated linear recurrent unit of Griffin: a decay between 0 and 1 that a gate can switch off.

    Equations (De et al. 2024, "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language
    Models", arXiv:2402.19427, eq. 1 to 4), with a = sigmoid(L)::

        u_t = x_t W_u                                       if F differs from `units`, else x_t
        r_t = sigmoid(u_t W_a + b_a)                        recurrence gate
        i_t = sigmoid(u_t W_x + b_x)                        input gate
        a_t = a^(c r_t)
        h_t = a_t * h_(t-1) + sqrt(1 - a_t^2) * (i_t * u_t)

    With r_t = 0 the state is kept and the input ignored. The factor sqrt(1 - a_t^2) keeps the variance of h at that of
    its input. As in the paper, a_t is computed as exp(c r_t log a), here with log a = log sigmoid(L), and c is 8 and
    not trained. L starts where a^c is uniform from `decay_min` to `decay_max` (sec. 2.4), W_a and W_x by LeCun's
    method. The paper has inputs as wide as the state: there is no W_u in its equations, and in its network a linear map
    and a convolution come before the unit. Where sqrt(1 - a_t^2) < 1e-6, which is then 0, it has no gradient: that of
    the root is infinite at 0. `recurrent_initializer` has no effect.

    Args:
        units: int >= 1.
        decay_min: float > 0, smallest initial a^c, the decay of a step with open recurrence gate.
        decay_max: float < 1, largest initial a^c, at least `decay_min`.
        c: float > 0, the constant exponent.
        kernel_initializer: of W_u, W_a and W_x.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units)]; output h. Weights: input_kernel (F, units) only if F != units; kernel
    (units, 2 units) as [a, x], bias (2 units) as [a, x], decay_logit (units), which is L.

    >>> cell = RGLRUCell(4)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), [weight.name for weight in cell.weights]
    ((2, 4), ['input_kernel', 'kernel', 'bias', 'decay_logit'])
    """

    options = ("decay_min", "decay_max", "c")

    def __init__(
        self,
        units: int,
        decay_min: float = 0.9,
        decay_max: float = 0.999,
        c: float = 8.0,
        kernel_initializer: Any = "lecun_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, kernel_initializer=kernel_initializer, **kwargs)
        self.decay_min = check_real("decay_min", decay_min, 0.0, exclusive=True, hint="It is the smallest initial a^c.")
        self.decay_max = check_real("decay_max", decay_max, 0.0, exclusive=True, hint="It is the largest initial a^c.")
        if not self.decay_min <= self.decay_max < 1:
            raise InvalidArgumentError(
                f"decay_min={decay_min!r}, decay_max={decay_max!r}; expected 0 < decay_min <= decay_max < 1. "
                "The usual values are 0.9 and 0.999."
            )
        self.c = check_real("c", c, 0.0, exclusive=True, hint="The paper has 8.")

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        uniform = keras.initializers.RandomUniform(self.decay_min, self.decay_max)

        def decay_logit(shape: Any, dtype: Any = None) -> Any:
            log_a = ops.log(draw(uniform, shape, dtype)) / self.c
            return log_a - ops.log(-ops.expm1(log_a))  # log a / (1 - a), without the difference of numbers close to 1

        self._add_input_map(input_shape[-1])
        self.kernel = self.add_kernel("kernel", (self.units, 2 * self.units))
        self.bias = self.add_bias("bias", (2 * self.units,))
        self.decay_logit = self.add_weight(
            shape=(self.units,), name="decay_logit", initializer=decay_logit, autocast=False
        )
        self.built = True

    def _terms(self, inputs: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
        wide = _wide(self.compute_dtype)
        u = self._mapped(inputs)
        gates = ops.sigmoid(ops.cast(ops.matmul(u, self.kernel) + self.bias, wide))
        r, i = ops.split(gates, 2, axis=-1)
        log_a = self.c * r * ops.log_sigmoid(ops.cast(self.decay_logit, wide))
        rest = -ops.tanh(log_a) * (ops.exp(2 * log_a) + 1)  # -expm1(2 log a) = 1 - a^2; ONNX has no expm1
        positive = rest > 1e-12
        scale = ops.where(positive, ops.sqrt(ops.where(positive, rest, ops.ones_like(rest))), ops.zeros_like(rest))
        return ops.exp(log_a), scale * i * ops.cast(u, wide), lambda h: ops.cast(h, self.compute_dtype)


@keras.saving.register_keras_serializable(package="kerazoo")
class MambaCell(_SelectiveCell):
    """S6, the selective state space of Mamba: step size, input and output of a diagonal system depend on the input.

    Equations (Gu & Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv:2312.00752, sec.
    3.2, alg. 2 and sec. 3.6), for each channel d of `units` and each of N states n of a channel::

        u_t = x_t W_u                                       if F differs from `units`, else x_t
        s_t, B_t, C_t = u_t W                               of widths R, N, N
        D_t = softplus(s_t W_s + b_s)                       the paper's Delta, one step size per channel
        h_t[d, n] = exp(D_t[d] A[d, n]) h_(t-1)[d, n] + D_t[d] B_t[n] u_t[d]
        y_t[d] = sum_n C_t[n] h_t[d, n] + S[d] u_t[d]       S: the skip connection, D in the paper

    A = -exp(A_log) is discretised by zero-order hold, B by an Euler step, as in the authors' code. With a step size of
    0 the state is kept and the input ignored. Initial values are those of the authors' code: A[d, n] = -n, n = 1..N;
    step sizes log-uniform from `dt_min` to `dt_max` through b_s, W_s uniform within 1 / sqrt(R); S = 1.

    The cell is the selective state space alone. The convolution, the gate and the projections of the Mamba block are
    parts of the network around it. `recurrent_initializer` and `bias_initializer` have no effect.

    The parallel form scans all units N states of every step, and so needs memory in proportion to T units N.

    Args:
        units: int >= 1, number of channels.
        state_units: int >= 1, states per channel, N.
        step_rank: int >= 1, rank R of the map to step sizes; None: units / 16, rounded up, as in the paper.
        dt_min: float > 0, smallest initial step size.
        dt_max: float >= dt_min, largest initial step size.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h (B, units N), the N states of the first channel first]; output y (B, units).
    Weights: input_kernel (F, units) only if F != units; kernel (units, R + 2 N) as [s, B, C], step_kernel (R, units),
    step_bias (units), a_log (units, N), skip (units).

    >>> cell = MambaCell(4, state_units=3)
    >>> y, states = cell(np.zeros((2, 5), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape), cell.state_size
    ((2, 4), [12])
    """

    options = ("state_units", "step_rank", "dt_min", "dt_max")

    def __init__(
        self,
        units: int,
        state_units: int = 16,
        step_rank: int | None = None,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.state_units = check_int("state_units", state_units, hint="It is the number of states per channel.")
        self.step_rank = (
            -(-self.units // 16)
            if step_rank is None
            else check_int("step_rank", step_rank, hint="None uses units / 16, rounded up.")
        )
        self.dt_min = check_real("dt_min", dt_min, 0.0, exclusive=True, hint="It is the smallest initial step size.")
        self.dt_max = check_real("dt_max", dt_max, 0.0, exclusive=True, hint="It is the largest initial step size.")
        if self.dt_min > self.dt_max:
            raise InvalidArgumentError(f"dt_min={dt_min!r}; expected a number up to dt_max={dt_max!r}.")

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units * self.state_units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        log_steps = keras.initializers.RandomUniform(math.log(self.dt_min), math.log(self.dt_max))

        def step_bias(shape: Any, dtype: Any = None) -> Any:
            step = ops.maximum(ops.exp(draw(log_steps, shape, dtype)), _SMALLEST_STEP)
            return step + ops.log(-ops.expm1(-step))  # the inverse of softplus

        def a_log(shape: Any, dtype: Any = None) -> Any:
            return ops.convert_to_tensor(np.broadcast_to(np.log(np.arange(1.0, shape[1] + 1)), shape), dtype=dtype)

        within = 1 / math.sqrt(self.step_rank)
        self._add_input_map(input_shape[-1])
        self.kernel = self.add_kernel("kernel", (self.units, self.step_rank + 2 * self.state_units))
        self.step_kernel = self.add_kernel(
            "step_kernel", (self.step_rank, self.units), keras.initializers.RandomUniform(-within, within)
        )
        self.step_bias = self.add_bias("step_bias", (self.units,), step_bias)
        self.a_log = self.add_weight(
            shape=(self.units, self.state_units), name="a_log", initializer=a_log, autocast=False
        )
        self.skip = self.add_weight(shape=(self.units,), name="skip", initializer="ones")
        self.built = True

    def _terms(self, inputs: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
        wide, channels = _wide(self.compute_dtype), (self.units, self.state_units)
        u = self._mapped(inputs)
        s, b, c = split_at(ops.matmul(u, self.kernel), [self.step_rank, self.step_rank + self.state_units])
        step = ops.softplus(ops.cast(ops.matmul(s, self.step_kernel) + self.step_bias, wide))
        b, c = (ops.expand_dims(ops.cast(part, wide), -2) for part in (b, c))
        before = (-1,) if len(inputs.shape) == 2 else (-1, ops.shape(inputs)[1])
        decay = ops.exp(ops.expand_dims(step, -1) * -ops.exp(ops.cast(self.a_log, wide)))
        new = ops.expand_dims(step * ops.cast(u, wide), -1) * b

        def read(h: Any) -> Any:
            y = ops.sum(ops.reshape(h, (*before, *channels)) * c, axis=-1)
            return ops.cast(y, self.compute_dtype) + self.skip * u

        flat = (*before, self.units * self.state_units)
        return ops.reshape(decay, flat), ops.reshape(new, flat), read


CELLS = (
    CellInfo(
        name="rglru",
        make=RGLRUCell,
        title="Real-gated linear recurrent unit: a diagonal recurrence with a gated decay.",
        paper='De et al. 2024, "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language '
        'Models", arXiv:2402.19427',
        aliases=("griffin",),
        note="inputs that are not U wide pass a linear map first",
    ),
    CellInfo(
        name="mamba",
        make=MambaCell,
        title="Selective state space: a diagonal system whose step sizes, inputs and outputs depend on the input.",
        paper='Gu & Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv:2312.00752',
        aliases=("s6",),
        note="`state_units` states per unit; without the convolution and the gate of Mamba's block; inputs that are "
        "not U wide pass a linear map first",
    ),
)
