"""Base class of the compiled training loops of the backends."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["LoopedTrainFunctionBase"]


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
