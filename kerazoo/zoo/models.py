"""The models that `build` returns: a functional `keras.Model` or a `keras.Sequential` that checks its targets."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras

from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.targets import fitting_targets, kind_of_loss

__all__ = ["CheckedFunctional", "CheckedSequential", "UsableAfterErrors"]


class UsableAfterErrors:
    """A base class of Keras models: they can be trained with other targets after a step has refused some.

    >>> issubclass(CheckedSequential, UsableAfterErrors)
    True
    """

    @functools.wraps(keras.Model.fit)
    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.fit`."""
        with _state_kept(self):
            return super().fit(*args, **kwargs)  # type: ignore[misc]

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.evaluate`."""
        with _state_kept(self):
            return super().evaluate(*args, **kwargs)  # type: ignore[misc]

    def forget_steps(self) -> None:
        """Let the next call make the compiled steps again: TensorFlow does not repeat a first trace that failed."""
        self.train_function = self.test_function = None


class _CheckedTargets(UsableAfterErrors):
    """`compute_loss` and `compute_metrics` of a Keras model, with targets that fit its outputs.

    Keras calls both with static shapes in every train and test step, on every backend, so `fit`, `evaluate`,
    `train_on_batch`, `test_on_batch` and `kerazoo.training.fit` check targets here and nowhere else. The steps
    themselves are Keras's.
    """

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of the compiled model, a scalar.

        Args:
            x: inputs, not used.
            y: targets: see :func:`kerazoo.zoo.targets.fitting_targets`.
            y_pred: outputs of the model.
            sample_weight: as in `keras.Model.fit`.
            training: bool.

        Raises:
            InvalidArgumentError: the targets do not have the shape of the outputs.
        """
        y = self._fitting(y, y_pred)
        return super().compute_loss(  # type: ignore[misc]
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Values of all metrics, name -> scalar; arguments as in `compute_loss`."""
        y = self._fitting(y, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)  # type: ignore[misc]

    def _fitting(self, y: Any, y_pred: Any) -> Any:
        """The targets of all outputs, each in the shape of its output."""
        try:
            return self._each_fitting(y, y_pred)
        except InvalidArgumentError:
            self.forget_steps()
            raise

    def _each_fitting(self, y: Any, y_pred: Any) -> Any:
        compiled = getattr(self, "_compile_loss", None)
        loss = getattr(compiled, "_user_loss", None)
        if not isinstance(y_pred, list | tuple):
            if isinstance(y, list | tuple) and len(y) == 1:
                y = y[0]
            if isinstance(loss, list | tuple) and len(loss) == 1:
                loss = loss[0]
            if isinstance(loss, dict | list | tuple) or isinstance(y, dict | list | tuple):
                return y
            return fitting_targets(y, y_pred, kind_of_loss(loss))
        # The output is followed by the states, which usually have no loss.
        losses = list(loss) if isinstance(loss, list | tuple) else [loss] * len(y_pred)
        if len(losses) != len(y_pred) or isinstance(loss, dict):
            return y
        if isinstance(y, list | tuple):
            if len(y) != len(y_pred):
                return y
            return [
                each if one is None and loss is not None else fitting_targets(each, output, kind_of_loss(one))
                for each, output, one in zip(y, y_pred, losses, strict=True)
            ]
        if all(one is None for one in losses[1:]) and losses[0] is not None and not isinstance(y, dict):
            return fitting_targets(y, y_pred[0], kind_of_loss(losses[0]))
        return y


@contextlib.contextmanager
def _state_kept(model: Any) -> Iterator[None]:
    """Keep the variables of a model whose first step fails.

    On JAX, Keras takes the values out of the variables before the first step, to donate them, and puts back the values
    after it. Without this, targets that are refused would cost the model its weights.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *model.metrics_variables, *getattr(optimizer, "variables", ())]
    before = [(each, each._value) for each in variables]
    try:
        yield
    except BaseException:
        for variable, value in before:
            if variable._value is None and value is not None and not value.is_deleted():
                variable.assign(value)
        raise


@keras.saving.register_keras_serializable(package="kerazoo")
class CheckedFunctional(_CheckedTargets, keras.Model):
    """A functional `keras.Model` that refuses targets which do not have the shape of its outputs.

    Args:
        *args: as for a functional `keras.Model`: inputs and outputs.
        **kwargs: `name`, `trainable`.

    >>> import numpy as np
    >>> inputs = keras.Input((3, 1))
    >>> model = CheckedFunctional(inputs, keras.layers.GRU(2)(inputs))
    >>> model.compile("adam", "mse")
    >>> try:
    ...     model.train_on_batch(np.ones((4, 3, 1)), np.ones((4, 3, 2)))
    ... except InvalidArgumentError as error:
    ...     print(str(error).split(';')[0])
    targets have shape (4, 3, 2), outputs (4, 2)
    """


@keras.saving.register_keras_serializable(package="kerazoo")
class CheckedSequential(_CheckedTargets, keras.Sequential):
    """A `keras.Sequential` that refuses targets which do not have the shape of its outputs.

    Args:
        layers, trainable, name: as for `keras.Sequential`.
    """
