"""Word vectors as gensim's `KeyedVectors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kerazoo._runtime.optional import needed

if TYPE_CHECKING:
    from gensim.models import KeyedVectors
    from numpy.typing import NDArray

    from kerazoo.text import Vocabulary

__all__ = ["keyed_vectors"]


def keyed_vectors(vocabulary: Vocabulary, vectors: NDArray[np.float32]) -> KeyedVectors:
    """Make a gensim ``KeyedVectors`` of these vectors and the counts of the words.

    Args:
        vocabulary: V words.
        vectors: float32 (V, D), row i for ``vocabulary.words[i]``; not copied, so it may be memory-mapped.
    """
    with needed("Word2Vec.wv (vectors as gensim's KeyedVectors)"):
        from gensim.models import KeyedVectors

    words = list(vocabulary.words)
    # Attributes are set as gensim's own loaders do: add_vectors would copy the table.
    made = KeyedVectors(vector_size=vectors.shape[1])
    made.index_to_key = words
    made.key_to_index = {word: index for index, word in enumerate(words)}
    made.vectors = vectors
    made.allocate_vecattrs(attrs=["count"], types=[np.int64])
    made.expandos["count"][:] = vocabulary.counts
    return made
