"""Random permutations without a table: a Feistel network of 6 rounds over the next power of two, with cycle walking."""

import numpy as np
from numpy.typing import NDArray

def permute_one(index: int, n: int, key: int) -> int:
    """Element `index` of the permutation of 0..n-1 that `key` (64 bits) determines."""

def permute(first: int, n: int, key: int, out: NDArray[np.int64]) -> None:
    """Fill `out` with elements first..first + len(out) - 1 of the permutation. Releases the GIL."""
