"""Fits of all candidates to all series of a panel, in threads."""

from __future__ import annotations

import itertools
import math
import numbers
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.devices import usable_cores
from kerazoo._runtime.memory import check_memory
from kerazoo._runtime.progress import progress_bar
from kerazoo._validation import check_flag, check_int, check_real, check_workers
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.validation import series_array
from kerazoo.forecast.statistics.results import Statistics, Values
from kerazoo_ext import _statistics

__all__ = ["fit_statistics", "steps_back"]

#: Steps of the search in a fit that starts from that of the origin before. More take longer and change nothing
#: (docs/many-series.md).
ROLLED_ITERATIONS = 2
#: Chunks of series per thread: more balance the threads better, fewer cost less.
CHUNKS = 16


def fit_statistics(
    series: Iterable[Any],
    period: float | Sequence[float] = 1,
    horizon: int = 1,
    *,
    n_origins: int = 6,
    floor: float | None = None,
    ceiling: float | None = None,
    fitted: bool = False,
    workers: int | None = None,
) -> Statistics:
    """Fit every candidate to every series, at rolling origins and at the end, and forecast.

    | name | candidate |
    |---|---|
    | `naive`, `mean` | the last value; the mean |
    | `ses`, `holt`, `damped` | exponential smoothing without, with, with damped trend |
    | `log_ses`, `log_holt`, `log_damped` | the same of logarithms |
    | `seasonal_naive` | the last season, of the longest period that fits twice |
    | `ets_ana`, `ets_aaa`, `ets_aada` | the three with additive seasonal states: ETS(A,N,A), (A,A,A), (A,Ad,A) |
    | `log_ets_ana`, `log_ets_aaa`, `log_ets_aada` | the same of logarithms: a multiplicative season |
    | `ets` | of the smoothing models above that with the lowest AICc |
    | `theta` | dynamic optimised theta (Fiorucci et al. 2016) |
    | `level_ar` | an autoregression, by Burg's method, order by AICc |
    | `ar`, `log_ar` | of differences, with or without drift |
    | `seasonal_ar`, `log_seasonal_ar` | of seasonal differences |

    Where the autocorrelation test of the M4 competition finds a season, it is removed before and put back after the fit
    of a candidate without seasonal states (not before seasonal differences); by ratios to a moving average if all
    values are positive. Its indices are shrunk by what noise would yield. Smoothing minimises the squared one-step
    errors, with priors that keep the weights of short series moderate (`kerazoo_ext/smoothing_fit.h`). A constant
    series has `naive`, `mean` and `seasonal_naive`. Forecasts stay within three ranges beyond the values that they were
    fitted to.

    Missing values (NaN) are skipped: states move on without an update, and their errors do not count. Autoregressions
    fill them with their own one-step forecasts. A missing value of `seasonal_naive` is that of the season before. What
    is missing before the first value and after the last one is cut off: fits know nothing of it, and forecasts start
    at the end of the series all the same.

    Args:
        series: S sequences of numbers, of any lengths >= 1; NaN is missing.
        period: steps of a season, >= 2, not necessarily whole (52.18 weeks of a year); several; 1: none. A season that
            is longer than half of a series is left out there.
        horizon: H >= 1, steps to forecast.
        n_origins: K >= 0, rolled origins: `horizon` steps before the end, and further ones, a third of that apart.
            At an origin with no values before it all numbers are NaN.
        floor: lowest forecast, such as 0 for counts.
        ceiling: highest forecast.
        fitted: whether to keep the one-step forecasts of all values, C times the memory of the series.
        workers: threads; None: as many as there are cores. They do not change the numbers.

    Returns:
        The forecasts and their errors at the origins.

    Raises:
        InvalidArgumentError: a series without a value, with an infinite one or with more than one dimension; or an
            argument out of range.

    >>> import numpy as np
    >>> y = np.exp(0.01 * np.arange(48)) * (2 + np.sin(np.arange(48) * np.pi / 6))
    >>> found = fit_statistics([y, y[:3]], period=12, horizon=12, n_origins=2)
    >>> found.forecasts.shape, found.rolled.shape
    ((2, 22, 12), (2, 2, 22, 12))
    >>> [name for name, possible in zip(found.names, found.possible[1]) if possible]
    ['naive', 'mean', 'ses', 'log_ses']
    """
    horizon = check_int("horizon", horizon, hint="It is the number of steps to forecast.")
    n_origins = check_int("n_origins", n_origins, minimum=0)
    fitted = check_flag("fitted", fitted)
    workers = usable_cores() if workers is None else check_workers("workers", workers)
    low = -math.inf if floor is None else check_real("floor", floor)
    high = math.inf if ceiling is None else check_real("ceiling", ceiling)
    if low > high:
        raise InvalidArgumentError(f"floor={floor}, ceiling={ceiling}; expected a floor that is not above the ceiling.")
    periods = _check_periods(period)
    values, offsets = _flatten(series)
    backs = steps_back(horizon, n_origins)
    n, names = len(offsets) - 1, _statistics.CANDIDATES
    _check_size(n, horizon, n_origins, len(values) if fitted else 0)
    forecasts = np.full((n, len(names), horizon), np.nan)
    rolled = np.full((n, n_origins, len(names), horizon), np.nan)
    criteria = np.full((n, n_origins + 1, len(names)), np.nan)
    parameters = np.full((n, len(names), _statistics.PARAMETERS), np.nan)
    one_step = np.full((len(names) if fitted else 0, len(values)), np.nan)

    def work(first: int, last: int) -> None:
        _statistics.fit(
            values, offsets, first, last, periods, backs, horizon, low, high, ROLLED_ITERATIONS, forecasts, rolled,
            criteria, parameters, one_step,
        )  # fmt: skip

    _in_threads(work, n, workers)
    return Statistics(
        names=names, horizon=horizon, periods=tuple(periods.tolist()), lengths=np.diff(offsets), backs=backs,
        forecasts=forecasts, rolled=rolled, truth=_truth(values, offsets, backs, horizon),
        scale=_scales(values, offsets, backs, periods), criteria=criteria, parameters=parameters,
        fitted=one_step if fitted else None,
    )  # fmt: skip


def _check_size(n: int, horizon: int, n_origins: int, n_fitted: int) -> None:
    candidates = len(_statistics.CANDIDATES)
    check_memory(
        8 * (n * horizon * (candidates * (1 + n_origins) + 2 * n_origins) + candidates * n_fitted),
        f"{n:,} series, horizon={horizon} and n_origins={n_origins}",
        "A shorter horizon, or fewer series at a time (Forecaster.fit_groups), takes less.",
    )


def steps_back(horizon: int, n_origins: int) -> NDArray[np.int64]:
    """Steps from each rolled origin to the end of a series, int64 (K,), the earliest origin first.

    >>> steps_back(6, 3).tolist()
    [10, 8, 6]
    """
    return horizon + max(1, horizon // 3) * np.arange(n_origins - 1, -1, -1, dtype=np.int64)


def _in_threads(work: Any, n: int, workers: int) -> None:
    """Call `work` on ranges that cover 0 .. n - 1; threads take the next range when they are done with one."""
    size = max(1, n // (workers * CHUNKS))
    counter, lock, errors = itertools.count(0, size), threading.Lock(), list[BaseException]()

    def take() -> None:
        try:
            while not errors:
                with lock:
                    first = next(counter)
                if first >= n:
                    return
                last = min(first + size, n)
                work(first, last)
                with lock:
                    bar.update(last - first)
        except BaseException as error:  # the calling thread raises it
            errors.append(error)

    threads = [threading.Thread(target=take, daemon=True) for _ in range(min(workers, n) - 1)]
    with progress_bar(n, "series", "statistics", unit_scale=False) as bar:
        for thread in threads:
            thread.start()
        take()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


def _check_periods(period: Any) -> Values:
    try:
        given = [period] if isinstance(period, numbers.Real) else list(period)
    except TypeError:
        raise InvalidArgumentError(f"period={period!r}; expected a number, or several. 1 is no season.") from None
    periods = sorted({check_real("period", each, minimum=1.0, maximum=1e8) for each in given} - {1.0})
    if periods and periods[0] < 2:
        raise InvalidArgumentError(f"period={periods[0]:g}; expected 1 (no season) or at least 2 steps.")
    if len(periods) > _statistics.MAX_SEASONS:
        raise InvalidArgumentError(f"{len(periods)} periods; expected at most {_statistics.MAX_SEASONS}.")
    return np.array(periods, np.float64)


def _flatten(series: Iterable[Any]) -> tuple[Values, NDArray[np.int64]]:
    """All values, one series after the other, and where each begins."""
    if not isinstance(series, Iterable):
        raise InvalidArgumentError(f"series={series!r}; expected a sequence of series, [y] for a single one.")
    arrays = [series_array(place, each) for place, each in enumerate(series)]
    offsets = np.concatenate(([0], np.cumsum([len(array) for array in arrays]))).astype(np.int64)
    return (np.concatenate(arrays) if arrays else np.empty(0)), offsets


def _truth(values: Values, offsets: NDArray[np.int64], backs: NDArray[np.int64], horizon: int) -> Values:
    """The values after each origin, NaN beyond the end and where an origin has no values before it."""
    places = offsets[1:, None, None] - backs[:, None] + np.arange(horizon)
    origin = offsets[1:, None, None] - backs[:, None]
    inside = (origin > offsets[:-1, None, None]) & (places < offsets[1:, None, None])
    padded = np.append(values, np.nan)
    truth: Values = padded[np.where(inside, places, len(values))]
    return truth


def _scales(values: Values, offsets: NDArray[np.int64], backs: NDArray[np.int64], periods: Values) -> Values:
    """Geometric means of the mean absolute value and seasonal difference, before the first origin if possible."""
    season = round(periods[-1]) if len(periods) else 1
    furthest = int(backs[0]) if len(backs) else 0
    scales = np.ones(len(offsets) - 1)
    for s, (first, last) in enumerate(itertools.pairwise(offsets.tolist())):
        # In parts of the largest value, so that no sum is too large for a number.
        largest = float(np.nanmax(np.abs(values[first:last]))) or 1.0
        y = values[first:last] / largest
        for part, lag in ((y[: max(0, len(y) - furthest)], season), (y, season), (y, 1)):
            changes = np.abs(part[lag:] - part[:-lag])
            known = changes[np.isfinite(changes)]
            if len(known) and (size := float(np.mean(known))) > 0:
                level = np.abs(part[np.isfinite(part)]).mean()
                scales[s] = max(math.sqrt(size) * math.sqrt(level) * largest, math.ulp(0.0))
                break
    return scales
