"""`WordEmbedding`: an embedding layer that knows its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerazoo._validation import check_flag
from kerazoo.errors import InvalidArgumentError
from kerazoo.text import Vocabulary
from kerazoo.text.documents import encode_documents, pad_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WordEmbedding", "word_embedding"]


@keras.saving.register_keras_serializable(package="kerazoo")
class WordEmbedding(keras.layers.Embedding):
    """A Keras `Embedding` of words, whose ids :meth:`lookup` makes from texts; saved models keep the words.

    ========== =======================================
    id         row
    ========== =======================================
    0          padding, which is masked
    1 to V     the words, in their order
    V + 1      all other words
    ========== =======================================

    Args:
        words: sequence of V str, each once.
        output_dim: int, dimension D of the vectors.
        unknown: str or None, that of the words that stands for all other words; then there is no row V + 1.
        trainable: bool, whether the vectors are trained on.
        **kwargs: those of `keras.layers.Embedding`, but for `input_dim` and `mask_zero`.

    Shapes: ids (B, T), integers -> float (B, T, D).

    >>> layer = WordEmbedding(["the", "cat"], 3)
    >>> layer.lookup(["the cat sat", ["cat"]]).tolist()
    [[1, 2, 3], [2, 0, 0]]
    >>> tuple(layer(layer.lookup(["the cat"])).shape)
    (1, 2, 3)
    """

    def __init__(
        self,
        words: Sequence[str],
        output_dim: int,
        *,
        unknown: str | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        listed = list(words)
        kwargs |= {"input_dim": len(listed) + 1 + (unknown is None), "mask_zero": True}
        super().__init__(output_dim=output_dim, trainable=check_flag("trainable", trainable), **kwargs)
        # Equal counts, which do not matter here: the order is that of the words.
        self.vocabulary = Vocabulary(listed, np.ones(len(listed), np.int64), unk=unknown)
        self._unknown_id = len(listed) if unknown is None else self.vocabulary.index(unknown)

    def lookup(
        self, texts: Any, length: int | None = None, *, padding: str = "post", truncating: str | None = None
    ) -> NDArray[np.int32]:
        """The ids of texts as one array, as this layer takes it.

        Args:
            texts: strings, which are split at white space as by `str.split`, or lists of tokens.
            length: int >= 1 or None (that of the longest text, at least 1), number of columns.
            padding: `"post"`: zeros after the words; `"pre"`: before them.
            truncating: None: a text longer than `length` is an error; `"post"`: its end is cut off; `"pre"`: its
                start.

        Returns:
            int32 (n_texts, length). A text without words is a row of zeros.

        Raises:
            CorpusError: a text or a token has another type.
            InvalidArgumentError: a text is too long, or an argument has another value.
        """
        ids, offsets = encode_documents(texts, self.vocabulary, unknown=self._unknown_id)
        return pad_ids(ids + np.int32(1), offsets, length, padding, truncating)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        config = super().get_config()
        del config["input_dim"], config["mask_zero"]
        return {**config, "words": self.vocabulary.words, "unknown": self.vocabulary.unk}


def word_embedding(vectors: Any, vocabulary: Vocabulary, *, trainable: bool = True, name: str = "embedding") -> Any:
    """A built :class:`WordEmbedding` with these vectors: see :meth:`kerazoo.Word2Vec.as_embedding_layer`.

    Args:
        vectors: float (V, D), row i for ``vocabulary.words[i]``.
        vocabulary: V words; its `unk`, if any, stands for unknown words.
        trainable: bool.
        name: str.

    Raises:
        InvalidArgumentError: the numbers of vectors and words differ.
    """
    table = np.asarray(vectors, np.float32)
    if table.ndim != 2 or len(table) != len(vocabulary):
        raise InvalidArgumentError(
            f"vectors has shape {table.shape}; expected ({len(vocabulary)}, vector_size), one row for each word."
        )
    layer = WordEmbedding(vocabulary.words, table.shape[1], unknown=vocabulary.unk, trainable=trainable, name=name)
    rows = [np.zeros((1, table.shape[1]), np.float32), table]
    if vocabulary.unk is None:
        rows.append(table.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32))
    layer.build((None, None))
    layer.set_weights([np.concatenate(rows)])
    return layer
