"""Scores of point forecasts, intervals and quantiles against the actual values."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["coverage", "interval_score", "mae", "mase", "pinball_loss", "rmse", "smape"]

Values: TypeAlias = NDArray[np.float64]


def rmse(y: Any, forecast: Any) -> float:
    """Root mean squared error, √(mean (y - f)²), in the units of y.

    Args:
        y: numbers (..., H), actual values. pandas objects are compared by position; their index is ignored.
        forecast: numbers of the same shape.

    Returns:
        float, over all values: the rows of a (B, H) array are not scored separately.

    Raises:
        InvalidArgumentError: different shapes, no values, or non-finite values.

    >>> rmse([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])
    1.7320508075688772
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    return float(np.sqrt(np.mean((y - forecast) ** 2)))


def mae(y: Any, forecast: Any) -> float:
    """Mean absolute error, mean |y - f|, in the units of y.

    Args:
        y: numbers (..., H), actual values.
        forecast: numbers of the same shape.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: different shapes, no values, or non-finite values.

    >>> mae([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])
    1.0
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    return float(np.mean(np.abs(y - forecast)))


def smape(y: Any, forecast: Any) -> float:
    """Symmetric mean absolute percentage error, mean 200 |y - f| / (|y| + |f|), in percent from 0 to 200.

    The definition of the M4 competition (Makridakis, Spiliotis and Assimakopoulos, The M4 Competition, International
    Journal of Forecasting 36(1), 2020, section 2). A pair of zeros counts as 0. Values near 0 make
    the score large whatever the forecast.

    Args:
        y: numbers (..., H), actual values.
        forecast: numbers of the same shape.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: different shapes, no values, or non-finite values.

    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    size = np.abs(y) + np.abs(forecast)
    shares = np.divide(np.abs(y - forecast), size, out=np.zeros_like(size), where=size > 0)
    return float(200 * np.mean(shares))


def mase(y: Any, forecast: Any, train: Any, period: int = 1) -> float:
    """Mean absolute scaled error: in units of the in-sample mean absolute error of the seasonal naive forecast.

    mean |y - f| / s, s = mean |x_t - x_(t-m)| over the training part x with the period m (Hyndman and Koehler, Another
    look at measures of forecast accuracy, International Journal of Forecasting 22(4), 2006, section 3; with m > 1 as in
    the M4 competition). It has no units, so scores of different series can be averaged. 1 is the average score of a
    seasonal naive forecast of one season within the training part.

    Args:
        y: numbers (..., H), actual values.
        forecast: numbers of the same shape.
        train: numbers (T,), the series before y, shared by all rows; or (..., T), one series and scale per row. NaN is
            a missing value: differences with it are left out of the mean.
        period: int >= 1, m, steps per season: 12 for months. 1 compares with repeating the last value.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: different shapes, no values, non-finite values, a training part not longer than the
            period or without two known values a period apart, or one that repeats itself exactly, such as a constant:
            the scale would be 0.

    >>> mase([5.0, 7.0], [5.0, 6.0], train=[1.0, 2.0, 4.0], period=1)
    0.3333333333333333
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    known = _numbers("train", train, gaps=True)
    check_int("period", period, hint="It is the number of steps per season, 12 for months; 1 without a season.")
    if known.ndim > 1 and known.shape[:-1] != y.shape[:-1]:
        raise InvalidArgumentError(
            f"train has shape {known.shape}, y {y.shape}; expected train (T,) for all rows, or one row per row of y."
        )
    if known.shape[-1] <= period:
        raise InvalidArgumentError(
            f"train has {known.shape[-1]} steps, period={period}; expected a training part longer than the period. "
            "Pass more of the series, or period=1."
        )
    changes = np.abs(known[..., period:] - known[..., :-period])
    if np.isnan(changes).any():
        count = np.sum(~np.isnan(changes), axis=-1, keepdims=True)
        if not count.all():
            where = "" if count.size == 1 else f" in row {_first_index(count == 0)[:-1]}"
            raise InvalidArgumentError(
                f"train has no two known values that are period={period} apart{where}; expected some. Pass more of it, "
                "or another period."
            )
        scale = np.nansum(changes, axis=-1, keepdims=True) / count
    else:
        scale = np.mean(changes, axis=-1, keepdims=True)
    if not scale.all():
        where = "" if scale.size == 1 else f" in row {_first_index(scale == 0)[:-1]}"
        raise InvalidArgumentError(
            f"train repeats itself exactly with period={period}{where}, as a constant does, so the scale is 0; "
            "expected a training part that changes. Use mae instead."
        )
    return float(np.mean(np.abs(y - forecast) / scale))


def coverage(y: Any, lower: Any, upper: Any) -> float:
    """Fraction of the values inside their intervals, bounds included: about 0.8 for good 80 % intervals.

    Args:
        y: numbers (..., H), actual values.
        lower: numbers of the same shape, lower bounds.
        upper: numbers of the same shape, upper bounds.

    Returns:
        float from 0 to 1.

    Raises:
        InvalidArgumentError: different shapes, no values, non-finite values, or a lower bound above its upper.

    >>> coverage([1.0, 2.0, 3.0, 4.0], lower=[0.0, 0.0, 4.0, 4.0], upper=[2.0, 1.0, 5.0, 4.0])
    0.5
    """
    y, lower, upper = _interval(y, lower, upper)
    return float(np.mean((lower <= y) & (y <= upper)))


def interval_score(y: Any, lower: Any, upper: Any, level: float) -> float:
    """Winkler score: the width of the intervals plus a penalty for values outside; smaller is better.

    mean (u - l) + 2/α (l - y)₊ + 2/α (y - u)₊, α = 1 - level, in the units of y (Gneiting and Raftery, Strictly proper
    scoring rules, prediction, and estimation, JASA 102(477), 2007, eq. 43; Winkler, JASA 67(337), 1972). Its
    expected value is smallest for the true quantiles α/2 and 1 - α/2: neither wide nor narrow intervals score best.

    Args:
        y: numbers (..., H), actual values.
        lower: numbers of the same shape, lower bounds.
        upper: numbers of the same shape, upper bounds.
        level: float, 0 < level < 1, the nominal coverage: 0.8 for 80 %.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: different shapes, no values, non-finite values, a lower bound above its upper, or
            a level outside (0, 1).

    >>> interval_score([1.0, 5.0], lower=[0.0, 0.0], upper=[4.0, 4.0], level=0.5)  # 4 and 4 + 2/0.5
    6.0
    """
    y, lower, upper = _interval(y, lower, upper)
    alpha = 1 - _check_level(level)
    outside = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    return float(np.mean(upper - lower + 2 / alpha * outside))


def pinball_loss(y: Any, quantile: Any, level: float) -> float:
    """Quantile loss: mean of level (y - q) where y >= q, and of (1 - level) (q - y) where y < q.

    Its expected value is smallest for the true quantile (Koenker and Bassett, Regression quantiles, Econometrica 46(1),
    1978).
    At level 0.5 it is half the mean absolute error.

    Args:
        y: numbers (..., H), actual values.
        quantile: numbers of the same shape, q, the forecast quantiles: y < q with probability `level`.
        level: float, 0 < level < 1: 0.9 for the quantile of 90 %.

    Returns:
        float, over all values, in the units of y.

    Raises:
        InvalidArgumentError: different shapes, no values, non-finite values, or a level outside (0, 1).

    >>> pinball_loss([3.0, 1.0], [2.0, 2.0], level=0.75)  # 0.75 and 0.25
    0.5
    """
    y, quantile = _same_shape(y=y, quantile=quantile)
    _check_level(level)
    errors = y - quantile
    return float(np.mean(np.maximum(level * errors, (level - 1) * errors)))


def _check_level(level: float) -> float:
    hint = "It is a fraction: 0.95 for 95 %."
    number = check_real("level", level, hint=hint)
    if not 0 < number < 1:
        raise InvalidArgumentError(f"level={level!r}; expected a number > 0 and < 1. {hint}")
    return number


def _interval(y: Any, lower: Any, upper: Any) -> list[Values]:
    checked = _same_shape(y=y, lower=lower, upper=upper)
    crossed = checked[1] > checked[2]
    if crossed.any():
        index = _first_index(crossed)
        raise InvalidArgumentError(
            f"lower is {checked[1][index]:g} and upper {checked[2][index]:g} at {_shown(index)}; "
            "expected lower <= upper. Were they swapped?"
        )
    return checked


def _same_shape(**named: Any) -> list[Values]:
    """The arrays as float64; all must be finite, not empty and of one shape."""
    arrays = [_numbers(name, value) for name, value in named.items()]
    if any(array.shape != arrays[0].shape for array in arrays):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(named, arrays, strict=True))
        raise InvalidArgumentError(f"shapes differ: {shapes}; expected the same shape for all, (..., horizon).")
    return arrays


def _numbers(name: str, value: Any, gaps: bool = False) -> Values:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} is not an array of numbers ({error}); expected floats (..., horizon)."
        ) from None
    if array.ndim == 0 or array.size == 0:
        raise InvalidArgumentError(f"{name} has shape {array.shape}; expected (..., horizon) with at least one value.")
    wrong = np.isinf(array) if gaps else ~np.isfinite(array)
    if wrong.any():
        index = _first_index(wrong)
        raise InvalidArgumentError(
            f"{name} is {array[index]} at {_shown(index)}; expected finite numbers. Remove such steps from all arrays."
        )
    return array


def _first_index(condition: NDArray[np.bool_]) -> tuple[int, ...]:
    """Index of the first element that satisfies the condition."""
    return tuple(int(axis) for axis in np.argwhere(condition)[0])


def _shown(index: tuple[int, ...]) -> str:
    return str(index[0] if len(index) == 1 else index)
