"""Vectors of documents from those of their words: mean, weighted by inverse document frequency, or SIF."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo.text import Vocabulary

__all__ = ["POOLINGS", "SIF_A", "PoolingStatistics", "common_component", "document_frequencies", "pool", "word_weights"]

POOLINGS = ("mean", "idf", "sif")
#: The constant a of SIF, as in the experiments of Arora et al. (2017).
SIF_A = 1e-3

_BLOCK = 1 << 16  # numbers of the vectors that are gathered at a time: they fit into the cache of a core
_KEYS = 1 << 24  # pairs of document and word that are sorted at a time
_SAMPLE = 1 << 20  # words of the documents that the common component is computed from, or a few more


class PoolingStatistics(NamedTuple):
    """What the weights of words and the common component are computed from.

    Attributes:
        n_documents: int, documents that have a known word.
        frequencies: int64 (V,), documents that each word occurs in.
        component: float32 (D,), of length 1, the first singular vector of the SIF averages of the documents; zeros if
            they had no known word.
    """

    n_documents: int
    frequencies: NDArray[np.int64]
    component: NDArray[np.float32]

    def joined(self, words: Vocabulary, other: PoolingStatistics, others: Vocabulary) -> PoolingStatistics:
        """With the documents of `other`, whose vocabulary has all these words, and its component."""
        frequencies = other.frequencies.copy()
        frequencies[[others.ids[word] for word in words.words]] += self.frequencies
        return PoolingStatistics(self.n_documents + other.n_documents, frequencies, other.component)

    def padded(self, n_words: int) -> PoolingStatistics:
        """With frequencies of 0 for words that were added to the end since."""
        if n_words == len(self.frequencies):
            return self
        more = np.zeros(n_words - len(self.frequencies), np.int64)
        return self._replace(frequencies=np.concatenate([self.frequencies, more]))


def word_weights(pooling: str, vocabulary: Vocabulary, statistics: PoolingStatistics | None) -> NDArray[np.float32]:
    """The weight of each word in the sum of a document, float32 (V,), all > 0.

    ============ ==========================================================================
    ``"mean"``   1
    ``"idf"``    ``ln((1 + N) / (1 + df)) + 1``, N documents, of which df have the word
    ``"sif"``    ``a / (a + p)``, p the word's share of the training text (Arora et al. 2017)
    ============ ==========================================================================

    >>> [round(float(each), 3) for each in word_weights("sif", Vocabulary.from_counts({"the": 999, "cat": 1}), None)]
    [0.001, 0.5]
    """
    if pooling == "sif":
        weights = SIF_A / (SIF_A + vocabulary.counts / max(vocabulary.total, 1))
    elif pooling == "idf":
        assert statistics is not None
        weights = np.log((1 + statistics.n_documents) / (1 + statistics.frequencies)) + 1
    else:
        weights = np.ones(len(vocabulary))
    return weights.astype(np.float32)


def pool(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
    normalize: bool = False,
) -> NDArray[np.float32]:
    """Weighted averages of the vectors of the words of each document; zeros for a document without words.

    Args:
        ids: int32 (n_ids,), one document after another.
        offsets: int64 (n_documents + 1,), rising from 0 to n_ids.
        vectors: float32 (V, D).
        weights: float32 (V,); None: 1 for each.
        normalize: whether the sum is divided by that of the weights, else by the number of words.

    Returns:
        float32 (n_documents, D).

    >>> pool(np.array([0, 1, 1], np.int32), np.array([0, 2, 2, 3]), np.array([[1.0], [4.0]], np.float32)).tolist()
    [[2.5], [0.0], [4.0]]
    """
    lengths = np.diff(offsets)
    found = np.zeros((len(lengths), vectors.shape[1]), np.float32)
    filled = np.flatnonzero(lengths)
    begins = offsets[filled]
    table = vectors if weights is None else vectors * weights[:, None]
    per_block = max(1, _BLOCK // vectors.shape[1])
    first = 0
    while first < len(filled):
        start = begins[first]
        # At least one document. Empty ones have no ids, so what follows each begin is its own document.
        last = max(first + 1, int(np.searchsorted(begins, start + per_block)))
        stop = begins[last] if last < len(begins) else offsets[-1]
        found[filled[first:last]] = _sums(table, ids[start:stop], begins[first:last] - start, per_block)
        first = last
    sizes = lengths.astype(np.float64)
    if normalize and weights is not None:
        sums = np.zeros(len(lengths))
        if len(filled):
            sums[filled] = np.add.reduceat(weights[ids], begins, dtype=np.float64)
        sizes = sums
    found /= np.maximum(sizes, np.finfo(np.float32).tiny)[:, None].astype(np.float32)
    return found


def _sums(
    table: NDArray[np.float32], ids: NDArray[np.int32], begins: NDArray[np.int64], block: int
) -> NDArray[np.float64]:
    """Sums of the rows `ids` from each begin to the next; accumulated in float64."""
    if len(begins) > 1 or len(ids) <= block:
        return np.add.reduceat(table[ids], begins, axis=0, dtype=np.float64)
    # One long document, in parts.
    parts = [table[ids[part : part + block]].sum(axis=0, dtype=np.float64) for part in range(0, len(ids), block)]
    return np.sum(parts, axis=0)[None]


def document_frequencies(ids: NDArray[np.int32], offsets: NDArray[np.int64], n_words: int) -> NDArray[np.int64]:
    """Number of documents that each word occurs in, int64 (n_words,).

    >>> document_frequencies(np.array([0, 1, 1, 1], np.int32), np.array([0, 3, 3, 4]), 3).tolist()
    [1, 2, 0]
    """
    frequencies = np.zeros(n_words, np.int64)
    n_documents = len(offsets) - 1
    first = 0
    while first < n_documents:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _KEYS, "right")) - 1)
        start, stop = offsets[first], offsets[last]
        numbers = np.repeat(np.arange(last - first, dtype=np.int64), np.diff(offsets[first : last + 1]))
        pairs = np.unique(numbers * n_words + ids[start:stop])
        frequencies += np.bincount(pairs % n_words, minlength=n_words)
        first = last
    return frequencies


def common_component(averages: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first right singular vector of vectors of documents (n, D): float32 (D,), as Arora et al. (2017) remove it.

    Its sign is that of the mean. Zeros if all vectors are zero.

    >>> common_component(np.array([[3.0, 4.0], [6.0, 8.0]], np.float32)).round(2).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    wide = averages.astype(np.float64)
    _, vectors = np.linalg.eigh(wide.T @ wide)
    first = vectors[:, -1]
    if not wide.any():
        return np.zeros(averages.shape[1], np.float32)
    return (first if first @ wide.sum(axis=0) >= 0 else -first).astype(np.float32)


def statistics_of(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], vectors: NDArray[np.float32], vocabulary: Vocabulary
) -> PoolingStatistics:
    """The statistics of documents: all of them for the frequencies, up to a million words for the component.

    Args:
        ids: int32 (n_ids,), of known words, one document after another.
        offsets: int64 (n_documents + 1,).
        vectors: float32 (V, D).
        vocabulary: V words.
    """
    lengths = np.diff(offsets)
    filled = np.flatnonzero(lengths)
    # Every n-th document, so that the sample does not depend on anything drawn.
    chosen = filled[:: max(1, len(ids) // _SAMPLE)]
    ends = np.cumsum(lengths[chosen])
    places = np.repeat(offsets[chosen] - np.concatenate([[0], ends[:-1]]), lengths[chosen]) + np.arange(
        ends[-1] if len(ends) else 0
    )
    weights = word_weights("sif", vocabulary, None)
    averages = pool(ids[places], np.concatenate([[0], ends]), vectors, weights)
    frequencies = document_frequencies(ids, offsets, len(vocabulary))
    return PoolingStatistics(len(filled), frequencies, common_component(averages))


def without_component(averages: NDArray[np.float32], component: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors (n, D) minus their projections on `component` (D,), in place."""
    averages -= np.outer(averages @ component, component)
    return averages
