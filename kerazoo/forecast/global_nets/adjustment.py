"""What is done to series before windows are cut: seasons and logarithm are taken out, and put back into forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.validation import series_array
from kerazoo.forecast.global_nets.seasons import (
    check_periods,
    is_seasonal,
    n_slots,
    season_at,
    seasonal_indices,
    shrunk_indices,
)
from kerazoo_ext import _panel_windows

__all__ = ["AdjustedPanel", "adjust"]

Values = NDArray[np.float64]

#: Logarithms of the smallest float64 above 0, which positive series stay above, and of a number that is still finite.
LEAST_LOG, MOST_LOG = -744.44, 700.0
#: Largest size of a value: sums of squares of larger ones are no numbers.
LARGEST = 1e150


@dataclass(frozen=True, eq=False)
class AdjustedPanel:
    """Series without their seasons, as logarithms where all values are positive.

    An adjusted value is z_t = f(y_t) - s_1(t) - s_2(t) - ..., where f is the logarithm or nothing.

    Attributes:
        values: float64 (N,), all series one after the other; NaN is missing.
        offsets: int64 (S + 1,), where each begins.
        kinds: uint8 (S,), of `kerazoo_ext._panel_windows`: values, logarithms or counts.
        seasons: float64 (S, M), seasonal indices from the first step of a series on, those of all periods one after the
            other; zeros where there is no season.
        periods: steps of the seasons, of which each has as many indices, rounded; () without any.
    """

    values: Values
    offsets: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    seasons: Values
    periods: tuple[float, ...]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Values of each series, int64 (S,)."""
        return np.diff(self.offsets)

    def undo(self, forecasts: Values, first: int = 0) -> Values:
        """Forecasts in the units of the series.

        Args:
            forecasts: float64 (S, H, ...), of adjusted values, for the steps after the end of each series.
            first: steps between that end and the first forecast.

        Returns:
            float64, the same shape; finite.
        """
        n_steps = forecasts.shape[1]
        season = _all_seasons(self.seasons, self.periods, self.lengths[:, None] + first + np.arange(n_steps))
        season = season.reshape(*season.shape, *(1,) * (forecasts.ndim - 2))
        is_log = (self.kinds == _panel_windows.LOGARITHMS).reshape(-1, *(1,) * (forecasts.ndim - 1))
        found = forecasts + season
        return np.where(is_log, np.exp(np.clip(np.where(is_log, found, 0.0), LEAST_LOG, MOST_LOG)), found)


def adjust(
    series: Iterable[Any],
    period: float | Sequence[float] = 1,
    *,
    counts: bool = False,
    recency: float = 1.0,
    logarithms: bool = True,
) -> AdjustedPanel:
    """Take the seasons and the logarithm out of each series.

    A season is taken out where :func:`kerazoo.forecast.global_nets.seasons.is_seasonal` finds one; of several, the
    shortest first, and each of what the others have left. Series of positive values become logarithms and lose
    multiplicative seasons, the others additive ones. The indices of several seasons, and of a season whose period is
    not whole, are shrunk by what noise would yield (:func:`kerazoo.forecast.global_nets.seasons.shrunk_indices`).

    Args:
        series: S sequences of numbers; NaN is missing.
        period: steps of a season, >= 2, not necessarily whole (52.18 weeks of a year); several, such as [24, 168] of
            hours; 1: none.
        counts: whether the series are counts, which are left as they are.
        recency: > 0, weight of a season relative to the one after it in the indices of a single whole season.
        logarithms: whether positive series become logarithms.

    Returns:
        The adjusted series.

    Raises:
        InvalidArgumentError: no series; a series that has more than one dimension, no value, or a value that is
            infinite, larger than 1e150 in size, or not a number; counts that are negative or not whole.

    >>> import numpy as np
    >>> panel = adjust([[10.0, 20.0, 10.0, 5.0] * 6, [-1.0, 2.0]], period=4)
    >>> bool(np.ptp(panel.values[:24]) < 1e-9), panel.values[24:].tolist()
    (True, [-1.0, 2.0])
    """
    periods = check_periods(period)
    arrays = [_checked(place, each, counts) for place, each in enumerate(series)]
    if not arrays:
        raise InvalidArgumentError("no series; expected at least one.")
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in arrays]))).astype(np.int64)
    seasons = np.zeros((len(arrays), max(1, sum(map(n_slots, periods)))))
    kinds = np.zeros(len(arrays), np.uint8)
    parts = []
    for place, y in enumerate(arrays):
        kind = _panel_windows.COUNTS if counts else _panel_windows.VALUES
        if not counts:
            positive = logarithms and bool((y[np.isfinite(y)] > 0).all())
            seasons[place] = _indices(y, periods, multiplicative=positive, recency=recency)
            if positive:
                kind = _panel_windows.LOGARITHMS
                y = np.log(y)
        kinds[place] = kind
        parts.append(y - _all_seasons(seasons[place], periods, np.arange(len(y))))
    return AdjustedPanel(np.concatenate(parts), offsets, kinds, seasons, periods)


def _all_seasons(seasons: Values, periods: Sequence[float], steps: NDArray[np.int64]) -> Values:
    """The sum of all seasons (..., T) at steps (..., T), for indices (..., M)."""
    found, first = np.zeros(steps.shape), 0
    for period in periods:
        found += season_at(seasons[..., first : first + n_slots(period)], period, steps)
        first += n_slots(period)
    return found


def _indices(y: Values, periods: Sequence[float], *, multiplicative: bool, recency: float) -> Values:
    """Indices (M,) of all seasons, their logarithms if `multiplicative`; zeros where there is none."""
    if len(periods) == 1 and isinstance(periods[0], int):
        if not is_seasonal(y, periods[0]):
            return np.zeros(periods[0])
        indices = seasonal_indices(y, periods[0], multiplicative=multiplicative, recency=recency)
        return np.log(indices) if multiplicative else indices
    rest, found = y, [np.zeros(0 if periods else 1)]
    for period in periods:
        indices_or_none = shrunk_indices(rest, period, multiplicative=multiplicative)
        if indices_or_none is None:
            found.append(np.zeros(n_slots(period)))
            continue
        # Logarithms, of which those between two indices are on a line, as when the season is put back.
        found.append(np.log(indices_or_none) if multiplicative else indices_or_none)
        season = season_at(found[-1], period, np.arange(len(y)))
        rest = rest / np.exp(season) if multiplicative else rest - season
    return np.concatenate(found)


def _checked(place: int, given: Any, counts: bool) -> Values:
    y = series_array(place, given, LARGEST)
    if counts:
        wrong = (y < 0) | (y != np.floor(y)) & ~np.isnan(y)
        if wrong.any():
            at = int(wrong.argmax())
            raise InvalidArgumentError(
                f"series {place}: value {at} is {y[at]}; expected whole numbers >= 0. loss='negative_binomial' is for "
                "counts only."
            )
    return y
