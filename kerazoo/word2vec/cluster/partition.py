"""How the rows of an exchange are cut into parts, each of which one worker combines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kerazoo.word2vec.cluster.wire import ITEM_BYTES

if TYPE_CHECKING:
    from kerazoo.word2vec.options import TrainingSettings

__all__ = ["bytes_per_row", "cuts_of"]

# Bytes of changes per worker that are exchanged at a time: what caches hold. Four times as much took a third longer.
AT_ONCE = 1 << 23
# Smaller parts are not worth a task of their own.
SMALLEST_PART = 1 << 18


def bytes_per_row(settings: TrainingSettings, wire: str) -> tuple[int, int]:
    """Bytes of what is sent for a word: its changes, and the counts of updates that go with those of one worker."""
    tables = 1 + (settings.negative > 0) + settings.hs
    changes = (tables * settings.vector_size + settings.has_biases) * ITEM_BYTES[wire]
    return changes, 4 * (2 + settings.hs)


def cuts_of(n_rows: int, row_bytes: int, n_workers: int) -> Iterator[list[int]]:
    """Cut `n_rows` rows into parts, some at a time.

    Yields:
        Boundaries of parts. Part number i is combined by worker number i modulo `n_workers`.

    >>> list(cuts_of(1000, 2000, 4))
    [[0, 250, 500, 750, 1000]]
    """
    at_once = max(1, AT_ONCE // row_bytes)
    for begin in range(0, n_rows, at_once):
        end = min(begin + at_once, n_rows)
        n_parts = min(n_workers, max(1, (end - begin) * row_bytes // SMALLEST_PART))
        yield np.linspace(begin, end, n_parts + 1).astype(int).tolist()
