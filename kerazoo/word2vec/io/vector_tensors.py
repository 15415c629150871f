"""Vectors in a safetensors file, as float32, float16 or int8.

Arrays: `vectors` (V, D), F32, F16 or I8; for int8 `scales` F32 (V,), one per row, ``vector = scale * row``; the words
as `words.utf8` U8 and `words.offsets` I64 (V + 1,); `counts` I64 (V,), if they are known. The `kind` in the header's
``__metadata__`` is ``kerazoo.vectors``.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import damage_of, read_tensors, write_tensors
from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.io.word_vectors import WordVectors

__all__ = ["DTYPES", "KIND", "read_file", "write_file"]

KIND = "kerazoo.vectors"
DTYPES = ("float32", "float16", "int8")


def write_file(vectors: WordVectors, path: Path, dtype: str = "float32") -> None:
    """Write a file of word vectors.

    Args:
        vectors: the words and their vectors.
        path: replaced if it exists.
        dtype: ``"float32"``; ``"float16"``, half the size, relative error up to 2^-11; ``"int8"``, a quarter, error up
            to 1/254 of the largest number of each vector.

    Raises:
        InvalidArgumentError: the vectors have numbers that `dtype` cannot hold.
        StorageError: the file cannot be written; an old file is kept.
    """
    check_choice("dtype", dtype, DTYPES)
    encoded = [word.encode("utf-8") for word in vectors.words]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=offsets[1:])
    arrays: dict[str, NDArray[Any]] = {
        "words.offsets": offsets,
        "words.utf8": np.frombuffer(b"".join(encoded), np.uint8),
    }
    if vectors.counts is not None:
        arrays["counts"] = vectors.counts
    arrays |= _packed(vectors, dtype)
    write_tensors(path, arrays, {"dtype": dtype}, kind=KIND)


def _packed(vectors: WordVectors, dtype: str) -> dict[str, NDArray[Any]]:
    table = vectors.vectors
    if dtype == "float32":
        return {"vectors": table}
    largest = np.abs(table).max(axis=1, initial=0)
    limit = float(np.finfo(np.float16).max) if dtype == "float16" else float(np.finfo(np.float32).max)
    wrong = np.flatnonzero(~(largest <= limit))
    if wrong.size:
        raise InvalidArgumentError(
            f"the vector of {vectors.words[int(wrong[0])]!r} has numbers that are not finite or too large for {dtype}; "
            "expected dtype='float32', which holds all."
        )
    if dtype == "float16":
        return {"vectors": table.astype(np.float16)}
    scales = np.where(largest > 0, largest.astype(np.float64) / 127, 1)
    rounded = np.rint(table / scales[:, None]).clip(-127, 127).astype(np.int8)
    return {"vectors": rounded, "scales": scales.astype(np.float32)}


def read_file(path: Path) -> WordVectors:
    """Read a file of :func:`write_file` as float32; a float32 table stays on the disk until it is used.

    Raises:
        StorageError: the file is missing, damaged or of another kind.
    """
    arrays, _ = read_tensors(path, kind=KIND, mmap=True)
    with damage_of(path, "Write it again, or copy it again whole."):
        text, ends = arrays["words.utf8"].tobytes(), arrays["words.offsets"].tolist()
        if not ends or ends[0] != 0 or ends[-1] != len(text):
            raise ValueError("the offsets of the words do not match their text")
        words = [text[begin:end].decode("utf-8") for begin, end in pairwise(ends)]
        table = arrays["vectors"]
        if table.dtype == np.int8:
            scales = arrays["scales"]
            if scales.shape != (len(table),):
                raise ValueError(f"scales has shape {scales.shape}")
            table = table.astype(np.float32) * scales[:, None]
        elif table.dtype not in (np.float32, np.float16):
            raise ValueError(f"vectors has type {table.dtype}")
        return WordVectors(words, table, arrays.get("counts"))
