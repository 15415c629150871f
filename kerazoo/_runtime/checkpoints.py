"""Checkpoint files: a killed training continues when the same call runs again. One mechanism for both estimators.

A checkpoint is one file of :mod:`kerazoo._runtime.files`: arrays and metadata of the estimator, and beside them, under
the key ``checkpoint``, what this module needs: the identity of the training, its seed, and whether it is complete. The
file is replaced whole or not at all, so the process may be killed at any moment.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from kerazoo._runtime.files import Blocks, damage_of, read_tensors, remove_leftovers, write_tensors
from kerazoo._validation import check_flag, check_int, check_real
from kerazoo.errors import InvalidArgumentError, StorageError

__all__ = ["DEFAULT_MINUTES", "Checkpoint", "CheckpointFile"]

DEFAULT_MINUTES = 5.0


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a checkpoint file.

    Attributes:
        arrays: name -> array, as given to :meth:`CheckpointFile.write`.
        metadata: as given to :meth:`CheckpointFile.write`.
        seed: the seed of the training, drawn by its first run if the user gave none.
        complete: whether the training has ended.
    """

    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, Any]
    seed: int
    complete: bool


class CheckpointFile:
    """The checkpoint of one training.

    Args:
        folder: directory; made if it does not exist.
        name: file name in it.
        kind: kind of the file, see :func:`kerazoo._runtime.files.write_tensors`.
        identity: name -> value that JSON can hold: the settings and a fingerprint of the data. A checkpoint continues
            only a training with the same identity.
        seed: int, or None where the user chose no seed: the training then continues with the seed of the checkpoint.
        minutes: float >= 0, minimum time between two checkpoints.

    Raises:
        InvalidArgumentError: `minutes` is out of range.
        StorageError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        name: str,
        *,
        kind: str,
        identity: Mapping[str, Any],
        seed: int | None = None,
        minutes: float = DEFAULT_MINUTES,
    ) -> None:
        minutes = check_real("checkpoint_minutes", minutes, 0, hint=f"The default is {DEFAULT_MINUTES:g}.")
        try:
            self.path = Path(os.fsdecode(folder)) / name
        except TypeError:
            raise InvalidArgumentError(f"checkpoint_dir={folder!r}; expected the path of a folder.") from None
        self._kind = kind
        self._identity = _as_json(identity)
        self._seed = seed
        self._seconds = 60.0 * minutes
        self._last = time.monotonic()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"checkpoint_dir={os.fspath(folder)!r} cannot be made ({error.strerror or error}). "
                "Name a folder that can be written to."
            ) from error

    def read(self) -> Checkpoint | None:
        """The checkpoint, or None where there is none yet. Removes what killed processes left behind.

        Raises:
            InvalidArgumentError: the checkpoint belongs to another training; the message names what differs.
            StorageError: the file is damaged, or was written by an older version.
        """
        remove_leftovers(self.path)
        if not self.path.exists():
            return None
        arrays, metadata = read_tensors(self.path, kind=self._kind, mmap=False)
        note = metadata.pop("checkpoint", None) if isinstance(metadata, dict) else None
        if not isinstance(note, dict) or not {"identity", "seed", "complete"} <= note.keys():
            raise StorageError(
                f"{self.path}: not a checkpoint of this version of kerazoo. Delete the file to train from scratch."
            )
        with damage_of(self.path, "Delete the file to train from scratch."):
            identity, seed = dict(note["identity"]), check_int("seed", note["seed"], 0)
            complete = check_flag("complete", note["complete"])
        self._check_identity(identity)
        if self._seed is not None and seed != self._seed:
            raise self._different("seed", seed, self._seed)
        return Checkpoint(dict(arrays), metadata, seed, complete)

    def _check_identity(self, found: Mapping[str, Any]) -> None:
        for name in sorted(found.keys() | self._identity.keys()):
            if found.get(name) != self._identity.get(name):
                raise self._different(name, found.get(name), self._identity.get(name))

    def _different(self, name: str, found: Any, here: Any) -> InvalidArgumentError:
        return InvalidArgumentError(
            f"{self.path}: the checkpoint was written with {name}={found!r}, but {name} is now {here!r}. Continue with "
            "the settings and the data that it was started with, choose another checkpoint_dir, or delete the file to "
            "train from scratch."
        )

    def is_due(self) -> bool:
        """Whether the minimum time since the last checkpoint has passed."""
        return time.monotonic() - self._last >= self._seconds

    def write(
        self,
        arrays: Mapping[str, NDArray[Any] | Blocks],
        metadata: Mapping[str, Any],
        *,
        seed: int,
        complete: bool = False,
    ) -> None:
        """Replace the checkpoint. If that fails (a full disk), the training continues and a RuntimeWarning says so.

        Args:
            arrays: name -> array.
            metadata: what JSON can hold; the key ``checkpoint`` is reserved.
            seed: the seed of the training.
            complete: whether the training has ended.
        """
        note = {"identity": self._identity, "seed": seed, "complete": complete}
        try:
            write_tensors(self.path, arrays, {**metadata, "checkpoint": note}, kind=self._kind)
        except StorageError as error:
            warnings.warn(f"no checkpoint was written, the training continues: {error}", RuntimeWarning, stacklevel=2)
        self._last = time.monotonic()


def _as_json(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The identity as it comes back from a file: tuples are lists there."""
    parsed: dict[str, Any] = json.loads(json.dumps(dict(identity)))
    return parsed
