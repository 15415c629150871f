"""A linear autoregression as a transform: what it cannot foretell is left for a net."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from kerazoo._validation import check_int
from kerazoo.forecast.data.frequency import Clock
from kerazoo.forecast.transforms.base import Index, Tail, Transform, Values, check_length, register_transform

__all__ = ["Autoregression"]

# Penalties that generalised cross-validation chooses from, for values of mean 0 and variance 1.
RIDGES = tuple(10.0 ** (exponent / 2) for exponent in range(-4, 9))
# An explosive recursion is of no use, whatever fits best: forecasts may leave the range of the series by this many
# times its width, and no more.
FURTHEST = 10.0


@register_transform
class Autoregression(Transform):
    """z_t = y_t - ŷ_t, ŷ_t = c + Σ_k φ_k y_{t-k} + seasonal terms, k = 1 .. `lags`.

    A ridge regression (Hoerl and Kennard 1970) on the values scaled to mean 0 and variance 1, in which the constant is
    free; the penalty is that of the least generalised cross-validation (Golub, Heath and Wahba 1979, equation 2.3). The
    seasonal terms are sines and cosines of `period` steps, two harmonics of them. z = 0 gives the forecast of the
    autoregression, step by step on its own forecasts. The first `lags` values are lost.

    Args:
        lags: int >= 1.
        period: int >= 2, steps of a season; or None, no seasonal terms.

    Attributes:
        coefficients_: list of float (lags,), φ, of the value before first.
        constant_: float, c, in units of `y`.
        seasonal_: list of float, of sin and cos of each harmonic, in units of `y`.
        ridge_: float, the penalty.
        low_, high_: float, bounds of forecasts: ten widths beyond the fitted values.
        clock_: dict, the first date and the frequency, from which seasons are counted.

    Raises:
        InvalidArgumentError: when fitted, fewer than 2 `lags` + 4 values.

    >>> import pandas as pd
    >>> y, index = np.tile([0.0, 1.0, 0.0, -1.0], 10), pd.RangeIndex(40)
    >>> ar = Autoregression(lags=4).fit(y, index)
    >>> z, tail = ar.apply(y, index)
    >>> ar.undo(np.zeros(4), tail, pd.RangeIndex(40, 44)).round(2) + 0.0
    array([ 0.,  1.,  0., -1.])
    """

    name = "autoregression"
    learned = ("coefficients_", "constant_", "seasonal_", "ridge_", "low_", "high_", "clock_")

    coefficients_: list[float]
    constant_: float
    seasonal_: list[float]
    ridge_: float
    low_: float
    high_: float
    clock_: dict[str, Any]

    def __init__(self, lags: int, period: int | None = None) -> None:
        self.lags = check_int("lags", lags, hint="It is the number of values before that are looked at.")
        self.period = None if period is None else check_int("period", period, 2, hint="None is no season.")

    @property
    def foretells(self) -> bool:
        return True

    @property
    def n_lost(self) -> int:
        return self.lags

    def _fit(self, y: Values, index: Index) -> None:
        check_length(y, 2 * self.lags + 4, self)
        clock = Clock.of(index)
        self.clock_ = asdict(clock)
        mean, scale = float(y.mean()), float(y.std())
        if scale <= 1e-12 * max(1.0, abs(mean)):
            scale = 1.0
        seasons = self._seasons(index)[self.lags :]
        inputs = np.concatenate([_lagged((y - mean) / scale, self.lags), seasons], axis=1)
        weights, middle, self.ridge_ = _ridge(inputs, (y[self.lags :] - mean) / scale)
        lagged = weights[: self.lags]
        self.coefficients_ = lagged.tolist()
        self.seasonal_ = (scale * weights[self.lags :]).tolist()
        self.constant_ = float(mean * (1.0 - lagged.sum()) + scale * middle)
        width = float(y.max() - y.min())
        self.low_, self.high_ = float(y.min()) - FURTHEST * width, float(y.max()) + FURTHEST * width

    def _seasons(self, index: Index) -> Values:
        """Sines and cosines of the season, (T, number of terms)."""
        if self.period is None:
            return np.empty((len(index), 0))
        turns = 2.0 * np.pi * Clock(**self.clock_).steps(index) / self.period
        columns = []
        for harmonic in range(1, min(2, self.period // 2) + 1):
            if 2 * harmonic != self.period:  # the sine of the fastest one is 0 at every step
                columns.append(np.sin(harmonic * turns))
            columns.append(np.cos(harmonic * turns))
        return np.stack(columns, axis=1)

    def _base(self, index: Index) -> Values:
        """What does not depend on the values before, (T,)."""
        return self.constant_ + self._seasons(index) @ np.asarray(self.seasonal_, np.float64)

    def _foretold(self, y: Values, index: Index) -> Values:
        found = np.full(len(y), np.nan)
        known = _lagged(y, self.lags) @ np.asarray(self.coefficients_, np.float64)
        found[self.lags :] = np.clip(known + self._base(index)[self.lags :], self.low_, self.high_)
        return found

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        check_length(y, self.lags + 1, self)
        return y - self._foretold(y, index), {"last": y[-self.lags :].tolist()}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        base = self._base(index)
        weights = np.asarray(self.coefficients_[::-1], np.float64)
        steps = z.shape[-1]
        path = np.empty((*z.shape[:-1], self.lags + steps))
        path[..., : self.lags] = tail["last"]
        for step in range(steps):
            foretold = path[..., step : step + self.lags] @ weights + base[step]
            path[..., self.lags + step] = np.clip(foretold, self.low_, self.high_) + z[..., step]
        return path[..., self.lags :]

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        return z + self._foretold(y, index)


def _lagged(y: Values, lags: int) -> Values:
    """The `lags` values before each, the nearest first: (T - lags, lags)."""
    return np.lib.stride_tricks.sliding_window_view(y[:-1], lags)[:, ::-1]


def _ridge(inputs: Values, targets: Values) -> tuple[Values, float, float]:
    """Weights, constant and penalty of the least generalised cross-validation."""
    centre, middle = inputs.mean(axis=0), float(targets.mean())
    u, s, v = np.linalg.svd(inputs - centre, full_matrices=False)
    along = u.T @ (targets - middle)
    rest = float(((targets - middle) ** 2).sum() - (along**2).sum())
    best: tuple[float, float] = (np.inf, RIDGES[-1])
    for ridge in RIDGES:
        kept = s**2 / (s**2 + ridge)
        free = len(targets) - 1.0 - kept.sum()
        if free > 0.5:
            score = (rest + float((((1.0 - kept) * along) ** 2).sum())) / free**2
            best = min(best, (score, ridge))
    weights = v.T @ (s / (s**2 + best[1]) * along)
    return weights, middle - float(centre @ weights), best[1]
