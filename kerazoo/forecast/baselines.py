"""Naive forecasts, which need no training: the baselines for every other method.

NaN is a missing value: the last known ones take its place.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = ["drift", "naive", "seasonal_naive"]

Values: TypeAlias = NDArray[np.float64]


def naive(y: Any, horizon: int) -> Values:
    """Repeat the last known value: ŷ_(T+h) = y_T. The best forecast of a random walk.

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed. 2021, section 5.2.

    Args:
        y: numbers (T,), T >= 1, in chronological order; NaN is missing.
        horizon: int >= 1, H, steps to forecast.

    Returns:
        float64 (H,).

    Raises:
        InvalidArgumentError: the series is empty, not one-dimensional, infinite, or without a known value.

    >>> naive([3.0, 5.0, 4.0], horizon=2).tolist()
    [4.0, 4.0]
    """
    values = _series(y, 1, "one value")
    return np.full(_steps(horizon), values[_known(values)[-1]])


def seasonal_naive(y: Any, horizon: int, period: int) -> Values:
    """Repeat the last season: ŷ_(T+h) = y_(T+h-mk), k the smallest integer for which T+h-mk <= T.

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed. 2021, section 5.2. The place of a
    missing value takes the last known one a whole number of seasons before; if there is none, the last known value.

    Args:
        y: numbers (T,), T >= period, in chronological order; NaN is missing.
        horizon: int >= 1, H, steps to forecast.
        period: int >= 1, m, steps per season: 12 for months.

    Returns:
        float64 (H,).

    Raises:
        InvalidArgumentError: the series is shorter than one period, not one-dimensional, infinite, or without a known
            value.

    >>> seasonal_naive([9.0, 1.0, 2.0, 3.0], horizon=5, period=3).tolist()
    [1.0, 2.0, 3.0, 1.0, 2.0]
    >>> seasonal_naive([9.0, 1.0, 2.0, 3.0, np.nan], horizon=3, period=2).tolist()
    [3.0, 2.0, 3.0]
    """
    check_int("period", period, hint="It is the number of steps per season, 12 for months.")
    values = _series(y, period, f"one season of {period}")
    season = np.full(period, values[_known(values)[-1]])
    places = _known(values)
    season[(places - len(values)) % period] = values[places]  # in order: the last of a place stays
    return np.resize(season, _steps(horizon))


def drift(y: Any, horizon: int) -> Values:
    """Extend the line through the first and the last known value: ŷ_(T+h) = y_T + h (y_T - y_1) / (T - 1).

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed. 2021, section 5.2.

    Args:
        y: numbers (T,), T >= 2, of which two are known, in chronological order; NaN is missing.
        horizon: int >= 1, H, steps to forecast.

    Returns:
        float64 (H,).

    Raises:
        InvalidArgumentError: the series has fewer than two known values, is not one-dimensional or infinite.

    >>> drift([1.0, 9.0, 5.0], horizon=2).tolist()
    [7.0, 9.0]
    """
    values = _series(y, 2, "two values")
    known = _known(values, 2)
    first, last = known[0], known[-1]
    slope = (values[last] - values[first]) / (last - first)
    return np.asarray(values[last] + slope * (len(values) - 1 - last + np.arange(1, _steps(horizon) + 1)))


def _steps(horizon: int) -> int:
    return check_int("horizon", horizon, hint="It is the number of steps to forecast.")


def _known(values: Values, minimum: int = 1) -> NDArray[np.intp]:
    """Positions of the values that are not missing."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < minimum:
        raise InvalidArgumentError(
            f"y has {len(known)} known values, and {len(values) - len(known)} are NaN; expected at least {minimum}. A "
            "longer series is needed."
        )
    return known


def _series(y: Any, minimum: int, needed: str) -> Values:
    try:
        values = np.asarray(y, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"y is not a series of numbers ({error}); expected floats (T,).") from None
    if values.ndim != 1:
        raise InvalidArgumentError(f"y has shape {values.shape}; expected one series (T,).")
    if len(values) < minimum:
        raise InvalidArgumentError(
            f"y has {len(values)} values; expected at least {needed}. A longer series is needed."
        )
    wrong = np.flatnonzero(np.isinf(values))
    if len(wrong):
        raise InvalidArgumentError(
            f"y is {values[wrong[0]]} at {wrong[0]}; expected finite numbers, or NaN where one is missing."
        )
    return values
