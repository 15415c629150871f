"""A cheap fingerprint of an encoded corpus: a run that is resumed must have the same data."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["corpus_fingerprint"]

_SLICES, _LENGTH = 64, 4096


def corpus_fingerprint(ids: NDArray[np.int32], offsets: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, int]:
    """Sizes, and a checksum over offsets, counts and 64 slices of the ids (a large corpus is not read whole).

    Args:
        ids: int32 (N,), word ids of all documents.
        offsets: int64 (documents + 1,), the start of each document in `ids`, and N.
        counts: int64 (V,), count of each word.

    Returns:
        `tokens`, `documents`, `words` and `crc32`.

    >>> corpus_fingerprint(np.zeros(3, np.int32), np.array([0, 1, 3]), np.array([3]))["documents"]
    2
    """
    # Buffers, not copies: the offsets of a memory-mapped corpus may be larger than memory.
    check = zlib.crc32(_bytes_of(counts), zlib.crc32(_bytes_of(offsets)))
    for start in np.linspace(0, max(0, len(ids) - _LENGTH), _SLICES).astype(np.int64):
        check = zlib.crc32(ids[start : start + _LENGTH].tobytes(), check)
    return {"tokens": len(ids), "documents": len(offsets) - 1, "words": len(counts), "crc32": check}


def _bytes_of(array: NDArray[np.int64]) -> memoryview:
    return np.ascontiguousarray(array).view(np.uint8).data
