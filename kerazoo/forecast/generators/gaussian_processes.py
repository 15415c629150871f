"""Gaussian processes with composed kernels, as KernelSynth (Ansari et al. 2024, "Chronos"), by their spectra.

A Cholesky factor of each kernel takes T^3 / 3 operations. Random Fourier features (Rahimi & Recht 2007) take M T for
M features, and composition is simple there: a stationary kernel k(t - u) = E cos(w (t - u)) is a distribution of
frequencies w, a sum of kernels is a mixture of their distributions, and a product of kernels adds up independent
frequencies. A linear kernel multiplies a process by the time, a white one by white noise. Covariances are exact in
the mean over the frequencies; a single series is a sum of M waves with normal amplitudes.
"""

from __future__ import annotations

import math

import numpy as np

from kerazoo._validation import check_int, check_real
from kerazoo.forecast.generators.parameters import Values, check_shape, choose, log_uniform

__all__ = ["KERNELS", "gaussian_process"]

#: Kernels with their probabilities.
KERNELS = {
    "constant": 0.08,
    "linear": 0.12,
    "periodic": 0.28,
    "rational_quadratic": 0.17,
    "rbf": 0.25,
    "white": 0.10,
}

_NAMES = tuple(KERNELS)
_POWERS = 3  # 1, t, t^2: at most two linear kernels in a product


def _periods(rng: np.random.Generator, n_series: int, length: int, period: float) -> Values:
    """Periods of kernels: the season, its half, its double, or any."""
    free = log_uniform(rng, 3.0, max(6.0, float(length)), n_series)
    if period <= 1:
        return free
    which = choose(rng, (6, 1, 1, 1.5), n_series)
    return np.choose(
        which,
        (np.full(n_series, period), np.full(n_series, max(period / 2, 2.0)), np.full(n_series, 2.0 * period), free),
    )


def _frequencies(rng: np.random.Generator, names: np.ndarray, length: int, n_features: int, period: float) -> Values:
    """Angular frequencies per step of a kernel of each series, (S, M); 0 for constant, linear and white ones."""
    n_series = len(names)
    scale = log_uniform(rng, 0.03, 1.0, (n_series, 1)) * length  # of RBF and rational quadratic kernels, in steps
    periods = _periods(rng, n_series, length, period)[:, None]
    width = log_uniform(rng, 0.3, 2.0, (n_series, 1))  # of periodic kernels: small for rough seasons
    shape = log_uniform(rng, 0.3, 5.0, (n_series, 1))
    result = np.zeros((n_series, n_features))
    rows = np.flatnonzero(names == _NAMES.index("rbf"))
    result[rows] = rng.standard_normal((len(rows), n_features)) / scale[rows]
    # (1 + d^2 / (2 a l^2))^-a is a mixture of RBF kernels whose precisions are gamma.
    rows = np.flatnonzero(names == _NAMES.index("rational_quadratic"))
    draws = rng.standard_gamma(np.broadcast_to(shape[rows], (len(rows), n_features)))
    result[rows] = rng.standard_normal((len(rows), n_features)) * np.sqrt(draws / shape[rows]) / scale[rows]
    # exp(-2 sin^2(pi d / p) / l^2) is the characteristic function of the difference of two Poisson numbers.
    rows = np.flatnonzero(names == _NAMES.index("periodic"))
    mean = np.broadcast_to(0.5 / width[rows] ** 2, (len(rows), n_features))
    harmonics = rng.poisson(mean) - rng.poisson(mean)
    result[rows] = 2.0 * np.pi * harmonics / periods[rows]
    return result


def gaussian_process(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    period: float = 1,
    *,
    most_kernels: int = 5,
    n_features: int = 64,
) -> Values:
    """Draws of Gaussian processes with random kernels, divided by their standard deviations and with mean 0.

    A kernel begins with one of `KERNELS`; up to `most_kernels - 1` further ones are added or multiplied, each with
    probability 1/2, from left to right: ((k_1 + k_2) k_3) + ... Lengths of RBF and rational quadratic kernels are
    log-uniform between 3 % of the series and all of it; periods are `period`, half of it, twice, or any.

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: >= 1, steps of a season; 1: none.
        most_kernels: from 1 to 20.
        n_features: from 1 to 10000, waves of a series.

    Returns:
        float64 (S, T); a series whose values are all the same is 0.

    Raises:
        InvalidArgumentError: an argument is out of range.

    >>> draws = gaussian_process(np.random.default_rng(1), 100, 50, period=12)
    >>> draws.shape, bool(np.allclose(draws.mean(axis=1), 0))
    ((100, 50), True)
    """
    n_series, length = check_shape(rng, n_series, length)
    period = check_real("period", period, 1.0, 1e9)
    most_kernels = check_int("most_kernels", most_kernels, 1, 20)
    n_features = check_int("n_features", n_features, 1, 10_000)
    if not n_series:
        return np.zeros((0, length))
    number = rng.integers(1, most_kernels + 1, n_series)
    weights = np.array(list(KERNELS.values()))
    frequency = np.zeros((n_series, n_features))
    power = np.zeros((n_series, n_features), np.int64)
    white = np.zeros((n_series, n_features), bool)
    terms = np.zeros(n_series)
    linear, noise = _NAMES.index("linear"), _NAMES.index("white")
    for position in range(most_kernels):
        rows = np.flatnonzero(number > position)
        names = choose(rng, weights, len(rows))
        new = _frequencies(rng, names, length, n_features, period)
        adds = (rng.random(len(rows)) < 0.5) | (position == 0)
        terms[rows] += adds
        # A new term takes its share of the waves; a factor changes all of them.
        taken = np.where(adds[:, None], rng.random((len(rows), n_features)) * terms[rows, None] < 1.0, False)
        keep = np.where(adds[:, None], ~taken, True)
        changed = taken | ~adds[:, None]
        frequency[rows] = np.where(taken, 0.0, frequency[rows]) + np.where(changed, new, 0.0)
        power[rows] = np.minimum(power[rows] * keep + changed * (names == linear)[:, None], _POWERS - 1)
        white[rows] = (white[rows] & keep) | (changed & (names == noise)[:, None])
    return _standardised(_waves(rng, frequency, power, white, length))


def _waves(rng: np.random.Generator, frequency: Values, power: np.ndarray, white: np.ndarray, length: int) -> Values:
    """The sum of the waves of each series, by cos(w (q B + r)) = cos(w q B) cos(w r) - sin(w q B) sin(w r).

    The cosines of Q + B steps instead of Q B are enough; two small products of matrices do the rest.
    """
    n_series, n_features = frequency.shape
    inner = max(1, math.isqrt(length))
    outer = -(-length // inner)
    amplitude = rng.standard_normal((2, n_series, n_features)) * ~white / math.sqrt(n_features)
    coarse = frequency[:, None, :] * (inner * np.arange(outer))[:, None]
    fine = frequency[:, :, None] * np.arange(inner)
    cosine, sine = np.cos(coarse), np.sin(coarse)
    fine_cosine, fine_sine = np.cos(fine), np.sin(fine)
    time = np.linspace(0.0, 1.0, length) - rng.choice((0.0, 0.5, 1.0), (n_series, 1))
    total = np.zeros((n_series, length))
    for exponent in range(_POWERS):
        rows = np.flatnonzero((power == exponent).any(axis=1))
        if not len(rows):
            continue
        mine = power[rows] == exponent
        a, b = (amplitude[:, rows] * mine)[:, :, None, :]
        left, right = cosine[rows], sine[rows]
        part = (a * left + b * right) @ fine_cosine[rows] + (b * left - a * right) @ fine_sine[rows]
        values = part.reshape(len(rows), -1)[:, :length]
        share = (mine & white[rows]).sum(axis=1)
        noisy = np.flatnonzero(share)
        values[noisy] += np.sqrt(share[noisy] / n_features)[:, None] * rng.standard_normal((len(noisy), length))
        total[rows] += values * time[rows] ** exponent
    return total


def _standardised(values: Values) -> Values:
    values -= values.mean(axis=1, keepdims=True)
    sd = values.std(axis=1, keepdims=True)
    return np.where(sd > 1e-9, values / np.where(sd > 1e-9, sd, 1.0), 0.0)
