"""Autoregression by Burg's method. Reference of `kerazoo_ext/burg.h`."""

from __future__ import annotations

import numpy as np


def burg(z, extra):
    """(criterion, weights, variance) of the order with the lowest AICc per error."""
    n = len(z)
    forward, backward, weights, power = z.copy(), z.copy(), np.zeros(0), z @ z / n
    best = (np.inf, None, None)
    for p in range(min(n // 4, 32) + 1):
        if p:
            f, b = forward[1:], backward[:-1]
            if not f @ f + b @ b > 0:
                break
            reflection = 2 * (f @ b) / (f @ f + b @ b)
            weights = np.append(weights - reflection * weights[::-1], reflection)
            forward, backward = f - reflection * b, b - reflection * f
            power *= 1 - reflection**2
        k = p + extra
        if n - k - 1 <= 0:
            break
        criterion = np.log(max(power, 1e-20)) + 2 * k * (1 + (k + 1) / (n - k - 1)) / n
        if criterion < best[0]:
            best = (criterion, weights, power)
    return best


def select(x, kinds, period):
    """(criterion, weights, variance, lag, mean, kind) of the best kind, or None."""
    best = None
    for kind in kinds:
        lag = {0: 0, 1: 1, 2: 1, 3: period}[kind]
        z = x[lag:] - x[:-lag] if lag else x.copy()
        if len(z) < 8 or (kind == 3 and len(z) < period + 2):
            continue
        mean = 0.0 if kind == 1 else z.mean()
        criterion, weights, power = burg(z - mean, 1 if kind == 1 else 2)
        if weights is not None and (best is None or criterion < best[0]):
            best = (criterion, weights, power, lag, mean, kind)
    return best


def step(found, x, t):
    _, weights, _, lag, mean, _ = found
    if t < len(weights) + lag:
        return np.nan
    past = [x[t - k] - (x[t - k - lag] if lag else 0.0) - mean for k in range(1, len(weights) + 1)]
    return mean + weights @ np.array(past) + (x[t - lag] if lag else 0.0)


def autoregress(y, filled, horizon, kinds, period):
    """One-step forecasts and those of the horizon (n + H,), and the criterion; None if there are too few values."""
    x = filled.copy()
    for _ in range(2):
        found = select(x, kinds, period)
        if found is None:
            return None
        missing = [t for t in np.nonzero(np.isnan(y))[0] if t >= len(found[1]) + found[3]]
        for t in missing:
            x[t] = step(found, x, t)
        if not missing:
            break
    x, path = np.append(x, np.zeros(horizon)), []
    for t in range(len(x)):
        path.append(step(found, x, t))
        if t >= len(y):
            x[t] = path[-1]
    return np.array(path), found[0]
