"""Power transforms: the logarithm, and Box-Cox."""

from __future__ import annotations

import math

import numpy as np

from kerazoo._validation import check_real
from kerazoo.forecast.transforms.base import Index, PointwiseTransform, Values, check_values
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["BoxCox", "Log"]


@register_transform
class Log(PointwiseTransform):
    """z = log y, for values > 0: relative growth becomes additive.

    >>> import pandas as pd
    >>> y, index = np.array([1.0, 10.0, 100.0]), pd.RangeIndex(3)
    >>> Log().fit(y, index).apply(y, index)[0].round(3)
    array([0.   , 2.303, 4.605])
    """

    name = "log"

    def _forward(self, y: Values, index: Index) -> Values:
        check_values(
            y > 0,
            y,
            index,
            "values > 0, as the logarithm needs. Add a constant to the series, or leave the transform out; BoxCox with "
            "a fixed lmbda > 0 accepts zeros",
        )
        return np.log(y)

    def _backward(self, z: Values, index: Index) -> Values:
        return np.exp(z)


@register_transform
class BoxCox(PointwiseTransform):
    """z = (y^λ - 1) / λ, or log y at λ = 0 (Box and Cox 1964, equation 1).

    λ is the maximum likelihood estimate (`scipy.stats.boxcox`), limited to [-1, 2]; a constant series gets λ = 1. The
    inverse (λ z + 1)^(1/λ) is not defined for λ z + 1 <= 0, which a forecast may reach. There λ z + 1 is replaced by
    the smallest positive normal number. The result is nearly 0 for λ > 0, and a very large finite value for λ < 0.

    With λ < 0 and large values, z is close to -1/λ and loses about log10(y^-λ) of 16 digits. Divide such a series by
    its mean first.

    Args:
        lmbda: float, λ; None: estimated from the fitted series.

    Attributes:
        lmbda_: float, λ.

    >>> import pandas as pd
    >>> y, index = np.array([1.0, 4.0, 9.0]), pd.RangeIndex(3)
    >>> box = BoxCox(lmbda=0.5).fit(y, index)
    >>> z, tail = box.apply(y, index)
    >>> z
    array([0., 2., 4.])
    >>> box.undo([6.0, -3.0], tail, pd.RangeIndex(3, 5))
    array([16.,  0.])
    """

    name = "boxcox"
    learned = ("lmbda_",)

    lmbda_: float

    def __init__(self, lmbda: float | None = None) -> None:
        self.lmbda = None if lmbda is None else check_real("lmbda", lmbda, hint="None estimates it from the series.")

    def _fit(self, y: Values, index: Index) -> None:
        if self.lmbda is not None:
            self.lmbda_ = self.lmbda
        else:
            check_values(
                y > 0,
                y,
                index,
                "values > 0. Add a constant to the series; a fixed lmbda > 0 accepts zeros",
            )
            self.lmbda_ = _maximum_likelihood_lmbda(y)
        self._forward(y, index)

    def _forward(self, y: Values, index: Index) -> Values:
        from scipy.special import boxcox  # type: ignore[import-untyped]

        if self.lmbda_ > 0:
            check_values(y >= 0, y, index, "values >= 0. Add a constant to the series")
        else:
            check_values(
                y > 0,
                y,
                index,
                f"values > 0 (lmbda is {self.lmbda_:g}). Add a constant to the series; a fixed lmbda > 0 accepts zeros",
            )
        found: Values = boxcox(y, self.lmbda_)
        return found

    def _backward(self, z: Values, index: Index) -> Values:
        from scipy.special import inv_boxcox

        limits = np.finfo(np.float64)
        if self.lmbda_ == 0:
            return np.minimum(np.exp(np.minimum(z, math.log(limits.max))), limits.max)
        edge = math.exp(min(math.log(limits.tiny) / self.lmbda_, math.log(limits.max)))
        beyond = self.lmbda_ * z + 1 <= limits.tiny  # False for NaN, which stays NaN
        with np.errstate(over="ignore"):
            found: Values = np.where(
                beyond, edge, np.minimum(inv_boxcox(np.where(beyond, 0.0, z), self.lmbda_), limits.max)
            )
        return found


def _maximum_likelihood_lmbda(y: Values) -> float:
    from scipy.stats import boxcox_normmax  # type: ignore[import-untyped]

    # The maximum does not depend on the unit, but the computation overflows for values far from 1.
    scaled = y / np.exp(np.mean(np.log(y)))
    if np.ptp(scaled) < 1e-12:
        return 1.0
    return float(np.clip(boxcox_normmax(scaled, method="mle"), -1.0, 2.0))
