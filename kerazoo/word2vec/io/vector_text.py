"""Vectors as text: a line per word, with word2vec's header line or without it (GloVe)."""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.ignored_warnings import warnings_ignored
from kerazoo._runtime.progress import progress_bar
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.word2vec.io.vector_streams import VectorStream
from kerazoo.word2vec.io.word_vectors import WordVectors, without_duplicates

__all__ = [
    "Rows",
    "check_writable",
    "decoded",
    "header_of",
    "looks_like_text",
    "parse_header",
    "read_text",
    "write_text",
]

_BLOCK = 1 << 22  # bytes read at a time
_LONGEST = 1 << 26  # bytes of a line
LONGEST_WORD = _LONGEST >> 1  # bytes of a word, in text and in binary files; the rest of a line is for numbers
_LARGEST_SIZE = 1_000_000  # of vectors
_HEADER = re.compile(rb"[ \t]*(\d{1,18})[ \t]+(\d{1,18})[ \t]*(?:\r?\n|\Z)")


class Rows:
    """Rows that arrive in blocks; memory is taken for what has arrived, unless the size of the file vouches for more.

    Args:
        size: D.
        promised: number of rows that the header promises, or None.
        certain: whether the file is large enough for them.
    """

    def __init__(self, size: int, promised: int | None, certain: bool) -> None:
        self.size, self.n = size, 0
        self._table = np.empty((promised, size), np.float32) if promised is not None and certain else None
        self._blocks: list[NDArray[np.float32]] = []

    def add(self, rows: NDArray[np.float32]) -> None:
        """Add rows (n, D)."""
        if self._table is not None:
            self._table[self.n : self.n + len(rows)] = rows[: len(self._table) - self.n]
        else:
            self._blocks.append(rows)
        self.n += len(rows)

    def table(self) -> NDArray[np.float32]:
        """All rows, float32 (n, D)."""
        if self._table is not None:
            return self._table
        return np.concatenate(self._blocks) if self._blocks else np.empty((0, self.size), np.float32)


def parse_header(start: bytes) -> tuple[int, int, int] | None:
    """(V, D, bytes of the header line) of word2vec's header, or None."""
    found = _HEADER.match(start)
    return None if found is None else (int(found[1]), int(found[2]), found.end())


def header_of(stream: VectorStream) -> tuple[int, int] | None:
    """Read word2vec's header line, (V, D); None, and nothing is read, if there is none."""
    found = parse_header(stream.peek(64))
    if found is None:
        return None
    n_words, size, length = found
    stream.read(length)
    if n_words < 1 or not 1 <= size <= _LARGEST_SIZE:
        raise StorageError(
            f"{stream.path}: its header says {n_words} vectors of {size} dimensions; expected 1 to "
            f"{_LARGEST_SIZE:,} dimensions."
        )
    return n_words, size


def looks_like_text(start: bytes, size: int | None) -> bool:
    """Whether the first line is a word and numbers, D of them if `size` is D."""
    line = start.split(b"\n", 1)[0].rstrip()
    parts = line.rsplit(None, 1 if size is None else size)
    if len(parts) < 2 or (size is not None and len(parts) != size + 1):
        return False
    try:
        [float(part) for part in parts[1:]]
    except ValueError:
        return False
    return True


def read_text(stream: VectorStream, unicode_errors: str) -> WordVectors:
    """Read vectors from text, with or without a header.

    A line is split at its last D blanks, so that words may contain some, as in GloVe's largest files.

    Raises:
        StorageError: the text is damaged, or has another number of vectors than its header promises.
    """
    header = header_of(stream)
    n_words, size = (None, _size_of(stream)) if header is None else header
    if n_words is not None:
        stream.check_size(n_words * (2 * size + 2) - 1, f"{n_words:,} vectors of {size:,} dimensions")
    rows, words = Rows(size, n_words, stream.size is not None), list[bytes]()
    number, rest = 1 if header else 0, b""  # of lines so far
    while True:
        block = stream.read(_BLOCK)
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if len(rest) > _LONGEST:
            raise StorageError(
                f"{stream.path}: not a .txt file of word vectors, or damaged: a line of {len(rest):,} bytes."
            )
        if not block and rest:
            lines.append(rest)
        lines = [line for line in lines if line.strip()]
        if n_words is not None and len(words) + len(lines) > n_words:
            raise StorageError(
                f"{stream.path}: its header promises {n_words:,} vectors, but there are more. Correct the first "
                "line, or remove it: without a header all lines are read."
            )
        if lines:
            _parse(stream, lines, number, rows, words)
        number += len(lines)
        if not block:
            break
    if n_words is not None and rows.n < n_words:
        raise StorageError(
            f"{stream.path}: damaged or truncated: its header promises {n_words:,} vectors, but it has {rows.n:,}. "
            "Download or copy it again."
        )
    names = decoded(words, unicode_errors, stream)
    return WordVectors(*without_duplicates(names, rows.table(), str(stream.path)))


def _size_of(stream: VectorStream) -> int:
    """D of a text without a header: the usual number of numbers in its first lines, as words may contain blanks."""
    start = stream.peek(1 << 20)
    lines = start.split(b"\n")
    if len(lines) > 1:
        lines.pop()  # perhaps incomplete
    sizes = [len(line.split()) - 1 for line in lines[:100] if line.strip()]
    usual = max(sizes, key=sizes.count, default=0)  # of several the first
    if usual < 1 or not looks_like_text(lines[0], usual):
        raise StorageError(
            f"{stream.path}: not a .txt file of word vectors, or damaged: its first line is {lines[0][:60]!r}; "
            "expected the number of words and the dimension, or a word and its numbers."
        )
    return usual


def _parse(stream: VectorStream, lines: list[bytes], number: int, rows: Rows, words: list[bytes]) -> None:
    """Parse lines, of which `number` came before."""
    size, numbers = rows.size, []
    for i, line in enumerate(lines):
        line = line.rstrip()
        word, _, values = line.partition(b" ")
        if values.count(b" ") != size - 1:
            parts = line.rsplit(None, size)
            if len(parts) != size + 1:
                found = len(line.split()) - 1
                raise StorageError(
                    f"{stream.path}: not a .txt file of word vectors, or damaged: line {number + i + 1:,} has "
                    f"{max(found, 0)} numbers; expected {size}."
                )
            word, values = parts[0], b" ".join(parts[1:])
        if not word:
            raise StorageError(
                f"{stream.path}: damaged: line {number + i + 1:,} has no word; expected one before numbers."
            )
        words.append(word)
        numbers.append(values)
    table = _numbers(b" ".join(numbers))
    if table is None or len(table) != size * len(lines):
        wrong = next((i for i, text in enumerate(numbers) if _count(text) != size), 0)
        raise StorageError(
            f"{stream.path}: not a .txt file of word vectors, or damaged: line {number + wrong + 1:,} has something "
            f"that is no number: {lines[wrong][:60]!r}..."
        )
    rows.add(table.reshape(-1, size))


def _numbers(text: bytes) -> NDArray[np.float32] | None:
    """The numbers of a text; fewer than it has words, or None, if something is no number: NumPy stops there."""
    with warnings_ignored(DeprecationWarning):  # NumPy's; a later one will raise
        try:
            # The last number is always one. Without it, "1 2x" would have two numbers.
            found: NDArray[np.float32] = np.fromstring(text + b" 0", np.float32, sep=" ")[:-1]
        except (ValueError, DeprecationWarning):
            return None
    return found


def _count(text: bytes) -> int:
    found = _numbers(text)
    return -1 if found is None else len(found)


def decoded(words: list[bytes], unicode_errors: str, stream: VectorStream) -> list[str]:
    """The words as str."""
    try:
        return [word.decode("utf-8", unicode_errors) for word in words]
    except UnicodeDecodeError as error:
        raise StorageError(
            f"{stream.path}: the word {bytes(error.object)[:60]!r} is not UTF-8. Read it with "
            "unicode_errors='replace' or 'ignore', if the file is otherwise intact."
        ) from error


def check_writable(words: list[str], forbidden: str, kind: str) -> None:
    """Raise :class:`InvalidArgumentError` if a word contains a border of the format, or is too long.

    The readers take a word beyond `LONGEST_WORD` for a file of another kind.
    """
    longest = max(words, key=len, default="")
    if 4 * len(longest) > LONGEST_WORD:
        size = max(len(word.encode("utf-8", "surrogatepass")) for word in words if 4 * len(word) > LONGEST_WORD)
        if size > LONGEST_WORD:
            raise InvalidArgumentError(
                f"a word of {size:,} bytes, which {kind} cannot hold: words of at most {LONGEST_WORD:,} bytes are "
                "read. Write .safetensors or .kerazoo."
            )
    if not any(character in word for character in forbidden for word in words):
        return
    wrong = next(word for word in words if any(character in word for character in forbidden))
    raise InvalidArgumentError(
        f"the word {wrong!r} contains white space, which {kind} cannot hold, as other programs would read it as "
        "several words. Write .safetensors, .kv or .kerazoo, or replace the white space (word.replace(' ', '_'))."
    )


def write_text(vectors: WordVectors, file: BinaryIO) -> None:
    """Write word2vec's text format; nine digits, so that float32 numbers read back the same."""
    check_writable(vectors.words, " \n", "a text file")
    form = " ".join(["%s", *["%.9g"] * vectors.vector_size]) + "\n"
    file.write(f"{len(vectors)} {vectors.vector_size}\n".encode())
    step = max(1, _BLOCK // (12 * vectors.vector_size))
    with progress_bar(len(vectors), "vector", "writing") as bar:
        for begin in range(0, len(vectors), step):
            block = vectors.vectors[begin : begin + step].tolist()
            names = vectors.words[begin : begin + step]
            lines = [form % (word, *row) for word, row in zip(names, block, strict=True)]
            file.write("".join(lines).encode("utf-8"))
            bar.update(len(names))
