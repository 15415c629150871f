"""Structural time series: a trend, seasons, the calendar, a cycle, noise and shocks, combined by sums or products."""

from __future__ import annotations

import numpy as np

from kerazoo.forecast.generators.calendar_effects import FREQUENCIES, calendar_effects
from kerazoo.forecast.generators.cycles import stochastic_cycle
from kerazoo.forecast.generators.events import level_shifts, outliers
from kerazoo.forecast.generators.grid import Grid
from kerazoo.forecast.generators.noise import BURN_IN, arma, garch, seasonal_autoregression, student
from kerazoo.forecast.generators.parameters import Values, choose, log_normal, log_uniform, split
from kerazoo.forecast.generators.seasons import season
from kerazoo.forecast.generators.trends import growth_curve, local_linear_trend, piecewise_trend, random_walk

__all__ = ["calendar_of", "lift", "noise_of", "seasons_of", "shocks_of", "structural", "tame", "trend_of"]


def tame(values: Values, most: Values) -> Values:
    """Series shrunk so that none spans more than `most`, (S,): a walk of thousands of steps is none of billions."""
    span = np.ptp(values, axis=1)
    return values * np.minimum(1.0, most / np.maximum(span, 1e-300))[:, None]


def trend_of(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    """Logarithms of levels, 0 on average: constant, walks, lines, curves, or returning to a mean; spans from 0 to 6.

    Seven of ten grow besides at a rate that stays the same: normal around 4.5 % a year, standard deviation 5 %.
    """
    values = np.zeros((n_series, length))
    kinds = split(choose(rng, (4, 26, 24, 18, 14, 14), n_series), 6)
    values[kinds[1]] = random_walk(rng, len(kinds[1]), length)
    values[kinds[2]] = local_linear_trend(rng, len(kinds[2]), length)
    values[kinds[3]] = piecewise_trend(rng, len(kinds[3]), length)
    rows = kinds[4]
    sign = np.where(rng.random(len(rows)) < 0.75, 1.0, -1.0)
    size = sign * log_uniform(rng, 0.1, 3.0, len(rows))
    values[rows] = size[:, None] * growth_curve(rng, len(rows), length)
    rows = kinds[5]
    persistence = 1.0 - log_uniform(rng, 0.01, 0.4, (len(rows), 1))
    returning = arma(rng, len(rows), length, ar=persistence, ma=[])
    values[rows] = returning * log_normal(rng, 0.1, 0.8, 0.005, 0.6, len(rows))[:, None]
    a_year = FREQUENCIES[grid.freq] if grid.freq is not None else max(grid.period, 1.0)
    rate = np.where(rng.random(n_series) < 0.7, rng.normal(0.045, 0.05, n_series), 0.0) / a_year
    most = log_uniform(rng, 0.5, 5.0, n_series) / length  # hundreds of years of growth would hide all else
    values += np.clip(rate, -most, most)[:, None] * np.arange(length)
    values -= values.mean(axis=1, keepdims=True)
    return tame(values, log_uniform(rng, 0.7, 6.0, n_series))


def seasons_of(rng: np.random.Generator, n_series: int, length: int, grid: Grid, share: float = 0.88) -> Values:
    """Relative seasons of `share` of the series; days and hours have longer ones besides, for some of them."""
    total = np.zeros((n_series, length))
    if not grid.periods:
        return total
    periods = list(grid.periods)
    year = FREQUENCIES[grid.freq] if grid.freq in ("D", "B", "h") else 0.0
    extra = [each for each in ((168.0,) if grid.freq == "h" else ()) + ((year,) if year else ()) if each > max(periods)]
    active = rng.random(n_series) < share
    first = np.zeros((n_series, length))
    for number, period in enumerate(periods + extra):
        chance = 1.0 if number == 0 else 0.8 if number < len(periods) else 0.5
        rows = np.flatnonzero(active & (rng.random(n_series) < chance))
        ratio = period / periods[0]
        whole = number > 0 and abs(ratio - round(ratio)) < 1e-6 and 2 <= ratio <= 60
        # A week of hours has an index for each day; a year of days is smooth.
        bins = round(ratio) if whole else None
        shape = "free" if whole else "smooth" if period > 200 else None
        waves = season(rng, len(rows), length, period, shape=shape, bins=bins)
        size = log_normal(rng, 0.15 if number == 0 else 0.10, 0.9, 0.004, 0.9, len(rows))[:, None]
        if number == 0:
            first[rows] = waves * size
            total[rows] += first[rows]
        else:
            mixing = np.where(rng.random((len(rows), 1)) < 0.4, rng.uniform(0.0, 0.5, (len(rows), 1)), 0.0)
            total[rows] += waves * size + mixing * waves * first[rows]
    return total


def calendar_of(rng: np.random.Generator, n_series: int, length: int, grid: Grid, share: float = 0.35) -> Values:
    """Relative effects of the calendar on `share` of the series."""
    total = np.zeros((n_series, length))
    if grid.freq is None or grid.freq == "YS":
        return total
    rows = np.flatnonzero(rng.random(n_series) < share)
    size = log_normal(rng, 0.02 if grid.freq in ("MS", "QS") else 0.05, 0.8, 0.001, 0.3, len(rows))[:, None]
    total[rows] = size * calendar_effects(rng, len(rows), length, grid.freq, date=grid.date)
    return total


def noise_of(rng: np.random.Generator, n_series: int, length: int, period: float = 1.0) -> Values:
    """Noise with standard deviation 1: white or autoregressive, normal or with heavy tails, of changing volatility."""
    steps = length + BURN_IN
    shocks = rng.standard_normal((n_series, steps))
    kind = choose(rng, (55, 18, 15, 12), n_series)  # normal, Student, GARCH, both
    heavy, changing = np.flatnonzero(kind % 2 == 1), np.flatnonzero(kind >= 2)
    shocks[heavy] = student(rng, len(heavy), steps)
    shocks[changing] = garch(rng, len(changing), steps, shocks=shocks[changing])
    values = shocks[:, BURN_IN:].copy()
    rows = np.flatnonzero(rng.random(n_series) < 0.6)
    values[rows] = arma(rng, len(rows), length, shocks=shocks[rows])
    if period >= 2:
        rows = np.flatnonzero(rng.random(n_series) < 0.1)
        values[rows] = 0.5 * values[rows] + 0.87 * seasonal_autoregression(rng, len(rows), length, period)
    return values


def shocks_of(rng: np.random.Generator, n_series: int, length: int, share: float = 0.13) -> Values:
    """Relative level shifts of `share` of the series, and outliers of as many."""
    total = np.zeros((n_series, length))
    rows = np.flatnonzero(rng.random(n_series) < share)
    total[rows] += level_shifts(rng, len(rows), length, sd=log_uniform(rng, 0.03, 0.5, len(rows)))
    rows = np.flatnonzero(rng.random(n_series) < share)
    total[rows] += outliers(rng, len(rows), length, sd=log_uniform(rng, 0.03, 0.6, len(rows)))
    return total


def lift(rng: np.random.Generator, values: Values, share: float = 0.85) -> Values:
    """Most series that fall below 0 are raised above it; the others keep their negative values."""
    low, span = values.min(axis=1), np.ptp(values, axis=1)
    rows = np.flatnonzero((low <= 0) & (rng.random(len(values)) < share))
    margin = rng.uniform(0.02, 0.6, len(rows)) * np.where(span[rows] > 0, span[rows], 1.0)
    values[rows] += (margin - low[rows])[:, None]
    return values


def structural(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    """Structural series around a level of 1.

    With the trend m, seasons s, calendar c, cycle z, noise n and shocks h, all drawn at random, a series is

        exp(m + s + c + z + n + h)      55 %
        1 + m + s + c + z + n + h       30 %; one of eight is centred at 0, most others are raised if they fall below it
        exp(m + z + h) (1 + s + c) + n  15 %

    The standard deviation of the noise is log-normal around 2.2 % and 0 for one series of 25.
    """
    trend = trend_of(rng, n_series, length, grid)
    cyclic = np.flatnonzero(rng.random(n_series) < 0.2)
    size = log_normal(rng, 0.06, 0.8, 0.005, 0.4, len(cyclic))[:, None]
    trend[cyclic] += size * stochastic_cycle(rng, len(cyclic), length)
    trend += shocks_of(rng, n_series, length)
    regular = seasons_of(rng, n_series, length, grid) + calendar_of(rng, n_series, length, grid)
    sd = np.where(rng.random(n_series) < 0.04, 0.0, log_normal(rng, 0.022, 1.1, 1e-5, 0.6, n_series))
    noise = sd[:, None] * noise_of(rng, n_series, length, grid.period)
    times, plus, mixed = split(choose(rng, (55, 30, 15), n_series), 3)
    values = np.empty((n_series, length))
    values[times] = np.exp(np.clip(trend[times] + regular[times] + noise[times], -20.0, 20.0))
    sums = 1.0 + tame(trend[plus], log_uniform(rng, 0.3, 2.5, len(plus))) + regular[plus] + noise[plus]
    centred = rng.random(len(plus)) < 0.12
    sums[centred] -= sums[centred].mean(axis=1, keepdims=True)
    sums[~centred] = lift(rng, sums[~centred], 0.9)
    values[plus] = sums
    level = np.exp(np.clip(trend[mixed], -20.0, 20.0))
    values[mixed] = lift(rng, level * np.maximum(1.0 + regular[mixed], 0.01) + noise[mixed], 0.9)
    return values
