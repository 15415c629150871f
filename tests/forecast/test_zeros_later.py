"""Values that a selected logarithm refuses, after the part that was fitted: zeros and negative values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import covariates, tiny

STATISTICS = {"transforms": "auto", "epochs": 0, "lookback": None, "horizon": 4}


def growth(length=60):
    t = np.arange(length)
    y = np.exp(2 + 0.04 * t + 0.4 * np.sin(2 * np.pi * t / 12) + 0.02 * np.random.default_rng(0).normal(size=length))
    return pd.Series(y, pd.date_range("2015-01-01", periods=length, freq="MS"))


def ended(value=0.0):
    y = growth()
    y.iloc[-4:] = value
    return y


@pytest.fixture(scope="module")
def fitted():
    made = tiny(**STATISTICS).fit(growth()[:-4])
    assert all(any(part["name"] == "log" for part in configs) for configs, _ in made.transforms_)
    return made


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_history_with_zeros_is_forecast(uncompiled, fitted, value, tmp_path):
    before = fitted.predict(4, level=80)
    found = fitted.predict(4, level=80, history=ended(value))
    assert np.isfinite(found.to_numpy()).all()
    assert (found["forecast"].to_numpy() < before["forecast"].to_numpy()).all()  # it starts from the zeros
    assert np.isfinite(fitted.fitted_values(ended(value))[-20:]).all()
    fitted.save(tmp_path / "fitted")
    again = Forecaster.load(tmp_path / "fitted")
    pd.testing.assert_frame_equal(again.predict(4, level=80, history=ended(value)), found)
    pd.testing.assert_frame_equal(fitted.predict(4, level=80), before)  # the fitted models stay


@pytest.mark.slow
def test_a_backtest_does_not_end_at_zeros(uncompiled):
    scores = tiny(**STATISTICS).cross_validation(ended(), n_windows=3, refit=False)
    assert np.isfinite(scores["rmse"]).all()


@pytest.mark.slow
def test_covariates_and_sampled_paths(uncompiled):
    X = covariates(60)
    made = tiny(**STATISTICS, loss="normal").fit(growth()[:-4], X=X[:-4])
    found = made.predict(4, covariates(4, 60), level=80, history=ended(), history_X=X)
    assert np.isfinite(found.to_numpy()).all()


@pytest.mark.slow
def test_a_logarithm_of_the_user_is_an_error(uncompiled):
    made = tiny(**{**STATISTICS, "transforms": ["log", "difference"]}).fit(growth()[:-4])
    with pytest.raises(InvalidArgumentError, match=r"y=0 at 2019-09-01.*expected values > 0"):
        made.predict(4, history=ended())
