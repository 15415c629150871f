"""Windows over series of any dtype."""

import numpy as np
from numpy.typing import NDArray

def gather(
    addresses: NDArray[np.uint64],
    lengths: NDArray[np.int64],
    firsts: NDArray[np.int64],
    numbers: NDArray[np.int64],
    stride: int,
    shift: int,
    length: int,
    row: int,
    out: NDArray[np.uint8],
) -> None:
    """Copy windows out of series at memory `addresses` (S,) with `lengths` (S,) steps of `row` bytes.

    Window k = `numbers[i]` is window j = k - firsts[s] of the series s with firsts[s] <= k < firsts[s + 1], where
    `firsts` is (S + 1,). It consists of `length` steps from j * stride + shift on. `out` has
    len(numbers) * length * row bytes. Releases the GIL.
    """
