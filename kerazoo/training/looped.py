"""What the compiled loops of all backends have in common."""

from __future__ import annotations

from typing import Any

__all__ = ["LoopedTrainFunctionBase"]


class LoopedTrainFunctionBase:
    """What `fit` calls instead of its own train function: takes up to `count` batches and runs their steps in one call.

    Args:
        model: a compiled Keras model.
        count: int, batches a call.

    Attributes:
        reader: gives lists of batches of equal shape (see `kerazoo.training.readers`).
        test_function: what Keras made for validation during such a run, or None.
        logs_are_final: whether the logs of the last call are those of the epoch. On JAX they are, if the steps are
            Keras's own, and Keras would compile a function for each metric to work them out once more.
    """

    logs_are_final = False

    def __init__(self, model: Any, count: int) -> None:
        self.model = model
        self.count = count
        self.reader: Any = None
        self.test_function: Any = None
