"""`Tokens`: the arrays of a corpus as the kernels take them, checked once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo_ext._scan import first_outside

__all__ = ["Tokens", "first_fall", "steps"]


_STEP = 1 << 16  # documents at a time, which stay in cache: offsets may be memory-mapped, and larger than memory


def steps(offsets: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """`np.diff(offsets)` in pieces."""
    for begin in range(0, len(offsets) - 1, _STEP):
        yield np.diff(offsets[begin : begin + _STEP + 1])


def first_fall(offsets: NDArray[np.int64]) -> int:
    """The first i with ``offsets[i + 1] < offsets[i]``, or -1.

    >>> first_fall(np.array([0, 2, 1])), first_fall(np.array([0, 2, 2]))
    (1, -1)
    """
    for number, lengths in enumerate(steps(offsets)):
        if lengths.min() < 0:
            return number * _STEP + int(np.argmax(lengths < 0))
    return -1


def _first_outside(ids: NDArray[Any], limit: int) -> int:
    """Index of the first id that is not in [0, limit), or -1."""
    if ids.dtype == np.int32 and ids.flags.c_contiguous and ids.dtype.isnative:
        return first_outside(ids, limit)  # reads them once
    if ids.min() >= 0 and ids.max() < limit:
        return -1
    return int(np.flatnonzero((ids < 0) | (ids >= limit))[0])


class Tokens(NamedTuple):
    """The arrays of a corpus, valid by construction: make them with :meth:`of`.

    Attributes:
        ids: int32 (N,), word ids, one document after another; each in [0, V).
        offsets: int64 (documents + 1,), rising from 0 to N; document i is ``ids[offsets[i]:offsets[i + 1]]``.
        counts: int64 (V,), how often each word of the vocabulary occurs.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Any, counts: ArrayLike | None = None) -> Tokens:
        """The checked arrays of a corpus.

        Arrays of the right type are not copied, so memory-mapped ones stay on disk.

        Args:
            corpus: an object with `ids`, `offsets` and `vocabulary.counts`, such as an `EncodedCorpus`.
            counts: int (V,), replaces `corpus.vocabulary.counts`.

        Raises:
            InvalidArgumentError: `corpus` lacks an attribute, or an array is not one-dimensional and of integers.
            CorpusError: the corpus has no token, its offsets do not fit the ids, or an id has no count.
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
        if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != len(ids) or first_fall(offsets) >= 0:
            raise CorpusError(
                f"offsets do not fit the ids: expected them to rise from 0 to {len(ids)}, the number of ids, "
                "one more than there are documents."
            )
        position = _first_outside(ids, len(counts))
        if position >= 0:
            raise CorpusError(
                f"id {ids[position]} at position {position} is out of range; expected 0 to {len(counts) - 1}, "
                f"as the vocabulary has {len(counts)} words. Does the corpus belong to another vocabulary?"
            )
        return cls(np.ascontiguousarray(ids, np.int32), offsets, np.ascontiguousarray(counts, np.int64))

    def check_pairs_possible(self, dropped: int = 0, reason: str = "") -> None:
        """Raise :class:`CorpusError` unless some document has two words, as every training pair needs.

        Args:
            dropped: int, words of the text that are not among the ids, and why, for the message.
            reason: str, such as ``"min_count=5"``.
        """
        if self.longest_document(2) < 2:
            documents, words = len(self.offsets) - 1, len(self.ids)
            remedy = "Should the documents be joined?"
            if dropped:
                words_dropped = f"{dropped:,} other word{'s' * (dropped != 1)}"
                remedy = f"{reason} dropped {words_dropped} of them. A smaller one keeps more; or join the documents."
            raise CorpusError(
                f"no document has two words ({documents:,} document{'s' * (documents != 1)} with {words:,} known "
                f"word{'s' * (words != 1)}), so there is no pair. {remedy}"
            )

    def longest_document(self, enough: int) -> int:
        """Length of the longest document, or of one that has `enough` words, after which the others are not read.

        >>> tokens = Tokens(np.zeros(6, np.int32), np.array([0, 1, 4, 6]), np.array([6]))
        >>> tokens.longest_document(2), tokens.longest_document(9)
        (3, 3)
        """
        longest = 0
        for lengths in steps(self.offsets):
            longest = max(longest, int(lengths.max()))
            if longest >= enough:
                break
        return longest

    def fingerprint(self) -> dict[str, Any]:
        """See :func:`kerazoo._runtime.fingerprint.corpus_fingerprint`."""
        return corpus_fingerprint(self.ids, self.offsets, self.counts)
