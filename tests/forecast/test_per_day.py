"""Totals per day: months, quarters and years, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms import PerDay
from tests.forecast.transform_cases import OTHERS, T, series


def test_per_day_divides_by_the_days_of_the_period():
    y = np.full(14, 30.4375)
    index = pd.date_range("2019-12-01", periods=14, freq="MS")
    days = np.array([31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31])
    z, tail = PerDay().fit(y, index).apply(y, index)
    np.testing.assert_allclose(z, 30.4375**2 / days)
    np.testing.assert_allclose(PerDay().fit(y, index).undo(np.ones((3, 2)), tail, index[2:4]), [[29, 31] / y[:2]] * 3)


@pytest.mark.parametrize(
    ("index", "days", "mean"),
    [
        (pd.date_range("2020-01-31", periods=3, freq="ME"), [31, 29, 31], 30.4375),
        (pd.date_range("2020-01-31", periods=3, freq="BME"), [31, 29, 31], 30.4375),
        (pd.date_range("2020-01-01", periods=3, freq="BMS", tz="Asia/Tokyo"), [31, 29, 31], 30.4375),
        (pd.date_range("2020-01-01", periods=3, freq="2MS"), [60, 61, 61], 60.875),
        (pd.date_range("2020-02-29", periods=3, freq="2ME"), [60, 61, 61], 60.875),
        (pd.date_range("2020-01-01", periods=3, freq="QS"), [91, 91, 92], 91.3125),
        (pd.date_range("2020-02-01", periods=3, freq="QS-FEB"), [90, 92, 92], 91.3125),
        (pd.date_range("2020-04-30", periods=3, freq="QE-JAN"), [90, 92, 92], 91.3125),
        (pd.date_range("2019-01-01", periods=3, freq="YS"), [365, 366, 365], 365.25),
        (pd.date_range("2019-06-30", periods=3, freq="YE-JUN"), [365, 366, 365], 365.25),
        (pd.period_range("2020-01", periods=3, freq="M"), [31, 29, 31], 30.4375),
        (pd.period_range("2020-01", periods=3, freq="2M"), [60, 61, 61], 60.875),
        (pd.period_range("2021Q1", periods=3, freq="Q-JAN"), [90, 92, 92], 91.3125),
        (pd.period_range("2019", periods=3, freq="Y-JUN"), [365, 366, 365], 365.25),
    ],
    ids=lambda value: getattr(value, "freqstr", None),
)
def test_per_day_knows_months_quarters_and_years(index, days, mean):
    z, _ = PerDay().fit(np.ones(3), index).apply(np.ones(3), index)
    np.testing.assert_allclose(z, mean / np.array(days), rtol=1e-14)


@pytest.mark.parametrize("kind", OTHERS)
def test_per_day_refuses_periods_of_other_kinds(kind):
    with pytest.raises(InvalidArgumentError, match="PerDay expected months, quarters or years"):
        PerDay().fit(series(T), OTHERS[kind](T))


def test_per_day_refuses_dates_with_gaps():
    index = pd.date_range("2020-01-01", periods=9, freq="MS")[[0, 1, 2, 4, 5, 8]]
    with pytest.raises(InvalidArgumentError, match="no recognisable frequency"):
        PerDay().fit(np.ones(6), index)
