"""Trends: random walks, local linear trends, piecewise linear trends and growth curves.

All functions take a NumPy generator, a number of series S and a length T, and return float64 (S, T). A parameter is one
number, an array (S,), or None: drawn at random for each series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerazoo._validation import check_choice
from kerazoo.forecast.generators.parameters import (
    LARGEST,
    Values,
    check_shape,
    choose,
    log_normal,
    log_uniform,
    parameter,
)
from kerazoo.forecast.generators.recursions import autoregress

__all__ = ["CURVES", "growth_curve", "local_linear_trend", "piecewise_trend", "random_walk"]

#: Names of the growth curves.
CURVES = ("exponential", "gompertz", "life_cycle", "logistic", "power", "saturating")


def random_walk(
    rng: np.random.Generator, n_series: int, length: int, *, drift: ArrayLike | None = None, sd: ArrayLike | None = None
) -> Values:
    """Random walks with drift: y_t = y_{t-1} + drift + sd e_t, y_1 = 0, e_t standard normal.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        drift: growth per step; None: normal with a standard deviation of `sd` times 3 / sqrt(T), at most 0.5, so that
            long walks are no straight lines.
        sd: >= 0, of the steps; None: log-normal around 0.025.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> random_walk(np.random.default_rng(1), 2, 4, drift=1.0, sd=0.0)
    array([[0., 1., 2., 3.],
           [0., 1., 2., 3.]])
    """
    n_series, length = check_shape(rng, n_series, length)
    sd = parameter("sd", sd, n_series, 0.0, LARGEST, lambda: log_normal(rng, 0.025, 1.0, 1e-4, 0.5, n_series))
    most = min(0.5, 3.0 / np.sqrt(length))
    drift = parameter("drift", drift, n_series, -LARGEST, LARGEST, lambda: most * sd * rng.standard_normal(n_series))
    steps = drift[:, None] + sd[:, None] * rng.standard_normal((n_series, length))
    steps[:, 0] = 0.0
    return np.cumsum(steps, axis=1)


def local_linear_trend(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    level_sd: ArrayLike | None = None,
    slope_sd: ArrayLike | None = None,
    damping: ArrayLike | None = None,
    slope: ArrayLike | None = None,
) -> Values:
    """Local linear trends with damped slopes (Harvey 1989, section 2.3): the slope itself is an autoregression.

        y_t = y_{t-1} + b_{t-1} + level_sd e_t,    b_t = damping b_{t-1} + slope_sd u_t,    y_1 = 0

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        level_sd: >= 0; None: log-normal around 0.01.
        slope_sd: >= 0; None: log-normal around 0.001.
        damping: from 0 to 1; None: 1 for half of the series, else between 0.8 and 1.
        slope: the first slope b_1; None: normal with standard deviation 0.01.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> local_linear_trend(np.random.default_rng(1), 1, 5, level_sd=0, slope_sd=0, damping=0.5, slope=8)
    array([[ 0.,  8., 12., 14., 15.]])
    """
    n_series, length = check_shape(rng, n_series, length)
    level_sd = parameter(
        "level_sd", level_sd, n_series, 0.0, LARGEST, lambda: log_normal(rng, 0.01, 1.0, 1e-5, 0.3, n_series)
    )
    slope_sd = parameter(
        "slope_sd", slope_sd, n_series, 0.0, LARGEST, lambda: log_normal(rng, 1e-3, 1.2, 1e-6, 0.1, n_series)
    )
    damping = parameter(
        "damping",
        damping,
        n_series,
        0.0,
        1.0,
        lambda: np.where(rng.random(n_series) < 0.5, 1.0, rng.uniform(0.8, 1.0, n_series)),
    )
    slope = parameter("slope", slope, n_series, -LARGEST, LARGEST, lambda: 0.01 * rng.standard_normal(n_series))
    changes = slope_sd * rng.standard_normal((length, n_series))
    changes[0] = slope
    slopes = autoregress(changes, damping[:, None])
    levels = level_sd * rng.standard_normal((length, n_series))
    levels[0] = 0.0
    levels[1:] += slopes[:-1]
    return np.ascontiguousarray(np.cumsum(levels, axis=0).T)


def piecewise_trend(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    n_breaks: ArrayLike | None = None,
    slope_sd: ArrayLike | None = None,
) -> Values:
    """Straight lines that are joined at random breaks; the slope of each is normal, with mean 0.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        n_breaks: >= 0, the expected number of breaks, which are equally likely at each step; None: between 0.5 and 6.
        slope_sd: >= 0, of the slopes, per step; None: log-normal around 0.01.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> line = piecewise_trend(np.random.default_rng(1), 1, 50, n_breaks=0)
    >>> bool(np.allclose(np.diff(line, 2), 0))
    True
    """
    n_series, length = check_shape(rng, n_series, length)
    n_breaks = parameter("n_breaks", n_breaks, n_series, 0.0, LARGEST, lambda: log_uniform(rng, 0.5, 6.0, n_series))
    slope_sd = parameter(
        "slope_sd", slope_sd, n_series, 0.0, LARGEST, lambda: log_normal(rng, 0.01, 1.0, 1e-4, 0.2, n_series)
    )
    breaks = rng.random((n_series, length)) < (n_breaks / length)[:, None]
    piece = np.cumsum(breaks.astype(np.int64), axis=1)
    slopes = slope_sd[:, None] * rng.standard_normal((n_series, int(piece.max(initial=0)) + 1))
    steps = np.take_along_axis(slopes, piece, axis=1)
    steps[:, 0] = 0.0
    return np.cumsum(steps, axis=1)


def growth_curve(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    curve: str | None = None,
    rate: ArrayLike | None = None,
    middle: ArrayLike | None = None,
) -> Values:
    """Deterministic curves between 0 and 1, with x = (t - 1) / (T - 1) - middle from the first to the last step.

    | curve | value |
    |---|---|
    | `logistic` | 1 / (1 + exp(-rate x)) |
    | `gompertz` | exp(-exp(-rate x)) |
    | `saturating` | 1 - exp(-rate (t - 1) / (T - 1)) |
    | `exponential` | exp(rate ((t - 1) / (T - 1) - 1)) |
    | `power` | ((t - 1) / (T - 1)) ** (rate / 5) |
    | `life_cycle` | 4 logistic (1 - logistic), which rises and falls |

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        curve: one of `CURVES`; None: drawn for each series.
        rate: from 0.001 to 1000; None: log-uniform between 1 and 20.
        middle: between -10 and 10, in lengths of the series; None: normal around 0.5.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape; the curve is unknown.

    >>> growth_curve(np.random.default_rng(1), 1, 3, curve="logistic", rate=1000, middle=0.5)
    array([[0. , 0.5, 1. ]])
    """
    n_series, length = check_shape(rng, n_series, length)
    if curve is not None:
        check_choice("curve", curve, CURVES)
    rate = parameter("rate", rate, n_series, 1e-3, 1e3, lambda: log_uniform(rng, 1.0, 20.0, n_series))[:, None]
    middle = parameter("middle", middle, n_series, -10.0, 10.0, lambda: rng.normal(0.5, 0.3, n_series))[:, None]
    number = (
        choose(rng, (2, 1, 1.5, 1.5, 1, 1), n_series)
        if curve is None
        else np.full(
            n_series, ("logistic", "gompertz", "saturating", "exponential", "power", "life_cycle").index(curve)
        )
    )
    time = np.linspace(0.0, 1.0, length)
    power = np.clip(-rate * (time - middle), -500.0, 500.0)
    logistic = 1.0 / (1.0 + np.exp(power))
    return np.choose(
        number[:, None],
        (
            np.where(logistic < 1e-200, 0.0, logistic),
            np.exp(-np.exp(np.clip(power, -500.0, 7.0))),
            1.0 - np.exp(-rate * time),
            np.exp(np.clip(rate * (time - 1.0), -500.0, 0.0)),
            time ** (rate / 5.0),
            4.0 * logistic * (1.0 - logistic),
        ),
    )
