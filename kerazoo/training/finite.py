"""`FiniteTraining`: stops a training whose loss is NaN or infinite, and restores the last good weights."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo.errors import TrainingError

__all__ = ["FiniteTraining", "with_callbacks"]

#: Largest share of the time of a run that copies of the weights take, apart from the first and the last.
SHARE = 0.02

REMEDIES = (
    "Usual remedies: a smaller learning rate, an optimizer with clipnorm=1.0, a bounded activation such as tanh "
    "instead of relu, shorter sequences, data without NaN and scaled to about 1."
)


class FiniteTraining(keras.callbacks.Callback):
    """Keeps copies of finite weights, and stops the training at a loss or at weights that are not finite.

    The weights, and the variables of the optimizer with them, are copied to the host before the training, at its end
    and at ends of epochs, as long as copies take at most 2 % of the time. They are restored at the end of the epoch in
    which the loss is no longer finite: callbacks that come later, such as `ModelCheckpoint`, see the restored weights.

    Keras reports the mean loss of an epoch so far, which stays NaN or infinite, so no step is missed.

    Args:
        steps_per_call: int >= 1, training steps between two calls of the callbacks.

    Attributes:
        async_safe: True: Keras may call `on_train_batch_end` in another thread, so that no step waits for its loss.
    """

    async_safe = True

    def __init__(self, steps_per_call: int = 1) -> None:
        super().__init__()
        self._count = steps_per_call
        self._lock = threading.Lock()
        self._epoch = 0
        self._done = 0  # steps of the epochs before
        self._seen = 0  # steps of this epoch
        self._wrong: tuple[int, int, float] | None = None  # first and last step that the loss may come from; the loss
        self._reason = ""
        self._kept: list[tuple[Any, NDArray[Any]]] = []
        self._kept_at = 0
        self._constants: set[int] = set()  # weights that were not finite before the run, such as a mask of -inf
        self._begin = self._spent = self._last_cost = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Copy the initial weights."""
        model = self.model
        optimizer = getattr(model, "optimizer", None)
        if model.built and optimizer is not None and not optimizer.built:
            optimizer.build(model.trainable_variables)  # else its variables could not be restored
        self._begin = time.perf_counter()
        if model.built:
            self._keep()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop at a loss that is not finite."""
        loss = _loss_of(logs)
        last = self._last_step(batch)
        with self._lock:  # Keras's threads may come in any order
            self._seen = max(self._seen, last)
            if math.isfinite(loss) or (self._wrong is not None and self._wrong[1] <= self._done + last):
                return
            first = batch + 2 - self._count
            self._wrong = (self._done + max(1, first), self._done + last, loss)
        self._model.stop_training = True  # not `self.model`, which reads the state of JAX

    def _last_step(self, batch: int) -> int:
        steps = (self.params or {}).get("steps")
        return batch + 1 if steps is None else min(batch + 1, int(steps))  # a loop counts whole calls

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Restore the weights after a loss that is not finite, else copy them if there is time."""
        self._epoch = epoch + 1
        loss = _loss_of(logs)
        if self._wrong is None and not math.isfinite(loss):
            self._wrong = (self._done + 1, self._done + self._seen, loss)
        self._done += self._seen
        self._seen = 0
        if self._wrong is not None:
            first, last, loss = self._wrong
            where = f"at step {last}" if first == last else f"in steps {first} to {last}"
            self._fail(f"the loss is {loss} {where} of the run, in epoch {self._epoch}")
        elif self._spent + self._last_cost <= SHARE * (time.perf_counter() - self._begin):
            self._keep()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Check the weights at the end, which no loss has seen."""
        if not self._reason and self._kept_at < self._done:
            self._keep()

    def _keep(self) -> None:
        """Copy the weights if they are finite, else restore the last copy."""
        begin = time.perf_counter()
        variables = _state_of(self.model)
        values = [np.array(ops.convert_to_numpy(each.value), copy=True) for each in variables]
        weights = len(self.model.weights)
        finite = [not _is_float(value) or bool(np.isfinite(value).all()) for value in values[:weights]]
        if not self._kept:  # after training, only weights that no step changes
            unchanged = [not self._done or not each.trainable for each in variables]
            self._constants = {number for number, each in enumerate(finite) if not each and unchanged[number]}
        if all(each or number in self._constants for number, each in enumerate(finite)):
            self._kept, self._kept_at = list(zip(variables, values, strict=True)), self._done
        else:
            self._fail(f"weights are not finite after step {self._done} of the run, in epoch {self._epoch}")
        self._last_cost = time.perf_counter() - begin
        self._spent += self._last_cost

    def _fail(self, reason: str) -> None:
        self._reason = reason
        self.model.stop_training = True
        for variable, value in self._kept:
            variable.assign(value)

    def check(self) -> None:
        """Raise the error of a run that has failed.

        Raises:
            TrainingError: the loss or the weights were not finite.
        """
        if not self._reason:
            return
        if not self._kept:
            weights = "No earlier weights are known, because the model was built by this run."
        elif self._kept_at:
            weights = f"The model has its weights after step {self._kept_at} again, which are finite."
        else:
            weights = "The model has the weights again that it had before the run."
        # The loss of the first step is that of the given weights: no step size is to blame.
        data = "Look for NaN in the data first. " if self._wrong is not None and self._wrong[1] == 1 else ""
        raise TrainingError(f"{self._reason}; expected finite numbers. {weights} {data}{REMEDIES}")


def _loss_of(logs: dict[str, Any] | None) -> float:
    """The loss of the logs; 0 if a train step of another kind reports none."""
    loss = (logs or {}).get("loss", 0.0)
    return float(loss) if isinstance(loss, int | float | np.number) else float(ops.convert_to_numpy(loss))


def _is_float(value: NDArray[Any]) -> bool:
    return value.dtype.kind not in "biuOSU"  # bfloat16 has the kind "V"


def _state_of(model: Any) -> list[Any]:
    """The weights, and what the optimizer knows of them. The learning rate belongs to the user."""
    optimizer = getattr(model, "optimizer", None)
    rate = getattr(optimizer, "_learning_rate", None)
    return [*model.weights, *(each for each in getattr(optimizer, "variables", ()) if each is not rate)]


@contextlib.contextmanager
def with_callbacks(model: Any, callbacks: Any, extra: list[keras.callbacks.Callback]) -> Iterator[Any]:
    """Callbacks for `keras.Model.fit`, with `extra` before those of the user.

    Args:
        model: the model that is trained.
        callbacks: as in `keras.Model.fit`; a `CallbackList` is extended within the `with` block only.
        extra: callbacks.
    """
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        given = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else list(callbacks or [])
        yield [*extra, *given]
        return
    for each in extra:
        each.set_model(model)
        each.set_params(callbacks.params)
    callbacks.callbacks = [*extra, *callbacks.callbacks]
    try:
        yield callbacks
    finally:
        callbacks.callbacks = [each for each in callbacks.callbacks if each not in extra]
