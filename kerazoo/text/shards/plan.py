"""Files of text -> units of work, and what identifies a file."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerazoo.errors import CorpusError, CorpusNotFoundError
from kerazoo.text.readers import is_compressed

__all__ = ["UNIT_BYTES", "Piece", "Unit", "check_unchanged", "is_large", "plan_units"]

UNIT_BYTES = 64 << 20  # of text: a unit is what a killed run may have to do again, times the number of workers
_MOST_UNITS = 1024  # beyond, units are doubled in size
_EXPANSION = 4  # bytes of text per byte of a compressed file, about


@dataclass(frozen=True)
class Piece:
    """A text file, or a span of it.

    Attributes:
        path: absolute path of the file.
        begin: int, first byte of the span; see :func:`kerazoo.text.shards.spans.read_span`.
        end: int, byte after the span; None: the end of the file.
        size: int, bytes of the file when the work was planned.
        mtime_ns: int, time of its last change, in nanoseconds.
    """

    path: str
    begin: int
    end: int | None
    size: int
    mtime_ns: int

    @property
    def n_bytes(self) -> int:
        """Bytes on the disk of the span."""
        return (self.size if self.end is None else self.end) - self.begin


@dataclass(frozen=True)
class Unit:
    """Pieces of text that one task scans, in order: a file, a span of a large one, or several small ones."""

    pieces: tuple[Piece, ...]

    @property
    def key(self) -> str:
        """Name of the unit: the same in every run that plans the same spans of the same files."""
        spans = [[piece.path, piece.begin, piece.end] for piece in self.pieces]
        return hashlib.blake2b(json.dumps(spans).encode(), digest_size=8).hexdigest()

    @property
    def n_bytes(self) -> int:
        """Bytes on the disk of all pieces."""
        return sum(piece.n_bytes for piece in self.pieces)


def plan_units(files: Sequence[Path], unit_bytes: int | None = None) -> list[Unit] | None:
    """Cut and group files into units of about `unit_bytes` of text, in order.

    A plain file of two units or more is cut into spans. A compressed file can only be read from its start, so it is one
    unit. Small files are grouped. The plan depends on the files and their sizes only, so that a run that was killed
    finds its units again.

    Args:
        files: in the order of the text.
        unit_bytes: int >= 1; default :data:`UNIT_BYTES`, doubled until there are at most 1024 units.

    Returns:
        The units; None if a file is not a regular one, such as a pipe, which can be read only once.

    Raises:
        CorpusNotFoundError: a file is not there any more.
    """
    statuses = [_status(file) for file in files]
    if not all(stat.S_ISREG(status.st_mode) for status in statuses):
        return None
    weights = [
        status.st_size * (_EXPANSION if is_compressed(file) else 1)
        for file, status in zip(files, statuses, strict=True)
    ]
    size = unit_bytes or UNIT_BYTES
    while unit_bytes is None and sum(weights) > size * _MOST_UNITS:
        size *= 2
    units: list[Unit] = []
    group: list[Piece] = []
    weight_of_group = 0
    for file, status, weight in zip(files, statuses, weights, strict=True):
        path = os.path.abspath(file)
        if group and weight_of_group + weight > size:
            units.append(Unit(tuple(group)))
            group, weight_of_group = [], 0
        n_spans = 1 if is_compressed(file) else max(1, status.st_size // size)
        for number in range(n_spans - 1):
            piece = Piece(path, number * size, (number + 1) * size, status.st_size, status.st_mtime_ns)
            units.append(Unit((piece,)))
        group.append(Piece(path, (n_spans - 1) * size, None, status.st_size, status.st_mtime_ns))
        weight_of_group += weight - (n_spans - 1) * size
    if group:
        units.append(Unit(tuple(group)))
    return units


def is_large(units: Sequence[Unit]) -> bool:
    """Whether a text is worth parts: it has more than one unit, or a compressed file that is like several."""
    pieces = [piece for unit in units for piece in unit.pieces]
    return len(units) > 1 or any(
        is_compressed(Path(piece.path)) and piece.size * _EXPANSION > UNIT_BYTES for piece in pieces
    )


def check_unchanged(pieces: Sequence[Piece]) -> None:
    """Raise :class:`CorpusError` if a file is not as it was when the work was planned."""
    for piece in {piece.path: piece for piece in pieces}.values():
        status = _status(Path(piece.path))
        if (status.st_size, status.st_mtime_ns) != (piece.size, piece.mtime_ns):
            raise CorpusError(
                f"{piece.path}: changed while the corpus was encoded: it had {piece.size:,} bytes, now it has "
                f"{status.st_size:,}. Make the same call again when the file is complete: it is scanned again, and "
                "what is finished of the others is kept."
            )


def _status(file: Path) -> os.stat_result:
    try:
        return os.stat(file)
    except FileNotFoundError:
        raise CorpusNotFoundError(
            f"{file}: is not there any more. Restore it and make the same call again: what is finished of the other "
            "files is kept."
        ) from None
    except OSError as error:
        raise CorpusError(f"{file}: cannot be read ({error.strerror or error}).") from error
