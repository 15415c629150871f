"""Changes of rows as they go between workers. All functions release the GIL.

Tables are float32 (rows, at least d) with a contiguous last axis; of wider ones the first d columns count. bfloat16 is
uint16 with its bits.
"""

import numpy as np
from numpy.typing import NDArray

def pack_change(now: NDArray[np.float32], base: NDArray[np.float32], out: NDArray[np.uint16]) -> None:
    """Fill `out` (rows, d) with ``now - base`` as bfloat16, rounded half up in magnitude."""

def pack(values: NDArray[np.float32], out: NDArray[np.uint16]) -> None:
    """Fill `out` (rows, d) with `values` as bfloat16."""

def add_packed(total: NDArray[np.float32], sent: NDArray[np.uint16]) -> None:
    """Add bfloat16 values (rows, d) to `total`."""

def count(ids: NDArray[np.int32], counts: NDArray[np.int32]) -> None:
    """Add to `counts` how often each id occurs. Ids are trusted: 0 <= id < len(counts)."""

def apply_packed(base: NDArray[np.float32], now: NDArray[np.float32], change: NDArray[np.uint16]) -> None:
    """Add a bfloat16 change (rows, d) to `base`, and copy the result to `now`."""

def scale(
    projected: NDArray[np.float32],
    values: NDArray[np.float32],
    updates: NDArray[np.float32],
    workers: NDArray[np.float32],
    flat: float,
) -> None:
    """Multiply `projected` (rows, k) by ``g(c) / (M g(c / M)) - 1``, or by 0 where c <= flat.

    g(c) is 1 - exp(-c), c the product of `updates` (rows,) and `values` (k,), both >= 0, and M `workers` (rows,), >= 1.
    The result agrees with exact arithmetic to 1e-5 of `projected`.
    """
