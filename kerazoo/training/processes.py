"""Training in several processes: they agree on what they train, stop together, and one of them writes files."""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerazoo.batching.dataset import ResumableDataset
from kerazoo.batching.shares import Shares
from kerazoo.errors import ClusterError, InvalidArgumentError
from kerazoo.training.plan import Plan

__all__ = [
    "StopTogether", "agree", "callbacks_of_process", "let_one_process_save", "lost_processes_reported", "share_seeds",
]  # fmt: skip

#: Calls of the train function between two questions whether a process wants to stop. One takes milliseconds.
CALLS_PER_QUESTION = 16

# Of Keras, those that write files or send requests. (OrbaxCheckpoint needs all processes.)
_WRITERS = ("ModelCheckpoint", "CSVLogger", "TensorBoard", "RemoteMonitor")

# Bytes of one of the 64 slices of an array that processes compare.
_SLICE = 2**16

# What errors of JAX say if another process no longer answers.
_LOST = ("gloo", "coordination service", "heartbeat", "connection closed", "connection reset", "socket closed", "nccl")


class StopTogether(keras.callbacks.Callback):
    """Stops the training in all processes at the same step, if a callback of one of them wants to stop.

    Otherwise the other processes would wait for its next step forever. The processes ask each other at ends of epochs
    and every 16 calls of the train function; until then the training continues.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0
        self._wanted = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Ask, every few calls."""
        self._wanted |= bool(self._model.stop_training)
        self._model.stop_training = False
        self._calls += 1
        if self._calls % CALLS_PER_QUESTION == 0:
            self._ask()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ask."""
        self._ask()

    def _ask(self) -> None:
        from kerazoo.training._jax_distribution import gathered_flags

        self._wanted |= bool(self._model.stop_training)
        self._wanted = bool(gathered_flags(self._wanted).any())
        self._model.stop_training = self._wanted


class _Restored(keras.callbacks.Callback):
    """`BackupAndRestore` in a process that reads the backup and does not write one."""

    def __init__(self, backup: Any) -> None:
        super().__init__()
        self.backup = backup

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Read the backup."""
        self.backup.set_model(self.model)
        self.backup.on_train_begin(logs)


@contextlib.contextmanager
def callbacks_of_process(callbacks: Any, shares: Shares) -> Iterator[Any]:
    """The callbacks that run in this process: those that write files in process 0 only.

    Args:
        callbacks: callbacks, the finite training among them.
        shares: of this process.
    """
    if shares.processes == 1:
        yield callbacks
        return
    if isinstance(callbacks, keras.callbacks.CallbackList):
        raise InvalidArgumentError(
            f"callbacks is a CallbackList, in one of {shares.processes} processes; expected a list of callbacks, of "
            "which each process runs its own."
        )
    kept: list[Any] = []
    for each in keras.tree.flatten(callbacks):
        if shares.rank and isinstance(each, keras.callbacks.BackupAndRestore):
            kept.append(_Restored(each))
        elif not (shares.rank and isinstance(each, tuple(getattr(keras.callbacks, name) for name in _WRITERS))):
            kept.append(each)
    yield [*kept, StopTogether()]


@contextlib.contextmanager
def lost_processes_reported(shares: Shares) -> Iterator[None]:
    """Raise an error of kerazoo where JAX says that another process does not answer."""
    try:
        yield
    except Exception as error:
        if shares.processes == 1 or isinstance(error, InvalidArgumentError):
            raise
        if not any(word in str(error).lower() for word in _LOST):
            raise
        raise ClusterError(
            f"process {shares.rank} of {shares.processes} has lost another one: {str(error)[:300]} Expected that all "
            "train to the end; its own output says why it ended. Start all processes again, from the last checkpoint "
            "(docs/several-devices.md)."
        ) from error


def agree(
    shares: Shares, model: Any, plan: Plan, data: dict[str, Any], adapter: Any, arguments: dict[str, Any],
    callbacks: list[Any],
) -> None:  # fmt: skip
    """Check that all processes train the same: else one would wait for steps that another does not take.

    Args:
        shares: of this process.
        model: the model.
        plan: how to train.
        data: name -> arrays, data sets, tuples of them or None.
        adapter: the training data.
        arguments: further arguments of `keras.Model.fit`.
        callbacks: of this process.

    Raises:
        InvalidArgumentError: in every process, if they differ.
    """
    if shares.processes == 1:
        return
    from kerazoo.training._jax_distribution import gathered

    names = ("epochs", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_freq", "shuffle")
    backups = [each.backup if isinstance(each, _Restored) else each for each in callbacks]
    backups = [each for each in backups if isinstance(each, keras.callbacks.BackupAndRestore)]
    mine = {
        "the weights of the model": [[each.path, list(each.shape), bool(each.trainable)] for each in model.weights],
        "the plan": [plan.loop, plan.steps_per_execution, plan.unroll, model.steps_per_execution],
        "the number of batches": adapter.num_batches,
        "terminate_on_nan": len([each for each in callbacks if type(each).__name__ == "FiniteTraining"]),
        "backups that BackupAndRestore finds": [os.path.exists(each._weights_path) for each in backups],
        **{name: repr(arguments.get(name)) for name in names},
        **{name: _described(value) for name, value in data.items()},
    }
    all_of_them = gathered(mine)
    for rank, other in enumerate(all_of_them):
        if other != all_of_them[0]:
            name, theirs, first = _difference("", other, all_of_them[0])
            raise InvalidArgumentError(
                f"{name} of process {rank}: {_short(theirs)}, of process 0: {_short(first)}; expected the same in all "
                "processes. Give all the same data, seeds and arguments; each takes its own rows."
            )


def let_one_process_save() -> None:
    """Let process 0 save models by itself, in callbacks and later.

    For every model that it saves, Keras makes an optimizer whose attributes it looks at. Under a distribution the
    variables of that are compared by all processes, so one process alone would wait, or take part in a wrong sum. Keras
    means to keep what it has found, but looks for it under another name than it keeps it (3.15.1).
    """
    from keras.src.backend.common import global_state
    from keras.src.saving.saving_lib import get_attr_skipset

    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        for kind in ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss"):
            global_state.set_global_attribute(f"saving_attr_skiplist_{kind}", get_attr_skipset(kind))
    finally:
        keras.distribution.set_distribution(distribution)


def share_seeds(shares: Shares, *data: Any) -> None:
    """Give kerazoo data sets that were made without a seed that of process 0.

    Args:
        shares: of this process.
        data: data sets, tuples of arrays or anything else; the same kinds in all processes.
    """
    if shares.processes == 1:
        return
    from kerazoo.training._jax_distribution import gathered

    datasets = [each for each in data if isinstance(each, ResumableDataset)]
    seeds = gathered([each.seed for each in datasets])[0]
    for dataset, seed in zip(datasets, seeds, strict=False):
        dataset.take_seed(seed)


def _described(value: Any) -> Any:
    """A value that JSON can hold and that differs if the data do; a large array is not read whole."""
    if isinstance(value, ResumableDataset):
        return value.state_dict()
    if isinstance(value, dict):
        return [[str(name), _described(each)] for name, each in value.items()]
    if isinstance(value, tuple | list):
        return [_described(each) for each in value]
    if isinstance(value, np.ndarray) and value.ndim and value.dtype != object:
        rows = max(1, _SLICE // max(1, value[:1].nbytes))
        check = 0
        for start in np.unique(np.linspace(0, max(0, len(value) - rows), 64).astype(np.int64)):
            check = zlib.crc32(np.ascontiguousarray(value[start : start + rows]).tobytes(), check)
        return [list(value.shape), str(value.dtype), check]
    return type(value).__name__


def _difference(name: str, one: Any, other: Any) -> tuple[str, Any, Any]:
    """Where two values that JSON can hold differ first: the names on the way there, and the values."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        key = next(key for key in one if one[key] != other[key])
        return _difference(f"{name}, {key}" if name else key, one[key], other[key])
    return name, one, other


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]} ..."
