"""`EmbeddingCell`: a cell that reads ids of words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kerazoo._validation import check_int
from kerazoo.cells.wrappers.base import WrapperCell
from kerazoo.errors import InvalidArgumentError

__all__ = ["EmbeddingCell"]


@keras.saving.register_keras_serializable(package="kerazoo")
class EmbeddingCell(WrapperCell):
    """Looks up the vectors of ids and passes them to the cell.

    Args:
        cell: the cell inside.
        vocabulary_size: int >= 1.
        embedding_size: int >= 1.
        **kwargs: see :class:`WrapperCell`.

    Shapes: inputs integer (B, 1), ids from 0 to vocabulary_size - 1; so a sequence is (B, T, 1). Weights: embeddings
    (vocabulary_size, embedding_size), initially uniform in +-0.05 as in `keras.layers.Embedding`.

    >>> import numpy as np
    >>> cell = EmbeddingCell(keras.layers.GRUCell(5), vocabulary_size=9, embedding_size=4)
    >>> y, states = cell(np.array([[8], [0]]), cell.get_initial_state(batch_size=2))
    >>> tuple(y.shape)
    (2, 5)
    """

    options = ("vocabulary_size", "embedding_size")

    def __init__(self, cell: Any, vocabulary_size: int, embedding_size: int, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.vocabulary_size = check_int("vocabulary_size", vocabulary_size)
        self.embedding_size = check_int("embedding_size", embedding_size)
        self.autocast = False  # ids above 256 are not exact in bfloat16

    def build(self, input_shape: Any) -> None:
        """Build the table of vectors and the cell inside."""
        if input_shape[-1] != 1:
            raise InvalidArgumentError(
                f"ids of shape {tuple(input_shape)}; expected one id per step, (batch, 1). Use ids[..., None]."
            )
        self.embeddings = self.add_weight(
            shape=(self.vocabulary_size, self.embedding_size), name="embeddings", initializer="uniform"
        )
        super().build(input_shape)

    def inner_shape(self, input_shape: Any) -> Any:
        """Shape of the vectors."""
        return (*input_shape[:-1], self.embedding_size)

    def prepare(self, inputs: Any) -> Any:
        """Look up the vectors of the ids."""
        ids = ops.cast(inputs[..., 0], "int32")
        return ops.cast(ops.take(self.embeddings, ids, axis=0), self.compute_dtype)
