"""Blocks of kept tokens with halos, and the distinct words in them."""

import numpy as np
from numpy.typing import NDArray

def make(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.uint32] | None,
    keys: NDArray[np.uint64],
    window: int,
    shrink: bool,
    max_contexts: int,
    chunk: int,
    skip: int,
    first: int,
    block: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
) -> tuple[int, int, int]:
    """Write the kept tokens number first..first + T - 1 of an epoch, with `window` tokens more on each side.

    `block` int32 (T + 2 * window,), `left` and `right` int32 (T,): ids, and the number of contexts before and after
    each token; 0 where there is no token. Token max(0, first - window) is number `skip` of `chunk`. The other
    arguments are those of `_pairs`.

    Returns:
        The number of tokens among the T, the raw position of the first of them (0 in the first block), and that of the
        first token after them (N if there is none). Releases the GIL.
    """

def unique(
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    n_values: int,
    values: NDArray[np.int32],
    places_a: NDArray[np.int32],
    places_b: NDArray[np.int32],
) -> int:
    """Write the sorted distinct values of `a` and `b`, all from 0 to n_values - 1, and the index of each among them.

    The same as `np.unique(concatenate([a, b]), return_inverse=True)`. `values` int32 needs room for
    min(n_values, len(a) + len(b)) elements; the largest value fills the rest.

    Returns:
        The number of distinct values. Releases the GIL.
    """
