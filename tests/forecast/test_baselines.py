"""Naive forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.baselines import drift, naive, seasonal_naive


def test_the_naive_forecast_repeats_the_last_value():
    np.testing.assert_array_equal(naive([4, 9, 7], horizon=5), [7.0] * 5)


@pytest.mark.parametrize("horizon", [1, 4, 5, 13])
def test_the_seasonal_naive_forecast_repeats_the_last_season_from_its_first_step(horizon):
    y = np.random.default_rng(1).normal(size=17)
    expected = [y[12 + step % 5] for step in range(horizon)]
    np.testing.assert_array_equal(seasonal_naive(y, horizon, period=5), expected)


def test_a_season_may_be_one_step_or_the_whole_series():
    y = np.array([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(seasonal_naive(y, 4, period=1), naive(y, 4))
    np.testing.assert_array_equal(seasonal_naive(y, 4, period=3), [3.0, 1.0, 2.0, 3.0])


def test_the_drift_extends_the_line_from_the_first_to_the_last_value():
    np.testing.assert_allclose(drift([2.0, 50.0, -7.0, 8.0], horizon=3), [10.0, 12.0, 14.0])
    line = 3 - 0.25 * np.arange(30)
    np.testing.assert_allclose(drift(line[:18], horizon=12), line[18:], rtol=1e-12)


def test_missing_values_leave_their_place_to_the_last_known_ones():
    y = np.array([np.nan, 1.0, 2.0, 3.0, 4.0, np.nan, 6.0, np.nan, np.nan])
    np.testing.assert_array_equal(naive(y, 2), [6.0, 6.0])
    # Positions 6, 7, 8 and, a season of three before, 3, 4, 5: the last place has no value but that of position 2.
    np.testing.assert_array_equal(seasonal_naive(y, 4, 3), [6.0, 4.0, 2.0, 6.0])
    np.testing.assert_array_equal(seasonal_naive(y[:4], 3, 4), [3.0, 1.0, 2.0])  # nothing at the first place
    np.testing.assert_allclose(drift(y, 2), [9.0, 10.0])  # from 1 at position 1 to 6 at position 6
    rng = np.random.default_rng(3)
    for _ in range(50):
        y, period, horizon = rng.normal(size=30), int(rng.integers(1, 12)), int(rng.integers(1, 20))
        y[rng.random(30) < 0.5] = np.nan
        y[4] = 1.0
        expected = []
        for step in range(horizon):
            places = [place for place in range(29, -1, -1) if (30 + step - place) % period == 0]
            known = [y[place] for place in places if not np.isnan(y[place])]
            expected.append(known[0] if known else y[~np.isnan(y)][-1])
        np.testing.assert_array_equal(seasonal_naive(y, horizon, period), expected)


def test_a_forecast_is_new_memory_of_doubles():
    series = datasets.milk()
    for forecast in (naive(series, 7), seasonal_naive(series, 7, 12), drift(series.astype("float32"), 7)):
        assert (forecast.dtype, forecast.shape) == (np.float64, (7,))
        forecast[:] = -1
    np.testing.assert_array_equal(series, datasets.milk())


def test_milk_of_1974_is_the_seasonal_naive_forecast_of_1975():
    series = datasets.milk()
    np.testing.assert_array_equal(seasonal_naive(series[:-12], 12, 12), series["1974"])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: naive([], 3), "y has 0 values; expected at least one value"),
        (lambda: drift([1.0], 3), "y has 1 values; expected at least two values"),
        (lambda: seasonal_naive([1.0] * 11, 3, 12), "y has 11 values; expected at least one season of 12"),
        (lambda: seasonal_naive([1.0], 3, 0), "period=0; expected an integer >= 1"),
        (lambda: naive([1.0], 0), "horizon=0; expected an integer >= 1"),
        (lambda: drift([1.0, 2.0], 2.0), "horizon=2.0; expected an integer"),
        (lambda: seasonal_naive([1.0, 2.0], True, 2), "horizon=True; expected an integer"),
        (lambda: naive([[1.0, 2.0]], 3), r"y has shape \(1, 2\); expected one series \(T,\)"),
        (lambda: naive([1.0, np.inf], 3), "y is inf at 1; expected finite numbers, or NaN where one is missing"),
        (lambda: naive([np.nan, np.nan], 3), "y has 0 known values, and 2 are NaN; expected at least 1"),
        (lambda: seasonal_naive([np.nan] * 3, 3, 2), "y has 0 known values, and 3 are NaN"),
        (lambda: drift([1.0, np.nan, np.nan], 3), "y has 1 known values, and 2 are NaN; expected at least 2"),
        (lambda: naive(["x"], 3), "y is not a series of numbers"),
    ],
)
def test_too_short_and_odd_series_are_refused(call, match):
    with pytest.raises(InvalidArgumentError, match=match):
        call()
