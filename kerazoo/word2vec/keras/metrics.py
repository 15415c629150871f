"""A running mean that is exact over hundreds of millions of pairs, on backends without float64."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["CompensatedMean"]


@keras.saving.register_keras_serializable(package="kerazoo")
class CompensatedMean(keras.metrics.Metric):
    """Weighted mean with compensated float32 sums (Knuth's TwoSum: about 48 bits, close to float64).

    Keras's `Mean` adds in plain float32, in which a sum over 10^8 pairs loses its last digits. JAX has float64 only if
    the whole program enables it, so the rounding error of each addition is kept in a second variable (Knuth, TAOCP
    vol. 2, 4.2.2, theorem B).

    >>> mean = CompensatedMean()
    >>> mean.update_state(2.0, sample_weight=3); mean.update_state(4.0, sample_weight=1)
    >>> float(mean.result())
    2.5
    """

    def __init__(self, name: str = "loss", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self._zero("total")
        self.total_error = self._zero("total_error")
        self.weight = self._zero("weight")
        self.weight_error = self._zero("weight_error")

    def _zero(self, name: str) -> Any:
        return self.add_variable(shape=(), initializer="zeros", dtype="float32", name=name)

    def update_state(self, value: Any, sample_weight: Any = 1.0) -> None:
        """Add the scalar `value` with the scalar weight `sample_weight`."""
        weight = ops.cast(sample_weight, "float32")
        self._add(self.total, self.total_error, ops.cast(value, "float32") * weight)
        self._add(self.weight, self.weight_error, weight)

    @staticmethod
    def _add(total: Any, error: Any, value: Any) -> None:
        old = ops.convert_to_tensor(total)
        new = old + value
        rest = new - old
        error.assign(error + ((old - (new - rest)) + (value - rest)))
        total.assign(new)

    def result(self) -> Any:
        """The mean so far, float32; 0 before the first value."""
        weight = self.weight + self.weight_error
        return ops.divide_no_nan(self.total + self.total_error, weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype}
