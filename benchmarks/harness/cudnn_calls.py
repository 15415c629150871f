"""Counts the cuDNN calls that Keras makes on torch, where it falls back to a loop without a message."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["CudnnCalls"]


class CudnnCalls:
    """Counts from its construction on.

    Attributes:
        count: int, successful calls of a fused LSTM or GRU.
    """

    def __init__(self) -> None:
        self.count = 0
        # The package has a function of the same name, which hides the module from `import ... as`.
        keras_rnn = importlib.import_module("keras.src.backend.torch.rnn")
        for name in ("_cudnn_lstm", "_cudnn_gru"):
            setattr(keras_rnn, name, self._counting(getattr(keras_rnn, name)))

    def _counting(self, function: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            found = function(*args, **kwargs)
            self.count += 1
            return found

        return counted
