"""Scores of point forecasts, intervals and quantiles against what happened."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["coverage", "interval_score", "mae", "mase", "pinball_loss", "rmse", "smape"]

Values: TypeAlias = NDArray[np.float64]


def rmse(y: Any, forecast: Any) -> float:
    """Root of the mean squared error, √(mean (y - f)²), in the units of y.

    Args:
        y: numbers (..., H), what happened. pandas objects are taken by position, whatever their index.
        forecast: numbers of the same shape, what was foretold.

    Returns:
        float, over all values: the rows of a (B, H) array are not scored one by one.

    Raises:
        InvalidArgumentError: unequal shapes, no values, or values that are not finite.

    >>> rmse([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])
    1.7320508075688772
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    return float(np.sqrt(np.mean((y - forecast) ** 2)))


def mae(y: Any, forecast: Any) -> float:
    """Mean absolute error, mean |y - f|, in the units of y.

    Args:
        y: numbers (..., H), what happened.
        forecast: numbers of the same shape, what was foretold.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: unequal shapes, no values, or values that are not finite.

    >>> mae([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])
    1.0
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    return float(np.mean(np.abs(y - forecast)))


def smape(y: Any, forecast: Any) -> float:
    """Symmetric mean absolute percentage error, mean 200 |y - f| / (|y| + |f|), in percent from 0 to 200.

    The definition of the M4 competition (Makridakis, Spiliotis and Assimakopoulos, The M4 Competition, International
    Journal of Forecasting 36(1), 2020, section 2). Where both values are 0 nothing is missed: it counts as 0. Values
    about 0 make it large whatever the forecast.

    Args:
        y: numbers (..., H), what happened.
        forecast: numbers of the same shape, what was foretold.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: unequal shapes, no values, or values that are not finite.

    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    size = np.abs(y) + np.abs(forecast)
    shares = np.divide(np.abs(y - forecast), size, out=np.zeros_like(size), where=size > 0)
    return float(200 * np.mean(shares))


def mase(y: Any, forecast: Any, train: Any, period: int = 1) -> float:
    """Mean absolute scaled error: the absolute error in units of what repeating the last season misses in training.

    mean |y - f| / s, s = mean |x_t - x_(t-m)| over the training part x with the period m (Hyndman and Koehler, Another
    look at measures of forecast accuracy, International Journal of Forecasting 22(4), 2006, section 3; with m > 1 as in
    the M4 competition). It has no units, so that series can be averaged. 1 is as good as a seasonal-naive forecast of
    one season is within the training part, on average.

    Args:
        y: numbers (..., H), what happened.
        forecast: numbers of the same shape, what was foretold.
        train: numbers (T,), the series before y, for all rows; or (..., T), one for each row, with its own scale.
        period: int >= 1, m, steps of a season: 12 in months. 1 compares with repeating the last value.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: unequal shapes, no values, values that are not finite, a training part not longer than
            the period, or one that repeats itself exactly, as a constant does: the scale would be 0.

    >>> mase([5.0, 7.0], [5.0, 6.0], train=[1.0, 2.0, 4.0], period=1)
    0.3333333333333333
    """
    y, forecast = _same_shape(y=y, forecast=forecast)
    known = _numbers("train", train)
    check_int("period", period, hint="It is the number of steps of a season, 12 in months; 1 without a season.")
    if known.ndim > 1 and known.shape[:-1] != y.shape[:-1]:
        raise InvalidArgumentError(
            f"train has shape {known.shape}, y {y.shape}; expected train (T,) for all rows, or one row for each of y."
        )
    if known.shape[-1] <= period:
        raise InvalidArgumentError(
            f"train has {known.shape[-1]} steps, period={period}; expected a training part longer than the period. "
            "Give more of the series, or period=1."
        )
    scale = np.mean(np.abs(known[..., period:] - known[..., :-period]), axis=-1, keepdims=True)
    if not scale.all():
        where = "" if scale.size == 1 else f" in row {_place(scale == 0)[:-1]}"
        raise InvalidArgumentError(
            f"train repeats itself exactly with period={period}{where}, as a constant does, so that the scale is 0; "
            "expected a training part that changes. Use mae."
        )
    return float(np.mean(np.abs(y - forecast) / scale))


def coverage(y: Any, lower: Any, upper: Any) -> float:
    """Share of the values that lie in their intervals, the bounds included: about 0.8 for good 80 % intervals.

    Args:
        y: numbers (..., H), what happened.
        lower: numbers of the same shape, lower bounds.
        upper: numbers of the same shape, upper bounds.

    Returns:
        float from 0 to 1.

    Raises:
        InvalidArgumentError: unequal shapes, no values, values that are not finite, or a lower bound above its upper.

    >>> coverage([1.0, 2.0, 3.0, 4.0], lower=[0.0, 0.0, 4.0, 4.0], upper=[2.0, 1.0, 5.0, 4.0])
    0.5
    """
    y, lower, upper = _interval(y, lower, upper)
    return float(np.mean((lower <= y) & (y <= upper)))


def interval_score(y: Any, lower: Any, upper: Any, level: float) -> float:
    """Score of Winkler: the width of the intervals, and a fine for values outside; the smaller, the better.

    mean (u - l) + 2/α (l - y)₊ + 2/α (y - u)₊, α = 1 - level, in the units of y (Gneiting and Raftery, Strictly proper
    scoring rules, prediction, and estimation, JASA 102(477), 2007, eq. 43; Winkler, JASA 67(337), 1972). On average it
    is least for the true quantiles α/2 and 1 - α/2: neither wide nor overconfident intervals win.

    Args:
        y: numbers (..., H), what happened.
        lower: numbers of the same shape, lower bounds.
        upper: numbers of the same shape, upper bounds.
        level: float, 0 < level < 1, the share that the intervals are meant to hold: 0.8 for 80 %.

    Returns:
        float, over all values.

    Raises:
        InvalidArgumentError: unequal shapes, no values, values that are not finite, a lower bound above its upper, or
            a level outside (0, 1).

    >>> interval_score([1.0, 5.0], lower=[0.0, 0.0], upper=[4.0, 4.0], level=0.5)  # 4 and 4 + 2/0.5
    6.0
    """
    y, lower, upper = _interval(y, lower, upper)
    alpha = 1 - _share(level)
    outside = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    return float(np.mean(upper - lower + 2 / alpha * outside))


def pinball_loss(y: Any, quantile: Any, level: float) -> float:
    """Loss of a forecast quantile: mean of level (y - q) where y >= q, and of (1 - level) (q - y) where y < q.

    On average it is least for the true quantile (Koenker and Bassett, Regression quantiles, Econometrica 46(1), 1978).
    At level 0.5 it is half the mean absolute error.

    Args:
        y: numbers (..., H), what happened.
        quantile: numbers of the same shape, q, the values that y was to stay below with probability `level`.
        level: float, 0 < level < 1: 0.9 for the quantile of 90 %.

    Returns:
        float, over all values, in the units of y.

    Raises:
        InvalidArgumentError: unequal shapes, no values, values that are not finite, or a level outside (0, 1).

    >>> pinball_loss([3.0, 1.0], [2.0, 2.0], level=0.75)  # 0.75 and 0.25
    0.5
    """
    y, quantile = _same_shape(y=y, quantile=quantile)
    _share(level)
    errors = y - quantile
    return float(np.mean(np.maximum(level * errors, (level - 1) * errors)))


def _share(level: float) -> float:
    hint = "It is a share: 0.95 for 95 %."
    number = check_real("level", level, hint=hint)
    if not 0 < number < 1:
        raise InvalidArgumentError(f"level={level!r}; expected a number > 0 and < 1. {hint}")
    return number


def _interval(y: Any, lower: Any, upper: Any) -> list[Values]:
    checked = _same_shape(y=y, lower=lower, upper=upper)
    crossed = checked[1] > checked[2]
    if crossed.any():
        place = _place(crossed)
        raise InvalidArgumentError(
            f"lower is {checked[1][place]:g} and upper {checked[2][place]:g} at {_shown(place)}; "
            "expected lower <= upper. Were they exchanged?"
        )
    return checked


def _same_shape(**named: Any) -> list[Values]:
    """The arrays as float64, once they are known to be finite, not empty, and of the shape of the first."""
    arrays = [_numbers(name, value) for name, value in named.items()]
    if any(array.shape != arrays[0].shape for array in arrays):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(named, arrays, strict=True))
        raise InvalidArgumentError(f"shapes differ: {shapes}; expected the same shape for all, (..., horizon).")
    return arrays


def _numbers(name: str, value: Any) -> Values:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} is no array of numbers ({error}); expected floats (..., horizon)."
        ) from None
    if array.ndim == 0 or array.size == 0:
        raise InvalidArgumentError(f"{name} has shape {array.shape}; expected (..., horizon) with at least one value.")
    wrong = ~np.isfinite(array)
    if wrong.any():
        place = _place(wrong)
        raise InvalidArgumentError(
            f"{name} is {array[place]} at {_shown(place)}; expected finite numbers. Leave such steps out of all arrays."
        )
    return array


def _place(condition: NDArray[np.bool_]) -> tuple[int, ...]:
    """Index of the first place where the condition holds."""
    return tuple(int(axis) for axis in np.argwhere(condition)[0])


def _shown(place: tuple[int, ...]) -> str:
    return str(place[0] if len(place) == 1 else place)
