"""Linear autoregression as a transform: z are its one-step forecast errors."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.frequency import Clock
from kerazoo.forecast.transforms.base import Index, Tail, Transform, Values, check_length
from kerazoo.forecast.transforms.registry import register_transform

__all__ = ["Autoregression"]

# Candidate penalties for generalised cross-validation, for values of mean 0 and variance 1.
RIDGES = tuple(10.0 ** (exponent / 2) for exponent in range(-4, 9))
# Forecasts of an explosive recursion are useless even if it fits best. Forecasts may exceed the range of the series by
# at most this many times its width.
MAX_WIDTHS = 10.0


@register_transform
class Autoregression(Transform):
    """z_t = y_t - ŷ_t, ŷ_t = c + Σ_k φ_k y_{t-k} + seasonal terms, k = 1 .. `lags`.

    Ridge regression (Hoerl and Kennard 1970) on the values scaled to mean 0 and variance 1, with an unpenalised
    constant. The penalty minimises generalised cross-validation (Golub, Heath and Wahba 1979, equation 2.3). The
    seasonal terms are sines and cosines of `period` steps with two harmonics. The inverse of z = 0 is the recursive
    forecast of the autoregression. The first `lags` values are lost. :meth:`fit` needs at least 2 `lags` + 4 values.

    Args:
        lags: int >= 1.
        period: int >= 2, steps of a season; None: no seasonal terms.

    Attributes:
        coefficients_: list of float (lags,), φ, the most recent lag first.
        constant_: float, c, in units of `y`.
        seasonal_: list of float, the coefficients of sin and cos of each harmonic, in units of `y`.
        ridge_: float, the penalty.
        low_: float, lower bound of forecasts: the fitted minimum minus ten times the fitted range.
        high_: float, upper bound of forecasts: the fitted maximum plus ten times the fitted range.
        clock_: dict, the first date and the frequency, from which seasons are counted.

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
        self.lags = check_int("lags", lags, hint="It is the number of earlier values that enter the regression.")
        self.period = None if period is None else check_int("period", period, 2, hint="None is no season.")

    @property
    def outputs_residuals(self) -> bool:
        """True: the inverse of z = 0 is the forecast of the autoregression."""
        return True

    @property
    def n_lost(self) -> int:
        """The first `lags` values have no forecast."""
        return self.lags

    @property
    def n_needed(self) -> int:
        """The smallest number of values of :meth:`fit`: 2 `lags` + 4."""
        return 2 * self.lags + 4

    def _fit(self, y: Values, index: Index) -> None:
        check_length(y, self.n_needed, self)
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
        self.low_, self.high_ = float(y.min()) - MAX_WIDTHS * width, float(y.max()) + MAX_WIDTHS * width

    def _check_state(self) -> None:
        self._check_count("coefficients_", self.lags)
        harmonics = 0 if self.period is None else min(2, self.period // 2)
        self._check_count("seasonal_", 2 * harmonics - (2 * harmonics == self.period))
        Clock.from_state(self.clock_)
        if self.low_ > self.high_:
            raise InvalidArgumentError(f"low_={self.low_:g}, high_={self.high_:g}; expected low_ <= high_.")

    def _seasons(self, index: Index) -> Values:
        """Sines and cosines of the season, (T, number of terms)."""
        if self.period is None:
            return np.empty((len(index), 0))
        phase = 2.0 * np.pi * Clock(**self.clock_).steps(index) / self.period
        columns = []
        for harmonic in range(1, min(2, self.period // 2) + 1):
            if 2 * harmonic != self.period:  # the sine of the highest harmonic is 0 at every step
                columns.append(np.sin(harmonic * phase))
            columns.append(np.cos(harmonic * phase))
        return np.stack(columns, axis=1)

    def _base(self, index: Index) -> Values:
        """The terms that do not depend on earlier values, (T,)."""
        return self.constant_ + self._seasons(index) @ np.asarray(self.seasonal_, np.float64)

    def _one_step(self, y: Values, index: Index) -> Values:
        """One-step forecasts (T,); NaN for the first `lags`."""
        found = np.full(len(y), np.nan)
        # `_lagged(y) @ coefficients_` would copy all windows.
        known = np.convolve(y[:-1], np.asarray(self.coefficients_, np.float64), "valid")
        found[self.lags :] = np.clip(known + self._base(index)[self.lags :], self.low_, self.high_)
        return found

    def _apply(self, y: Values, index: Index) -> tuple[Values, Tail]:
        check_length(y, self.lags + 1, self)
        return y - self._one_step(y, index), {"last": y[-self.lags :].tolist()}

    def _undo(self, z: Values, tail: Tail, index: Index) -> Values:
        base = self._base(index)
        weights = np.asarray(self.coefficients_[::-1], np.float64)
        steps = z.shape[-1]
        path = np.empty((*z.shape[:-1], self.lags + steps))
        path[..., : self.lags] = tail["last"]
        for step in range(steps):
            forecast = path[..., step : step + self.lags] @ weights + base[step]
            path[..., self.lags + step] = np.clip(forecast, self.low_, self.high_) + z[..., step]
        return path[..., self.lags :]

    def _undo_one_step(self, z: Values, y: Values, index: Index) -> Values:
        return z + self._one_step(y, index)


def _lagged(y: Values, lags: int) -> Values:
    """The `lags` values before each value, the most recent first: (T - lags, lags)."""
    return np.lib.stride_tricks.sliding_window_view(y[:-1], lags)[:, ::-1]


def _ridge(inputs: Values, targets: Values) -> tuple[Values, float, float]:
    """Weights, constant and penalty with the smallest generalised cross-validation score."""
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
