"""Skip-gram pairs, and the plan that makes every batch of them reachable on its own.

A token of position `p` is drawn by `r = mix(keys[0] + p * golden)` (64 bits): it is kept iff `r >> 32 <= keep[id]`,
and its radius is `1 + ((r & 0xffffffff) * window >> 32)` where `shrink`, else `window`. Contexts are the kept tokens of
the same document within the radius. A centre uses all of them (`max_contexts=0`) or at most `max_contexts`, chosen by
the draws `mix(mix(keys[1] + p * golden) + j * golden)`.

Arguments in common: `ids` int32 (N,), `offsets` int64 (documents + 1,) from 0 to N, `keep` uint32 (words,) or None to
keep all, `keys` uint64 (>= 2,). The ids are trusted to lie within `keep`. Nothing is written to these; the GIL is
released.
"""

import numpy as np
from numpy.typing import NDArray

CHUNK: int
"""Raw positions in a chunk of the plan."""

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
    """Fill `pairs` and `kept`, int64 (ceil(N / CHUNK),): pairs and kept tokens whose (centre's) position is in the chunk."""

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
    """Fill `context` and `centre`, int32 of one length, with the pairs from number `skip` of `chunk` on; the number written."""
