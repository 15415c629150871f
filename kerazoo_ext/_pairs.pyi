"""Skip-gram pairs, and the plan that allows every batch to be made independently.

The draw of the token at position `p` is `r = mix(keys[0] + p * golden)` (64 bits). The token is kept iff
`r >> 32 <= keep[id]`, and its radius is `1 + ((r & 0xffffffff) * window >> 32)` with `shrink`, else `window`. Contexts
are the kept tokens of the same document within the radius. A centre uses all of them (`max_contexts=0`) or at most
`max_contexts`, sampled with the draws `mix(mix(keys[1] + p * golden) + j * golden)`.

Common arguments, which are only read: `ids` int32 (N,), `offsets` int64 (documents + 1,) from 0 to N, `keep` uint32
(words,) or None to keep all, `keys` uint64 (>= 2,). All ids must be within `keep`; this is not checked. The functions
release the GIL.
"""

import numpy as np
from numpy.typing import NDArray

CHUNK: int
"""Raw positions per chunk of the plan."""

def count(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.uint32] | None,
    keys: NDArray[np.uint64],
    window: int,
    shrink: bool,
    max_contexts: int,
    pairs: NDArray[np.int64],
    kept: NDArray[np.int64],
) -> None:
    """Count the pairs and the kept tokens of each chunk, by the position of the centre: int64 (ceil(N / CHUNK),) each."""

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
    context: NDArray[np.int32],
    centre: NDArray[np.int32],
) -> int:
    """Fill `context` and `centre`, int32 (n,), with pairs from number `skip` of `chunk` on; returns the number of pairs."""
