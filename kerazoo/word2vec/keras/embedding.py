"""`to_embedding`: trained word vectors as a layer of Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerazoo._validation import check_flag
from kerazoo.errors import InvalidArgumentError

__all__ = ["to_embedding"]


def to_embedding(
    vectors: Any, *, padding: bool = False, trainable: bool = True, name: str = "embedding"
) -> keras.layers.Embedding:
    """A Keras `Embedding` whose rows are word vectors, for a network over words.

    Args:
        vectors: a fitted `Word2Vec`, `KeyedVectors` of gensim, or an array (V, D) in the order of the ids.
        padding: bool. False: row i is the vector of id i, for the ids of `Vocabulary.encode`. True: one more row, of
            zeros, comes first and is masked (`mask_zero=True`), for those of `Vocabulary.encode_padded`.
        trainable: bool, the vectors are trained on.
        name: str.

    Returns:
        A built layer: ids (B, T) -> float (B, T, D), with V rows, or V + 1 with `padding`. Its weights are a copy.

    Raises:
        NotFittedError: the `Word2Vec` is not fitted.
        InvalidArgumentError: no vectors.

    >>> layer = to_embedding(np.ones((3, 2)), padding=True)
    >>> layer.input_dim, layer.output_dim, layer.mask_zero
    (4, 2, True)
    >>> np.asarray(layer(np.array([[1, 0]]))).tolist()
    [[[1.0, 1.0], [0.0, 0.0]]]
    """
    check_flag("padding", padding)
    check_flag("trainable", trainable)
    # An estimator that is not fitted has no `wv` for `hasattr`, and says so when it is asked for it.
    found = vectors.wv if hasattr(type(vectors), "wv") or hasattr(vectors, "wv") else vectors
    table = np.asarray(getattr(found, "vectors", found))
    if table.ndim != 2 or table.dtype.kind not in "fiu" or 0 in table.shape:
        raise InvalidArgumentError(
            f"vectors has dtype {table.dtype} and shape {table.shape}; expected a fitted Word2Vec, KeyedVectors, or an "
            "array of numbers (words, vector_size)."
        )
    table = table.astype("float32")
    if padding:
        table = np.concatenate([np.zeros((1, table.shape[1]), np.float32), table])
    layer = keras.layers.Embedding(len(table), table.shape[1], mask_zero=padding, trainable=trainable, name=name)
    layer.build((None, None))
    layer.set_weights([table])
    return layer
