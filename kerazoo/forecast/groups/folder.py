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
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo._runtime.files import remove_leftovers, replacing
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["RunFolder"]

VERSION = 1
KIND = "kerazoo.groups"


class RunFolder:
    """A folder that :meth:`open` has checked.

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

    @classmethod
    def open(cls, out: Any, identity: Mapping[str, Any], details: Mapping[str, Any]) -> RunFolder:
        """Make the folder of a run, or continue the run in it.

        Args:
            out: path; the folder is made if needed.
            identity: what JSON can hold. A folder with another one is refused.
            details: kept from the first call. `seed` None: one is drawn.

        Raises:
            InvalidArgumentError: the folder has another run, or something else.
            StorageError: it cannot be made or read.
        """
        path = _path_of(out)
        identity = json.loads(json.dumps({"version": VERSION, **identity}))
        file = path / "run.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            remove_leftovers(file)
            others = [each.name for each in path.iterdir()]
        except OSError as error:
            raise StorageError(f"out={str(path)!r} cannot be made or read ({error.strerror or error}).") from error
        if file.exists():
            found = cls.read(path)
            _check_same(path, found.identity, identity)
            given = details.get("seed")
            if given is not None and given != found.details["seed"]:
                raise _different(path, "seed", found.details["seed"], given)
            return found
        if others:
            raise InvalidArgumentError(
                f"out={str(path)!r} has other files ({', '.join(sorted(others)[:3])}); expected an empty folder, or "
                "that of the same run, which then goes on."
            )
        seed = details.get("seed")
        seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        kept = {**details, "seed": seed, "id": secrets.token_hex(8)}
        with replacing(file) as part:
            part.write_text(json.dumps({"kind": KIND, "identity": identity, "details": kept}, indent=1))
        return cls(path, identity, kept)

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
            return cls(folder, found["identity"], found["details"])
        except FileNotFoundError as error:
            raise StorageError(f"{folder}: has no run.json; expected the folder out= of fit_groups.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{folder / 'run.json'}: cannot be read ({error}).") from error

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
            return dict(json.loads(file.read_text()))
        except (OSError, ValueError):
            return None


def _path_of(out: Any) -> Path:
    try:
        return Path(os.fsdecode(out)).absolute()
    except TypeError:
        raise InvalidArgumentError(f"out={out!r}; expected the path of a folder for the results.") from None


def _check_same(path: Path, found: Any, here: Any, name: str = "") -> None:
    """Raise for the first value that differs, by its name."""
    if isinstance(found, dict) and isinstance(here, dict):
        for key in sorted(found.keys() | here.keys()):
            _check_same(path, found.get(key), here.get(key), f"{name}.{key}" if name else key)
    elif isinstance(found, list) and isinstance(here, list) and len(found) == len(here) and name == "source.files":
        for one, other in zip(found, here, strict=True):
            _check_same(path, one, other, f"source file {one['path']}")
    elif found != here:
        raise _different(path, name, found, here)


def _different(path: Path, name: str, found: Any, here: Any) -> InvalidArgumentError:
    texts = [text if len(text := repr(each)) <= 200 else f"{text[:197]}..." for each in (found, here)]
    return InvalidArgumentError(
        f"out={str(path)!r} has a run with {name}={texts[0]}, and now it is {texts[1]}; expected the same settings and "
        "data, with which it goes on. Choose another folder for another run, or delete this one."
    )
