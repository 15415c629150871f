"""Dates, series and long frames for the tests of panels."""

from __future__ import annotations

import warnings
import zoneinfo
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel

HORIZON = 5
HOLIDAYS = pd.offsets.CustomBusinessDay(holidays=["2021-03-17", "2021-04-05"])
# Dates over at least one daylight saving transition in Berlin: 28 March and 31 October 2021.
FREQUENCIES = [
    "D", "2D", "B", "W-SUN", "W-WED", "MS", "ME", "2MS", "BME", "QS", "QE", "QE-JAN", "YS", "YE", "h", "30min", "15min",
    "s", "7h", "24h", "SME", "WOM-3FRI", HOLIDAYS, pd.DateOffset(months=1, days=0), pd.DateOffset(months=3),
]  # fmt: skip
ZONES = [None, "UTC", "Europe/Berlin", "America/New_York", "+05:30"]
PERIODS = ["D", "W-SUN", "W-THU", "M", "2M", "Q", "Q-JAN", "Y", "h", "30min", "s", "B"]


def dates(freq, periods=40, tz=None, start="2021-03-10", **options):
    if freq == "h":
        start = "2021-03-27 20:00"
    if freq in ("30min", "15min"):
        start = "2021-03-27 22:00"
    return pd.date_range(start, periods=periods, freq=freq, tz=tz, name="day", **options)


def periods(freq, length=40):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of business days
        return pd.period_range("2021-03-10", periods=length, freq=freq, name="day")


def nameless_zone():
    with resources.files("tzdata.zoneinfo.Europe").joinpath("Berlin").open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file)


def without_freq(index):
    found = index.delete([])
    found.freq = None
    return found


def assert_same_dates(found, expected):
    """The same dates, zone, unit and name. The freq may be another one for the same dates."""
    assert list(found) == list(expected)
    assert (found.dtype, found.name) == (expected.dtype, expected.name)


def series_over(index, name="sold"):
    return pd.Series(np.arange(len(index), dtype="float64") + 0.5, index, name=name)


def long_frame(parts, seed=None, **columns):
    """Rows of (id, dates) in the order of the parts, or shuffled. y counts in each series, from 0."""
    rows = [pd.DataFrame({"unique_id": label, "ds": index, "y": np.arange(len(index)) + 0.0}) for label, index in parts]
    frame = pd.concat(rows, ignore_index=True).assign(**columns)
    return frame if seed is None else frame.sample(frac=1, random_state=seed)


def message_of(*arguments, **options):
    with pytest.raises(InvalidArgumentError) as caught:
        read_panel(*arguments, **options)
    return str(caught.value)


FORECAST = np.array([10.0, 11, 12, 13, 14])


def forecasts(n, *labels):
    """Different numbers for every series and label."""
    return {label: [FORECAST + 100 * i + 1000 * k for i in range(n)] for k, label in enumerate(labels)}
