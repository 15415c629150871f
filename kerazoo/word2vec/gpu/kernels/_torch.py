"""The kernels in Triton, for torch on NVIDIA GPUs; see the docstring of the package."""

# mypy: allow-incomplete-defs
from __future__ import annotations

import triton  # type: ignore[import-not-found,unused-ignore]
import triton.language as tl  # type: ignore[import-not-found,unused-ignore]

__all__ = ["ROWS", "chunk_of", "gradients", "power_of_two", "update"]

ROWS = 16  # positions per program of the update


def power_of_two(n: int) -> int:
    """The smallest power of two >= n and >= 16, the smallest size of a product in Triton.

    >>> power_of_two(26), power_of_two(3)
    (32, 16)
    """
    return max(16, 1 << (n - 1).bit_length())


def chunk_of(dimension: int) -> int:
    """Columns of a vector that a program keeps in registers."""
    return min(128, power_of_two(dimension))


@triton.jit
def _product(a, b, PRECISION: tl.constexpr):
    if PRECISION == "bfloat16":
        return tl.dot(a.to(tl.bfloat16), b.to(tl.bfloat16))
    elif PRECISION == "tf32":
        return tl.dot(a, b, input_precision="tf32")
    else:
        return tl.dot(a, b, input_precision="ieee")


@triton.jit
def _sigmoid(x):
    return 1.0 / (1.0 + tl.exp(-x))


@triton.jit
def _softplus(x):
    return tl.maximum(x, 0.0) + tl.log(1.0 + tl.exp(-tl.abs(x)))


@triton.jit
def _rounded(x, INVERSE: tl.constexpr):
    # Sums of multiples of 1 / INVERSE are exact up to 2^24 of them, so the order of the additions does not matter.
    return tl.floor(x * INVERSE + 0.5) * (1.0 / INVERSE)


@triton.jit(do_not_specialize=["step"])
def gradients(
    inputs,
    outputs,
    biases,
    correction,
    words,
    left,
    right,
    noise,
    first,
    input_sums,
    output_sums,
    bias_sums,
    input_owners,
    output_owners,
    losses,
    counts,
    step,
    share,
    DIMENSION: tl.constexpr,
    CHUNK: tl.constexpr,
    SIZE: tl.constexpr,
    WINDOW: tl.constexpr,
    GROUP: tl.constexpr,
    N_NOISE: tl.constexpr,
    SPAN: tl.constexpr,
    BIASED: tl.constexpr,
    REMOVES_HITS: tl.constexpr,
    PRECISION: tl.constexpr,
    OFFSET: tl.constexpr,
):
    """Add the gradients of a group of a block to the sums; one program per group.

    The arguments are pointers: float32 tables W, C (V, D), b and log(K q) (V,); int32 words (N + 2w,), left, right (N,)
    of the epoch, noise (S * T / G * K',) of the call, first (1,), the number of the call's first block; float32 sums as
    the tables; int32 owners (V,) of W and C; float32 losses and counts (S * T / G,). `step` is the number of the step
    in the call, `share` is K / K'. `OFFSET` is added to every logit (fixed biases).
    """
    number = tl.program_id(0)
    n_groups: tl.constexpr = SIZE // GROUP
    base = (tl.load(first) + step) * SIZE + number * GROUP
    rows = tl.arange(0, SPAN)
    columns = tl.arange(0, GROUP)
    draws = tl.arange(0, N_NOISE)
    within = rows < GROUP + 2 * WINDOW
    row_words = tl.load(words + base + rows, mask=within, other=0).to(tl.int64)
    centres = tl.load(words + base + WINDOW + columns).to(tl.int64)
    drawn = tl.load(noise + (step * n_groups + number) * N_NOISE + draws).to(tl.int64)
    before = tl.load(left + base + columns)
    after = tl.load(right + base + columns)

    distance = rows[:, None] - WINDOW - columns[None, :]
    is_pair = (distance != 0) & (distance >= -before[None, :]) & (distance <= after[None, :])
    pairs = is_pair.to(tl.float32)
    counted = tl.sum(pairs, axis=1)

    true = tl.zeros((SPAN, GROUP), tl.float32)
    false = tl.zeros((SPAN, N_NOISE), tl.float32)
    for start in tl.static_range(0, DIMENSION, CHUNK):
        at = start + tl.arange(0, CHUNK)
        inside = at[None, :] < DIMENSION
        x = tl.load(inputs + row_words[:, None] * DIMENSION + at[None, :], mask=within[:, None] & inside, other=0.0)
        y = tl.load(outputs + centres[:, None] * DIMENSION + at[None, :], mask=inside, other=0.0)
        z = tl.load(outputs + drawn[:, None] * DIMENSION + at[None, :], mask=inside, other=0.0)
        true += _product(x, tl.trans(y), PRECISION)
        false += _product(x, tl.trans(z), PRECISION)
    if OFFSET != 0.0:
        true += OFFSET
        false += OFFSET
    if BIASED:
        true += (tl.load(biases + centres) - tl.load(correction + centres))[None, :]
        false += (tl.load(biases + drawn) - tl.load(correction + drawn))[None, :]

    if REMOVES_HITS:
        other = (centres[:, None] != drawn[None, :]).to(tl.float32)
        weights = share * tl.dot(pairs, other)  # small integers: exact in tf32
    else:
        weights = share * counted[:, None] + tl.zeros((SPAN, N_NOISE), tl.float32)
    true_error = pairs * (_sigmoid(true) - 1.0)
    false_error = weights * _sigmoid(false)
    loss = tl.sum(tl.sum(pairs * _softplus(-true), axis=1), axis=0)
    loss += tl.sum(tl.sum(weights * _softplus(false), axis=1), axis=0)
    tl.store(losses + step * n_groups + number, loss)
    tl.store(counts + step * n_groups + number, tl.sum(counted, axis=0))

    used = counted > 0  # the halo has rows without pairs
    true_back, false_back = tl.trans(true_error), tl.trans(false_error)
    for start in tl.static_range(0, DIMENSION, CHUNK):
        at = start + tl.arange(0, CHUNK)
        inside = at[None, :] < DIMENSION
        # The second read is served by the caches; with one chunk the compiler still has the rows in registers.
        x = tl.load(inputs + row_words[:, None] * DIMENSION + at[None, :], mask=within[:, None] & inside, other=0.0)
        y = tl.load(outputs + centres[:, None] * DIMENSION + at[None, :], mask=inside, other=0.0)
        z = tl.load(outputs + drawn[:, None] * DIMENSION + at[None, :], mask=inside, other=0.0)
        sums = _rounded(_product(true_error, y, PRECISION) + _product(false_error, z, PRECISION), 16384.0)
        pointer = input_sums + row_words[:, None] * DIMENSION + at[None, :]
        tl.atomic_add(pointer, sums, mask=used[:, None] & inside, sem="relaxed")
        sums = _rounded(_product(true_back, x, PRECISION), 16384.0)
        pointer = output_sums + centres[:, None] * DIMENSION + at[None, :]
        tl.atomic_add(pointer, sums, mask=inside, sem="relaxed")
        sums = _rounded(_product(false_back, x, PRECISION), 16384.0)
        pointer = output_sums + drawn[:, None] * DIMENSION + at[None, :]
        tl.atomic_add(pointer, sums, mask=inside, sem="relaxed")
    if BIASED:
        tl.atomic_add(bias_sums + centres, _rounded(tl.sum(true_error, axis=0), 4096.0), sem="relaxed")
        tl.atomic_add(bias_sums + drawn, _rounded(tl.sum(false_error, axis=0), 4096.0), sem="relaxed")
    # Any position of a word may win: the update is the same.
    tl.store(input_owners + row_words, step * (SIZE + 2 * WINDOW) + number * GROUP + rows, mask=used)
    n_outputs: tl.constexpr = SIZE + n_groups * N_NOISE
    tl.store(output_owners + centres, step * n_outputs + number * GROUP + columns)
    tl.store(output_owners + drawn, step * n_outputs + SIZE + number * N_NOISE + draws)


@triton.jit(do_not_specialize=["step"])
def update(
    words,
    noise,
    first,
    rates,
    owners,
    table,
    sums,
    biases,
    bias_sums,
    step,
    clip,
    N_POSITIONS: tl.constexpr,
    DIMENSION: tl.constexpr,
    CHUNK: tl.constexpr,
    SIZE: tl.constexpr,
    WINDOW: tl.constexpr,
    OF_OUTPUTS: tl.constexpr,
    BIASED: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Subtract the clipped sums of the block's words from a table, once per word, and set the sums to zero.

    One program per `ROWS` positions of the block: those of W (its tokens with the halo), or those of C (its centres,
    then its noise words). `rates` is float32 (S,); the others are as in :func:`gradients`.
    """
    base = (tl.load(first) + step) * SIZE
    at = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    within = at < N_POSITIONS
    if OF_OUTPUTS:
        is_centre = at < SIZE
        of_text = tl.load(words + base + WINDOW + at, mask=is_centre, other=0)
        drawn = tl.load(noise + step * (N_POSITIONS - SIZE) + at - SIZE, mask=within & (at >= SIZE), other=0)
        rows = tl.where(is_centre, of_text, drawn).to(tl.int64)
    else:
        rows = tl.load(words + base + at, mask=within, other=0).to(tl.int64)
    own = within & (tl.load(owners + rows) == step * N_POSITIONS + at)
    rate = tl.load(rates + step)

    square = tl.zeros((ROWS,), tl.float32)
    for start in tl.static_range(0, DIMENSION, CHUNK):
        columns = start + tl.arange(0, CHUNK)
        mask = own[:, None] & (columns[None, :] < DIMENSION)
        change = rate * tl.load(sums + rows[:, None] * DIMENSION + columns[None, :], mask=mask, other=0.0)
        square += tl.sum(change * change, axis=1)
    shrink = clip / tl.maximum(tl.sqrt(square), clip)
    for start in tl.static_range(0, DIMENSION, CHUNK):
        columns = start + tl.arange(0, CHUNK)
        mask = own[:, None] & (columns[None, :] < DIMENSION)
        offset = rows[:, None] * DIMENSION + columns[None, :]
        change = rate * tl.load(sums + offset, mask=mask, other=0.0) * shrink[:, None]
        tl.store(table + offset, tl.load(table + offset, mask=mask, other=0.0) - change, mask=mask)
        tl.store(sums + offset, tl.zeros((ROWS, CHUNK), tl.float32), mask=mask)
    if BIASED:
        change = rate * tl.load(bias_sums + rows, mask=own, other=0.0)
        change = tl.minimum(tl.maximum(change, -clip), clip)
        tl.store(biases + rows, tl.load(biases + rows, mask=own, other=0.0) - change, mask=own)
        tl.store(bias_sums + rows, tl.zeros((ROWS,), tl.float32), mask=own)
