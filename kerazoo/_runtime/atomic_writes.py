"""Files that are replaced whole or not at all, and what killed writers leave behind.

A writer makes a temporary folder beside the file, locks it, writes in it, and renames. The lock is that of the open
folder, which the system releases however the process ends: a folder without a lock has no writer. Neither process ids,
which are given again, nor clocks decide that.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kerazoo._runtime.locks import Held, lock_folder
from kerazoo.errors import KerazooError, StorageError

__all__ = ["put_in_place", "remove_leftovers", "replacing"]

_MANY = 1000  # files of a folder, beyond which it is searched once by a process
_SEARCHED: set[str] = set()
_OLD = ".old"  # in a temporary folder: the files that its writer replaces
_ATTEMPTS = 100  # to make a temporary folder
_PATIENCE = 60.0  # seconds to wait for another process that renames several files
# Seconds after which a folder of another machine is a leftover. Some network file systems are mounted so that the locks
# of one machine are not seen by the others; there only its age tells, by the clock of the file server.
_ABANDONED = 86_400.0


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file whole or not at all: the one atomic writer of the package.

    Yields a path with the same name in a temporary folder beside `path`. When the block ends, every file in that folder
    is flushed to the disk, then all are renamed into place, the named file last. When the block or a rename raises, the
    old files stay and the temporary folder is removed. A killed process leaves the folder; the next writer of the same
    file removes it. Of several files, the named one is missing while the others are renamed: a process that is killed
    at that moment leaves no mixture of old and new files that looks whole, and the next writer puts the old ones back.
    Two writers rename one after the other.

    Raises:
        StorageError: the file cannot be written (no folder, no permission, disk full).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as part:
    ...         _ = part.write_text("whole")
    ...     (Path(folder) / "note.txt").read_text()
    'whole'
    """
    target = Path(path)
    folder, lock = None, None
    try:
        others = _remove_abandoned(target)
        folder, lock = _make_folder(target)
        for other in others:
            _remove_old(other, target, os.stat(folder).st_mtime)
        yield folder / target.name
        drafts = sorted(folder.iterdir(), key=lambda file: file.name == target.name)
        for draft in drafts:
            with open(draft, "rb+") as file:
                os.fsync(file.fileno())
        if len(drafts) == 1:
            put_in_place(drafts[0], target.with_name(drafts[0].name))
        else:
            _put_all_in_place(drafts, target)
    except OSError as error:
        if isinstance(error, KerazooError):
            raise
        raise StorageError(
            f"{target}: cannot be written ({error.strerror or error}). Check that the folder exists and the disk is "
            "not full."
        ) from error
    finally:
        if lock is not None:  # first: removing a folder takes a descriptor, of which there may be no other
            with contextlib.suppress(OSError):
                os.close(lock)
        if folder is not None:
            _remove_folder(folder, target.name)


def _make_folder(target: Path) -> tuple[Path, int | None]:
    """A new temporary folder for `target`, and its lock; None where folders cannot be locked.

    Between the two steps another process may take the empty folder for a leftover, lock it, and remove it. Then this
    one makes another.
    """
    for _ in range(_ATTEMPTS):
        folder = target.with_name(f"{_prefix(target)}{_machine()}{secrets.token_hex(4)}.part")
        folder.mkdir()
        try:
            return folder, lock_folder(folder)
        except (Held, FileNotFoundError):
            with contextlib.suppress(OSError):
                folder.rmdir()
        except BaseException:
            _remove_folder(folder)
            raise
    raise StorageError(f"{target}: cannot be written: other processes remove the temporary folders.")


def _machine() -> str:
    """8 hexadecimal digits, by which a machine knows its own folders."""
    return f"{zlib.crc32(os.uname().nodename.encode()) if hasattr(os, 'uname') else 0:08x}"


def _put_all_in_place(drafts: Sequence[Path], target: Path) -> None:
    """Rename several files, the one that is named like `target` last; if that fails, the old ones are put back.

    Meanwhile the folder of the files is locked: of two writers who rename at once, files of both could stay.
    """
    with _alone(target):
        _put_each_in_place(drafts, target)


def _put_each_in_place(drafts: Sequence[Path], target: Path) -> None:
    old = drafts[0].parent / _OLD
    old.mkdir()
    moved: list[tuple[Path, Path]] = []

    def move(source: Path, place: Path) -> None:
        if place.is_dir() and not place.is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
        os.replace(source, place)
        moved.append((place, source))

    places = [target.with_name(draft.name) for draft in drafts]
    try:
        for place in reversed(places):
            if os.path.lexists(place) and not place.is_dir():
                move(place, old / place.name)
        for draft, place in zip(drafts, places, strict=True):
            move(draft, place)
    except OSError:
        for place, source in reversed(moved):
            with contextlib.suppress(OSError):
                os.replace(place, source)
        raise


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """With the folder of `target` locked, where it can be. A temporary folder has one writer, who has locked it."""
    lock, until = None, time.monotonic() + _PATIENCE
    while target.parent.suffix != ".part":
        try:
            lock = lock_folder(target.parent)
            break
        except Held:
            if time.monotonic() > until:
                raise StorageError(
                    f"{target}: cannot be written: another process holds the lock of its folder for "
                    f"{_PATIENCE:g} s. End it, and write again."
                ) from None
            time.sleep(0.01)
        except OSError:  # a folder that cannot be listed may still be writable
            break
    try:
        yield
    finally:
        if lock is not None:
            with contextlib.suppress(OSError):
                os.close(lock)


def _remove_folder(folder: Path, likely: str = "") -> None:
    """Remove a temporary folder, which usually has one file or none.

    Not by `shutil.rmtree`, which needs several descriptors, and fails if one cannot be closed. The likely case needs
    none, and no memory: both may be what the writer was stopped by.
    """
    if likely:
        with contextlib.suppress(OSError):
            os.unlink(folder / likely)
    for _ in range(3):  # what stopped the writer may stop this, too
        try:
            os.rmdir(folder)
            return
        except OSError:
            with contextlib.suppress(OSError):
                for name in os.listdir(folder):
                    each = folder / name
                    if each.is_dir() and not each.is_symlink():
                        _remove_folder(each)
                    else:
                        each.unlink()


def _remove_abandoned(target: Path) -> list[Path]:
    """Remove the temporary folders of writers of `target` that were killed, where the file system has locks.

    A folder of very many files is searched once, not for each file that is written to it.

    Returns:
        Those of other machines.
    """
    folder, others = target.parent, []
    if str(folder) in _SEARCHED:
        return []
    with contextlib.suppress(OSError):  # a folder that cannot be listed may still be writable
        names = os.listdir(folder)
        if len(names) > _MANY:
            _SEARCHED.add(str(folder))
        for name in filter(_named(target).fullmatch, names):
            if not name.startswith(f"{_prefix(target)}{_machine()}"):
                others.append(folder / name)
                continue
            with contextlib.suppress(OSError):
                _remove_unlocked(folder / name, target)
    return others


def _remove_old(folder: Path, target: Path, now: float) -> None:
    """Remove a temporary folder of another machine in which nothing has changed for a long time.

    Args:
        folder: to remove.
        target: of its writer.
        now: by the clock of the file system, which is that of the file server.
    """
    with contextlib.suppress(OSError):
        last = max(os.stat(each).st_mtime for each in (folder, *folder.iterdir()))
        if now - last > _ABANDONED:
            _remove_unlocked(folder, target)


def _remove_unlocked(folder: Path, target: Path) -> bool:
    """Remove a temporary folder if no writer has it; False where that cannot be known.

    The lock is held meanwhile: a writer that has just made the folder does not get it, and makes another one.

    Raises:
        OSError: the folder is gone, or cannot be read.
    """
    try:
        lock = lock_folder(folder)
    except Held:
        return True
    if lock is None:
        return False
    try:
        _put_back(folder, target)
        _remove_folder(folder)
    finally:
        os.close(lock)
    return True


def _put_back(folder: Path, target: Path) -> None:
    """Put back the old files of a writer that was killed between its renames: the named one is missing then.

    Raises:
        OSError: that is not possible, and the files stay where they are.
    """
    old = folder / _OLD
    if not old.is_dir():
        return
    with _alone(target):
        if os.path.lexists(target):
            return
        for name in sorted(os.listdir(old), key=target.name.__eq__):
            os.replace(old / name, target.with_name(name))


def put_in_place(draft: Path, target: Path) -> None:
    """Rename a finished file to its name, on the same file system; an old file of that name is replaced.

    What needs no flush to the disk, because a check finds what a power failure left of it, is written without
    :func:`replacing`.
    """
    os.replace(draft, target)


def _prefix(target: Path) -> str:
    """Of the names of temporary folders beside `target`; a long name is cut, as file systems allow 255 bytes."""
    name = target.name
    if len(os.fsencode(name)) > 200:
        name = f"{os.fsencode(name)[:60].decode('utf-8', 'ignore')}-{zlib.crc32(os.fsencode(name)):08x}"
    return f".{name}."


def _named(target: Path) -> re.Pattern[str]:
    """Of the names of temporary folders of `target`, and not of another file whose name begins in the same way."""
    # The machine's 8 digits are missing in those of version 0.2 and before.
    return re.compile(f"{re.escape(_prefix(target))}(?:[0-9a-f]{{8}})?[0-9a-f]{{8}}\\.part")


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what killed processes left beside `path` while they wrote it with :func:`replacing`.

    For a file that has one writer. Where the file system has locks, a folder whose writer is alive stays; elsewhere
    all are removed.

    Raises:
        OSError: something cannot be removed.
    """
    target = Path(path)
    for name in filter(_named(target).fullmatch, os.listdir(target.parent)):
        part = target.parent / name
        if not part.is_dir():  # version 0.1 wrote files
            part.unlink(missing_ok=True)
            continue
        with contextlib.suppress(FileNotFoundError):  # another process has removed it
            if not _remove_unlocked(part, target):
                _remove_folder(part)
