"""Cycles whose length is not that of the calendar: stochastic cycles of business, and a map of populations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerazoo.forecast.generators.parameters import LARGEST, Values, check_shape, log_uniform, parameter

__all__ = ["ricker_map", "stochastic_cycle"]


def stochastic_cycle(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    period: ArrayLike | None = None,
    damping: ArrayLike | None = None,
    smooth: bool = True,
) -> Values:
    """Stochastic cycles with standard deviation 1 in the long run (Harvey 1989, section 2.3; Harvey & Trimbur 2003).

        z_t = damping exp(i 2 pi / period) z_{t-1} + k_t,    y_t = Re z_t

    with complex normal k_t. A smooth cycle is of order 2: its k_t are the z_t of a first cycle. The first state is
    drawn from the stationary process of order 1, where damping < 1.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: from 2 to 1e12 steps; None: log-uniform between 8 steps and the length (at least 20).
        damping: from 0 to 0.9999; None: between 0.8 and 0.995.
        smooth: whether the cycle is of order 2.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> stochastic_cycle(np.random.default_rng(1), 2, 30, period=10).shape
    (2, 30)
    """
    n_series, length = check_shape(rng, n_series, length)
    period = parameter(
        "period", period, n_series, 2.0, LARGEST, lambda: log_uniform(rng, 8.0, max(20.0, length), n_series)
    )
    damping = parameter("damping", damping, n_series, 0.0, 0.9999, lambda: rng.uniform(0.8, 0.995, n_series))
    turn = damping * np.exp(2j * np.pi / period)
    before = min(100, length) if smooth else 0
    steps = length + before
    shocks = np.sqrt(1.0 - damping**2) * (
        rng.standard_normal((steps, n_series)) + 1j * rng.standard_normal((steps, n_series))
    )
    shocks[0] /= np.sqrt(1.0 - damping**2)
    values = _rotate(shocks, turn)
    if smooth:
        values = _rotate(values, turn)
        # The variance of the sum of k + 1 equal turns, weighted by damping^k, in the long run.
        square = damping**2
        values *= (1.0 - square) / np.sqrt(1.0 + square)
    return np.ascontiguousarray(values[before:].real.T)


def _rotate(shocks: np.ndarray, turn: np.ndarray) -> np.ndarray:
    values = shocks.copy()
    for step in range(1, len(values)):
        values[step] += turn * values[step - 1]
    return values


def ricker_map(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    rate: ArrayLike | None = None,
    sd: ArrayLike | None = None,
) -> Values:
    """Sizes of a population, x_{t+1} = x_t exp(rate (1 - x_t) + sd e_t) (Ricker 1954): stable, periodic or chaotic.

    Sizes are kept between 1e-12 and 1e6.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        rate: from 0 to 4; chaotic above about 2.69. None: between 1.5 and 3.2.
        sd: from 0 to 100; None: 0 for half of the series, else up to 0.2.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> ricker_map(np.random.default_rng(1), 1, 200, rate=1.0, sd=0)[0, -1].round(6)
    np.float64(1.0)
    """
    n_series, length = check_shape(rng, n_series, length)
    rate = parameter("rate", rate, n_series, 0.0, 4.0, lambda: rng.uniform(1.5, 3.2, n_series))
    sd = parameter(
        "sd", sd, n_series, 0.0, 100.0, lambda: np.where(rng.random(n_series) < 0.5, 0.0, 0.2 * rng.random(n_series))
    )
    shocks = sd * rng.standard_normal((length, n_series))
    values = np.empty((length, n_series))
    size = rng.uniform(0.1, 2.0, n_series)
    for step in range(length):
        values[step] = size
        change = np.clip(rate * (1.0 - size) + shocks[step], -50.0, 50.0)
        size = np.clip(size * np.exp(change), 1e-12, 1e6)
    return np.ascontiguousarray(values.T)
