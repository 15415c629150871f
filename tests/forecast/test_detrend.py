"""Polynomial trends: least squares, and steps counted by the calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms import Detrend
from tests.forecast.transform_cases import INDICES, MONTHLY, OTHERS, H, T, series


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", INDICES)
def test_a_trend_is_found_and_continues_by_the_calendar(degree, kind):
    t = np.arange(T + H) / 10
    trend = np.polynomial.Polynomial([5.0, -2.0, 0.5, 0.3][: degree + 1])(t)
    index = INDICES[kind](T + H)
    detrend = Detrend(degree).fit(trend[3:T], index[3:T])
    assert detrend.t_last_ == T - 4
    # The same trend at other times, also before the start.
    for part in (slice(0, T + H), slice(0, 5), slice(20, 30), slice(T, T + 1)):
        z, tail = detrend.apply(trend[part], index[part])
        np.testing.assert_allclose(z, 0, atol=1e-9)
        np.testing.assert_allclose(detrend.undo(z, tail, index[part]), trend[part], rtol=1e-9, atol=1e-12)


def test_dates_of_no_frequency_with_a_name_have_no_steps():
    index = pd.date_range("2020-01-15", periods=9, freq=pd.DateOffset(months=1))
    with pytest.raises(InvalidArgumentError, match="without a frequency"):
        Detrend().fit(series(9), index)


def test_a_line_is_that_of_least_squares():
    y, index = series(23), MONTHLY["MS"](23)
    z, _ = Detrend().fit(y, index).apply(y, index)
    slope, intercept = np.polyfit(np.arange(23), y, 1)
    np.testing.assert_allclose(z, y - intercept - slope * np.arange(23), rtol=1e-9, atol=1e-9)


def test_a_trend_is_not_applied_to_another_calendar():
    y = series(12)
    monthly = Detrend().fit(y, MONTHLY["MS"](12))
    with pytest.raises(InvalidArgumentError, match="a PeriodIndex; expected a DatetimeIndex"):
        monthly.apply(y, MONTHLY["period M"](12))
    with pytest.raises(InvalidArgumentError, match="periods of Q-JAN; expected M"):
        Detrend().fit(y, MONTHLY["period M"](12)).apply(y, MONTHLY["period Q"](12))
    with pytest.raises(InvalidArgumentError, match="with and without a time zone"):
        monthly.apply(y, MONTHLY["MS of Berlin"](12))
    with pytest.raises(InvalidArgumentError, match="without a frequency; expected evenly spaced dates"):
        Detrend().fit(y[:4], pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05", "2020-03-01"]))
    with pytest.raises(InvalidArgumentError, match="expected dates of frequency SMS"):
        Detrend().fit(y, OTHERS["SMS"](12)).apply(y, OTHERS["D"](12))
