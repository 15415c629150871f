"""An initializer for weights that are computed, not drawn."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["FixedValues"]


class FixedValues(keras.initializers.Initializer):
    """Gives one fixed array; never serialized, since the weights themselves are saved."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        return ops.convert_to_tensor(self.values, dtype=dtype)
