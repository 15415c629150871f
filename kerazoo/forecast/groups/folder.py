"""The folder of a run over many series: what the run is, and which of its tasks are done.

| file | what it holds |
|---|---|
| `run.json` | parameters and source of the run: another one in the same folder is refused |
| `source/`, `future/` | the rows of the source, sorted into buckets, a file per shard |
| `shared-00000.kerazoo` | what all series share, one for each origin |
| `models/`, `forecasts/`, `scores/` | the results, a file per bucket |
| `errors/`, `errors.parquet` | the series without a result |
| `done/` | a note of each task that is done, with the sizes of its files; written last |
| `complete.json` | totals; written when all is done |
| `lock` | locked while a run goes on |
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from kerazoo._runtime.files import remove_leftovers, replacing
from kerazoo._runtime.locks import release, take_lock
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["RunFolder"]

VERSION = 1
KIND = "kerazoo.groups"
LOCK = "lock"
#: Names of what a run has in its folder before its first bucket.
FIRST = ("source", "future", "done", "shared-*", "checkpoint-*", "run.json")


class RunFolder:
    """A folder that :meth:`open` has checked. A context manager, which ends the lock of :meth:`open`.

    When the first call ends with an `InvalidArgumentError` before its buckets, the same call would fail again: what it
    has written is removed, so that the next one may have other arguments.

    Args:
        path: the folder.
        identity: what tells the run from others.
        details: what its first call has chosen: `seed`, `id`, and paths.

    Attributes:
        path: absolute.
        identity: as given.
        details: as given.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], details: Mapping[str, Any]) -> None:
        self.path, self.identity, self.details = path, dict(identity), dict(details)
        self._lock: Any = None
        self._new = False

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._new and isinstance(error, InvalidArgumentError) and self.done("share", 0) is None:
            for pattern in FIRST:
                for file in self.path.glob(pattern):
                    if file.is_dir():
                        shutil.rmtree(file, ignore_errors=True)
                    else:
                        file.unlink(missing_ok=True)
        if self._lock is not None:
            release(self._lock)

    @classmethod
    def open(cls, out: Any, identity: Mapping[str, Any], details: Mapping[str, Any]) -> RunFolder:
        """Make the folder of a run, or continue the run in it.

        Args:
            out: path; the folder is made if needed.
            identity: what JSON can hold. A folder with another one is refused.
            details: kept from the first call. `seed` None: one is drawn.

        Raises:
            InvalidArgumentError: the folder has another run, or something else.
            StorageError: it cannot be made or read, or another run in it goes on.
        """
        path = _path_of(out)
        wanted: dict[str, Any] = json.loads(json.dumps({"version": VERSION, **identity}))
        file = path / "run.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            names = [] if file.exists() else [each.name for each in path.iterdir()]
        except OSError as error:
            raise StorageError(f"out={str(path)!r} cannot be made or read ({error.strerror or error}).") from error
        # What a process that was killed at the beginning leaves is no other file.
        others = sorted(name for name in names if name != LOCK and not name.startswith(".run.json."))
        if others:
            raise InvalidArgumentError(
                f"out={str(path)!r} has other files ({', '.join(others[:3])}); expected an empty folder, or "
                "that of the same run, which then goes on."
            )
        try:
            lock = take_lock(path / LOCK, f"out={str(path)!r}: another call writes to it. Wait for its end.")
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"{path / LOCK}: cannot be written ({error.strerror or error}).") from error
        try:
            remove_leftovers(file)
            run = cls._continued(path, wanted, details) if file.exists() else cls._begun(path, wanted, details)
        except BaseException:
            release(lock)
            raise
        run._lock = lock
        return run

    @classmethod
    def _continued(cls, path: Path, identity: dict[str, Any], details: Mapping[str, Any]) -> RunFolder:
        found = cls.read(path)
        _check_same(path, found.identity, identity)
        given = details.get("seed")
        if given is not None and given != found.details["seed"]:
            raise _different(path, "seed", found.details["seed"], given)
        return found

    @classmethod
    def _begun(cls, path: Path, identity: dict[str, Any], details: Mapping[str, Any]) -> RunFolder:
        seed = details.get("seed")
        seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        kept = {**details, "seed": seed, "id": secrets.token_hex(8)}
        with replacing(path / "run.json") as part:
            part.write_text(json.dumps({"kind": KIND, "identity": identity, "details": kept}, indent=1))
        made = cls(path, identity, kept)
        made._new = True
        return made

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> RunFolder:
        """The run in a folder.

        Raises:
            StorageError: there is none, or its note is damaged.
        """
        folder = _path_of(path)
        try:
            found = json.loads((folder / "run.json").read_text())
            if found["kind"] != KIND:
                raise ValueError(f"kind {found['kind']!r}")
            version = found["identity"]["version"]
            if version == VERSION and not {"task", "buckets"} <= found["identity"].keys():
                raise ValueError("it is not complete")
            if not {"seed", "id"} <= found["details"].keys():
                raise ValueError("it is not complete")
            run = cls(folder, found["identity"], found["details"])
        except FileNotFoundError as error:
            raise StorageError(f"{folder}: has no run.json; expected the folder out= of fit_groups.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(f"{folder / 'run.json'}: cannot be read, or damaged ({error}).") from error
        if version != VERSION:
            raise StorageError(
                f"{folder}: was written by another version of kerazoo (format {version!r}; this one reads {VERSION}). "
                "Call fit_groups again with another folder, or use that version."
            )
        return run

    def file(self, kind: str, number: int, suffix: str = "parquet") -> Path:
        """The path of the file of a bucket or shard; its folder is made."""
        name = "shard" if kind in ("source", "future") else "bucket"
        return self._folder(kind) / f"{name}-{number:05d}.{suffix}"

    def shared(self, window: int = 0) -> Path:
        """The path of what all series share."""
        return self.path / f"shared-{window:05d}.kerazoo"

    def _folder(self, name: str) -> Path:
        folder = self.path / name
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be made ({error.strerror or error}).") from error
        return folder

    def mark(self, task: str, number: int, counts: Mapping[str, int], files: Iterable[Path] = ()) -> dict[str, Any]:
        """Write that a task is done.

        Args:
            task: its name.
            number: of its bucket, shard or window.
            counts: what it counted.
            files: what it wrote.
        """
        sizes = {str(file.relative_to(self.path)): file.stat().st_size for file in files}
        note = {**counts, "files": sizes}
        with replacing(self._note(task, number)) as part:
            part.write_text(json.dumps(note))
        return note

    def done(self, task: str, number: int) -> dict[str, Any] | None:
        """What :meth:`mark` wrote; None if the task is not done, or one of its files is not what it was."""
        try:
            note = json.loads(self._note(task, number).read_text())
            for name, size in note["files"].items():
                if (self.path / name).stat().st_size != size:
                    return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return dict(note)

    def _note(self, task: str, number: int) -> Path:
        return self._folder("done") / f"{task}-{number:05d}.json"

    def complete(self, totals: Mapping[str, int] | None = None) -> dict[str, Any] | None:
        """Write the totals, or read them; None if the run is not complete."""
        file = self.path / "complete.json"
        if totals is not None:
            with replacing(file) as part:
                part.write_text(json.dumps(dict(totals)))
            return dict(totals)
        try:
            found = dict(json.loads(file.read_text()))
            return found if {"n_series", "n_failed"} <= found.keys() else None
        except (OSError, ValueError, TypeError):
            return None


def _path_of(out: Any) -> Path:
    text = os.fsdecode(out) if isinstance(out, str | bytes | os.PathLike) else ""
    if not text or "\0" in text:
        raise InvalidArgumentError(f"out={out!r}; expected the path of a folder for the results.")
    return Path(text).absolute()


def _check_same(path: Path, found: Any, here: Any, name: str = "") -> None:
    """Raise for the first value that differs, by its name."""
    if isinstance(found, dict) and isinstance(here, dict):
        for key in sorted(found.keys() | here.keys()):
            _check_same(path, found.get(key), here.get(key), f"{name}.{key}" if name else key)
    elif isinstance(found, list) and isinstance(here, list) and name in ("source.files", "future.files"):
        before, now = ([each["path"] for each in files] for files in (found, here))
        for files, others, what in ((before, now, "had"), (now, before, "had not")):
            if left := [each for each in files if each not in others]:
                raise InvalidArgumentError(
                    f"out={str(path)!r} has a run that {what} the file {left[0]}{_more(left)}; expected the same "
                    "files, with which it goes on. Choose another folder for other data."
                )
        for one, other in zip(found, here, strict=True):
            _check_same(path, one, other, f"source file {one['path']}")
    elif found != here:
        raise _different(path, name, found, here)


def _more(files: list[str]) -> str:
    return f" and {len(files) - 1} more" if len(files) > 1 else ""


def _different(path: Path, name: str, found: Any, here: Any) -> InvalidArgumentError:
    texts = [text if len(text := repr(each)) <= 200 else f"{text[:197]}..." for each in (found, here)]
    return InvalidArgumentError(
        f"out={str(path)!r} has a run with {name}={texts[0]}, and now it is {texts[1]}; expected the same settings and "
        "data, with which it goes on. Choose another folder for another run, or delete this one."
    )
