"""`choose_transforms`: selects transforms by forecasts from rolling origins inside the training part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kerazoo.errors import KerazooError
from kerazoo.forecast.data.frequency import frequency_of, months_of, offset_of
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.transforms.base import Index, Values
from kerazoo.forecast.transforms.chain import Chain, fitted_chain
from kerazoo.forecast.transforms.linear_term import LinearTerm, fit_terms

__all__ = ["Choice", "candidates", "choose_term", "choose_transforms", "has_logarithm", "without_logarithm"]

Config = tuple[Mapping[str, Any], ...]

N_ORIGINS = 24  # rolling origins per training part
MAX_SCORED_SERIES = 12  # of a panel with more series, an evenly spaced subset is scored
# The next three were tuned on the series of `benchmarks.data.series_of_r`. An autoregression has many more coefficients
# than exponential smoothing and scores well by chance more often; its error is multiplied by this factor.
AUTOREGRESSION_PENALTY = 1.05
# Sharpness of the weights. The standard error of a score falls with the square root of the number of forecasts that it
# averages; the weights therefore become sharper in proportion to that square root.
SHARPNESS = 3.0
MAX_ERROR_RATIO = 1.5  # to the smallest error; chains with a larger one are dropped
# The covariates enter if they lower the smallest error by this fraction. Covariates of noise have coefficients near 0,
# which lower it by less, or raise it.
LEAST_GAIN = 0.01
LOGARITHMS = ("log", "boxcox")


@dataclass(frozen=True)
class Choice:
    """A chain of transforms and its weight in the forecast.

    Attributes:
        config: configs of the transforms, in order.
        weight: float; all weights add up to 1.
        score: float, root mean squared error of forecasts from rolling origins, relative to seasonal differences.
        term: the form of the linear term of the covariates, one of `kerazoo.forecast.transforms.linear_term.FORMS`;
            None: the covariates do not enter.
    """

    config: Config
    weight: float
    score: float
    term: str | None = None


def candidates(series: Sequence[SeriesData], period: int, n_held_out: int = 0) -> list[Config]:
    """Configs of the chains to compare for these series.

    Exponential smoothing without trend, with a trend and with a damped one, each with and without a season; and
    autoregressions of the values and of their differences. Each is preceded by nothing, by the logarithm (for positive
    series), by the adjustment per day (for months, quarters and other periods of unequal length), or by both. With a
    season, the last candidate is the seasonal difference. The forecast of a chain without a network is the inverse of
    z = 0. Chains that need more values than the shortest series has without its last `n_held_out` are left out.

    Args:
        series: SeriesData of the training part.
        period: int >= 1, steps of a season.
        n_held_out: int >= 0, steps at the end of each series without which the chains will be fitted, too.
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
    return [config for config in found if Chain(config).n_needed <= shortest - n_held_out]


def _has_unequal_lengths(index: Index) -> bool:
    if isinstance(index, pd.PeriodIndex):
        months = months_of(index.freq)
    else:
        freq = frequency_of(index) if isinstance(index, pd.DatetimeIndex) else None
        months = None if freq is None else months_of(offset_of(freq))
    return months is not None and months != 12


def choose_transforms(
    series: Sequence[SeriesData],
    period: int,
    horizon: int,
    most: int,
    n_held_out: int = 0,
    last: int | None = None,
) -> list[Choice]:
    """Select the chains whose forecasts (the inverse of z = 0) have the smallest errors, and weight them.

    Every candidate is fitted to a first part of the series and forecasts `horizon` steps from rolling origins in the
    rest. This is repeated with three first parts: half of the series, and all but the last six and four seasons (or
    horizons, if longer). The score is the geometric mean of the three root mean squared errors. Only `series` is used,
    so nothing after the training part affects the selection.

    Of candidates that differ only in the logarithm or the adjustment per day, only the best is kept. Nearly identical
    forecasts would crowd out others, whose errors are more likely to cancel in the mean.

    If there are covariates, all candidates are also judged with the linear term of the covariates
    (:func:`kerazoo.forecast.transforms.linear_term.fit_terms`), which is fitted to the same first parts. The term is
    used if it lowers the smallest error by 1 %.

    Args:
        series: SeriesData of the training part.
        period: int >= 1, steps of a season.
        horizon: int >= 1.
        most: int >= 1, the largest number of chains.
        n_held_out: int >= 0, as for :func:`candidates`.
        last: int, the values at the end of each series by which the chains are judged; None: all. They must suit all
            values in either case.

    Returns:
        The chains, best first, with weights proportional to exp(-3 √n (error / smallest error - 1)), where n is the
        total length of the scored series in seasons (or horizons, if longer). Chains with more than 1.5 times the
        smallest error are dropped. A series that is too short for all candidates gets its first differences.

    >>> import pandas as pd
    >>> y = np.arange(60.0) + np.tile([0.0, 5, 0, -5], 15)
    >>> data = SeriesData("y", y, pd.RangeIndex(60), np.empty((60, 0)))
    >>> [choice.config[-1]["name"] for choice in choose_transforms([data], 4, 4, most=1)]
    ['exponential_smoothing']
    """
    # For matrices this small, the synchronisation of BLAS threads takes longer than the work. The limit is that of the
    # libraries that are loaded, and SciPy has one of its own.
    import_module("scipy.optimize")
    with threadpool_limits(1, user_api="blas"):
        return _selected(series, period, horizon, most, n_held_out, last)


def choose_term(config: Config, series: Sequence[SeriesData], period: int, horizon: int) -> Choice:
    """A given chain, with the linear term of the covariates if it makes the forecasts of the chain better.

    Args:
        config: configs of the transforms, in order.
        series: SeriesData of the training part.
        period: int >= 1, steps of a season.
        horizon: int >= 1.

    Returns:
        The chain with weight 1. The score is NaN where there is no evidence: without covariates, or for short series.
    """
    alone = Choice(config, 1.0, math.nan)
    form = _form_of(config, series)
    if form is None:
        return alone
    with threadpool_limits(1, user_api="blas"):
        scored = _scored(series)
        without = _score(config, scored, period, horizon)
        with_term = _score(config, scored, period, horizon, _terms(form, scored, period, horizon))
    if not with_term < (1.0 - LEAST_GAIN) * without:
        return alone
    return Choice(config, 1.0, with_term, form)


def _selected(
    series: Sequence[SeriesData], period: int, horizon: int, most: int, n_held_out: int, last: int | None
) -> list[Choice]:
    scored = _scored(series if last is None else [each.last(last) for each in series])
    found = candidates(series, period, n_held_out)
    scores = {i: _score(config, scored, period, horizon) for i, config in enumerate(found)}
    forms: dict[int, str | None] = dict.fromkeys(scores)
    of_chain = {i: _form_of(config, series) for i, config in enumerate(found)}
    terms = {form: _terms(form, scored, period, horizon) for form in set(of_chain.values()) if form is not None}
    if terms:
        others = {
            i: _score(found[i], scored, period, horizon, terms[form])
            for i, form in of_chain.items()
            if form is not None
        }
        # Chains with and without the term are not mixed: the best of each kind decides for all.
        if min(others.values()) < (1.0 - LEAST_GAIN) * min(scores.values()):
            scores, forms = others, of_chain
    order = sorted((i for i in scores if math.isfinite(scores[i])), key=lambda i: scores[i])
    if not order:
        return [Choice(({"name": "difference", "lag": 1},), 1.0, math.nan)]
    least = scores[order[0]]
    best_of_model: dict[str, int] = {}
    for i in order:
        if scores[i] <= MAX_ERROR_RATIO * least:
            best_of_model.setdefault(_model_of(found[i]), i)
    kept = list(best_of_model.values())[:most]
    n_seasons = sum(len(each.values) for each in scored) / max(period, horizon)
    sharpness = SHARPNESS * math.sqrt(n_seasons)
    shares = np.exp([-sharpness * (scores[i] / max(least, 1e-12) - 1.0) for i in kept])
    return [
        Choice(found[i], float(share), scores[i], forms[i])
        for i, share in zip(kept, shares / shares.sum(), strict=True)
    ]


def _scored(series: Sequence[SeriesData]) -> list[SeriesData]:
    """The series whose forecasts decide: all that vary, or an evenly spaced subset of them.

    On constant series the candidates differ by rounding only.
    """
    varying = [each for each in series if np.ptp(each.values)] or list(series)
    return varying[:: max(1, -(-len(varying) // MAX_SCORED_SERIES))]


def _form_of(config: Config, series: Sequence[SeriesData]) -> str | None:
    """The form of the term that suits a chain: in the logarithm where the chain has one. None without covariates."""
    if not series[0].covariates.shape[1]:
        return None
    if has_logarithm(config):
        # Subtracting an effect from zeros would leave negative values.
        return "multiplicative" if all((each.values > 0).all() for each in series) else None
    return "additive"


def has_logarithm(config: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a chain takes logarithms, and so accepts positive values only."""
    return any(part["name"] in LOGARITHMS or has_logarithm(part.get("transforms", ())) for part in config)


def without_logarithm(config: Config) -> Config:
    """A candidate without its logarithm.

    >>> without_logarithm(({"name": "log"}, {"name": "difference", "lag": 1}))
    ({'name': 'difference', 'lag': 1},)
    """
    return tuple(part for part in config if part["name"] not in LOGARITHMS)


def _terms(form: str, series: Sequence[SeriesData], period: int, horizon: int) -> dict[tuple[int, int], LinearTerm]:
    """(number of the series, start) -> the term, fitted to the values before the start."""
    starts = [_starts(len(each.values), period, horizon) for each in series]
    found: dict[tuple[int, int], LinearTerm] = {}
    for rank in range(max(map(len, starts))):
        parts = [
            (number, of_series[rank])
            for number, of_series in enumerate(starts)
            if rank < len(of_series) and of_series[rank] < len(series[number].values)
        ]
        if not parts:
            continue
        ys = [series[number].values[:start] for number, start in parts]
        covariates = [series[number].covariates[:start] for number, start in parts]
        found.update(zip(parts, fit_terms(form, ys, covariates, period), strict=True))
    return found


def _score(
    config: Config,
    series: Sequence[SeriesData],
    period: int,
    horizon: int,
    terms: Mapping[tuple[int, int], LinearTerm] | None = None,
) -> float:
    """The geometric mean of the errors of the series, with the penalty of autoregressions."""
    errors = [
        _error(config, each, period, horizon)
        if terms is None
        else _error(config, each, period, horizon, {start: term for (i, start), term in terms.items() if i == number})
        for number, each in enumerate(series)
    ]
    if not all(map(math.isfinite, errors)):
        return math.inf
    score = math.exp(float(np.mean(np.log(np.maximum(errors, 1e-12)))))
    return score * (AUTOREGRESSION_PENALTY if any(part["name"] == "autoregression" for part in config) else 1.0)


def _model_of(config: Config) -> str:
    """The config without the logarithm and the adjustment per day."""
    return repr([part for part in config if part["name"] not in ("log", "per_day")])


def _starts(total: int, period: int, horizon: int) -> list[int]:
    """Ends of the first parts to which candidates are fitted: half, and all but the last six and four seasons."""
    span = max(period, horizon)
    starts = {total // 2, *(max(total - seasons * span, total // 3) for seasons in (6, 4))}
    return sorted({max(start, 2 * period + 5) for start in starts})


def _error(
    config: Config,
    series: SeriesData,
    period: int,
    horizon: int,
    terms: Mapping[int, LinearTerm] | None = None,
) -> float:
    """The error of a candidate for one series, in units of its seasonal differences; infinite if it fails.

    `terms` are those of the covariates, by the start from which the candidate forecasts.
    """
    total = len(series.values)
    unit = float(np.sqrt(np.mean((series.values[period:] - series.values[:-period]) ** 2))) if total > period else 0.0
    unit = unit or float(np.ptp(series.values))  # the same season over and over
    found = []
    for start in _starts(total, period, horizon):
        if start >= total:
            return math.inf
        effect = None if terms is None else (terms[start], series.covariates)
        try:
            errors = _rolling_errors(config, series.values, series.index, start, horizon, effect)
        except (KerazooError, np.linalg.LinAlgError, FloatingPointError, ValueError):
            return math.inf
        found.append(float(np.sqrt(np.mean(errors**2))))
    if not all(map(math.isfinite, found)):
        return math.inf
    return math.exp(float(np.mean(np.log(np.maximum(found, 1e-12 * max(unit, 1e-300)))))) / (unit or 1.0)


def _rolling_errors(
    config: Config,
    y: Values,
    index: Index,
    start: int,
    horizon: int,
    effect: tuple[LinearTerm, Values] | None = None,
) -> Values:
    """Errors of forecasts (z = 0) from rolling origins, with a chain that is fitted to the first `start` values.

    `effect` is a term that was fitted to these values too, and the covariates (T, K).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rest = y if effect is None else effect[0].remove(y, effect[1])
        before, between, after = fitted_chain(config, rest[:start], index[:start]).parts()
        x, units = before.apply(rest, index)
        zeros = np.zeros(len(y))
        zeros = after.undo(zeros, after.apply(zeros, index)[1], index)
        origins = np.unique(np.linspace(start, len(y) - 1, N_ORIGINS).astype(int))
        found = np.full((len(origins), len(y)), np.nan)
        ahead = np.zeros(found.shape, bool)
        for row, origin in enumerate(origins):
            steps = slice(origin, origin + horizon)
            _, tail = between.apply(x[:origin], index[:origin])
            found[row, steps] = between.undo(zeros[steps], tail, index[steps])
            ahead[row, steps] = True
        forecasts = before.undo(found, units, index)
        if effect is not None:
            forecasts = effect[0].restore(forecasts, effect[1])
        return (y - forecasts)[ahead]
