"""The cells of xLSTM: sLSTM, with exponential gates and a normalised memory, and mLSTM, with a matrix memory."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.cells.base import RecurrentCell, raised_bias, split_at
from kerazoo.cells.registry import CellInfo
from kerazoo.cells.scan import linear_scan, prefix_scan
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "MLSTMCell", "SLSTMCell"]

_FORGET_GATES = ("sigmoid", "exp")
_NEVER = -1e30  # the logarithm of a closed gate; an infinity would make gradients NaN
_LARGEST = 80.0  # its exponential is finite in float32
_CHUNK = 64  # steps of the parallel form that read each other directly


def _check_heads(units: int, heads: Any) -> int:
    heads = check_int("heads", heads)
    if units % heads:
        raise InvalidArgumentError(f"units={units}; expected a multiple of heads={heads}. Each head has units / heads.")
    return heads


def _wide(dtype: str) -> str:
    """The dtype for exponents: float32 instead of half precision, else `dtype`."""
    return "float32" if dtype in ("bfloat16", "float16") else dtype


def _rounded(m: Any, dtype: str) -> Any:
    """M as the states will hold it, so that memories are scaled by the very number that later steps read."""
    return ops.cast(ops.cast(m, dtype), m.dtype)


@keras.saving.register_keras_serializable(package="kerazoo")
class SLSTMCell(RecurrentCell):
    """sLSTM: an LSTM with an exponential input gate, whose memory is divided by the sum of the gates.

    Equations (Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv:2405.04517, eq. 8 to 17), with
    g = `activation`::

        a_i, a_f, a_z, a_o = x_t W + h_(t-1) R + b
        log i_t = a_i,  log f_t = log sigmoid(a_f)        or a_f with forget_gate="exp"
        m_t = max(log f_t + m_(t-1), log i_t)             m_t = log i_t where n_(t-1) = 0
        i'_t = exp(log i_t - m_t),  f'_t = exp(log f_t + m_(t-1) - m_t)
        c_t = f'_t * c_(t-1) + i'_t * g(a_z)
        n_t = f'_t * n_(t-1) + i'_t
        h_t = sigmoid(a_o) * c_t / n_t

    m is the logarithm of a scale that c and n share: it prevents overflow of the exponentials and cancels in h. All
    initial states are zeros. An empty memory (n = 0) takes its scale from its first input, so that n >= 1 afterwards. R
    is block-diagonal: units read only their own head (app. A.2).

    The paper allows both forget gates; the default is the sigmoid, as in the authors' implementation. There, the
    initial b_f falls along the units by a power law and the initial R is zero; here b_f is `forget_bias` for all units
    and R is orthogonal. The causal convolution and the group norm are parts of the block around the cell.

    Since m cancels, it has no gradient.

    Args:
        units: int >= 1, a multiple of `heads`.
        heads: int >= 1, blocks of the recurrent weights.
        forget_gate: "sigmoid" or "exp".
        activation: function of the candidate.
        forget_bias: float, added to the initial b_f; with forget_gate="exp" its log sigmoid is added, so that both
            gates initially have the same value.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [h, c, n, m], each (B, units); output h. Weights: kernel (F, 4 units) as [i, f, z, o],
    recurrent_kernel (heads, units / heads, 4 units / heads), each head as [i, f, z, o], bias (4 units).

    >>> import numpy as np
    >>> cell = SLSTMCell(4, heads=2)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), len(states)
    ((2, 4), 4)
    """

    options = ("heads", "forget_gate", "activation", "forget_bias")

    def __init__(
        self,
        units: int,
        heads: int = 1,
        forget_gate: str = "sigmoid",
        activation: Any = "tanh",
        forget_bias: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.heads = _check_heads(self.units, heads)
        self.forget_gate = check_choice("forget_gate", forget_gate, _FORGET_GATES)
        self.activation = keras.activations.get(activation)
        self.forget_bias = check_real("forget_bias", forget_bias)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units] * 4

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        width = self.units // self.heads
        self.kernel = self.add_kernel("kernel", (input_shape[-1], 4 * self.units))
        self.recurrent_kernel = self.add_recurrent_kernel("recurrent_kernel", (self.heads, width, 4 * width))
        forget = float(_initial_forget(self.forget_bias, self.forget_gate))
        self.bias = self.add_bias(
            "bias", (4 * self.units,), raised_bias(self.bias_initializer, [0.0, forget, 0.0, 0.0])
        )
        self.built = True

    def _recurrent(self, h: Any) -> Any:
        if self.heads == 1:
            return ops.matmul(h, self.recurrent_kernel[0])
        width = self.units // self.heads
        by_head = ops.einsum("bhd,hde->bhe", ops.reshape(h, (-1, self.heads, width)), self.recurrent_kernel)
        by_gate = ops.transpose(ops.reshape(by_head, (-1, self.heads, 4, width)), (0, 2, 1, 3))
        return ops.reshape(by_gate, (-1, 4 * self.units))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        h, c, n, m = states
        wide = _wide(self.compute_dtype)
        i, f, z, o = ops.split(ops.matmul(inputs, self.kernel) + self._recurrent(h) + self.bias, 4, axis=-1)
        log_i, log_f = ops.cast(i, wide), _log_forget(ops.cast(f, wide), self.forget_gate)
        empty, m_before = ops.equal(n, 0), ops.cast(m, wide)
        # An empty memory has no scale: with the maximum, a small first input would be lost in 0 / 0.
        m = ops.where(empty, log_i, ops.maximum(log_f + m_before, log_i))
        m = _rounded(ops.stop_gradient(m), self.compute_dtype)
        i = ops.cast(ops.exp(log_i - m), self.compute_dtype)
        # m_before - m first: log f would be lost in the rounding of a large m.
        f = ops.cast(ops.exp(ops.where(empty, _NEVER, log_f + (m_before - m))), self.compute_dtype)
        c = f * c + i * self.activation(z)
        n = f * n + i
        h = ops.sigmoid(o) * c / n
        return h, [h, c, n, ops.cast(m, self.compute_dtype)]


@keras.saving.register_keras_serializable(package="kerazoo")
class MLSTMCell(RecurrentCell):
    """mLSTM: a matrix memory that stores values under keys, with gates that read only the input.

    Equations (Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv:2405.04517, eq. 19 to 27, in the
    stabilised form of eq. 15 to 17 and app. A.3), for each head, of width d = units / heads::

        q_t = x_t W_q + b_q,  k_t = x_t W_k / sqrt(d) + b_k,  v_t = x_t W_v + b_v
        log i_t = x_t w_i + b_i
        log f_t = log sigmoid(x_t w_f + b_f)              or x_t w_f + b_f with forget_gate="exp"
        m_t = max(log f_t + m_(t-1), log i_t)
        i'_t = exp(log i_t - m_t),  f'_t = exp(log f_t + m_(t-1) - m_t)
        C_t = f'_t C_(t-1) + i'_t v_t^T k_t
        n_t = f'_t n_(t-1) + i'_t k_t
        h_t = sigmoid(x_t W_o + b_o) * (C_t q_t) / max(|n_t q_t|, exp(-m_t))

    C and n are those of the paper divided by exp(m), which cancels in h, so m has no gradient. All initial states are
    zeros. There is no hidden state.

    As in the authors' implementation the default forget gate is a sigmoid, and the initial b_f rises linearly from 3
    for the first head to 6 for the last, added to `bias_initializer` (with forget_gate="exp", their log sigmoid, which
    is the same gate). There, the gates read q, k and v with weights that are initially zero, b_i is random, and 1e-6 is
    added to the divisor; here these follow the paper. The convolution, the norm and the projections are parts of the
    block around the cell. `recurrent_initializer` has no effect.

    The parallel form splits the sequence into chunks of up to 64 steps. The steps of a chunk read each other as in
    attention; an associative scan passes the memory from chunk to chunk. For T steps of a head it needs memory in
    proportion to 64 T + d d T / 64; a scan of every step would need d d T, plain attention T T.

    Args:
        units: int >= 1, a multiple of `heads`.
        heads: int >= 1, number of memories.
        forget_gate: "sigmoid" or "exp".
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [C (B, heads d d) with a row for each component of v, n (B, units), m (B, heads)];
    output h (B, units). Weights: kernel (F, 4 units + 2 heads) as [q, k, v, o, i, f], bias (4 units + 2 heads).

    >>> import numpy as np
    >>> cell = MLSTMCell(4, heads=2)
    >>> h, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(h.shape), cell.state_size
    ((2, 4), [8, 4, 2])
    """

    options = ("heads", "forget_gate")
    linear = True
    chunked = True

    def __init__(self, units: int, heads: int = 1, forget_gate: str = "sigmoid", **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.heads = _check_heads(self.units, heads)
        self.forget_gate = check_choice("forget_gate", forget_gate, _FORGET_GATES)
        self.width = self.units // self.heads

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units * self.width, self.units, self.heads]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        size = 4 * self.units + 2 * self.heads
        self.kernel = self.add_kernel("kernel", (input_shape[-1], size))
        raised = np.zeros(size)
        raised[-self.heads :] = _initial_forget(np.linspace(3.0, 6.0, self.heads), self.forget_gate)
        self.bias = self.add_bias("bias", (size,), raised_bias(self.bias_initializer, raised.tolist()))
        self.built = True

    def _read(self, inputs: Any) -> list[Any]:
        """(..., F) -> q, k, v (..., heads, d), o (..., units), and log i, log f (..., heads) in the wide dtype."""
        units, width = self.units, self.width
        # The scale multiplies the product, because the bias of k is not divided by sqrt(d).
        scale = np.ones(4 * units + 2 * self.heads)
        scale[units : 2 * units] = 1 / math.sqrt(width)
        read = ops.matmul(inputs, self.kernel) * ops.cast(scale, self.compute_dtype) + self.bias
        q, k, v, o, i, f = split_at(read, [units, 2 * units, 3 * units, 4 * units, 4 * units + self.heads])
        shape = ops.shape(inputs)
        heads = (-1, self.heads, width) if len(shape) == 2 else (-1, shape[1], self.heads, width)
        q, k, v = (ops.reshape(part, heads) for part in (q, k, v))
        wide = _wide(self.compute_dtype)
        return [q, k, v, ops.sigmoid(o), ops.cast(i, wide), _log_forget(ops.cast(f, wide), self.forget_gate)]

    def _divided(self, memory: Any, normalizer: Any, m: Any) -> Any:
        """(C q) / max(|n q|, exp(-m)), computed in the wide dtype: exp(-m) can overflow in half precision."""
        memory, normalizer = ops.cast(memory, m.dtype), ops.cast(normalizer, m.dtype)
        least = ops.exp(ops.minimum(-m, _LARGEST))
        return ops.cast(memory / ops.expand_dims(ops.maximum(ops.abs(normalizer), least), -1), self.compute_dtype)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        heads, width = self.heads, self.width
        q, k, v, o, log_i, log_f = self._read(inputs)
        memory = ops.reshape(states[0], (-1, heads, width, width))
        normalizer = ops.reshape(states[1], (-1, heads, width))
        m_before = ops.cast(states[2], log_f.dtype)
        m = _rounded(ops.stop_gradient(ops.maximum(log_f + m_before, log_i)), self.compute_dtype)
        i, f = ops.exp(log_i - m), ops.exp(log_f + (m_before - m))  # log f can be small, m large
        i, f = (ops.expand_dims(ops.cast(gate, self.compute_dtype), -1) for gate in (i, f))
        k_in = i * k
        memory = ops.expand_dims(f, -1) * memory + ops.expand_dims(v, -1) * ops.expand_dims(k_in, -2)
        normalizer = f * normalizer + k_in
        found = ops.squeeze(ops.matmul(memory, ops.expand_dims(q, -1)), -1)
        h = self._divided(found, ops.sum(normalizer * q, axis=-1), m)
        h = o * ops.reshape(h, (-1, self.units))
        new = [ops.reshape(memory, (-1, self.units * width)), ops.reshape(normalizer, (-1, self.units))]
        return h, [*new, ops.cast(m, self.compute_dtype)]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        heads, width, dtype = self.heads, self.width, self.compute_dtype
        wide = _wide(dtype)
        q, k, v, o, log_i, log_f = self._read(sequences)
        if mask is not None:
            valid = ops.expand_dims(ops.cast(mask, "bool"), -1)
            log_i = ops.where(valid, log_i, _NEVER)
            log_f = ops.where(valid, log_f, ops.zeros_like(log_f))
        # n is a further row of C: the memory of a value that is always 1.
        v = ops.concatenate([v, ops.ones_like(v[..., :1])], axis=-1)
        first = ops.concatenate(
            [ops.reshape(states[0], (-1, heads, width, width)), ops.reshape(states[1], (-1, heads, 1, width))], axis=2
        )
        first, first_m = ops.cast(first, wide), ops.cast(states[2], wide)

        steps = ops.shape(sequences)[1]
        size = _CHUNK if sequences.shape[1] is None else -(-steps // -(-steps // _CHUNK))  # chunks of equal length
        missing = -steps % size
        if sequences.shape[1] is None or missing:  # pad with steps that neither forget nor write
            q, k, v, log_f = (_padded(x, missing, 0.0) for x in (q, k, v, log_f))
            log_i = _padded(log_i, missing, _NEVER)
        chunks = (steps + missing) // size
        m = _running_scale(ops.stop_gradient(log_f), ops.stop_gradient(log_i), first_m)
        m = ops.reshape(m, (-1, steps + missing, heads))  # its static rank is lost in graphs of TensorFlow

        def chunked(x: Any) -> Any:
            """(B, T, heads, ...) -> (B, chunks, heads, steps of a chunk, ...)."""
            rest = tuple(x.shape[3:])
            x = ops.reshape(x, (-1, chunks, size, heads, *rest))
            return ops.transpose(x, (0, 1, 3, 2, *range(4, 4 + len(rest))))

        q, k, v, log_i, log_f, m = (chunked(x) for x in (q, k, v, log_i, log_f, m))
        # Logarithms of the decay, at step t of a chunk, of the memory before it, and of what step s wrote, (t, s). The
        # latter are not differences of the former, which would lose all digits after a strong reset.
        decay = ops.cumsum(log_f, axis=-1)
        later = np.tril(np.ones((size, size), "float32"), -1)
        between = ops.cumsum(ops.expand_dims(log_f, -1) * ops.cast(later, wide), axis=-2)
        last_m = m[..., -1]
        m_before = ops.concatenate([ops.expand_dims(first_m, 1), last_m[:, :-1]], axis=1)

        # What the steps of a chunk read from each other.
        seen = np.tril(np.ones((size, size), bool))
        log_weight = between + (ops.expand_dims(log_i, -2) - ops.expand_dims(m, -1))
        weight = ops.exp(ops.where(seen, log_weight, _NEVER))
        scores = ops.matmul(q, ops.swapaxes(k, -1, -2)) * ops.cast(weight, dtype)
        read = ops.matmul(scores, v)

        # What they read from earlier chunks.
        written = ops.cast(ops.exp(between[..., -1, :] + (log_i - ops.expand_dims(last_m, -1))), dtype)
        new = ops.matmul(ops.swapaxes(v, -1, -2), k * ops.expand_dims(written, -1))
        kept = ops.exp(decay[..., -1] + (m_before - last_m))
        memory = linear_scan(ops.expand_dims(ops.expand_dims(kept, -1), -1), ops.cast(new, wide), first)
        memory = ops.reshape(memory, (-1, chunks, heads, width + 1, width))
        before = ops.concatenate([ops.expand_dims(first, 1), memory[:, :-1]], axis=1)
        carried = ops.exp(decay + (ops.expand_dims(m_before, -1) - m))
        read_before = ops.matmul(q, ops.cast(ops.swapaxes(before, -1, -2), dtype))
        read = read + read_before * ops.cast(ops.expand_dims(carried, -1), dtype)

        h = self._divided(read[..., :-1], read[..., -1], m)
        h = ops.reshape(ops.transpose(h, (0, 1, 3, 2, 4)), (-1, steps + missing, self.units))
        last_m = last_m[:, -1]
        state_m = _rounded(last_m, dtype)
        last = ops.cast(memory[:, -1] * ops.expand_dims(ops.expand_dims(ops.exp(last_m - state_m), -1), -1), dtype)
        last_states = [
            ops.reshape(last[:, :, :-1], (-1, self.units * width)),
            ops.reshape(last[:, :, -1], (-1, self.units)),
            ops.cast(state_m, dtype),
        ]
        return o * h[:, :steps], last_states


def _log_forget(a: Any, forget_gate: str) -> Any:
    return a if forget_gate == "exp" else ops.log_sigmoid(a)


def _initial_forget(bias: Any, forget_gate: str) -> Any:
    """The increment of the initial bias with which the gate is initially sigmoid(bias), whatever its function."""
    return -np.logaddexp(0.0, -np.asarray(bias)) if forget_gate == "exp" else bias


def _padded(x: Any, missing: Any, value: float) -> Any:
    """X (B, T, ...) with `missing` more steps at the end."""
    shape = ops.shape(x)
    return ops.concatenate([x, ops.full((shape[0], missing, *shape[2:]), value, dtype=x.dtype)], axis=1)


def _running_scale(log_f: Any, log_i: Any, first: Any) -> Any:
    """m_t = max(log f_t + m_(t-1), log i_t) of all steps (B, T, heads): linear in (maximum, sum)."""
    kept, entered = prefix_scan(lambda x, y: (x[0] + y[0], ops.maximum(x[1] + y[0], y[1])), (log_f, log_i))
    return ops.maximum(kept + ops.expand_dims(first, 1), entered)


_PAPER = 'Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv:2405.04517'

CELLS = (
    CellInfo(
        name="slstm",
        make=SLSTMCell,
        title="LSTM with exponential gates and a normalised memory.",
        paper=_PAPER,
        states=("h", "c", "n", "m"),
        note="exponential input gate; block-diagonal recurrent weights",
    ),
    CellInfo(
        name="mlstm",
        make=MLSTMCell,
        title="LSTM with a matrix memory.",
        paper=_PAPER,
        states=("C", "n", "m"),
        note="states of U U / heads, U and heads numbers",
    ),
)
