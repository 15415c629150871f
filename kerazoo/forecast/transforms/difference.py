"""Plain and seasonal differences."""

from __future__ import annotations

import numpy as np

from kerazoo._validation import check_int
from kerazoo.forecast.transforms.base import Index, Tail, Transform, Values, check_length
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["Difference"]


@register_transform
class Difference(Transform):
    """z_t = y_t - y_{t - lag}, plain (lag 1) or seasonal (lag 12 for months). The first `lag` values are lost.

    The inverse is a cumulative sum, y_{T+h} = z_{T+h} + y_{T+h-lag}, that starts from the last `lag` values of the
    series.

    Args:
        lag: int >= 1, steps.

    >>> import pandas as pd
    >>> y, index = np.array([1.0, 4.0, 9.0, 16.0]), pd.RangeIndex(4)
    >>> difference = Difference().fit(y, index)
    >>> z, tail = difference.apply(y, index)
    >>> z
    array([nan,  3.,  5.,  7.])
    >>> difference.undo([9.0, 11.0], tail, pd.RangeIndex(4, 6))
    array([25., 36.])
    """

    name = "difference"

    def __init__(self, lag: int = 1) -> None:
        self.lag = check_int("lag", lag, hint="It is the number of steps between the values that are subtracted.")

    @property
    def n_lost(self) -> int:
        """The first `lag` values have no difference."""
        return self.lag

    def _fit(self, y: Values, index: Index) -> None:
        check_length(y, self.n_needed, self)

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        check_length(y, self.lag + 1, self)
        z = np.full(len(y), np.nan)
        z[self.lag :] = y[self.lag :] - y[: -self.lag]
        return z, {"last": y[-self.lag :].tolist()}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        steps = z.shape[-1]
        rounds = -(-steps // self.lag)
        padded = np.zeros((*z.shape[:-1], rounds * self.lag))
        padded[..., :steps] = z
        # Step h adds to step h - lag: a cumulative sum down each column of a table with `lag` columns.
        sums = padded.reshape(*z.shape[:-1], rounds, self.lag).cumsum(-2) + np.array(tail["last"], np.float64)
        return sums.reshape(padded.shape)[..., :steps]

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        found = np.full(z.shape, np.nan)
        found[..., self.lag :] = z[..., self.lag :] + y[: -self.lag]
        return found
