"""Phrases joined in an `EncodedCorpus`, in C: ids in, ids out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.phrases.pair_counts import flags_of, tally
from kerazoo.text.vocabulary import choose
from kerazoo_ext import _phrases
from kerazoo_ext._phrases import PairTable, Runs

__all__ = ["JoinedIds", "Joins", "join_ids", "selected", "splits"]

_SLICE = 1 << 20  # tokens that a thread works on at a time


class Joins(NamedTuple):
    """Phrases and the words that they consist of: phrase i is ``first[i]``, the words ``between[i]``, ``last[i]``.

    Attributes:
        first: n words.
        between: n tuples of connector words.
        last: n words.
        phrases: n strings.
    """

    first: list[str]
    between: list[tuple[str, ...]]
    last: list[str]
    phrases: list[str]


class JoinedIds(NamedTuple):
    """A corpus with its phrases joined, before rare words are dropped.

    Attributes:
        ids: int32 (n_tokens,).
        offsets: int64 (n_documents + 1,).
        words: the words of the ids: those of the corpus, then new phrases.
        matched: for each of the joins how often it was found, int64 (n,).
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    words: list[str]
    matched: NDArray[np.int64]


def splits(phrase: str, delimiter: str, connectors: Collection[str]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """All ways to read a phrase as (word, connector words, word), where the words are no connector words.

    >>> list(splits("bank_of_america", "_", {"of"}))
    [('bank', ('of',), 'america'), ('bank', (), 'of_america'), ('bank_of', (), 'america')]
    """
    width = len(delimiter)
    cuts, cut = [], phrase.find(delimiter, 1)
    while 0 <= cut < len(phrase) - width:
        cuts.append(cut)
        cut = phrase.find(delimiter, cut + 1)
    for k, start in enumerate(cuts):
        for end in reversed(cuts[k:]):
            first, last = phrase[:start], phrase[end + width :]
            if first in connectors or last in connectors:
                continue
            if start == end:
                yield first, (), last
            elif end >= start + 2 * width:
                for between in _readings(phrase[start + width : end], delimiter, connectors):
                    yield first, between, last


def _readings(text: str, delimiter: str, connectors: Collection[str]) -> Iterator[tuple[str, ...]]:
    """All sequences of connector words that are `text` when they are joined."""
    if text in connectors:
        yield (text,)
    end = text.find(delimiter)
    while end >= 0:
        if text[:end] in connectors:
            for rest in _readings(text[end + len(delimiter) :], delimiter, connectors):
                yield (text[:end], *rest)
        end = text.find(delimiter, end + 1)


def join_ids(corpus: EncodedCorpus, joins: Joins, connectors: Collection[str], workers: int) -> JoinedIds:
    """Join the phrases of a corpus from left to right; the word after a phrase starts anew."""
    words, lookup = list(corpus.vocabulary.words), corpus.vocabulary.ids.get
    first = np.fromiter((lookup(word, -1) for word in joins.first), np.int64, len(joins.first))
    last = np.fromiter((lookup(word, -1) for word in joins.last), np.int64, len(joins.last))
    run_numbers: dict[tuple[str, ...], int] = {(): 0}
    runs = Runs()
    for between in dict.fromkeys(joins.between):
        ids = [lookup(word, -1) for word in between]
        known = between and min(ids) >= 0
        if between:
            added = runs.add(np.array(ids, np.int32), np.array([0, len(ids)], np.int64)) if known else [-1]
            run_numbers[between] = int(added[0])
    numbers = np.fromiter((run_numbers[between] for between in joins.between), np.int32, len(joins.between))
    usable = np.flatnonzero((first >= 0) & (last >= 0) & (numbers >= 0))
    table = PairTable()
    pairs = (first[usable] << 32 | last[usable]).astype(np.uint64)
    table.add(pairs, numbers[usable], np.zeros(len(usable), np.int64), usable)
    joined, offsets = _join(corpus, table, runs, flags_of(words, connectors), workers)
    return _numbered(joined, offsets, words, joins, lookup)


def _join(
    corpus: EncodedCorpus, table: PairTable, runs: Runs, connector: NDArray[np.uint8], workers: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids and document offsets; join i has the id V + i."""
    ids, offsets = np.ascontiguousarray(corpus.ids, np.int32), np.ascontiguousarray(corpus.offsets, np.int64)
    # An id of its own per join. Values are shifted here and not in the table, whose values are those of the joins.
    matches, n_words = np.empty(len(ids), np.int32), len(connector)
    slices = [*range(0, len(ids), _SLICE), len(ids)]

    def match(begin: int, end: int) -> None:
        table.match(runs, ids, offsets, connector, begin, end, matches)
        part = matches[begin:end]
        part[part >= 0] += n_words

    with ThreadPoolExecutor(workers, thread_name_prefix="kerazoo-phrases") as pool:
        list(pool.map(match, slices[:-1], slices[1:]))
        starts = set(offsets[np.searchsorted(offsets, slices[1:-1])].tolist())  # document starts are safe cuts as well
        cuts = sorted({0, len(ids), *(_safe_cut(cut, ids, connector, matches, starts) for cut in slices[1:-1])})
        ends = np.zeros(len(offsets) - 1, np.int64)
        sizes = list(
            pool.map(
                lambda begin, end: _phrases.join(ids, offsets, connector, begin, end, matches, ends),
                cuts[:-1],
                cuts[1:],
            )
        )
    joined = np.empty(sum(sizes), np.int32)
    documents = np.searchsorted(offsets[1:], cuts, side="right")
    documents[0] = 0
    start = 0
    for k, size in enumerate(sizes):
        joined[start : start + size] = matches[cuts[k] : cuts[k] + size]
        ends[documents[k] : documents[k + 1]] += start
        start += size
    return joined, np.concatenate([np.zeros(1, np.int64), ends])


def _safe_cut(
    cut: int, ids: NDArray[np.int32], connector: NDArray[np.uint8], matches: NDArray[np.int32], starts: set[int]
) -> int:
    """The first position from `cut` on at which no phrase can be open."""
    while cut < len(ids) and cut not in starts and (connector[ids[cut]] or matches[cut] >= 0):
        cut += 1
    return cut


def _numbered(
    joined: NDArray[np.int32], offsets: NDArray[np.int64], words: list[str], joins: Joins, lookup: object
) -> JoinedIds:
    """Give the phrases that were found ids; phrases that are spelled alike, or like a word, share one."""
    n_words = len(words)
    counts = tally(joined, n_words + len(joins.phrases))
    matched = counts[n_words:]
    mapping = np.arange(len(counts), dtype=np.int32)
    numbers: dict[str, int] = {}
    for i in np.flatnonzero(matched).tolist():
        phrase = joins.phrases[i]
        number = lookup(phrase)  # type: ignore[operator]
        if number is None:
            number = numbers.setdefault(phrase, n_words + len(numbers))
        mapping[n_words + i] = number
    return JoinedIds(mapping[joined], offsets, [*words, *numbers], matched)


def selected(joined: JoinedIds, source: EncodedCorpus, min_count: int, max_final_vocab: int | None) -> EncodedCorpus:
    """The corpus of the joined ids, without the words that occur less than `min_count` times."""
    counts = tally(joined.ids, len(joined.words))
    used = np.flatnonzero(counts)
    words = [joined.words[i] for i in used.tolist()]
    if not words:
        raise InvalidArgumentError("the corpus is empty: it has no token in which phrases could be joined.")
    unk = source.vocabulary.unk
    vocabulary, final = choose(words, counts[used], min_count, max_final_vocab, unk)
    mapping = np.full(len(counts), -1, np.int32)
    mapping[used] = final
    ids = mapping[joined.ids]
    kept = ids >= 0
    if kept.all():
        offsets = joined.offsets
    else:
        before = np.zeros(len(ids) + 1, np.int64)
        np.cumsum(kept, out=before[1:])
        ids, offsets = ids[kept], before[joined.offsets]
    return EncodedCorpus._of(ids, offsets, joined.offsets, vocabulary, source.n_empty_lines)
