"""Vectors in the files that others read: word2vec's text and binary formats and gensim's KeyedVectors."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo._validation import check_choice
from kerazoo.errors import StorageError

if TYPE_CHECKING:
    from kerazoo.word2vec.estimator import Word2Vec

__all__ = ["VECTOR_FORMATS", "read_vectors", "write_vectors"]

VECTOR_FORMATS = (".kerazoo", ".txt", ".bin", ".kv")


def write_vectors(model: Word2Vec, path: Path) -> None:
    """Write the vectors of a fitted model, in the format that the suffix of `path` names, whole or not at all.

    gensim writes where it is told to, so it is told to write into a folder beside the target; `.kv` may be several
    files (large tables lie beside it as `.npy`).

    Raises:
        InvalidArgumentError: the suffix is none of `VECTOR_FORMATS`.
        StorageError: the file cannot be written (no folder, no permission, disk full); an old file stays.
    """
    check_choice("the suffix of the vectors", path.suffix, VECTOR_FORMATS)
    if path.suffix == ".kerazoo":
        model.save(path)
        return
    folder = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        folder.mkdir()
        if path.suffix == ".kv":
            model.wv.save(str(folder / path.name))
        else:
            model.wv.save_word2vec_format(str(folder / path.name), binary=path.suffix == ".bin")
        # The main file last: when it stands there, all stands there.
        for written in sorted(folder.iterdir(), key=lambda file: file.name == path.name):
            os.replace(written, path.parent / written.name)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}). The folder must exist and have room."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_vectors(path: Path) -> Any:
    """gensim ``KeyedVectors`` of a file in one of `VECTOR_FORMATS`, memory-mapped where the format allows it.

    Raises:
        InvalidArgumentError: the suffix is none of `VECTOR_FORMATS`.
        StorageError: the file is missing, damaged or foreign.
    """
    check_choice("the suffix of the vectors", path.suffix, VECTOR_FORMATS)
    if not path.is_file():
        raise StorageError(f"{path}: no such file.")
    if path.suffix == ".kerazoo":
        from kerazoo.word2vec.estimator import Word2Vec

        return Word2Vec.load(path).wv
    from gensim.models import KeyedVectors

    try:
        if path.suffix == ".kv":
            loaded = KeyedVectors.load(str(path), mmap="r")
            if not isinstance(loaded, KeyedVectors):
                raise TypeError(f"it holds a {type(loaded).__name__}")
            return loaded
        return KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")
    except Exception as error:  # gensim's readers raise whatever the bytes lead them to
        raise StorageError(f"{path}: not a {path.suffix} file of word vectors, or damaged: {error}") from error
