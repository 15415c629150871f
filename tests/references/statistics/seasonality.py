"""Seasons: the states of a step, the M4 test, decomposition. Reference of `kerazoo_ext/seasonality.h`."""

from __future__ import annotations

import numpy as np


def n_slots(period):
    return int(period + 0.5)


def weights_of(period, steps):
    """Weight of each state at each step, (steps, M): a step between two states shares them."""
    slots = n_slots(period)
    table = np.zeros((steps, slots))
    for t in range(steps):
        if period == int(period):
            table[t, t % slots] = 1.0
        else:
            position = np.fmod(float(t), period) * (slots / period)
            slot = min(int(position), slots - 1)
            table[t, slot] += 1.0 - (position - slot)
            table[t, (slot + 1) % slots] += position - slot
    return table


def fill(y, period=0):
    """Missing values from the season before, else from the season after, else linearly."""
    out = y.copy()
    if period > 1:
        for t in range(period, len(out)):
            if np.isnan(out[t]):
                out[t] = out[t - period]
        for t in range(len(out) - period - 1, -1, -1):
            if np.isnan(out[t]):
                out[t] = out[t + period]
    known = np.nonzero(~np.isnan(out))[0]
    return np.interp(np.arange(len(out)), known, out[known]) if len(known) else np.zeros(len(out))


def is_seasonal(filled, period):
    """|r_m| > 1.645 sqrt((1 + 2 sum of r_1^2 .. r_{m-1}^2) / n)."""
    m, n = n_slots(period), len(filled)
    if n < 3 * period:
        return False
    z = filled - filled.mean()
    if not z @ z > 0:
        return False
    correlations = np.array([z[lag:] @ z[: n - lag] / (z @ z) for lag in range(1, m + 1)])
    return abs(correlations[-1]) > 1.645 * np.sqrt((1 + 2 * np.sum(correlations[:-1] ** 2)) / n)


def decompose(y, filled, period, multiplicative):
    """States (M,): mean deviations from the centred moving average, shrunk."""
    m, n = n_slots(period), len(y)
    window = np.full(m, 1.0) if m % 2 else np.r_[0.5, np.full(m - 1, 1.0), 0.5]
    half, table = m // 2, weights_of(period, n)
    neutral = 1.0 if multiplicative else 0.0
    change = np.full(n, np.nan)
    for t in range(half, n - half):
        average = window @ filled[t - half : t + half + 1] / m
        if not multiplicative:
            change[t] = y[t] - average
        elif average > 0:
            change[t] = y[t] / average
    known = ~np.isnan(change)
    weight = table[known].sum(axis=0)
    states = np.full(m, neutral)
    states[weight > 0] = (table[known].T @ change[known])[weight > 0] / weight[weight > 0]
    states = states / states.mean() if multiplicative else states - states.mean()
    spread = np.sum((states - neutral) ** 2) / (m - 1)
    rest, count = change[known] - table[known] @ states, known.sum()
    noise = rest @ rest / (count - m) * m / count if count > m else spread
    keep = 1 - noise / spread if spread > noise else 0.0
    return neutral + keep * (states - neutral)


def adjust(y, periods, multiplicative, test):
    """States of each season, removed one after the other; (states, adjusted values, number of estimated states).

    None if a multiplicative state is below 0.01.
    """
    rest, states, used = y.copy(), [], 0
    for period in periods:
        filled = fill(rest, n_slots(period))
        if test and not is_seasonal(filled, period):
            states.append(np.full(n_slots(period), 1.0 if multiplicative else 0.0))
            continue
        own = decompose(rest, filled, period, multiplicative)
        used += len(own) - 1
        if multiplicative and not (own >= 0.01).all():
            return None
        at = weights_of(period, len(y)) @ own
        rest = rest / at if multiplicative else rest - at
        states.append(own)
    return states, rest, used
