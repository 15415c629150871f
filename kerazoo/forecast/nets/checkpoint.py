"""`TrainingCheckpoint`: a killed training continues from its last checkpoint, to the bit on the same machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np

from kerazoo._runtime.checkpoints import Checkpoint, CheckpointFile
from kerazoo._runtime.files import damage_of
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._validation import check_choice, check_int
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.nets.trainer import BestWeights, Learner

__all__ = ["TrainingCheckpoint"]

REMEDY = "Delete it to train from scratch."
# Attributes in which callbacks that monitor a loss remember past epochs: EarlyStopping, ReduceLROnPlateau and
# ModelCheckpoint.
REMEMBERED = ("best", "wait", "best_epoch", "stopped_epoch", "cooldown_counter")


class TrainingCheckpoint:
    """The state of a `Learner`, its optimizer and its callbacks in a checkpoint file.

    Args:
        file: CheckpointFile, which checks the identity of the training.
        found: what `file.read()` returned: the checkpoint to continue, or None.
        seed: int, the seed of the training.

    Attributes:
        course: Course up to the checkpoint.
        is_complete: bool, whether the training has ended. Its weights are then the ones to forecast with.
    """

    def __init__(self, file: CheckpointFile, found: Checkpoint | None, seed: int) -> None:
        with damage_of(file.path, REMEDY):
            self._read(found)
        self._file, self._seed = file, seed

    def _read(self, found: Checkpoint | None) -> None:
        self._arrays = {} if found is None else found.arrays
        notes = {} if found is None else found.metadata
        self._epoch = check_int("epoch", notes.get("epoch", 0), 0)
        self._callbacks: list[dict[str, Any]] = notes.get("callbacks", [])
        self.is_complete = found is not None and found.complete
        self.course = Course()
        if notes:
            history = {name: [_from_json(value) for value in values] for name, values in notes["history"].items()}
            best_epoch = check_int("best_epoch", notes["best_epoch"], 0)
            self.course = Course(history, best_epoch, _from_json(notes["start"]), _from_json(notes["best"]))

    def resume(self, learner: Learner, best: BestWeights) -> int:
        """Restore weights, optimizer and generators of the learner, and `best`.

        Returns:
            The number of epochs that are trained; 0 without a checkpoint.
        """
        if not self._arrays:
            return 0
        with damage_of(self._file.path, REMEDY):
            self._resume(learner, best)
        return self._epoch

    def _resume(self, learner: Learner, best: BestWeights) -> None:
        nets = learner.nets
        best.initial = nets.values_of(range(nets.n_members))
        nets.assign(self._group("weight"))
        best.best, best.best_epoch = self.course.best, self.course.best_epoch
        best.weights = self._group("best") or None
        if not best.holds_out:
            best.weights = nets.values_of(range(nets.n_members))
        learner.optimizer.build(learner.trainable_variables)
        for variable, value in zip(learner.optimizer.variables, self._group("optimizer"), strict=True):
            variable.assign(value)
        for variable, value in zip(_generator_states(learner), self._group("noise"), strict=True):
            variable.assign(value)

    def _group(self, name: str) -> list[Any]:
        return [self._arrays[each] for each in sorted(self._arrays) if each.startswith(f"{name}/")]

    def restore_callbacks(self, learner: Learner, callbacks: Sequence[Any]) -> None:
        """Restore what callbacks of the same class that monitor the same loss remembered at the checkpoint.

        Keras's callbacks reset themselves when a training begins, so this must run afterwards.
        """
        with damage_of(self._file.path, REMEDY):
            self._restore_callbacks(learner, callbacks)

    def _restore_callbacks(self, learner: Learner, callbacks: Sequence[Any]) -> None:
        known = list(self._callbacks)
        for callback in callbacks:
            found = next((each for each in known if each["of"] == _name_of(callback)), None)
            if found is None:
                continue
            known.remove(found)
            for name, value in found["numbers"].items():
                check_choice("a number of a callback", name, REMEMBERED)
                setattr(callback, name, value if isinstance(value, int) else _from_json(value))
            if found["weights"] is not None:
                kept = [self._arrays[name] for name in sorted(self._arrays) if name.startswith(found["weights"])]
                weights = learner.get_weights()
                for position, value in zip(_positions_of_nets(learner), kept, strict=True):
                    weights[position] = value
                callback.best_weights = weights

    def callback(
        self, best: BestWeights, others: Sequence[Any], interrupt: DeferredInterrupt
    ) -> keras.callbacks.Callback:
        """A callback that writes a checkpoint at the end of an epoch if one is due or Ctrl-C was pressed.

        Args:
            best: BestWeights of the training.
            others: the callbacks whose memory is written; the returned one must come after them.
            interrupt: the active DeferredInterrupt.
        """
        return _Writer(self, best, others, interrupt)

    def is_due(self) -> bool:
        """Whether the minimum time since the last checkpoint has passed."""
        return self._file.is_due()

    def write(
        self,
        learner: Learner,
        best: BestWeights,
        epoch: int,
        history: Mapping[str, Any],
        complete: bool,
        callbacks: Sequence[Any] = (),
    ) -> None:
        """Write the state after `epoch` epochs; see :meth:`kerazoo._runtime.checkpoints.CheckpointFile.write`."""
        nets = learner.nets
        arrays = {f"weight/{i:04d}": value for i, value in enumerate(nets.values_of(range(nets.n_members)))}
        if best.holds_out:  # else the best weights are the current ones
            arrays.update({f"best/{i:04d}": value for i, value in enumerate(best.weights or [])})
        for i, variable in enumerate(learner.optimizer.variables):
            arrays[f"optimizer/{i:04d}"] = np.asarray(keras.ops.convert_to_numpy(variable))
        for i, variable in enumerate(_generator_states(learner)):
            arrays[f"noise/{i:04d}"] = np.asarray(keras.ops.convert_to_numpy(variable))
        known = []
        for number, callback in enumerate(callbacks):
            kept = callback.best_weights if isinstance(callback, keras.callbacks.EarlyStopping) else None
            group = None if kept is None else f"callback/{number:02d}/"
            if kept is not None:  # all weights of the learner; its data are not written
                arrays.update({f"{group}{i:04d}": kept[i] for i in _positions_of_nets(learner)})
            known.append({"of": _name_of(callback), "numbers": _numbers_of(callback), "weights": group})
        losses = {name: [_to_json(value) for value in values] for name, values in history.items()}
        notes = {"epoch": epoch, "history": losses, "best_epoch": best.best_epoch, "start": _to_json(best.start),
                 "best": _to_json(best.best), "callbacks": known}  # fmt: skip
        self._file.write(arrays, notes, seed=self._seed, complete=complete)

    def finish(self, learner: Learner, best: BestWeights, course: Course) -> Course:
        """The course of all epochs, those before the checkpoint included; a training that ended is marked complete."""
        before = self.course.history
        names = course.history or before
        course.history = {name: [*before.get(name, []), *course.history.get(name, [])] for name in names}
        if course.error is None:
            epochs = max((len(values) for values in course.history.values()), default=0)
            self.write(learner, best, epochs, course.history, complete=True)
        return course

    def history_before(self) -> dict[str, list[float]]:
        """The history up to the checkpoint, a copy."""
        return {name: list(values) for name, values in self.course.history.items()}


class _Writer(keras.callbacks.Callback):
    def __init__(
        self,
        checkpoint: TrainingCheckpoint,
        best: BestWeights,
        others: Sequence[Any],
        interrupt: DeferredInterrupt,
    ) -> None:
        super().__init__()
        self._checkpoint, self._best, self._others, self._interrupt = checkpoint, best, others, interrupt
        self._history = checkpoint.history_before()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._checkpoint.restore_callbacks(self.model, self._others)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(float(value))
        ends = self.model.stop_training or epoch + 1 == self.params["epochs"]  # then `finish` writes
        if (self._checkpoint.is_due() or self._interrupt.pending) and not ends:
            self._checkpoint.write(self.model, self._best, epoch + 1, self._history, False, self._others)


def _generator_states(learner: Learner) -> list[Any]:
    """The states of the generators from which dropout is drawn."""
    weights = {id(weight) for weight in learner.nets.weights}
    return [variable for variable in learner.nets.variables if id(variable) not in weights]


def _name_of(callback: Any) -> str:
    """Identifies a callback by its class and the loss that it monitors."""
    return f"{type(callback).__name__}({getattr(callback, 'monitor', '')})"


def _numbers_of(callback: Any) -> dict[str, Any]:
    found = {name: getattr(callback, name, None) for name in REMEMBERED}
    return {
        name: int(value) if isinstance(value, Integral) else _to_json(float(value))
        for name, value in found.items()
        if isinstance(value, Real)
    }


def _positions_of_nets(learner: Learner) -> list[int]:
    """Positions of the networks' weights among those of the learner."""
    own = {id(weight) for weight in learner.nets.weights}
    return [i for i, weight in enumerate(learner.weights) if id(weight) in own]


def _to_json(value: float) -> float | str | None:
    """A float as a value of JSON, which has no NaN and no infinity."""
    return None if math.isnan(value) else value if math.isfinite(value) else str(value)


def _from_json(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
