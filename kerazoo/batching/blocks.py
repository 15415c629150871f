"""`TokenBlocks`: blocks of text with their windows, to train per row of a table instead of per pair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_int
from kerazoo.batching.corpus_dataset import Plan, TokenDataset
from kerazoo.batching.dataset import Epoch
from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.errors import InvalidArgumentError
from kerazoo_ext import _blocks

__all__ = ["LARGEST_BLOCK", "SMALLEST_BLOCK", "TokenBlocks", "default_block_size"]

# Every pair of a block is computed from the tables as they were before the block. A block should therefore be a small
# part of an epoch, or stale gradients move the words. Above 4096 tokens quality falls where blocks come from the host
# (docs/word2vec.md).
SMALLEST_BLOCK, LARGEST_BLOCK = 256, 4096
BLOCKS_PER_EPOCH = 200


def default_block_size(n_tokens: int, largest: int = LARGEST_BLOCK) -> int:
    """Default tokens per block: a power of two that gives an epoch of `n_tokens` about 200 blocks.

    Args:
        n_tokens: int, tokens of the corpus.
        largest: int, upper limit of the result, a power of two; the lower limit is 256.

    >>> default_block_size(50_000), default_block_size(200_000), default_block_size(17_000_000)
    (256, 512, 4096)
    >>> default_block_size(17_000_000, largest=8192)
    8192
    """
    wanted = max(1, n_tokens // BLOCKS_PER_EPOCH)
    return min(largest, max(SMALLEST_BLOCK, 2 ** int(math.log2(wanted))))


class TokenBlocks(TokenDataset):
    """Blocks of T kept tokens with a halo of `window` on each side: a compact form of the pairs of `SkipGramBatches`.

    The tokens that subsampling keeps are concatenated over all documents and cut every T tokens. Token t of a block
    is `ids[window + t]`. It is the centre of the pairs with the `left[t]` tokens before it and the `right[t]` tokens
    after it. These counts include both the drawn radius and the ends of the document, so no pair crosses a document
    boundary although a halo may contain tokens of other documents::

        ids    h h h h h t t t t t t t ... t t t t h h h h h       T + 2 * window, h: halo
        left             0 1 2 3 1 5 2 ... 4 1 3 5                 T
        right            3 5 1 2 4 4 1 ... 2 0 5 1                 T

    The pairs are those of `SkipGramBatches` with the same seed and settings, so the sum of left and right over all
    blocks is their number.

    Every epoch has as many blocks as epoch 0. The last block is padded with tokens that have left = right = 0. An
    epoch with fewer blocks repeats its first ones, one with more omits the surplus (`n_surplus_tokens`).

    Args:
        corpus, counts, window, shrink_windows, sample, noise, ns_exponent: see `SkipGramBatches`.
        block_size: int >= 1, tokens per block (T).
        noise_group: int >= 1, consecutive tokens that share noise words (G); T must be a multiple of it.
        noise_per_group: int >= 1, noise words per group (K').
        unique: bool, whether to return the distinct words of the block as well.
        seed, shuffle, advance, workers, max_queue_size: see :class:`ResumableDataset`; `shuffle` permutes blocks.

    Returns:
        `dataset[i]` is a tuple of one dictionary of int32 arrays:

        ================ ============== ====================================================================
        ids              (T + 2w,)      words; 0 where there is no token
        left, right      (T,)           number of contexts of each token before and after it
        n_tokens         (1,)           tokens in the block that are not padding
        n_words          (1,)           words of the raw corpus that the block covers
        noise            (T / G, K')    with noise: noise words of each group
        unique           (U,)           sorted distinct words of `ids`, U = min(T + 2w, V)
        n_unique         (1,)           how many there are
        places           (T + 2w,)      indices: ids == unique[places]
        out_unique       (U',)          sorted distinct words of the centres and the noise,
                                        U' = min(T + T / G * K', V), or min(T, V) without noise
        n_out_unique     (1,)           how many there are
        out_places       (T,)           centres == out_unique[out_places]
        noise_places     (T / G, K')    noise == out_unique[noise_places]
        ================ ============== ====================================================================

        After the distinct words, `unique` and `out_unique` repeat their largest word as padding. No index refers to
        the padding, so a segment sum over the indices is zero there, and a scatter-*add* of it into a table changes
        nothing. The padding is sorted and within the vocabulary, but contains duplicates.

    Raises:
        InvalidArgumentError: an argument is out of range.
        CorpusError: the corpus is empty, has no pair, or contains ids that its vocabulary does not have.

    >>> from types import SimpleNamespace
    >>> corpus = SimpleNamespace(ids=np.array([3, 1, 2, 0, 2], np.int32), offsets=np.array([0, 3, 5]))
    >>> blocks = TokenBlocks(corpus, counts=[1, 1, 2, 1], block_size=4, window=1, sample=0, noise=None, seed=1)
    >>> (block,) = blocks[0]
    >>> block["ids"].tolist(), block["left"].tolist(), block["right"].tolist()
    ([0, 3, 1, 2, 0, 2], [0, 1, 1, 0], [1, 1, 0, 1])
    """

    def __init__(
        self,
        corpus: Any,
        block_size: int = 4096,
        window: int = 5,
        shrink_windows: bool = True,
        sample: float = 1e-3,
        noise: str | NoiseDistribution | None = "unigram",
        noise_group: int = 64,
        noise_per_group: int = 64,
        ns_exponent: float = 0.75,
        unique: bool = True,
        seed: int | None = None,
        *,
        counts: ArrayLike | None = None,
        shuffle: bool = False,
        advance: bool = True,
        workers: int = 1,
        max_queue_size: int = 10,
    ) -> None:
        self.block_size = check_int("block_size", block_size, 1, 2**30, hint="The usual value is 4096.")
        self.noise_group = check_int("noise_group", noise_group, hint="The usual value is 64.")
        self.noise_per_group = check_int("noise_per_group", noise_per_group, hint="The usual value is 64.")
        if noise is not None and self.block_size % self.noise_group:
            raise InvalidArgumentError(
                f"block_size={block_size} is not a multiple of noise_group={noise_group}; expected a multiple."
            )
        self.unique = bool(unique)
        super().__init__(
            corpus,
            counts,
            window=window,
            shrink_windows=shrink_windows,
            sample=sample,
            seed=seed,
            shuffle=shuffle,
            advance=advance,
            workers=workers,
            max_queue_size=max_queue_size,
        )
        self.noise_distribution = self._noise(noise, ns_exponent)

    @property
    def n_surplus_tokens(self) -> int:
        """Kept tokens of the current epoch that are omitted, >= 0."""
        return max(0, self.n_kept_tokens - len(self) * self.block_size)

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, Plan]:
        plan = self._plan_tokens(number, keys)
        return -(-plan.n_kept // self.block_size), plan

    def _batch(self, epoch: Epoch, index: int) -> tuple[dict[str, NDArray[np.int32]]]:
        size, window = self.block_size, self.window
        first = index % epoch.n_batches * size
        halo = max(0, first - window)
        chunk = int(epoch.plan.kept.searchsorted(halo, "right")) - 1
        ids, left, right = (np.empty(n, np.int32) for n in (size + 2 * window, size, size))
        n_tokens, start, end = _blocks.make(
            *self._stream.arguments(epoch.keys), chunk, halo - int(epoch.plan.kept[chunk]), first, ids, left, right
        )
        block = {
            "ids": ids,
            "left": left,
            "right": right,
            "n_tokens": np.array([n_tokens], np.int32),
            "n_words": np.array([end - start], np.int32),
        }
        noise = np.empty((0, 0), np.int32)
        if self.noise_distribution is not None:
            noise = np.empty((size // self.noise_group, self.noise_per_group), np.int32)
            block["noise"] = self.noise_distribution.fill(noise, int(epoch.keys[2]), index)
        if self.unique:
            block["unique"], block["n_unique"], block["places"], _ = self._distinct(ids, noise[:0])
            words, n_words, places, noise_places = self._distinct(ids[window : window + size], noise)
            block |= {"out_unique": words, "n_out_unique": n_words, "out_places": places}
            if self.noise_distribution is not None:
                block["noise_places"] = noise_places
        return (block,)

    def _distinct(self, a: NDArray[np.int32], b: NDArray[np.int32]) -> tuple[NDArray[np.int32], ...]:
        """Padded distinct words of `a` and `b`, their number (1,), and the indices of `a` and of `b` among them."""
        n_vocabulary = len(self._stream.tokens.counts)
        words = np.empty(min(a.size + b.size, n_vocabulary), np.int32)
        indices_a, indices_b = np.empty(a.shape, np.int32), np.empty(b.shape, np.int32)
        n = _blocks.unique(a, b.reshape(-1), n_vocabulary, words, indices_a, indices_b.reshape(-1))
        return words, np.array([n], np.int32), indices_a, indices_b

    def _settings(self) -> dict[str, Any]:
        settings = {**super()._settings(), "block_size": self.block_size, "unique": self.unique}
        if self.noise_distribution is not None:
            settings |= {"noise_group": self.noise_group, "noise_per_group": self.noise_per_group}
        return settings
