"""Pure Python reference of `kerazoo_ext._scan`."""

from __future__ import annotations

from collections import Counter


def scan(text: bytes, table: dict[str, int], counts: Counter[str]) -> tuple[list[int], list[int]]:
    """(ids, line_ends) of UTF-8 text; new words are added to `table` in order of first occurrence."""
    ids: list[int] = []
    line_ends: list[int] = []
    lines = text.decode("utf-8").split("\n")
    for number, line in enumerate(lines):
        for word in line.split():
            counts[word] += 1
            ids.append(table.setdefault(word, len(table)))
        if number < len(lines) - 1:
            line_ends.append(len(ids))
    return ids, line_ends


def rank(counts: Counter[str], min_count: int) -> list[tuple[str, int]]:
    """Words counted at least `min_count` times, by decreasing count, ties in the order of their UTF-8 bytes."""
    kept = [(word, count) for word, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda item: (-item[1], item[0].encode("utf-8")))


def compact(ids: list[int], mapping: list[int], line_ends: list[int]) -> tuple[list[int], list[int]]:
    """Mapped ids without those that map to -1, and the adjusted line ends."""
    kept = [mapping[i] for i in ids if mapping[i] >= 0]
    ends = [sum(mapping[i] >= 0 for i in ids[:end]) for end in line_ends]
    return kept, ends
