"""`Tokens`: the arrays of a corpus as the kernels take them, checked once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo.errors import CorpusError, InvalidArgumentError

__all__ = ["Tokens", "longest_document"]


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

    def check_pairs_possible(self, dropped: int = 0, reason: str = "") -> None:
        """Raise :class:`CorpusError` unless some document has two words, as every training pair needs.

        Args:
            dropped: int, words of the text that are not among the ids, and why, for the message.
            reason: str, such as ``"min_count=5"``.
        """
        if longest_document(self.offsets) < 2:
            documents, words = len(self.offsets) - 1, len(self.ids)
            remedy = "Should the documents be joined?"
            if dropped:
                words_dropped = f"{dropped:,} other word{'s' * (dropped != 1)}"
                remedy = f"{reason} dropped {words_dropped} of them. A smaller one keeps more; or join the documents."
            raise CorpusError(
                f"no document has two words ({documents:,} document{'s' * (documents != 1)} with {words:,} known "
                f"word{'s' * (words != 1)}), so there is no pair. {remedy}"
            )

    def fingerprint(self) -> dict[str, Any]:
        """See :func:`kerazoo._runtime.fingerprint.corpus_fingerprint`."""
        return corpus_fingerprint(self.ids, self.offsets, self.counts)


def longest_document(offsets: NDArray[np.int64], block: int = 1 << 16) -> int:
    """Tokens of the longest document; memory-mapped offsets are read in blocks.

    Args:
        offsets: int64 (documents + 1,).
        block: documents that are compared at a time.

    >>> longest_document(np.array([0, 3, 3, 7]))
    4
    """
    starts = range(0, len(offsets) - 1, block)
    return max((int(np.diff(offsets[start : start + block + 1]).max()) for start in starts), default=0)
