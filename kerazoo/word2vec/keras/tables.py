"""The tables of a `SkipGram` as NumPy arrays, in both directions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.keras.model import SkipGram
from kerazoo.word2vec.results import Tables

__all__ = ["assign_tables", "skip_gram_of", "tables_of", "tables_of_checked"]


def tables_of(model: SkipGram) -> Tables:
    """Copies of the model's tables."""
    biases = model.output_biases
    return Tables(_copy(model.input_vectors), _copy(model.output_vectors), None if biases is None else _copy(biases))


def _copy(variable: Any) -> NDArray[np.float32]:
    return np.array(keras.ops.convert_to_numpy(variable), dtype=np.float32, copy=True)


def tables_of_checked(model: Any, n_words: int) -> Tables:
    """Copies of the tables of a model that a user gives.

    Raises:
        InvalidArgumentError: it is not a `SkipGram`, or does not have `n_words` words.
    """
    if not isinstance(model, SkipGram):
        raise InvalidArgumentError(f"got a {type(model).__name__}; expected a kerazoo.word2vec.SkipGram.")
    if model.vocabulary_size != n_words:
        raise InvalidArgumentError(
            f"the model has {model.vocabulary_size} words, the vocabulary {n_words}; expected the same number. "
            "Give the vocabulary that the model was trained with."
        )
    return tables_of(model)


def assign_tables(model: SkipGram, tables: Tables) -> None:
    """Give the model these tables."""
    model.input_vectors.assign(tables.input_vectors)
    if tables.output_vectors is not None:
        model.output_vectors.assign(tables.output_vectors)
    if model.output_biases is not None and tables.output_biases is not None:
        model.output_biases.assign(tables.output_biases)


def skip_gram_of(tables: Tables, *, loss: str, noise_probabilities: NDArray[np.float64], negative: int) -> SkipGram:
    """A `SkipGram` with these tables, which must have output vectors; the other arguments are those of the model."""
    n_words, size = tables.input_vectors.shape
    model = SkipGram(
        n_words, size, loss, noise_probabilities=noise_probabilities, negative=negative,
        learn_biases=loss != "nce" or tables.output_biases is not None,
    )  # fmt: skip
    assign_tables(model, tables)
    return model
