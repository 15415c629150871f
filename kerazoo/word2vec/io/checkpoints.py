"""Checkpoints of a training as model files: one file per call of `fit` or `partial_fit`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo._runtime.files import damage_of
from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo._validation import check_int, check_real
from kerazoo.word2vec.io.model_file import KIND, Contents, from_tensors, to_tensors
from kerazoo.word2vec.results import TrainingState, empty_history

if TYPE_CHECKING:
    from kerazoo.text import EncodedCorpus, Vocabulary
    from kerazoo.word2vec.options import TrainingSettings
    from kerazoo.word2vec.results import Tables

__all__ = ["ResumedTraining", "TrainingCheckpoint", "training_identity"]


def training_identity(
    encoded: EncodedCorpus, settings: TrainingSettings, engine: str, tables: Tables | None
) -> dict[str, Any]:
    """What must be the same for a training to continue from a checkpoint.

    Args:
        encoded: the corpus.
        settings: of the training.
        engine: its name.
        tables: those that it starts from, or None.
    """
    values = dataclasses.asdict(dataclasses.replace(settings, callbacks=()))
    for name in ("workers", "verbose", "callbacks", "seed"):
        del values[name]
    corpus = corpus_fingerprint(encoded.ids, encoded.offsets, encoded.vocabulary.counts)
    return {**values, "engine": engine, "corpus": corpus, "start": None if tables is None else tables.checksum()}


class ResumedTraining(NamedTuple):
    """What a checkpoint says about its training.

    Attributes:
        state: where the training continues.
        seed: the seed of its first run.
        complete: whether the training has ended.
    """

    state: TrainingState
    seed: int
    complete: bool


class TrainingCheckpoint:
    """The checkpoint of one call of `fit` or `partial_fit`: a model file with a note on the state of the training.

    Each call has its own file, ``fit-<number>.kerazoo``, so a script with several calls can be run again and continues
    in the call that was killed.

    Args:
        folder: made if it does not exist.
        number: calls of `fit` and `partial_fit` before this one.
        identity: name -> value that JSON can hold, see :class:`kerazoo._runtime.checkpoints.CheckpointFile`.
        minutes: float >= 0, minimum time between two checkpoints.
        parameters: the constructor's arguments, as :func:`kerazoo.word2vec.io.model_file.storable` returns them.
        vocabulary: the words of the rows.
        history: of the earlier calls.
        seed: of this call; a checkpoint that is found replaces it.
        chosen_seed: the seed that the user chose, or None: then any checkpoint is continued with its own.
        kind: of the model file.

    Raises:
        InvalidArgumentError: `minutes` is out of range.
        StorageError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        number: int,
        *,
        identity: Mapping[str, Any],
        minutes: float,
        parameters: dict[str, Any],
        vocabulary: Vocabulary,
        history: dict[str, list[float]],
        seed: int,
        chosen_seed: int | None = None,
        kind: str = KIND,
    ) -> None:
        name = f"fit-{number}.kerazoo"
        self._file = CheckpointFile(folder, name, kind=kind, identity=identity, seed=chosen_seed, minutes=minutes)
        self._number, self._seed = number, seed
        self._parameters, self._vocabulary, self._history = parameters, vocabulary, history

    def read(self) -> ResumedTraining | None:
        """The state of the training, or None if there is no checkpoint yet.

        Raises:
            StorageError: the file is damaged or of another kind.
            InvalidArgumentError: it belongs to other settings or other data.
        """
        found = self._file.read()
        if found is None:
            return None
        contents = from_tensors(self._file.path, found.arrays, found.metadata)
        note = contents.training or {}
        with damage_of(self._file.path, "Delete it to train from scratch."):
            earlier, lengths = check_int("epochs_before", note["epochs_before"], 0), map(len, contents.history.values())
            if contents.history.keys() != empty_history().keys() or len(set(lengths)) > 1:
                raise ValueError(f"a history of {', '.join(contents.history)}")
            state = TrainingState(
                tables=contents.tables,
                history={name: values[earlier:] for name, values in contents.history.items()},
                position=check_int("position", note["position"], 0),
                seconds=check_real("seconds", note["seconds"], 0),
                engine=dict(note["engine"]),
            )
        self._seed = found.seed
        return ResumedTraining(state, found.seed, found.complete)

    def is_due(self) -> bool:
        """Whether the minimum time since the last checkpoint has passed."""
        return self._file.is_due()

    def write(self, state: TrainingState, complete: bool = False) -> None:
        """Replace the checkpoint. If that fails (a full disk), the training continues and a RuntimeWarning says so."""
        assert state.tables is not None
        note = {
            "epochs_before": len(self._history["loss"]),
            "position": state.position,
            "seconds": state.seconds,
            "engine": state.engine,
        }
        history = {name: self._history[name] + values for name, values in state.history.items()}
        contents = Contents(
            self._parameters, self._vocabulary, state.tables, history, self._seed, self._number + 1, note
        )
        arrays, metadata = to_tensors(contents)
        self._file.write(arrays, metadata, seed=self._seed, complete=complete)
