"""A folder for the files of one run, beside those of other runs in a folder that all nodes see."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerazoo._runtime.locks import release
from kerazoo.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["run_folder"]

PREFIX, LOCK = "run-", "lock"


@contextmanager
def run_folder(folder: Path) -> Iterator[Path]:
    """Make a folder for one run, which is removed at its end, with those that killed runs have left.

    Runs at the same time have folders of their own, so none reads the tables of another.

    Args:
        folder: exists.

    Raises:
        StorageError: it cannot be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with run_folder(Path(folder)) as own:
    ...         before = own.exists()
    ...     before, list(Path(folder).iterdir())
    (True, [])
    """
    _remove_left(folder)
    token = secrets.token_hex(8)
    # It gets its name when it is locked: another run removes what has the name and is not.
    draft, own = folder / f".{PREFIX}{token}", folder / f"{PREFIX}{token}"
    try:
        draft.mkdir()
        lock = open(draft / LOCK, "ab")  # noqa: SIM115
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror or error}). Choose another one.") from error
    try:
        _is_free(lock)
        draft.rename(own)
        yield own
    finally:
        release(lock)
        for path in (draft, own):
            shutil.rmtree(path, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    if fcntl is None:
        return
    for left in folder.glob(f"{PREFIX}{'[0-9a-f]' * 16}"):
        try:
            with open(left / LOCK, "r+b") as lock:
                if _is_free(lock):
                    shutil.rmtree(left, ignore_errors=True)
        except OSError:  # removed by another run, or not one of ours
            continue


def _is_free(lock: object) -> bool:
    """Take the lock; whether nobody else has it. False where the file system has no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except OSError:
        return False
    return True
