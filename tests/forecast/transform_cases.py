"""Indexes, series and one transform of each kind for the tests of transforms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kerazoo.forecast.transforms import (
    Autoregression,
    BoxCox,
    Chain,
    Detrend,
    Difference,
    ExponentialSmoothing,
    Log,
    MinMaxScale,
    PerDay,
    StandardScale,
)

T, H = 53, 17

MONTHLY = {
    "MS": lambda n: pd.date_range("1962-01-01", periods=n, freq="MS"),
    "ME": lambda n: pd.date_range("1999-11-30", periods=n, freq="ME"),
    "BME": lambda n: pd.date_range("2015-02-01", periods=n, freq="BME"),
    "2MS": lambda n: pd.date_range("2003-05-01", periods=n, freq="2MS"),
    "QS-FEB": lambda n: pd.date_range("1990-02-01", periods=n, freq="QS-FEB"),
    "QE": lambda n: pd.date_range("1990-03-31", periods=n, freq="QE"),
    "YS": lambda n: pd.date_range("1900-01-01", periods=n, freq="YS"),
    "YE-JUN": lambda n: pd.date_range("1900-06-30", periods=n, freq="YE-JUN"),
    "period M": lambda n: pd.period_range("2010-03", periods=n, freq="M"),
    "period 2M": lambda n: pd.period_range("2010-03", periods=n, freq="2M"),
    "period Q": lambda n: pd.period_range("1990Q2", periods=n, freq="Q-JAN"),
    "period Y": lambda n: pd.period_range("1950", periods=n, freq="Y"),
    "MS without a frequency": lambda n: pd.DatetimeIndex(pd.date_range("1962-01-01", periods=n, freq="MS").to_numpy()),
    "MS by an offset": lambda n: pd.date_range("1962-01-01", periods=n, freq=pd.DateOffset(months=1)),
    "MS of Berlin": lambda n: pd.date_range("2019-01-01", periods=n, freq="MS", tz="Europe/Berlin"),
}
OTHERS = {
    "range": pd.RangeIndex,
    "range in threes": lambda n: pd.RangeIndex(7, 7 + 3 * n, 3),
    "D": lambda n: pd.date_range("2020-02-20", periods=n, freq="D"),
    "D of Berlin": lambda n: pd.date_range("2020-03-20", periods=n, freq="D", tz="Europe/Berlin"),
    "h of Berlin": lambda n: pd.date_range("2020-03-28", periods=n, freq="h", tz="Europe/Berlin"),
    "15min": lambda n: pd.date_range("2020-03-28", periods=n, freq="15min"),
    "B": lambda n: pd.date_range("2021-01-01", periods=n, freq="B"),
    "W-TUE": lambda n: pd.date_range("2021-01-01", periods=n, freq="W-TUE"),
    "SMS": lambda n: pd.date_range("2021-01-01", periods=n, freq="SMS"),
    "period D": lambda n: pd.period_range("2020-02-20", periods=n, freq="D"),
    "period W": lambda n: pd.period_range("2020-02-20", periods=n, freq="W"),
}
INDICES = {**MONTHLY, **OTHERS}

MAKERS = {
    "minmax": lambda: MinMaxScale((-1, 2.5)),
    "standard": StandardScale,
    "not centred": lambda: StandardScale(center=False),
    "log": Log,
    "boxcox": BoxCox,
    "boxcox 0": lambda: BoxCox(0),
    "boxcox -0.5": lambda: BoxCox(-0.5),
    "difference": Difference,
    "seasonal difference": lambda: Difference(7),
    "per day": PerDay,
    "detrend": Detrend,
    "cubic": lambda: Detrend(3),
    "level": ExponentialSmoothing,
    "trend": lambda: ExponentialSmoothing(trend="add", beta=0.1),
    "season": lambda: ExponentialSmoothing(5),
    "damped season": lambda: ExponentialSmoothing(7, "damped", alpha=0.4),
    "autoregression": lambda: Autoregression(6),
    "seasonal autoregression": lambda: Autoregression(3, period=5),
    "nothing": lambda: Chain([]),
    "airline": lambda: Chain([Log(), Difference(), Difference(12), StandardScale()]),
    "many": lambda: Chain([BoxCox(), Detrend(), Difference(3), Detrend(2), ExponentialSmoothing(4), MinMaxScale()]),
    "chain in a chain": lambda: Chain([Log(), Chain([Difference(2), StandardScale()]), ExponentialSmoothing()]),
    "autoregression of differences": lambda: Chain([Log(), Difference(12), Autoregression(4, 12), StandardScale()]),
    "per day, smooth": lambda: Chain([PerDay(), Log(), ExponentialSmoothing(12, "add"), StandardScale()]),
}
POINTWISE = (
    "minmax",
    "standard",
    "not centred",
    "log",
    "boxcox",
    "boxcox 0",
    "boxcox -0.5",
    "per day",
    "detrend",
    "cubic",
)
UNLEARNED = ("log", "boxcox 0", "boxcox -0.5", "difference", "seasonal difference", "per day", "nothing")
BY_MONTHS = ("per day", "per day, smooth")
CASES = [(maker, kind) for maker in MAKERS for kind in (MONTHLY if maker in BY_MONTHS else INDICES)]


def series(length, seed=0):
    """Positive, with a trend, a season and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    return np.exp(3 + 0.02 * t + 0.3 * np.sin(t * 2 * np.pi / 12) + 0.05 * rng.normal(size=length))
