"""Final ids: the parts are mapped to them and written to their places in the file of the corpus."""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.files import put_in_place
from kerazoo.errors import StorageError
from kerazoo.text.shards.merging import MergeInfo
from kerazoo.text.shards.parts import PartInfo, Words, add_to_sum, damaged, disk_error, read_array, write_array
from kerazoo.text.shards.scanning import forget_part
from kerazoo.text.shards.tasks import stop_if_asked
from kerazoo_ext._scan import compact, first_outside

__all__ = ["Place", "WrittenPart", "map_part", "place_parts", "remap_part"]


@dataclass(frozen=True)
class Place:
    """What is in the corpus before a part.

    Attributes:
        tokens: int, words with an id.
        raw_words: int, words.
        documents: int, documents that have ended.
        line_begin: int, words before the line that the part starts in.
    """

    tokens: int
    raw_words: int
    documents: int
    line_begin: int


@dataclass(frozen=True)
class WrittenPart:
    """CRC-32 and number of bytes of what a part has added to each array of the corpus."""

    ids: tuple[int, int]
    offsets: tuple[int, int]
    raw_offsets: tuple[int, int]


def map_part(
    folder: Path,
    part: PartInfo,
    number: int,
    n_buckets: int,
    merged: Sequence[MergeInfo],
    name: str,
    begins: Sequence[int],
    unknown: int,
) -> int:
    """Write ``NAME.map``, the final id of each word of the table of a part.

    Args:
        folder: the work folder.
        part: the part.
        number: int, its number in the corpus.
        n_buckets: int, that it was written with.
        merged: all merged buckets.
        name: of the selection, as are `begins` and `unknown`: see :class:`kerazoo.text.shards.merging.Selection`.
        begins: see `name`.
        unknown: see `name`.

    Returns:
        How many words of the text of the part have a final id.

    Raises:
        StorageError: a file is damaged, or the folder cannot be written.
    """
    mapping = np.empty(part.n_types, np.int32)
    selection = folder / name
    n_kept = 0
    with Words(folder, part, n_buckets) as words, open(selection, "rb", buffering=0) as final:
        for each, begin in zip(merged, begins, strict=False):
            stop_if_asked()
            first, last, _, _ = words.span(each.first, each.last)
            path = folder / f"{each.name}.places"
            with open(path, "rb", buffering=0) as file:
                start, stop = read_array(file, path, 8 * number, np.int64, 2).tolist()
                places = read_array(file, path, 8 * (each.n_parts + 1) + 4 * start, np.int32, stop - start)
            ids_of = read_array(final, selection, 4 * begin, np.int32, each.n_kept)
            ids = np.full(len(places), unknown, np.int32)
            known = places >= 0
            ids[known] = ids_of[places[known]]
            mapping[words.order(first, last)] = ids
            n_kept += int(words.counts(first, last)[ids >= 0].sum())
    draft = folder / f"{part.name}-{secrets.token_hex(4)}"
    write_array(draft, mapping)
    put_in_place(draft, folder / f"{part.name}.map")
    return n_kept


def place_parts(parts: Sequence[PartInfo], n_kept: Sequence[int]) -> list[Place]:
    """Where each part stands in the corpus, and last, the sizes of the corpus.

    Args:
        parts: in order; the last one ends with a line end, or has no word behind it.
        n_kept: of each part, what :func:`map_part` returned.
    """
    places = [Place(0, 0, 0, 0)]
    for part, kept in zip(parts, n_kept, strict=True):
        before = places[-1]
        raw_words = before.raw_words + part.n_words
        documents, line_begin = before.documents, before.line_begin
        if part.n_lines:
            documents += part.n_filled + (before.raw_words + part.first_line > line_begin)
            line_begin = raw_words - part.open_words
        places.append(Place(before.tokens + kept, raw_words, documents, line_begin))
    return places


def remap_part(
    folder: Path, part: PartInfo, n_buckets: int, place: Place, corpus: Path, positions: dict[str, int]
) -> WrittenPart:
    """Write the final ids of a part and the ends of its documents to their places in the file of the corpus.

    Tasks may write to the file at the same time, since their places do not overlap. On a network file system that holds
    only for tasks on one machine.

    Args:
        folder: the work folder.
        part: the part; ``NAME.map`` is there.
        n_buckets: int, that it was written with.
        place: what is in the corpus before it.
        corpus: the file.
        positions: "ids", "offsets", "raw_offsets" -> position of the array in the file, in bytes.

    Raises:
        StorageError: the part is damaged, in which case its unit is scanned again by the next run, or the disk is full.
    """
    outputs = {name: [0, 0] for name in ("ids", "offsets", "raw_offsets")}
    tokens, raw_words, line_begin = place.tokens, place.raw_words, place.line_begin
    starts = {
        "ids": positions["ids"] + 4 * tokens,
        "offsets": positions["offsets"] + 8 * (place.documents + 1),
        "raw_offsets": positions["raw_offsets"] + 8 * (place.documents + 1),
    }
    path = folder / f"{part.name}.map"
    with open(path, "rb", buffering=0) as file:
        mapping = read_array(file, path, 0, np.int32, part.n_types)
    try:
        with open(corpus, "rb+", buffering=0) as target:

            def write(name: str, array: NDArray[Any]) -> None:
                state = outputs[name]
                view = array.view(np.uint8).data
                target.seek(starts[name] + state[1])
                state[0], state[1] = zlib.crc32(view, state[0]), state[1] + len(view)
                while view:
                    view = view[target.write(view) :]

            for ids, line_ends in _chunks(folder, part, n_buckets):
                stop_if_asked()
                raw_ends = line_ends.astype(np.int64) + raw_words
                raw_words += len(ids)
                kept = compact(ids, mapping, line_ends)
                if len(raw_ends):
                    filled = np.diff(raw_ends, prepend=line_begin) > 0
                    line_begin = int(raw_ends[-1])
                    write("raw_offsets", raw_ends[filled])
                    write("offsets", line_ends[filled].astype(np.int64) + tokens)
                tokens += kept
                write("ids", ids[:kept])
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise disk_error(folder, error) from error
    ids_, offsets, raw_offsets = ((state[0], state[1]) for state in outputs.values())
    return WrittenPart(ids_, offsets, raw_offsets)


def _chunks(folder: Path, part: PartInfo, n_buckets: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Provisional ids and line ends of each chunk; compares the checksums at the end."""
    with Words(folder, part, n_buckets) as words:
        chunks = words.chunks().tolist()
    paths = [folder / f"{part.name}.{suffix}" for suffix in ("ids", "lines")]
    sums = [0, 0]
    places = [0, 0]
    try:
        with open(paths[0], "rb", buffering=0) as ids_file, open(paths[1], "rb", buffering=0) as lines_file:
            for sizes in chunks:
                arrays = []
                for which, file in enumerate((ids_file, lines_file)):
                    array = read_array(file, paths[which], places[which], np.int32, sizes[which])
                    places[which] += array.nbytes
                    sums[which] = add_to_sum(sums[which], array)
                    arrays.append(array)
                # The kernel trusts them, so they are checked before the checksum is complete.
                if first_outside(arrays[0], part.n_types) >= 0:
                    raise damaged(paths[0], "it has ids that are not in its table")
                ends = np.concatenate([[0], arrays[1], [len(arrays[0])]])
                if (np.diff(ends) < 0).any():
                    raise damaged(paths[1], "its line ends do not fit the words")
                yield arrays[0], arrays[1]
        for which in (0, 1):
            if sums[which] != (part.ids_sum, part.lines_sum)[which]:
                raise damaged(paths[which], "its checksum does not fit its data")
    except FileNotFoundError as error:
        forget_part(folder, part)
        raise damaged(Path(os.fsdecode(error.filename)), "it is not there any more") from error
    except StorageError:
        forget_part(folder, part)
        raise
