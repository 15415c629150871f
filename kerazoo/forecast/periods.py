"""The seasons of a forecast: those that the user chose, or those of the frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerazoo._validation import check_choice, check_int, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.calendar import season_length, season_lengths
from kerazoo.forecast.data.panel import Panel

__all__ = ["read_seasons", "season_of", "seasons_of", "values_of_season"]

MAX_SEASONS = 4  # of the compiled statistics


def read_seasons(period: Any) -> tuple[float, ...]:
    """The parameter `period`: seasons that the user chose, the shortest first; () for "auto".

    Args:
        period: "auto", a number, or several.

    Raises:
        InvalidArgumentError: something else.

    >>> read_seasons([168, 24]), read_seasons(52.18), read_seasons("auto")
    ((24, 168), (52.18,), ())
    """
    hint = "Or an int: steps per season, 1 without one; or several, such as [24, 168]."
    if isinstance(period, str):
        check_choice("period", period, ("auto",), hint=hint)
        return ()
    given = list(period) if isinstance(period, list | tuple | np.ndarray) else [period]
    several = len(given) > 1
    if not given or len(given) > MAX_SEASONS:
        raise InvalidArgumentError(f"period={period!r}; expected 1 to {MAX_SEASONS} seasons, or 'auto'.")
    found = []
    for each in given:
        if isinstance(each, float | np.floating) and not float(each).is_integer():
            found.append(check_real("period", float(each), 2.0, hint=hint))
        else:
            whole = int(each) if isinstance(each, float | np.floating) else each
            found.append(check_int("period", whole, 2 if several else 1, hint="1 means no season."))
    return tuple(sorted(set(found)))


def season_of(panel: Panel, seasons: Sequence[float], *, any_length: bool) -> int:
    """The season that differences of a series are taken over, for scores and the width of intervals.

    Args:
        panel: the series.
        seasons: what the user chose; (): by the frequency.
        any_length: whether the series may be too short for it: statistics by series leave it out of those.
    """
    if seasons:
        return max(1, round(seasons[0]))
    period = max(season_length(each.index) for each in panel.series)
    shortest = min(len(each.values) for each in panel.series)
    return period if any_length or values_of_season(period) <= shortest else 1


def seasons_of(panel: Panel) -> tuple[float, ...]:
    """All seasons of the frequency of the longest series, the shortest first."""
    longest = max((each.index for each in panel.series), key=len)
    return season_lengths(longest)[:MAX_SEASONS]


def values_of_season(period: int) -> int:
    """The smallest number of values from which a season can be estimated: it must occur twice, and a trend besides."""
    return 2 * period + 3
