"""Every operation that writes files, on a small disk that is full, almost full, or has no room for another name.

    python -m tests.faults.small_disks FOLDER             on the file system of FOLDER, which is filled
    python -m tests.faults.small_disks FOLDER --quick     without a single byte of room only

Unlike a call that fails on demand, a real file system may take the bytes and refuse them later, when they are flushed
(ext4 with delayed allocation), and has no room for a folder either. Afterwards each file is the old or the new one,
nothing else is there, the error is ours and names the folder, and the estimator in memory works.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerazoo.errors import KerazooError
from tests.faults.operations import Failed, Operation, commands, encodings, saves, trainings

__all__ = ["try_all"]

#: Bytes that are left on the disk.
ROOMS = (0, 4096, 24_576)
PIECE = 4096


@contextlib.contextmanager
def _filled(disk: Path, room: int) -> Iterator[None]:
    """With a file that leaves `room` bytes, and takes them as any file does."""
    filler = disk / "filler"
    try:
        with open(filler, "wb", buffering=0) as file:
            for piece in (1 << 20, 1 << 16, PIECE):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * piece)
                        os.fsync(file.fileno())
        if filler.stat().st_size < room:
            raise RuntimeError(f"{disk} has no {room} bytes")
        os.truncate(filler, filler.stat().st_size // PIECE * PIECE - room)
        os.sync()
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def _without_names(disk: Path) -> Iterator[None]:
    """With so many files that no other can be made, though there are bytes."""
    folder = disk / "names"
    folder.mkdir()
    try:
        with contextlib.suppress(OSError):
            for n in range(100_000):
                (folder / str(n)).touch()
        yield
    finally:
        shutil.rmtree(folder)


def _content(operation: Operation, folder: Path) -> dict[str, Any]:
    return {path.name: operation.content(path) for path in sorted((folder / "out").iterdir())}


def _try(operation: Operation, disk: Path, full: contextlib.AbstractContextManager[None]) -> tuple[bool, list[str]]:
    """Whether it was stopped, and what is wrong."""
    folder = disk / "work"

    def anew() -> dict[str, Any]:
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("in", "out", "tmp"):
            (folder / name).mkdir(parents=True)
        tempfile.tempdir = str(folder / "tmp")
        operation.prepare(folder)
        if operation.earlier is not None:
            operation.earlier(folder)
        return _content(operation, folder)

    anew()
    operation.run(folder)
    new, old, told = _content(operation, folder), anew(), None
    with full, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            operation.run(folder)
        except (KerazooError, Failed) as error:
            told = str(error)
        found = _content(operation, folder)
        left = os.listdir(folder / "tmp")
    warned = any(issubclass(each.category, RuntimeWarning) for each in caught)
    problems = [f"a temporary file is left: {name}" for name in left]
    if told is not None and str(folder) not in told:
        problems.append(f"the message names no file: {told}")
    if operation.keeps is not None:
        found = {name: value for name, value in found.items() if not name.startswith(operation.keeps)}
    if operation.complete is not None:
        operation.complete(folder)
    elif "independent" in operation.tags:
        mixed = [name for name in found if found[name] not in (old.get(name), new.get(name))]
        problems += [f"{name} is neither the old nor the new one" for name in mixed]
    elif found != (new if told is None else old) and not (operation.survives and warned):
        problems.append(f"after {told!r} the files are {sorted(found)}, or have another content")
    operation.usable()
    operation.run(folder)  # now that there is room
    if (names := sorted(os.listdir(folder / "out"))) != sorted(new):
        problems.append(f"at the end there is {names}")
    return told is not None or warned, problems


def try_all(disk: Path, quick: bool = False) -> dict[str, Any]:
    """All operations without Keras: the number of tries, of those that were stopped, and the problems."""
    tries = stopped = 0
    problems = []
    for operation in (*saves(), *encodings(), *trainings(), *commands()):
        for what in ROOMS[:1] if quick else (*ROOMS, "names"):
            full = _without_names(disk) if isinstance(what, str) else _filled(disk, what)
            was_stopped, found = _try(operation, disk, full)
            tries, stopped = tries + 1, stopped + was_stopped
            problems += [f"{operation.name}, room for {what}: {each}" for each in found]
    return {"tries": tries, "stopped": stopped, "problems": problems}


if __name__ == "__main__":
    print(json.dumps(try_all(Path(sys.argv[1]).resolve(), "--quick" in sys.argv)))
