"""Windows over series of any type."""

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
    """Copy windows out of series that lie at memory `addresses` (S,) and have `lengths` (S,) steps of `row` bytes.

    Window number k of all, k = `numbers[i]`, is number k - firsts[s] of the series s with firsts[s] <= k < firsts[s + 1]
    (`firsts` (S + 1,)), and takes its steps j * stride + shift .. + length - 1, j that number. `out` gets
    len(numbers) * length * row bytes. Releases the GIL.
    """
