"""The milk series and the sine."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError


def test_milk_is_the_whole_series():
    series = datasets.milk()
    assert len(series) == 168
    assert series.dtype == np.float64
    assert (series.index.freqstr, series.index.name, series.name) == ("MS", "month", "pounds_per_cow")
    assert (str(series.index[0].date()), str(series.index[-1].date())) == ("1962-01-01", "1975-12-01")
    assert (series.min(), series.idxmin().strftime("%Y-%m")) == (553, "1962-11")
    assert (series.max(), series.idxmax().strftime("%Y-%m")) == (969, "1974-05")
    # The error of repeating 1974 in 1975, as published for the series.
    assert np.sqrt(np.mean((series["1975"].to_numpy() - series["1974"].to_numpy()) ** 2)) == pytest.approx(
        13.23, abs=0.005
    )


def test_milk_returns_a_copy():
    series = datasets.milk()
    series.iloc[:] = 0
    assert datasets.milk().iloc[0] == 589


def test_windows_of_the_sine_are_the_sine_one_step_later():
    series = datasets.Sine(250, 1.0, 11.0, seed=3)
    assert series.resolution == pytest.approx(0.04)
    inputs, targets, x = series.next_batch(64, 30, return_batch_ts=True)
    assert (inputs.shape, targets.shape, x.shape) == ((64, 30, 1), (64, 30, 1), (64, 31))
    np.testing.assert_array_equal(inputs[..., 0], series.ret_true(x[:, :-1]))
    np.testing.assert_array_equal(targets[..., 0], np.sin(x[:, 1:]))
    np.testing.assert_allclose(np.diff(x), 0.04)
    assert x.min() >= 1.0
    assert x.max() <= 11.0
    assert x[:, 0].max() - x[:, 0].min() > 7  # spread over the interval, and not on a grid
    assert len(np.unique(np.round(x[:, 0] / 0.04 % 1, 6))) > 60


def test_the_seed_repeats_the_windows_of_the_sine():
    first, second = (datasets.sine(seed=4).next_batch(3, 5)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, datasets.sine(seed=5).next_batch(3, 5)[0])
    series = datasets.sine()
    np.testing.assert_array_equal(series.y_true, np.sin(np.linspace(0, 10, 250)))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [({"num_points": 1}, "num_points"), ({"xmin": 3, "xmax": 3}, "xmin < xmax"), ({"xmax": float("nan")}, "finite")],
)
def test_an_empty_interval_is_refused(arguments, match):
    with pytest.raises(InvalidArgumentError, match=match):
        datasets.sine(**arguments)


def test_a_window_longer_than_the_sine_is_refused():
    with pytest.raises(InvalidArgumentError, match="at most num_points=250"):
        datasets.sine().next_batch(1, 251)
