"""Which positions each worker trains in a round, and which rows are exchanged after it.

A round is the next part of the text, cut into one range per worker. Its place follows from the position in the text and
the number of workers alone, so a training can go on with another number of workers.

After round k since the last whole exchange (from 1), the ``FIRST_TIER 2^z`` most frequent words are exchanged, where
z is the number of trailing zeros of k in binary: the most frequent words after each round, twice as many after every
second, and so on (Ji et al. 2016, Parallelizing word2vec in shared and distributed memory, section 4). Whole tables are
exchanged `full_syncs` times per epoch, the last time at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kerazoo.word2vec.engines.native_kernel import CHUNK

__all__ = ["FIRST_TIER", "Schedule", "Step"]

FIRST_TIER = {False: 4096, True: 1024}  # words; of few workers, and of many
LARGEST_SYNC_WORDS = 1 << 22  # about a second on eight cores: longer, and the workers' tables drift apart
SMALLEST_SYNC_WORDS = 1024
# Words that are left for a shorter last round join the one before: an exchange of their own would cost more.
SHORTEST_ROUND = 0.25  # of the length of others
ROUNDS_WANTED = {False: 8, True: 128}  # per epoch, on small corpora
ROUNDS_AT_LEAST = 4
MANY_WORKERS = 4
MOST_FULL_SYNCS = 4
# On larger corpora, whole tables may take so many bytes per word; on smaller ones, which one machine trains in minutes,
# quality counts alone. Rare words are combined in whole exchanges only, and learn less the fewer there are.
FULL_SYNC_BYTES = 8.0
SMALL_CORPUS = 100_000_000  # tokens


class Step(NamedTuple):
    """A round.

    Attributes:
        begin: position in the text where it begins.
        ranges: positions (begin, end) that each worker trains; at the end of the text their lengths differ from those
            before, and some may be empty.
        end: position where it ends.
        n_rows: number of the most frequent words that are exchanged after it.
    """

    begin: int
    ranges: list[tuple[int, int]]
    end: int
    n_rows: int


class Schedule:
    """The rounds of an epoch.

    Args:
        n_tokens: int >= 1, tokens of the text.
        n_words: int, V.
        n_workers: int >= 1.
        sync_words: int >= 256 or None, tokens per worker and round, rounded to a multiple of 256; None: by `n_tokens`.
            The last round of an epoch has up to a quarter more.
        full_syncs: int >= 1 or None, exchanges of whole tables per epoch; None: by the other arguments.
        row_bytes: int, sent for a row in an exchange; see :func:`kerazoo.word2vec.cluster.partition.bytes_per_row`.

    >>> schedule = Schedule(40_000, 5000, 8, sync_words=1024, full_syncs=1)
    >>> [(step.end, step.n_rows) for step in schedule.steps(0)]
    [(8192, 1024), (16384, 2048), (24576, 1024), (32768, 4096), (40000, 5000)]
    >>> next(schedule.steps(0)).ranges[:2]
    [(0, 1024), (1024, 2048)]
    """

    def __init__(
        self,
        n_tokens: int,
        n_words: int,
        n_workers: int,
        sync_words: int | None = None,
        full_syncs: int | None = None,
        row_bytes: int = 0,
    ) -> None:
        self.n_tokens, self.n_words, self.n_workers = n_tokens, n_words, n_workers
        if sync_words is None:
            wanted = n_tokens // (n_workers * ROUNDS_WANTED[n_workers >= MANY_WORKERS])
            sync_words = min(max(wanted, SMALLEST_SYNC_WORDS), LARGEST_SYNC_WORDS)
            sync_words = min(sync_words, n_tokens // (n_workers * ROUNDS_AT_LEAST))
        self.sync_words = max(1, round(sync_words / CHUNK)) * CHUNK
        if full_syncs is None:
            full_syncs = MOST_FULL_SYNCS if n_workers >= MANY_WORKERS else 1
            each = (n_workers - 1) * n_words * row_bytes / n_tokens  # bytes per word of one
            if n_tokens >= SMALL_CORPUS and each:
                full_syncs = max(1, min(full_syncs, int(FULL_SYNC_BYTES / each)))
        self.full_syncs = full_syncs

    def steps(self, position: int) -> Iterator[Step]:
        """The rounds from a position on at which whole tables were exchanged, or from the start of the text."""
        since, tier = 0, FIRST_TIER[self.n_workers >= MANY_WORKERS]
        while position < self.n_tokens:
            end = position + self.sync_words * self.n_workers
            if self.n_tokens - end < self.sync_words * self.n_workers * SHORTEST_ROUND:
                end = self.n_tokens
            since += 1
            # Full exchanges are at the first ends of rounds behind these fractions of the text.
            share = position * self.full_syncs // self.n_tokens
            full = end == self.n_tokens or end * self.full_syncs // self.n_tokens > share
            n_rows = self.n_words if full else min(tier * (since & -since), self.n_words)
            yield Step(position, self._ranges(position, end), end, n_rows)
            if n_rows == self.n_words:
                since = 0
            position = end

    def _ranges(self, begin: int, end: int) -> list[tuple[int, int]]:
        n_chunks = -(-(end - begin) // CHUNK)
        cuts = [begin + CHUNK * (n_chunks * worker // self.n_workers) for worker in range(self.n_workers + 1)]
        return [(min(cuts[worker], end), min(cuts[worker + 1], end)) for worker in range(self.n_workers)]
