"""Base class of the compiled training loops of the backends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from kerazoo._runtime.model_cache import model_cache
from kerazoo.training.plan import Plan

__all__ = ["LoopedTrainFunctionBase", "cached_function", "in_place_of_steps"]


class LoopedTrainFunctionBase:
    """Replacement of the train function of a model: reads up to `count` batches and runs their steps in one call.

    Args:
        model: a compiled Keras model.
        count: int, batches per call.

    Attributes:
        reader: returns lists of batches of equal shape (see `kerazoo.training.readers`).
        test_function: the function that Keras made for validation during such a run, or None.
        has_keras_step: bool, the training step is Keras's own, whose logs are the values of the metrics. They are then
            read after the loop, so that the step is traced only once. Other steps may report anything else, which the
            loop carries.
        logs_are_final: bool, the logs of the last call are those of the epoch. This holds on JAX if the steps are
            Keras's own; without it, Keras would compile a function per metric to compute them again.
    """

    logs_are_final = False

    def __init__(self, model: Any, count: int) -> None:
        self.model = model
        self.count = count
        self.reader: Any = None
        self.test_function: Any = None
        plain = (keras.Model, keras.Sequential)
        self.has_keras_step = type(model).train_step in [each.train_step for each in plain]


def cached_function(model: Any, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """The train function for `key`; the same one until the model is compiled again."""
    loops = model_cache(model, "loops")
    trained = tuple(bool(weight.trainable) for weight in model.weights)
    compiled = (model.optimizer, model._compile_loss, model._compile_metrics)
    key = (*key, trained)
    if key in loops:
        function, made_for = loops[key]
        if all(one is other for one, other in zip(made_for, compiled, strict=True)):
            return function
    function = make()
    loops[key] = (function, compiled)
    return function


@contextlib.contextmanager
def in_place_of_steps(model: Any, train: Any, test: Any, plan: Plan, layers: Sequence[Any]) -> Iterator[None]:
    """Let Keras's `fit` call other functions than its own, within the `with` block.

    Args:
        model: a compiled Keras model.
        train: the train function.
        test: the test function, or None: Keras makes its own, for as many steps.
        plan: of the training.
        layers: the layers that loop over time.
    """
    rolled = [layer for layer in layers if not layer.unroll]
    names = ("steps_per_execution", "train_function", "test_function")
    before = {name: getattr(model, name) for name in names}
    try:
        if plan.loop:
            model.steps_per_execution = plan.steps_per_execution
        model.train_function, model.test_function = train, test
        for layer in rolled:
            layer.unroll = plan.unroll
        if train.logs_are_final:
            vars(model)["_get_metrics_result_or_logs"] = lambda logs: logs
        yield
    finally:
        vars(model).pop("_get_metrics_result_or_logs", None)
        for name, value in before.items():
            setattr(model, name, value)
        for layer in rolled:
            layer.unroll = False
