"""Calls of the kernel, and series of many kinds."""

from __future__ import annotations

import numpy as np

from kerazoo_ext import _statistics

NAMES = _statistics.CANDIDATES


def outputs(n, n_values, n_backs, horizon, fitted=True):
    """Arrays of NaN for the kernel, in the order of its arguments."""
    c = len(NAMES)
    return [
        np.full((n, c, horizon), np.nan),
        np.full((n, n_backs, c, horizon), np.nan),
        np.full((n, n_backs + 1, c), np.nan),
        np.full((n, c, _statistics.PARAMETERS), np.nan),
        np.full((c if fitted else 0, n_values), np.nan),
    ]


def call(series, horizon, periods=(), backs=(), low=-np.inf, high=np.inf, iterations=25):
    """forecasts, rolled, criteria, parameters, fitted."""
    values = np.concatenate(series)
    offsets = np.concatenate(([0], np.cumsum([len(y) for y in series]))).astype(np.int64)
    found = outputs(len(series), len(values), len(backs), horizon)
    _statistics.fit(
        values, offsets, 0, len(series), np.array(periods, float), np.array(backs, np.int64), horizon, low, high,
        iterations, *found,
    )  # fmt: skip
    return found


def monthly(n, seed=0, period=12, noise=0.05):
    """A positive series with trend and season."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    return np.exp(3 + 0.01 * t + 0.3 * np.sin(2 * np.pi * t / period) + noise * rng.normal(size=n))


def odd_series(rng):
    """A series as data bases have them: short, constant, with zeros, gaps, jumps, and of any scale."""
    n = int(rng.integers(1, 61))
    kind = rng.integers(8)
    t = np.arange(n)
    y = {
        0: lambda: np.full(n, float(rng.integers(-3, 4))),
        1: lambda: np.zeros(n),
        2: lambda: np.where(rng.random(n) < 0.7, 0.0, rng.poisson(3, n)).astype(float),
        3: lambda: 5 + 0.3 * t + 2 * np.sin(t * np.pi / 2) + rng.normal(size=n),
        4: lambda: np.cumsum(rng.normal(size=n)),
        5: lambda: np.exp(rng.normal(size=n) + 0.2 * t),
        6: lambda: np.where(t < n // 2, 1.0, 1e6) + rng.normal(size=n) * 1e-3,
        7: lambda: np.round(rng.standard_cauchy(n), 2),
    }[int(kind)]()
    if rng.random() < 0.4:
        y = np.where(rng.random(n) < rng.choice([0.1, 0.5, 0.9]), np.nan, y)
    if rng.random() < 0.2:
        y[: n // 3] = np.nan
    if rng.random() < 0.2:
        y[n - n // 3 :] = np.nan
    if rng.random() < 0.2:
        y[rng.integers(n)] = 10.0 ** rng.integers(-12, 12)
    if np.isnan(y).all():
        y[rng.integers(n)] = 1.0
    return y * 10.0 ** rng.choice([0, 0, 0, -9, 12])
