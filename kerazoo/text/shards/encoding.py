"""Encode files to the file of a corpus, task by task."""

from __future__ import annotations

import dataclasses
import os
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo._runtime.files import put_in_place
from kerazoo._runtime.tensor_regions import joined_crc32, reserve_tensors, seal_tensors
from kerazoo.errors import KerazooError
from kerazoo.text.encoding import Limits, check_not_empty, progress_bar
from kerazoo.text.shards.folder import WorkFolder
from kerazoo.text.shards.merging import MergeInfo, Selection, limit_of, merge_buckets, plan_buckets, select, write_known
from kerazoo.text.shards.parts import PartInfo, disk_error
from kerazoo.text.shards.plan import Unit, check_unchanged
from kerazoo.text.shards.scanning import ScanOptions, UnitInfo, find_unit, scan_unit
from kerazoo.text.shards.tasks import RunTasks, in_threads
from kerazoo.text.shards.writing import Place, WrittenPart, map_part, place_parts, remap_part

__all__ = ["encode_units"]

IDS = "ids"
OFFSETS = ("offsets", "raw_offsets")


def encode_units(
    units: Sequence[Unit],
    path: str | os.PathLike[str],
    limits: Limits,
    *,
    kind: str,
    options: ScanOptions | None = None,
    workers: int = 1,
    progress: bool | None = False,
    run_tasks: RunTasks | None = None,
) -> None:
    """Count and encode the text of `units`, and write the corpus to `path`.

    The result is that of :func:`kerazoo.text.encoding.encode_files`. A run that was killed or that failed is continued
    by the same call: units that are finished are not scanned again.

    Args:
        units: from :func:`kerazoo.text.shards.plan_units`.
        path: file of the corpus; replaced, when it is complete.
        limits: which words get an id. They may differ from those of the run that is continued.
        kind: of the file, see :func:`kerazoo._runtime.files.write_tensors`.
        options: of the scan.
        workers: int >= 1, threads.
        progress: whether to show progress bars; None shows them on a terminal after two seconds.
        run_tasks: how the tasks of scanning, merging and mapping are run, such as on other machines that have the
            folder of `path`; default: in threads. The file is always written by threads of this process.

    Raises:
        CorpusError: the text is empty, damaged, not UTF-8, or changed since.
        CorpusNotFoundError: a file does not exist.
        VocabularyError: no word is left.
        StorageError: the folder of `path` cannot be written, or a part is damaged.
    """
    options = options or ScanOptions()
    if len(units) < workers:
        options = dataclasses.replace(options, read_ahead=True)
    target = Path(os.path.abspath(path))
    with WorkFolder(target, units) as folder:
        run = _Run(folder.path, options, limits, progress, in_threads(workers), run_tasks or in_threads(workers))
        parts = run.scan(units, folder, None if run_tasks is not None else workers)
        merged, selection = run.count(parts, units)
        check_unchanged([piece for unit in units for piece in unit.pieces])
        run.write(parts, merged, selection, target, kind)


@dataclass
class _Run:
    """One run: the steps of :func:`encode_units`."""

    folder: Path
    options: ScanOptions
    limits: Limits
    progress: bool | None
    run_here: RunTasks
    run_tasks: RunTasks

    def scan(self, units: Sequence[Unit], folder: WorkFolder, workers: int | None) -> list[PartInfo]:
        """The parts of all units, in order; those that an earlier run has finished are kept.

        With `workers`, the threads here move the progress bar while they scan; else it moves when a unit is finished.
        """
        asked = ((unit, self.folder, self.options) for unit in units)
        found: list[UnitInfo | None] = list(self.run_here(find_unit, asked))
        folder.tidy([info for info in found if info is not None])
        missing = [number for number, info in enumerate(found) if info is None]
        with progress_bar(self.progress, sum(unit.n_bytes for unit in units), "B", "scan") as bar:
            bar.update(sum(info.unit.n_bytes for info in found if info is not None))
            lock = threading.Lock()

            def report(n_bytes: int) -> None:
                with lock:
                    bar.update(n_bytes)

            run_tasks = self.run_tasks if workers is None else in_threads(workers, report)
            tasks = ((units[number], self.folder, self.options) for number in missing)
            for number, info in zip(missing, run_tasks(scan_unit, tasks), strict=True):
                found[number] = info
                if workers is None:
                    bar.update(units[number].n_bytes)
        return [part for info in found if info is not None for part in info.parts]

    def count(self, parts: Sequence[PartInfo], units: Sequence[Unit]) -> tuple[list[MergeInfo], Selection]:
        """The merged buckets and the vocabulary."""
        files = {piece.path: None for unit in units for piece in unit.pieces}
        some = np.zeros(int(any(part.n_types for part in parts)), np.int64)
        check_not_empty(some, f"{len(files)} file(s), the first is {next(iter(files))!r}")
        limits, options = self.limits, self.options
        known = None
        if limits.vocabulary is not None:
            known = write_known(self.folder, limits.vocabulary, options.n_buckets)
        # Half, as a merge needs more memory per word than a scan.
        groups = plan_buckets(self.folder, parts, options.n_buckets, max(1, options.most_types // 2))
        tasks = (
            (self.folder, parts, options.n_buckets, first, last, limits.min_count, limit_of(limits),
             None if known is None else known.part)
            for first, last in groups
        )  # fmt: skip
        merged: list[MergeInfo] = []
        with progress_bar(self.progress, options.n_buckets, "buckets", "count") as bar:
            for info in self.run_tasks(merge_buckets, tasks):
                merged.append(info)
                bar.update(info.last - info.first)
        return merged, select(self.folder, merged, limits, known)

    def write(
        self, parts: Sequence[PartInfo], merged: Sequence[MergeInfo], selection: Selection, target: Path, kind: str
    ) -> None:
        """The file of the corpus."""
        common = (self.options.n_buckets, merged, selection.name, selection.begins, selection.unknown)
        tasks = ((self.folder, part, number, *common) for number, part in enumerate(parts))
        places = place_parts(parts, list(self.run_tasks(map_part, tasks)))
        total = places[-1]
        arrays, vocabulary = selection.vocabulary.to_tensors()
        shapes: dict[str, Any] = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        shapes[IDS] = ((total.tokens,), np.int32)
        shapes |= dict.fromkeys(OFFSETS, ((total.documents + 1,), np.int64))
        n_empty_lines = sum(part.n_lines for part in parts) - total.documents
        metadata = {"n_empty_lines": n_empty_lines, "vocabulary": vocabulary}
        draft = self.folder / "corpus"
        try:
            positions = reserve_tensors(draft, shapes, metadata, kind=kind)
            sums = {}
            with open(draft, "rb+") as file:
                for name in OFFSETS:
                    arrays[name] = np.zeros(1, np.int64)  # the first one; the parts write the others
                for name, array in arrays.items():
                    file.seek(positions[name])
                    file.write(array.tobytes())
                    sums[name] = [(zlib.crc32(array.tobytes()), array.nbytes)]
            written = self._write_parts(parts, places, draft, {name: positions[name] for name in (IDS, *OFFSETS)})
            sums[IDS] = [part.ids for part in written]
            for part in written:
                sums["offsets"].append(part.offsets)
                sums["raw_offsets"].append(part.raw_offsets)
            joined = {name: joined_crc32(each) for name, each in sums.items()}
            seal_tensors(draft, shapes, metadata, joined, kind=kind)
            put_in_place(draft, target)
        except OSError as error:
            if isinstance(error, KerazooError):
                raise
            raise disk_error(self.folder, error) from error

    def _write_parts(
        self, parts: Sequence[PartInfo], places: Sequence[Place], draft: Path, positions: dict[str, int]
    ) -> list[WrittenPart]:
        tasks = (
            (self.folder, part, self.options.n_buckets, place, draft, positions)
            for part, place in zip(parts, places, strict=False)
        )
        written = []
        with progress_bar(self.progress, places[-1].raw_words, "words", "write") as bar:
            for part, info in zip(parts, self.run_here(remap_part, tasks), strict=True):
                written.append(info)
                bar.update(part.n_words)
        return written
