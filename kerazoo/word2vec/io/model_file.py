"""A `Word2Vec` in one file: tables, vocabulary, parameters and history; no pickle.

A checkpoint is such a file with a note of where the training stands, so that whatever reads a model reads a checkpoint.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import StorageError
from kerazoo.text import Vocabulary
from kerazoo.word2vec.options import Tables

if TYPE_CHECKING:
    from kerazoo.word2vec.estimator import Word2Vec

__all__ = ["Contents", "load", "plain_parameters", "read", "save", "write"]

KIND = "kerazoo.word2vec"
# Objects that only pickle could keep, and a folder of one machine.
LEFT_OUT = ("callbacks", "checkpoint_dir")


class Contents(NamedTuple):
    """What such a file holds.

    Attributes:
        parameters: constructor argument -> value, all that JSON can hold.
        vocabulary: the words of the rows.
        tables: as trained.
        history: a value an epoch.
        seed: the seed that was used.
        n_fits: how often `fit` or `partial_fit` was called.
        training: where an unfinished training stands (see `checkpoints`), or None.
    """

    parameters: dict[str, Any]
    vocabulary: Vocabulary
    tables: Tables
    history: dict[str, list[float]]
    seed: int
    n_fits: int
    training: dict[str, Any] | None = None


def write(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write the file whole, or leave what was there."""
    arrays, vocabulary = contents.vocabulary.to_tensors()
    arrays |= contents.tables.named()
    metadata = {
        "parameters": contents.parameters,
        "history": contents.history,
        "seed": contents.seed,
        "n_fits": contents.n_fits,
        "vocabulary": vocabulary,
    }
    if contents.training is not None:
        metadata["training"] = contents.training
    write_tensors(path, arrays, metadata, kind=KIND)


def read(path: str | os.PathLike[str], mmap: bool) -> Contents:
    """Read what :func:`write` wrote; :class:`StorageError` for anything else."""
    arrays, metadata = read_tensors(path, kind=KIND, mmap=mmap)
    try:
        contents = Contents(
            parameters=dict(metadata["parameters"]),
            vocabulary=(vocabulary := Vocabulary.from_tensors(arrays, metadata["vocabulary"])),
            tables=Tables.of(arrays, len(vocabulary), metadata["parameters"]["vector_size"]),
            history={name: list(map(float, values)) for name, values in metadata["history"].items()},
            seed=int(metadata["seed"]),
            n_fits=int(metadata["n_fits"]),
            training=metadata.get("training"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(f"{os.fspath(path)}: damaged: {error}. Train the model again.") from error
    return contents


def plain_parameters(model: Word2Vec) -> dict[str, Any]:
    """The constructor's arguments that can stand in a file; NumPy's numbers as Python's."""
    parameters = model.get_params(deep=False).items()
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in parameters
        if name not in LEFT_OUT
    }


def save(model: Word2Vec, path: str | os.PathLike[str]) -> None:
    """Write a fitted model; the old file stays until the new one is whole."""
    parameters = plain_parameters(model)
    write(path, Contents(parameters, model.vocabulary_, model._tables(), model.history_, model.seed_, model.n_fits_))


def load(cls: type[Word2Vec], path: str | os.PathLike[str], mmap: bool) -> Word2Vec:
    """The model of a file of :func:`save`, or as it stood when a checkpoint was written."""
    contents = read(path, mmap)
    _check_known(path, contents.parameters, inspect.signature(cls).parameters)
    model = cls(**contents.parameters)
    model.vocabulary_ = contents.vocabulary
    model._set_tables(contents.tables)
    model.history_ = contents.history
    model.seed_, model.n_fits_ = contents.seed, contents.n_fits
    return model


def _check_known(path: str | os.PathLike[str], found: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise StorageError(
            f"{os.fspath(path)}: has parameters that this version does not know: {', '.join(unknown)}. "
            "Read it with the version that wrote it, or a newer one."
        )
