"""Counts: intermittent demand, and small counts whose mean changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerazoo._validation import check_real
from kerazoo.forecast.generators.parameters import Values, check_shape, choose, log_normal, log_uniform, parameter
from kerazoo.forecast.generators.seasons import season
from kerazoo.forecast.generators.trends import local_linear_trend

__all__ = ["counts", "intermittent"]

_MOST = 1e9


def _relative_intensity(rng: np.random.Generator, n_series: int, length: int, period: float) -> Values:
    """Positive factors around 1: a slow trend for half of the series, a season for half of those with a period."""
    spread = np.where(rng.random(n_series) < 0.5, 0.0, rng.uniform(0.2, 1.2, n_series))
    walk = local_linear_trend(rng, n_series, length)
    walk -= walk.mean(axis=1, keepdims=True)
    logs = walk * (spread / np.maximum(walk.std(axis=1), 1e-9))[:, None]
    if period > 1:
        amplitude = np.where(rng.random(n_series) < 0.5, 0.0, rng.uniform(0.1, 1.0, n_series))
        logs += amplitude[:, None] * season(rng, n_series, length, period)
    return np.exp(np.clip(logs, -5.0, 3.0))


def counts(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    period: float = 1,
    *,
    mean: ArrayLike | None = None,
    dispersion: ArrayLike | None = None,
    zeros: ArrayLike | None = None,
    steady: bool = False,
) -> Values:
    """Zero-inflated negative binomial counts whose mean follows a slow trend and a season.

        y_t = 0 with probability `zeros`, else Poisson(g_t),    g_t gamma with mean m_t and variance dispersion m_t^2

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: >= 1, of the season; 1: none.
        mean: of the counts that are not suppressed, from 0 to 1e9; None: log-uniform between 0.3 and 60.
        dispersion: from 0 (Poisson) to 1000; None: 0 for 2 of 5 series, else log-uniform between 0.02 and 1.5.
        zeros: from 0 to 1; None: 0 for 3 of 4 series, else up to 0.6.
        steady: whether the mean m_t stays the same.

    Returns:
        float64 (S, T) of whole numbers.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> counts(np.random.default_rng(1), 1, 8, mean=3).min() >= 0
    np.True_
    """
    n_series, length = check_shape(rng, n_series, length)
    period = check_real("period", period, 1.0, 1e9)
    mean = parameter("mean", mean, n_series, 0.0, _MOST, lambda: log_uniform(rng, 0.3, 60.0, n_series))[:, None]
    dispersion = parameter(
        "dispersion",
        dispersion,
        n_series,
        0.0,
        1e3,
        lambda: np.where(rng.random(n_series) < 0.4, 0.0, log_uniform(rng, 0.02, 1.5, n_series)),
    )
    zeros = parameter(
        "zeros",
        zeros,
        n_series,
        0.0,
        1.0,
        lambda: np.where(rng.random(n_series) < 0.75, 0.0, rng.uniform(0.05, 0.6, n_series)),
    )
    intensity = np.broadcast_to(mean, (n_series, length)).copy()
    if not steady:
        intensity *= _relative_intensity(rng, n_series, length, period)
    varying = np.flatnonzero(dispersion > 0)
    if len(varying):
        scale = dispersion[varying, None]
        intensity[varying] *= scale * rng.standard_gamma(np.broadcast_to(1.0 / scale, (len(varying), length)))
    values = rng.poisson(np.minimum(intensity, _MOST)).astype(np.float64)
    suppressed = np.flatnonzero(zeros > 0)
    values[suppressed] *= rng.random((len(suppressed), length)) >= zeros[suppressed, None]
    return values


def intermittent(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    period: float = 1,
    *,
    interval: ArrayLike | None = None,
    size: ArrayLike | None = None,
    spread: ArrayLike | None = None,
    steady: bool = False,
) -> Values:
    """Intermittent demand: zeros, and now and then an order, as in the model of Croston (1972).

    An order comes at a step with probability p_t = min(1, f_t / interval), where the factor f_t has a slow trend and a
    season; orders are whole numbers, 1 + Poisson or a rounded log-normal number around `size`.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: >= 1, of the season; 1: none.
        interval: the mean number of steps from one order to the next, from 1 to 1e9; None: log-uniform from 1.3 to 12.
        size: the median size of an order, from 1 to 1e9; None: log-uniform between 1 and 200.
        spread: of the logarithm of a size, from 0 to 3; None: Poisson sizes for half of the series, else up to 1.2.
        steady: whether f_t is 1.

    Returns:
        float64 (S, T) of whole numbers.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> demand = intermittent(np.random.default_rng(1), 1, 1000, interval=4, steady=True)
    >>> float((demand > 0).mean().round(1))
    0.2
    """
    n_series, length = check_shape(rng, n_series, length)
    period = check_real("period", period, 1.0, 1e9)
    interval = parameter("interval", interval, n_series, 1.0, 1e9, lambda: log_uniform(rng, 1.3, 12.0, n_series))[
        :, None
    ]
    size = parameter("size", size, n_series, 1.0, 1e9, lambda: log_normal(rng, 5.0, 1.5, 1.0, 500.0, n_series))
    log_sizes = choose(rng, (1, 1), n_series) > 0 if spread is None else np.full(n_series, True)
    spread = parameter("spread", spread, n_series, 0.0, 3.0, lambda: rng.uniform(0.2, 1.2, n_series))
    factor = 1.0 if steady else _relative_intensity(rng, n_series, length, period)
    row, step = np.nonzero(rng.random((n_series, length)) < np.broadcast_to(factor / interval, (n_series, length)))
    normal = np.exp(spread[row] * rng.standard_normal(len(row)))
    orders = np.where(log_sizes[row], np.maximum(np.rint(size[row] * normal), 1.0), 1.0 + rng.poisson(size[row] - 1.0))
    values = np.zeros((n_series, length))
    values[row, step] = orders
    return values
