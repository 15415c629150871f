"""Word vectors as gensim's `KeyedVectors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerazoo._runtime.optional import needed

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from numpy.typing import NDArray

    from kerazoo.text import Vocabulary

__all__ = ["keyed_vectors", "keyed_vectors_of"]


def keyed_vectors(vocabulary: Vocabulary, vectors: NDArray[np.float32]) -> KeyedVectors:
    """Make a gensim ``KeyedVectors`` of these vectors and the counts of the words.

    Args:
        vocabulary: V words.
        vectors: float32 (V, D), row i for ``vocabulary.words[i]``; not copied, so it may be memory-mapped.
    """
    return keyed_vectors_of(vocabulary.words, vectors, vocabulary.counts)


def keyed_vectors_of(
    words: Sequence[str], vectors: NDArray[np.float32], counts: NDArray[np.int64] | None
) -> KeyedVectors:
    """As :func:`keyed_vectors`, for words in any order, with their counts or without."""
    with needed("Word2Vec.wv (vectors as gensim's KeyedVectors)"):
        from gensim.models import KeyedVectors

    # Attributes are set as gensim's own loaders do: add_vectors would copy the table.
    made = KeyedVectors(vector_size=vectors.shape[1])
    made.index_to_key = list(words)
    made.key_to_index = {word: index for index, word in enumerate(words)}
    made.vectors = vectors
    if counts is not None:
        made.allocate_vecattrs(attrs=["count"], types=[np.int64])
        made.expandos["count"][:] = counts
    return made
