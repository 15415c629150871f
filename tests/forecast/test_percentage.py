"""`loss="mape"`: forecasts of statistics and networks for the least percentage error."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets import forecast
from kerazoo.forecast.percentage import percentage_factors
from kerazoo.forecast.statistics import combine, fit_statistics

H = 4
ALONE = {"horizon": H, "period": 1, "epochs": 0, "verbose": 0}


def skewed(n=80, steps=40, seed=0):
    """Series of a level with lognormal noise, whose standard deviation rises from one series to the next."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(steps, n)) * np.linspace(0.1, 0.7, n)
    return pd.DataFrame(100 * np.exp(noise), pd.period_range("1960", periods=steps, freq="Y"))


def mape(forecast, truth):
    return float((np.abs(forecast - truth) / truth).to_numpy().mean())


def test_statistics_have_a_lower_percentage_error():
    y = skewed()
    usual, lower = (Forecaster(**ALONE, loss=loss).fit(y[:-H]).predict() for loss in (None, "mape"))
    ratio = (lower / usual).to_numpy()
    assert (ratio < 1).all()
    assert ratio[:, -20:].mean() < 0.9 < 0.97 < ratio[:, :10].mean()  # noisy series, and quiet ones
    assert mape(lower, y[-H:]) < 0.95 * mape(usual, y[-H:])


def test_factors_follow_the_deviation_of_each_series():
    y = skewed(60, 200).to_numpy().T
    found = fit_statistics(y, horizon=H, n_origins=18)
    factors, of_panel = percentage_factors(found, combine(found, rolled=True))
    deviations = np.minimum(np.linspace(0.1, 0.7, 60), 0.5)
    expected = np.exp(-0.5 * deviations**2)
    assert np.abs(factors.mean(axis=1) - expected).max() < 0.05
    assert factors.min(axis=0) == pytest.approx(np.exp(-0.5 * 0.25), abs=1e-9)
    assert np.abs(of_panel - np.exp(-0.5 * 0.4**2)).max() < 0.02


@pytest.mark.parametrize("y", [np.zeros((3, 20)), np.full((2, 20), 7.0), -np.ones((2, 20)) * np.arange(1, 21), [[4.0]]])
def test_without_positive_errors_factors_are_one(y):
    found = fit_statistics(y, horizon=H)
    factors, of_panel = percentage_factors(found, combine(found, rolled=True))
    np.testing.assert_array_equal(factors, 1.0)
    np.testing.assert_array_equal(of_panel, 1.0)


def test_files_copies_updates_and_other_series_keep_the_factors(tmp_path):
    y = skewed()
    forecaster = Forecaster(**ALONE, loss="mape").fit(y[:-1])
    expected = forecaster.predict()
    forecaster.save(tmp_path / "skewed")
    for again in (Forecaster.load(tmp_path / "skewed"), copy.deepcopy(forecaster)):
        pd.testing.assert_frame_equal(again.predict(), expected)
    longer = forecaster.predict(2 * H)
    pd.testing.assert_frame_equal(longer[:H], expected)
    usual = Forecaster(**ALONE).fit(y[:-1])
    ratios = longer[H:].to_numpy() / usual.predict(2 * H)[H:].to_numpy()
    np.testing.assert_allclose(ratios, np.tile((expected / usual.predict()).to_numpy()[-1], (H, 1)))
    new = skewed(2, seed=5).rename(columns=lambda name: f"new {name}")
    other = forecaster.predict(history=new).to_numpy() / usual.predict(history=new).to_numpy()
    np.testing.assert_allclose(other[:, 0], other[:, 1])
    assert (other < 0.97).all()
    updated = copy.deepcopy(forecaster).update(y[-1:]).predict() / copy.deepcopy(usual).update(y[-1:]).predict()
    np.testing.assert_allclose(updated, expected / usual.predict(), rtol=1e-6)


def test_bounds_hold_as_many_values_as_they_say():
    y = skewed(300)
    found = Forecaster(**ALONE, loss="mape").fit(y[:-H]).predict(level=80)
    lower, upper = (found.xs(f"{side}_80", axis=1, level=-1).to_numpy() for side in ("lower", "upper"))
    inside = (lower <= y[-H:].to_numpy()) & (y[-H:].to_numpy() <= upper)
    assert 0.72 < inside.mean() < 0.9


@pytest.mark.backend
def test_networks_forecast_lower_than_those_of_symmetric_errors():
    y = pd.DataFrame(100 * np.exp(0.6 * np.random.default_rng(1).normal(size=(60, 30))))
    settings = {"model": "gru_1x8", "horizon": H, "period": 1, "n_members": 1, "epochs": 2, "steps_per_epoch": 100,
                "learning_rate": 1e-2, "lookback": 8, "seed": 1, "verbose": 0}  # fmt: skip
    means = {}
    for loss in ("bounded", "mape"):
        net = Forecaster(**settings, loss=loss).fit(y, val=0)._fitted.nets[0]
        means[loss] = float(np.log(forecast(net, y.to_numpy().T)).mean())
    # exp(-s^2) for independent values of deviation s, if the networks have found that they are independent.
    assert -0.55 < means["mape"] - means["bounded"] < -0.15


def test_values_below_zero_are_refused_and_zeros_are_not():
    y = skewed(3)
    zeros = y.copy()
    zeros.iloc[5, 1] = 0.0
    assert np.isfinite(Forecaster(**ALONE, loss="mape").fit(zeros).predict()).all(axis=None)
    zeros.iloc[5, 1] = -2.0
    with pytest.raises(InvalidArgumentError, match=r"loss='mape', but series 1 is -2 at 1965; expected values >= 0"):
        Forecaster(**ALONE, loss="mape").fit(zeros)
    forecaster = Forecaster(**ALONE, loss="mape").fit(y)
    with pytest.raises(InvalidArgumentError, match=r"loss='mape', but series 1 is -2 at 1965"):
        forecaster.predict(history=zeros)
    with pytest.raises(InvalidArgumentError, match=r"loss='mape', but series 0 is -1 at 2000"):
        forecaster.update(pd.DataFrame(-np.ones((1, 3)), pd.period_range("2000", periods=1, freq="Y")))


@pytest.mark.parametrize("positive", [True, False])
def test_effects_of_covariates_leave_percentages(positive):
    rng = np.random.default_rng(2)
    y = skewed(10)
    x = pd.DataFrame({"offer": rng.integers(0, 2, len(y)).astype(float)}, y.index)
    y = y.mul(1 + x["offer"], axis=0)
    if not positive:
        y.iloc[3, 2] = 0.0
    forecaster = Forecaster(**ALONE, loss="mape").fit(y, x)
    forms = set(forecaster.covariate_effects_["form"])
    assert forms == {"multiplicative"} if positive else forms <= {"additive", "none"}
    is_one = (forecaster._fitted.factors == 1).all()
    assert is_one == (forms == {"additive"})
    later = x[-H:].set_axis(pd.period_range("2000", periods=H, freq="Y"))
    assert np.isfinite(forecaster.predict(H, later)).all(axis=None)
