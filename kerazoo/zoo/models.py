"""The models that `build` returns: a functional `keras.Model` or a `keras.Sequential` that checks its targets."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from kerazoo.batching.shares import check_rows
from kerazoo.errors import InvalidArgumentError
from kerazoo.training.class_weights import with_sample_weight
from kerazoo.training.lending import lent
from kerazoo.zoo.inputs import JoinStatic, SequenceInput, both_inputs
from kerazoo.zoo.kinds import kinds_of, symbolic_outputs
from kerazoo.zoo.padding import PaddingMask, mask_of_outputs, with_mask, without_padding
from kerazoo.zoo.targets import (
    check_ids,
    check_numbers,
    check_probabilities,
    fitting_targets,
    ignored_class,
    kind_of_loss,
    nan_outside,
    targets_of_heads,
    weights_of_steps,
)

__all__ = ["CheckedArrays", "CheckedFunctional", "CheckedInputs", "CheckedSequential"]


class CheckedArrays:
    """A base class of Keras models that check NumPy arrays before the first step.

    Static features are checked by their shape, ids of words and classes by their range. A model can be trained with
    other targets after a step has refused some.

    >>> issubclass(CheckedSequential, CheckedArrays)
    True
    """

    @functools.wraps(keras.Model.fit)
    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.fit`."""
        check_rows(x, args[0] if args else kwargs.get("batch_size"))
        self._check_inputs(x)
        self._check_targets(y)
        x, y, kwargs = self._weighted(x, y, kwargs)
        with _state_kept(self), lent(x, kwargs.get("validation_data")) as (x, validation):
            if validation is not None:
                kwargs["validation_data"] = validation
            return super().fit(x, y, *args, **kwargs)  # type: ignore[misc]

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.evaluate`."""
        check_rows(x, args[0] if args else kwargs.get("batch_size"))
        self._check_inputs(x)
        self._check_targets(y)
        with _state_kept(self), lent(x) as (x,):
            return super().evaluate(x, y, *args, **kwargs)  # type: ignore[misc]

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.train_on_batch`."""
        self._check_inputs(x)
        self._check_targets(y)
        x, y, kwargs = self._weighted(x, y, kwargs)
        return super().train_on_batch(x, y, *args, **kwargs)  # type: ignore[misc]

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.test_on_batch`."""
        self._check_inputs(x)
        self._check_targets(y)
        return super().test_on_batch(x, y, *args, **kwargs)  # type: ignore[misc]

    @functools.wraps(keras.Model.predict)
    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.predict`."""
        check_rows(x, args[0] if args else kwargs.get("batch_size"))
        self._check_inputs(x)
        with lent(x) as (x,):
            return super().predict(x, *args, **kwargs)  # type: ignore[misc]

    def check_arrays(self, x: Any, y: Any) -> None:
        """Check arrays before a training that does not pass them to `fit`: see `kerazoo.training.fit`."""
        self._check_inputs(x)
        self._check_targets(y)

    def _check_inputs(self, x: Any) -> None:
        """Check arrays: of batches TensorFlow may not know the sizes, and JAX never checks ids."""
        arrays = keras.tree.flatten(x) if isinstance(x, dict | list | tuple) else [x]
        if not all(isinstance(each, np.ndarray) for each in arrays):
            return
        if isinstance(self, CheckedInputs):
            x = self._both(x)
        embedding = next((each for each in self.layers if isinstance(each, keras.layers.Embedding)), None)  # type: ignore[attr-defined]
        ids = x[0] if isinstance(x, list | tuple) and len(x) else x
        if embedding is None or not isinstance(ids, np.ndarray) or not ids.size or ids.dtype.kind not in "iuf":
            return
        lowest, highest = ids.min(), ids.max()
        if lowest < 0 or highest >= embedding.input_dim:
            hint = " Ids of encode_padded need one more word than the vocabulary has." if embedding.mask_zero else ""
            raise InvalidArgumentError(
                f"input with ids from {lowest} to {highest}; expected ids from 0 to {embedding.input_dim - 1}, as the "
                f"model has a vocabulary of {embedding.input_dim}.{hint}"
            )

    def _weighted(self, x: Any, y: Any, arguments: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """The arguments with sample weights in place of class weights, which Keras applies to sequences wrongly."""
        if arguments.get("class_weight") is None:
            return x, y, arguments
        found = with_sample_weight(self, {**arguments, "x": x, "y": y})
        return found.pop("x"), found.pop("y"), found

    def forget_steps(self) -> None:
        """Let the next call make the compiled steps again: TensorFlow does not repeat a first trace that failed."""
        self.train_function = self.test_function = None

    def _losses_of_ids(self) -> dict[str | None, Any]:
        """Name of an output (None for a single one) -> its loss, for losses whose targets are ids of classes."""
        raise NotImplementedError

    def _check_targets(self, y: Any) -> None:
        """Check arrays `y`: they are numbers, and ids are ids of classes. Targets of padded steps may be any."""
        check_numbers(y)
        outputs = symbolic_outputs(self)
        for name, loss in self._losses_of_ids().items() if outputs is not None else ():
            targets = y.get(name) if isinstance(y, dict) else y
            output = outputs[name] if name is not None else keras.tree.flatten(outputs)[0]
            if isinstance(targets, list | tuple) and len(targets) and isinstance(targets[0], np.ndarray):
                targets = targets[0]
            per_step = len(output.shape) > 2
            if isinstance(targets, np.ndarray) and not (per_step and _masks(self.layers)):  # type: ignore[attr-defined]
                check_ids(targets, output.shape[-1], ignored_class(loss), name)


def _masks(layers: Any) -> bool:
    return any(
        getattr(layer, "mask_zero", False) or isinstance(layer, PaddingMask | keras.layers.Masking) for layer in layers
    )


class CheckedInputs:
    """A base class of functional Keras models: with static features, both inputs are checked.

    >>> issubclass(CheckedFunctional, CheckedInputs)
    True
    """

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.__call__`."""
        return super().__call__(self._both(inputs), *args, **kwargs)  # type: ignore[misc]

    def call(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """As `keras.Model.call`, which Keras calls directly on JAX."""
        return super().call(self._both(inputs), training=training, mask=mask, **kwargs)  # type: ignore[misc]

    def _both(self, inputs: Any) -> Any:
        layers = self.layers  # type: ignore[attr-defined]
        static = next((layer.static for layer in layers if isinstance(layer, JoinStatic)), None)
        checks = next((layer for layer in layers if isinstance(layer, SequenceInput)), None)
        if static is None or checks is None:
            return inputs
        sequence = "(batch, steps), ids of words" if checks.features is None else f"(batch, steps, {checks.features})"
        return both_inputs(inputs, sequence, static)


class _CheckedTargets(CheckedArrays):
    """`compute_loss` and `compute_metrics` of a Keras model, with targets that fit its outputs.

    Keras calls both with static shapes in every train and test step, on every backend, so the shapes of targets are
    checked here for `fit`, `evaluate`, `train_on_batch`, `test_on_batch` and `kerazoo.training.fit`. The steps
    themselves are Keras's.
    """

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of the compiled model, a scalar.

        Args:
            x: inputs, from which the mask of padded steps is made.
            y: targets: see :func:`kerazoo.zoo.targets.fitting_targets`; for a model with several heads a dict.
            y_pred: outputs of the model.
            sample_weight: as in `keras.Model.fit`; weights (B,) hold for all targets of a sequence.
            training: bool.

        Raises:
            InvalidArgumentError: the targets do not have the shape of the outputs, or the loss takes probabilities for
                logits or the reverse.
        """
        y, y_pred = self._fitting(x, y, y_pred)
        sample_weight = weights_of_steps(sample_weight, y_pred)
        loss = super().compute_loss(  # type: ignore[misc]
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )
        for name, one in self._losses_of_ids().items():
            ids = y.get(name) if isinstance(y, dict) else keras.tree.flatten(y)[0]
            output = y_pred[name] if name is not None else keras.tree.flatten(y_pred)[0]
            if ids is not None:
                loss = nan_outside(loss, ids, output.shape[-1], ignored_class(one))
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Values of all metrics, name -> scalar; arguments as in `compute_loss`."""
        y, y_pred = self._fitting(x, y, y_pred)
        sample_weight = weights_of_steps(sample_weight, y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)  # type: ignore[misc]

    def _user_loss(self) -> Any:
        """The loss as given to `compile`, without a list around a single one."""
        loss = getattr(getattr(self, "_compile_loss", None), "_user_loss", None)
        single = not isinstance(symbolic_outputs(self), dict | list | tuple)
        return loss[0] if isinstance(loss, list | tuple) and len(loss) == 1 and single else loss

    def _losses_of_ids(self) -> dict[str | None, Any]:
        loss, outputs = self._user_loss(), symbolic_outputs(self)
        if isinstance(outputs, dict):
            losses: dict[str | None, Any] = {
                name: loss.get(name) if isinstance(loss, dict) else loss for name in outputs
            }
        elif isinstance(loss, list | tuple):
            losses = {None: loss[0] if loss else None}
        else:
            losses = {None: loss}
        return {
            name: one
            for name, one in losses.items()
            if not isinstance(one, dict | list | tuple) and kind_of_loss(one) == "ids"
        }

    def _fitting(self, x: Any, y: Any, y_pred: Any) -> tuple[Any, Any]:
        """The targets of all outputs, each in the shape of its output, and the outputs with their masks."""
        mask = mask_of_outputs(self.layers, x)  # type: ignore[attr-defined]
        try:
            y = self._each_fitting(y, y_pred, mask)
        except InvalidArgumentError:
            self.forget_steps()
            raise
        if mask is not None:
            for output in y_pred.values() if isinstance(y_pred, dict) else keras.tree.flatten(y_pred)[:1]:
                with_mask(output, mask)
        return y, y_pred

    def _each_fitting(self, y: Any, y_pred: Any, mask: Any) -> Any:
        loss = self._user_loss()
        named = y_pred if isinstance(y_pred, dict) else None
        kinds = {name: kind for name, (kind, _) in kinds_of(self.layers, named).items()}  # type: ignore[attr-defined]

        def fitting(targets: Any, output: Any, one: Any, name: str | None = None) -> Any:
            check_probabilities(kinds.get(name), one, name)
            kind = kind_of_loss(one)
            fitted = fitting_targets(targets, output, kind, name)
            return fitted if kind == "own" else without_padding(fitted, mask)

        if named is not None:
            return targets_of_heads(y, named, loss, fitting)
        if not isinstance(y_pred, list | tuple):
            if isinstance(y, list | tuple) and len(y) == 1:
                y = y[0]
            if isinstance(loss, dict | list | tuple) or isinstance(y, dict | list | tuple):
                return y
            return fitting(y, y_pred, loss)
        # The output is followed by the states, which usually have no loss.
        losses = list(loss) if isinstance(loss, list | tuple) else [loss] * len(y_pred)
        if len(losses) != len(y_pred) or isinstance(loss, dict):
            return y
        if isinstance(y, list | tuple):
            if len(y) != len(y_pred):
                return y
            first, *others = (
                each if one is None and loss is not None else fitting_targets(each, output, kind_of_loss(one))
                for each, output, one in zip(y, y_pred, losses, strict=True)
            )
            return [first if losses[0] is None else fitting(first, y_pred[0], losses[0]), *others]
        if all(one is None for one in losses[1:]) and losses[0] is not None and not isinstance(y, dict):
            return fitting(y, y_pred[0], losses[0])
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
class CheckedFunctional(CheckedInputs, _CheckedTargets, keras.Model):
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
