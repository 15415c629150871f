"""The kernels in Pallas, for JAX on NVIDIA GPUs; see the docstring of the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl

try:
    from jax.experimental.pallas import triton as gpu
except ImportError:  # deprecated in JAX 0.11; without it, the trainer does not use the kernels
    gpu = None  # type: ignore[assignment]

__all__ = ["Shape", "gradients", "train", "update"]

# Terms are rounded to multiples of these, so that sums up to 2^24 multiples are exact (see the package's docstring).
GRADIENT_UNIT, BIAS_UNIT = 2.0**-14, 2.0**-12
ROWS = 16  # positions per program of the update


@dataclass(frozen=True)
class Shape:
    """The values that are known when the kernels are compiled.

    Attributes:
        size, window, group, n_noise: T, w, G and K' of a block; G and K' are powers of two, at least 16.
        negative: K.
        biased: whether logits are ``W[x].C[o] + b[o] - log(K q(o))``, or the product plus `offset`.
        removes_hits: whether noise words equal to the centre are ignored.
        clip: largest length of a row's update.
        precision: of the products: "tf32", "bfloat16" or "float32".
        warps: per program of the gradients.
        interpret: whether the kernels run in the interpreter, on a CPU, for tests.
        offset: added to every logit, without biases.
    """

    size: int
    window: int
    group: int
    n_noise: int
    negative: int
    biased: bool
    removes_hits: bool
    clip: float
    precision: str = "tf32"
    warps: int = 4
    interpret: bool = False
    offset: float = 0.0

    @property
    def n_groups(self) -> int:
        """Groups per block."""
        return self.size // self.group

    @property
    def n_inputs(self) -> int:
        """Positions of a block at which W is read."""
        return self.size + 2 * self.window

    @property
    def n_outputs(self) -> int:
        """Positions of a block at which C is read: the centres, then the noise words."""
        return self.size + self.n_groups * self.n_noise


def _power_of_two(n: int) -> int:
    return max(16, 1 << (n - 1).bit_length())


def _chunks(dimension: int) -> list[Any]:
    """Slices of the vectors that fit into registers: (columns, mask) each."""
    width = min(128, _power_of_two(dimension))
    return [(start + jnp.arange(width), start + jnp.arange(width) < dimension) for start in range(0, dimension, width)]


def _add(ref: Any, indices: tuple[Any, ...], values: Any, mask: Any, interpret: bool) -> None:
    """ref[indices] += values where the mask is True, atomically."""
    if interpret:
        index = tuple(jnp.broadcast_to(each, values.shape) for each in indices)
        ref[...] = ref[...].at[index].add(jnp.where(mask, values, 0))
    else:
        gpu.atomic_add(ref, indices, values, mask=mask)


def _store(ref: Any, indices: tuple[Any, ...], values: Any, mask: Any, interpret: bool) -> None:
    """ref[indices] = values where the mask is True; of equal indices, any one is stored."""
    if interpret:
        index = [jnp.broadcast_to(each, values.shape) for each in indices]
        index[0] = jnp.where(mask, index[0], ref.shape[0])
        ref[...] = ref[...].at[tuple(index)].set(values, mode="drop")
    else:
        gpu.store(ref.at[indices], values, mask=mask)


def _rounded(values: Any, unit: float) -> Any:
    # floor(x + 1/2) uses instructions that every GPU has.
    return jnp.floor(values * (1 / unit) + 0.5) * unit


def gradients(
    shape: Shape,
    inputs: jax.Array,
    outputs: jax.Array,
    biases: jax.Array,
    correction: jax.Array,
    text: tuple[jax.Array, jax.Array, jax.Array],
    noise: jax.Array,
    first: jax.Array,
    step: jax.Array,
    buffers: tuple[jax.Array, ...],
) -> tuple[jax.Array, ...]:
    """Add the gradients of a block to the buffers.

    Args:
        shape: see :class:`Shape`.
        inputs: float32 (V, D), W.
        outputs: float32 (V, D), C.
        biases: float32 (V,), b; read only if `shape.biased`.
        correction: float32 (V,), log(K q); read only if `shape.biased`.
        text: int32, words (N + 2w,), left and right (N,) of all blocks of the epoch.
        noise: int32 (S * T / G * K',), of all steps of the call.
        first: int32 (1,), the number in the epoch of the call's first block.
        step: int32 (1,), the number of the step in the call.
        buffers: sums float32 (V, D), (V, D) and (V,); owners int32 (V,) and (V,); losses and numbers of pairs float32
            (S * T / G,).

    Returns:
        The buffers, changed in place.
    """
    n_given = 10
    return pl.pallas_call(
        partial(_gradients_of_group, shape, inputs.shape[1]),
        grid=(shape.n_groups,),
        out_shape=[jax.ShapeDtypeStruct(buffer.shape, buffer.dtype) for buffer in buffers],
        input_output_aliases={n_given + number: number for number in range(len(buffers))},
        interpret=shape.interpret,
        compiler_params=None if shape.interpret else gpu.CompilerParams(num_warps=shape.warps, num_stages=1),
        name="word2vec_gradients",
    )(inputs, outputs, biases, correction, *text, noise, first, step, *buffers)


def _gradients_of_group(shape: Shape, dimension: int, *refs: Any) -> None:
    inputs, outputs, biases, correction, words, left, right, noise, first, step_of_call = refs[:10]
    input_sums, output_sums, bias_sums, input_owners, output_owners, losses, counts = refs[17:]
    size, window, group, n_noise = shape.size, shape.window, shape.group, shape.n_noise
    precision = jax.lax.Precision.HIGHEST if shape.precision == "float32" else jax.lax.Precision.DEFAULT

    def product(a: Any, b: Any, trans_a: bool = False, trans_b: bool = False) -> Any:
        if shape.precision == "bfloat16":
            a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
        return _dot(a, b, trans_a, trans_b, precision)

    number = pl.program_id(0)
    step = step_of_call[0]
    base = (first[0] + step) * size + number * group
    span = _power_of_two(group + 2 * window)
    rows, columns, draws = jnp.arange(span), jnp.arange(group), jnp.arange(n_noise)
    within = rows < group + 2 * window
    row_words = gpu.load(words.at[base + rows], mask=within, other=0)
    centres = gpu.load(words.at[base + window + columns])
    drawn = gpu.load(noise.at[(step * shape.n_groups + number) * n_noise + draws])
    before, after = gpu.load(left.at[base + columns]), gpu.load(right.at[base + columns])

    distance = rows[:, None] - window - columns[None, :]
    is_pair = (distance != 0) & (distance >= -before[None, :]) & (distance <= after[None, :])
    pairs = is_pair.astype(jnp.float32)
    counted = jnp.sum(pairs, axis=1)

    chunks = _chunks(dimension)

    def rows_of(chunk: Any) -> tuple[Any, Any, Any]:
        at, inside = chunk
        return (
            gpu.load(inputs.at[row_words[:, None], at[None, :]], mask=within[:, None] & inside[None, :], other=0.0),
            gpu.load(outputs.at[centres[:, None], at[None, :]], mask=_wide(inside, group), other=0.0),
            gpu.load(outputs.at[drawn[:, None], at[None, :]], mask=_wide(inside, n_noise), other=0.0),
        )

    true = jnp.zeros((span, group), jnp.float32)
    false = jnp.zeros((span, n_noise), jnp.float32)
    gathered = [rows_of(chunk) for chunk in chunks[:1]]
    for number_of_chunk, chunk in enumerate(chunks):
        x, y, z = gathered[0] if number_of_chunk == 0 else rows_of(chunk)
        true += product(x, y, trans_b=True)
        false += product(x, z, trans_b=True)
    if shape.offset:
        true += shape.offset
        false += shape.offset
    if shape.biased:
        true += (gpu.load(biases.at[centres]) - gpu.load(correction.at[centres]))[None, :]
        false += (gpu.load(biases.at[drawn]) - gpu.load(correction.at[drawn]))[None, :]

    share = shape.negative / n_noise
    if shape.removes_hits:
        other = (centres[:, None] != drawn[None, :]).astype(jnp.float32)
        weights = share * _dot(pairs, other)  # small integers: exact in tf32
    else:
        weights = jnp.broadcast_to(share * counted[:, None], (span, n_noise))
    true_error = pairs * (_sigmoid(true) - 1.0)
    false_error = weights * _sigmoid(false)
    loss = jnp.sum(pairs * _softplus(-true)) + jnp.sum(weights * _softplus(false))
    losses[step * shape.n_groups + number] = loss
    counts[step * shape.n_groups + number] = jnp.sum(counted)

    used = counted > 0  # the halo has rows without pairs
    for chunk in chunks:
        at, inside = chunk
        x, y, z = gathered[0] if len(chunks) == 1 else rows_of(chunk)
        sums = product(true_error, y) + product(false_error, z)
        _add(
            input_sums,
            (row_words[:, None], at[None, :]),
            _rounded(sums, GRADIENT_UNIT),
            used[:, None] & inside[None, :],
            shape.interpret,
        )
        for words_, errors, length in ((centres, true_error, group), (drawn, false_error, n_noise)):
            sums = product(errors, x, trans_a=True)
            _add(
                output_sums,
                (words_[:, None], at[None, :]),
                _rounded(sums, GRADIENT_UNIT),
                _wide(inside, length),
                shape.interpret,
            )
    stamp = step * shape.n_inputs + number * group + rows
    _store(input_owners, (row_words,), stamp, used, shape.interpret)
    positions = (number * group + columns, size + number * n_noise + draws)
    for words_, errors, at in zip((centres, drawn), (true_error, false_error), positions, strict=True):
        everywhere = at >= 0
        if shape.biased:
            _add(bias_sums, (words_,), _rounded(jnp.sum(errors, axis=0), BIAS_UNIT), everywhere, shape.interpret)
        _store(output_owners, (words_,), step * shape.n_outputs + at, everywhere, shape.interpret)


def _dot(a: Any, b: Any, trans_a: bool = False, trans_b: bool = False, precision: Any = None) -> Any:
    contracted = ((0 if trans_a else 1,), (1 if trans_b else 0,))
    return jax.lax.dot_general(a, b, (contracted, ((), ())), precision, jnp.float32)


def _wide(inside: Any, length: int) -> Any:
    return jnp.broadcast_to(inside[None, :], (length, inside.shape[0]))


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + jnp.exp(-x))


def _softplus(x: Any) -> Any:
    return jnp.maximum(x, 0.0) + jnp.log(1.0 + jnp.exp(-jnp.abs(x)))


def update(
    shape: Shape,
    words: jax.Array,
    noise: jax.Array | None,
    first: jax.Array,
    step: jax.Array,
    rates: jax.Array,
    owners: jax.Array,
    *changed: jax.Array,
) -> tuple[jax.Array, ...]:
    """Subtract the clipped sums of the block's words from a table, once per word, and set the sums to zero.

    Args:
        shape: see :class:`Shape`.
        words: as in the `text` of :func:`gradients`.
        noise: as in :func:`gradients` for the update of C; None for that of W.
        first: as in :func:`gradients`.
        step: as in :func:`gradients`.
        rates: float32 (S,), the learning rates of the steps.
        owners: int32 (V,), the position that updates each word.
        *changed: table and sums (V, D), and for C also biases and their sums (V,), float32.

    Returns:
        `changed`, in place.
    """
    of_outputs = noise is not None
    n_positions = shape.n_outputs if of_outputs else shape.n_inputs
    given = (words, noise if of_outputs else words, first, step, rates, owners)
    return pl.pallas_call(
        partial(_update_rows, shape, of_outputs, n_positions, changed[0].shape[1]),
        grid=(-(-n_positions // ROWS),),
        out_shape=[jax.ShapeDtypeStruct(array.shape, array.dtype) for array in changed],
        input_output_aliases={len(given) + number: number for number in range(len(changed))},
        interpret=shape.interpret,
        compiler_params=None if shape.interpret else gpu.CompilerParams(num_warps=4, num_stages=1),
        name="word2vec_update",
    )(*given, *changed)


def _update_rows(shape: Shape, of_outputs: bool, n_positions: int, dimension: int, *refs: Any) -> None:
    words, noise, first, step_of_call, rates, owners = refs[:6]
    table, sums, *biased = refs[6 + (len(refs) - 6) // 2 :]
    number = step_of_call[0]
    base = (first[0] + number) * shape.size
    at = pl.program_id(0) * ROWS + jnp.arange(ROWS)
    within = at < n_positions
    if of_outputs:
        is_centre = at < shape.size
        rows = jnp.where(
            is_centre,
            gpu.load(words.at[base + shape.window + at], mask=is_centre, other=0),
            gpu.load(
                noise.at[number * (n_positions - shape.size) + at - shape.size], mask=within & ~is_centre, other=0
            ),
        )
    else:
        rows = gpu.load(words.at[base + at], mask=within, other=0)
    own = within & (gpu.load(owners.at[rows]) == number * n_positions + at)
    rate = rates[number]

    def step_of(chunk: Any) -> tuple[Any, Any, Any]:
        columns, inside = chunk
        mask = own[:, None] & inside[None, :]
        index = (rows[:, None], columns[None, :])
        return index, mask, gpu.load(sums.at[index], mask=mask, other=0.0) * rate

    chunks = _chunks(dimension)
    kept = step_of(chunks[0])
    square = jnp.zeros(ROWS, jnp.float32)
    for number_of_chunk, chunk in enumerate(chunks):
        _, _, step = kept if number_of_chunk == 0 else step_of(chunk)
        square += jnp.sum(step * step, axis=1)
    shrink = shape.clip / jnp.maximum(jnp.sqrt(square), shape.clip)
    for number_of_chunk, chunk in enumerate(chunks):
        index, mask, step = kept if number_of_chunk == 0 else step_of(chunk)
        old = gpu.load(table.at[index], mask=mask, other=0.0)
        _store(table, index, old - step * shrink[:, None], mask, shape.interpret)
        _store(sums, index, jnp.zeros_like(step), mask, shape.interpret)
    if biased:
        biases, bias_sums = biased
        step = gpu.load(bias_sums.at[rows], mask=own, other=0.0) * rate
        step = jnp.minimum(jnp.maximum(step, -shape.clip), shape.clip)
        _store(biases, (rows,), gpu.load(biases.at[rows], mask=own, other=0.0) - step, own, shape.interpret)
        _store(bias_sums, (rows,), jnp.zeros_like(step), own, shape.interpret)


def train(
    shape: Shape,
    tables: tuple[jax.Array, ...],
    correction: jax.Array | None,
    text: tuple[jax.Array, jax.Array, jax.Array],
    noise: jax.Array,
    first: jax.Array,
    rates: jax.Array,
) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """Train on a block for each of `rates`; returns tables W, C (and b), losses (S,) and numbers of pairs (S,).

    The arguments are those of :func:`gradients`. A step is three kernels; the counter of the loop, which they read from
    the device, is a fourth. Nothing is sliced or computed between them: on an H100, everything but the gradients takes
    10 of the 39 microseconds of a step of 4096 tokens.
    """
    inputs, outputs, *biases = tables
    n_words, steps = inputs.shape[0], rates.shape[0]
    nothing = jnp.zeros(n_words, jnp.float32)
    bias = biases[0] if biases else nothing
    state = (
        (inputs, outputs, bias),
        (jnp.zeros_like(inputs), jnp.zeros_like(outputs), nothing),
        (jnp.full(n_words, -1, jnp.int32), jnp.full(n_words, -1, jnp.int32)),
        (jnp.zeros(steps * shape.n_groups, jnp.float32), jnp.zeros(steps * shape.n_groups, jnp.float32)),
    )
    correction = nothing if correction is None else correction
    noise, first = noise.reshape(-1), jnp.reshape(first, 1)
    words = text[0]

    def step(number: jax.Array, state: Any) -> Any:
        (inputs, outputs, bias), sums, owners, counts = state
        number = jnp.reshape(number, 1)
        changed = gradients(
            shape, inputs, outputs, bias, correction, text, noise, first, number, (*sums, *owners, *counts)
        )
        input_sums, output_sums, bias_sums, input_owners, output_owners, *counts = changed
        inputs, input_sums = update(shape, words, None, first, number, rates, input_owners, inputs, input_sums)
        of_biases = (bias, bias_sums) if shape.biased else ()
        outputs, output_sums, *changed_biases = update(
            shape, words, noise, first, number, rates, output_owners, outputs, output_sums, *of_biases
        )
        bias, bias_sums = changed_biases or (bias, bias_sums)
        return ((inputs, outputs, bias), (input_sums, output_sums, bias_sums), (input_owners, output_owners),
                tuple(counts))  # fmt: skip

    new, _, _, (losses, pairs) = jax.lax.fori_loop(0, steps, step, state)
    by_step = (steps, shape.n_groups)
    return new[: len(tables)], losses.reshape(by_step).sum(axis=1), pairs.reshape(by_step).sum(axis=1)
