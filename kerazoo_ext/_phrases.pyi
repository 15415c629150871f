"""Pairs of neighbouring words: counted, and joined to phrases.

A pair is (first, run, last): two neighbouring words of a document that are no connector words, and the number of the
sequence of connector words between them, 0 for none. All methods that take a corpus release the GIL. `begin` and `end`
select tokens; a pair belongs to the token of its last word. Not checked: that ids are within `connector`, that offsets
rise, and that `runs` knows all runs that are counted.
"""

import numpy as np
from numpy.typing import NDArray

class Runs:
    """Distinct sequences of connector words, numbered in order of their addition; number 0 is the empty one."""

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def add(self, ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
        """Add the sequences ``ids[offsets[i]:offsets[i + 1]]``; returns the number of each, int32 (n,)."""

    def collect(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        connector: NDArray[np.uint8],
        begin: int,
        end: int,
    ) -> None:
        """Add the sequences between the words of the pairs of a corpus; `connector` (V,) is 1 for connector words."""

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All sequences as (ids, offsets), as `add` takes them."""

class PairTable:
    """A hash table of pairs, each with a count and a value. Only one thread at a time may change it."""

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def count(
        self,
        runs: Runs,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        connector: NDArray[np.uint8],
        begin: int,
        end: int,
        shard: int,
        n_shards: int,
        limit: int,
    ) -> bool:
        """Count the pairs whose hash belongs to the shard.

        The value of a pair is the position of its first word where it occurs first. Returns False when the table has
        more than `limit` pairs; its contents are then incomplete.
        """

    def add(
        self,
        pairs: NDArray[np.uint64],
        runs: NDArray[np.int32],
        counts: NDArray[np.int64],
        values: NDArray[np.int64],
    ) -> None:
        """Add pairs ``first << 32 | last``: counts are summed, of several values the smallest is kept."""

    def find(self, pairs: NDArray[np.uint64], runs: NDArray[np.int32]) -> NDArray[np.int64]:
        """The value of each pair, int64 (n,), -1 for unknown ones."""

    def arrays(self) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """All pairs as (pairs, runs, counts, values), in any order."""

    def match(
        self,
        runs: Runs,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        connector: NDArray[np.uint8],
        begin: int,
        end: int,
        matches: NDArray[np.int32],
    ) -> None:
        """Set matches[p], for p from `begin` to `end`, to the value of the pair whose last word is token p, or to -1."""

def join(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    connector: NDArray[np.uint8],
    begin: int,
    end: int,
    matches: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> int:
    """Join pairs that match. The ids are written over `matches` from `begin` on; returns their number.

    `ends[d]` is set for the documents that end in (begin, end]: the number of ids from `begin` to the end of d. `begin`
    must be the start of a document, or a word that is no connector and does not match.
    """
