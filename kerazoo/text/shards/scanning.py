"""Scan units: read, decompress and count their text, and leave parts and a record in the work folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import put_in_place
from kerazoo.text.encoding import CHUNK
from kerazoo.text.file_scan import scan_chunk
from kerazoo.text.readers import Chunk, is_compressed
from kerazoo.text.shards.parts import PartInfo, PartWriter, disk_error
from kerazoo.text.shards.plan import Piece, Unit, check_unchanged
from kerazoo.text.shards.spans import read_span
from kerazoo.text.shards.tasks import stop_if_asked
from kerazoo_ext._scan import PADDING, Scanner

__all__ = ["ScanOptions", "UnitInfo", "find_unit", "forget_part", "scan_unit"]

FORMAT = 1


@dataclass(frozen=True)
class ScanOptions:
    """How units are scanned.

    Attributes:
        errors: ``"strict"``, ``"replace"`` or ``"ignore"``: what to do with bytes that are not UTF-8.
        most_types: int >= 1, distinct words at which a part ends. It bounds the memory of a task: about 64 bytes per
            word, and half as much again when the table grows. The last chunk may bring more.
        most_bytes: int >= 1, bytes of words of more than 16 bytes at which a part ends.
        n_buckets: int, buckets that the words are sorted into. All parts must have the same.
        chunk: int, bytes of text that are scanned at a time.
        read_ahead: whether compressed files are decompressed by a thread beside that of the task: where there are
            fewer units than threads.
    """

    errors: str = "strict"
    most_types: int = 500_000
    most_bytes: int = 32 << 20
    n_buckets: int = 4096
    chunk: int = CHUNK
    read_ahead: bool = False


@dataclass(frozen=True)
class UnitInfo:
    """A scanned unit: its text and its parts, in order."""

    unit: Unit
    parts: tuple[PartInfo, ...]


def scan_unit(unit: Unit, folder: Path, options: ScanOptions) -> UnitInfo:
    """Scan the text of a unit.

    Writes the files of :mod:`kerazoo.text.shards.parts` and, when all of them are complete, the record ``KEY.json``.

    Args:
        unit: from :func:`kerazoo.text.shards.plan_units`.
        folder: the work folder.
        options: the same for all units of a corpus.

    Raises:
        CorpusError: a file is damaged, not UTF-8, or changed meanwhile.
        CorpusNotFoundError: a file does not exist.
        StorageError: the work folder cannot be written.
    """
    run = secrets.token_hex(4)  # see the docstring of `parts`
    # A random seed, so that no text can be constructed to collide. Results do not depend on it.
    seed = (secrets.randbits(64), secrets.randbits(64))
    parts: list[PartInfo] = []
    writer: PartWriter | None = None
    spare: list[NDArray[np.uint8]] = []

    def new_buffer(n: int) -> NDArray[np.uint8]:
        return spare.pop() if spare and n <= len(spare[-1]) else np.empty(n, np.uint8)

    try:
        for piece in unit.pieces:
            path = Path(piece.path)
            chunks = read_span(path, piece.begin, piece.end, options.chunk, new_buffer)
            for chunk in _ahead(chunks) if options.read_ahead and is_compressed(path) else chunks:
                stop_if_asked(chunk.consumed)
                if writer is None:
                    scanner = Scanner(seed)
                    writer = PartWriter(folder, f"{unit.key}-{run}-{len(parts):04d}")
                writer.add(*scan_chunk(scanner, chunk, options.errors))
                if len(chunk.buffer) == options.chunk + PADDING:
                    spare.append(chunk.buffer)
                if len(scanner) >= options.most_types or scanner.long_bytes >= options.most_bytes:
                    parts.append(writer.finish(scanner, options.n_buckets))
                    writer = None
        if writer is not None:
            parts.append(writer.finish(scanner, options.n_buckets))
        check_unchanged(unit.pieces)
        info = UnitInfo(unit, tuple(parts))
        _write_record(folder / f"{unit.key}.json", info, options, run)
    except BaseException:
        if writer is not None:
            writer.close()
        for file in folder.glob(f"{unit.key}-{run}-*"):
            file.unlink(missing_ok=True)
        raise
    return info


def _ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same chunks, each read and decompressed while the one before is scanned."""
    with ThreadPoolExecutor(1, thread_name_prefix="kerazoo-read") as reader:
        upcoming = reader.submit(next, chunks, None)
        while (chunk := upcoming.result()) is not None:
            upcoming = reader.submit(next, chunks, None)
            yield chunk


def find_unit(unit: Unit, folder: Path, options: ScanOptions) -> UnitInfo | None:
    """The unit as an earlier run has left it in the work folder; None if it has to be scanned.

    A record counts if the files of the text have the same size and time of change, if its parts are as long as they
    were written, and if the checksums of their words fit. (The ids are compared when they are read.) What was scanned
    with ``errors="strict"`` has no invalid bytes, so it counts with all values of `errors`.
    """
    try:
        record: Any = json.loads((folder / f"{unit.key}.json").read_text("utf-8"))
        if record["format"] != FORMAT or record["n_buckets"] != options.n_buckets:
            return None
        if record["errors"] not in ("strict", options.errors):
            return None
        if tuple(Piece(**piece) for piece in record["pieces"]) != unit.pieces:
            return None
        parts = tuple(PartInfo(**part) for part in record["parts"])
        for part in parts:
            for suffix, size in part.sizes(options.n_buckets).items():
                if (folder / f"{part.name}.{suffix}").stat().st_size != size:
                    return None
            if _checksum(folder / f"{part.name}.words") != part.words_crc:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return UnitInfo(unit, parts)


def forget_part(folder: Path, part: PartInfo) -> None:
    """Remove the record that names `part`, so that the next run scans its unit again."""
    (folder / f"{part.name.split('-')[0]}.json").unlink(missing_ok=True)


def _write_record(path: Path, info: UnitInfo, options: ScanOptions, run: str) -> None:
    record = {
        "format": FORMAT,
        "errors": options.errors,
        "n_buckets": options.n_buckets,
        "pieces": [dataclasses.asdict(piece) for piece in info.unit.pieces],
        "parts": [dataclasses.asdict(part) for part in info.parts],
    }
    # Renamed into place, but not flushed to the disk, as `replacing` does: nor are the parts. What a power failure
    # leaves of them is found out by sizes and checksums.
    draft = path.with_name(f"{path.stem}-{run}-record")
    try:
        draft.write_text(json.dumps(record), "utf-8")
        put_in_place(draft, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise disk_error(path.parent, error) from error


def _checksum(path: Path) -> int:
    checksum = 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
