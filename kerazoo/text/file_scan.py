"""Files of text, read and scanned by several threads."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import CorpusError
from kerazoo.text.readers import Chunk, is_compressed, read_chunks
from kerazoo_ext._scan import PADDING, InvalidUtf8Error, Scanner

__all__ = ["FileScan", "Scanned", "scan_chunk"]

# The ids of all chunks go into one array, reserved for as many as the first chunk leads to expect, times this. Memory
# that is reserved and not used is not touched. The estimate for compressed files is coarse.
_SLACK, _SLACK_COMPRESSED = 1.25, 2.0
_LEAST_ROOM = 1 << 20  # ids


class Text(NamedTuple):
    """Text with padding behind its `size` bytes."""

    buffer: Any
    size: int


@dataclass
class Scanned:
    """The chunk with this number, scanned with word table number `table`; or the error that it ended with."""

    number: int
    ids: NDArray[np.int32]
    line_ends: NDArray[np.int32]
    table: int
    consumed: int
    error: Exception | None = None


class FileScan:
    """What threads share that read and scan files. They take turns to read, and decompress, the next chunk.

    Each thread scans the chunks that it has read, because they are in the cache of its core.

    Args:
        files: text files, compressed or not.
        size: int, bytes per chunk.
        errors: what to do with bytes that are not UTF-8, as in :meth:`EncodedCorpus.from_source`.
        in_memory: whether the ids of all chunks are kept in memory.

    Attributes:
        scanners: the word tables, one for each thread that has scanned.
    """

    def __init__(self, files: Sequence[Path], size: int, errors: str, in_memory: bool) -> None:
        # A random seed, so that no text can be constructed to collide. Results do not depend on it.
        self._seed = (secrets.randbits(64), secrets.randbits(64))
        self._size, self._errors, self._in_memory = size, errors, in_memory
        self.scanners: list[Scanner] = []
        self._chunks = read_chunks(files, size, self._new_buffer)
        self._buffers: deque[NDArray[np.uint8]] = deque()
        self._left = sum(file.stat().st_size for file in files)  # bytes on the disk
        self._room = np.zeros(0, np.int32)
        self._numbers = itertools.count()
        self._reading = threading.Lock()
        self._own = threading.local()

    def _new_buffer(self, n: int) -> NDArray[np.uint8]:
        if n <= self._size + PADDING and self._buffers:
            return self._buffers.pop()
        return np.empty(n, np.uint8)

    def next(self) -> Scanned | None:
        """Read and scan the next chunk; None at the end of the text, and after a chunk that could not be read."""
        nothing = np.zeros(0, np.int32)
        with self._reading:
            if not hasattr(self._own, "table"):
                self._own.table = len(self.scanners)
                self.scanners.append(Scanner(self._seed))
            scanner = self.scanners[self._own.table]
            found = Scanned(-1, nothing, nothing, self._own.table, 0)
            try:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return None
                found.number = next(self._numbers)
                text, n_words, n_lines = count_chunk(scanner, chunk, self._errors)
                found.ids = self._room_for(n_words, chunk) if self._in_memory else np.empty(n_words, np.int32)
            except Exception as error:
                found.error = error
                found.number = next(self._numbers) if found.number < 0 else found.number
                return found
        try:
            found.line_ends, found.consumed = encode_chunk(scanner, chunk, text, n_lines, found.ids), chunk.consumed
        except Exception as error:
            found.error = error
        if len(chunk.buffer) == self._size + PADDING:
            self._buffers.append(chunk.buffer)
        return found

    def _room_for(self, n_words: int, chunk: Chunk) -> NDArray[np.int32]:
        """Where the ids of the next chunk go: behind those of the chunk before it."""
        if n_words > len(self._room):
            wanted = _LEAST_ROOM
            if chunk.consumed:
                slack = _SLACK_COMPRESSED if is_compressed(chunk.path) else _SLACK
                wanted = int(self._left / chunk.consumed * n_words * slack)
            try:
                self._room = np.empty(max(wanted, n_words), np.int32)
            except MemoryError:  # perhaps the estimate is far too high
                self._room = np.empty(max(_LEAST_ROOM, n_words), np.int32)
        self._left -= chunk.consumed
        room, self._room = self._room[:n_words], self._room[n_words:]
        return room

    def close(self) -> None:
        """Close the file, when no thread reads."""
        self._chunks.close()


def scan_chunk(scanner: Scanner, chunk: Chunk, errors: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The provisional ids (n,) of the words of a chunk, and the end of each line, 0 to n."""
    text, n_words, n_lines = count_chunk(scanner, chunk, errors)
    ids = np.empty(n_words, np.int32)
    return ids, encode_chunk(scanner, chunk, text, n_lines, ids)


def count_chunk(scanner: Scanner, chunk: Chunk, errors: str) -> tuple[Text, int, int]:
    """The first half of :func:`scan_chunk`: the text, which is UTF-8, and the numbers of its words and line ends."""
    text = Text(chunk.buffer, chunk.size)
    try:
        return text, *scanner.count(*text)
    except InvalidUtf8Error as error:
        if errors == "strict":
            raise not_utf8(chunk, error.position) from None
    valid = chunk.buffer[: chunk.size].tobytes().decode("utf-8", errors).encode("utf-8")
    text = Text(valid + bytes(PADDING), len(valid))
    return text, *scanner.count(*text)


def encode_chunk(scanner: Scanner, chunk: Chunk, text: Text, n_lines: int, ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The second half of :func:`scan_chunk`: writes the `ids` and returns the end of each line."""
    line_ends = np.empty(n_lines, np.int32)
    scanner.encode(*text, ids, line_ends)
    return np.append(line_ends, np.int32(len(ids))) if chunk.ends_line else line_ends


def not_utf8(chunk: Chunk, position: int) -> CorpusError:
    """The error for a byte that is not UTF-8, with a guess at the type of the file."""
    data = chunk.buffer[: chunk.size].tobytes()
    guess = ""
    if chunk.offset == 0:
        for mark, name in _MARKS.items():
            if data.startswith(mark):
                guess = f" It looks like {name}."
    return CorpusError(
        f"{chunk.path}: byte 0x{data[position]:02x} at position {chunk.offset + position:,} of the text is not UTF-8."
        f"{guess} Convert the file (iconv -f ENCODING -t UTF-8), or pass errors='replace' or errors='ignore'."
    )


_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip: give the file the suffix .gz",
    b"\xfd7zXZ\x00": "xz: give the file the suffix .xz",
    b"\x28\xb5\x2f\xfd": "zstd: give the file the suffix .zst",
    b"BZh9": "bzip2: give the file the suffix .bz2",
}
