"""Keras callbacks of a training: those of the user, and what the Keras engine does itself between two steps."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerazoo.word2vec.keras.model import SkipGram
from kerazoo.word2vec.keras.tables import assign_tables, tables_of
from kerazoo.word2vec.results import Tables, TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kerazoo._runtime.interrupts import DeferredInterrupt
    from kerazoo.word2vec.engines.divergence import DivergenceGuard
    from kerazoo.word2vec.engines.progress import TrainingProgress
    from kerazoo.word2vec.hierarchy import HuffmanTree
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint

__all__ = ["EpochCallbacks", "PresentVectors", "StepMonitor", "TrainingCallbacks"]


class TrainingCallbacks(keras.callbacks.CallbackList):
    """The callbacks of one training, which consists of several calls of `keras.Model.fit`."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """No-op: `begin` already notified the callbacks."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """No-op: `end` will notify the callbacks."""

    def begin(self, losses: list[float]) -> None:
        """Start the training.

        Args:
            losses: of the epochs that a resumed training has completed. Only `EarlyStopping`, which counts epochs
                without progress, receives them.
        """
        super().on_train_begin()
        for callback in self.callbacks:
            if isinstance(callback, keras.callbacks.EarlyStopping):
                for epoch, loss in enumerate(losses):
                    callback.on_epoch_end(epoch, {"loss": loss})

    def end(self) -> None:
        """End the training."""
        super().on_train_end()


class EpochCallbacks:
    """The user's callbacks for an engine without a Keras model: they see a `SkipGram` at the end of each epoch.

    Args:
        callbacks: `keras.callbacks.Callback` objects.
        epochs: of the training.
        tree: of hierarchical softmax, or None.
        negative: noise words per pair, or 0.
        **model: the other arguments of the `SkipGram`.
    """

    def __init__(
        self, callbacks: Sequence[Any], epochs: int, tree: HuffmanTree | None, negative: int, **model: Any
    ) -> None:
        self._model = TrainedInC(tree, negative, **model)
        self._list = TrainingCallbacks(
            list(callbacks), add_history=True, model=self._model, verbose=0, epochs=epochs, steps=1
        )

    def begin(self, losses: list[float]) -> None:
        """Start the training; `losses` as in :meth:`TrainingCallbacks.begin`."""
        self._model.stop_training = False
        self._list.begin(losses)

    @property
    def stopped(self) -> bool:
        """Whether a callback asked to stop."""
        return bool(self._model.stop_training)

    def begin_epoch(self, epoch: int) -> None:
        """Start an epoch, counted from 0."""
        self._list.on_epoch_begin(epoch)

    def end_epoch(self, epoch: int, loss: float, tables: Tables, with_subwords: Tables | None = None) -> None:
        """Give the tables to the model, and the loss to the callbacks.

        Args:
            epoch: counted from 0.
            loss: its mean.
            tables: those of the model.
            with_subwords: those of the estimator, where each word is made of several rows; else None.
        """
        self._model.assign(tables)
        self._model.with_subwords = lambda: with_subwords
        self._list.on_epoch_end(epoch, {"loss": loss})

    def end(self) -> Tables:
        """End the training; the tables of the model, which callbacks may have changed, as `EarlyStopping` does."""
        self._list.end()
        return tables_of_training(self._model)


class TrainedInC(SkipGram):
    """The model of a training in C: also of CBOW, and with the inner nodes of hierarchical softmax, if there are any.

    So callbacks that keep and restore weights do it for all tables.

    Args:
        tree: of hierarchical softmax, or None.
        negative: noise words per pair; with 0, the output vectors of the model are unused.
        **kwargs: the other arguments of the `SkipGram`.
    """

    def __init__(self, tree: HuffmanTree | None, negative: int, **kwargs: Any) -> None:
        super().__init__(negative=max(1, negative), **kwargs)
        self.has_noise_words = negative > 0
        # Functions, as Keras would track the arrays.
        self.tree = lambda: tree
        self.with_subwords: Callable[[], Tables | None] = lambda: None
        self.node_vectors = None
        if tree is not None:
            shape = (self.vocabulary_size - 1, self.vector_size)
            self.node_vectors = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="node_vectors")

    def assign(self, tables: Tables) -> None:
        """Give the model these tables."""
        assign_tables(self, tables)
        if self.node_vectors is not None:
            self.node_vectors.assign(tables.node_vectors)


def tables_of_training(model: SkipGram) -> Tables:
    """Copies of the tables of a model of either engine."""
    found = tables_of(model)
    if not isinstance(model, TrainedInC):
        return found
    if not model.has_noise_words:
        found = dataclasses.replace(found, output_vectors=None, output_biases=None)
    if model.node_vectors is not None:
        nodes = np.array(keras.ops.convert_to_numpy(model.node_vectors), np.float32)
        found = dataclasses.replace(found, node_vectors=nodes, tree=model.tree())
    return found


class PresentVectors(keras.callbacks.Callback):
    """Shows the tables of each epoch to the estimator, before the callbacks of its user ask it for vectors.

    Args:
        show: called with copies of the tables at the end of each epoch.
    """

    def __init__(self, show: Callable[[Tables], None]) -> None:
        super().__init__()
        self._show = show

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show a copy of the tables of the model, or of those with subwords."""
        with_subwords = self.model.with_subwords() if isinstance(self.model, TrainedInC) else None
        self._show(with_subwords or tables_of_training(self.model))


class StepMonitor(keras.callbacks.Callback):
    """Between two steps: reports progress, checks the loss, writes checkpoints, and stops at Ctrl-C.

    Args:
        n_batches: batches per epoch.
        progress: what shows the progress and keeps the history.
        guard: what checks the loss and keeps the last good tables.
        checkpoint: where the state is written, or None.
        interrupt: says whether Ctrl-C was pressed.
        start: the state at which the training starts or continues.
        on_device: whether the batches are made on the device; a resumed training needs it.

    Attributes:
        is_between_steps: whether no step is running, so that the tables are consistent.
    """

    def __init__(
        self,
        n_batches: int,
        progress: TrainingProgress,
        guard: DivergenceGuard[Tables],
        checkpoint: TrainingCheckpoint | None,
        interrupt: DeferredInterrupt,
        start: TrainingState,
        on_device: bool,
    ) -> None:
        super().__init__()
        self.is_between_steps = False
        self._progress, self._guard, self._checkpoint = progress, guard, checkpoint
        self._interrupt, self._on_device = interrupt, on_device
        self._n_batches = n_batches
        self._epoch = start.epoch
        self._first = self._done = start.position  # batches of the epoch: when `fit` was called, and by now
        self._metric = start.engine.get("pair_loss")  # of an epoch that is resumed in its middle
        self._next_report = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the time of the epoch, and restore the sums of its loss when it is resumed."""
        self._epoch, self._done, self._next_report = epoch, self._first, 0
        if self._metric is not None:  # Keras has just reset it
            for variable, value in zip(self.model.pair_loss.variables, self._metric, strict=True):
                variable.assign(value)
            self._metric = None
        self._progress.start_epoch()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """A step starts."""
        self.is_between_steps = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the loss a hundred times per epoch; write a checkpoint if it is due; stop at Ctrl-C."""
        self._done = self._first + batch + 1
        self.is_between_steps = True
        # Not at every step, since reading the loss waits for the device.
        if batch >= self._next_report:
            self._next_report = batch + max(1, self._n_batches // 100)
            loss = float((logs or {}).get("loss", math.nan))
            self._guard.check(loss, self._epoch, self._done / self._n_batches)
            self._guard.keep(lambda: tables_of(self.model))
            self._progress.advance(self._done / self._n_batches, loss)
        if self._done < self._n_batches:  # otherwise `on_epoch_end` follows
            self._write_if_due()
            self._interrupt.raise_if_pending()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the epoch to the history; check the loss; write a checkpoint if it is due; stop at Ctrl-C."""
        loss = float((logs or {}).get("loss", math.nan))
        self._guard.check(loss, epoch)
        if self._done < self._n_batches:  # a callback of the user ended it early: there is no state to resume
            self._checkpoint = None
        self._progress.end_epoch(loss)
        self._first = self._done = 0
        self._epoch = epoch + 1
        self._write_if_due()
        self._interrupt.raise_if_pending()

    def _write_if_due(self) -> None:
        if self._checkpoint is not None and self._checkpoint.is_due():
            self.write_checkpoint()

    def write_checkpoint(self) -> None:
        """Write the state of the training; only between two steps."""
        if self._checkpoint is None:
            return
        tables = tables_of(self.model)  # `self.model` brings the variables up to date on JAX
        if not tables.are_finite():
            return
        within_epoch = self._done > 0
        metric = [float(keras.ops.convert_to_numpy(value)) for value in self.model.pair_loss.variables]
        engine = {
            "iterations": int(self.model.optimizer.iterations),
            "on_device": self._on_device,
            **({"pair_loss": metric} if within_epoch else {}),
        }
        seconds = self._progress.seconds if within_epoch else 0.0
        history = {name: list(values) for name, values in self._progress.history.items()}
        self._checkpoint.write(TrainingState(tables, history, self._done, seconds, engine))
