"""`choose_transforms`: which transforms suit series, by forecasts from rolling origins inside their training part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo.errors import KerazooError
from kerazoo.forecast.data.frequency import frequency_of, months_of, offset_of
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.nets.windows import fitted_chain
from kerazoo.forecast.transforms.base import Index, Values

__all__ = ["Choice", "candidates", "choose_transforms"]

Config = tuple[Mapping[str, Any], ...]

ORIGINS = 24  # rolling origins in one training part
SERIES_JUDGED = 12  # of a panel of many series, those that are judged by
# These were set on the series of `benchmarks.data.series_of_r`. An autoregression has many more weights than an
# exponential smoothing, and more chances to look good by chance.
HANDICAP = 1.05
# The error of a score falls with the square root of what it is an average of, and so does what a difference between
# two scores has to be before it means something.
SHARPNESS = 3.0
MOST_WORSE = 1.5


@dataclass(frozen=True)
class Choice:
    """A chain of transforms and its share in the forecast.

    Attributes:
        config: configs of the transforms, in order.
        weight: float, all weights add up to 1.
        score: float, root mean squared error of forecasts from rolling origins, relative to seasonal differences.
    """

    config: Config
    weight: float
    score: float


def candidates(series: Sequence[SeriesData], period: int) -> list[Config]:
    """Chains that suit series of this kind, their fits apart.

    With and without the logarithm (for positive series), per day (for months and the like, which differ in length):
    exponential smoothing without trend, with one, and with a damped one, with and without a season; and
    autoregressions of the values and of their differences. For all of them a forecast without a net is that of z = 0.
    The last is the last season again, and its mean growth.
    """
    before: list[Config] = [()]
    if all(_has_unequal_lengths(each.index) for each in series):
        before += [({"name": "per_day"},)]
    if all((each.values > 0).all() for each in series):
        before += [(*chain, {"name": "log"}) for chain in before]
    shortest = min(len(each.values) for each in series)
    season = period if period > 1 else None
    lags = max(1, min(2 * period + 1 if period > 1 else 8, shortest // 5))
    found: list[Config] = []
    for chain in before:
        for periods in dict.fromkeys((None, season)):
            for trend in (None, "add", "damped"):
                smoothing = {"name": "exponential_smoothing", "period": periods, "trend": trend}
                found.append((*chain, smoothing))
        for differences in dict.fromkeys((None, 1, season)):
            first = () if differences is None else ({"name": "difference", "lag": differences},)
            found.append((*chain, *first, {"name": "autoregression", "lags": lags, "period": season}))
    if season:
        found.append(({"name": "difference", "lag": season},))
    return found


def _has_unequal_lengths(index: Index) -> bool:
    if isinstance(index, pd.PeriodIndex):
        months = months_of(index.freq)
    else:
        freq = frequency_of(index) if isinstance(index, pd.DatetimeIndex) else None
        months = None if freq is None else months_of(offset_of(freq))
    return months is not None and months != 12


def choose_transforms(series: Sequence[SeriesData], period: int, horizon: int, most: int) -> list[Choice]:
    """The chains whose forecasts of z = 0 are best, and how much each should count.

    Every candidate is fitted to a first part of the series and forecasts the rest from rolling origins, as many steps
    as the horizon. That is done with three first parts (half of the series, and all but six and four seasons or
    horizons), and the three root mean squared errors are averaged geometrically. Nothing outside `series` is looked at.

    Of candidates that differ only in what is done to the values first (logarithm, per day) the best one is taken: near
    copies of one forecast would crowd out others, whose errors are more likely to cancel each other in the mean.

    Args:
        series: SeriesData of the training part.
        period: int >= 1, steps of a season.
        horizon: int >= 1.
        most: int >= 1, chains to choose at most.

    Returns:
        the chains, the best one first, their weights exp(-3 √n (error / least error - 1)), scaled to a sum of 1; n is
        the length of all series that are judged by, in seasons (or horizons, if longer). Those with an error more than
        1.5 times the least are left out. A series too short for any of it gets its plain differences.

    >>> import pandas as pd
    >>> y = np.arange(60.0) + np.tile([0.0, 5, 0, -5], 15)
    >>> data = SeriesData("y", y, pd.RangeIndex(60), np.empty((60, 0)))
    >>> [choice.config[-1]["name"] for choice in choose_transforms([data], 4, 4, most=1)]
    ['exponential_smoothing']
    """
    # Threads of BLAS wait for each other far longer than they work on matrices this small.
    with threadpool_limits(1, user_api="blas"):
        return _chosen(series, period, horizon, most)


def _chosen(series: Sequence[SeriesData], period: int, horizon: int, most: int) -> list[Choice]:
    judged = list(series[:: max(1, -(-len(series) // SERIES_JUDGED))])
    scores: dict[int, float] = {}
    found = candidates(series, period)
    for place, config in enumerate(found):
        errors = [_error(config, each, period, horizon) for each in judged]
        score = (
            math.exp(float(np.mean(np.log(np.maximum(errors, 1e-12))))) if all(map(math.isfinite, errors)) else math.inf
        )
        scores[place] = score * (HANDICAP if any(part["name"] == "autoregression" for part in config) else 1.0)
    order = sorted((place for place in scores if math.isfinite(scores[place])), key=lambda place: scores[place])
    if not order:
        return [Choice(({"name": "difference", "lag": 1},), 1.0, math.nan)]
    least = scores[order[0]]
    of_kind: dict[str, int] = {}
    for place in order:
        if scores[place] <= MOST_WORSE * least:
            of_kind.setdefault(_kind(found[place]), place)
    kept = list(of_kind.values())[:most]
    n_seasons = sum(len(each.values) for each in judged) / max(period, horizon)
    sharpness = SHARPNESS * math.sqrt(n_seasons)
    shares = np.exp([-sharpness * (scores[place] / max(least, 1e-12) - 1.0) for place in kept])
    return [
        Choice(found[place], float(share), scores[place])
        for place, share in zip(kept, shares / shares.sum(), strict=True)
    ]


def _kind(config: Config) -> str:
    """What foretells, without what is done to the values first."""
    return repr([part for part in config if part["name"] not in ("log", "per_day")])


def _error(config: Config, series: SeriesData, period: int, horizon: int) -> float:
    """The error of one candidate for one series, in units of its seasonal differences; infinite where it fails."""
    total = len(series.values)
    span = max(period, horizon)
    starts = {total // 2, *(max(total - seasons * span, total // 3) for seasons in (6, 4))}
    starts = {max(start, 2 * period + 5) for start in starts}
    unit = float(np.sqrt(np.mean((series.values[period:] - series.values[:-period]) ** 2))) if total > period else 0.0
    found = []
    for start in starts:
        if start >= total:
            return math.inf
        try:
            errors = _rolled(config, series.values, series.index, start, horizon)
        except (KerazooError, np.linalg.LinAlgError, FloatingPointError, ValueError):
            return math.inf
        found.append(float(np.sqrt(np.mean(errors**2))))
    if not all(map(math.isfinite, found)):
        return math.inf
    return math.exp(float(np.mean(np.log(np.maximum(found, 1e-12 * max(unit, 1e-300)))))) / (unit or 1.0)


def _rolled(config: Config, y: Values, index: Index, start: int, horizon: int) -> Values:
    """Errors of forecasts of z = 0 from rolling origins, by a chain that is fitted to the first `start` values."""
    with np.errstate(over="ignore", invalid="ignore"):
        before, between, after = fitted_chain(config, y[:start], index[:start]).parts()
        x, units = before.apply(y, index)
        zeros = np.zeros(len(y))
        zeros = after.undo(zeros, after.apply(zeros, index)[1], index)
        origins = np.unique(np.linspace(start, len(y) - 1, ORIGINS).astype(int))
        found = np.full((len(origins), len(y)), np.nan)
        ahead = np.zeros(found.shape, bool)
        for row, origin in enumerate(origins):
            steps = slice(origin, origin + horizon)
            _, tail = between.apply(x[:origin], index[:origin])
            found[row, steps] = between.undo(zeros[steps], tail, index[steps])
            ahead[row, steps] = True
        return (y - before.undo(found, units, index))[ahead]
