"""Files of text, read and scanned by several threads."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import CorpusError
from kerazoo.text.readers import Chunk, read_chunks
from kerazoo_ext._scan import PADDING, InvalidUtf8Error, Scanner

__all__ = ["FileScan", "Scanned", "scan_chunk"]

# Ids of several chunks are in one array of this many, for which NumPy requests huge pages: the first touch of many
# small pages takes longer. A text of one chunk has an array of its own.
_ROOM = 1 << 22


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
                self._own.table, self._own.room = len(self.scanners), None
                self.scanners.append(Scanner(self._seed))
            found = Scanned(-1, nothing, nothing, self._own.table, 0)
            try:
                chunk = next(self._chunks, None)
            except Exception as error:
                found.error = error
            else:
                if chunk is None:
                    return None
            found.number = next(self._numbers)
        if found.error is not None or chunk is None:
            return found
        try:
            self._scan(chunk, found)
        except Exception as error:
            found.error = error
        if len(chunk.buffer) == self._size + PADDING:
            self._buffers.append(chunk.buffer)
        return found

    def _scan(self, chunk: Chunk, found: Scanned) -> None:
        own, room = self._own, self._own.room
        if self._in_memory and found.number > 0 and (room is None or len(room) < self._size // 4):
            room = np.empty(max(_ROOM, self._size), np.int32)
        found.ids, found.line_ends = scan_chunk(self.scanners[own.table], chunk, self._errors, room)
        found.consumed = chunk.consumed
        own.room = None if room is None else room[len(found.ids) :]

    def close(self) -> None:
        """Close the file, when no thread reads."""
        self._chunks.close()


def scan_chunk(
    scanner: Scanner, chunk: Chunk, errors: str, room: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The provisional ids (n,) of the words of a chunk, in `room` if they fit, and the end of each line, 0 to n."""
    try:
        ids, line_ends = scanner.scan(chunk.buffer, chunk.size, room)
    except InvalidUtf8Error as error:
        if errors == "strict":
            raise not_utf8(chunk, error.position) from None
        text = chunk.buffer[: chunk.size].tobytes().decode("utf-8", errors).encode("utf-8")
        ids, line_ends = scanner.scan(text + bytes(PADDING), len(text), room)
    if chunk.ends_line:
        line_ends = np.append(line_ends, np.int32(len(ids)))
    return ids, line_ends


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
