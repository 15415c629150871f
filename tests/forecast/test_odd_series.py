"""Constant and newly launched series in a panel: they do not change what is said of the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.forecast.data import read_panel
from kerazoo.forecast.panel_fitting import fit_panel
from tests.forecast.helpers import tiny

STATISTICS = {"transforms": "auto", "epochs": 0, "lookback": None, "horizon": 6, "period": 1}


def noise(level, size, length=60, seed=0):
    return level + size * np.random.default_rng(seed).normal(size=length)


def panel(**columns):
    return pd.DataFrame(columns, pd.date_range("2015-01-01", periods=60, freq="MS"))


def bounds(y, name):
    found = tiny(**STATISTICS).fit(y).predict(level=95)[name]
    return found["lower_95"].to_numpy(), found["upper_95"].to_numpy()


@pytest.fixture(scope="module")
def alone():
    """The bounds of the same statistics of the series alone (a `Forecaster` of one series has others)."""
    y = panel(old=noise(100, 7))
    series = read_panel(y)
    fitted = fit_panel(series, tiny(**STATISTICS).validate(y), None)
    found = fitted.forecast(series, [np.empty((6, 0))], 6, [0.95])
    low, high = found["lower_95"][0], found["upper_95"][0]
    assert 60 < low.min() < high.max() < 140
    return low, high


@pytest.mark.parametrize(
    ("other", "most"),
    [
        (np.concatenate([np.zeros(42), noise(5000, 350, 18, seed=1)]), 1.5),
        pytest.param(np.full(60, 0.02), 1.1, marks=pytest.mark.slow),
        # The chains and the growth of errors with the horizon are common to all series of a panel.
        pytest.param(np.concatenate([noise(5000, 350, 50, seed=1), np.zeros(10)]), 2.5, marks=pytest.mark.slow),
        pytest.param(np.zeros(60), 1.1, marks=pytest.mark.slow),
    ],
    ids=["launched", "constant", "ended", "zeros"],
)
def test_an_odd_series_leaves_the_intervals_of_the_others_nearly_as_they_are_alone(alone, other, most):
    low, high = bounds(panel(old=noise(100, 7), new=other), "old")
    widths = (high - low) / (alone[1] - alone[0])
    assert 1 / most < widths.min() <= widths.max() < most
    np.testing.assert_allclose(high + low, alone[1] + alone[0], rtol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-6, 1e3])
def test_bounds_scale_with_the_unit_of_each_series(uncompiled, factor):
    y = panel(one=noise(100, 7), constant=np.full(60, 0.02), other=noise(3, 1, seed=2))
    before = tiny(**STATISTICS).fit(y).predict(level=[80, 95])
    after = tiny(**STATISTICS).fit(y.assign(other=y["other"] * factor, constant=factor)).predict(level=[80, 95])
    np.testing.assert_allclose(after["other"], factor * before["other"], rtol=1e-3)
    np.testing.assert_allclose(after["one"], before["one"], rtol=1e-3)
    np.testing.assert_allclose(before["constant"], 0.02, rtol=1e-6)
    np.testing.assert_allclose(after["constant"], factor, rtol=1e-6)
