"""Vectors in files that other programs read: word2vec's text and binary formats and gensim's KeyedVectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerazoo._runtime.files import replacing
from kerazoo._validation import check_choice
from kerazoo.errors import StorageError
from kerazoo.word2vec.io import model_file
from kerazoo.word2vec.io.keyed_vectors import keyed_vectors
from kerazoo.word2vec.io.model_file import Contents

__all__ = ["VECTOR_FORMATS", "read_vectors", "write_vectors"]

VECTOR_FORMATS = (".kerazoo", ".txt", ".bin", ".kv")


def write_vectors(contents: Contents, path: Path) -> None:
    """Write the vectors of a model atomically, in the format that the suffix of `path` names.

    A ``.kerazoo`` file holds the whole model. A ``.kv`` may be several files: large tables are in ``.npy`` files beside
    it.

    Raises:
        InvalidArgumentError: the suffix is not in `VECTOR_FORMATS`.
        StorageError: the file cannot be written (no folder, no permission, disk full); an old file is kept.
    """
    check_choice("the suffix of the vectors", path.suffix, VECTOR_FORMATS)
    if path.suffix == ".kerazoo":
        model_file.write(path, contents)
        return
    vectors = keyed_vectors(contents.vocabulary, contents.tables.input_vectors)
    with replacing(path) as part:
        if path.suffix == ".kv":
            vectors.save(str(part))
        else:
            vectors.save_word2vec_format(str(part), binary=path.suffix == ".bin")


def read_vectors(path: Path) -> Any:
    """Read gensim ``KeyedVectors`` from a file in one of `VECTOR_FORMATS`, memory-mapped where the format allows it.

    Raises:
        InvalidArgumentError: the suffix is not in `VECTOR_FORMATS`.
        StorageError: the file is missing, damaged or of another kind.
    """
    check_choice("the suffix of the vectors", path.suffix, VECTOR_FORMATS)
    if not path.is_file():
        raise StorageError(f"{path}: no such file.")
    if path.suffix == ".kerazoo":
        contents = model_file.read(path, mmap=True)
        return keyed_vectors(contents.vocabulary, contents.tables.input_vectors)
    from gensim.models import KeyedVectors

    try:
        if path.suffix == ".kv":
            loaded = KeyedVectors.load(str(path), mmap="r")
            if not isinstance(loaded, KeyedVectors):
                raise TypeError(f"it holds a {type(loaded).__name__}")
            return loaded
        return KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")
    except Exception as error:  # gensim's readers raise any exception on a damaged file
        raise StorageError(f"{path}: not a {path.suffix} file of word vectors, or damaged: {error}") from error
