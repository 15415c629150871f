"""Read a part of a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import CorpusError
from kerazoo.text.readers import CUTS, Chunk, chunks_of, open_text

__all__ = ["read_span"]


def read_span(
    path: Path,
    begin: int,
    end: int | None,
    size: int,
    new_buffer: Callable[[int], NDArray[np.uint8]] = lambda capacity: np.empty(capacity, np.uint8),
) -> Iterator[Chunk]:
    """Read a part of a file in chunks, as :func:`read_chunks` does the whole.

    Both ends are moved on behind the next white space, so that the spans 0 to a, a to b, b to None of a file contain
    every word once and give the lines of the file.

    Args:
        path: a text file; a compressed one only as a whole.
        begin: int >= 0, the first byte.
        end: the byte after the last one; None: the end of the file.
        size: int, bytes per chunk.
        new_buffer: as in :func:`read_chunks`.
    """
    with open_text(path) as (stream, raw):
        if begin == 0 and end is None:
            yield from chunks_of(path, stream, raw, size, new_buffer)
            return
        stop = None if end is None else _behind_space(path, raw, end)
        start = 0 if begin == 0 else _behind_space(path, raw, begin)
        last = ord("\n")
        try:
            if start:
                raw.seek(start - 1)
                last = (raw.read(1) or b"\n")[0]
            raw.seek(start)
        except OSError as error:
            raise _unreadable(path, error) from error
        source: Any = raw if stop is None else _Until(raw, stop)
        yield from chunks_of(path, source, raw, size, new_buffer, start, last, whole=stop is None)


def _behind_space(path: Path, raw: BinaryIO, place: int) -> int:
    """The place behind the first ASCII white space from byte `place` - 1 on, or the end of the file."""
    try:
        raw.seek(place - 1)
        while block := raw.read(1 << 12):
            found = np.flatnonzero(CUTS[np.frombuffer(block, np.uint8)])
            if found.size:
                return raw.tell() - len(block) + int(found[0]) + 1
        return raw.tell()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"{path}: cannot be read ({error.strerror or error}).")


class _Until(io.RawIOBase):
    """The bytes of a file from where it stands up to byte `end`."""

    def __init__(self, raw: BinaryIO, end: int) -> None:
        self._raw, self._left = raw, max(0, end - raw.tell())

    def readinto(self, target: Any) -> int:
        """Fill `target` from its start; returns the number of bytes, 0 at the end."""
        got: int = self._raw.readinto(target[: self._left])  # type: ignore[attr-defined]
        self._left -= got
        return got
