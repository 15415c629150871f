"""`PairCounts`: how often words and pairs of neighbouring words occur, counted by ids."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.text.corpus import EncodedCorpus
from kerazoo_ext._phrases import PairTable, Runs

__all__ = ["PairCounts", "count_pairs", "flags_of", "merged", "tally"]

_SLICE = 1 << 24  # tokens counted before Ctrl-C is noticed: a second, or less


@dataclass
class PairCounts:
    """Counts of words and of pairs (first word, run of connector words, last word).

    Attributes:
        words: V words.
        word_counts: int64 (V,).
        connector: uint8 (V,), 1 for connector words.
        run_ids, run_offsets: the runs of connector words, one after another; run 0 is empty.
        pairs: uint64 (n,), ``first << 32 | last``, each pair once.
        runs: int32 (n,).
        counts: int64 (n,).
        places: int64 (n,), where each pair occurs first.
        n_tokens: all words counted, connector words included.
    """

    words: list[str] = field(default_factory=list)
    word_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    connector: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    run_ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    run_offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    pairs: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    runs: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    n_tokens: int = 0

    @property
    def first(self) -> NDArray[np.int64]:
        """The first word of each pair, int64 (n,)."""
        return (self.pairs >> np.uint64(32)).astype(np.int64)

    @property
    def last(self) -> NDArray[np.int64]:
        """The last word of each pair, int64 (n,)."""
        return (self.pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)

    def run_words(self) -> list[tuple[str, ...]]:
        """The connector words of each run."""
        words = [self.words[i] for i in self.run_ids.tolist()]
        return [tuple(words[begin:end]) for begin, end in pairwise(self.run_offsets.tolist())]


def flags_of(words: list[str], chosen: Collection[str]) -> NDArray[np.uint8]:
    """1 for the words that are `chosen`, uint8 (V,)."""
    return np.array([word in chosen for word in words], np.uint8) if chosen else np.zeros(len(words), np.uint8)


def tally(ids: NDArray[np.int32], n_words: int) -> NDArray[np.int64]:
    """How often each id occurs, int64 (n_words,)."""
    counts = np.zeros(n_words, np.int64)
    for begin in range(0, len(ids), 1 << 20):  # bincount copies its argument as int64
        counts += np.bincount(ids[begin : begin + (1 << 20)], minlength=n_words)
    return counts


def count_pairs(
    corpus: EncodedCorpus, counts: NDArray[np.int64] | None, connectors: Collection[str], workers: int, limit: int
) -> PairCounts:
    """Count the pairs of a corpus, in C on several threads.

    Args:
        corpus: with all its words.
        counts: int64 (V,), how often each word occurs in `corpus`; None counts them.
        connectors: the connector words.
        workers: number of threads; the result does not depend on it, except for the order of the pairs.
        limit: the largest number of distinct words and pairs.

    Raises:
        InvalidArgumentError: the corpus has lost words.
        CorpusError: there are more distinct words and pairs than `limit`.
    """
    if corpus.n_dropped:
        raise InvalidArgumentError(
            f"the EncodedCorpus has dropped {corpus.n_dropped:,} words, so words would count as neighbours that are "
            "none in the text. Encode the text with min_count=1: the phrases have a min_count of their own, and "
            "phrases.join(corpus, min_count=5) drops rare words afterwards."
        )
    words = corpus.vocabulary.words
    connector = flags_of(words, connectors)
    ids, offsets = np.ascontiguousarray(corpus.ids, np.int32), np.ascontiguousarray(corpus.offsets, np.int64)
    if counts is None:
        counts = tally(ids, len(words))
    runs, slices = Runs(), [*range(0, len(ids), _SLICE), len(ids)]
    if connector.any():
        for begin, end in pairwise(slices):
            runs.collect(ids, offsets, connector, begin, end)

    # The shards are of about equal size; the exact number is checked below.
    shard_limit = min(limit, limit * 5 // (4 * workers) + 10_000)

    def count_shard(shard: int) -> PairTable:
        table = PairTable()
        for begin, end in pairwise(slices):
            if not table.count(runs, ids, offsets, connector, begin, end, shard, workers, shard_limit):
                raise too_many(limit)
        return table

    with ThreadPoolExecutor(workers, thread_name_prefix="kerazoo-phrases") as pool:
        arrays = [table.arrays() for table in pool.map(count_shard, range(workers))]
    n_pairs = sum(len(pairs) for pairs, *_ in arrays)
    if n_pairs + len(words) > limit:
        raise too_many(limit)
    pairs, numbers, tallies, places = (np.concatenate(parts) for parts in zip(*arrays, strict=True))
    run_ids, run_offsets = runs.arrays()
    return PairCounts(
        list(words), counts, connector, run_ids, run_offsets, pairs, numbers, tallies, places, n_tokens=len(ids)
    )


def merged(old: PairCounts, new: PairCounts, limit: int) -> PairCounts:
    """The sums of two counts; those of the words of `old` come first."""
    if not old.n_tokens:
        return new
    numbers = {word: i for i, word in enumerate(old.words)}
    mapping = np.array([numbers.setdefault(word, len(numbers)) for word in new.words], np.int64)
    word_counts = np.zeros(len(numbers), np.int64)
    word_counts[: len(old.words)] = old.word_counts
    word_counts[mapping] += new.word_counts
    connector = np.zeros(len(numbers), np.uint8)
    connector[: len(old.words)] = old.connector
    connector[mapping] |= new.connector
    runs, table = Runs(), PairTable()
    runs.add(old.run_ids, old.run_offsets)
    run_mapping = runs.add(mapping[new.run_ids].astype(np.int32), new.run_offsets)
    table.add(old.pairs, old.runs, old.counts, old.places)
    pairs = (mapping[new.first] << 32 | mapping[new.last]).astype(np.uint64)
    table.add(pairs, run_mapping[new.runs], new.counts, new.places + old.n_tokens)
    if len(table) + len(numbers) > limit:
        raise too_many(limit)
    run_ids, run_offsets = runs.arrays()
    found, total = table.arrays(), old.n_tokens + new.n_tokens
    return PairCounts(list(numbers), word_counts, connector, run_ids, run_offsets, *found, n_tokens=total)


def too_many(limit: int) -> CorpusError:
    """The error for more distinct words and pairs than are allowed."""
    return CorpusError(
        f"the text has more than max_vocab_size={limit:,} distinct words and pairs; expected at most that many, so "
        "that memory is not exhausted (counting takes up to 130 bytes for each). Raise max_vocab_size, or use less "
        "text. (gensim drops the rarest ones while it counts, which makes counts wrong.)"
    )
