"""Seasons of any length: smooth or rough, with a shape that changes slowly."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.forecast.generators.parameters import Values, check_shape, choose, parameter, split

__all__ = ["SHAPES", "season"]

MOST_BINS = 400


def _smooth(rng: np.random.Generator, n_series: int, bins: int) -> Values:
    """A few harmonics, whose amplitudes fall as 1 / k or faster."""
    count = max(1, min(6, bins // 2))
    harmonics = np.arange(1, count + 1)
    last = rng.integers(1, count + 1, (n_series, 1))
    size = np.where(harmonics <= last, harmonics ** -rng.uniform(0.5, 2.0, (n_series, 1)), 0.0)
    angles = 2.0 * np.pi / bins * np.outer(harmonics, np.arange(bins))
    sines, cosines = rng.standard_normal((2, n_series, count)) * size
    return np.asarray(sines @ np.sin(angles) + cosines @ np.cos(angles))


def _free(rng: np.random.Generator, n_series: int, bins: int) -> Values:
    """An index of its own for each step; of long seasons, for each of about 12 to 60 parts."""
    if bins <= 60:
        return rng.standard_normal((n_series, bins))
    parts = rng.integers(12, 61, (n_series, 1))
    return np.take_along_axis(rng.standard_normal((n_series, 60)), np.arange(bins) * parts // bins, axis=1)


def _peaks(rng: np.random.Generator, n_series: int, bins: int) -> Values:
    """Flat but for one to three peaks or troughs, such as December, with what lies before and after them."""
    pattern = np.zeros((n_series, bins))
    rows = np.arange(n_series)
    width = np.maximum(bins / 24.0 * rng.uniform(0.0, 1.0, n_series) ** 2, 1e-3)
    sign = np.where(rng.random(n_series) < 0.75, 1.0, -1.0)
    for number in range(3):
        height = rng.exponential(1.0, n_series) * (rng.random(n_series) < (1.0, 0.4, 0.2)[number])
        centre = rng.integers(0, bins, n_series)
        distance = np.abs(np.arange(bins) - centre[:, None])
        distance = np.minimum(distance, bins - distance)
        pattern += (sign * height)[:, None] * np.exp(-0.5 * np.minimum(distance / width[:, None], 30.0) ** 2)
        pattern[rows, centre] += 1e-9  # no pattern is quite flat
    return pattern


def _plateau(rng: np.random.Generator, n_series: int, bins: int) -> Values:
    """Two levels, such as open and closed, day and night or summer and winter, with slopes between them."""
    time = np.arange(bins) / bins
    start, share = rng.random((n_series, 1)), rng.uniform(0.15, 0.7, (n_series, 1))
    edge = rng.uniform(0.5, 12.0, (n_series, 1)) / bins
    position = np.mod(time - start, 1.0)
    rising = np.clip(position / edge, 0.0, 1.0) * np.clip((share + edge - position) / edge, 0.0, 1.0)
    return rising + 0.1 * rng.random((n_series, 1)) * rng.standard_normal((n_series, bins)) + 1e-9 * (time == 0)


_MAKERS: dict[str, Callable[[np.random.Generator, int, int], Values]] = {
    "smooth": _smooth,
    "free": _free,
    "peaks": _peaks,
    "plateau": _plateau,
}

#: Names of the shapes of a season.
SHAPES = tuple(_MAKERS)


def _patterns(rng: np.random.Generator, number: Values, bins: int, shape: str | None) -> Values:
    """Patterns with mean 0 and standard deviation 1 over a season, (S, bins)."""
    pattern = np.empty((len(number), bins))
    for name, rows in zip(_MAKERS, split(number.astype(np.int64), len(_MAKERS)), strict=True):
        if len(rows):
            pattern[rows] = _MAKERS[name](rng, len(rows), bins)
    pattern -= pattern.mean(axis=1, keepdims=True)
    return np.asarray(pattern / np.maximum(pattern.std(axis=1, keepdims=True), 1e-12))


def season(
    rng: np.random.Generator,
    n_series: int,
    length: int,
    period: float,
    *,
    shape: str | None = None,
    bins: int | None = None,
    turn: ArrayLike | None = None,
    swell: ArrayLike | None = None,
) -> Values:
    """Seasons with mean 0 and, as long as they do not change, standard deviation 1 over a period.

    A season has two patterns A and B of the same shape and blends them, which keeps its variance while its shape turns:

        y_t = exp(g_t) (A[i_t] cos a_t + B[i_t] sin a_t),    i_t = floor(bins (t / period + phase mod 1))

    a_t is a straight line or a random walk with standard deviation `turn` over the whole series, g_t a straight line
    with standard deviation `swell` from the first to the last step.

    | shape | pattern |
    |---|---|
    | `smooth` | 1 to 6 harmonics |
    | `free` | an index of its own for each step |
    | `peaks` | flat but for 1 to 3 peaks or troughs |
    | `plateau` | two levels and the way between them |

    Args:
        rng: the source of random numbers.
        n_series: S.
        length: T.
        period: > 1, steps of a season; it need not be an integer.
        shape: one of `SHAPES`; None: drawn for each series.
        bins: >= 2, parts of a season with an index each; None: the period, rounded up, at most 400.
        turn: from 0 to 1000; None: 0 for half of the series, else up to 1.
        swell: from 0 to 10; None: 0 for 3 of 5 series, else up to 0.5.

    Raises:
        InvalidArgumentError: a parameter is out of range or has the wrong shape.

    >>> y = season(np.random.default_rng(1), 2, 24, 12, turn=0, swell=0)
    >>> bool(np.allclose(y[:, :12], y[:, 12:])), y.std(axis=1).round(6).tolist()
    (True, [1.0, 1.0])
    """
    n_series, length = check_shape(rng, n_series, length)
    period = check_real("period", period, 1.0, 1e9, exclusive=True, hint="A season has at least two steps.")
    if shape is not None:
        check_choice("shape", shape, SHAPES)
    bins = min(math.ceil(period), MOST_BINS) if bins is None else check_int("bins", bins, 2, 100_000)
    bins = max(bins, 2)
    turn = parameter(
        "turn",
        turn,
        n_series,
        0.0,
        1e3,
        lambda: np.where(rng.random(n_series) < 0.5, 0.0, rng.random(n_series) ** 2),
    )
    swell = parameter(
        "swell",
        swell,
        n_series,
        0.0,
        10.0,
        lambda: np.where(rng.random(n_series) < 0.6, 0.0, 0.5 * rng.random(n_series)),
    )
    number = (
        choose(rng, (5, 3, 1.5, 1), n_series) if shape is None else np.full(n_series, SHAPES.index(shape), np.int64)
    ).astype(np.float64)
    pattern = _patterns(rng, number, bins, shape)
    # Whole phases keep the bins of a season of as many steps: each step has its own.
    phase = rng.integers(0, bins, (n_series, 1)) / bins
    if bins == period:
        where = np.mod(np.arange(length) + np.round(phase * bins).astype(np.int64), bins)
    else:
        where = np.minimum((np.mod(np.arange(length) / period + phase, 1.0) * bins).astype(np.int64), bins - 1)
    values = np.take_along_axis(pattern, where, axis=1)
    turning = np.flatnonzero(turn > 0)
    if len(turning):
        other = np.take_along_axis(_patterns(rng, number[turning], bins, shape), where[turning], axis=1)
        walks = np.cumsum(rng.standard_normal((len(turning), length)), axis=1) / math.sqrt(length)
        lines = rng.standard_normal((len(turning), 1)) * np.linspace(0.0, 1.0, length)
        angle = turn[turning, None] * np.where(rng.random((len(turning), 1)) < 0.5, walks, lines)
        values[turning] = values[turning] * np.cos(angle) + other * np.sin(angle)
    growth = swell * np.clip(rng.standard_normal(n_series), -4.0, 4.0)
    if np.any(growth):
        values *= np.exp(growth[:, None] * np.linspace(-0.5, 0.5, length))
    return values
