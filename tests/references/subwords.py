"""Reference of `kerazoo_ext._subwords`: the n-grams of a word and their hashes."""

from __future__ import annotations


def ngrams(word: str, min_n: int, max_n: int) -> list[str]:
    """By position and then by length, without the boundary marks alone."""
    enclosed = f"<{word}>"
    return [
        enclosed[i : i + n]
        for i in range(len(enclosed))
        for n in range(max(min_n, 1), max_n + 1)
        if i + n <= len(enclosed) and not (n == 1 and i in (0, len(enclosed) - 1))
    ]


def fnv(text: bytes) -> int:
    """FNV-1a in 32 bits, where bytes above 127 are negative numbers."""
    value = 2166136261
    for byte in text:
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed % 2**32)) * 16777619) % 2**32
    return value


def ngram_hashes(word: str, min_n: int, max_n: int) -> list[int]:
    """The hashes of the n-grams before they are reduced to buckets."""
    return [fnv(ngram.encode()) for ngram in ngrams(word, min_n, max_n)]
