"""Words and their vectors, as plots take them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = ["read_vectors", "rows_of", "unit_rows"]


def read_vectors(vectors: Any) -> tuple[list[str], NDArray[np.float64]]:
    """Words, and their vectors float64 (V, D), of all forms in which word vectors come.

    Args:
        vectors: gensim KeyedVectors, or a gensim model with `wv`; a fitted Word2Vec or FastText; WordVectors; or a pair
            (words, array (V, D)).

    Raises:
        InvalidArgumentError: another type, an estimator that is not fitted, other numbers of words than of rows,
            a word that is there twice, or non-finite numbers.

    >>> words, table = read_vectors((["red", "green"], [[1.0, 0.0], [0.8, 0.6]]))
    >>> words, table.shape
    (['red', 'green'], (2, 2))
    """
    words, table = _parts(vectors)
    try:
        table = np.asarray(table, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the vectors are not an array of numbers ({error}); expected (V, D).") from None
    words = [str(word) for word in words]
    if table.ndim != 2 or len(table) != len(words) or not len(words):
        raise InvalidArgumentError(
            f"{len(words)} words and vectors of shape {table.shape}; expected at least one word, and one row each."
        )
    if len(set(words)) < len(words):
        twice = next(word for i, word in enumerate(words) if word in words[:i])
        raise InvalidArgumentError(f"{twice!r} is there twice among the words; expected each once.")
    if not np.isfinite(table).all():
        row = np.flatnonzero(~np.isfinite(table).all(axis=1))[0]
        raise InvalidArgumentError(f"the vector of {words[row]!r} is not finite; expected numbers.")
    return words, table


def _parts(vectors: Any) -> tuple[Any, Any]:
    """Words and array."""
    if isinstance(vectors, tuple | list):
        if len(vectors) != 2:
            raise InvalidArgumentError(f"vectors has {len(vectors)} parts; expected two: (words, array).")
        return vectors[0], vectors[1]
    if hasattr(vectors, "vocabulary_"):  # ours, also without gensim
        return vectors.vocabulary_.words, vectors.vectors_
    if hasattr(vectors, "fit"):
        raise InvalidArgumentError(f"this {type(vectors).__name__} is not fitted; expected a fitted one. Call fit.")
    vectors = getattr(vectors, "wv", vectors)
    words = getattr(vectors, "index_to_key", getattr(vectors, "words", None))
    if words is None or not hasattr(vectors, "vectors"):
        raise InvalidArgumentError(
            f"vectors is a {type(vectors).__name__}; expected gensim's KeyedVectors, a fitted Word2Vec or FastText, or "
            "a pair (words, array)."
        )
    return words, vectors.vectors


def rows_of(words: Sequence[str] | int | None, known: list[str], most: int = 200) -> list[int]:
    """Rows of the chosen words: the first `most`, the first n, or those of a list, each once."""
    if words is None:
        return list(range(min(most, len(known))))
    if isinstance(words, str):
        words = [words]
    elif not isinstance(words, Sequence | np.ndarray):
        return list(range(min(check_int("words", words, hint="A list has the words themselves."), len(known))))
    rows = {word: i for i, word in enumerate(known)}
    chosen = []
    for word in dict.fromkeys(str(word) for word in words):
        if word not in rows:
            near = difflib.get_close_matches(word, known[:50_000], n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidArgumentError(f"{word!r} is not one of the {len(known):,} words; expected known words.{guess}")
        chosen.append(rows[word])
    if not chosen:
        raise InvalidArgumentError("words is empty; expected at least one word, or None for the first ones.")
    return chosen


def unit_rows(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows divided by their length; rows of zeros stay."""
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return table / np.where(lengths > 0, lengths, 1.0)
