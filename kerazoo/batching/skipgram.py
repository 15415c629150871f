"""`SkipGramBatches`: pairs of words for word2vec."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_int
from kerazoo.batching.corpus_dataset import LARGEST_WINDOW, Plan, TokenDataset
from kerazoo.batching.dataset import Epoch
from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.errors import InvalidArgumentError
from kerazoo_ext import _pairs

__all__ = ["SkipGramBatches"]


class SkipGramBatches(TokenDataset):
    """Batches of (input, output) pairs, optionally with noise words: a Keras `PyDataset` for `model.fit`.

    Pairs of gensim (the default): each epoch drops words according to `sample`, places a window of radius 1..`window`
    around every word that is kept, and predicts that word from each word in the window: input = context,
    output = centre.

    Pairs of TensorFlow's tutorial (with `skip_window` and `num_skips`): every word is a centre and predicts
    `num_skips` distinct words drawn from the `2 * skip_window` words around it (fewer at the ends of a document):
    input = centre, output = context. `window` and `shrink_windows` do not apply, and `sample` defaults to 0.

    Pairs are in text order, no window crosses a document boundary, and every batch is full: the last one is filled
    with the first pairs of the epoch. Every epoch has as many batches as epoch 0; see `n_surplus_pairs`. Each pair
    depends on (seed, epoch, position in the corpus) only, so any batch can be made independently.

    Args:
        corpus: a `kerazoo.EncodedCorpus`, or any object with `ids` int32 (N,), `offsets` int64 (documents + 1,) and
            `vocabulary.counts` int64 (V,). It may be memory-mapped; it is not copied.
        counts: int (V,), replaces `corpus.vocabulary.counts`.
        batch_size: int >= 1, pairs per batch (B).
        window: int >= 1, maximum radius.
        shrink_windows: bool, whether to draw the radius uniformly from 1..window instead of always using `window`.
        sample: float from 0 to 1, threshold of subsampling, as a fraction of the corpus; 0 keeps all words. Default:
            1e-3 for the pairs of gensim, 0 for those of the tutorial.
        noise: None, `"unigram"`, `"log_uniform"`, `"uniform"` or a :class:`NoiseDistribution`.
        negative: int >= 1, noise words (K) per pair, or per batch with `shared_noise`.
        shared_noise: bool, whether all pairs of a batch share one set of noise words.
        ns_exponent: float, exponent of the unigram noise.
        skip_window, num_skips: int >= 1 and from 1 to 2 * skip_window.
        seed, shuffle, advance, workers, max_queue_size: see :class:`ResumableDataset`; `shuffle` permutes whole
            batches.

    Returns:
        `dataset[i]` is a tuple of one dictionary: `input` (B,), `output` (B,) and, with noise, `noise` (B, K), or
        (K,) with `shared_noise`; all int32.

    Raises:
        InvalidArgumentError: an argument is out of range.
        CorpusError: the corpus is empty, has no pair, or contains ids that its vocabulary does not have.

    >>> from types import SimpleNamespace
    >>> corpus = SimpleNamespace(ids=np.arange(8, dtype=np.int32) % 4, offsets=np.array([0, 5, 8]))
    >>> batches = SkipGramBatches(corpus, counts=[2, 2, 2, 2], batch_size=4, window=1, sample=0, seed=1)
    >>> len(batches), batches[0][0]["input"].tolist(), batches[0][0]["output"].tolist()
    (3, [1, 0, 2, 1], [0, 1, 1, 2])
    """

    def __init__(
        self,
        corpus: Any,
        batch_size: int = 8192,
        window: int = 5,
        shrink_windows: bool = True,
        sample: float | None = None,
        noise: str | NoiseDistribution | None = None,
        negative: int = 5,
        shared_noise: bool = False,
        ns_exponent: float = 0.75,
        skip_window: int | None = None,
        num_skips: int | None = None,
        seed: int | None = None,
        *,
        counts: ArrayLike | None = None,
        shuffle: bool = False,
        advance: bool = True,
        workers: int = 1,
        max_queue_size: int = 10,
    ) -> None:
        self.batch_size = check_int("batch_size", batch_size, 1, 2**31 - 1, hint="The usual value is 8192.")
        self.negative = check_int("negative", negative, hint="The usual value is 5.")
        self.shared_noise = bool(shared_noise)
        self.skip_window, self.num_skips = _check_skips(skip_window, num_skips)
        if self.skip_window is not None:
            window, shrink_windows = self.skip_window, False
        elif sample is None:
            sample = 1e-3
        super().__init__(
            corpus,
            counts,
            window=window,
            shrink_windows=shrink_windows,
            sample=sample,
            max_contexts=self.num_skips or 0,
            seed=seed,
            shuffle=shuffle,
            advance=advance,
            workers=workers,
            max_queue_size=max_queue_size,
        )
        self.noise_distribution = self._noise(noise, ns_exponent)
        per_pair = 2 if self.noise_distribution is None or self.shared_noise else 2 + self.negative
        shared = self.negative if self.shared_noise else 0
        check_memory(
            4 * (per_pair * self.batch_size + shared),
            f"batch_size={batch_size} and negative={negative}",
            "A smaller batch_size takes less.",
        )

    @property
    def n_surplus_pairs(self) -> int:
        """Pairs of the current epoch that are omitted (> 0), or repeated to fill its batches (< 0)."""
        return self.n_pairs - len(self) * self.batch_size

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, Plan]:
        plan = self._plan_tokens(number, keys)
        return -(-plan.n_pairs // self.batch_size), plan

    def _batch(self, epoch: Epoch, index: int) -> tuple[dict[str, NDArray[np.int32]]]:
        context, centre = np.empty(self.batch_size, np.int32), np.empty(self.batch_size, np.int32)
        plan: Plan = epoch.plan
        n_pairs = plan.n_pairs
        first, done = index * self.batch_size % n_pairs, 0
        distinct = min(self.batch_size, n_pairs)
        while done < distinct:  # one pass, unless the batch reaches the end of the epoch
            chunk = int(plan.pairs.searchsorted(first, "right")) - 1
            done += _pairs.make(
                *self._stream.arguments(epoch.keys),
                chunk,
                first - int(plan.pairs[chunk]),
                context[done:distinct],
                centre[done:distinct],
            )
            first = 0
        for pairs in (context, centre):  # the epoch again and again
            pairs[distinct:] = np.resize(pairs[:distinct], self.batch_size - distinct)
        if self.skip_window is None:
            batch = {"input": context, "output": centre}
        else:
            batch = {"input": centre, "output": context}
        if self.noise_distribution is not None:
            shape = (self.negative,) if self.shared_noise else (self.batch_size, self.negative)
            batch["noise"] = self.noise_distribution.fill(np.empty(shape, np.int32), int(epoch.keys[2]), index)
        return (batch,)

    def _settings(self) -> dict[str, Any]:
        settings = super()._settings()
        settings["batch_size"] = self.batch_size
        if self.noise_distribution is not None:
            settings |= {"negative": self.negative, "shared_noise": self.shared_noise}
        return settings


def _check_skips(skip_window: int | None, num_skips: int | None) -> tuple[int | None, int | None]:
    if skip_window is None and num_skips is None:
        return None, None
    if skip_window is None or num_skips is None:
        raise InvalidArgumentError(
            f"skip_window={skip_window}, num_skips={num_skips}; expected both or neither. "
            "Together they select the pairs of TensorFlow's tutorial."
        )
    skip_window = check_int("skip_window", skip_window, 1, LARGEST_WINDOW, hint="The usual value is 1.")
    num_skips = check_int("num_skips", num_skips, hint="The usual value is 2.")
    if num_skips > 2 * skip_window:
        raise InvalidArgumentError(
            f"num_skips={num_skips}; expected at most 2 * skip_window = {2 * skip_window}, "
            "the number of contexts of a centre."
        )
    return skip_window, num_skips
