"""Locks of folders, so that two runs do not write to the same one; and of modules, which a forked child has free."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any

from kerazoo.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows: two runs in one folder are not detected there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Held", "lock_folder", "module_lock", "release", "take_lock"]

_ATTEMPTS = 100  # to lock a file that others make and remove


class Held(Exception):
    """Another process, or another descriptor of this one, has the lock."""


def module_lock() -> threading.Lock:
    """A lock for a variable of a module; call it while the module is imported.

    A process that is forked while another thread has a lock keeps it locked for ever: that thread is not in the child.
    This lock is free there. What it guards must be usable at any moment: no state between two statements.

    >>> lock = module_lock()
    >>> with lock:
    ...     lock.locked()
    True
    """
    lock = threading.Lock()
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
        os.register_at_fork(after_in_child=lock._at_fork_reinit)  # type: ignore[attr-defined]
    return lock


def take_lock(path: Path, refusal: str) -> Any:
    """An open file that is locked until it is closed, or the process ends in any way.

    On file systems without locks, and on Windows, nothing is locked.

    Args:
        path: of the file, which is made if needed.
        refusal: the message if another process has the lock.

    Raises:
        StorageError: another process has the lock.
        OSError: the file cannot be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = take_lock(Path(folder) / "lock", "another run is going on.")
    ...     try:
    ...         take_lock(Path(folder) / "lock", "another run is going on.")
    ...     except StorageError as error:
    ...         print(error)
    ...     lock.close()
    another run is going on.
    """
    for attempt in range(_ATTEMPTS):
        file = open(path, "ab")  # noqa: SIM115
        if fcntl is None:
            break
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StorageError(refusal) from None
        except OSError:  # a file system without locks
            break
        if _is_at(file.fileno(), path) or attempt == _ATTEMPTS - 1:
            break
        file.close()  # of a process that has removed it at its end: another one may have made and locked a new one
    return file


def release(file: Any) -> None:
    """Close a lock, or a temporary file that is not needed any more: an error of the disk loses nothing there."""
    with contextlib.suppress(OSError):
        file.close()


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def lock_folder(path: Path) -> int | None:
    """A descriptor of a folder that is locked until it is closed, or the process ends in any way.

    None where folders cannot be locked: on Windows, and on some network file systems.

    Raises:
        Held: another descriptor has the lock.
        OSError: the folder cannot be opened, or has been removed meanwhile.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = lock_folder(Path(folder))
    ...     try:
    ...         lock_folder(Path(folder))
    ...     except Held:
    ...         print("held")
    ...     os.close(lock)
    held
    """
    if fcntl is None:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(path)
    except BlockingIOError:
        os.close(descriptor)
        raise Held from None
    except FileNotFoundError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
