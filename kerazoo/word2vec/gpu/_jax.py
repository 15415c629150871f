"""The trainer for JAX: subsampling, windows and noise drawn on the device, many block steps per compiled call."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, random
from numpy.typing import NDArray

from kerazoo.word2vec.gpu.kernels import _jax as kernel
from kerazoo.word2vec.gpu.kernels._jax import Shape
from kerazoo.word2vec.keras.block_gradients import block_gradients, has_shared_softmax
from kerazoo.word2vec.keras.clipping import clip_rows

if TYPE_CHECKING:
    from kerazoo.word2vec.gpu.plan import DevicePlan
    from kerazoo.word2vec.keras.model import SkipGram

__all__ = ["JaxTrainer"]

# Folded into the key of an epoch, by use.
KEEP, RADIUS, NOISE = range(3)


class JaxTrainer:
    """See :class:`kerazoo.word2vec.gpu.training.Trainer`.

    All random draws are functions of (seed, epoch) and, for noise, of the number of the block: JAX's generator is
    counter-based (Salmon et al. 2011), so a resumed training makes the same draws.

    Args:
        model: its tables are trained in place (JAX donates their buffers: no copy is made).
        plan: the text and its division.
        kernels: whether to use the kernels of :mod:`kerazoo.word2vec.gpu.kernels`; None: on NVIDIA GPUs, for the
            losses that they support. True on a CPU runs them in Pallas's interpreter, for tests.
        precision: of the products, "tf32", "bfloat16" or "float32"; None: tf32 in the kernels, otherwise the backend's
            default.
        warps: per program of the kernels.
    """

    def __init__(
        self,
        model: SkipGram,
        plan: DevicePlan,
        kernels: bool | None = None,
        precision: str | None = None,
        warps: int = 4,
    ) -> None:
        self._model, self._plan = model, plan
        self._ids = jnp.asarray(plan.ids)
        self._docs = _document_numbers(jnp.asarray(plan.offsets[1:-1].astype(np.int32)), len(plan.ids))
        self._keep = jnp.asarray(plan.keep)
        thresholds, aliases = plan.alias_arrays()
        self._alias = (jnp.asarray(thresholds), jnp.asarray(aliases))
        self._key = random.key(plan.seed, impl="threefry2x32")
        self._text: tuple[Any, ...] = ()
        plain = PlainStep(
            softmax=has_shared_softmax(model.loss_name),
            negative=plan.negative,
            removes_hits=model.removes_hits,
            clip=model.optimizer.clip,
            precision=precision,
            offset=model.fixed_offset(plan.negative),
        )
        self._step: PlainStep | Shape = plain
        self._fallback = plain if kernels is None else None
        if kernels or (kernels is None and kernels_fit(model, plan)):
            self._step = Shape(
                size=plan.block_size, window=plan.window, group=plan.group, n_noise=plan.noise_per_group,
                negative=plan.negative, biased=model.output_biases is not None, removes_hits=model.removes_hits,
                clip=model.optimizer.clip, precision=precision or "tf32", warps=warps,
                interpret=jax.default_backend() == "cpu", offset=model.fixed_offset(plan.negative),
            )  # fmt: skip

    def start_epoch(self, epoch: int) -> int:
        """Draw the kept tokens and their windows; returns the number of kept tokens."""
        plan = self._plan
        self._epoch, self._epoch_key = epoch, random.fold_in(self._key, epoch)
        *text, n_kept = lay_out(self._ids, self._docs, self._keep, self._epoch_key, window=plan.window,
                                shrink=plan.shrink_windows, capacity=plan.capacity)  # fmt: skip
        self._text = tuple(text)
        return int(n_kept)

    def run(self, call: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Train the blocks of a call; returns sums of pair losses and numbers of pairs, float32 (S,) each."""
        model, plan = self._model, self._plan
        tables = [model.input_vectors, model.output_vectors, *_if_any(model.output_biases)]
        first = call * plan.steps
        done = self._epoch * plan.n_steps + first
        rates = model.optimizer._learning_rate(jnp.arange(done, done + plan.steps, dtype=jnp.float32))
        arguments = (
            tuple(table.value for table in tables),
            None if model.log_noise is None else model.log_noise.value,
            self._text, self._alias, self._epoch_key, rates, first,
        )  # fmt: skip
        cut = {"size": plan.block_size, "window": plan.window, "group": plan.group, "n_noise": plan.noise_per_group}
        try:
            new, losses, pairs = train_blocks(*arguments, step=self._step, **cut)
        except Exception as error:
            # Pallas's Triton backend is deprecated in JAX: versions without it fail at compilation, before any table is
            # changed.
            if self._fallback is None or self._step is self._fallback or tables[0].value.is_deleted():
                raise
            warnings.warn(
                f"the GPU kernels of word2vec do not compile ({error}); training continues without them.", stacklevel=2
            )
            self._step = self._fallback
            new, losses, pairs = train_blocks(*arguments, step=self._step, **cut)
        for table, value in zip(tables, new, strict=True):
            table.assign(value)
        return np.asarray(losses), np.asarray(pairs)

    def redraw(self, call: int) -> tuple[NDArray[np.int32], ...]:
        """The data of a call, see :class:`kerazoo.word2vec.gpu.training.Trainer`."""
        plan = self._plan
        first = call * plan.steps
        start, end = first * plan.block_size, (first + plan.steps) * plan.block_size
        words, left, right = self._text
        blocks = jnp.arange(first, first + plan.steps, dtype=jnp.int32)
        noise = noise_of_blocks(
            self._alias, self._epoch_key, blocks, (plan.block_size // plan.group, plan.noise_per_group)
        )
        drawn = (words[start : end + 2 * plan.window], left[start:end], right[start:end], noise)
        return tuple(np.asarray(array) for array in drawn)


def kernels_fit(model: SkipGram, plan: DevicePlan) -> bool:
    """Whether the kernels support this training, and the device can run them."""
    powers = all(n >= 16 and n & (n - 1) == 0 for n in (plan.group, plan.noise_per_group))
    logits_fit = (model.output_biases is None) == (model.log_noise is None)
    if jax.default_backend() != "gpu" or model.loss_name == "sampled_softmax" or not (powers and logits_fit):
        return False
    return "nvidia" in jax.local_devices()[0].device_kind.lower()


def _if_any(variable: Any) -> tuple[Any, ...]:
    return () if variable is None else (variable,)


@partial(jax.jit, static_argnums=1)
def _document_numbers(starts: jax.Array, n_tokens: int) -> jax.Array:
    """int32 (N,), the document of each token; `starts` are the first tokens of the second and later documents."""
    return jnp.cumsum(jnp.zeros(n_tokens, jnp.int32).at[starts].add(1, mode="drop"), dtype=jnp.int32)


@partial(jax.jit, static_argnames=("window", "shrink", "capacity"))
def lay_out(
    ids: jax.Array, docs: jax.Array, keep: jax.Array, key: jax.Array, *, window: int, shrink: bool, capacity: int
) -> tuple[jax.Array, ...]:
    """The kept tokens of an epoch, concatenated with a halo of `window` zeros on both sides, and their windows.

    Returns:
        words int32 (capacity + 2 window,), left and right int32 (capacity,): contexts on either side (0 beyond the
        end), and the number of kept tokens.
    """
    kept = random.bits(random.fold_in(key, KEEP), ids.shape, jnp.uint32) <= keep[ids]
    n_before = jnp.cumsum(kept, dtype=jnp.int32)
    # Compaction without a sort: the running sum is the position of a kept token; others are scattered out of bounds.
    position = jnp.where(kept, n_before - 1 + window, capacity + 2 * window)
    words = jnp.zeros(capacity + 2 * window, jnp.int32).at[position].set(ids, mode="drop", unique_indices=False)
    docs = jnp.full(capacity + 2 * window, -1, jnp.int32).at[position].set(docs, mode="drop", unique_indices=False)
    centre = docs[window : window + capacity]
    radius: Any = window
    if shrink:
        radius = random.randint(random.fold_in(key, RADIUS), (capacity,), 1, window + 1, jnp.int32)

    def contexts(sign: int) -> jax.Array:
        # Documents are contiguous, so the neighbours in the same document are the nearest ones.
        same = [
            (docs[window + sign * o : window + sign * o + capacity] == centre) & (centre >= 0)
            for o in range(1, window + 1)
        ]
        return jnp.minimum(radius, sum(one.astype(jnp.int32) for one in same))

    return words, contexts(-1), contexts(1), n_before[-1]


def draw_noise(alias: tuple[jax.Array, jax.Array], key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Draw words, int32, by Walker's alias method with the table thresholds uint32 (V,), aliases int32 (V,)."""
    thresholds, aliases = alias
    column_key, bits_key = random.split(key)
    column = random.randint(column_key, shape, 0, thresholds.shape[0], jnp.int32)
    return jnp.where(random.bits(bits_key, shape, jnp.uint32) < thresholds[column], column, aliases[column])


def noise_of_blocks(
    alias: tuple[jax.Array, jax.Array], key: jax.Array, blocks: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """int32 (len(blocks), *shape), the noise words of each block; `key` is that of the epoch."""
    noise_key = random.fold_in(key, NOISE)
    return jax.vmap(lambda block: draw_noise(alias, random.fold_in(noise_key, block), shape))(blocks)


@partial(jax.jit, static_argnames=("step", "size", "window", "group", "n_noise"), donate_argnums=0)
def train_blocks(
    tables: tuple[jax.Array, ...],
    log_noise: jax.Array | None,
    text: tuple[jax.Array, jax.Array, jax.Array],
    alias: tuple[jax.Array, jax.Array],
    key: jax.Array,
    rates: jax.Array,
    first: Any,
    *,
    step: PlainStep | Shape,
    size: int,
    window: int,
    group: int,
    n_noise: int,
) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
    """Train blocks from `first` on, one for each of `rates`; returns tables, losses and numbers of pairs."""
    blocks = first + jnp.arange(rates.shape[0], dtype=jnp.int32)
    # Drawn before the loop for all steps of the call: inside the loop every kernel costs a launch.
    noise = noise_of_blocks(alias, key, blocks, (size // group, n_noise))

    if isinstance(step, Shape):
        correction = None if log_noise is None else log_noise + np.float32(np.log(step.negative))
        return kernel.train(step, tables, correction, text, noise, first, rates)

    def body(tables: tuple[jax.Array, ...], inputs: Any) -> Any:
        rate, start, noise = inputs
        words, left, right = (
            lax.dynamic_slice(array, (start,), (length,))
            for array, length in zip(text, (size + 2 * window, size, size), strict=True)
        )
        block = {"places": words, "out_places": words[window : window + size], "noise_places": noise,
                 "left": left, "right": right}  # fmt: skip
        new, loss, n_pairs = step(tables, log_noise, block, rate)
        return new, (loss, n_pairs)

    new, (losses, pairs) = lax.scan(body, tables, (rates, blocks * size, noise))
    return new, losses, pairs


@dataclass(frozen=True)
class PlainStep:
    """One block by XLA's own kernels, with an update of the whole tables.

    The gradients are summed into arrays as large as the tables (by XLA's scatter-add, which uses atomic additions on a
    GPU); at 70,000 x 100 float32 these are 28 MB, and an H100 updates such a table in 42 microseconds. A step of 16,384
    tokens takes it 263 microseconds, 201 with the kernels. Finding the distinct words of a block would need a sort.

    It is a static argument of `jax.jit`: equal objects share a compiled call.
    """

    softmax: bool
    negative: int
    removes_hits: bool
    clip: float
    precision: str | None
    offset: float

    def __call__(
        self, tables: tuple[jax.Array, ...], log_noise: jax.Array | None, block: dict[str, jax.Array], rate: jax.Array
    ) -> tuple[tuple[jax.Array, ...], jax.Array, jax.Array]:
        inputs, outputs, *biases = tables
        offsets = biases[0] if biases else None
        if log_noise is not None:
            draws = block["noise_places"].shape[1] if self.softmax else self.negative
            correction = log_noise + np.float32(np.log(draws))
            offsets = -correction if offsets is None else offsets - correction
        if self.offset:
            offsets = jnp.full(len(outputs), self.offset, jnp.float32)
        with jax.default_matmul_precision(self.precision):
            sums = block_gradients(block, inputs, outputs, offsets, self.negative, self.softmax, self.removes_hits)
        gradients = (sums.inputs, sums.outputs, sums.offsets)[: len(tables)]
        new = [table - clip_rows(rate * sum_, self.clip) for table, sum_ in zip(tables, gradients, strict=True)]
        return tuple(new), sums.loss, sums.n_pairs
