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


def export(words: list[str], n_buckets: int) -> list[list[int]]:
    """For each bucket the ids of its words, in order; `words` are in the order of their ids."""
    buckets: list[list[int]] = [[] for _ in range(n_buckets)]
    for number, word in enumerate(words):
        buckets[(_hash(word.encode("utf-8")) >> 32) * n_buckets >> 32].append(number)
    return buckets


_SEED = (0x243F6A8885A308D3, 0x13198A2E03707344)
_MASK = (1 << 64) - 1


def _hash(word: bytes) -> int:
    def load(place: int) -> int:
        return int.from_bytes(word[place : place + 8].ljust(8, b"\0"), "little")

    def mix(a: int, b: int) -> int:
        return (a * b & _MASK) ^ (a * b >> 64)

    if len(word) <= 16:
        return mix(load(0) ^ _SEED[0], load(8) ^ _SEED[1] ^ (len(word) * 0x9E3779B97F4A7C15 & _MASK))
    state = _SEED[0] ^ len(word)
    for place in range(0, len(word) - 16, 16):
        state = mix(load(place) ^ _SEED[1], load(place + 8) ^ state)
    return mix(load(len(word) - 16) ^ _SEED[1], load(len(word) - 8) ^ state)
