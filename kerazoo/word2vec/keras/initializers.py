"""An initializer for weights with known values."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["FixedValues"]


class FixedValues(keras.initializers.Initializer):
    """Returns a fixed array. It is never serialized, since the weights themselves are saved.

    Args:
        values: of the shape of the weight.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        """The values as a tensor of `dtype`."""
        return ops.convert_to_tensor(self.values, dtype=dtype)
