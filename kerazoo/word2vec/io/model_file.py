"""A trained word2vec model in one file: tables, vocabulary, constructor arguments and history; no pickle.

A checkpoint is such a file with a note on the state of the training, so everything that reads a model reads a
checkpoint too.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import damage_of, read_tensors, write_tensors
from kerazoo._validation import check_int
from kerazoo.errors import StorageError
from kerazoo.text import Vocabulary
from kerazoo.text.phrases import chain
from kerazoo.word2vec.options import ENGINE_OPTIONS
from kerazoo.word2vec.pooling import PoolingStatistics
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.subwords import NgramSettings, check_buckets, composed_vectors

__all__ = [
    "FASTTEXT_KIND",
    "KIND",
    "Contents",
    "from_tensors",
    "kind_of",
    "read",
    "storable",
    "to_tensors",
    "word_table",
    "write",
]

KIND = "kerazoo.word2vec"
FASTTEXT_KIND = "kerazoo.fasttext"  # `vectors` are the words' own rows, and there are rows of n-grams
# Arguments that are not kept: callbacks would need pickle, and a folder belongs to one machine.
LEFT_OUT = ("callbacks", "checkpoint_dir")


class Contents(NamedTuple):
    """The contents of a model file.

    Attributes:
        parameters: constructor argument -> value, as :func:`storable` returns them.
        vocabulary: the words of the rows.
        tables: as trained.
        history: name -> one value per epoch.
        seed: the seed of the training.
        n_fits: number of calls of `fit` and `partial_fit`.
        training: the state of an unfinished training (see :mod:`kerazoo.word2vec.io.checkpoints`), or None.
        pooling: the statistics of documents that `transform` needs for some values of `pooling`, or None.
    """

    parameters: dict[str, Any]
    vocabulary: Vocabulary
    tables: Tables
    history: dict[str, list[float]]
    seed: int
    n_fits: int
    training: dict[str, Any] | None = None
    pooling: PoolingStatistics | None = None


def kind_of(contents: Contents) -> str:
    """The kind of file that a model is written to."""
    return FASTTEXT_KIND if "bucket" in contents.parameters else KIND


def word_table(contents: Contents) -> NDArray[np.float32]:
    """The vectors of the words, float32 (V, D): with subwords they are made of the words' own rows and n-grams.

    Raises:
        StorageError: rows of n-grams are missing.
    """
    if kind_of(contents) == KIND:
        return contents.tables.input_vectors
    ngrams = _ngrams(contents.parameters)
    check_buckets(contents.tables, contents.vocabulary.words, ngrams)  # C trusts them
    return composed_vectors(contents.tables, contents.vocabulary.words, ngrams)


def _ngrams(parameters: Mapping[str, Any]) -> NgramSettings:
    return NgramSettings(*(parameters[name] for name in ("min_n", "max_n", "bucket")))


def storable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor arguments that a file can hold, with NumPy's numbers as Python's, and phrases frozen.

    >>> storable({"window": np.int64(5), "callbacks": [], "engine_options": {"block_size": np.int64(64)}})
    {'window': 5, 'engine_options': {'block_size': 64}}
    """
    kept = {name: _plain(value) for name, value in parameters.items() if name not in LEFT_OUT}
    if kept.get("phrases") is not None:
        kept["phrases"] = chain.frozen(kept["phrases"])
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def to_tensors(contents: Contents) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and metadata, as :func:`kerazoo._runtime.files.write_tensors` takes them."""
    arrays, vocabulary = contents.vocabulary.to_tensors()
    arrays |= contents.tables.named()
    metadata = {
        "parameters": {name: value for name, value in contents.parameters.items() if name != "phrases"},
        "history": contents.history,
        "seed": contents.seed,
        "n_fits": contents.n_fits,
        "vocabulary": vocabulary,
    }
    if contents.parameters.get("phrases"):
        phrase_arrays, metadata["phrases"] = chain.to_tensors(contents.parameters["phrases"])
        arrays |= phrase_arrays
    if contents.training is not None:
        metadata["training"] = contents.training
    if contents.pooling is not None:
        arrays["document_frequencies"] = contents.pooling.frequencies
        arrays["common_component"] = contents.pooling.component
        metadata["n_documents"] = contents.pooling.n_documents
    return arrays, metadata


def from_tensors(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]
) -> Contents:
    """The inverse of :func:`to_tensors`; `path` is for the error message.

    Raises:
        StorageError: something is missing or of another shape or type.
    """
    with damage_of(path, "Train the model again."):
        vocabulary = Vocabulary.from_tensors(arrays, metadata["vocabulary"])
        phrases = {"phrases": chain.from_tensors(arrays, metadata["phrases"])} if "phrases" in metadata else {}
        parameters = _current(metadata["parameters"]) | phrases
        if "bucket" in parameters:
            _ngrams(parameters)  # readers of vectors alone need no other parameter than these
        return Contents(
            parameters=parameters,
            vocabulary=vocabulary,
            tables=Tables.of(arrays, len(vocabulary), metadata["parameters"]["vector_size"]),
            history={name: list(map(float, values)) for name, values in metadata["history"].items()},
            seed=check_int("seed", metadata["seed"], 0),
            n_fits=check_int("n_fits", metadata["n_fits"], 0),
            training=metadata.get("training"),
            pooling=_pooling(arrays, metadata, len(vocabulary)),
        )


def _pooling(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any], n_words: int) -> PoolingStatistics | None:
    """KeyError or ValueError if they are damaged; None for files without them, as those up to version 0.1 are."""
    if "n_documents" not in metadata:
        return None
    frequencies = np.array(arrays["document_frequencies"], np.int64)
    component = np.array(arrays["common_component"], np.float32)
    if frequencies.shape != (n_words,) or component.shape != (metadata["parameters"]["vector_size"],):
        raise ValueError(f"document_frequencies has shape {frequencies.shape}, common_component {component.shape}")
    return PoolingStatistics(int(metadata["n_documents"]), frequencies, component)


def _current(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of any version.

    Up to 0.1, the options of an engine were arguments themselves, and nce always learned its biases.
    """
    options = {name for names in ENGINE_OPTIONS.values() for name in names}
    current = {name: value for name, value in parameters.items() if name not in options}
    given = {name: value for name, value in parameters.items() if name in options and value is not None}
    if given:
        current["engine_options"] = given
    current.setdefault("learn_biases", current.get("loss") == "nce")
    return current


def _explain_other_formats(path: str | os.PathLike[str], error: StorageError) -> None:
    """Raise a better error for a pickle, as gensim writes it, and for vectors as text."""
    try:
        with open(path, "rb") as file:
            start = file.read(100)
    except OSError:
        return
    first = start.split(b"\n")[0].split()
    if start[:1] == b"\x80" or (len(first) == 2 and all(number.isdigit() for number in first)):
        kind = "a pickle, as gensim's save writes it" if start[:1] == b"\x80" else "vectors in a format of word2vec"
        raise StorageError(
            f"{os.fspath(path)}: {kind}; expected a file of Word2Vec.save. Word2Vec.from_gensim(path) reads it."
        ) from error


def write(path: str | os.PathLike[str], contents: Contents, kind: str = KIND) -> None:
    """Write a model file of this kind atomically.

    Raises:
        StorageError: the file cannot be written; an old file is kept.
    """
    arrays, metadata = to_tensors(contents)
    write_tensors(path, arrays, metadata, kind=kind)


def read(
    path: str | os.PathLike[str],
    mmap: bool,
    known: Collection[str] | None = None,
    kind: str | tuple[str, ...] = KIND,
) -> Contents:
    """Read a model file or a checkpoint.

    Args:
        path: the file.
        mmap: whether the tables stay on disk, read-only, until they are used.
        known: the constructor's arguments; others are refused. None allows any.
        kind: of the file, or several.

    Raises:
        StorageError: the file is missing, damaged, of another kind, or has unknown parameters.
    """
    try:
        arrays, metadata = read_tensors(path, kind=kind, mmap=mmap)
    except StorageError as error:
        _explain_other_formats(path, error)
        raise
    contents = from_tensors(path, arrays, metadata)
    unknown = [] if known is None else sorted(set(contents.parameters) - set(known))
    if unknown:
        raise StorageError(
            f"{os.fspath(path)}: has parameters that this version does not know: {', '.join(unknown)}. "
            "Read it with the version that wrote it, or with a newer one."
        )
    return contents
