"""The blocks and calls of an epoch on the device, and whether the device can hold the training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime import devices
from kerazoo.batching.blocks import default_block_size
from kerazoo.batching.sampling import NoiseDistribution, keep_thresholds
from kerazoo.errors import InvalidArgumentError
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.options import TrainingSettings
from kerazoo.word2vec.results import TrainingState

if TYPE_CHECKING:
    from kerazoo.text import EncodedCorpus

__all__ = ["DevicePlan", "is_wanted"]

# Blocks of 4096, 8192 and 16384 tokens train 99, 136 and 160 million raw words/s on an H100 with JAX. In the means of
# three seeds at 8192, `nce` is at most .013 (JAX) or .019 (torch) below gensim, on SimLex-999; `negative_sampling` is
# .020 or .021 below on analogies, as it is at 4096 (.019; .010 with blocks of 4096 from the host). At 16384 `nce` is
# .020 below on either backend. Seeds differ by up to .03, so these differences are not certain (docs/word2vec.md has
# the tables).
LARGEST_BLOCK = 8192

# Between two calls the host checks the loss, reports, and may be stopped. A call of 127 steps of 8192 tokens takes an
# H100 10 ms on JAX and 5 ms on torch. A small corpus gets eight calls too, for callbacks and checkpoints.
LARGEST_CALL = 128
CALLS_WANTED = 8

# Per token: ids, document numbers, random bits, positions, kept tokens and their documents, left, right.
BYTES_PER_TOKEN = 48
# Tables, their gradients, and copies of both while results are returned.
TABLES_IN_MEMORY = 6
SHARE_OF_MEMORY = 0.8


def is_wanted(corpus: EncodedCorpus, settings: TrainingSettings, start: TrainingState) -> bool:
    """Whether to train on the device.

    A checkpoint decides, otherwise `on_device`, otherwise whether there is an accelerator and nothing prevents it.

    Raises:
        InvalidArgumentError: `on_device=True` (or such a checkpoint) where it is impossible, with the reason.
    """
    obstacle = obstacle_to(corpus, settings)
    if start.engine:  # positions and random draws differ between device and host
        if start.engine.get("on_device") and obstacle is not None:
            raise InvalidArgumentError(f"the checkpoint belongs to a training on the device, but {obstacle}.")
        return bool(start.engine.get("on_device"))
    if settings.on_device:
        if obstacle is not None:
            raise InvalidArgumentError(
                f"on_device=True, but {obstacle}. on_device=False makes the batches on the host."
            )
        return True
    if settings.on_device is not None or obstacle is not None:
        return False
    return devices.accelerator_visible()


def obstacle_to(corpus: EncodedCorpus, settings: TrainingSettings) -> str | None:
    """The reason why this training cannot be on the device, or None."""
    if keras.backend.backend() not in ("jax", "torch"):
        return f"the backend is {keras.backend.backend()}; expected jax or torch"
    if settings.batch_size is not None:
        return f"batch_size={settings.batch_size} trains on batches of pairs; expected blocks of text (block_size)"
    n_tokens = len(corpus.ids)
    if n_tokens >= 2**31 - 2**24:
        return f"the corpus has {n_tokens:,} words; expected fewer than 2^31, since positions are int32"
    needed = BYTES_PER_TOKEN * n_tokens + TABLES_IN_MEMORY * 8 * len(corpus.vocabulary.words) * settings.vector_size
    memory = memory_of_device()
    if memory is not None and needed > SHARE_OF_MEMORY * memory:
        return f"it needs about {needed / 1e9:.1f} GB of the device's {memory / 1e9:.1f} GB"
    return None


def memory_of_device() -> int | None:
    """Bytes of memory of the backend's default device; None where it does not tell (a CPU)."""
    if keras.backend.backend() == "jax":
        import jax

        statistics = jax.local_devices()[0].memory_stats()
        return (statistics or {}).get("bytes_limit")
    import torch  # type: ignore[import-not-found,unused-ignore]

    return int(torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else None


class DevicePlan:
    """The text, its division into steps and calls, and the distributions of the random draws.

    The tokens that subsampling keeps are concatenated, as in :class:`kerazoo.batching.TokenBlocks`, and divided into
    blocks of T tokens. A call trains S consecutive blocks. Every epoch has the same number of calls, enough for six
    standard deviations more tokens than subsampling is expected to keep; the last blocks are mostly empty.

    Args:
        corpus: an :class:`kerazoo.EncodedCorpus`.
        settings: checked.
        group: G, centres that share noise words.
        noise_per_group: K', the number of these.

    Attributes:
        ids: int32 (N,), the raw text.
        offsets: int64 (documents + 1,), the start of each document in `ids`, and N.
        keep: uint32 (V,), a token of word w is kept iff 32 random bits are <= keep[w].
        noise_distribution: of the noise words.
        block_size, group, noise_per_group: T, G and K' of the blocks.
        steps, n_calls: steps per call (S), calls per epoch.
        capacity: ``n_calls * steps * block_size``, largest number of tokens of an epoch.
        seed: with the epoch and the number of the block, it determines all random draws.
    """

    def __init__(self, corpus: Any, settings: TrainingSettings, group: int, noise_per_group: int) -> None:
        tokens = Tokens.of(corpus)
        self.ids, self.offsets = tokens.ids, tokens.offsets
        self.noise_distribution = NoiseDistribution(settings.noise, tokens.counts, settings.ns_exponent)
        keep = keep_thresholds(tokens.counts, settings.sample)
        self.keep = np.full(len(tokens.counts), 2**32 - 1, np.uint32) if keep is None else keep
        self.sample = settings.sample
        self.window, self.shrink_windows = settings.window, settings.shrink_windows
        self.negative, self.seed = settings.negative, settings.seeds[1]
        self.group, self.noise_per_group = group, noise_per_group
        self.block_size = settings.block_size or default_block_size(len(tokens.ids), LARGEST_BLOCK)
        if self.block_size % group:
            raise InvalidArgumentError(f"block_size={self.block_size}; expected a multiple of {group}.")
        n_blocks = -(-self._most_kept() // self.block_size)
        self.n_calls = max(-(-n_blocks // LARGEST_CALL), min(n_blocks, CALLS_WANTED))
        self.steps = -(-n_blocks // self.n_calls)
        self.capacity = self.n_calls * self.steps * self.block_size

    def __len__(self) -> int:
        """Calls per epoch."""
        return self.n_calls

    @property
    def n_steps(self) -> int:
        """Steps per epoch."""
        return self.n_calls * self.steps

    def _most_kept(self) -> int:
        counts = np.bincount(self.ids, minlength=len(self.keep))
        share = (self.keep.astype(np.float64) + 1) / 2**32
        spread = math.sqrt(float((counts * share * (1 - share)).sum()))
        return min(len(self.ids), math.ceil(float((counts * share).sum()) + 6 * spread))

    def alias_arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
        """The alias table of the noise as thresholds uint32 (V,) and aliases int32 (V,)."""
        table = self.noise_distribution.table
        return (table >> np.uint64(32)).astype(np.uint32), (table & np.uint64(2**32 - 1)).astype(np.int32)
