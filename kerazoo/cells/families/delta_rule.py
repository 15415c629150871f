"""Matrix memories that correct what they hold under a key: the gated delta rule, and the recurrence of RWKV-7.

The parallel form of both splits the sequence into chunks. Within a chunk, what each step adds to the memory follows
from the memory before the chunk by a triangular system (the WY form of products of Householder-like matrices: Yang et
al. 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", arXiv:2406.06484, sec. 3). So a
chunk of C steps maps the memory S before it to S M + N, and an associative scan over the pairs (M, N) gives the memory
before every chunk. All of it is computed in float32 under mixed precision.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerazoo._validation import check_int
from kerazoo.cells.base import RecurrentCell, draw, raised_bias, split_at
from kerazoo.cells.registry import CellInfo
from kerazoo.cells.scan import hold_last_valid, prefix_scan, previous_values
from kerazoo.errors import InvalidArgumentError

__all__ = ["CELLS", "GatedDeltaCell", "RWKV7Cell"]

_EPSILON = 1e-6  # added to squared lengths
_LARGEST_DECAY = math.exp(-0.5)  # of a step of RWKV-7, as a logarithm
_DELTA_CHUNK = 64
# Decays per channel are quotients of exponentials within a chunk: up to exp(16 * 0.607), which costs no precision.
_RWKV_CHUNK = 16


def _wide(dtype: str) -> str:
    """The dtype of memories within a step: float32 instead of half precision, else `dtype`."""
    return "float32" if dtype in ("bfloat16", "float16") else dtype


def _of_length_one(x: Any) -> Any:
    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + _EPSILON)


def _outer(column: Any, row: Any) -> Any:
    return ops.expand_dims(column, -1) * ops.expand_dims(row, -2)


def _applied(matrix: Any, vector: Any) -> Any:
    return ops.squeeze(ops.matmul(matrix, ops.expand_dims(vector, -1)), -1)


def _transposed(x: Any) -> Any:
    return ops.swapaxes(x, -1, -2)


class _DeltaCell(RecurrentCell):
    """A memory S (d, d) per head, which maps keys to values, in the first state."""

    options: tuple[str, ...] = ("heads",)
    linear = True
    chunked = True
    longest_chunk = 0

    def __init__(self, units: int, heads: int = 1, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.heads = check_int("heads", heads)
        if self.units % self.heads:
            raise InvalidArgumentError(
                f"units={units}; expected a multiple of heads={heads}. Each head has units / heads."
            )
        self.width = self.units // self.heads

    def _by_head(self, x: Any) -> Any:
        """(..., units) -> (..., heads, d) in the wide dtype."""
        shape = ops.shape(x)
        before = (-1,) if len(x.shape) == 2 else (-1, shape[1])
        return ops.cast(ops.reshape(x, (*before, self.heads, self.width)), _wide(self.compute_dtype))

    def _memory(self, state: Any) -> Any:
        shape = (-1, self.heads, self.width, self.width)
        return ops.cast(ops.reshape(state, shape), _wide(self.compute_dtype))

    def _row(self, memory: Any) -> Any:
        return ops.cast(ops.reshape(memory, (-1, self.units * self.width)), self.compute_dtype)

    def _chunked(self, *tensors: Any) -> list[Any]:
        """(B, T, heads, n) -> (B, chunks, heads, C, n), padded with zeros at the end to chunks of equal length."""
        steps = int(tensors[0].shape[1])
        chunks = -(-steps // self.longest_chunk)
        size = -(-steps // chunks)
        missing = chunks * size - steps
        found = []
        for x in tensors:
            width = int(x.shape[-1])
            if missing:
                x = ops.pad(x, [[0, 0], [0, missing], [0, 0], [0, 0]])
            x = ops.reshape(x, (-1, chunks, size, self.heads, width))
            found.append(ops.transpose(x, (0, 1, 3, 2, 4)))
        return found

    def _unchunked(self, x: Any, steps: int) -> Any:
        """(B, chunks, heads, C, d) -> (B, T, units), without the padding."""
        chunks, size = x.shape[1], x.shape[3]
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4)), (-1, chunks * size, self.units))
        return ops.cast(x[:, :steps], self.compute_dtype)

    def _through_chunks(
        self, first: Any, system: Any, pulled: Any, own: Any, written: Any, kept: Any, added: Any = None
    ) -> tuple[Any, Any, Any]:
        """The memory before each chunk, from the rule of a chunk.

        In a chunk, (I + L) U = pulled S^T + own gives the rows of U, and S becomes S diag(kept) + U^T written + added.

        Args:
            first: (B, heads, d, d), the memory before the first chunk.
            system: (B, chunks, heads, C, C), L, strictly lower triangular.
            pulled: (B, chunks, heads, C, d).
            own: (B, chunks, heads, C, d).
            written: (B, chunks, heads, C, d).
            kept: (B, chunks, heads, 1 or d).
            added: (B, chunks, heads, d, d) or None for zeros.

        Returns:
            (memory before each chunk (B, chunks, heads, d, d), U, memory after the last chunk).
        """
        chunks, width = int(system.shape[1]), self.width
        size = int(system.shape[-1])
        # Substitution, and not powers of L, which can be larger than the inverse by many orders of magnitude.
        identity = ops.eye(size, dtype=system.dtype)
        solved = ops.solve_triangular(system + identity, ops.concatenate([pulled, own], axis=-1), lower=True)
        pulled, own = split_at(solved, [width])
        identity = ops.eye(width, dtype=system.dtype)
        transition = identity * ops.expand_dims(kept, -2) + ops.matmul(_transposed(pulled), written)
        new = ops.matmul(_transposed(own), written)
        new = new if added is None else new + added
        one = ops.matmul(ops.expand_dims(first, 1), transition[:, :1]) + new[:, :1]
        new = ops.concatenate([one, new[:, 1:]], axis=1)
        _, memory = prefix_scan(lambda x, y: (ops.matmul(x[0], y[0]), ops.matmul(x[1], y[0]) + y[1]), (transition, new))
        memory = ops.reshape(memory, (-1, chunks, self.heads, width, width))
        before = ops.concatenate([ops.expand_dims(first, 1), memory[:, :-1]], axis=1)
        return before, own + ops.matmul(pulled, _transposed(before)), memory[:, -1]


@keras.saving.register_keras_serializable(package="kerazoo")
class GatedDeltaCell(_DeltaCell):
    """Gated delta rule: a matrix memory that forgets by a gate and replaces the value under a key.

    Equations (Yang, Kautz & Hatamizadeh 2024, "Gated Delta Networks: Improving Mamba2 with Delta Rule",
    arXiv:2412.06464, eq. 10 and sec. 3.4), for each head, of width d = units / heads, with g = `activation`::

        q_t = g(x_t W_q) / |g(x_t W_q)|,  k_t = g(x_t W_k) / |g(x_t W_k)|,  v_t = g(x_t W_v)
        beta_t  = sigmoid(x_t w_b)                              writing strength
        alpha_t = exp(-exp(A) softplus(x_t w_a + b_a))          decay, as in Mamba-2
        S_t = S_(t-1) (alpha_t (I - beta_t k_t k_t^T)) + beta_t v_t k_t^T
        o_t = S_t q_t

    With alpha = beta = 1, S_t k_t = v_t: the new value replaces the old one. 1e-6 is added to squared lengths. A and
    b_a start as in Mamba-2: exp(A) uniform from 1 to 16, softplus(b_a) log-uniform from 0.001 to 0.1. The convolutions,
    the norm, the gate of the output and the projection are parts of the block around the cell.
    `recurrent_initializer` and `bias_initializer` have no effect.

    The parallel form works on chunks of C <= 64 steps (:mod:`kerazoo.cells.families.delta_rule`). Besides the products
    of a chunk, in proportion to T C d + T d d, it multiplies about 2 T / C pairs of d x d matrices, and needs memory in
    proportion to T C + d d T / C.

    Args:
        units: int >= 1, a multiple of `heads`.
        heads: int >= 1, number of memories.
        activation: function of queries, keys and values.
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [S (B, heads d d), with a row for each component of v]; output o (B, units). Weights:
    kernel (F, 3 units + 2 heads) as [q, k, v, beta, alpha], step_bias (heads), which is b_a, a_log (heads), which is A.

    >>> cell = GatedDeltaCell(4, heads=2)
    >>> o, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(o.shape), cell.state_size
    ((2, 4), [8])
    """

    options = ("heads", "activation")
    longest_chunk = _DELTA_CHUNK

    def __init__(self, units: int, heads: int = 1, activation: Any = "silu", **kwargs: Any) -> None:
        super().__init__(units, heads, **kwargs)
        self.activation = keras.activations.get(activation)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units * self.width]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        log_steps = keras.initializers.RandomUniform(math.log(0.001), math.log(0.1))
        rates = keras.initializers.RandomUniform(1.0, 16.0)

        def step_bias(shape: Any, dtype: Any = None) -> Any:
            step = ops.exp(draw(log_steps, shape, dtype))
            return step + ops.log(-ops.expm1(-step))  # the inverse of softplus

        self.kernel = self.add_kernel("kernel", (input_shape[-1], 3 * self.units + 2 * self.heads))
        self.step_bias = self.add_bias("step_bias", (self.heads,), step_bias)
        self.a_log = self.add_weight(
            shape=(self.heads,),
            name="a_log",
            initializer=lambda shape, dtype=None: ops.log(draw(rates, shape, dtype)),
            autocast=False,
        )
        self.built = True

    def _read(self, inputs: Any) -> tuple[Any, Any, Any, Any, Any]:
        """(..., F) -> q, k, v (..., heads, d), beta and log alpha (..., heads, 1), in the wide dtype."""
        wide, units = _wide(self.compute_dtype), self.units
        read = ops.matmul(inputs, self.kernel)
        *vectors, beta, step = split_at(read, [units, 2 * units, 3 * units, 3 * units + self.heads])
        q, k, v = (self._by_head(self.activation(x)) for x in vectors)
        step = ops.softplus(ops.cast(step + self.step_bias, wide))
        log_alpha = -ops.exp(ops.cast(self.a_log, wide)) * step
        beta = ops.sigmoid(ops.cast(beta, wide))
        return _of_length_one(q), _of_length_one(k), v, ops.expand_dims(beta, -1), ops.expand_dims(log_alpha, -1)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        q, k, v, beta, log_alpha = self._read(inputs)
        memory = self._memory(states[0]) * ops.expand_dims(ops.exp(log_alpha), -1)
        memory = memory + _outer(v - _applied(memory, k), beta * k)
        output = ops.reshape(_applied(memory, q), (-1, self.units))
        return ops.cast(output, self.compute_dtype), [self._row(memory)]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        q, k, v, beta, log_alpha = self._read(sequences)
        if mask is not None:  # a masked step neither forgets nor writes
            valid = ops.cast(ops.reshape(mask, (-1, ops.shape(sequences)[1], 1, 1)), beta.dtype)
            beta, log_alpha = beta * valid, log_alpha * valid
        q, k, v, written, log_alpha = self._chunked(q, k, v, beta * k, log_alpha)
        size = int(q.shape[3])
        # The decay from step s to step t of a chunk at (t, s). Not by differences of sums from the start of the chunk,
        # which would lose all digits after a strong decay.
        later = ops.cast(np.tril(np.ones((size, size), "float32"), -1), log_alpha.dtype)
        seen = ops.cast(np.tril(np.ones((size, size), "float32")), log_alpha.dtype)
        between = ops.exp(ops.cumsum(log_alpha * later, axis=-2)) * seen
        carried = ops.exp(ops.cumsum(log_alpha, axis=-2))
        # Step t adds u_t (beta_t k_t)^T, with u_t = v_t - alpha_t S_(t-1) k_t.
        system = ops.matmul(k, _transposed(written)) * between * later
        at_end = written * ops.expand_dims(between[..., -1, :], -1)
        before, u, last = self._through_chunks(
            self._memory(states[0]), system, -carried * k, v, at_end, carried[..., -1, :]
        )
        output = ops.matmul(carried * q, _transposed(before))
        output = output + ops.matmul(ops.matmul(q, _transposed(written)) * between, u)
        return self._unchunked(output, int(sequences.shape[1])), [self._row(last)]


@keras.saving.register_keras_serializable(package="kerazoo")
class RWKV7Cell(_DeltaCell):
    """The recurrence of RWKV-7: a matrix memory with a decay and a writing strength per channel.

    Equations (Peng et al. 2025, "RWKV-7 'Goose' with Expressive Dynamic State Evolution", arXiv:2503.14456, sec. 4.1),
    for each head, of width d = units / heads; * is elementwise::

        z_t = x_t W_z                                       if F differs from `units`, else x_t
        z^j_t = z_t + (z_(t-1) - z_t) * mu_j                token shift, j = r, w, k, v, a
        r_t = z^r_t W_r,  k_t = z^k_t W_k,  v_t = z^v_t W_v
        w_t = exp(-exp(-0.5) sigmoid(tanh(z^w_t A_w) B_w + b_w))
        a_t = sigmoid(z^a_t A_a B_a + b_a)
        c_t = (k_t * xi) / |k_t * xi|                       removal key, the paper's kappa-hat
        n_t = k_t * (1 + (a_t - 1) * nu)                    replacement key, the paper's k-tilde; nu: alpha in the paper
        S_t = S_(t-1) (diag(w_t) - c_t^T (a_t * c_t)) + v_t^T n_t
        y_t = r_t S_t^T

    The cell is this recurrence. The group norm, the bonus, the gate, the output projection, and the residual of the
    values of the first layer are parts of the block around it. z_(t-1) is a state; before the first step it is zero.
    1e-6 is added to squared lengths. b_w starts as in the first layer of the authors' code, so that w is initially
    0.999 for the first unit and falls to 0.895 for the last; xi is initially 0.85, nu 1, A 0. mu is initially 0.5
    (there, it depends on the depth of the network). `recurrent_initializer` has no effect.

    The parallel form works on chunks of C <= 16 steps, since the decays differ per channel
    (:mod:`kerazoo.cells.families.delta_rule`). It multiplies about 2 T / C pairs of d x d matrices, and needs memory in
    proportion to d d T / C.

    Args:
        units: int >= 1, a multiple of `heads`.
        heads: int >= 1, number of memories.
        rank: int >= 1, width of the maps A; None: units / 8, rounded up. (The authors' are multiples of 32, for wider
            networks.)
        **kwargs: see :class:`kerazoo.cells.RecurrentCell`.

    Shapes: inputs (B, F); states [S (B, heads d d) with a row for each component of v, z (B, units)]; output y (B,
    units). Weights: input_kernel (F, units) only if F != units; shift (5, units) as [r, w, k, v, a]; kernel (3, units,
    units) as [r, k, v]; low_kernel (2, units, rank), high_kernel (2, rank, units) and bias (2 units) as [w, a];
    key_scales (2, units) as [xi, nu].

    >>> cell = RWKV7Cell(4, heads=2)
    >>> y, states = cell(np.zeros((2, 3), "float32"), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape), cell.state_size
    ((2, 4), [8, 4])
    """

    options = ("heads", "rank")
    longest_chunk = _RWKV_CHUNK

    def __init__(self, units: int, heads: int = 1, rank: int | None = None, **kwargs: Any) -> None:
        super().__init__(units, heads, **kwargs)
        self.rank = -(-self.units // 8) if rank is None else check_int("rank", rank, hint="None uses units / 8.")

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [self.units * self.width, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        units, rank = self.units, self.rank
        self.projects = input_shape[-1] != units
        if self.projects:
            self.input_kernel = self.add_kernel("input_kernel", (input_shape[-1], units))
        self.shift = self.add_weight(shape=(5, units), name="shift", initializer=keras.initializers.Constant(0.5))
        self.kernel = self.add_kernel("kernel", (3, units, units), _of_each(self.kernel_initializer))
        self.low_kernel = self.add_kernel("low_kernel", (2, units, rank), "zeros")
        self.high_kernel = self.add_kernel(
            "high_kernel", (2, rank, units), _of_each(keras.initializers.Orthogonal(0.1))
        )
        decay = -6.5 + 5 * (np.arange(units) / max(1, units - 1)) ** 0.85
        self.bias = self.add_bias("bias", (2 * units,), raised_bias(self.bias_initializer, [*decay, *np.zeros(units)]))
        scales = np.stack([np.full(units, 0.85), np.ones(units)])
        self.key_scales = self.add_weight(
            shape=(2, units),
            name="key_scales",
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(scales, dtype=dtype),
        )
        self.built = True

    def _mapped(self, inputs: Any) -> Any:
        return ops.matmul(inputs, self.input_kernel) if self.projects else inputs

    def _read(self, z: Any, z_before: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
        """(..., units) twice -> r, log w, c, a * c, n, v (..., heads, d) in the wide dtype."""
        wide = _wide(self.compute_dtype)
        of_r, of_w, of_k, of_v, of_a = (z + (z_before - z) * self.shift[j] for j in range(5))
        r, k, v = (ops.matmul(x, self.kernel[j]) for j, x in enumerate((of_r, of_k, of_v)))
        b_w, b_a = split_at(self.bias, [self.units])
        w = ops.matmul(ops.tanh(ops.matmul(of_w, self.low_kernel[0])), self.high_kernel[0]) + b_w
        a = ops.matmul(ops.matmul(of_a, self.low_kernel[1]), self.high_kernel[1]) + b_a
        a, k = ops.sigmoid(ops.cast(a, wide)), ops.cast(k, wide)
        log_w = -_LARGEST_DECAY * ops.sigmoid(ops.cast(w, wide))
        xi, nu = (ops.cast(self.key_scales[j], wide) for j in range(2))
        c = _of_length_one(self._by_head(k * xi))
        n = self._by_head(k * (1 + (a - 1) * nu))
        return self._by_head(r), self._by_head(log_w), c, self._by_head(a) * c, n, self._by_head(v)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """One step: (B, F) and a list of states -> (B, `output_size`), new states."""
        z = self._mapped(inputs)
        r, log_w, c, removed, n, v = self._read(z, states[1])
        memory = self._memory(states[0])
        memory = memory * ops.expand_dims(ops.exp(log_w), -2) - _outer(_applied(memory, c), removed) + _outer(v, n)
        output = ops.reshape(_applied(memory, r), (-1, self.units))
        return ops.cast(output, self.compute_dtype), [self._row(memory), z]

    def parallel_call(self, sequences: Any, states: list[Any], mask: Any = None, training: bool = False) -> Any:
        """All steps in parallel: see `RecurrentCell.parallel_call`."""
        z = self._mapped(sequences)
        r, log_w, c, removed, n, v = self._read(z, previous_values(z, states[1], mask))
        if mask is not None:  # a masked step neither forgets nor writes
            valid = ops.cast(ops.reshape(mask, (-1, ops.shape(sequences)[1], 1, 1)), log_w.dtype)
            log_w, removed, n = log_w * valid, removed * valid, n * valid
        r, log_w, c, removed, n, v = self._chunked(r, log_w, c, removed, n, v)
        size = int(r.shape[3])
        decay = ops.cumsum(log_w, axis=-2)  # from the start of the chunk
        pulled = c * ops.exp(decay - log_w)
        away, later = -removed * ops.exp(-decay), n * ops.exp(-decay)
        earlier = ops.cast(np.tril(np.ones((size, size), "float32"), -1), decay.dtype)
        seen = ops.cast(np.tril(np.ones((size, size), "float32")), decay.dtype)
        # Step t adds -u_t (a_t * c_t)^T + v_t n_t^T, with u_t = S_(t-1) c_t.
        system = -ops.matmul(pulled, _transposed(away)) * earlier
        own = ops.matmul(ops.matmul(pulled, _transposed(later)) * earlier, v)
        kept = ops.exp(decay[..., -1:, :])
        added = ops.matmul(_transposed(v), later * kept)
        before, u, last = self._through_chunks(
            self._memory(states[0]), system, pulled, own, away * kept, kept[..., 0, :], added
        )
        r = r * ops.exp(decay)
        output = ops.matmul(r, _transposed(before))
        output = output + ops.matmul(ops.matmul(r, _transposed(away)) * seen, u)
        output = output + ops.matmul(ops.matmul(r, _transposed(later)) * seen, v)
        last_z = hold_last_valid(z, mask, states[1])[:, -1]
        return self._unchunked(output, int(sequences.shape[1])), [self._row(last), last_z]


def _of_each(initializer: Any) -> Any:
    """An initializer of several matrices, which draws them as one, (rows, matrices x columns)."""

    def values(shape: Any, dtype: Any = None) -> Any:
        matrices, rows, columns = shape
        drawn = draw(initializer, (rows, matrices * columns), dtype)
        return ops.transpose(ops.reshape(drawn, (rows, matrices, columns)), (1, 0, 2))

    return values


CELLS = (
    CellInfo(
        name="gateddelta",
        make=GatedDeltaCell,
        title="Gated delta rule: a matrix memory that forgets by a gate and replaces the value under a key.",
        paper='Yang, Kautz & Hatamizadeh 2024, "Gated Delta Networks: Improving Mamba2 with Delta Rule", '
        "arXiv:2412.06464",
        aliases=("gateddeltanet",),
        states=("S",),
        note="state of U U / heads numbers; without the convolutions, norm and gate of the block",
    ),
    CellInfo(
        name="rwkv7",
        make=RWKV7Cell,
        title="The recurrence of RWKV-7: a matrix memory with a decay and a writing strength per channel.",
        paper="Peng et al. 2025, \"RWKV-7 'Goose' with Expressive Dynamic State Evolution\", arXiv:2503.14456",
        states=("S", "z"),
        note="states of U U / heads numbers and the last input; without the norm, bonus and gate of the block; inputs "
        "that are not U wide pass a linear map first",
    ),
)
