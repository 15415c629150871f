"""Scaling to a range, or to unit variance, with the scalers of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms.base import Index, PointwiseTransform, Values
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["MinMaxScale", "StandardScale"]


class _Scale(PointwiseTransform):
    """Base class of the scalings with a scaler of scikit-learn.

    Attributes:
        scaler_: the fitted scaler.
    """

    scaler_: Any

    def _new_scaler(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._new_scaler")

    def _fit(self, y: Values, index: Index) -> None:
        self.scaler_ = self._new_scaler().fit(y[:, None])

    def _forward(self, y: Values, index: Index) -> Values:
        found: Values = self.scaler_.transform(y[:, None])[:, 0]
        return found

    def _backward(self, z: Values, index: Index) -> Values:
        # scikit-learn raises for infinities; those of a diverging path are passed through.
        finite = np.isfinite(z)
        found = self.scaler_.inverse_transform(np.where(finite, z, np.nan).reshape(-1, 1)).reshape(z.shape)
        return np.where(finite, found, z)

    def get_state(self) -> dict[str, Any]:
        """The learned values of the scaler, as floats."""
        self._check_fitted()
        state = {name: float(getattr(self.scaler_, name)[0]) for name in self.learned}
        return {"n_fitted_": self.n_fitted_, **state}

    def set_state(self, state: Mapping[str, Any]) -> Self:
        """Restore the scaler from the values of :meth:`get_state`."""
        self._check_names(state)
        self.n_fitted_ = state["n_fitted_"]
        self.scaler_ = self._new_scaler()
        for name in self.learned:
            setattr(self.scaler_, name, np.array([state[name]], np.float64))
        self.scaler_.n_features_in_ = 1
        self.scaler_.n_samples_seen_ = self.n_fitted_
        return self


@register_transform
class MinMaxScale(_Scale):
    """z = low + (high - low) (y - min) / (max - min), with the minimum and maximum of the fitted values.

    Uses scikit-learn's `MinMaxScaler`. A constant series becomes `low`.

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

    def __init__(self, feature_range: Sequence[float] = (0, 1)) -> None:
        try:
            low, high = feature_range
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"feature_range={feature_range!r}; expected two numbers (low, high).") from None
        check_real("feature_range[0]", low)
        check_real("feature_range[1]", high, low, exclusive=True, hint="The lower bound comes first.")
        self.feature_range = (low, high)

    def _new_scaler(self) -> Any:
        from sklearn.preprocessing import MinMaxScaler

        return MinMaxScaler(feature_range=self.feature_range)


@register_transform
class StandardScale(_Scale):
    """z = (y - mean) / standard deviation, both of the fitted values; the deviation with divisor n.

    Uses scikit-learn's `StandardScaler`. A constant series becomes 0, with a deviation of 1.

    Args:
        center: bool, subtract the mean; if False, z = y / standard deviation.

    >>> import pandas as pd
    >>> y, index = np.array([1.0, 3.0]), pd.RangeIndex(2)
    >>> StandardScale().fit(y, index).apply(y, index)[0]
    array([-1.,  1.])
    """

    name = "standard"
    learned = ("mean_", "scale_", "var_")

    def __init__(self, center: bool = True) -> None:
        if not isinstance(center, bool):
            raise InvalidArgumentError(f"center={center!r}; expected True (subtract the mean) or False.")
        self.center = center

    def _new_scaler(self) -> Any:
        from sklearn.preprocessing import StandardScaler

        return StandardScaler(with_mean=self.center)
