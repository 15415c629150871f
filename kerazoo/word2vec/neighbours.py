"""`Neighbours`: similar words without gensim, for a `Word2Vec`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.text import Vocabulary

__all__ = ["Neighbours", "nearest_rows"]


def nearest_rows(
    vectors: NDArray[np.float32], unit: NDArray[np.float64], without: Sequence[int], topn: int
) -> list[tuple[int, float]]:
    """The rows of the largest cosines, and these; rows that are not finite come last.

    Args:
        vectors: float32 (V, D).
        unit: float64 (D,), of length 1.
        without: rows to leave out.
        topn: most rows.

    >>> table = np.float32([[1, 0], [0, 2], [3, 3]])
    >>> [(row, round(cosine, 3)) for row, cosine in nearest_rows(table, np.array([1.0, 0.0]), [0], 5)]
    [(2, 0.707), (1, 0.0)]
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    cosines = vectors @ unit.astype(np.float32) / np.where(lengths > 0, lengths, 1)
    best = np.argsort(-cosines, kind="stable")
    best = best[~np.isin(best, without)][:topn]
    return [(row, float(cosines[row])) for row in best.tolist()]


class Neighbours:
    """The nearest words of words; a subclass has `vocabulary_` and `vectors_`."""

    vocabulary_: Vocabulary
    vectors_: NDArray[np.float32]

    def most_similar(
        self, positive: str | Sequence[str] = (), negative: str | Sequence[str] = (), topn: int = 10
    ) -> list[tuple[str, float]]:
        """The words whose vectors are nearest by cosine, with the cosines, as ``wv.most_similar`` of gensim.

        The target is the mean of the unit vectors of the positive words and of the negated ones of the negative words.
        gensim is not needed.

        Args:
            positive: a word or several.
            negative: a word or several.
            topn: int >= 1, number of words to return; the given ones are not among them.

        Raises:
            NotFittedError: before `fit`.
            VocabularyError: a word is not in the vocabulary; `FastText` takes words that are not, made of n-grams.
            InvalidArgumentError: no word is given.

        >>> from kerazoo import Word2Vec, datasets
        >>> model = Word2Vec(vector_size=20, epochs=5, seed=1, workers=1, verbose=0).fit(datasets.lee())
        >>> [word for word, _ in model.most_similar("israeli", topn=3)] == [
        ...     word for word, _ in model.wv.most_similar("israeli", topn=3)
        ... ]
        True
        """
        self._check_fitted()
        topn = check_int("topn", topn)
        signed = [(word, 1) for word in _listed(positive)] + [(word, -1) for word in _listed(negative)]
        if not signed:
            raise InvalidArgumentError("positive and negative are empty; expected at least one word.")
        rows, given = self._rows_and_vectors([word for word, _ in signed])
        given = given.astype(np.float64)
        norms = np.linalg.norm(given, axis=1)
        norms[norms == 0] = 1
        signs = np.array([sign for _, sign in signed], np.float64)
        target = (given * (signs / norms)[:, None]).sum(axis=0)
        norm = np.linalg.norm(target)
        found = nearest_rows(self.vectors_, target / (norm or 1), rows, topn)
        return [(self.vocabulary_.words[row], cosine) for row, cosine in found]

    def _rows_and_vectors(self, words: list[str]) -> tuple[list[int], NDArray[np.float32]]:
        """The rows of the known words, and the vectors of all."""
        rows = [self.vocabulary_[word] for word in words]
        return rows, self.vectors_[rows]

    def _check_fitted(self) -> None:
        raise NotImplementedError


def _listed(words: str | Sequence[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)
