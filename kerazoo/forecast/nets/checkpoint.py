"""`TrainingFile`: a training that was killed goes on from its last checkpoint, to the bit on the same machine."""

from __future__ import annotations

import json
import math
import time
import warnings
import zlib
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.nets.trainer import BestWeights, Course, Learner

__all__ = ["TrainingFile", "fingerprint_of"]

KIND = "kerazoo.forecast-training"

# What callbacks that watch a loss know of the epochs so far: EarlyStopping, ReduceLROnPlateau, ModelCheckpoint.
REMEMBERED = ("best", "wait", "best_epoch", "stopped_epoch", "cooldown_counter")


def fingerprint_of(settings: Mapping[str, Any], arrays: Any) -> dict[str, Any]:
    """What a training must have in common with the one that it goes on from."""
    check = 0
    for array in arrays:
        check = zlib.crc32(np.ascontiguousarray(array).tobytes(), check)
    return {**settings, "data": check, "backend": keras.backend.backend()}


class TrainingFile:
    """A checkpoint of one fit.

    Args:
        folder: is made if it is not there.
        minutes: float, time between two checkpoints; one is also written at the end.
        fingerprint: what the fit is about; a checkpoint of another one is refused.
    """

    def __init__(self, folder: str | Path, minutes: float, fingerprint: Mapping[str, Any]) -> None:
        self.path = Path(folder) / "fit.kerazoo"
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"checkpoint_dir={str(folder)!r} cannot be made: {error.strerror}.") from error
        self._seconds = 60.0 * minutes
        self._fingerprint = json.loads(json.dumps(fingerprint))
        self._arrays: dict[str, Any] = {}
        self._callbacks: list[dict[str, Any]] = []
        self.course = Course()
        self.is_complete = False
        self._epoch = 0
        for part in self.path.parent.glob(f".{self.path.name}.*.part"):  # of a process that was killed while it wrote
            part.unlink(missing_ok=True)
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        arrays, notes = read_tensors(self.path, kind=KIND, mmap=False)
        for name, value in self._fingerprint.items():
            if notes["fingerprint"].get(name) != value:
                raise InvalidArgumentError(
                    f"{self.path}: a checkpoint with {name}={notes['fingerprint'].get(name)!r}; this fit has "
                    f"{name}={value!r}. Give another checkpoint_dir, or delete the file to begin anew."
                )
        self._arrays = dict(arrays)
        self._epoch, self.is_complete = notes["epoch"], notes["complete"]
        self._callbacks = notes.get("callbacks", [])
        history = {name: [_number(value) for value in values] for name, values in notes["history"].items()}
        self.course = Course(history, notes["best_epoch"], _number(notes["start"]), _number(notes["best"]))

    def resume(self, learner: Learner, best: BestWeights) -> int:
        """Give the learner the weights of the checkpoint; returns the epochs that are done."""
        if not self._arrays:
            return 0
        names = sorted(self._arrays)
        nets = learner.nets
        best.initial = nets.values_of(range(nets.n_members))
        nets.assign([self._arrays[name] for name in names if name.startswith("weight/")])
        kept = [self._arrays[name] for name in names if name.startswith("best/")]
        best.best, best.best_epoch, best.weights = self.course.best, self.course.best_epoch, kept or None
        learner.optimizer.build(learner.trainable_variables)
        given = [self._arrays[name] for name in names if name.startswith("optimizer/")]
        for variable, value in zip(learner.optimizer.variables, given, strict=True):
            variable.assign(value)
        drawn = [self._arrays[name] for name in names if name.startswith("noise/")]
        for variable, value in zip(_noise_of(learner), drawn, strict=True):
            variable.assign(value)
        return self._epoch

    def remind(self, learner: Learner, callbacks: Sequence[Any]) -> None:
        """Give callbacks back what those of the same class, watching the same loss, knew when the checkpoint was
        written. Keras's forget it when a training begins, so it has to be done after that."""
        known = list(self._callbacks)
        for callback in callbacks:
            found = next((each for each in known if each["of"] == _name_of(callback)), None)
            if found is None:
                continue
            known.remove(found)
            for name, value in found["numbers"].items():
                setattr(callback, name, value if isinstance(value, int) else _number(value))
            if found["weights"] is not None:
                kept = [self._arrays[name] for name in sorted(self._arrays) if name.startswith(found["weights"])]
                weights = learner.get_weights()
                for place, value in zip(_places_of_nets(learner), kept, strict=True):
                    weights[place] = value
                callback.best_weights = weights

    def callback(self, best: BestWeights, others: Sequence[Any] = ()) -> keras.callbacks.Callback:
        """Writes a checkpoint when its time has come, with what `others` know; has to stand behind them."""
        return _Writer(self, best, self._seconds, others)

    def write(
        self,
        learner: Learner,
        best: BestWeights,
        epoch: int,
        history: Mapping[str, Any],
        complete: bool,
        callbacks: Sequence[Any] = (),
    ) -> None:
        """Write where the training stands; a failure is a warning, as the training can go on."""
        nets = learner.nets
        arrays = {f"weight/{place:04d}": value for place, value in enumerate(nets.values_of(range(nets.n_members)))}
        for place, value in enumerate(best.weights or []):
            arrays[f"best/{place:04d}"] = value
        for place, variable in enumerate(learner.optimizer.variables):
            arrays[f"optimizer/{place:04d}"] = np.asarray(keras.ops.convert_to_numpy(variable))
        for place, variable in enumerate(_noise_of(learner)):
            arrays[f"noise/{place:04d}"] = np.asarray(keras.ops.convert_to_numpy(variable))
        known = []
        for number, callback in enumerate(callbacks):
            kept = callback.best_weights if isinstance(callback, keras.callbacks.EarlyStopping) else None
            group = None if kept is None else f"callback/{number:02d}/"
            if kept is not None:  # of all weights of the learner; its data are not written again
                arrays.update({f"{group}{place:04d}": kept[place] for place in _places_of_nets(learner)})
            known.append({"of": _name_of(callback), "numbers": _numbers_of(callback), "weights": group})
        losses = {name: [_text(value) for value in values] for name, values in history.items()}
        notes = {"fingerprint": self._fingerprint, "epoch": epoch, "complete": complete, "history": losses,
                 "best_epoch": best.best_epoch, "start": _text(best.start), "best": _text(best.best),
                 "callbacks": known}  # fmt: skip
        try:
            write_tensors(self.path, arrays, notes, kind=KIND)
        except StorageError as error:
            warnings.warn(f"no checkpoint was written: {error}", UserWarning, stacklevel=2)

    def finish(self, learner: Learner, best: BestWeights, course: Course) -> Course:
        """The course of the whole fit, the part before the checkpoint included."""
        before = self.course.history
        names = course.history or before
        course.history = {name: [*before.get(name, []), *course.history.get(name, [])] for name in names}
        epochs = max((len(values) for values in course.history.values()), default=0)
        self.write(learner, best, epochs, course.history, complete=True)
        return course

    def history_before(self) -> dict[str, list[float]]:
        """Of the epochs before the checkpoint."""
        return {name: list(values) for name, values in self.course.history.items()}


class _Writer(keras.callbacks.Callback):
    def __init__(self, file: TrainingFile, best: BestWeights, seconds: float, others: Sequence[Any]) -> None:
        super().__init__()
        self._file, self._best, self._seconds, self._others = file, best, seconds, others
        self._last = time.monotonic()
        self._history = file.history_before()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._file.remind(self.model, self._others)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(float(value))
        ends = self.model.stop_training or epoch + 1 == self.params["epochs"]  # then `finish` writes
        if time.monotonic() - self._last >= self._seconds and not ends:
            self._file.write(self.model, self._best, epoch + 1, self._history, False, self._others)
            self._last = time.monotonic()


def _noise_of(learner: Learner) -> list[Any]:
    """The states of the generators that dropout draws from."""
    weights = {id(weight) for weight in learner.nets.weights}
    return [variable for variable in learner.nets.variables if id(variable) not in weights]


def _name_of(callback: Any) -> str:
    """Tells callbacks apart: what one knows of a loss is of no use to another one, or for another loss."""
    return f"{type(callback).__name__}({getattr(callback, 'monitor', '')})"


def _numbers_of(callback: Any) -> dict[str, Any]:
    found = {name: getattr(callback, name, None) for name in REMEMBERED}
    return {
        name: int(value) if isinstance(value, Integral) else _text(float(value))
        for name, value in found.items()
        if isinstance(value, Real)
    }


def _places_of_nets(learner: Learner) -> list[int]:
    """Where the weights of the nets stand among those of the learner."""
    own = {id(weight) for weight in learner.nets.weights}
    return [place for place, weight in enumerate(learner.weights) if id(weight) in own]


def _text(value: float) -> float | str | None:
    """JSON has no NaN and no infinity."""
    return None if math.isnan(value) else value if math.isfinite(value) else str(value)


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
