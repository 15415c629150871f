"""The work folder: what a run leaves for the next one, and whose it is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from kerazoo._runtime.files import put_in_place
from kerazoo._runtime.locks import release, take_lock
from kerazoo.errors import CorpusError, CorpusNotFoundError, KerazooError, StorageError
from kerazoo.text.shards.parts import disk_error
from kerazoo.text.shards.plan import Piece, Unit
from kerazoo.text.shards.scanning import FORMAT, UnitInfo

__all__ = ["WorkFolder", "work_folder_of"]

KIND = "kerazoo.parts"
_MANIFEST, _LOCK = "manifest.json", "lock"
_ATTEMPTS = 100  # to lock a folder that others remove
_DRAFT = re.compile("[0-9a-f]{8}.manifest")


def work_folder_of(path: str | os.PathLike[str]) -> Path:
    """The folder beside the file of a corpus in which it is made: ``corpus.kz`` -> ``.corpus.kz.parts``.

    Hidden, so that a directory of texts is never read with what a killed run has left in it.
    """
    name = Path(path).name
    if len(os.fsencode(name)) > 240:  # file systems allow 255 bytes
        name = f"{os.fsencode(name)[:60].decode('utf-8', 'ignore')}-{zlib.crc32(os.fsencode(name)):08x}"
    return Path(path).with_name(f".{name}.parts")


class WorkFolder:
    """The work folder of one corpus, locked as long as it is open. A context manager.

    ``manifest.json`` names the files of the text with their sizes. A file ``KEY.json`` for each unit that is finished
    names its parts. What neither names is left over from a killed run and removed.

    Args:
        path: file of the corpus.
        units: of its text.

    Raises:
        StorageError: the folder belongs to something else, another process uses it, or it cannot be made.
        CorpusNotFoundError: a file of an earlier run for `path`, which was killed, is not there any more.
        CorpusError: such a file has been cut.
    """

    def __init__(self, path: Path, units: Sequence[Unit]) -> None:
        self._target = path
        self.path = work_folder_of(path)
        self._units = units
        self._lock: Any = None

    def __enter__(self) -> WorkFolder:
        if self._target.is_dir():
            raise StorageError(f"{self._target}: is a directory; expected the name of a file.")
        try:
            self._make_and_lock()
            try:
                self._check_manifest()
                self._write_manifest()
            except BaseException:
                if self._is_new():
                    self.remove()
                release(self._lock)
                raise
        except OSError as error:
            if isinstance(error, StorageError | CorpusError):
                raise
            raise disk_error(self.path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder if the corpus is complete, or nothing is finished; errors of the disk name the folder."""
        finished = [file for file in self.path.glob("*.json") if file.name != _MANIFEST]
        if kind is None or not finished:
            self.remove()
        release(self._lock)
        told = error
        if isinstance(error, OSError) and not isinstance(error, KerazooError):
            told = disk_error(self.path, error)
        if kind is not None and finished and isinstance(told, Exception):
            told.add_note(
                f"{len(finished)} of {len(self._units)} parts of the text are finished, and the next call with this "
                f"text goes on from there. To start anew, remove the folder {self.path}."
            )
        if told is not error and told is not None:
            raise told from error

    def remove(self) -> None:
        """Remove the folder and all that is in it, the manifest last: by it a folder is known as ours after a kill."""
        for _ in range(3):  # what stopped the run may stop this, too
            with contextlib.suppress(OSError):
                for name in os.listdir(self.path):
                    if name not in (_MANIFEST, _LOCK):
                        (self.path / name).unlink(missing_ok=True)
                (self.path / _MANIFEST).unlink(missing_ok=True)
                break
        else:
            return
        # Once the lock is gone, another run may begin in the folder, so that only an empty one is removed.
        with contextlib.suppress(OSError):
            (self.path / _LOCK).unlink(missing_ok=True)
            self.path.rmdir()

    def tidy(self, kept: Sequence[UnitInfo]) -> None:
        """Remove what is not part of the units `kept`."""
        stems = {info.unit.key for info in kept} | {part.name for info in kept for part in info.parts}
        for file in self.path.iterdir():
            if file.stem not in stems and file.name not in (_MANIFEST, _LOCK):
                file.unlink(missing_ok=True)

    def _check_ours(self) -> None:
        if self._is_new():
            return
        try:
            ours = json.loads((self.path / _MANIFEST).read_text("utf-8"))["kind"] == KIND
        except (FileNotFoundError, IsADirectoryError, ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise StorageError(
                f"{self.path}: this folder is needed for the parts of the corpus, but holds something else. Move it, "
                "or write the corpus to another path."
            )

    def _is_new(self) -> bool:
        """Whether nothing is in the folder but what a run writes at its start, which may have been stopped there."""
        names = {file.name for file in self.path.iterdir()}
        return all(name == _LOCK or _DRAFT.fullmatch(name) for name in names)

    def _make_and_lock(self) -> None:
        """Make the folder and lock it; another run may remove it meanwhile, at its end."""
        for _ in range(_ATTEMPTS):
            try:
                self.path.mkdir(exist_ok=True)
                is_locked_before = (self.path / _LOCK).exists()
                self._take_lock()
                break
            except (FileNotFoundError, FileExistsError):
                if not self.path.parent.is_dir() or self.path.is_file():
                    raise
        else:
            raise StorageError(f"{self.path}: another process removes it again and again.")
        try:
            self._check_ours()  # with the lock, or another run would change it meanwhile
        except BaseException:
            if not is_locked_before:
                with contextlib.suppress(OSError):
                    (self.path / _LOCK).unlink()
            release(self._lock)
            raise

    def _take_lock(self) -> None:
        self._lock = take_lock(
            self.path / _LOCK,
            f"{self.path}: another process is encoding a corpus to this path. Wait for its end, or write to another "
            "path.",
        )

    def _check_manifest(self) -> None:
        """Compare the files with those of the run that left the folder."""
        try:
            manifest = json.loads((self.path / _MANIFEST).read_text("utf-8"))
            before = dict(manifest["files"]) if manifest["format"] == FORMAT else {}
        except FileNotFoundError:
            return
        for name, size in before.items():
            try:
                now = os.stat(name).st_size
            except FileNotFoundError:
                raise CorpusNotFoundError(
                    f"{name}: was a file of the corpus when an earlier run was interrupted, and is not there any more. "
                    f"Restore it and make the same call again; or remove the folder {self.path} to encode what is left."
                ) from None
            if now < size:
                raise CorpusError(
                    f"{name}: had {size:,} bytes when an earlier run was interrupted, and has {now:,} now; was it cut? "
                    f"Restore it and make the same call again; or remove the folder {self.path} to encode it as it is."
                )

    def _write_manifest(self) -> None:
        files: dict[str, int] = {}
        for piece in self._pieces():
            files[piece.path] = piece.size
        draft = self.path / f"{secrets.token_hex(4)}.manifest"
        with open(draft, "w", encoding="utf-8") as file:
            json.dump({"kind": KIND, "format": FORMAT, "files": files}, file)
            file.flush()
            os.fsync(file.fileno())  # without a manifest the folder would not be known as ours
        put_in_place(draft, self.path / _MANIFEST)

    def _pieces(self) -> list[Piece]:
        return [piece for unit in self._units for piece in unit.pieces]
