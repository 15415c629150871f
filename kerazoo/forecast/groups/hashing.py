"""The bucket of a series: a hash of its name, the same on every machine and in every process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bucket_of", "hashes_of", "lowest"]


def hashes_of(ids: Iterable[Any]) -> NDArray[np.uint64]:
    """BLAKE2b of the text of each name, uint64.

    >>> (hashes_of([7, "shop 1"]) % np.uint64(64)).tolist(), bool(hashes_of([7]) == hashes_of(["7"]))
    ([2, 53], True)
    """
    digests = [hashlib.blake2b(str(each).encode(), digest_size=8).digest() for each in ids]
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def bucket_of(unique_id: Any, buckets: int) -> int:
    """The bucket of a series, from 0 to `buckets` - 1.

    >>> bucket_of("shop 1", 64)
    53
    """
    return int(hashes_of([unique_id])[0]) % buckets


def lowest(hashes: Mapping[str, int], count: int) -> dict[str, int]:
    """The `count` names with the lowest hashes: a random sample of names, and always the same one.

    Args:
        hashes: the text of each name -> its hash.
        count: int >= 1.

    >>> lowest({"a": 3, "b": 1, "c": 2}, 2)
    {'b': 1, 'c': 2}
    """
    chosen = sorted(hashes, key=lambda text: (hashes[text], text))[:count]
    return {text: hashes[text] for text in chosen}
