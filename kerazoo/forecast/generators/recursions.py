"""Linear recursions over time of many series at once: a loop over the steps, each vectorised over the series."""

from __future__ import annotations

import numpy as np

from kerazoo.forecast.generators.parameters import Values

__all__ = ["autoregress", "autoregress_season", "coefficients_of", "moving_average"]


def coefficients_of(partial: Values) -> Values:
    """Coefficients of a stationary autoregression from its partial autocorrelations (Durbin and Levinson).

    Any numbers within (-1, 1) give a stationary process (Barndorff-Nielsen & Schou 1973).

    Args:
        partial: float64 (S, p), each within (-1, 1).

    Returns:
        float64 (S, p): y_t = c_1 y_{t-1} + ... + c_p y_{t-p} + e_t.

    >>> coefficients_of(np.array([[0.5, -0.4]]))
    array([[ 0.7, -0.4]])
    """
    coefficients = partial.copy()
    for order in range(1, partial.shape[1]):
        last = partial[:, order : order + 1]
        before = coefficients[:, :order].copy()
        coefficients[:, :order] = before - last * before[:, ::-1]
    return coefficients


def autoregress(shocks: Values, coefficients: Values) -> Values:
    """y_t = c_1 y_{t-1} + ... + c_p y_{t-p} + shock_t from y = 0 before the first step.

    Args:
        shocks: float64 (T, S), a row for each step.
        coefficients: float64 (S, p).

    Returns:
        float64 (T, S).
    """
    length, n_series = shocks.shape
    order = coefficients.shape[1]
    values = np.zeros((length + order, n_series))
    weights = np.ascontiguousarray(coefficients.T[::-1])  # of y_{t-p}, ..., y_{t-1}
    if order == 1:
        weight = weights[0]
        for step in range(length):
            np.multiply(weight, values[step], out=values[step + 1])
            values[step + 1] += shocks[step]
        return values[order:]
    for step in range(length):
        (weights * values[step : step + order]).sum(axis=0, out=values[step + order])
        values[step + order] += shocks[step]
    return values[order:]


def autoregress_season(shocks: Values, coefficient: Values, season: int) -> Values:
    """y_t = c y_{t-m} + shock_t for a season of m steps; (T, S) and (S,) to (T, S). A loop over seasons."""
    values = shocks.copy()
    for start in range(season, len(values), season):
        end = min(start + season, len(values))
        values[start:end] += coefficient * values[start - season : end - season]
    return values


def moving_average(shocks: Values, coefficients: Values) -> Values:
    """shock_t + c_1 shock_{t-1} + ... + c_q shock_{t-q}; (T, S) and (S, q) to (T, S)."""
    values = shocks.copy()
    for lag in range(1, coefficients.shape[1] + 1):
        values[lag:] += coefficients[:, lag - 1] * shocks[:-lag]
    return values
