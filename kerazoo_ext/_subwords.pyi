"""Buckets of the character n-grams of words (Bojanowski et al. 2017, section 3.2), as in fastText."""

import numpy as np
from numpy.typing import NDArray

def count(text: NDArray[np.uint8], ends: NDArray[np.int64], min_n: int, max_n: int, counts: NDArray[np.int64]) -> None:
    """Count the n-grams of each word: of the code points of ``<word>``, min_n to max_n of them, without < and > alone.

    Args:
        text: uint8 (B,), the words in UTF-8, one after the other.
        ends: int64 (V + 1,), word i is ``text[ends[i]:ends[i + 1]]``; does not decrease.
        min_n: smallest number of code points.
        max_n: largest number of code points; none if it is smaller than `min_n`.
        counts: int64 (V,), overwritten. Releases the GIL.
    """

def hash_ngrams(
    text: NDArray[np.uint8],
    ends: NDArray[np.int64],
    min_n: int,
    max_n: int,
    bucket: int,
    offsets: NDArray[np.int64],
    buckets: NDArray[np.int32],
) -> None:
    """Write the buckets of the n-grams of all words: FNV-1a of the UTF-8 bytes, with their sign, modulo `bucket`.

    Args:
        text: uint8 (B,), as in :func:`count`.
        ends: int64 (V + 1,), as in :func:`count`.
        min_n: as in :func:`count`.
        max_n: as in :func:`count`.
        bucket: number of buckets, 1 to 2^31 - 1.
        offsets: int64 (V + 1,), 0 and the cumulative sums of :func:`count`; not checked.
        buckets: int32 (N,), overwritten: n-grams by position and then by length, word after word. Releases the GIL.
    """

def means(
    own: NDArray[np.float32],
    ngrams: NDArray[np.float32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    out: NDArray[np.float32],
) -> None:
    """Write the vectors of words: (own row + sum of the rows of the n-grams) / (1 + number of n-grams), in float64.

    Args:
        own: float32 (V, D), the words' own rows.
        ngrams: float32 (U, D).
        offsets: int64 (V + 1,), word i has ``rows[offsets[i]:offsets[i + 1]]``; does not decrease.
        rows: int32 (N,), rows of `ngrams`, with repetitions; not checked.
        out: float32 (V, D), overwritten. Releases the GIL.
    """
