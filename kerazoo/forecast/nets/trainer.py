"""`Learner`: trains the nets of an ensemble on windows of series that lie on the device."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo.forecast.nets.members import MemberNets, Values

__all__ = ["BestWeights", "Course", "Learner", "WindowArrays", "fit_learner"]

# Bounds of the logarithm of a standard deviation, for targets of variance 1.
LOG_DEVIATIONS = (-6.0, 3.0)


@dataclass(frozen=True, eq=False)
class WindowArrays:
    """What M members learn from: N windows of L steps.

    Attributes:
        inputs: float32 (M, N, L, F).
        valid: float32 (M, N, L, 1), 1 where there is an input.
        targets: float32 (M, N, L, O), of each step; (M, N, 1, O) for nets with one output a window.
        train, held: float32, weights of the targets, as their shape: those to learn from, and those held out.
    """

    inputs: Values
    valid: Values
    targets: Values
    train: Values
    held: Values


class Learner(keras.Model):
    """The nets with their data. A batch is the indices of windows, (b,).

    The loss is the sum over the members of the weighted mean over their targets, so that each learns as if it were
    alone. The held out targets are judged in the same pass, before the step: no pass of their own is needed.

    Args:
        nets: MemberNets of M.
        arrays: WindowArrays of M.
        loss: `"mse"`, `"mae"`, `"huber"`; or `"normal"`, the negative log likelihood of a normal distribution: the
            outputs are then its means and, behind them, the logarithms of its deviations.
    """

    def __init__(self, nets: MemberNets, arrays: WindowArrays, loss: str) -> None:
        super().__init__(name="ensemble")
        self.nets = nets
        self._kind = loss
        self.n_windows = arrays.inputs.shape[1]
        self._judges = bool(arrays.held.any())
        self._inputs = self._constant("inputs", arrays.inputs)
        self._valid = self._constant("valid", arrays.valid)
        self._targets = self._constant("targets", arrays.targets)
        # As shares of a mean, so that a step over some of the windows has the gradient of all on average.
        self._train = self._constant("train", _shares(arrays.train))
        held = _shares(arrays.held)
        judged = max(1, int((arrays.held.sum(axis=(1, 2, 3)) > 0).sum()))
        self._held = self._constant("held", held / judged)
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

    def call(self, windows: Any, training: bool = False) -> dict[str, Any]:
        """The two losses, scalars: here, as Keras on JAX shows the metrics what `call` gave, and no weights."""
        errors = self._errors(windows, self.outputs_of(windows, training))
        return {
            "train": self._mean(self._train, windows, errors),
            "held": self._mean(self._held, windows, errors),
        }

    def outputs_of(self, windows: Any, training: bool = False) -> Any:
        """Outputs (M, L or 1, b, O) of the nets."""
        x = ops.transpose(ops.take(self._inputs, windows, axis=1), (0, 2, 1, 3))
        valid = ops.transpose(ops.take(self._valid, windows, axis=1), (0, 2, 1, 3))
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
        """Sum over the members of their means."""
        of_all = self.n_windows / ops.cast(ops.shape(windows)[0], errors.dtype)
        return of_all * ops.sum(ops.take(weights, windows, axis=1) * errors)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Torch's own knows weights by their paths, which nets side by side share: all but one would be left out."""
        for weight in self.trainable_variables:
            weight.value.grad = None

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        total = y_pred["train"]
        for each in self.losses:
            total = total + ops.cast(each, total.dtype)
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        logs = super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        found = {"loss": logs["loss"] / self.nets.n_members}
        if self._judges:
            self.held_loss.update_state(y_pred["held"])
            found["val_loss"] = self.held_loss.result()
        return found

    def initial_held_loss(self) -> float:
        """The held out loss of nets that say nothing, as the initial ones do."""
        windows = np.arange(self.n_windows, dtype=np.int32)
        nothing = ops.zeros((self.nets.n_members, self._targets.shape[2], len(windows), self.nets.n_outputs))
        return float(ops.convert_to_numpy(self._mean(self._held, windows, self._errors(windows, nothing))))


def _shares(weights: Values) -> Values:
    total = weights.sum(axis=(1, 2, 3), keepdims=True)
    return np.asarray(weights / np.maximum(total, 1e-30), np.float32)


class _Order(keras.utils.PyDataset):
    """Indices of windows, `steps` batches an epoch: all windows, or some of them in an order that the epoch draws."""

    def __init__(self, n_windows: int, batch_size: int, steps: int, seed: int, first_epoch: int = 0) -> None:
        super().__init__()
        self._n, self._size, self._steps, self._seed = n_windows, batch_size, steps, seed
        self.start(first_epoch)

    def start(self, epoch: int) -> None:
        """Draw the order of an epoch."""
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
    """Keeps the weights of the least held out loss, and ends the training when it no longer falls.

    The loss is that of the epoch's steps, each before it is taken, so the weights that belong to it are those of the
    epoch's middle; those of its end are kept. `start` stands for nets that say nothing, which is where they begin.

    Args:
        start: float, the held out loss of the initial weights; NaN: nothing is held out, and the last weights are kept.
        patience: int, epochs without progress.
        min_gain: float, the share of `start` by which the least loss must lie below it for its weights to be used: less
            is often chance, and does not come back in what follows.

    Attributes:
        weights: those of the least loss so far; None until some are better than the initial ones.
        initial: the initial ones; None: those that the nets have when `fit_learner` is called.
    """

    def __init__(self, start: float, patience: int, min_gain: float) -> None:
        super().__init__()
        self.start, self.patience, self.min_gain = start, patience, min_gain
        self.best = start
        self.best_epoch = 0
        self.weights: list[Values] | None = None
        self.initial: list[Values] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        loss = float(logs.get("loss", math.nan))
        held = float(logs.get("val_loss", math.nan))
        if not math.isfinite(loss):
            self.model.stop_training = True
            return
        if math.isnan(self.start):
            self.best_epoch = epoch + 1
            return
        if held < self.best:
            self.best, self.best_epoch = held, epoch + 1
            self.weights = self.model.nets.values_of(range(self.model.nets.n_members))
        elif epoch + 1 - self.best_epoch >= self.patience:
            self.model.stop_training = True

    @property
    def is_worth_it(self) -> bool:
        """Whether the weights of the least loss are to be used."""
        return self.weights is not None and self.best <= self.start - self.min_gain * abs(self.start)


@dataclass
class Course:
    """How the training went.

    Attributes:
        history: by name, one value an epoch.
        best_epoch: int, epochs trained when the kept weights were reached; 0: the initial ones.
        start: float, held out loss of the initial weights.
        best: float, that of the kept ones.
        share: float, how much of their corrections the nets make in forecasts.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    start: float = math.nan
    best: float = math.nan
    share: float = 1.0


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
) -> Course:
    """Train a compiled learner; its nets end with the weights that were kept.

    Args:
        learner: Learner, compiled.
        epochs, steps_per_epoch, batch_size, seed, verbose: see :class:`kerazoo.Forecaster`.
        best: BestWeights.
        callbacks: of Keras. When it ends, with an error too, they hold the learner no longer.
        initial_epoch: int >= 0, epochs that were done before.
    """
    nets = learner.nets
    order = _Order(learner.n_windows, batch_size, steps_per_epoch, seed, initial_epoch)

    def next_epoch(epoch: int, logs: Any) -> None:
        order.start(epoch + 1)

    initial = nets.values_of(range(nets.n_members)) if best.initial is None else best.initial
    before = [dict(vars(callback)) for callback in callbacks]
    try:
        found = learner.fit(
            order,
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=False,
            verbose=verbose,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=next_epoch), best, *callbacks],
        )
    finally:
        _release(learner, callbacks, before)
    if not math.isnan(best.start):
        if not best.is_worth_it:
            best.best, best.best_epoch, best.weights = best.start, 0, None
        nets.assign(initial if best.weights is None else best.weights)
    elif not all(np.isfinite(value).all() for value in nets.values_of(range(nets.n_members))):
        nets.assign(initial)
        best.best_epoch = 0
    history = {name: [float(value) for value in values] for name, values in found.history.items()}
    return Course(history, best.best_epoch, best.start, best.best)


def _release(learner: Learner, callbacks: Sequence[Any], before: Sequence[dict[str, Any]]) -> None:
    """Take out of callbacks what a copy of them would fail at (`sklearn.base.clone` makes one): they are as before.

    That is the learner, under any name that a callback has for it. Callbacks of Keras also keep closed files and
    writers, which they make anew when a training begins; what others keep is theirs. Not by `set_model(None)`: some
    begin to work in it, as TensorBoard does.
    """
    for callback, attributes in zip(callbacks, before, strict=True):
        of_keras = type(callback).__module__.startswith("keras.")
        for name, value in list(vars(callback).items()):
            if value is learner or (of_keras and not _can_be_copied(value)):
                setattr(callback, name, attributes.get(name))


def _can_be_copied(value: Any) -> bool:
    try:
        copy.deepcopy(value)
    except Exception:  # of any type: classes raise their own
        return False
    return True
