"""Checkpoints of a training: written every few minutes, and found again by the run that goes on.

A checkpoint is a model file (:mod:`kerazoo.word2vec.io.model_file`) with a note of the settings and the data that it
belongs to and of where the training stands. It is replaced whole or not at all, so a process may be killed at any
moment.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.word2vec.io import model_file as persistence
from kerazoo.word2vec.io.model_file import Contents
from kerazoo.word2vec.options import TrainingState

if TYPE_CHECKING:
    from kerazoo.text import Vocabulary

__all__ = ["Checkpoints", "Found"]


@dataclass(frozen=True)
class Found:
    """A checkpoint that was found.

    Attributes:
        state: where the training stands.
        seed: the seed that it was begun with.
        complete: whether nothing is left to train.
    """

    state: TrainingState
    seed: int
    complete: bool


class Checkpoints:
    """Writes and finds the checkpoints of one call of `fit` or `partial_fit`.

    Args:
        folder: made if it does not exist.
        minutes: float >= 0, the least time between two checkpoints.
        number: int, calls of `fit` and `partial_fit` before this one. Each has a file of its own, so that a script with
            several of them can be run again and goes on where it was.
        identity: name -> value, what has to be the same for a training to go on, all that JSON can hold.
    """

    def __init__(
        self, folder: str | os.PathLike[str], minutes: float, number: int, identity: Mapping[str, Any]
    ) -> None:
        self.path = Path(folder) / f"fit-{number}.kerazoo"
        self.seconds = 60.0 * minutes
        self.number = number
        self.identity = dict(identity)
        self.describe: Callable[[TrainingState], Contents] | None = None
        self._last = time.monotonic()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"checkpoint_dir={os.fspath(folder)!r} cannot be made ({error.strerror or error}). "
                "Name a folder that can be written to."
            ) from error

    def find(self) -> Found | None:
        """The checkpoint of this training, or None if there is none yet.

        Raises:
            StorageError: the file is damaged or foreign.
            InvalidArgumentError: it belongs to other settings or other data.
        """
        for part in self.path.parent.glob(f".{self.path.name}.*.part"):  # of a process that was killed while it wrote
            part.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        contents = persistence.read(self.path, mmap=False)
        note = contents.training
        if note is None:
            raise StorageError(f"{self.path}: a model, not a checkpoint. Name another checkpoint_dir.")
        try:
            before = int(note["epochs_before"])
            state = TrainingState(
                tables=contents.tables,
                history={name: values[before:] for name, values in contents.history.items()},
                position=int(note["position"]),
                seconds=float(note["seconds"]),
                engine=dict(note["engine"]),
            )
            identity, complete = dict(note["identity"]), bool(note["complete"])
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"{self.path}: a damaged checkpoint: {error!r}. Delete it to begin anew.") from error
        for name in sorted(identity.keys() | self.identity.keys()):
            if identity.get(name) != self.identity.get(name):
                raise InvalidArgumentError(
                    f"{self.path}: a checkpoint of other settings: {name} was {identity.get(name)!r}, here it is "
                    f"{self.identity.get(name)!r}. Go on with the settings and the corpus that it was begun with, name "
                    "another checkpoint_dir, or delete the file to begin anew."
                )
        return Found(state, contents.seed, complete)

    def attach(
        self, parameters: dict[str, Any], vocabulary: Vocabulary, history: dict[str, list[float]], seed: int
    ) -> None:
        """Say what stands in the file beside the state: `history` is that of the calls before this one."""

        def describe(state: TrainingState) -> Contents:
            assert state.tables is not None
            whole = {name: history[name] + values for name, values in state.history.items()}
            note = {
                "identity": self.identity,
                "epochs_before": len(history["loss"]),
                "position": state.position,
                "seconds": state.seconds,
                "engine": state.engine,
            }
            return Contents(parameters, vocabulary, state.tables, whole, seed, self.number + 1, note)

        self.describe = describe

    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return time.monotonic() - self._last >= self.seconds

    def write(self, state: TrainingState, complete: bool = False) -> None:
        """Write a checkpoint. Where that fails (a full disk), the training goes on, with a warning."""
        assert self.describe is not None
        contents = self.describe(state)
        contents = contents._replace(training={**(contents.training or {}), "complete": complete})
        try:
            persistence.write(self.path, contents)
        except StorageError as error:
            warnings.warn(f"no checkpoint, the training goes on without: {error}", RuntimeWarning, stacklevel=2)
        self._last = time.monotonic()
