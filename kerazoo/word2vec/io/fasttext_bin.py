"""The `.bin` files of fastText, version 12, for skip-gram and CBOW with negative sampling.

All numbers are little-endian. In order:

    int32    magic number, version
    int32    dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate;  float64  t
    int32    words and labels, words, labels;  int64  tokens of the corpus, entries of a pruned index (-1: none)
    entries  the word in UTF-8, a zero byte, int64 count, int8 type (0: word)
    bool     whether the input matrix is quantised
    matrix   int64 rows, int64 columns, float32 values: rows of the words, then of all buckets
    bool     whether the output matrix is quantised
    matrix   output vectors of the words
"""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from kerazoo._runtime.files import replacing
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import Vocabulary
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.subwords import BucketRows, NgramSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read", "write"]

MAGIC, VERSION = 793712314, 12
HEADER, DICTIONARY, MATRIX = struct.Struct("<12id"), struct.Struct("<3i2q"), struct.Struct("<2q")
ENTRY = struct.Struct("<qb")
CBOW, SKIPGRAM, NEGATIVE_SAMPLING = 1, 2, 2
ROWS_AT_A_TIME = 1 << 14


def write(path: str | os.PathLike[str], contents: Contents, ngrams: NgramSettings) -> None:
    """Write a model atomically; see :meth:`kerazoo.FastText.save_facebook_model`."""
    p, tables, vocabulary = contents.parameters, contents.tables, contents.vocabulary
    assert tables.output_vectors is not None
    if tables.output_biases is not None:
        warnings.warn(
            f"{os.fspath(path)}: fastText has no biases: those of loss={p['loss']!r} are not written. The vectors are "
            "the same.",
            UserWarning,
            stacklevel=3,
        )
    n_buckets = ngrams.bucket if ngrams.any else 0
    limits = (ngrams.min_n, ngrams.max_n) if ngrams.any else (0, 0)
    n_words, size = tables.input_vectors.shape
    header = (
        size, p["window"], p["epochs"], p["min_count"], p["negative"], 1, NEGATIVE_SAMPLING,
        SKIPGRAM if p["sg"] else CBOW, n_buckets, *limits, 100, p["sample"],
    )  # fmt: skip
    try:
        packed = struct.pack("<2i", MAGIC, VERSION) + HEADER.pack(*header)
    except struct.error:
        found = {name: p[name] for name in ("window", "epochs", "min_count", "negative", "sample")}
        raise InvalidArgumentError(
            f"{os.fspath(path)}: {found!r:.300}; expected integers below 2^31 and a number, which this format holds."
        ) from None
    with replacing(path) as part, open(part, "wb") as file:
        file.write(packed)
        file.write(DICTIONARY.pack(n_words, n_words, 0, vocabulary.total, -1))
        file.write(b"".join(_entry(path, *each) for each in zip(vocabulary.words, vocabulary.counts, strict=True)))
        file.write(b"\0" + MATRIX.pack(n_words + n_buckets, size))
        _write_rows(file, tables.input_vectors)
        _write_buckets(file, tables, n_buckets)
        file.write(b"\0" + MATRIX.pack(n_words, size))
        _write_rows(file, tables.output_vectors)


def _entry(path: str | os.PathLike[str], word: str, count: np.int64) -> bytes:
    if "\0" in word:
        raise StorageError(
            f"{os.fspath(path)}: the word {word!r} has a zero character, which ends words in this format."
        )
    return word.encode() + b"\0" + ENTRY.pack(int(count), 0)


def _write_rows(file: BinaryIO, rows: NDArray[np.float32]) -> None:
    for first in range(0, len(rows), ROWS_AT_A_TIME):
        file.write(np.ascontiguousarray(rows[first : first + ROWS_AT_A_TIME], "<f4").data)


def _write_buckets(file: BinaryIO, tables: Tables, n_buckets: int) -> None:
    """The rows of all buckets, a part at a time, so that memory never holds all of them."""
    if not n_buckets:
        return
    assert tables.ngram_vectors is not None
    assert tables.ngram_buckets is not None
    rows_of = BucketRows(tables.ngram_buckets, n_buckets)
    for first in range(0, n_buckets, ROWS_AT_A_TIME):
        found = rows_of(np.arange(first, min(first + ROWS_AT_A_TIME, n_buckets), dtype=np.int32))
        rows = np.zeros((len(found), tables.ngram_vectors.shape[1]), np.float32)
        rows[found >= 0] = tables.ngram_vectors[found[found >= 0]]
        _write_rows(file, rows)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Vocabulary, Tables]:
    """Constructor arguments, vocabulary and tables of a file; see :meth:`kerazoo.FastText.load_facebook_model`.

    Raises:
        StorageError: the file is missing, damaged, of another kind or of a model that `FastText` cannot be.
    """
    try:
        with open(path, "rb") as file:
            return _read(Path(path), file)
    except StorageError:
        raise
    except FileNotFoundError:
        raise StorageError(f"{os.fspath(path)}: no such file.") from None
    except (OSError, struct.error, ValueError) as error:
        raise StorageError(f"{os.fspath(path)}: not a .bin file of fastText, or damaged: {error}.") from error


def _read(path: Path, file: BinaryIO) -> tuple[dict[str, Any], Vocabulary, Tables]:
    magic, version = _unpack(file, struct.Struct("<2i"))
    if magic != MAGIC or version not in (11, VERSION):
        raise StorageError(
            f"{path}: not a .bin file of fastText, or one of before 2017, which has another format. gensim's "
            "load_facebook_model reads those, and FastText.from_gensim its models."
        )
    size, window, epochs, min_count, negative, _, loss, model, bucket, min_n, max_n, _, sample = _unpack(file, HEADER)
    if model not in (CBOW, SKIPGRAM) or loss != NEGATIVE_SAMPLING:
        raise StorageError(
            f"{path}: has model={model} and loss={loss}; expected model=1 (cbow) or 2 (skipgram) and loss=2 (negative "
            "sampling). Classifiers and hierarchical softmax are not supported."
        )
    words, counts, total = _read_words(path, file)
    if bucket < 0 or min_n < 0:
        raise ValueError(f"bucket={bucket} and minn={min_n}")
    ngrams = NgramSettings(min_n, max(max_n, 0), bucket)
    inputs = _read_matrix(path, file, len(words) + bucket, size)
    outputs = _read_matrix(path, file, len(words), size)
    order = np.array([i for i in np.argsort(-counts, kind="stable") if words[i]], np.int64)
    if len(order) < len(words):  # files that were trained from vectors of another program may have one
        warnings.warn(f"{path}: the empty word is left out.", UserWarning, stacklevel=4)
    vocabulary = Vocabulary([words[i] for i in order], counts[order], min_count=max(1, min_count), total=total)
    parameters = {
        "vector_size": size, "window": window, "epochs": max(1, epochs), "min_count": max(1, min_count),
        "negative": max(1, negative), "sg": int(model == SKIPGRAM), "sample": sample, "min_n": ngrams.min_n,
        "max_n": ngrams.max_n, "bucket": ngrams.bucket, "loss": "negative_sampling",
    }  # fmt: skip
    tables = Tables(inputs[: len(words)][order], outputs[order])
    if ngrams.any:
        rows, buckets = inputs[len(words) :], np.arange(bucket, dtype=np.int32)
        tables = Tables(tables.input_vectors, tables.output_vectors, ngram_vectors=rows, ngram_buckets=buckets)
    return parameters, vocabulary, tables


def _unpack(file: BinaryIO, form: struct.Struct) -> tuple[Any, ...]:
    return form.unpack(file.read(form.size))


def _read_words(path: Path, file: BinaryIO) -> tuple[list[str], NDArray[np.int64], int]:
    n_entries, n_words, n_labels, total, pruned = _unpack(file, DICTIONARY)
    if n_labels or n_entries != n_words or pruned > 0:
        raise StorageError(f"{path}: has {n_labels} labels; expected a model of words, not a classifier.")
    left = os.fstat(file.fileno()).st_size - file.tell()
    if n_words < 0 or left < n_words * (1 + ENTRY.size):
        raise ValueError(f"{left:,} bytes are left; expected at least {n_words * (1 + ENTRY.size):,} for its words")
    words, counts = [], np.zeros(n_words, np.int64)
    # The entries have no length, so they are read ahead in pieces.
    held, at = b"", 0
    for i in range(n_words):
        while (end := held.find(b"\0", at)) < 0 or len(held) < end + 1 + ENTRY.size:
            piece = file.read(1 << 20)
            if not piece:
                raise ValueError(f"it ends in word {i} of {n_words}")
            held, at = held[at:] + piece, 0
        words.append(held[at:end].decode(errors="backslashreplace"))
        counts[i], kind = ENTRY.unpack_from(held, end + 1)
        if kind:
            raise ValueError(f"entry {i} is not a word")
        at = end + 1 + ENTRY.size
    file.seek(at - len(held), os.SEEK_CUR)
    return words, counts, total


def _read_matrix(path: Path, file: BinaryIO, n_rows: int, size: int) -> NDArray[np.float32]:
    if file.read(1) != b"\0":
        raise StorageError(f"{path}: is quantised; expected a model of float32 numbers.")
    if (found := _unpack(file, MATRIX)) != (n_rows, size):
        raise ValueError(f"a table has the shape {found}; expected {(n_rows, size)}")
    left = os.fstat(file.fileno()).st_size - file.tell()
    if left < 4 * n_rows * size:
        raise ValueError(f"{left:,} bytes are left; expected {4 * n_rows * size:,} for a table")
    return np.fromfile(file, "<f4", n_rows * size).reshape(n_rows, size).astype(np.float32, copy=False)
