"""A text becomes one encoded file that all nodes see; tasks on any node scan, count and map its parts."""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo._runtime.files import replacing
from kerazoo.errors import CorpusError
from kerazoo.text import EncodedCorpus
from kerazoo.text.encoding import Limits
from kerazoo.text.readers import files_of, is_files
from kerazoo.text.shards import RunTasks, ScanOptions, Unit, encode_units, plan_units, work_folder_of

if TYPE_CHECKING:
    from kerazoo.distributed import Session

__all__ = ["encode_files", "is_ray_dataset", "tasks_on", "write_dataset"]

KIND = "kerazoo.corpus"
LARGEST_UNIT, SMALLEST_UNIT = 64 << 20, 1 << 20  # bytes of text per task
UNITS_PER_CPU = 4


def tasks_on(session: Session) -> RunTasks:
    """Run tasks on the nodes of a cluster, with results in order."""

    def run(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        listed, waiting, following = list(arguments), dict[int, Any](), 0
        for number, result in session.map(lambda each: function(*each), listed):
            waiting[number] = result
            while following in waiting:
                yield waiting.pop(following)
                following += 1

    return run


def encode_files(
    source: Any,
    path: Path,
    limits: Limits,
    errors: str,
    exclude: Sequence[Any],
    session: Session,
) -> EncodedCorpus:
    """Encode files of text to `path`, by tasks on the cluster.

    A file that an earlier run has finished from the same files is taken as it is; one that it has begun is continued.

    Raises:
        CorpusError: a file is not a regular one, or cannot be read.
        CorpusNotFoundError: a file does not exist, or vanishes.
        VocabularyError: no word is left.
    """
    files = files_of(source, [*exclude, path, work_folder_of(path)])
    total = sum(os.stat(file).st_size for file in files)
    size = min(max(total // (UNITS_PER_CPU * session.n_cpus()), SMALLEST_UNIT), LARGEST_UNIT)
    units = plan_units(files, size)
    if units is None:
        raise CorpusError("the corpus has a pipe or a device among its files; a cluster reads regular files only.")
    note, about = path.with_name(path.name + ".json"), _described(units, limits, errors)
    if _is_finished(path, note, about):
        return EncodedCorpus.load(path, check=False)
    note.unlink(missing_ok=True)
    encode_units(
        units, path, limits, kind=KIND, options=ScanOptions(errors), progress=None, run_tasks=tasks_on(session)
    )
    with replacing(note) as part:
        part.write_text(json.dumps({"of": about, "file": _state_of(path)}))
    return EncodedCorpus.load(path, check=False)


def _is_finished(path: Path, note: Path, about: dict[str, Any]) -> bool:
    """Whether the file is the one that the note was written for, and was made of this."""
    try:
        found = json.loads(note.read_text("utf-8"))
        return bool(found == {"of": about, "file": _state_of(path)})
    except (OSError, ValueError):
        return False


def _state_of(path: Path) -> list[int]:
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]


def _described(units: Sequence[Unit], limits: Limits, errors: str) -> dict[str, Any]:
    """What the encoded file depends on, as it comes back from JSON."""
    known = limits.vocabulary
    about = {
        "units": [[dataclasses.asdict(piece) for piece in unit.pieces] for unit in units],
        "limits": [limits.min_count, limits.max_final_vocab, limits.unk, None if known is None else known.words],
        "errors": errors,
    }
    parsed: dict[str, Any] = json.loads(json.dumps(about))
    return parsed


def is_ray_dataset(source: Any) -> bool:
    """Whether the source is a ``ray.data.Dataset``, without importing Ray."""
    return any(base.__module__.startswith("ray.data") and base.__name__ == "Dataset" for base in type(source).__mro__)


def write_dataset(dataset: Any, folder: Path) -> list[Path]:
    """Write the texts of a ``ray.data.Dataset`` to files, a document per line, in the order of the dataset.

    Args:
        dataset: has a column ``text`` (or one column alone) of strings.
        folder: that all nodes see.

    Raises:
        CorpusError: there is no such column.
    """
    import ray

    schema = dataset.schema()
    names = [] if schema is None else list(schema.names)
    column = "text" if "text" in names else names[0] if len(names) == 1 else None
    if column is None:
        raise CorpusError(
            f"the Ray dataset has the columns {names}; expected one named 'text', or one column alone. "
            "dataset.select_columns(['...']) takes one."
        )
    folder.mkdir(parents=True, exist_ok=True)

    def write(batch: dict[str, Any]) -> dict[str, list[str]]:
        # A task that is run again writes another file; those that are not in the result are not read.
        path = folder / f"{uuid.uuid4().hex}.txt"
        with replacing(path) as part, open(part, "w", encoding="utf-8", newline="\n") as file:
            for text in batch[column]:
                if not isinstance(text, str):
                    raise CorpusError(f"column {column!r} has a {type(text).__name__}; expected strings.")
                file.write(" ".join(text.splitlines()) + "\n")
        return {"path": [str(path)]}

    context = ray.data.DataContext.get_current()
    before, context.execution_options.preserve_order = context.execution_options.preserve_order, True
    try:
        rows = dataset.select_columns([column]).map_batches(write, batch_size=None).take_all()
    finally:
        context.execution_options.preserve_order = before
    return [Path(row["path"]) for row in rows]


def is_read_by_tasks(source: Any) -> bool:
    """Whether the source is files, which tasks on any node can read."""
    return not isinstance(source, EncodedCorpus) and is_files(source)
