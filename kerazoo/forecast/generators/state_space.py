"""Exponential smoothing as a model of the data: the state space of Hyndman, Koehler, Ord & Snyder (2008)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerazoo._validation import check_choice, check_real
from kerazoo.forecast.generators.parameters import LARGEST, Values, check_shape, log_normal, parameter

__all__ = ["ets"]

_HIGH, _LOW = 1e6, 1e-6  # levels of series with a multiplicative error or season stay between these multiples of 1


def ets(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    period: float = 1,
    *,
    error: str | None = None,
    season: str | None = None,
    sd: ArrayLike | None = None,
    alpha: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    gamma: ArrayLike | None = None,
    damping: ArrayLike | None = None,
    slope: ArrayLike | None = None,
) -> Values:
    """Series of the state space models of exponential smoothing, around a first level of 1.

    With f_t = l_{t-1} + damping b_{t-1}, and e_t normal with standard deviation `sd`, the additive season s has

        y_t = f_t + s_{t-m} + r_t,    l_t = f_t + alpha r_t,    b_t = damping b_{t-1} + beta r_t,
        s_t = s_{t-m} + gamma r_t,    r_t = e_t, or (f_t + s_{t-m}) e_t if the error is multiplicative

    and the multiplicative season

        y_t = f_t s_{t-m} + r_t,    l_t = f_t + alpha r_t / s_{t-m},    b_t = damping b_{t-1} + beta r_t / s_{t-m},
        s_t = s_{t-m} + gamma r_t / f_t,    r_t = e_t, or f_t s_{t-m} e_t

    The multiplicative e_t is at least -0.9. Levels of multiplicative series are kept between 1e-6 and 1e6, seasonal
    indices between 0.01 and 100.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: >= 1, m; rounded to an integer. 1: no season.
        error: "additive" or "multiplicative"; None: either, for each series.
        season: "additive", "multiplicative" or "none"; None: any, for each series.
        sd: from 0 to 1e12; None: log-normal around 0.03.
        alpha: from 0 to 1; None: between 0.02 and 1, often small.
        beta: from 0 to 1; None: 0 for 2 of 5 series, else up to alpha / 5.
        gamma: from 0 to 1; None: 0 for a third of the series, else up to 0.3.
        damping: from 0 to 1, of the slope; None: 0 (no trend) for a third, 1 for a third, else between 0.8 and 1.
        slope: the first one; None: normal with standard deviation 0.01, or 1 / T for series longer than 100 steps.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> ets(np.random.default_rng(1), 1, 4, sd=0, damping=1, slope=0.5, season="none")
    array([[1.5, 2. , 2.5, 3. ]])
    """
    n_series, length = check_shape(rng, n_series, length)
    m = round(check_real("period", period, 1.0, 1e6))
    if error is not None:
        check_choice("error", error, ("additive", "multiplicative"))
    if season is not None:
        check_choice("season", season, ("additive", "multiplicative", "none"))
    uniform = rng.random((6, n_series))
    sd = parameter("sd", sd, n_series, 0.0, LARGEST, lambda: log_normal(rng, 0.03, 1.0, 1e-4, 0.4, n_series))
    alpha = parameter("alpha", alpha, n_series, 0.0, 1.0, lambda: 0.02 + 0.98 * rng.random(n_series) ** 2)
    beta = parameter(
        "beta",
        beta,
        n_series,
        0.0,
        1.0,
        lambda: np.where(uniform[0] < 0.4, 0.0, 0.2 * alpha * rng.random(n_series) ** 2),
    )
    gamma = parameter(
        "gamma", gamma, n_series, 0.0, 1.0, lambda: np.where(uniform[1] < 0.33, 0.0, 0.3 * rng.random(n_series) ** 2)
    )
    damping = parameter(
        "damping",
        damping,
        n_series,
        0.0,
        1.0,
        lambda: np.where(uniform[2] < 0.33, 0.0, np.where(uniform[2] < 0.67, 1.0, rng.uniform(0.8, 1.0, n_series))),
    )
    slope = parameter(
        "slope", slope, n_series, -LARGEST, LARGEST, lambda: min(0.01, 1.0 / length) * rng.standard_normal(n_series)
    )
    times_error = uniform[3] < 0.5 if error is None else np.full(n_series, error == "multiplicative")
    seasonal = (uniform[4] < 0.75 if season is None else np.full(n_series, season != "none")) & (m > 1)
    times_season = uniform[5] < 0.5 if season is None else np.full(n_series, season == "multiplicative")
    times_season = times_season & seasonal
    amplitude = log_normal(rng, 0.15, 0.8, 0.005, 0.8, n_series)
    pattern = amplitude * rng.standard_normal((m, n_series))
    pattern -= pattern.mean(axis=0)
    pattern = np.where(times_season, np.clip(1.0 + pattern, 0.05, 20.0), np.where(seasonal, pattern, 0.0))
    gamma = np.where(seasonal, gamma, 0.0)
    bounded = times_error | times_season
    low, high = np.where(bounded, _LOW, -np.inf), np.where(bounded, _HIGH, np.inf)
    index_low, index_high = np.where(times_season, 0.01, -high), np.where(times_season, 100.0, high)

    shocks = sd * rng.standard_normal((length, n_series))
    shocks = np.where(times_error, np.clip(shocks, -0.9, 10.0), shocks)
    values = np.empty((length, n_series))
    level, trend = np.ones(n_series), slope
    for step in range(length):
        index = pattern[step % m]
        trend = damping * trend
        base = np.clip(level + trend, low, high)
        mean = np.where(times_season, base * index, base + index)
        residual = np.where(times_error, mean, 1.0) * shocks[step]
        values[step] = mean + residual
        adjusted = np.where(times_season, residual / np.where(times_season, index, 1.0), residual)
        level = base + alpha * adjusted
        trend = trend + beta * adjusted
        if m > 1:
            per_level = residual / np.where(times_season, base, 1.0)
            pattern[step % m] = np.clip(index + gamma * per_level, index_low, index_high)
    return np.ascontiguousarray(values.T)
