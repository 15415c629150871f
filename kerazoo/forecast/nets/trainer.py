"""`Learner`: trains the networks of an ensemble on windows of series that are stored on the device."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo._runtime.devices import check_backend, check_one_device
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.cells.loop import recomputing
from kerazoo.errors import TrainingError
from kerazoo.forecast.nets.course import Course
from kerazoo.forecast.nets.members import MemberNets, Values
from kerazoo.forecast.nets.windows import WindowArrays
from kerazoo.training.lending import lent

__all__ = ["DEFAULT_LEARNING_RATE", "BestWeights", "Learner", "fit_learner"]

DEFAULT_LEARNING_RATE = 1e-3

# Bounds of the logarithm of the standard deviation, for targets of variance 1.
LOG_DEVIATIONS = (-6.0, 3.0)


class Learner(keras.Model):
    """The networks with their data. A batch contains the indices of windows, (b,).

    The loss is the sum over the members of the weighted mean over their targets, so each member trains independently of
    the others. The held-out loss is computed in the same forward pass, before the update.

    Args:
        nets: MemberNets of M members.
        arrays: WindowArrays of M members.
        loss: `"mse"`, `"mae"`, `"huber"`; or `"normal"`, the negative log likelihood of a normal distribution: the
            first half of the outputs are its means, the second half the logarithms of its standard deviations.
    """

    def __init__(self, nets: MemberNets, arrays: WindowArrays, loss: str) -> None:
        check_one_device("Forecaster trains its networks")
        super().__init__(name="ensemble")
        self.nets = nets
        self._kind = loss
        self.n_windows = arrays.inputs.shape[1]
        self._holds_out = bool(arrays.held.any())
        self._inputs = self._constant("inputs", arrays.inputs)
        self._valid = self._constant("valid", arrays.valid)
        self._targets = self._constant("targets", arrays.targets)
        train, held = _target_weights(arrays)
        self._train = self._constant("train", train)
        self._held = self._constant("held", held)
        self.held_loss = keras.metrics.Mean(name="held_loss")
        self.supports_jit = nets.supports_jit and keras.backend.backend() != "torch"
        self.built = True

    def _constant(self, name: str, values: Values) -> Any:
        return self.add_weight(
            shape=values.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(values, dtype=dtype),
            trainable=False,
            name=name,
        )

    def restart(self, values: Sequence[Values], arrays: WindowArrays, learning_rate: float) -> None:
        """Make a trained learner one that was compiled and not trained, without compiling it again.

        Args:
            values: initial weights of the networks, which must draw no random numbers of their own.
            arrays: WindowArrays of the shapes that the learner has, with held-out targets if it has them.
            learning_rate: of Adam.
        """
        self.nets.assign(values)
        constants = (self._inputs, self._valid, self._targets, self._train, self._held)
        given = (arrays.inputs, arrays.valid, arrays.targets, *_target_weights(arrays))
        for variable, value in zip(constants, given, strict=True):
            variable.assign(value)
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.optimizer.learning_rate = learning_rate

    def call(self, windows: Any, training: bool = False) -> dict[str, Any]:
        """The training and the held-out loss, scalars.

        They are computed here because on JAX the metrics see only the result of `call`, not the weights.
        """
        errors = self._errors(windows, self.outputs_of(windows, training))
        return {
            "train": self._mean(self._train, windows, errors),
            "held": self._mean(self._held, windows, errors),
        }

    def outputs_of(self, windows: Any, training: bool = False) -> Any:
        """Outputs (M, L or 1, b, O) of the networks."""
        x = ops.transpose(ops.take(self._inputs, windows, axis=1), (0, 2, 1, 3))
        valid = ops.transpose(ops.take(self._valid, windows, axis=1), (0, 2, 1, 3))
        with recomputing() if self.supports_jit else contextlib.nullcontext():
            return self.nets(x, valid, training=training)

    def _errors(self, windows: Any, outputs: Any) -> Any:
        """Losses (M, b, L or 1, O) of the targets."""
        outputs = ops.transpose(outputs, (0, 2, 1, 3))
        targets = ops.take(self._targets, windows, axis=1)
        n = targets.shape[-1]
        error = outputs[..., :n] - targets
        if self._kind == "mae":
            return ops.abs(error)
        if self._kind == "huber":
            size = ops.abs(error)
            return ops.where(size < 1.0, 0.5 * error * error, size - 0.5)
        if self._kind == "normal":
            log_deviation = ops.clip(outputs[..., n:], *LOG_DEVIATIONS)
            return 0.5 * ops.square(error * ops.exp(-log_deviation)) + log_deviation
        return ops.square(error)

    def _mean(self, weights: Any, windows: Any, errors: Any) -> Any:
        """Sum over the members of their weighted means."""
        scale = self.n_windows / ops.cast(ops.shape(windows)[0], errors.dtype)
        return scale * ops.sum(ops.take(weights, windows, axis=1) * errors)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all weights.

        Keras on torch looks weights up by their paths. Separate networks share their paths: all but one would be
        skipped.
        """
        for weight in self.trainable_variables:
            weight.value.grad = None

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The training loss plus the regularization losses of the layers."""
        total = y_pred["train"]
        for each in self.losses:
            total = total + ops.cast(each, total.dtype)
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """`loss` as the mean over the members, and `val_loss` if steps are held out."""
        logs = super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        found = {"loss": logs["loss"] / self.nets.n_members}
        if self._holds_out:
            self.held_loss.update_state(y_pred["held"])
            found["val_loss"] = self.held_loss.result()
        return found

    def initial_held_loss(self) -> float:
        """The held-out loss of untrained networks, which output zero."""
        windows = np.arange(self.n_windows, dtype=np.int32)
        zeros = ops.zeros((self.nets.n_members, self._targets.shape[2], len(windows), self.nets.n_outputs))
        return float(ops.convert_to_numpy(self._mean(self._held, windows, self._errors(windows, zeros))))


def _target_weights(arrays: WindowArrays) -> tuple[Values, Values]:
    """The weights of the targets in the losses.

    They are normalized over all windows, so that a batch of some windows has the full gradient in expectation.
    """
    n_with_held = max(1, int((arrays.held.sum(axis=(1, 2, 3)) > 0).sum()))
    return _normalized(arrays.train), _normalized(arrays.held) / n_with_held


def _normalized(weights: Values) -> Values:
    total = weights.sum(axis=(1, 2, 3), keepdims=True)
    return np.asarray(weights / np.maximum(total, 1e-30), np.float32)


class _Order(keras.utils.PyDataset):
    """Indices of windows, `steps` batches per epoch.

    A batch contains all windows if they fit into it; else the windows come in an order that is drawn per epoch.
    """

    def __init__(self, n_windows: int, batch_size: int, steps: int, seed: int, first_epoch: int = 0) -> None:
        super().__init__()
        self._n, self._size, self._steps, self._seed = n_windows, batch_size, steps, seed
        self.start(first_epoch)

    def start(self, epoch: int) -> None:
        """Draw the order of an epoch, from the seed and its number."""
        if self._size >= self._n:
            self._order = np.arange(self._n, dtype=np.int32)
            return
        rounds = -(-self._steps * self._size // self._n)
        rng = np.random.default_rng((self._seed, epoch))
        self._order = np.concatenate([rng.permutation(self._n) for _ in range(rounds)]).astype(np.int32)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.int32]]:
        if self._size >= self._n:
            return (self._order,)
        return (self._order[index * self._size : (index + 1) * self._size],)


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the lowest held-out loss, and stops the training when that loss no longer falls.

    The loss of an epoch is the mean over its steps, each measured before its update. The weights that match it best
    would be those of the middle of the epoch; those of its end are kept.

    If nothing is held out, the weights of the last epoch are kept whose loss and weights are finite.

    Args:
        start: float, the held-out loss of the initial networks, which output zero; NaN: nothing is held out.
        patience: int, epochs without a lower loss after which the training stops.
        min_gain: float, fraction of `start` by which the lowest loss must be below it for its weights to be used. A
            smaller gain is often chance and does not recur in later data.

    Attributes:
        best: float, the lowest held-out loss so far.
        best_epoch: int, epochs trained when `weights` were reached.
        weights: the kept weights; None before the first.
        initial: the initial weights; None: those that the networks have when `fit_learner` is called.
        diverged: str, why the training was stopped as divergent; empty otherwise.
    """

    def __init__(self, start: float, patience: int, min_gain: float) -> None:
        super().__init__()
        self.start, self.patience, self.min_gain = start, patience, min_gain
        self.best = start
        self.best_epoch = 0
        self.weights: list[Values] | None = None
        self.initial: list[Values] | None = None
        self.diverged = ""

    @property
    def holds_out(self) -> bool:
        """Whether there is a held-out loss."""
        return not math.isnan(self.start)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the weights, or stop the training."""
        logs = logs or {}
        loss = float(logs.get("loss", math.nan))
        held_out = float(logs.get("val_loss", math.nan))
        if not math.isfinite(loss):
            self._stop(f"the loss is {loss} in epoch {epoch + 1}")
            return
        if not self.holds_out:
            weights = self._current_weights()
            if all(np.isfinite(value).all() for value in weights):
                self.weights, self.best_epoch = weights, epoch + 1
            else:
                self._stop(f"weights are not finite after epoch {epoch + 1}")
            return
        if held_out < self.best:
            self.best, self.best_epoch = held_out, epoch + 1
            self.weights = self._current_weights()
        elif epoch + 1 - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def _stop(self, reason: str) -> None:
        self.diverged = reason
        self.model.stop_training = True

    def _current_weights(self) -> list[Values]:
        nets = self.model.nets
        return list(nets.values_of(range(nets.n_members)))

    @property
    def is_worth_it(self) -> bool:
        """Whether the weights of the lowest loss should be used."""
        return self.weights is not None and self.best <= self.start - self.min_gain * abs(self.start)

    def assign_to(self, nets: MemberNets, *, is_whole: bool = True) -> None:
        """Give `nets` the weights to forecast with: the best ones, or the initial ones if those are not worth it.

        Args:
            nets: the networks of the learner.
            is_whole: whether the training ended regularly. If nothing is held out, the networks then keep the weights
                that they have, which a callback may have chosen.
        """
        if self.holds_out:
            if not self.is_worth_it:
                self.best, self.best_epoch, self.weights = self.start, 0, None
        elif is_whole:
            return
        found = self.initial if self.weights is None else self.weights
        if found is not None:
            nets.assign(found)


class _Interruption(keras.callbacks.Callback):
    """Ends the training after Ctrl-C: between two steps, or at the end of the epoch. Must be the last callback.

    Attributes:
        done: bool, whether it has ended the training.
    """

    def __init__(self, interrupt: DeferredInterrupt, *, finish_epoch: bool) -> None:
        super().__init__()
        self._interrupt, self._finish_epoch = interrupt, finish_epoch
        self.done = False

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Raise KeyboardInterrupt, unless the epoch is to be finished.

        Not in `on_train_batch_end`: Keras would then wait for the result of every step.
        """
        if self._interrupt.pending and not self._finish_epoch:
            _ = self.model  # on JAX, this writes the training state back to the variables
            self.done = True
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop the training, unless it ends anyway."""
        ends = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if self._interrupt.pending and not ends:
            self.done = True
            self.model.stop_training = True


def fit_learner(
    learner: Learner,
    *,
    epochs: int,
    steps_per_epoch: int,
    batch_size: int,
    seed: int,
    verbose: int,
    best: BestWeights,
    callbacks: Sequence[Any] = (),
    initial_epoch: int = 0,
    interrupt: DeferredInterrupt | None = None,
    finish_epoch: bool = False,
) -> Course:
    """Train a compiled learner and give its networks the weights to forecast with, after an early end too.

    Args:
        learner: Learner, compiled.
        epochs: int, at most.
        steps_per_epoch: int.
        batch_size: int, windows per step.
        seed: int, from which the order of the windows is drawn.
        verbose: as in `keras.Model.fit`.
        best: BestWeights.
        callbacks: Keras callbacks. When the training ends, also with an error, they no longer hold the learner.
        initial_epoch: int >= 0, epochs that an earlier run has trained.
        interrupt: the active DeferredInterrupt, or None.
        finish_epoch: whether Ctrl-C waits for the end of the epoch, so that a callback can write a checkpoint.

    Returns:
        The course, with the history of the epochs of this call. Its `error` says why the training ended early.
    """
    check_backend()
    nets = learner.nets
    order = _Order(learner.n_windows, batch_size, steps_per_epoch, seed, initial_epoch)
    recorder = keras.callbacks.History()
    interruption = _Interruption(interrupt or DeferredInterrupt(), finish_epoch=finish_epoch)

    def next_epoch(epoch: int, logs: Any) -> None:
        order.start(epoch + 1)

    if best.initial is None:
        best.initial = nets.values_of(range(nets.n_members))
    before = [dict(vars(callback)) for callback in callbacks]
    error: BaseException | None = None
    try:
        with lent(order) as (given,):
            learner.fit(
                given,
                epochs=epochs,
                initial_epoch=initial_epoch,
                shuffle=False,
                verbose=verbose,
                callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=next_epoch), best, *callbacks, recorder,
                           interruption],
            )  # fmt: skip
    except KeyboardInterrupt as caught:
        if interrupt is not None and interrupt.pending and not interruption.done:
            raise  # the second Ctrl-C
        error = caught
    finally:
        _release(learner, callbacks, before)
    if interruption.done and error is None:
        error = KeyboardInterrupt()
    if best.diverged:
        error = TrainingError(
            f"the training diverges: {best.diverged}. The forecaster uses the last good weights, or the statistics "
            f"alone. The usual remedy is a smaller learning_rate; the default is {DEFAULT_LEARNING_RATE:g}."
        )
    best.assign_to(nets, is_whole=error is None)
    history = {name: [float(value) for value in values] for name, values in recorder.history.items()}
    return Course(history, best.best_epoch, best.start, best.best, error=error)


def _release(learner: Learner, callbacks: Sequence[Any], before: Sequence[dict[str, Any]]) -> None:
    """Restore attributes of callbacks that cannot be copied: `sklearn.base.clone` copies callbacks.

    That is the learner, under any attribute name. Keras's own callbacks also keep closed files and writers, which they
    open again when a training begins; attributes of other callbacks are left alone. `set_model(None)` would not do:
    some callbacks, such as TensorBoard, start to work in it.
    """
    for callback, attributes in zip(callbacks, before, strict=True):
        of_keras = type(callback).__module__.startswith("keras.")
        for name, value in list(vars(callback).items()):
            if value is learner or (of_keras and not _can_be_copied(value)):
                setattr(callback, name, attributes.get(name))


def _can_be_copied(value: Any) -> bool:
    try:
        copy.deepcopy(value)
    except Exception:  # any type: classes raise their own
        return False
    return True
