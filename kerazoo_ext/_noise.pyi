"""Noise words from an alias table."""

import numpy as np
from numpy.typing import NDArray

def draw(table: NDArray[np.uint64], key: int, stream: int, out: NDArray[np.int32]) -> None:
    """Fill `out` (n,) with words drawn from the alias `table` (V,), `threshold << 32 | alias` per entry.

    Draw j is `r = mix(mix(key + stream * golden) + j * golden)`; the high half of `floor(r * V / 2**32)` is
    the index of the entry, its low half is compared with the threshold. Releases the GIL.
    """
