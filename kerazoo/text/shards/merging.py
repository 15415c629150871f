"""Sum the counts of the parts, bucket by bucket, and select the vocabulary.

All words of the parts never lie in memory together: a group of buckets holds about as many entries as the table of one
part, and of what it sums only the words that may get an id are kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerazoo.text.encoding import Limits
from kerazoo.text.selection import Totals
from kerazoo.text.shards.parts import PartInfo, Words, read_array, write_array
from kerazoo.text.shards.tasks import stop_if_asked
from kerazoo.text.vocabulary import Vocabulary, choose_of
from kerazoo_ext._scan import PADDING, Scanner

__all__ = ["KnownWords", "MergeInfo", "Selection", "merge_buckets", "plan_buckets", "select", "write_known"]


@dataclass(frozen=True)
class KnownWords:
    """The words of a given vocabulary in the work folder, in the buckets of the parts.

    Attributes:
        part: its words as those of a part without text. Words with white space, which no text has, are left out.
        ids: int32 (part.n_types,), the id of each word in the vocabulary, in the order of the buckets.
    """

    part: PartInfo
    ids: NDArray[np.int32]


@dataclass(frozen=True)
class MergeInfo:
    """Merged buckets.

    Two files, ``NAME.places``: `begins` int64 (n_parts + 1,) and the places int32 (begins[-1],): for each word of these
    buckets, part after part, its place among the kept words, or -1. And ``NAME.kept``: counts int64 (n_kept,) and
    words uint8 (n_bytes,), each with a line end.

    Attributes:
        name: of the files.
        first: int, first bucket.
        last: int, bucket after the last one.
        n_parts: int, parts that were merged.
        n_kept: int, words that may get an id.
        n_bytes: int, their bytes with line ends.
        totals: of all words of these buckets.
    """

    name: str
    first: int
    last: int
    n_parts: int
    n_kept: int
    n_bytes: int
    totals: Totals


@dataclass(frozen=True)
class Selection:
    """The vocabulary, and the final ids of the kept words.

    Attributes:
        vocabulary: of the corpus.
        name: of the file in the work folder with the final ids, int32: of the kept words of the first merged buckets,
            then of the next.
        begins: where those of each of them start, and the end of the last.
        unknown: int, the id of all other words, or -1.
        totals: of all words.
    """

    vocabulary: Vocabulary
    name: str
    begins: tuple[int, ...]
    unknown: int
    totals: Totals


def plan_buckets(folder: Path, parts: Sequence[PartInfo], n_buckets: int, most_entries: int) -> list[tuple[int, int]]:
    """Groups of neighbouring buckets with at most `most_entries` words, counted once per part: (first, last + 1).

    64 bytes of words count as one word more. A bucket that has more is a group of its own.
    """
    entries = np.zeros(n_buckets, np.int64)
    for part in parts:
        with Words(folder, part, n_buckets) as words:
            n_words, n_bytes = np.diff(words.index())
        entries += n_words + n_bytes // 64
    groups, first, held = [], 0, 0
    for bucket, more in enumerate(entries.tolist()):
        if bucket > first and held + more > most_entries:
            groups.append((first, bucket))
            first, held = bucket, 0
        held += more
    return [*groups, (first, n_buckets)]


def write_known(folder: Path, vocabulary: Vocabulary, n_buckets: int) -> KnownWords:
    """Put the words of a given vocabulary into buckets."""
    ids = np.array([i for i, word in enumerate(vocabulary.words) if word.split() == [word]], np.int32)
    scanner = Scanner()
    for begin in range(0, len(ids), 1 << 16):
        text = "".join(f"{vocabulary.words[i]}\n" for i in ids[begin : begin + (1 << 16)].tolist()).encode()
        scanner.scan(text + bytes(PADDING), len(text))
    text_of_all, order, word_begins, byte_begins = scanner.export(n_buckets)
    name = f"known-{secrets.token_hex(4)}"
    counts = np.zeros(len(order), np.int64)
    checksum = write_array(folder / f"{name}.words", word_begins, byte_begins, counts, order, text_of_all)
    part = PartInfo(name, 0, len(order), 0, 0, len(text_of_all), 0, 0, 0, 0, 0, checksum)
    return KnownWords(part, ids[order])


def merge_buckets(
    folder: Path,
    parts: Sequence[PartInfo],
    n_buckets: int,
    first: int,
    last: int,
    min_count: int,
    limit: int | None = None,
    known: PartInfo | None = None,
) -> MergeInfo:
    """Sum the counts of the words in the buckets first..last - 1 over all parts.

    Args:
        folder: the work folder.
        parts: all of the corpus, in order.
        n_buckets: int, that they were written with.
        first: int, first bucket.
        last: int, bucket after the last one.
        min_count: int >= 1, words that occur less often are not kept.
        limit: int or None: the maximum number of words that are kept, the most frequent ones, ties in code point order.
        known: the words of a given vocabulary (:func:`write_known`): exactly these are kept, in their order.

    Returns:
        What was written.

    Raises:
        StorageError: a part is damaged, or the folder cannot be written.
    """
    scanner = Scanner((secrets.randbits(64), secrets.randbits(64)))
    if known is not None:
        _entries(folder, known, n_buckets, first, last, scanner)
    n_known = len(scanner)
    counts = np.zeros(n_known, np.int64)
    found: list[NDArray[np.int32]] = []
    for part in parts:
        stop_if_asked()
        ids, more = _entries(folder, part, n_buckets, first, last, scanner)
        if len(scanner) > len(counts):
            grown = np.zeros(max(len(scanner), 2 * len(counts)), np.int64)
            grown[: len(counts)] = counts
            counts = grown
        counts[ids] += more  # a part has each word once
        found.append(ids)
    counts = counts[: len(scanner)]
    n_types = len(scanner)
    text = scanner.export(1)[0]  # by id
    del scanner
    ends = np.flatnonzero(text == ord("\n")) + 1
    if known is not None:
        kept = np.arange(n_known)
    else:
        kept = np.flatnonzero(counts >= min(min_count, np.iinfo(np.int64).max))
        if limit is not None and len(kept) > limit:
            kept = _most_frequent(kept, counts, text, ends, limit)
    places = np.full(n_types, -1, np.int32)
    places[kept] = np.arange(len(kept), dtype=np.int32)
    name = f"merged-{first:04d}-{secrets.token_hex(4)}"
    begins = np.cumsum([0, *map(len, found)], dtype=np.int64)
    write_array(folder / f"{name}.places", begins, *(places[ids] for ids in found))
    sizes = np.diff(ends, prepend=0)
    is_kept = places >= 0  # `kept` is in order of id, so the kept bytes are the words in that order
    words = text[np.repeat(is_kept, sizes)]
    write_array(folder / f"{name}.kept", counts[kept], words)
    occurring = counts[counts > 0] if known is not None else counts
    most = int(occurring.max(initial=0))
    totals = Totals(int(counts.sum()), len(occurring), len(occurring), most, int(np.count_nonzero(occurring == most)))
    return MergeInfo(name, first, last, len(parts), len(kept), len(words), totals)


def _entries(
    folder: Path, part: PartInfo, n_buckets: int, first: int, last: int, scanner: Scanner
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number in `scanner` and count of each word of a part in the buckets first..last - 1; new words are added."""
    with Words(folder, part, n_buckets) as words:
        words_begin, words_end, bytes_begin, bytes_end = words.span(first, last)
        # One call takes all of it: a part ends where its words have `most_bytes`, and a word has less than 2^30.
        ids, _ = scanner.scan(words.text(bytes_begin, bytes_end, PADDING), bytes_end - bytes_begin)
        return ids, words.counts(words_begin, words_end)


def _most_frequent(
    kept: NDArray[np.intp], counts: NDArray[np.int64], text: NDArray[np.uint8], ends: NDArray[np.intp], limit: int
) -> NDArray[np.intp]:
    """The `limit` most frequent of the words `kept`, ties in code point order; in the order of `kept`."""
    tallies = counts[kept]
    least = int(np.partition(tallies, len(kept) - limit)[len(kept) - limit])
    above, ties = kept[tallies > least], kept[tallies == least]
    begins = ends - np.diff(ends, prepend=0)
    room = limit - len(above)
    if len(ties) > room:
        spelled = sorted((text[begins[i] : ends[i]].tobytes()[:-1], i) for i in ties.tolist())
        ties = np.array([i for _, i in spelled[:room]], np.intp)
    return np.sort(np.concatenate([above, ties]))


def select(folder: Path, merged: Sequence[MergeInfo], limits: Limits, known: KnownWords | None = None) -> Selection:
    """Select the vocabulary from the merged buckets. Memory holds the words that may get an id, and no others.

    Args:
        folder: the work folder.
        merged: all buckets, in order.
        limits: of the vocabulary.
        known: the words of ``limits.vocabulary``, if it is given.

    Raises:
        VocabularyError: no word occurs `min_count` times.
        StorageError: the work folder cannot be written.
    """
    totals = _sum(merged)
    begins = np.cumsum([0, *(each.n_kept for each in merged)]).tolist()
    if limits.vocabulary is not None:
        assert known is not None
        vocabulary, final = limits.vocabulary, known.ids
        unknown = -1 if vocabulary.unk_id is None else vocabulary.unk_id
    else:
        vocabulary, final, unknown = _choose(folder, merged, limits, totals)
    name = f"selection-{secrets.token_hex(4)}"
    write_array(folder / name, final)
    return Selection(vocabulary, name, tuple(begins), unknown, totals)


def _choose(
    folder: Path, merged: Sequence[MergeInfo], limits: Limits, totals: Totals
) -> tuple[Vocabulary, NDArray[np.int32], int]:
    limit = limit_of(limits)
    words: list[str] = []
    counts: list[NDArray[np.int64]] = []
    where: list[NDArray[np.int64]] = []  # numbers among all kept words
    begin = 0
    for each in merged:
        path = folder / f"{each.name}.kept"
        with open(path, "rb", buffering=0) as file:
            counts.append(read_array(file, path, 0, np.int64, each.n_kept))
            text = read_array(file, path, 8 * each.n_kept, np.uint8, each.n_bytes)
        words += text.tobytes().decode("utf-8").split("\n")[:-1]
        where.append(np.arange(begin, begin + each.n_kept))
        begin += each.n_kept
        if limit is not None and len(words) > 2 * limit:
            words, *rest = _ranked(words, np.concatenate(counts), np.concatenate(where), limit)
            counts, where = [rest[0]], [rest[1]]
    words, tallies, numbers = _ranked(words, np.concatenate(counts), np.concatenate(where), limit)
    vocabulary, ids, unknown = choose_of(words, tallies, totals, limits.min_count, limits.max_final_vocab, limits.unk)
    final = np.full(begin, unknown, np.int32)
    final[numbers] = ids
    return vocabulary, final, unknown


def limit_of(limits: Limits) -> int | None:
    """How many words may have to be known: `unk` may itself be a word of the text, and does not count as one."""
    return None if limits.max_final_vocab is None else limits.max_final_vocab + (limits.unk is not None)


def _ranked(
    words: list[str], counts: NDArray[np.int64], where: NDArray[np.int64], limit: int | None
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """By decreasing count, ties in code point order; at most `limit`."""
    order = np.array(sorted(range(len(words)), key=words.__getitem__), np.int64)
    order = order[np.argsort(-counts[order], kind="stable")][:limit]
    return [words[i] for i in order.tolist()], counts[order], where[order]


def _sum(merged: Sequence[MergeInfo]) -> Totals:
    totals = [each.totals for each in merged]
    most = max((each.most for each in totals), default=0)
    return Totals(
        sum(each.words for each in totals),
        sum(each.types for each in totals),
        sum(each.occurring for each in totals),
        most,
        sum(each.n_most for each in totals if each.most == most),
    )
