"""References of `kerazoo_ext/rng.h` and `permutation.h`: counter-based draws in NumPy's uint64 arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def mix(z: Any) -> NDArray[np.uint64]:
    z = np.atleast_1d(np.asarray(z, np.uint64))  # arrays overflow without a warning
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw(key: Any, counters: Any) -> NDArray[np.uint64]:
    """The draws at `counters` of the stream `key` (an int or a uint64 array)."""
    return mix(np.asarray(key, np.uint64) + np.atleast_1d(np.asarray(counters, np.uint64)) * GOLDEN)


def below(draws: NDArray[np.uint64], n: Any) -> NDArray[np.int64]:
    """The low halves as integers from 0 to n - 1."""
    return (((draws & LOW) * np.asarray(n, np.uint64)) >> HALF).astype(np.int64)


def permutation(n: int, key: int) -> NDArray[np.int64]:
    """The whole permutation of 0..n-1 that `key` determines."""
    bits = max(0, (n - 1).bit_length())
    low_bits = (bits + 1) // 2
    low_mask, high_mask = np.uint64(2**low_bits - 1), np.uint64(2 ** (bits - low_bits) - 1)
    values = np.arange(n, dtype=np.uint64)
    todo = np.ones(n, bool)
    while todo.any():
        low, high = values[todo] & low_mask, values[todo] >> np.uint64(low_bits)
        for i in range(0, 6, 2):
            high ^= mix(draw(key, i) ^ low) & high_mask
            low ^= mix(draw(key, i + 1) ^ high) & low_mask
        values[todo] = high << np.uint64(low_bits) | low
        todo &= values >= np.uint64(n)
    return values.astype(np.int64)
