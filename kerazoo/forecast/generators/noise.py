"""Noise: autoregressive moving averages, seasonal autoregressions, heavy tails, and volatility that changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators.parameters import Values, check_shape, parameter
from kerazoo.forecast.generators.recursions import (
    autoregress,
    autoregress_season,
    coefficients_of,
    moving_average,
)

__all__ = ["arma", "garch", "seasonal_autoregression", "student"]

BURN_IN = 100
MOST = 50.0  # heavy tails end at this many standard deviations


def _partial(name: str, given: ArrayLike | None, n_series: int) -> Values | None:
    if given is None:
        return None
    values = np.atleast_1d(np.asarray(given, np.float64))
    if values.ndim > 2 or (values.ndim == 2 and len(values) != n_series):
        raise InvalidArgumentError(f"{name} of shape {values.shape}; expected (p,), or ({n_series}, p).")
    if not np.all(np.abs(values) < 1):
        raise InvalidArgumentError(
            f"{name}={given!r}; expected partial autocorrelations between -1 and 1, both excluded."
        )
    return np.ascontiguousarray(np.broadcast_to(values, (n_series, values.shape[-1])))


def arma(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    ar: ArrayLike | None = None,
    ma: ArrayLike | None = None,
    shocks: Values | None = None,
) -> Values:
    """Stationary and invertible autoregressive moving averages with a standard deviation of about 1.

        y_t = c_1 y_{t-1} + ... + c_p y_{t-p} + e_t + d_1 e_{t-1} + ... + d_q e_{t-q}

    The coefficients come from partial autocorrelations by the recursion of Durbin and Levinson, which maps (-1, 1)^p
    onto all stationary processes (Barndorff-Nielsen & Schou 1973). The first 100 steps are dropped. Each series is
    divided by the standard deviation of the process, which is computed from its first 200 weights of the shocks.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        ar: partial autocorrelations, (p,) or (S, p), p up to 20; None: up to 3, mostly positive.
        ma: the same of the moving average; None: up to 2. `[]`: none, as for `ar`.
        shocks: float64 (S, T + 100) with standard deviation 1, such as `garch`; None: normal.

    Raises:
        InvalidArgumentError: a partial autocorrelation is not within (-1, 1), or a shape is wrong.

    >>> y = arma(np.random.default_rng(1), 1, 5000, ar=[0.8], ma=[])
    >>> float(np.corrcoef(y[0, 1:], y[0, :-1])[0, 1].round(1))
    0.8
    """
    n_series, length = check_shape(rng, n_series, length)
    partial_ar, partial_ma = _partial("ar", ar, n_series), _partial("ma", ma, n_series)
    if partial_ar is None:
        order = rng.integers(0, 4, (n_series, 1))
        first = 1.9 * rng.beta(2.5, 1.5, (n_series, 1)) - 0.92
        partial_ar = np.hstack([first, rng.uniform(-0.5, 0.5, (n_series, 2))])
        partial_ar = np.where(np.arange(3) < order, partial_ar, 0.0)
    if partial_ma is None:
        partial_ma = rng.uniform(-0.8, 0.8, (n_series, 2)) * (np.arange(2) < rng.integers(0, 3, (n_series, 1)))
    for name, values in (("ar", partial_ar), ("ma", partial_ma)):
        if values.shape[1] > 20:
            raise InvalidArgumentError(f"{name} of order {values.shape[1]}; expected at most 20.")
    steps = length + BURN_IN
    if shocks is None:
        shocks = rng.standard_normal((n_series, steps))
    elif np.shape(shocks) != (n_series, steps):
        raise InvalidArgumentError(
            f"shocks of shape {np.shape(shocks)}; expected ({n_series}, {steps}): T + {BURN_IN} steps."
        )
    values = np.ascontiguousarray(shocks.T)
    response = np.zeros((200, n_series))
    response[0] = 1.0
    if partial_ma.shape[1]:
        # 1 + d_1 B + ... with the roots of 1 - c_1 B - ...
        coefficients = -coefficients_of(partial_ma)
        values, response = moving_average(values, coefficients), moving_average(response, coefficients)
    if partial_ar.shape[1]:
        coefficients = coefficients_of(partial_ar)
        values, response = autoregress(values, coefficients), autoregress(response, coefficients)
    sd = np.sqrt((response**2).sum(axis=0))
    return np.ascontiguousarray((values[BURN_IN:] / sd).T)


def seasonal_autoregression(
    rng: np.random.Generator, n_series: int, length: int, period: float, *, coefficient: ArrayLike | None = None
) -> Values:
    """Seasonal autoregressions y_t = c y_{t-m} + sqrt(1 - c^2) e_t with standard deviation 1; e_t standard normal.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: >= 1, m; rounded to an integer.
        coefficient: c, from -0.9999 to 0.9999; None: between 0.2 and 0.98.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> y = seasonal_autoregression(np.random.default_rng(1), 1, 5000, 12, coefficient=0.9)
    >>> float(np.corrcoef(y[0, 12:], y[0, :-12])[0, 1].round(1))
    0.9
    """
    n_series, length = check_shape(rng, n_series, length)
    season = round(check_real("period", period, 1.0, 1e9))
    coefficient = parameter(
        "coefficient", coefficient, n_series, -0.9999, 0.9999, lambda: rng.uniform(0.2, 0.98, n_series)
    )
    shocks = rng.standard_normal((length, n_series))
    shocks[season:] *= np.sqrt(1.0 - coefficient**2)  # the first season is drawn from the stationary process
    return np.ascontiguousarray(autoregress_season(shocks, coefficient, season).T)


def student(rng: np.random.Generator, n_series: int, length: int, *, degrees: ArrayLike | None = None) -> Values:
    """Independent draws of Student's t, divided by its standard deviation, within 50 of it.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        degrees: of freedom, from 2.05 to 1e6; None: log-uniform between 2.2 and 12.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> student(np.random.default_rng(1), 2, 3, degrees=4).shape
    (2, 3)
    """
    n_series, length = check_shape(rng, n_series, length)
    degrees = parameter(
        "degrees", degrees, n_series, 2.05, 1e6, lambda: np.exp(rng.uniform(np.log(2.2), np.log(12.0), n_series))
    )[:, None]
    chi2 = 2.0 * rng.standard_gamma(np.broadcast_to(degrees / 2.0, (n_series, length)))
    draws = rng.standard_normal((n_series, length)) * np.sqrt((degrees - 2.0) / np.maximum(chi2, 1e-9))
    return np.clip(draws, -MOST, MOST)


def garch(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    *,
    reaction: ArrayLike | None = None,
    persistence: ArrayLike | None = None,
    shocks: Values | None = None,
) -> Values:
    """Noise whose volatility changes, GARCH(1, 1) (Bollerslev 1986), with variance 1 in the long run, within 50.

        y_t = v_t e_t,    v_t^2 = (1 - persistence) + reaction y_{t-1}^2 + (persistence - reaction) v_{t-1}^2

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        reaction: from 0 to 1; what is above `persistence` is cut. None: between 0.03 and 0.35.
        persistence: from 0 to 0.9999; None: between 0.6 and 0.995.
        shocks: e_t, float64 (S, T) with standard deviation 1, such as `student`; None: normal.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> garch(np.random.default_rng(1), 2, 3).shape
    (2, 3)
    """
    n_series, length = check_shape(rng, n_series, length)
    reaction = parameter("reaction", reaction, n_series, 0.0, 1.0, lambda: rng.uniform(0.03, 0.35, n_series))
    persistence = parameter(
        "persistence", persistence, n_series, 0.0, 0.9999, lambda: 1.0 - 0.4 * rng.uniform(0.0125, 1.0, n_series) ** 2
    )
    reaction = np.minimum(reaction, persistence)
    if shocks is None:
        shocks = rng.standard_normal((n_series, length))
    elif np.shape(shocks) != (n_series, length):
        raise InvalidArgumentError(f"shocks of shape {np.shape(shocks)}; expected ({n_series}, {length}).")
    values = np.ascontiguousarray(shocks.T)
    rest, memory = 1.0 - persistence, persistence - reaction
    variance = np.ones(n_series)
    for step in range(length):
        values[step] = np.clip(values[step] * np.sqrt(variance), -MOST, MOST)
        variance = rest + reaction * values[step] ** 2 + memory * variance
    return np.ascontiguousarray(values.T)
