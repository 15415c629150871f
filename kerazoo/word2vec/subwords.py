"""Subwords of fastText: the n-grams of words, the buckets they are hashed to, and vectors made of them.

A word is enclosed in ``<`` and ``>``; its n-grams are all sequences of `min_n` to `max_n` characters of that. They are
hashed to `bucket` numbers (Bojanowski et al. 2017, section 3.2). The vector of a word is the mean of its own row and of
the rows of its n-grams, that of an unknown word the mean of its n-grams alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.memory import check_memory
from kerazoo._validation import check_int
from kerazoo.errors import StorageError, VocabularyError
from kerazoo.word2vec.results import Tables
from kerazoo_ext import _subwords

__all__ = [
    "LARGEST_BUCKET",
    "BucketRows",
    "NgramSettings",
    "WordNgrams",
    "WordParts",
    "check_buckets",
    "composed_vectors",
    "ngram_buckets",
    "own_and_ngrams",
    "unknown_vectors",
    "used_buckets",
    "word_rows",
]

LARGEST_BUCKET = 2**31 - 1
DENSE_BUCKETS = 2**24  # up to so many, rows are looked up in an array of all buckets, otherwise by bisection


@dataclass(frozen=True)
class NgramSettings:
    """Which n-grams a word has.

    Attributes:
        min_n: smallest number of characters, >= 0.
        max_n: largest number of characters; there are no n-grams if it is smaller than `min_n` or 0.
        bucket: number of buckets, 0 for no n-grams.
    """

    min_n: int
    max_n: int
    bucket: int

    def __post_init__(self) -> None:
        for name, largest in (("min_n", None), ("max_n", None), ("bucket", LARGEST_BUCKET)):
            check_int(name, getattr(self, name), 0, largest)

    @property
    def any(self) -> bool:
        """Whether words have n-grams."""
        return self.bucket > 0 and self.max_n >= max(self.min_n, 1)


class WordNgrams(NamedTuple):
    """N-grams of words, as numbers: buckets, or rows of a table.

    Attributes:
        offsets: int64 (V + 1,), word i has ``values[offsets[i]:offsets[i + 1]]``.
        values: int32 (N,), by position and then by length; an n-gram that occurs twice is there twice.
    """

    offsets: NDArray[np.int64]
    values: NDArray[np.int32]


def ngram_buckets(words: Sequence[str], ngrams: NgramSettings) -> WordNgrams:
    """The buckets of the n-grams of words: FNV-1a of their UTF-8 bytes, as fastText and gensim compute it.

    Raises:
        VocabularyError: a word is not valid Unicode (it has a lone surrogate).

    >>> ngram_buckets(["ab", ""], NgramSettings(3, 4, 1000)).offsets.tolist()  # <ab, <ab>, ab>
    [0, 3, 3]
    """
    offsets = np.zeros(len(words) + 1, np.int64)
    if not ngrams.any:
        return WordNgrams(offsets, np.zeros(0, np.int32))
    encoded = [_utf8(word) for word in words]
    ends = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=ends[1:])
    text = np.frombuffer(b"".join(encoded), np.uint8)
    # A word has no more n-grams of one length than bytes, so larger limits change nothing; C takes ints.
    largest = int(np.diff(ends).max(initial=0)) + 2
    limits = min(ngrams.min_n, largest + 1), min(ngrams.max_n, largest)
    _check_size(words, *limits)
    counts = np.zeros(len(words), np.int64)
    _subwords.count(text, ends, *limits, counts)
    np.cumsum(counts, out=offsets[1:])
    buckets = np.empty(int(offsets[-1]), np.int32)
    _subwords.hash_ngrams(text, ends, *limits, ngrams.bucket, offsets, buckets)
    return WordNgrams(offsets, buckets)


def _check_size(words: Sequence[str], min_n: int, max_n: int) -> None:
    """The n-grams must fit into memory, 4 bytes each; of long words with long n-grams there are very many."""
    lengths = np.fromiter(map(len, words), np.int64, len(words)) + 2  # < and >
    sizes = np.minimum(lengths, max_n)
    number = float(np.maximum(0, (sizes - min_n + 1.0) * (lengths + 1.0 - (sizes + min_n) / 2)).sum())
    check_memory(
        int(4 * number),
        f"min_n={min_n}, max_n={max_n} and words of up to {int(lengths.max(initial=2)) - 2:,} characters",
        "A smaller max_n, or a corpus without such words, takes less.",
    )


def _utf8(word: str) -> bytes:
    try:
        return word.encode()
    except UnicodeEncodeError as error:
        raise VocabularyError(
            f"the word {word!r} is not valid Unicode ({error.reason}); expected text that UTF-8 can encode."
        ) from error


def used_buckets(ngrams: WordNgrams, counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """The distinct buckets of the n-grams of words, int32 (U,), by decreasing number of occurrences in the text.

    In this order the rows that are needed most lie together.

    Args:
        ngrams: buckets of V words.
        counts: int64 (V,), of the words.
    """
    buckets, places = np.unique(ngrams.values, return_inverse=True)
    weights = np.repeat(counts, np.diff(ngrams.offsets)).astype(np.float64)
    occurrences = np.bincount(places.reshape(-1), weights=weights, minlength=len(buckets))
    return buckets[np.argsort(-occurrences, kind="stable")]


class BucketRows:
    """The rows of buckets in a table that has only some of them.

    Args:
        buckets: int32 (U,), the distinct buckets of the rows.
        n_buckets: number of all buckets.

    >>> BucketRows(np.array([7, 2], np.int32), 10)(np.array([2, 3, 7], np.int32)).tolist()
    [1, -1, 0]
    """

    def __init__(self, buckets: NDArray[np.int32], n_buckets: int) -> None:
        self._order: NDArray[np.int32] | None = None
        if n_buckets <= DENSE_BUCKETS:
            self._rows = np.full(n_buckets, -1, np.int32)
            self._rows[buckets] = np.arange(len(buckets), dtype=np.int32)
        else:
            self._order = np.argsort(buckets, kind="stable").astype(np.int32)
            self._rows = buckets[self._order]

    def __call__(self, buckets: NDArray[np.int32]) -> NDArray[np.int32]:
        """Their rows, -1 for those that have none; same shape."""
        if self._order is None:
            return self._rows[buckets]
        if not len(self._order):
            return np.full(buckets.shape, -1, np.int32)
        places = np.minimum(np.searchsorted(self._rows, buckets), len(self._rows) - 1)
        return np.where(self._rows[places] == buckets, self._order[places], np.int32(-1))


class WordParts(NamedTuple):
    """The rows whose mean is the vector of a word, in the form that the kernel needs.

    Attributes:
        offsets: int64 (V + 1,), word i has ``rows[offsets[i]:offsets[i + 1]]``.
        rows: int32 (N + V,); a row that a word has several times is at the end again.
        distinct_ends: int64 (V,), the end of the distinct rows of each word.
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    distinct_ends: NDArray[np.int64]


def own_and_ngrams(ngrams: WordNgrams) -> WordParts:
    """For each word its own row w, and V + r for the rows r of its n-grams: rows of one table of both.

    >>> parts = own_and_ngrams(WordNgrams(np.array([0, 0, 3]), np.array([4, 4, 0], np.int32)))
    >>> parts.rows.tolist(), parts.distinct_ends.tolist()
    ([0, 1, 6, 2, 6], [1, 4])
    """
    n_words = len(ngrams.offsets) - 1
    offsets = ngrams.offsets + np.arange(n_words + 1)
    rows = np.empty(int(offsets[-1]), np.int32)
    is_own = np.zeros(len(rows), bool)
    is_own[offsets[:-1]] = True
    rows[is_own] = np.arange(n_words, dtype=np.int32)
    rows[~is_own] = ngrams.values + np.int32(n_words)
    words = np.repeat(np.arange(n_words), np.diff(offsets))
    _, first = np.unique(words << 32 | rows, return_index=True)
    is_again = np.ones(len(rows), bool)
    is_again[first] = False
    order = np.argsort(2 * words + is_again, kind="stable")
    return WordParts(offsets, rows[order], offsets[:-1] + np.bincount(words[first], minlength=n_words))


def word_rows(words: Sequence[str], ngrams: NgramSettings, rows_of: BucketRows) -> WordNgrams:
    """The n-grams of words as rows of a table; -1 for those that have no row."""
    found = ngram_buckets(words, ngrams)
    return WordNgrams(found.offsets, rows_of(found.values)) if len(found.values) else found


def check_buckets(tables: Tables, words: Sequence[str], ngrams: NgramSettings) -> None:
    """Check that the tables have one row for every n-gram of the words.

    Raises:
        StorageError: a row is missing, or a bucket is there twice or out of range.
    """
    buckets = tables.ngram_buckets
    if (buckets is not None) != ngrams.any:
        raise StorageError(f"min_n={ngrams.min_n}, max_n={ngrams.max_n}, bucket={ngrams.bucket} do not fit the tables.")
    if buckets is None:
        return
    in_range = not len(buckets) or (buckets.min() >= 0 and buckets.max() < ngrams.bucket)
    if not in_range or len(np.unique(buckets)) != len(buckets):
        raise StorageError(f"the buckets of n-grams are damaged; expected distinct numbers below {ngrams.bucket}.")
    if word_rows(words, ngrams, BucketRows(buckets, ngrams.bucket)).values.min(initial=0) < 0:
        raise StorageError("rows of n-grams are missing: the tables belong to other words or to other settings.")


def composed_vectors(tables: Tables, words: Sequence[str], ngrams: NgramSettings) -> NDArray[np.float32]:
    """The vectors of words, float32 (V, D): means of their own rows and those of their n-grams, summed in float64.

    Args:
        tables: with own rows (V, D) and rows of n-grams.
        words: V of them, in the order of the rows.
        ngrams: which n-grams they have.
    """
    own = np.ascontiguousarray(tables.input_vectors)
    if tables.ngram_vectors is None or tables.ngram_buckets is None or not ngrams.any:
        return own
    rows = word_rows(words, ngrams, BucketRows(tables.ngram_buckets, ngrams.bucket))
    vectors = np.empty_like(own)
    _subwords.means(own, np.ascontiguousarray(tables.ngram_vectors), rows.offsets, rows.values, vectors)
    return vectors


def unknown_vectors(
    vectors: NDArray[np.float32], words: Sequence[str], ngrams: NgramSettings, rows_of: BucketRows
) -> NDArray[np.float32]:
    """Vectors of words without a row of their own, float32 (n, D): the mean of the rows of their n-grams.

    N-grams without a row count as zeros; a word without any n-gram gets zeros, as in fastText.

    Args:
        vectors: float32 (U, D), rows of n-grams.
        words: n of them.
        ngrams: which n-grams they have.
        rows_of: the rows of buckets.
    """
    rows = word_rows(words, ngrams, rows_of)
    made = np.zeros((len(words), vectors.shape[1]), np.float32)
    for i, (begin, end) in enumerate(pairwise(rows.offsets)):
        own = rows.values[begin:end]
        if len(own):
            made[i] = vectors[own[own >= 0]].sum(axis=0, dtype=np.float64) / len(own)
    return made
