"""Parts: what the scan of a unit leaves in the work folder.

A part is a stretch of text whose words were counted in one table. Its files, all little-endian and without headers:

- ``NAME.ids``: int32, the provisional id of each word: its number in the table of the part, by first occurrence;
- ``NAME.lines``: int32, the end of each line, in words from the start of its chunk;
- ``NAME.words``: the table, with the words sorted into buckets by a hash of their bytes that is the same everywhere:
  `word_begins` and `byte_begins` int64 (n_buckets + 1,), `chunks` int64 (n_chunks, 2), the words and the lines of each
  chunk, `counts` int64 and `order` int32 (n_types,), count and provisional id of each word, and `text` uint8, the
  words, each with a line end;
- ``NAME.map``: int32 (n_types,), the final id of each provisional one, once it is known.

Their names are never used twice, and they count only once the record of their unit names them. So two tasks that scan
the same unit, of which a cluster may have lost one, do not disturb each other.
"""

from __future__ import annotations

import errno
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import StorageError
from kerazoo_ext._scan import Scanner

__all__ = ["PartInfo", "PartWriter", "Words", "add_to_sum", "damaged", "disk_error", "read_array", "write_array"]


@dataclass(frozen=True)
class PartInfo:
    """A part, without its contents.

    Attributes:
        name: of its files.
        n_words: int, words of its text.
        n_types: int, distinct words.
        n_lines: int, line ends.
        n_chunks: int, chunks that its text was read in.
        n_bytes: int, bytes of its distinct words, with line ends.
        first_line: int, words before the first line end; all words if there is none.
        n_filled: int, lines with a word that end in the part, without the first line.
        open_words: int, words behind the last line end; all words if there is none.
        ids_sum: checksum of ``NAME.ids``, see :func:`add_to_sum`.
        lines_sum: checksum of ``NAME.lines``.
        words_crc: CRC-32 of ``NAME.words``.
    """

    name: str
    n_words: int
    n_types: int
    n_lines: int
    n_chunks: int
    n_bytes: int
    first_line: int
    n_filled: int
    open_words: int
    ids_sum: int
    lines_sum: int
    words_crc: int

    def sizes(self, n_buckets: int) -> dict[str, int]:
        """Suffix -> size in bytes of each file that the scan writes."""
        words = 8 * (2 * (n_buckets + 1) + 2 * self.n_chunks + self.n_types) + 4 * self.n_types + self.n_bytes
        return {"ids": 4 * self.n_words, "lines": 4 * self.n_lines, "words": words}


class PartWriter:
    """Writes the files of one part, chunk by chunk.

    Args:
        folder: the work folder.
        name: of the files, not yet in use.

    Raises:
        StorageError: they cannot be written.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._files: dict[str, BinaryIO] = {}
        self._sums = {"ids": 0, "lines": 0}
        try:
            for suffix in self._sums:
                self._files[suffix] = open(folder / f"{name}.{suffix}", "xb", buffering=0)  # noqa: SIM115
        except OSError as error:
            self.close()
            raise disk_error(folder, error) from error
        self._chunks: list[tuple[int, int]] = []
        self._n_words = self._n_lines = self._n_filled = 0
        self._line_begin = 0
        self._first_line: int | None = None

    def add(self, ids: NDArray[np.int32], line_ends: NDArray[np.int32]) -> None:
        """Add a chunk: provisional ids (n,) and the end of each line, 0 to n."""
        self._write("ids", ids)
        self._write("lines", line_ends)
        if len(line_ends):
            ends = line_ends.astype(np.int64) + self._n_words
            filled = np.diff(ends, prepend=self._line_begin) > 0
            if self._first_line is None:
                self._first_line = int(ends[0])
                filled = filled[1:]
            self._n_filled += int(np.count_nonzero(filled))
            self._line_begin = int(ends[-1])
        self._chunks.append((len(ids), len(line_ends)))
        self._n_words += len(ids)
        self._n_lines += len(line_ends)

    def finish(self, scanner: Scanner, n_buckets: int) -> PartInfo:
        """Write the words of the table and close the files."""
        text, order, word_begins, byte_begins = scanner.export(n_buckets)
        counts = scanner.tally()[order]
        chunks = np.array(self._chunks, np.int64).reshape(-1)
        words_crc = write_array(
            self.folder / f"{self.name}.words", word_begins, byte_begins, chunks, counts, order, text
        )
        self.close()
        first_line = self._n_words if self._first_line is None else self._first_line
        open_words = self._n_words - self._line_begin
        return PartInfo(
            self.name, self._n_words, len(order), self._n_lines, len(self._chunks), len(text), first_line,
            self._n_filled, open_words, self._sums["ids"], self._sums["lines"], words_crc,
        )  # fmt: skip

    def close(self) -> None:
        """Close the files; those of a part that is not finished are of no use."""
        for file in self._files.values():
            file.close()

    def _write(self, suffix: str, array: NDArray[Any]) -> None:
        self._sums[suffix] = add_to_sum(self._sums[suffix], array)
        view = array.view(np.uint8).data
        try:
            while view:
                view = view[self._files[suffix].write(view) :]
        except OSError as error:
            raise disk_error(self.folder, error) from error


def add_to_sum(checksum: int, array: NDArray[np.int32]) -> int:
    """The checksum of a file after another chunk of it: the sum of its 64-bit numbers, on a multiple of that before.

    Finds lost, swapped and changed chunks; zlib's CRC-32 takes as long as everything else that is done with the ids.
    """
    even = len(array) // 2 * 2
    total = int(array[:even].view(np.uint64).sum()) + int(array[even:].sum())
    return (checksum * 0x9E3779B97F4A7C15 + total + len(array)) % (1 << 64)


class Words:
    """The file ``NAME.words`` of a part, read in pieces. A context manager.

    Args:
        folder: the work folder.
        part: the part.
        n_buckets: int, that it was written with.

    Raises:
        StorageError: the file is missing or cut short.
    """

    def __init__(self, folder: Path, part: PartInfo, n_buckets: int) -> None:
        self._path = folder / f"{part.name}.words"
        self._part, self._n_buckets = part, n_buckets
        try:
            self._file: BinaryIO = open(self._path, "rb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise damaged(self._path, str(error.strerror or error)) from error

    def __enter__(self) -> Words:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def index(self) -> NDArray[np.int64]:
        """int64 (2, n_buckets + 1): `word_begins` and `byte_begins`."""
        return self._read(0, np.int64, 2 * (self._n_buckets + 1)).reshape(2, -1)

    def span(self, first: int, last: int) -> tuple[int, int, int, int]:
        """First word, word after the last, first byte and byte after the last of the buckets first..last - 1."""
        width = 8 * (self._n_buckets + 1)
        places = [self._read(row * width + 8 * bucket, np.int64, 1) for row in (0, 1) for bucket in (first, last)]
        words_begin, words_end, bytes_begin, bytes_end = (int(place[0]) for place in places)
        return words_begin, words_end, bytes_begin, bytes_end

    def chunks(self) -> NDArray[np.int64]:
        """int64 (n_chunks, 2): words and lines of each chunk."""
        return self._read(16 * (self._n_buckets + 1), np.int64, 2 * self._part.n_chunks).reshape(-1, 2)

    def counts(self, begin: int, end: int) -> NDArray[np.int64]:
        """int64 (end - begin,): counts of these words, in the order of the buckets."""
        return self._read(self._counts_place() + 8 * begin, np.int64, end - begin)

    def order(self, begin: int, end: int) -> NDArray[np.int32]:
        """int32 (end - begin,): provisional ids of these words, in the order of the buckets."""
        return self._read(self._counts_place() + 8 * self._part.n_types + 4 * begin, np.int32, end - begin)

    def text(self, begin: int, end: int, padding: int) -> NDArray[np.uint8]:
        """uint8 (end - begin + padding,): these bytes of the words, then zeros."""
        place = self._counts_place() + 12 * self._part.n_types + begin
        return self._read(place, np.uint8, end - begin, padding)

    def _counts_place(self) -> int:
        return 16 * (self._n_buckets + 1) + 16 * self._part.n_chunks

    def _read(self, place: int, dtype: Any, count: int, padding: int = 0) -> NDArray[Any]:
        return read_array(self._file, self._path, place, dtype, count, padding)


def read_array(file: BinaryIO, path: Path, place: int, dtype: Any, count: int, padding: int = 0) -> NDArray[Any]:
    """`count` values from byte `place` of an open file on, then `padding` zeros; :class:`StorageError` if it is cut."""
    array = np.empty(count + padding, dtype)
    array[count:] = 0
    view = array[:count].view(np.uint8).data
    try:
        file.seek(place)
        while view:
            got = file.readinto(view)  # type: ignore[attr-defined]
            if not got:
                raise damaged(path, "it was cut short")
            view = view[got:]
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise damaged(path, str(error.strerror or error)) from error
    return array


def write_array(path: Path, *arrays: NDArray[Any]) -> int:
    """Write arrays end to end to a new file; returns the CRC-32 of its bytes."""
    checksum = 0
    try:
        with open(path, "xb", buffering=0) as file:
            for array in arrays:
                view = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
                checksum = zlib.crc32(view, checksum)
                while view:
                    view = view[file.write(view) :]
    except OSError as error:
        raise disk_error(path.parent, error) from error
    return checksum


def damaged(path: Path, reason: str) -> StorageError:
    """The error for a file of a part that does not hold what was written."""
    return StorageError(
        f"{os.fspath(path)}: damaged: {reason}. Make the same call again: the text of this part is scanned again, the "
        "other parts are kept."
    )


def disk_error(folder: Path, error: OSError) -> StorageError:
    """The error for a file in the work folder that cannot be written."""
    remedy = "The folder must exist and be writable. Make the same call again then: what is finished is kept."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        remedy = (
            "The encoding of a corpus to a file takes 4 bytes per word for its parts and as much for the file. Make "
            "room and make the same call again: what is finished is kept."
        )
    return StorageError(f"{os.fspath(folder)}: cannot be written ({error.strerror or error}). {remedy}")
