"""Several series without networks (`epochs=0`): compiled statistics, with weights by series."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast.statistics import combine, fit_statistics

H = 6


def panel(n=5, steps=60, seed=0):
    """Monthly series with a season and a trend, of several sizes and lengths: a long frame."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(n):
        t = np.arange(steps - 7 * (number % 5))
        y = 10.0 ** (number % 5) * (20 + 0.1 * t + 3 * np.sin(t * np.pi / 6 + number) + rng.normal(0, 0.5, len(t)))
        dates = pd.date_range(end="2020-12-01", periods=len(t), freq="MS")
        frames.append(pd.DataFrame({"unique_id": f"s{number}", "ds": dates, "y": y}))
    return pd.concat(frames, ignore_index=True)


def made(y=None, **changes):
    return Forecaster(epochs=0, horizon=H, seed=1, verbose=0, **changes).fit(panel() if y is None else y)


def test_the_forecasts_are_those_of_the_statistics():
    y = panel()
    forecaster = made(y)
    series = [each.to_numpy() for _, each in y.groupby("unique_id")["y"]]
    expected = combine(fit_statistics(series, 12, H, n_origins=1 + (forecaster.n_held_ - H) // (H // 3)))
    found = forecaster.predict()
    np.testing.assert_allclose(found["forecast"].to_numpy().reshape(len(series), H), expected)
    np.testing.assert_allclose(forecaster.statistics_.sum(axis=1), 1.0)
    assert list(forecaster.statistics_.index) == [f"s{number}" for number in range(5)]
    assert forecaster.transforms_ == []
    assert forecaster.period_ == 12
    assert forecaster.best_epoch_ == 0


@pytest.mark.parametrize("horizon", [1, H, 3 * H])
def test_a_forecast_of_any_length_with_bounds(horizon):
    forecaster = made()
    found = forecaster.predict(horizon, level=[80, 95])
    assert len(found) == 5 * horizon
    assert np.isfinite(found.drop(columns=["unique_id", "ds"])).all(axis=None)
    assert (found["lower_95"] <= found["lower_80"]).all()
    assert (found["upper_80"] <= found["upper_95"]).all()
    short = forecaster.predict().groupby("unique_id").head(min(horizon, H))
    np.testing.assert_array_equal(found.groupby("unique_id").head(min(horizon, H))["forecast"], short["forecast"])


def test_bounds_cover_what_they_say():
    """80 % intervals of series that the statistics describe hold about that much."""
    y = panel(n=40, steps=360, seed=3)
    known = y[y["ds"] < "2020-07-01"]
    truth = y[y["ds"] >= "2020-07-01"]
    found = made(known).predict(level=[80]).merge(truth, on=["unique_id", "ds"])
    covered = found["y"].between(found["lower_80"], found["upper_80"]).mean()
    assert len(found) == 40 * H
    assert 0.68 < covered < 0.92


def test_units_scale_forecasts_and_bounds():
    y = panel()
    thousandfold = y.assign(y=1000 * y["y"])
    one, other = made(y).predict(level=80), made(thousandfold).predict(level=80)
    for column in ("forecast", "lower_80", "upper_80"):
        np.testing.assert_allclose(1000 * one[column], other[column], rtol=1e-6)


def test_a_history_is_forecast_with_the_weights_of_the_fit():
    y = panel()
    forecaster = made(y)
    shorter = y.groupby("unique_id", group_keys=False).head(20)
    found = forecaster.predict(history=shorter)
    assert len(found) == 5 * H
    assert np.isfinite(found["forecast"]).all()
    np.testing.assert_array_equal(forecaster.predict(history=y)["forecast"], forecaster.predict()["forecast"])
    longer = y.assign(y=y["y"] * (1 + 1e-12))
    again = forecaster.predict(history=longer)
    np.testing.assert_allclose(again["forecast"], forecaster.predict()["forecast"], rtol=0.02)


def test_fitted_values_are_one_step_forecasts():
    y = panel()
    fitted = made(y).fitted_values()
    errors = (fitted["y"] if "y" in fitted else fitted.iloc[:, -1]).to_numpy() - y["y"].to_numpy()
    assert np.isfinite(errors).mean() > 0.9
    for _, rows in y.groupby("unique_id"):
        of_series = errors[rows.index]
        naive = np.abs(np.diff(rows["y"])).mean()
        assert np.nanmean(np.abs(of_series)) < naive


def test_short_and_odd_series_never_stop_the_panel():
    dates = pd.date_range("2015-01-01", periods=60, freq="MS")
    values = {
        "one": [3.0], "two": [1.0, 2.0], "zeros": np.zeros(30), "constant": np.full(40, 7.0),
        "launched": np.r_[np.zeros(40), 100 + np.arange(20.0)], "usual": 10 + np.sin(np.arange(60.0)),
    }  # fmt: skip
    y = pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": dates[-len(each) :], "y": each}) for name, each in values.items()]
    )
    found = made(y).predict(level=80)
    assert np.isfinite(found.drop(columns=["unique_id", "ds"])).all(axis=None)
    usual = found[found["unique_id"] == "usual"]
    assert (usual["upper_80"] - usual["lower_80"] < 10).all()


@pytest.mark.parametrize("copied", ["saved", "pickled", "copied"])
def test_copies_forecast_the_same(copied, tmp_path):
    forecaster = made(floor=0)
    if copied == "saved":
        forecaster.save(tmp_path / "panel.kerazoo")
        other = Forecaster.load(tmp_path / "panel.kerazoo")
    else:
        other = pickle.loads(pickle.dumps(forecaster)) if copied == "pickled" else copy.deepcopy(forecaster)
    pd.testing.assert_frame_equal(forecaster.predict(9, level=80), other.predict(9, level=80))
    pd.testing.assert_frame_equal(forecaster.statistics_, other.statistics_)


def test_a_floor_holds_for_forecasts_and_bounds():
    rng = np.random.default_rng(1)
    y = pd.DataFrame(rng.poisson(0.4, (50, 4)).astype(float), pd.date_range("2018", periods=50, freq="MS"))
    found = made(y, floor=0).predict(H, level=95)
    assert found.to_numpy().min() == 0


def test_a_backtest_of_several_series():
    for refit in ("fresh", False):
        scores = Forecaster(epochs=0, horizon=H, verbose=0).cross_validation(panel(), n_windows=2, refit=refit)
        means = scores.groupby("model")["mase"].mean()
        assert means["forecaster"] < means["naive"]
        assert set(scores.columns) >= {"coverage_80", "coverage_95"}


def test_without_held_out_steps_there_are_no_intervals():
    forecaster = Forecaster(epochs=0, horizon=H, verbose=0).fit(panel(), val=0)
    assert forecaster.n_held_ == 0
    assert len(forecaster.predict()) == 5 * H
    with pytest.raises(IntervalError, match=r"no steps were held out.*val > 0"):
        forecaster.predict(level=80)
    assert Forecaster(epochs=0, horizon=H, verbose=0).fit(panel(), val=10).n_held_ == 10


def test_there_are_no_networks_to_generate_from():
    with pytest.raises(InvalidArgumentError, match=r"generate\(\) without chains of transforms.*; expected"):
        made().generate()


def test_plots_draw_one_of_the_series():
    axes = made().plot_forecast(series="s2")
    assert len(axes.lines) >= 2


def test_given_transforms_are_used():
    y = panel(n=2, steps=40)
    settings = {"epochs": 0, "horizon": H, "verbose": 0, "seed": 1, "steps_per_epoch": 1, "model": "rnn_1x2"}
    forecaster = Forecaster(**settings, transforms=["difference"]).fit(y)
    assert forecaster.statistics_.shape[1] == 0
    assert forecaster.transforms_


def test_as_many_steps_as_the_series_have_cannot_be_held_out():
    with pytest.raises(InvalidArgumentError, match=r"val=58 .*longest series has 60 .*val=57 would leave"):
        made_with_val(58)
    assert np.isfinite(made_with_val(57).predict(level=80)["upper_80"]).all()


def made_with_val(val):
    return Forecaster(epochs=0, horizon=H, verbose=0).fit(panel(), val=val)
