"""Locks of folders, so that two runs do not write to the same one; and of modules, which a forked child has free."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from kerazoo.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows: two runs in one folder are not detected there
    fcntl = None  # type: ignore[assignment]

__all__ = ["is_unlocked", "lock_folder", "module_lock", "take_lock"]


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
    file = open(path, "ab")  # noqa: SIM115
    if fcntl is None:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise StorageError(refusal) from None
    except OSError:  # a file system without locks
        pass
    return file


def lock_folder(path: Path) -> int | None:
    """A descriptor of a folder that is locked until it is closed, or the process ends in any way.

    None where folders cannot be locked: on Windows, and on some network file systems.

    Raises:
        OSError: the folder cannot be opened.
    """
    if fcntl is None:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_unlocked(path: Path) -> bool:
    """Whether nobody has a lock of the folder; False where that cannot be known.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = lock_folder(Path(folder))
    ...     while_locked = is_unlocked(Path(folder))
    ...     os.close(lock)
    ...     while_locked, is_unlocked(Path(folder))
    (False, True)
    """
    descriptor = lock_folder(path)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True
