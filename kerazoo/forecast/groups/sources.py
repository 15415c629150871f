"""The sources of many series: parquet files, frames in memory and Ray datasets, as a stream of pyarrow tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kerazoo._runtime.optional import needed
from kerazoo.errors import InvalidArgumentError, KerazooError, StorageError
from kerazoo.forecast.data.other_frames import pandas_of

__all__ = ["BUCKET", "Source", "check_outside", "describe", "file_note", "open_parquet", "read_source", "tables_of"]

#: Rows that are read at a time.
ROWS = 1 << 16
#: Columns that a source must have.
KEYS = ("unique_id", "ds", "y")
#: The column of the bucket of a row, in the files that a run writes.
BUCKET = "__bucket"


@dataclass(frozen=True, eq=False)
class Source:
    """Series that need not fit into memory.

    Attributes:
        note: what tells it from other sources, as JSON holds it: `kind`, `columns`, and for files path, size, time of
            the last change and number of rows of each.
        data: the frame or dataset; None for files.
    """

    note: dict[str, Any]
    data: Any = None

    @property
    def n_shards(self) -> int:
        """Parts that are read on their own: files; else one."""
        return len(self.note["files"]) if self.note["kind"] == "files" else 1


def describe(note: dict[str, Any]) -> str:
    """A source in words."""
    if note["kind"] == "files":
        return f"{len(note['files'])} files ({note['files'][0]['path']}, ...)"
    return "a Ray dataset" if note["kind"] == "ray" else f"a frame of {note['rows']} rows"


def read_source(given: Any, name: str = "source", keys: Sequence[str] = KEYS) -> Source:
    """Look at a source without reading its rows.

    Args:
        given: the path of a parquet file or of a folder of them, or a list of paths; a long frame of pandas, polars or
            pyarrow; or a Ray dataset.
        name: what the caller's argument is called, for messages.
        keys: columns that it must have.

    Raises:
        MissingPackageError: pyarrow is not installed.
        InvalidArgumentError: another type, no files, or a column is missing.
        StorageError: a file does not exist or is no parquet file.
    """
    with needed("fit_groups"):
        import pyarrow as pa  # noqa: F401
    if isinstance(given, str | os.PathLike) or (isinstance(given, list | tuple) and given):
        paths = [given] if isinstance(given, str | os.PathLike) else list(given)
        files = [file for path in paths for file in _files_of(path, name)]
        for place, path in enumerate(files):
            if path in files[:place]:
                raise InvalidArgumentError(f"{name} has the file {path} twice; expected each once.")
        notes = [file_note(path) for path in files]
        columns = _columns_of(files[0])
        for path in files[1:]:
            if (others := _columns_of(path)) != columns:
                raise InvalidArgumentError(
                    f"{path} has the columns {_listed(others)}, and {files[0]} has {_listed(columns)}; expected equal "
                    "columns and types in all files."
                )
        _check_columns([column for column, _ in columns], keys, name)
        return Source({"kind": "files", "columns": [column for column, _ in columns], "files": notes})
    if hasattr(given, "iter_batches") and hasattr(given, "schema"):
        schema = given.schema()
        names = [str(each) for each in schema.names] if schema is not None else []
        _check_columns(names, keys, name)
        return Source({"kind": "ray", "columns": names}, given)
    frame = pandas_of(given, name)
    if not isinstance(frame, pd.DataFrame):
        raise InvalidArgumentError(
            f"{name} is a {type(given).__name__}; expected the path of parquet files or of their folder, a long frame, "
            "or a Ray dataset."
        )
    if not len(frame):
        raise InvalidArgumentError(f"{name} has no rows; expected at least one.")
    columns_of_frame = [str(label) for label in frame.columns]
    _check_columns(columns_of_frame, keys, name)
    with _as_arrow():
        check = int(pd.util.hash_pandas_object(frame, index=False).to_numpy(np.uint64).sum(dtype=np.uint64))
    note = {"kind": "frame", "columns": columns_of_frame, "rows": len(frame), "check": check}
    return Source(note, frame)


def tables_of(source: Source, shard: int) -> Iterator[Any]:
    """The rows of one shard as pyarrow tables of at most some ten thousand rows.

    Raises:
        StorageError: a file has vanished, or is not what it was when the run began.
    """
    import pyarrow as pa

    if source.note["kind"] == "files":
        yield from _tables_of_file(source.note["files"][shard])
    elif source.note["kind"] == "ray":
        for table in source.data.iter_batches(batch_size=ROWS, batch_format="pyarrow"):
            yield table.select(source.note["columns"])
    else:
        frame = source.data
        for first in range(0, len(frame), ROWS):
            part = frame.iloc[first : first + ROWS]
            with _as_arrow():
                yield pa.Table.from_pandas(part, preserve_index=False)


@contextmanager
def _as_arrow() -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, TypeError, ValueError) as error:  # such as lists, and text that is not UTF-8
        raise InvalidArgumentError(
            f"a column of the source has no type that files can hold ({error}); expected one type in each column."
        ) from error


def _tables_of_file(note: dict[str, Any]) -> Iterator[Any]:
    import pyarrow as pa

    path = note["path"]
    _check_unchanged(note)
    rows = 0
    with open_parquet(path) as file:
        for batch in file.iter_batches(batch_size=ROWS):
            rows += batch.num_rows
            yield pa.Table.from_batches([batch])
    if rows != note["rows"]:
        raise StorageError(f"{path}: {rows} rows; expected {note['rows']}, as when the run began. {REMEDY}")
    _check_unchanged(note)


REMEDY = "Restore the file and call again: what is finished stays."


def _check_unchanged(note: dict[str, Any]) -> None:
    path = note["path"]
    try:
        status = os.stat(path)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be read ({error.strerror}), but it was there when the run began. {REMEDY}"
        ) from error
    if (status.st_size, status.st_mtime_ns) != (note["size"], note["changed"]):
        raise StorageError(
            f"{path}: {status.st_size} bytes, changed since the run began with {note['size']} bytes. {REMEDY} For "
            "other data, choose another folder out=."
        )


@contextmanager
def open_parquet(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile`, which the block only reads: every error of the disk in it names the file.

    Raises:
        StorageError: it does not exist, or is cut or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise StorageError(f"{path}: does not exist. {REMEDY}") from error
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    try:
        with file:
            yield file
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, KerazooError):
            raise
        raise _damaged(path, error) from error


def _damaged(path: Any, error: Exception) -> StorageError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    other = "" if str(path).endswith(".parquet") else " Other formats: pd.read_csv(path).to_parquet(...) converts them."
    return StorageError(f"{path}: cut short or damaged, or no parquet file ({first}). {REMEDY}{other}")


def file_note(path: Path) -> dict[str, Any]:
    """What tells a file from others: its path, size, time of the last change and number of rows."""
    with open_parquet(path) as file:
        rows = file.metadata.num_rows
    status = path.stat()
    return {"path": str(path), "size": status.st_size, "changed": status.st_mtime_ns, "rows": rows}


def _columns_of(path: Path) -> list[tuple[str, str]]:
    with open_parquet(path) as file:
        return [(field.name, str(field.type)) for field in file.schema_arrow]


def _listed(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in columns)


def _files_of(given: Any, name: str) -> list[Path]:
    if not isinstance(given, str | os.PathLike):
        raise InvalidArgumentError(
            f"{name} has a {type(given).__name__} in its list; expected paths, or one frame (pd.concat joins several)."
        )
    text = os.fsdecode(given)
    if not text or "\0" in text:
        raise InvalidArgumentError(f"{name}={text!r}; expected the path of a parquet file, or of a folder of them.")
    if "://" in text:
        raise InvalidArgumentError(
            f"{name}={text!r}; expected a local path. Other addresses: ray.data.read_parquet({text!r})."
        )
    path = Path(text).absolute()
    if not path.is_dir():
        if not path.exists():
            raise StorageError(f"{path}: does not exist; expected a parquet file, or a folder of them.")
        return [path]
    files = sorted(
        file for file in path.rglob("*.parquet")
        if file.is_file() and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )  # fmt: skip
    if not files:
        raise InvalidArgumentError(f"{name}={text!r} has no files *.parquet; expected at least one.")
    return files


def check_outside(out: Any, given: Any, name: str) -> None:
    """Check that the results are not written into a folder that is read.

    Args:
        out: the folder of the results.
        given: the source.
        name: what the caller's argument is called.

    Raises:
        InvalidArgumentError: `out` is such a folder, or lies in one, where the next call would read the results.
    """
    if not isinstance(out, str | os.PathLike) or "\0" in os.fsdecode(out):
        return  # which is refused elsewhere
    target = os.path.realpath(out)
    for each in given if isinstance(given, list | tuple) else [given]:
        if not isinstance(each, str | os.PathLike) or not os.path.isdir(each):
            continue
        inside = os.path.relpath(target, os.path.realpath(each)).split(os.sep)
        if not any(part.startswith((".", "_")) for part in inside) or inside == ["."]:
            raise InvalidArgumentError(
                f"out={os.fsdecode(out)!r} is in the folder {name}={os.fsdecode(each)!r}, of which all parquet files "
                "are read; expected another folder, or one in it whose name starts with '_'."
            )


def _check_columns(found: Sequence[str], keys: Sequence[str], name: str) -> None:
    if len(set(found)) < len(found):
        twice = next(each for each in found if list(found).count(each) > 1)
        raise InvalidArgumentError(f"{name} has several columns {twice!r}; expected different names.")
    if BUCKET in found:
        raise InvalidArgumentError(f"{name} has a column {BUCKET!r}; expected another name: files of a run have it.")
    for key in keys:
        if key not in found:
            more = ", and covariates, if there are any" if tuple(keys) == KEYS else ""
            raise InvalidArgumentError(
                f"{name} has the columns {', '.join(found)}, but not {key!r}; expected {', '.join(keys)}{more}."
            )
