"""The kinds of series, each with all its parameters drawn at random, and the mixture of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerazoo.forecast.generators.cycles import ricker_map, stochastic_cycle
from kerazoo.forecast.generators.demand import counts, intermittent
from kerazoo.forecast.generators.events import launch, round_values, saturate
from kerazoo.forecast.generators.gaussian_processes import gaussian_process
from kerazoo.forecast.generators.grid import Grid
from kerazoo.forecast.generators.noise import garch, student
from kerazoo.forecast.generators.parameters import Values, choose, log_normal, log_uniform, split
from kerazoo.forecast.generators.state_space import ets
from kerazoo.forecast.generators.structural import (
    calendar_of,
    lift,
    noise_of,
    seasons_of,
    shocks_of,
    structural,
    tame,
    trend_of,
)

__all__ = ["KINDS", "MIXTURE", "Kind", "mixture"]

Kind = Callable[[np.random.Generator, int, int, Grid], Values]


def _noise_sd(rng: np.random.Generator, n_series: int) -> Values:
    return log_normal(rng, 0.03, 0.8, 1e-4, 0.3, n_series)[:, None]


def _trend(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    noise = _noise_sd(rng, n_series) * rng.standard_normal((n_series, length))
    return np.exp(trend_of(rng, n_series, length, grid) + noise)


def _season(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    noise = _noise_sd(rng, n_series) * rng.standard_normal((n_series, length))
    return np.exp(seasons_of(rng, n_series, length, grid, share=1.0) + noise)


def _calendar(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    noise = 0.2 * _noise_sd(rng, n_series) * rng.standard_normal((n_series, length))
    return np.exp(calendar_of(rng, n_series, length, grid, share=1.0) + noise)


def _events(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    noise = _noise_sd(rng, n_series) * rng.standard_normal((n_series, length))
    return np.exp(np.clip(shocks_of(rng, n_series, length, share=0.7) + noise, -20.0, 20.0))


def _ets(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    period = grid.period
    # A state for each step of a long season would never be learned: those are left to the other kinds.
    values = ets(rng, n_series, length, period if period <= 200 else 1)
    return lift(rng, values)


def _walk(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    """Prices: exponentials of walks whose steps have heavy tails and a changing volatility."""
    shocks = garch(rng, n_series, length, shocks=student(rng, n_series, length))
    # Prices that are averages over a month have steps that are alike.
    averaged = np.where(rng.random((n_series, 1)) < 0.4, rng.uniform(0.1, 0.5, (n_series, 1)), 0.0)
    shocks[:, 1:] += averaged * shocks[:, :-1]
    sd = log_normal(rng, 0.03, 0.8, 0.001, 0.2, (n_series, 1))
    drift = min(1.0, 15.0 / np.sqrt(length)) * rng.normal(0.03, 0.07, (n_series, 1))
    logs = np.cumsum(sd * (shocks + drift), axis=1)
    logs -= logs.mean(axis=1, keepdims=True)
    return np.exp(tame(logs, log_uniform(rng, 1.0, 6.0, n_series)))


def _noise(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    """Stationary noise around a mean, such as rates of growth: some have negative values."""
    values = noise_of(rng, n_series, length, grid.period)
    seasonal = seasons_of(rng, n_series, length, grid, share=0.3)
    size = log_uniform(rng, 0.02, 3.0, n_series)[:, None]
    return lift(rng, 1.0 + size * (values + 3.0 * seasonal), 0.6)


def _cycle(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    waves = stochastic_cycle(rng, n_series, length)
    values = log_uniform(rng, 0.05, 0.8, n_series)[:, None] * waves
    values += _noise_sd(rng, n_series) * rng.standard_normal((n_series, length))
    values += 0.3 * trend_of(rng, n_series, length, grid)
    values = np.exp(np.clip(values, -8.0, 8.0))
    rows = np.flatnonzero(rng.random(n_series) < 0.15)
    # Below a rate of 2 a population settles, and the rest of its series would be a constant.
    values[rows] = ricker_map(rng, len(rows), length, rate=rng.uniform(2.1, 3.2, len(rows)))
    return values


def _gaussian(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    draws = gaussian_process(rng, n_series, length, grid.period)
    logs = rng.random(n_series) < 0.5
    size = np.where(logs, log_normal(rng, 0.25, 0.8, 0.01, 1.2, n_series), log_uniform(rng, 0.02, 1.0, n_series))
    noise = np.where(rng.random(n_series) < 0.5, 0.0, 0.3 * rng.random(n_series) ** 2)[:, None]
    draws = size[:, None] * (draws + noise * rng.standard_normal((n_series, length)))
    draws[logs] = np.exp(np.clip(draws[logs], -10.0, 10.0))
    draws[~logs] = lift(rng, 1.0 + draws[~logs])
    return draws


def _counts(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    return counts(rng, n_series, length, grid.period)


def _intermittent(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    return intermittent(rng, n_series, length, grid.period)


_FAMILIES: dict[str, tuple[float, Kind]] = {
    "structural": (0.56, structural),
    "ets": (0.10, _ets),
    "gaussian_process": (0.12, _gaussian),
    "walk": (0.07, _walk),
    "noise": (0.04, _noise),
    "cycle": (0.03, _cycle),
    "counts": (0.05, _counts),
    "intermittent": (0.03, _intermittent),
}

#: Probabilities of the kinds in a mixture.
MIXTURE = {name: share for name, (share, _) in _FAMILIES.items()}
WHOLE = ("counts", "intermittent")  # kinds that are whole numbers as they are


def mixture(rng: np.random.Generator, n_series: int, length: int, grid: Grid) -> Values:
    """Each series is of one kind, drawn with the probabilities `MIXTURE`, and then finished.

    Of all but counts, 3 % have a capacity that cuts the largest values and 3 % are launched after some zeros; each is
    multiplied by a scale, log-uniform from 0.01 to a million; a third of those with a median of 20 or more is rounded
    to whole numbers, and 40 % of the others to 2 to 5 significant digits of their median.
    """
    values = np.empty((n_series, length))
    kinds = choose(rng, list(MIXTURE.values()), n_series)
    whole = np.zeros(n_series, bool)
    for (name, (_, make)), rows in zip(_FAMILIES.items(), split(kinds, len(_FAMILIES)), strict=True):
        if len(rows):
            values[rows] = make(rng, len(rows), length, grid)
            whole[rows] = name in WHOLE
    chance, chosen = rng.random(n_series), rng.random((2, n_series))
    rows = np.flatnonzero(~whole & (chance < 0.03))
    values[rows] = saturate(values[rows], 0.3 * chosen[0, rows])
    rows = np.flatnonzero(~whole & (chance > 0.97))
    values[rows] *= launch(rng, len(rows), length)
    values *= np.where(whole, 1.0, 10.0 ** rng.uniform(-2.0, 6.0, n_series))[:, None]
    median = np.median(np.abs(values), axis=1)
    integers = (median >= 20) & (chosen[0] < 0.33)
    significant = ~integers & (chosen[1] < 0.4) & (median > 0)
    digits = rng.integers(2, 6, n_series) - np.ceil(np.log10(np.where(median > 0, median, 1.0)))
    rounded = np.flatnonzero((integers | significant) & ~whole)
    values[rounded] = round_values(values[rounded], np.clip(np.where(integers, 0.0, digits), -15.0, 15.0)[rounded])
    return values


#: Kinds of series that `generate` makes.
KINDS: dict[str, Kind] = {
    "mixture": mixture,
    **{name: make for name, (_, make) in _FAMILIES.items()},
    "trend": _trend,
    "season": _season,
    "calendar": _calendar,
    "events": _events,
}
