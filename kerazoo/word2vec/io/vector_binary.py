"""Vectors in word2vec's binary format: a header line, then word, blank, D float32 numbers."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from kerazoo._runtime.progress import progress_bar
from kerazoo.errors import StorageError
from kerazoo.word2vec.io.fasttext_bin import MAGIC
from kerazoo.word2vec.io.vector_streams import VectorStream
from kerazoo.word2vec.io.vector_text import LONGEST_WORD, Rows, check_writable, decoded, header_of
from kerazoo.word2vec.io.word_vectors import WordVectors, without_duplicates

__all__ = ["read_binary", "write_binary"]

_BLOCK = 1 << 22  # bytes read at a time
_FASTTEXT = MAGIC.to_bytes(4, "little")


def read_binary(stream: VectorStream, unicode_errors: str) -> WordVectors:
    """Read word2vec's binary format, with or without line ends after the vectors.

    Raises:
        StorageError: the file is damaged, or has another number of vectors than its header promises.
    """
    header = header_of(stream)
    if header is None:
        if stream.peek(4) == _FASTTEXT:
            raise StorageError(
                f"{stream.path}: a model of fastText; expected word2vec's .bin format. "
                "kerazoo.FastText.load_facebook_model(path) reads it."
            )
        raise StorageError(
            f"{stream.path}: not a .bin file of word vectors, or damaged: it starts with {stream.peek(20)!r}; "
            "expected the number of words and the dimension."
        )
    n_words, size = header
    stream.check_size(n_words * (4 * size + 2), f"{n_words:,} vectors of {size:,} dimensions")
    rows, words = Rows(size, n_words, stream.size is not None), list[bytes]()
    data, width = b"", 4 * size
    while len(words) < n_words:
        block = stream.read(max(_BLOCK, width))
        data += block
        place, numbers = 0, []
        while len(words) < n_words:
            blank = data.find(b" ", place)
            if blank < 0 or blank + 1 + width > len(data):
                break
            words.append(data[place:blank].lstrip(b"\n"))
            numbers.append(data[blank + 1 : blank + 1 + width])
            place = blank + 1 + width
        if numbers:
            rows.add(np.frombuffer(b"".join(numbers), "<f4").reshape(-1, size).astype(np.float32, copy=False))
        data = data[place:]
        if len(words) == n_words:
            break
        if not block:
            raise StorageError(
                f"{stream.path}: damaged or truncated: its header promises {n_words:,} vectors, but it has "
                f"{len(words):,}. Download or copy it again."
            )
        if len(data) > LONGEST_WORD and b" " not in data[: LONGEST_WORD + 1]:
            raise StorageError(
                f"{stream.path}: not a .bin file of word vectors, or damaged: vector {len(words)} has no word, "
                f"or one of more than {LONGEST_WORD:,} bytes."
            )
    if b"" in words:
        raise StorageError(f"{stream.path}: damaged: vector {words.index(b'')} has an empty word.")
    if (data + stream.read(64)).strip():
        raise StorageError(
            f"{stream.path}: not a .bin file of word vectors, or damaged: its header promises {n_words:,} vectors of "
            f"{size:,} dimensions, but there are more bytes after them."
        )
    names = decoded(words, unicode_errors, stream)
    return WordVectors(*without_duplicates(names, rows.table(), str(stream.path)))


def write_binary(vectors: WordVectors, file: BinaryIO) -> None:
    """Write word2vec's binary format."""
    check_writable(vectors.words, " \n", "a .bin file")
    file.write(f"{len(vectors)} {vectors.vector_size}\n".encode())
    width = 4 * vectors.vector_size
    step = max(1, _BLOCK // width)
    with progress_bar(len(vectors), "vector", "writing") as bar:
        for begin in range(0, len(vectors), step):
            block = vectors.vectors[begin : begin + step].astype("<f4", copy=False).tobytes()
            names = vectors.words[begin : begin + step]
            parts = [word.encode("utf-8") + b" " + block[i * width : (i + 1) * width] for i, word in enumerate(names)]
            file.write(b"".join(parts))
            bar.update(len(names))
