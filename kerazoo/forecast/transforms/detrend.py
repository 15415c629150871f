"""Subtraction of a polynomial trend."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from kerazoo._validation import check_int, check_real
from kerazoo.forecast.data.frequency import Clock
from kerazoo.forecast.transforms.base import Index, PointwiseTransform, Values, check_length
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["Detrend"]


@register_transform
class Detrend(PointwiseTransform):
    """z_t = y_t - p(t), where p is the least squares polynomial of the fitted values.

    t counts steps from the first fitted date, by the calendar of the index. A series that starts or ends at other dates
    therefore gets the same trend at the same date.

    Args:
        degree: int from 0 (the mean) to 5. 1 is a straight line.

    Attributes:
        coefficients_: list of float (degree + 1,), of the powers of x = 2 t / t_last - 1.
        t_last_: float, the last fitted step.
        clock_: dict, the first date and the frequency.

    >>> import pandas as pd
    >>> y, index = np.array([1.0, 3.0, 5.0, 7.0]), pd.RangeIndex(4)
    >>> detrend = Detrend().fit(y, index)
    >>> z, tail = detrend.apply(y, index)
    >>> bool(abs(z).max() < 1e-12)
    True
    >>> detrend.undo([0.0, 0.5], tail, pd.RangeIndex(4, 6)).round(9)
    array([ 9. , 11.5])
    """

    name = "detrend"
    learned = ("coefficients_", "t_last_", "clock_")

    coefficients_: list[float]
    t_last_: float
    clock_: dict[str, Any]

    def __init__(self, degree: int = 1) -> None:
        self.degree = check_int("degree", degree, 0, 5)

    @property
    def n_needed(self) -> int:
        """The smallest number of values of :meth:`fit`: one per coefficient."""
        return self.degree + 1

    def _fit(self, y: Values, index: Index) -> None:
        check_length(y, self.n_needed, self)
        clock = Clock.of(index)
        steps = clock.steps(index)
        self.t_last_ = float(max(steps[-1], 1.0))
        fitted = np.polynomial.Polynomial.fit(steps, y, self.degree, domain=[0.0, self.t_last_])
        self.coefficients_ = fitted.coef.tolist()
        self.clock_ = asdict(clock)

    def _check_state(self) -> None:
        self._check_count("coefficients_", self.degree + 1)
        check_real("t_last_ of Detrend", self.t_last_, 0.0, exclusive=True)
        Clock.from_state(self.clock_)

    def _trend(self, index: Index) -> Values:
        steps = Clock(**self.clock_).steps(index)
        trend = np.polynomial.Polynomial(self.coefficients_, domain=[0.0, self.t_last_])
        return np.asarray(trend(steps), np.float64)

    def _forward(self, y: Values, index: Index) -> Values:
        return y - self._trend(index)

    def _backward(self, z: Values, index: Index) -> Values:
        return z + self._trend(index)
