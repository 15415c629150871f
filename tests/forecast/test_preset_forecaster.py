"""`Forecaster(model="preset:NAME")`: a network that is trained already, beside the statistics."""

from __future__ import annotations

import copy
import dataclasses
import itertools

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from kerazoo import Forecaster, datasets
from kerazoo._presets import read_preset, write_preset
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast.preset_options import MADE
from kerazoo.forecast.presets import load_forecaster

pytestmark = pytest.mark.backend
MODEL = "preset:forecast_small"
SETTINGS = {"model": MODEL, "horizon": 4, "verbose": 0, "seed": 1}


def quarters(n=6, steps=48, seed=0):
    rng = np.random.default_rng(seed)
    season = np.exp(0.3 * rng.normal(size=(4, n)))
    walk = np.exp(0.03 * rng.normal(size=(steps, n)).cumsum(axis=0))
    index = pd.period_range("2000Q1", periods=steps, freq="Q")
    return pd.DataFrame(100 * walk * season[np.arange(steps) % 4], index, [f"s{place}" for place in range(n)])


def test_a_single_series_is_forecast_without_training():
    milk = datasets.milk()
    forecaster = Forecaster(MODEL, horizon=12, verbose=0, seed=1).fit(milk[:-12])
    assert forecaster.best_epoch_ == 0
    assert forecaster.history_ == {"loss": []}
    assert forecaster.correction_weight_.shape == (12,)
    assert (forecaster.correction_weight_ > 0.2).all()
    found = forecaster.predict(level=[80, 95])
    assert np.abs(found["forecast"] / milk[-12:] - 1).max() < 0.06
    assert (found["lower_95"] < found["lower_80"]).all()
    assert ((found["lower_95"] < milk[-12:]) & (milk[-12:] < found["upper_95"])).mean() > 0.7


@pytest.fixture(scope="module")
def fitted():
    y = quarters()
    return Forecaster(**SETTINGS).fit(y[:-4]), y


def test_files_and_copies_forecast_the_same(fitted, tmp_path):
    forecaster, _ = fitted
    forecaster.save(tmp_path / "quarters")
    for again in (Forecaster.load(tmp_path / "quarters"), copy.deepcopy(forecaster)):
        pd.testing.assert_frame_equal(again.predict(level=80), forecaster.predict(level=80))
        assert again.get_params()["model"] == MODEL


def test_updates_other_series_and_longer_horizons(fitted):
    forecaster, y = fitted
    longer = copy.deepcopy(forecaster).update(y[-4:])
    assert longer.predict().index[0] == y.index[-1] + 1
    pd.testing.assert_frame_equal(forecaster.predict(40)[:4], forecaster.predict())
    assert np.isfinite(forecaster.predict(40)).all(axis=None)
    new = quarters(2, 30, seed=5).add_prefix("new ")
    found = forecaster.predict(history=new)
    alone = Forecaster(**SETTINGS).fit(new).predict()
    assert np.abs(found / alone - 1).max(axis=None) < 0.2


def test_weights_are_measured_or_equal(fitted):
    y = quarters()
    assert (Forecaster(**SETTINGS).fit(y, val=0).correction_weight_ == 0.5).all()
    # A series that is not longer than the horizon tells no weight.
    for steps in (2, 4):
        short = Forecaster(**SETTINGS).fit(y[:steps])
        assert (short.correction_weight_ == 0.5).all()
        pd.testing.assert_frame_equal(
            short.predict(level=80), Forecaster(**SETTINGS).fit(y[:steps], val=0).predict(level=80)
        )
    np.testing.assert_array_equal(Forecaster(**SETTINGS, epochs=0).fit(y).correction_weight_, 0.0)
    rng = np.random.default_rng(2)
    noise = pd.DataFrame(rng.normal(size=(60, 5)), pd.period_range("1950", periods=60, freq="Y"))
    assert np.isfinite(Forecaster(**SETTINGS).fit(noise).predict()).all(axis=None)


def test_changes_of_any_size_have_forecasts_of_that_size(tmp_path):
    y = quarters(1)["s0"]
    found = Forecaster(**SETTINGS).fit(1e8 + y, val=0)
    found.save(tmp_path / "large")
    for forecaster in (found, Forecaster.load(tmp_path / "large")):
        bounds = forecaster.predict(9, history=1e8 + y[:40], level=95) - 1e8
        assert (bounds > y.min() - 5 * np.ptp(y)).all(axis=None)
        assert (bounds < y.max() + 5 * np.ptp(y)).all(axis=None)


@pytest.mark.parametrize("y", [[3.0], [1.0, 2.0], [5.0] * 30, [0.0] * 12 + [7.0]])
def test_short_and_odd_series(y):
    found = Forecaster(MODEL, horizon=30, verbose=0).fit(np.array(y)).predict()
    assert np.isfinite(found).all()
    assert found.shape == (30,)


def test_levels_are_those_that_the_network_has_learned(tmp_path):
    preset = read_preset("forecast_small")
    spec, weights = dict(preset.spec), list(preset.weights)
    kept = slice(1, -1)  # without the lowest and the highest quantile of each step
    size = len(weights) // preset.settings["n_members"]
    for place in [size * (member + 1) - back for member in range(preset.settings["n_members"]) for back in (1, 2)]:
        shape = (*weights[place].shape[:-1], 24, 9)
        weights[place] = weights[place].reshape(shape)[..., kept].reshape(*shape[:-2], -1)
    settings = {**preset.settings, "levels": preset.settings["levels"][kept]}
    path = tmp_path / "own.safetensors"
    write_preset(path, {**spec, "outputs": 7}, weights, settings, {})
    forecaster = Forecaster(f"preset:{path}", horizon=4, verbose=0).fit(quarters(), val=0)
    assert np.isfinite(forecaster.predict(level=[50, 80])).all(axis=None)
    with pytest.raises(IntervalError, match="level=95 with networks of quantiles; expected at most 80"):
        forecaster.predict(level=95)
    assert forecaster.plot_forecast(series="s0") is not None  # with the levels that there are


@pytest.mark.parametrize("factor", [0.02, 0.5, 30.0])
def test_bounds_of_positive_series_stay_positive_and_around_the_forecast(fitted, factor):
    """However much the forecast differs from that of the network."""
    state = fitted[0]._fitted
    changed = dataclasses.replace(state, forecasts=factor * state.forecasts)
    nothing = [np.zeros((4, 0))] * 6
    columns = {
        label: np.array(found) for label, found in changed.forecast(state.panel, nothing, 4, [0.8, 0.95]).items()
    }
    names = ["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]
    assert (columns["lower_95"] > 0).all()
    for low, high in itertools.pairwise(names):
        assert (columns[low] <= columns[high]).all()
    # Relative widths are those of the network, whatever the forecast is.
    usual = state.forecast(state.panel, nothing, 4, [0.8])
    for label in ("lower_80", "upper_80"):
        np.testing.assert_allclose(columns[label] / columns["forecast"], np.array(usual[label]) / usual["forecast"])


def test_bounds_of_other_series_are_moved_and_obey_the_floor():
    y = quarters(2) - 100
    y[y.abs() < 1] = 1.0
    state = Forecaster(**SETTINGS).fit(y, val=0)._fitted
    nothing = [np.zeros((4, 0))] * 2
    one, other = (
        dataclasses.replace(state, forecasts=state.forecasts + shift).forecast(state.panel, nothing, 4, [0.8])
        for shift in (0.0, 500.0)
    )
    for label, found in one.items():
        np.testing.assert_allclose(np.array(other[label]) - found, 500.0)
    least = float(np.median(one["forecast"]))
    floored = dataclasses.replace(state, floor=least).forecast(state.panel, nothing, 4, [0.8])
    for label, found in one.items():
        np.testing.assert_array_equal(floored[label], np.maximum(found, least))


def test_possible_levels_are_those_that_raise_no_error(fitted):
    used = fitted[0]._fitted
    y = quarters()
    without = dataclasses.replace(used, nets=(), net_weights=np.zeros(4))  # where the measured weight is 0
    states = {
        "used": used,
        "without": without,
        "nothing held out": Forecaster(**SETTINGS).fit(y, val=0)._fitted,
        "nothing at all": dataclasses.replace(without, intervals=None),
        "statistics": Forecaster(**SETTINGS, epochs=0).fit(y)._fitted,
    }
    levels = (0.01, 0.5, 0.8, 0.9, 0.95, 0.96, 0.99, 0.999)
    for name, state in states.items():
        possible = state.possible_levels(levels)
        for level in levels:
            wanted = state.panel, [np.zeros((4, 0))] * 6, 4, [level]
            if level in possible:
                assert len(state.forecast(*wanted)) == 3, name
                continue
            with pytest.raises(IntervalError, match=r"expected (at most 95|at least \d+|level=None)") as raised:
                state.forecast(*wanted)
            trains = not state.nets and state.intervals is not None
            assert ("loss='normal'" in str(raised.value)) == trains, name
    assert used.possible_levels(levels)[-1] == 0.95


@pytest.mark.parametrize("factor", [1e-300, 1e-307, 1e-312])
def test_the_smallest_numbers_have_forecasts_of_their_size(factor):
    y = factor * quarters(2)
    for epochs in (40, 0):
        found = Forecaster(**SETTINGS, epochs=epochs).fit(y).predict(level=80)
        assert np.isfinite(found).all(axis=None)
        assert (found.xs("forecast", axis=1, level=-1) > y.min(axis=None) / 5).all(axis=None)
        assert (found < 5 * y.max(axis=None)).all(axis=None)


def test_generate_says_what_it_needs(fitted):
    with pytest.raises(InvalidArgumentError, match=r"generate\(\) without chains of transforms.*predict"):
        Forecaster(**SETTINGS).fit(quarters(1)["s0"], val=0).generate(3)


def test_linear_effects_of_covariates_are_taken_out():
    y = quarters()
    x = pd.DataFrame({"offer": np.random.default_rng(1).integers(0, 2, len(y)).astype(float)}, y.index)
    sold = y.mul(1 + 0.5 * x["offer"], axis=0)
    forecaster = Forecaster(**SETTINGS).fit(sold[:-4], x[:-4])
    assert set(forecaster.covariate_effects_["form"]) == {"multiplicative"}
    found = [forecaster.predict(X_future=x[-4:] * 0 + offer).to_numpy() for offer in (0.0, 1.0)]
    np.testing.assert_allclose(found[1] / found[0], 1.5, rtol=0.1)


def test_what_a_trained_network_does_not_know_is_refused():
    y = quarters()
    for name, value in [("loss", "mae"), ("strategy", "recursive"), ("lookback", 9), ("n_members", 3),
                        ("embed_ids", True), ("calendar", ("month",)), ("calendar", np.array(["month"])),
                        ("transforms", "log"), ("epochs", 5), ("epochs", -1), ("steps_per_epoch", 3),
                        ("batch_size", 8), ("learning_rate", 0.1), ("patience", 2),
                        ("callbacks", keras.callbacks.TerminateOnNaN())]:  # fmt: skip
        with pytest.raises(InvalidArgumentError, match=rf"model='preset:forecast_small' with .*{name}.*expected"):
            Forecaster(**SETTINGS, **{name: value}).fit(y)
    with pytest.raises(InvalidArgumentError, match=r"X_past or static \(rain\); expected none"):
        Forecaster(**SETTINGS).fit(y, X_past=pd.Series(np.arange(48.0), y.index, name="rain"))
    with pytest.raises(InvalidArgumentError, match=r"preset='forecast_big'; expected one of 'forecast_small'"):
        Forecaster("preset:forecast_big").fit(y)


def test_what_is_refused_is_what_differs_from_the_defaults():
    defaults = Forecaster().get_params()
    assert {name: allowed[0] for name, allowed in MADE.items()} == {name: defaults[name] for name in MADE}
    with pytest.raises(InvalidArgumentError, match=r"epochs=9; expected the default, 40, or 0 for statistics alone"):
        Forecaster(**SETTINGS, epochs=9).validate(quarters())
    for same in (clone(Forecaster(**SETTINGS)), Forecaster(**Forecaster(**SETTINGS, callbacks=[]).get_params())):
        assert same.validate(quarters()).preset == "forecast_small"


def test_names_without_preset_and_plots_without_training_say_what_to_do(fitted):
    y = quarters()
    with pytest.raises(InvalidArgumentError, match="is a preset; expected model='preset:forecast_small'"):
        Forecaster("forecast_small").fit(y)
    with pytest.raises(InvalidArgumentError, match="PresetForecaster; expected its name"):
        Forecaster(load_forecaster()).fit(y)
    for forecaster in (fitted[0], Forecaster(horizon=4, epochs=0, verbose=0).fit(y)):
        with pytest.raises(InvalidArgumentError, match=r"plot_history\(\) of a forecaster without a training"):
            forecaster.plot_history()
