"""What is done to series before windows are cut: season and logarithm are taken out, and put back into forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.validation import series_array
from kerazoo_ext import _panel_windows

__all__ = ["AdjustedPanel", "adjust", "is_seasonal", "seasonal_indices"]

Values = NDArray[np.float64]

#: Largest size of a value: sums of squares of larger ones are no numbers.
LARGEST = 1e150
#: Critical value of the test for a season: 90 % of a normal distribution, two-sided (M4 competition).
CRITICAL = 1.645


@dataclass(frozen=True, eq=False)
class AdjustedPanel:
    """Series without their seasons, as logarithms where all values are positive.

    An adjusted value is z_t = f(y_t) - s(t mod m), where f is the logarithm or nothing.

    Attributes:
        values: float64 (N,), all series one after the other; NaN is missing.
        offsets: int64 (S + 1,), where each begins.
        kinds: uint8 (S,), of `kerazoo_ext._panel_windows`: values, logarithms or counts.
        seasons: float64 (S, m), seasonal indices s from the first step of a series on; zeros where there is no season.
    """

    values: Values
    offsets: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    seasons: Values

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Values of each series, int64 (S,)."""
        return np.diff(self.offsets)

    def undo(self, forecasts: Values, first: int = 0) -> Values:
        """Forecasts in the units of the series.

        Args:
            forecasts: float64 (S, H, ...), of adjusted values, for the steps after the end of each series.
            first: steps between that end and the first forecast.

        Returns:
            float64, the same shape; finite.
        """
        n_steps = forecasts.shape[1]
        steps = (self.lengths[:, None] + first + np.arange(n_steps)) % self.seasons.shape[1]
        season = np.take_along_axis(self.seasons, steps, axis=1)
        season = season.reshape(*season.shape, *(1,) * (forecasts.ndim - 2))
        is_log = (self.kinds == _panel_windows.LOGARITHMS).reshape(-1, *(1,) * (forecasts.ndim - 1))
        found = forecasts + season
        return np.where(is_log, np.exp(np.clip(np.where(is_log, found, 0.0), -700.0, 700.0)), found)


def adjust(series: Iterable[Any], period: int = 1, *, counts: bool = False) -> AdjustedPanel:
    """Take the season and the logarithm out of each series.

    A season is taken out where :func:`is_seasonal` finds one. Series of positive values become logarithms and lose a
    multiplicative season, the others an additive one.

    Args:
        series: S sequences of numbers; NaN is missing.
        period: steps of a season, m >= 1; 1: none.
        counts: whether the series are counts, which are left as they are.

    Returns:
        The adjusted series.

    Raises:
        InvalidArgumentError: no series; a series that has more than one dimension, no value, or a value that is
            infinite, larger than 1e150 in size, or not a number; counts that are negative or not whole.

    >>> import numpy as np
    >>> panel = adjust([[10.0, 20.0, 10.0, 5.0] * 6, [-1.0, 2.0]], period=4)
    >>> bool(np.ptp(panel.values[:24]) < 1e-9), panel.values[24:].tolist()
    (True, [-1.0, 2.0])
    """
    period = check_int("period", period, hint="It is the number of steps of a season; 1 is none.")
    arrays = [_checked(place, each, counts) for place, each in enumerate(series)]
    if not arrays:
        raise InvalidArgumentError("no series; expected at least one.")
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in arrays]))).astype(np.int64)
    seasons = np.zeros((len(arrays), period))
    kinds = np.zeros(len(arrays), np.uint8)
    parts = []
    for place, y in enumerate(arrays):
        kind = _panel_windows.COUNTS if counts else _panel_windows.VALUES
        if not counts:
            positive = bool((y[np.isfinite(y)] > 0).all())
            if is_seasonal(y, period):
                found = seasonal_indices(y, period, multiplicative=positive)
                seasons[place] = np.log(found) if positive else found
            if positive:
                kind = _panel_windows.LOGARITHMS
                y = np.log(y)
        kinds[place] = kind
        parts.append(y - seasons[place, np.arange(len(y)) % period])
    return AdjustedPanel(np.concatenate(parts), offsets, kinds, seasons)


def is_seasonal(y: Values, period: int) -> bool:
    """Whether the autocorrelation at lag `period` differs from 0: the test of the M4 competition.

    |r_m| > 1.645 sqrt((1 + 2 sum_(i<m) r_i^2) / n), for at least three seasons of values (Makridakis, Spiliotis and
    Assimakopoulos 2020, "The M4 Competition", appendix).

    >>> import numpy as np
    >>> is_seasonal(np.tile([1.0, 5.0, 2.0], 8), 3), is_seasonal(np.arange(24.0), 3)
    (True, False)
    >>> is_seasonal(np.random.default_rng(1).normal(size=24), 3)
    False
    """
    y = _without_gaps(y)
    n = len(y)
    if period < 2 or n < 3 * period:
        return False
    y = y - y.mean()
    size = np.abs(y).max()
    if not size > 0:
        return False
    y = y / size
    total = float(y @ y)
    correlations = np.array([float(y[: n - lag] @ y[lag:]) / total for lag in range(1, period + 1)])
    limit = CRITICAL * math.sqrt((1 + 2 * float((correlations[:-1] ** 2).sum())) / n)
    return bool(abs(correlations[-1]) > limit)


def seasonal_indices(y: Values, period: int, *, multiplicative: bool) -> Values:
    """Classical decomposition: means of the ratios (or differences) to a centred moving average of one season.

    Args:
        y: float64 (n,), at least two seasons; NaN is missing; positive if `multiplicative`.
        period: m >= 2.
        multiplicative: whether to take ratios, whose geometric mean is then 1, instead of differences, of mean 0.

    Returns:
        float64 (m,), from the first step of y on.

    >>> import numpy as np
    >>> seasonal_indices(np.tile([1.0, 2.0, 6.0], 4), 3, multiplicative=False).round(6).tolist()
    [-2.0, -1.0, 3.0]
    """
    whole = _without_gaps(y)
    weights = np.ones(period) / period
    if period % 2 == 0:  # 2 x m: half weights at both ends
        weights = np.concatenate(([0.5], np.ones(period - 1), [0.5])) / period
    half = len(weights) // 2
    trend = np.convolve(whole, weights, "valid")
    inner = y[half : half + len(trend)]
    detrended = inner / trend if multiplicative else inner - trend
    steps = (half + np.arange(len(trend))) % period
    found = np.full(period, 1.0 if multiplicative else 0.0)
    for step in range(period):
        values = detrended[(steps == step) & np.isfinite(detrended)]
        if len(values):
            found[step] = values.mean()
    if multiplicative:
        return np.asarray(found / np.exp(np.log(found).mean()))
    return np.asarray(found - found.mean())


def _without_gaps(y: Values) -> Values:
    """Missing values replaced by those on the line between their neighbours."""
    known = np.isfinite(y)
    return y if known.all() else np.interp(np.arange(len(y)), np.flatnonzero(known), y[known])


def _checked(place: int, given: Any, counts: bool) -> Values:
    y = series_array(place, given, LARGEST)
    if counts:
        wrong = (y < 0) | (y != np.floor(y)) & ~np.isnan(y)
        if wrong.any():
            at = int(wrong.argmax())
            raise InvalidArgumentError(
                f"series {place}: value {at} is {y[at]}; expected whole numbers >= 0. loss='negative_binomial' is for "
                "counts only."
            )
    return y
