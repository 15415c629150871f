"""Dynamic optimised theta. Reference of `kerazoo_ext/theta.h`."""

from __future__ import annotations

import numpy as np


def line(times, values):
    """Intercept and slope of least squares."""
    if len(values) == 0:
        return 0.0, 0.0
    if len(values) == 1:
        return values[0], 0.0
    slope, intercept = np.polyfit(times, values, 1)
    return intercept, slope


def terms(y, alpha):
    """For each value: the parts of its forecast from l_0 = 0, from l_0 = 1, and the factor of k = 1 - 1 / theta."""
    level, decay, rows = 0.0, 1.0, []
    for t in range(len(y)):
        before = np.nonzero(~np.isnan(y[:t]))[0]
        intercept, slope = line(before + 1.0, y[before])
        rows.append((level, decay, decay * intercept + (1 - (1 - alpha) * decay) / alpha * slope))
        if not np.isnan(y[t]):
            level = alpha * y[t] + (1 - alpha) * level
            decay *= 1 - alpha
    return np.array(rows)


def solve(y, alpha):
    """Squared errors, l_0 and k with 0 <= k <= 1, by least squares; l_0 is drawn to the first value very weakly."""
    rows = terms(y, alpha)
    counts = ~np.isnan(y) & (np.arange(len(y)) >= 3)
    weak = np.sqrt(1e-8)
    q = np.append(rows[counts, 1], weak)
    c = np.append(rows[counts, 2], 0.0)
    r = np.append(y[counts] - rows[counts, 0], weak * y[0])
    determinant = (q @ q) * (c @ c) - (q @ c) ** 2
    k = ((q @ q) * (c @ r) - (q @ c) * (q @ r)) / determinant if determinant > 1e-12 * (q @ q) * (c @ c) else 0.0
    k = min(max(k, 0.0), 1.0)
    start = (q @ r - k * (q @ c)) / (q @ q)
    rest = r - start * q - k * c
    return rest @ rest, start, k


def theta(y, horizon):
    """One-step forecasts and those of the horizon (n + H,), alpha and k."""
    low, high, gap = 0.1, 0.99, 0.89 / 11
    grid = [low + gap * i for i in range(12)]
    values = [solve(y, alpha)[0] for alpha in grid]
    best, alpha = min(values), grid[int(np.argmin(values))]
    low, high, golden = max(low, alpha - gap), min(high, alpha + gap), (np.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = solve(y, left)[0], solve(y, right)[0]
    for _ in range(12):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = solve(y, left)[0]
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = solve(y, right)[0]
    if min(at_left, at_right) < best:
        alpha = left if at_left < at_right else right
    _, start, k = solve(y, alpha)
    y = np.append(y, np.full(horizon, np.nan))
    path = np.zeros(len(y))
    for t in range(len(y)):
        level, decay, factor = terms(y[: t + 1], alpha)[-1]
        path[t] = y[0] if t == 0 else level + decay * start + k * factor
        if t >= len(y) - horizon:
            y[t] = path[t]
    return path, alpha, k
