"""Scaling to a range, or to unit variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms.base import Index, PointwiseTransform, Values
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["MinMaxScale", "StandardScale"]


class _Scale(PointwiseTransform):
    """Base class of the scalings. Their values are those of the scalers of scikit-learn, which take long to import."""

    scale_: float

    def get_state(self) -> dict[str, Any]:
        """The learned values, as floats."""
        self._check_fitted()
        return {"n_fitted_": self.n_fitted_, **{name: float(getattr(self, name)) for name in self.learned}}

    def _check_state(self) -> None:
        check_real(f"scale_ of {type(self).__name__}", self.scale_, 0.0, exclusive=True)


@register_transform
class MinMaxScale(_Scale):
    """z = low + (high - low) (y - min) / (max - min), with the minimum and maximum of the fitted values.

    The values are those of scikit-learn's `MinMaxScaler`. A constant series becomes `low`.

    Args:
        feature_range: (low, high), low < high, the range of the transformed fitted values. Later values may lie
            outside.

    >>> import pandas as pd
    >>> y, index = np.array([2.0, 6.0, 4.0]), pd.RangeIndex(3)
    >>> scale = MinMaxScale((-1, 1)).fit(y, index)
    >>> z, tail = scale.apply(y, index)
    >>> z
    array([-1.,  1.,  0.])
    >>> scale.undo([0.5, 2.0], tail, pd.RangeIndex(3, 5))
    array([5., 8.])
    """

    name = "minmax"
    learned = ("min_", "scale_", "data_min_", "data_max_", "data_range_")
    min_: float
    data_min_: float
    data_max_: float
    data_range_: float

    def __init__(self, feature_range: Sequence[float] = (0, 1)) -> None:
        try:
            low, high = feature_range
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"feature_range={feature_range!r}; expected two numbers (low, high).") from None
        check_real("feature_range[0]", low)
        check_real("feature_range[1]", high, low, exclusive=True, hint="The lower bound comes first.")
        self.feature_range = (low, high)

    def _fit(self, y: Values, index: Index) -> None:
        self.data_min_, self.data_max_ = float(y.min()), float(y.max())
        self.data_range_ = self.data_max_ - self.data_min_
        low, high = self.feature_range
        constant = self.data_range_ < 10 * np.finfo(np.float64).eps
        self.scale_ = (high - low) / (1.0 if constant else self.data_range_)
        self.min_ = low - self.data_min_ * self.scale_

    def _forward(self, y: Values, index: Index) -> Values:
        return y * self.scale_ + self.min_

    def _backward(self, z: Values, index: Index) -> Values:
        return (z - self.min_) / self.scale_


@register_transform
class StandardScale(_Scale):
    """z = (y - mean) / standard deviation, both of the fitted values; the deviation with divisor n.

    The values are those of scikit-learn's `StandardScaler`. A constant series becomes 0, with a deviation of 1.

    Args:
        center: bool, subtract the mean; if False, z = y / standard deviation.

    >>> import pandas as pd
    >>> y, index = np.array([1.0, 3.0]), pd.RangeIndex(2)
    >>> StandardScale().fit(y, index).apply(y, index)[0]
    array([-1.,  1.])
    """

    name = "standard"
    learned = ("mean_", "scale_", "var_")
    mean_: float
    var_: float

    def __init__(self, center: bool = True) -> None:
        if not isinstance(center, bool):
            raise InvalidArgumentError(f"center={center!r}; expected True (subtract the mean) or False.")
        self.center = center

    def _fit(self, y: Values, index: Index) -> None:
        n, eps = len(y), float(np.finfo(np.float64).eps)
        self.mean_ = float(y.sum()) / n
        # Two passes, the second of which corrects the rounding of the mean (Chan, Golub and LeVeque 1983).
        away = y - self.mean_
        self.var_ = (float((away**2).sum()) - float(away.sum()) ** 2 / n) / n
        constant = self.var_ <= n * eps * self.var_ + (n * self.mean_ * eps) ** 2
        self.scale_ = 1.0 if constant else math.sqrt(self.var_)

    def _forward(self, y: Values, index: Index) -> Values:
        return ((y - self.mean_) if self.center else y) / self.scale_

    def _backward(self, z: Values, index: Index) -> Values:
        return z * self.scale_ + (self.mean_ if self.center else 0.0)
