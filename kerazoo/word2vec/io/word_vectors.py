"""`WordVectors`: words and their vectors as plain values, without gensim."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError, VocabularyError
from kerazoo.text.vocabulary import check_word
from kerazoo.word2vec.neighbours import nearest_rows

__all__ = ["WordVectors", "without_duplicates"]


class WordVectors:
    """Words and their vectors, as read from a file.

    Args:
        words: V words, each once.
        vectors: float (V, D), row i for ``words[i]``; float32 and contiguous arrays are not copied.
        counts: integers (V,), how often each word occurs, or None.

    Attributes:
        words: list of V str.
        vectors: float32 (V, D).
        counts: int64 (V,) or None.

    Raises:
        InvalidArgumentError: there is no word, a word is empty or there twice, or the shapes do not fit.

    >>> vectors = WordVectors(["red", "green", "iron"], [[1, 0], [0.9, 0.1], [0, 1]])
    >>> vectors["green"].tolist(), "blue" in vectors, len(vectors)
    ([0.8999999761581421, 0.10000000149011612], False, 3)
    >>> [word for word, _ in vectors.most_similar("red", topn=1)]
    ['green']
    """

    def __init__(self, words: Sequence[str], vectors: ArrayLike, counts: ArrayLike | None = None) -> None:
        self.words = list(words)
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        self.counts = None if counts is None else np.asarray(counts, np.int64)
        if not self.words or self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise InvalidArgumentError(
                f"{len(self.words)} words and vectors of shape {self.vectors.shape}; expected at least one word, "
                "and one row of numbers for each."
            )
        if self.counts is not None and self.counts.shape != (len(self.words),):
            raise InvalidArgumentError(f"counts has shape {self.counts.shape}; expected ({len(self.words)},).")
        for i, word in enumerate(self.words):
            check_word(word, f"words[{i}]")
        self._rows = {word: i for i, word in enumerate(self.words)}
        if len(self._rows) < len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self._rows[word] != i)
            raise InvalidArgumentError(f"words contains {twice!r} twice; expected every word once.")

    @property
    def vector_size(self) -> int:
        """The dimension D of the vectors."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        """The vector of a word, float32 (D,), or :class:`VocabularyError`."""
        if word not in self._rows:
            raise VocabularyError(f"{word!r} is not one of the {len(self):,} words. Test `word in vectors` first.")
        return self.vectors[self._rows[word]]

    def most_similar(self, word: str, topn: int = 10) -> list[tuple[str, float]]:
        """The nearest words by cosine, without `word` itself, with the cosines."""
        topn = check_int("topn", topn)
        target = self[word].astype(np.float64)
        found = nearest_rows(self.vectors, target / (np.linalg.norm(target) or 1), [self._rows[word]], topn)
        return [(self.words[row], cosine) for row, cosine in found]

    def __repr__(self) -> str:
        return f"WordVectors({len(self):,} words, {self.vector_size} dimensions)"


def without_duplicates(words: list[str], vectors: NDArray[Any], name: str) -> tuple[list[str], NDArray[Any]]:
    """Keep the first of the words that are there several times, with a warning."""
    first: dict[str, int] = {}
    for i, word in enumerate(words):
        first.setdefault(word, i)
    if len(first) == len(words):
        return words, vectors
    twice = next(word for i, word in enumerate(words) if first[word] != i)
    warnings.warn(
        f"{name}: {len(words) - len(first):,} words are there more than once, such as {twice!r}; the first vector "
        "of each "
        "is kept.",
        UserWarning,
        stacklevel=4,
    )
    return list(first), vectors[np.fromiter(first.values(), np.int64, len(first))]
