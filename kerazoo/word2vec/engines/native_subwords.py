"""Tables of the native engine with subwords (fastText): words' own rows and the rows of n-grams in one array."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.word2vec.engines.native_tables import PaddedTables, check_tables, padded, row_parts
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.subwords import (
    BucketRows,
    NgramSettings,
    WordNgrams,
    composed_vectors,
    ngram_buckets,
    own_and_ngrams,
    used_buckets,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SubwordTables"]

# Groups of windows for which a word is composed once (docs/fasttext.md has what was measured).
LARGEST_SPAN = 8
# Largest sum, over the tokens of a span, of learning rate times pairs times the share of rows that two words have in
# common. The words of a span do not see each other's changes, which are added to the rows they share.
LARGEST_CHANGE = 0.75
# Width of the initial values, in terms of those of word2vec. The mean of n rows is narrower by sqrt(n), about 4.
INITIAL_WIDTH = 2.0


class SubwordTables(PaddedTables):
    """Input rows of V words and of U n-grams; the other tables are as without subwords.

    Args:
        words: V of them, in the order of their ids.
        counts: int64 (V,), how often they occur.
        size: D, numbers per vector.
        biased: whether there are output biases.
        ngrams: which n-grams words have.
        buckets: int32 (U,), the buckets that have rows, those of all words among them; None: just those, by how often
            they occur.

    Attributes:
        inputs: float32 (V + U, D'): row w is of word w, row V + u of the n-grams in ``buckets[u]``.
        buckets: int32 (U,).
        parts: for each word the rows of `inputs` whose mean is its vector.
    """

    def __init__(
        self,
        words: Sequence[str],
        counts: NDArray[np.int64],
        size: int,
        biased: bool,
        ngrams: NgramSettings,
        buckets: NDArray[np.int32] | None = None,
    ) -> None:
        found = ngram_buckets(words, ngrams)
        self.buckets = used_buckets(found, counts) if buckets is None else buckets
        super().__init__(len(words), size, True, biased, None)
        check_tables(len(words) + len(self.buckets), size, 1)
        self.inputs = padded(len(words) + len(self.buckets), size)
        self.words, self.ngrams = words, ngrams
        if len(found.values):
            found = WordNgrams(found.offsets, BucketRows(self.buckets, ngrams.bucket)(found.values))
        self.parts = own_and_ngrams(found)

    def draw(self, seed: int, log_noise: NDArray[np.float32]) -> None:
        """The values of an untrained model: as without subwords, but W is wider."""
        super().draw(seed, log_noise)
        if self.ngrams.any:
            for part in row_parts(self.inputs):
                part *= INITIAL_WIDTH

    def assign(self, tables: Tables) -> None:
        """Copy these values into the tables; their n-grams have the buckets of this object."""
        super().assign(tables)
        if tables.ngram_vectors is not None:
            self.inputs[len(self.words) :, : self.size] = tables.ngram_vectors

    def copy(self) -> Tables:
        """Copies of the tables without padding."""
        return self._split(super().copy())

    def release(self) -> Tables:
        """The tables without padding, in the same memory; this object must not be used afterwards."""
        return self._split(super().release())

    def _split(self, tables: Tables) -> Tables:
        if not self.ngrams.any:
            return tables
        own, ngrams = np.split(tables.input_vectors, [len(self.words)])
        return replace(tables, input_vectors=own, ngram_vectors=ngrams, ngram_buckets=self.buckets)

    def for_callbacks(self) -> Tables:
        """Copies of the tables in which every word has its vector."""
        tables = self.copy()
        vectors = composed_vectors(tables, self.words, self.ngrams)
        return replace(tables, input_vectors=vectors, ngram_vectors=None, ngram_buckets=None)

    def with_subwords(self) -> Tables | None:
        """Copies of the tables if there are n-grams, else None."""
        return self.copy() if self.ngrams.any else None

    def take_from_callbacks(self, tables: Tables) -> None:
        """Nothing but a warning if callbacks have changed the vectors: those of n-grams do not follow from them."""
        if not np.allclose(tables.input_vectors, self.for_callbacks().input_vectors, atol=1e-5):
            warnings.warn(
                "a callback replaced the vectors (EarlyStopping with restore_best_weights?); FastText keeps those of "
                "the last epoch, because the vectors of n-grams do not follow from those of words.",
                RuntimeWarning,
                stacklevel=2,
            )

    def largest_span(self, shares: NDArray[np.float64], change: float) -> float:
        """The number of tokens for which words may be composed once.

        Args:
            shares: float64 (V,), of the words in the tokens that are trained.
            change: learning rate times pairs of a token, times the number of threads.
        """
        offsets, rows, ends = self.parts
        n_rows = np.diff(offsets)
        words = np.repeat(np.arange(len(n_rows)), n_rows)
        changed = np.arange(len(rows)) < ends[words]
        occurrences = np.bincount(rows, weights=shares[words] * changed, minlength=len(self.inputs))
        overlap = float(np.bincount(words, weights=occurrences[rows]) / n_rows @ shares)
        return LARGEST_CHANGE / (overlap * change)

    def kernel_arguments(self, span: int) -> dict[str, Any]:
        """Additional arguments of the kernel."""
        offsets, rows, ends = self.parts
        return {"part_offsets": offsets, "parts": rows, "distinct_ends": ends, "span": span}
