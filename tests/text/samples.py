"""Sample texts, a reference encoder, and comparison of corpora."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections import Counter

import numpy as np
import zstandard

from kerazoo.text import EncodedCorpus

TEXT = "the cat sat\n\nthe mat\u3000the cat\r\nxyzzy\n \nthe cat plugh"
DOCUMENTS = [line.split() for line in TEXT.split("\n") if line.split()]


def reference(documents: list[list[str]], min_count: int) -> tuple[list[str], list[list[str]]]:
    counts = Counter(word for document in documents for word in document)
    words = sorted((word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word))
    known = set(words)
    return words, [[word for word in document if word in known] for document in documents]


def decoded(corpus: EncodedCorpus) -> list[list[str]]:
    return [corpus.decode(i) for i in range(len(corpus))]


def same(one: EncodedCorpus, two: EncodedCorpus) -> bool:
    return (
        one.vocabulary == two.vocabulary
        and np.array_equal(one.ids, two.ids)
        and np.array_equal(one.offsets, two.offsets)
        and np.array_equal(one.raw_offsets, two.raw_offsets)
        and one.n_empty_lines == two.n_empty_lines
    )


def random_text(n_lines: int, seed: int = 1) -> str:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 60, n_lines)
    return "\n".join(" ".join(f"w{int(number)}" for number in rng.zipf(1.4, length) % 3000) for length in lengths)


PACKERS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
