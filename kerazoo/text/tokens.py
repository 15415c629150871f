"""A corpus as the kernels take it: its arrays, checked once, subsampling, and the keys of an epoch. Without Keras."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo.errors import CorpusError, InvalidArgumentError

__all__ = ["Stream", "Tokens", "epoch_keys", "keep_thresholds"]


class Tokens(NamedTuple):
    """The arrays of a corpus: ids int32 (N,), offsets int64 (documents + 1,), counts int64 (V,)."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Any, counts: ArrayLike | None = None) -> Tokens:
        """The checked arrays of `corpus`, an object with `ids`, `offsets` and `vocabulary.counts` (or `counts` given).

        Arrays of the right type are not copied, so memory-mapped ones stay on disk.
        """
        try:
            ids, offsets = np.asarray(corpus.ids), np.asarray(corpus.offsets)
            counts = np.asarray(corpus.vocabulary.counts if counts is None else counts)
        except AttributeError as error:
            raise InvalidArgumentError(
                f"corpus of type {type(corpus).__name__}: {error}; expected an EncodedCorpus, or an object with the "
                "attributes ids, offsets and vocabulary.counts (or the argument counts)."
            ) from None
        for name, array in (("ids", ids), ("offsets", offsets), ("counts", counts)):
            if array.ndim != 1 or array.dtype.kind not in "iu":
                raise InvalidArgumentError(
                    f"{name} has shape {array.shape} and type {array.dtype}; expected a one-dimensional integer array."
                )
        if not len(ids):
            raise CorpusError("the corpus is empty: it has no token. Were all words dropped by min_count?")
        offsets = np.ascontiguousarray(offsets, np.int64)
        if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
            raise CorpusError(
                f"offsets do not fit the ids: expected them to rise from 0 to {len(ids)}, the number of ids, "
                "one more than there are documents."
            )
        if ids.min() < 0 or ids.max() >= len(counts):
            position = int(np.flatnonzero((ids < 0) | (ids >= len(counts)))[0])
            raise CorpusError(
                f"id {ids[position]} at position {position} is out of range; expected 0 to {len(counts) - 1}, "
                f"as the vocabulary has {len(counts)} words. Does the corpus belong to another vocabulary?"
            )
        return cls(np.ascontiguousarray(ids, np.int32), offsets, np.ascontiguousarray(counts, np.int64))

    def fingerprint(self) -> dict[str, Any]:
        """See :func:`kerazoo._runtime.fingerprint.corpus_fingerprint`."""
        return corpus_fingerprint(self.ids, self.offsets, self.counts)


def keep_thresholds(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint32] | None:
    """Subsampling: a token of word w is kept iff 32 random bits are <= threshold[w]; uint32 (V,), None keeps all.

    P(keep) = min(1, (sqrt(f / t) + 1) * t / f), f the count, t = sample * sum of counts: gensim's formula (that of
    word2vec.c, not that of the paper).
    """
    if sample == 0:
        return None
    threshold = sample * float(counts.sum())
    frequency = np.maximum(counts, 1)
    probability = (np.sqrt(frequency / threshold) + 1) * (threshold / frequency)
    return np.minimum(probability * 2.0**32, 2.0**32 - 1).astype(np.uint32)


class Stream(NamedTuple):
    """The settings that decide which tokens are kept and which contexts a centre has; see `kerazoo_ext._pairs`."""

    tokens: Tokens
    keep: NDArray[np.uint32] | None
    window: int
    shrink: bool
    max_contexts: int = 0

    def arguments(
        self, keys: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint32] | None, NDArray[np.uint64], int, bool, int]:
        """The leading arguments of every kernel."""
        tokens = self.tokens
        return tokens.ids, tokens.offsets, self.keep, keys, self.window, self.shrink, self.max_contexts


def epoch_keys(seed: int, number: int) -> NDArray[np.uint64]:
    """The keys of an epoch, uint64 (4,): tokens, contexts, noise, order."""
    return np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(4, np.uint64).astype(np.uint64, copy=False)
