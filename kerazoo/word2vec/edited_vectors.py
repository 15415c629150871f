"""What a user changed in `wv`, gensim's `KeyedVectors`: it belongs to the model, so it is saved and trained further.

Values that are assigned in place, as by ``wv["word"] = v`` in some versions of gensim, are in the memory of both. But
`add_vectors` makes another array, with or without new words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.text import Vocabulary
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.vocabulary_update import extend_tables

__all__ = ["is_edited", "with_edits"]


def is_edited(wv: Any, vectors: NDArray[np.float32]) -> bool:
    """Whether `wv`, which was made of `vectors`, now has another array."""
    return wv.vectors is not vectors


def with_edits(wv: Any, vocabulary: Vocabulary, tables: Tables, noise: tuple[str, float]) -> tuple[Vocabulary, Tables]:
    """The vocabulary and tables of a model with the vectors and new words of its `wv`.

    New words come last, with count 0, as nobody has counted them; `partial_fit` counts them in its corpus. Their output
    vectors are those of an untrained model.

    Args:
        wv: gensim ``KeyedVectors``; its first words are those of the vocabulary. Its array becomes float32.
        vocabulary: V words.
        tables: of these words.
        noise: kind and exponent of the noise distribution.

    Raises:
        InvalidArgumentError: words were removed or reordered, or the size of the vectors changed.
    """
    words = list(wv.index_to_key)
    table = np.ascontiguousarray(wv.vectors, np.float32)
    n_words, size = tables.input_vectors.shape
    if words[:n_words] != vocabulary.words or table.shape != (len(words), size):
        raise InvalidArgumentError(
            f"wv has {len(words)} words and vectors of shape {table.shape}; expected the {n_words} words of the model "
            f"in their order, perhaps new ones after them, and {size} numbers for each. wv.add_vectors adds words."
        )
    wv.vectors = table
    if len(words) > n_words:
        # The bias of a word that occurs once: that of one that never does would be far from it when it is trained.
        once = _with_words(vocabulary, words, 1)
        tables = extend_tables(tables, vocabulary, once, noise, seed=0)
        vocabulary = _with_words(vocabulary, words, 0)
    return vocabulary, Tables(table, tables.output_vectors, tables.output_biases, tables.node_vectors, tables.tree)


def _with_words(vocabulary: Vocabulary, words: list[str], count: int) -> Vocabulary:
    """The vocabulary with these words after its own, each with this count."""
    added = np.full(len(words) - len(vocabulary), count, np.int64)
    joined = Vocabulary.__new__(Vocabulary)
    joined._set(
        words, np.concatenate([vocabulary.counts, added]), vocabulary.min_count, vocabulary.max_final_vocab,
        vocabulary.unk, vocabulary.total, vocabulary.n_types + len(added),
    )  # fmt: skip
    return joined
