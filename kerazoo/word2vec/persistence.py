"""A fitted `Word2Vec` in one file: tables, vocabulary, parameters and history; no pickle."""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.errors import StorageError
from kerazoo.storage import read_tensors, write_tensors
from kerazoo.text import Vocabulary

if TYPE_CHECKING:
    from kerazoo.word2vec.estimator import Word2Vec

__all__ = ["load", "save"]

KIND = "kerazoo.word2vec"
LEFT_OUT = ("callbacks",)  # objects of the user's, which only pickle could keep


def save(model: Word2Vec, path: str | os.PathLike[str]) -> None:
    """Write a fitted model; the old file stays until the new one is whole."""
    arrays, vocabulary = model.vocabulary_.to_tensors()
    arrays["vectors"] = model.vectors_
    arrays["output_vectors"] = model.output_vectors_
    if model.output_biases_ is not None:
        arrays["output_biases"] = model.output_biases_
    parameters = {name: value for name, value in model.get_params(deep=False).items() if name not in LEFT_OUT}
    metadata = {
        "parameters": {name: _plain(value) for name, value in parameters.items()},
        "history": model.history_,
        "seed": model.seed_,
        "vocabulary": vocabulary,
    }
    write_tensors(path, arrays, metadata, kind=KIND)


def load(cls: type[Word2Vec], path: str | os.PathLike[str], mmap: bool) -> Word2Vec:
    """Read what :func:`save` wrote."""
    arrays, metadata = read_tensors(path, kind=KIND, mmap=mmap)
    try:
        parameters = dict(metadata["parameters"])
        unknown = set(parameters) - set(inspect.signature(cls).parameters)
        if unknown:
            raise ValueError(f"parameters that this version does not know: {', '.join(sorted(unknown))}")
        model = cls(**parameters)
        model.vocabulary_ = Vocabulary.from_tensors(arrays, metadata["vocabulary"])
        model.vectors_, model.output_vectors_ = arrays["vectors"], arrays["output_vectors"]
        model.output_biases_ = arrays.get("output_biases")
        model.history_ = {name: list(map(float, values)) for name, values in metadata["history"].items()}
        model.seed_ = int(metadata["seed"])
        shape = (len(model.vocabulary_), parameters["vector_size"])
        for name, table in (("vectors", model.vectors_), ("output_vectors", model.output_vectors_)):
            if table.shape != shape or table.dtype != np.float32:
                raise ValueError(f"{name} has shape {table.shape} and type {table.dtype}; expected {shape}, float32")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(f"{os.fspath(path)}: damaged: {error}. Train the model again.") from error
    return model


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, which JSON can hold."""
    return value.item() if isinstance(value, np.generic) else value
