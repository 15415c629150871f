"""Seasons of a series: which there are, the test for one, and classical decomposition."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.gaps import interpolated

__all__ = ["check_periods", "is_seasonal", "n_slots", "season_at", "seasonal_indices", "shrunk_indices"]

Values = NDArray[np.float64]

#: Critical value of the test for a season: 90 % of a normal distribution, two-sided (M4 competition).
CRITICAL = 1.645
#: Most seasons of a series, as in the statistics.
MOST = 4


def check_periods(period: Any) -> tuple[float, ...]:
    """Steps of the seasons, the shortest first, whole ones as int; () without a season.

    Args:
        period: a number >= 2, not necessarily whole; several; 1: none.

    Raises:
        InvalidArgumentError: another value, or more than four seasons.

    >>> check_periods([168, 24.0]), check_periods(52.18), check_periods(1)
    ((24, 168), (52.18,), ())
    """
    hint = "It is the number of steps of a season; 1 is none."
    try:
        given = [period] if isinstance(period, numbers.Real | str) else list(period)
    except TypeError:
        raise InvalidArgumentError(f"period={period!r}; expected a number, or several. {hint}") from None
    found = sorted({check_real("period", each, 1.0, 1e8, hint=hint) for each in given} - {1.0})
    if found and found[0] < 2:
        raise InvalidArgumentError(f"period={found[0]:g}; expected 1 or at least 2. {hint}")
    if len(found) > MOST:
        raise InvalidArgumentError(f"{len(found)} periods; expected at most {MOST}. Leave out those that matter least.")
    return tuple(int(each) if each.is_integer() else each for each in found)


def n_slots(period: float) -> int:
    """Seasonal indices M of a period, which lie period / M steps apart: the period, rounded.

    >>> n_slots(12), n_slots(52.18)
    (12, 52)
    """
    return int(period + 0.5)


def _places(period: float, steps: NDArray[np.int64]) -> tuple[NDArray[np.int64], Values | None]:
    """The index before each step, and its share of the next one; None if all steps lie on an index."""
    slots = n_slots(period)
    if period == slots:
        return steps % slots, None
    position = np.fmod(steps.astype(np.float64), period) * (slots / period)
    before = np.minimum(position.astype(np.int64), slots - 1)
    return before, position - before


def season_at(indices: Values, period: float, steps: NDArray[np.int64]) -> Values:
    """The season at steps: an index, or on the line between two where the period is not whole.

    Args:
        indices: float64 (..., M), M = :func:`n_slots`.
        period: steps of the season.
        steps: int64 (..., T), from the start of the series on.

    Returns:
        float64 (..., T).

    >>> import numpy as np
    >>> season_at(np.array([0.0, 1.0, 2.0]), 3, np.arange(4)).tolist()
    [0.0, 1.0, 2.0, 0.0]
    >>> season_at(np.array([0.0, 1.0]), 2.4, np.arange(4)).round(3).tolist()  # indices 1.2 steps apart
    [0.0, 0.833, 0.333, 0.5]
    """
    before, share = _places(period, steps)
    found: Values = np.take_along_axis(indices, before, axis=-1)
    if share is None:
        return found
    return (1.0 - share) * found + share * np.take_along_axis(indices, (before + 1) % n_slots(period), axis=-1)


def is_seasonal(y: Values, period: float) -> bool:
    """Whether the autocorrelation at lag `period` differs from 0: the test of the M4 competition.

    |r_m| > 1.645 sqrt((1 + 2 sum_(i<m) r_i^2) / n), m the period, rounded, for at least three seasons of values
    (Makridakis, Spiliotis and Assimakopoulos 2020, "The M4 Competition", appendix).

    >>> import numpy as np
    >>> is_seasonal(np.tile([1.0, 5.0, 2.0], 8), 3), is_seasonal(np.arange(24.0), 3)
    (True, False)
    >>> is_seasonal(np.random.default_rng(1).normal(size=24), 3)
    False
    """
    y = interpolated(y)
    n = len(y)
    if period < 2 or n < 3 * period:
        return False
    y = y - y.mean()
    size = np.abs(y).max()
    if not size > 0:
        return False
    y = y / size
    total = float(y @ y)
    correlations = np.array([float(y[: n - lag] @ y[lag:]) / total for lag in range(1, n_slots(period) + 1)])
    limit = CRITICAL * math.sqrt((1 + 2 * float((correlations[:-1] ** 2).sum())) / n)
    return bool(abs(correlations[-1]) > limit)


def seasonal_indices(y: Values, period: int, *, multiplicative: bool, recency: float = 1.0) -> Values:
    """Classical decomposition: means of the ratios (or differences) to a centred moving average of one season.

    Args:
        y: float64 (n,), at least two seasons; NaN is missing; positive if `multiplicative`.
        period: m >= 2.
        multiplicative: whether to take ratios, whose geometric mean is then 1, instead of differences, of mean 0.
        recency: > 0, weight of a season relative to the one after it; 1: all are equal.

    Returns:
        float64 (m,), from the first step of y on.

    >>> import numpy as np
    >>> seasonal_indices(np.tile([1.0, 2.0, 6.0], 4), 3, multiplicative=False).round(6).tolist()
    [-2.0, -1.0, 3.0]
    """
    whole = interpolated(y)
    average = np.ones(period) / period
    if period % 2 == 0:  # 2 x m: half weights at both ends
        average = np.concatenate(([0.5], np.ones(period - 1), [0.5])) / period
    half = len(average) // 2
    trend = np.convolve(whole, average, "valid")
    inner = y[half : half + len(trend)]
    detrended = inner / trend if multiplicative else inner - trend
    place = np.arange(len(trend))
    steps, known = (half + place) % period, np.isfinite(detrended)
    # Of a long series, the first seasons have a weight of 0.
    weights = np.where(known, recency ** ((len(trend) - 1 - place) // period), 0.0)
    total = np.bincount(steps, weights, period)
    sums = np.bincount(steps, weights * np.where(known, detrended, 0.0), period)
    found = np.where(total > 0, sums / np.where(total > 0, total, 1.0), 1.0 if multiplicative else 0.0)
    if multiplicative:
        return np.asarray(found / np.exp(np.log(found).mean()))
    return np.asarray(found - found.mean())


def shrunk_indices(y: Values, period: float, *, multiplicative: bool) -> Values | None:
    """Seasonal indices by decomposition if the test finds a season, else None; as `kerazoo_ext/seasonality.h`.

    In contrast to :func:`seasonal_indices`, the period need not be whole, gaps are filled from other seasons, and
    indices are shrunk by what noise would yield: with their variance A, and V = s^2 M / N of their errors, s^2 the
    variance of the N deviations around them, by 1 - V / A (a James-Stein estimate; Miller and Williams 2003,
    International Journal of Forecasting 19). Of the many indices of a long season each has few values.

    Args:
        y: float64 (n,); NaN is missing; positive if `multiplicative`.
        period: >= 2 steps.
        multiplicative: whether indices are ratios of mean 1, instead of differences of mean 0.

    Returns:
        float64 (M,), from the first step of y on.

    >>> import numpy as np
    >>> shrunk_indices(np.tile([1.0, 2.0, 6.0], 9), 3, multiplicative=False).round(6).tolist()
    [-2.0, -1.0, 3.0]
    """
    slots = n_slots(period)
    filled = _filled(y, slots)
    if not is_seasonal(filled, period):
        return None
    weights = np.ones(slots) if slots % 2 else np.concatenate(([0.5], np.ones(slots - 1), [0.5]))
    half = slots // 2
    trend = np.convolve(filled, weights, "valid") / slots
    inner = y[half : half + len(trend)]
    change = inner / trend if multiplicative else inner - trend
    known = np.isfinite(change)
    change, steps = change[known], (half + np.flatnonzero(known)).astype(np.int64)
    before, share = _places(period, steps)
    parts = [(before, np.ones(len(steps)) if share is None else 1.0 - share)]
    if share is not None:
        parts.append(((before + 1) % slots, share))
    sums = sum(np.bincount(at, of * change, slots) for at, of in parts)
    weight = sum(np.bincount(at, of, slots) for at, of in parts)
    neutral = 1.0 if multiplicative else 0.0
    found: Values = np.where(weight > 0, sums / np.where(weight > 0, weight, 1.0), neutral)
    found = found / found.mean() if multiplicative else found - found.mean()
    spread = float(((found - neutral) ** 2).sum()) / (slots - 1)
    noise, count = spread, len(steps)
    if count > slots:  # else nothing tells noise from season
        rest = change - season_at(found, period, steps)
        noise = float(rest @ rest) / (count - slots) * slots / count
    keep = 1.0 - noise / spread if spread > noise else 0.0
    return neutral + keep * (found - neutral)


def _filled(y: Values, period: int) -> Values:
    """Missing values from a season before, else from a season after, else on the line between their neighbours."""
    missing = np.flatnonzero(np.isnan(y))
    if not len(missing):
        return y
    found = y.copy()
    for step in missing[missing >= period].tolist():
        found[step] = found[step - period]
    for step in missing[missing < len(y) - period][::-1].tolist():
        if np.isnan(found[step]):
            found[step] = found[step + period]
    return interpolated(found)
