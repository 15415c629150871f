"""By default a preset forecasts beside the statistics, and beside networks that are trained on many series."""

from __future__ import annotations

import signal

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster, datasets
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import preset_options
from kerazoo.forecast.data import read_panel
from kerazoo.forecast.mixture import share_beside
from kerazoo.forecast.panel_nets import PresetNet
from kerazoo.forecast.transforms.per_day import PerDay

MONTHS = pd.date_range("2015-01", periods=72, freq="MS")


def panel(n_series, seed=0):
    """Monthly sales with a trend, a season and noise."""
    rng = np.random.default_rng(seed)
    steps = np.arange(72)
    season = 0.3 * np.sin(2 * np.pi * (steps[:, None] + rng.integers(0, 12, n_series)) / 12)
    noise = 0.15 * rng.standard_normal((72, n_series)).cumsum(axis=0) * rng.uniform(0.2, 1.0, n_series)
    columns = [f"s{number}" for number in range(n_series)]
    return pd.DataFrame(100 * np.exp(0.005 * steps[:, None] + season + noise), MONTHS, columns)


def test_one_series_is_forecast_by_chains_statistics_and_preset():
    milk = datasets.milk()
    made = Forecaster(horizon=12, verbose=0).fit(milk)
    assert (made.statistics_weight_, made.preset_weight_) == (pytest.approx(0.4), pytest.approx(0.2))
    assert (made.history_, made.correction_weight_) == ({}, 0.0)
    alone = Forecaster(horizon=12, epochs=0, verbose=0).fit(milk)
    assert (alone.statistics_weight_, alone.preset_weight_) == (0.5, 0.0)
    days = PerDay().fit(milk, milk.index)
    lengths = [days.relative_length(index) for index in (milk.index, made.predict().index)]
    preset = made._fitted.mixed_with.preset.forecast([milk.to_numpy(float) / lengths[0]], 12)[0] * lengths[1]
    # The statistics and chains of both are equal: .4 c + .4 s + .2 p = .8 (c + s) / 2 + .2 p.
    np.testing.assert_allclose(made.predict(), 0.8 * alone.predict() + 0.2 * preset, rtol=1e-12)


def test_one_series_has_networks_when_something_is_said_about_them():
    milk = datasets.milk()[:60]
    made = Forecaster(horizon=4, seed=1, verbose=0, n_members=1, epochs=1, steps_per_epoch=1).fit(milk)
    assert made.preset_weight_ == 0.0
    assert len(made.history_["loss"]) == 1
    by_default = Forecaster(horizon=4, verbose=0).validate(milk)
    assert (by_default.epochs, by_default.beside) == (0, "forecast_small")
    for changes in ({"n_members": 1}, {"epochs": 1}, {"lookback": 8}, {"strategy": "direct"}):
        settings = Forecaster(horizon=4, verbose=0, **changes).validate(milk)
        assert settings.epochs > 0, changes
        assert (settings.preset, settings.beside) == (None, None), changes


def test_a_series_without_noise_stays_exact():
    steps = np.arange(60.0)
    for y in (3 * steps + 5, np.tile([1.0, 5.0, 2.0, 8.0], 15)):
        made = Forecaster(horizon=8, period=4, verbose=0).fit(y[:-8])
        np.testing.assert_allclose(made.predict(), y[-8:], rtol=1e-6)


def test_few_series_train_nothing():
    y = panel(3)
    made = Forecaster(horizon=6, verbose=0).fit(y.iloc[:-6])
    assert made.history_ == {"loss": []}
    np.testing.assert_array_equal(made.preset_weight_, made.correction_weight_)
    assert (made.preset_weight_ > 0).any()
    found = made.predict(level=[80, 95])  # of held-out errors
    for name in y:
        of_series = found[name]
        assert (of_series["lower_95"] < of_series["lower_80"]).all()
        assert (of_series["lower_80"] < of_series["forecast"]).all()


@pytest.fixture(scope="module")
def many():
    """A forecaster of series that are enough to train on, and the series."""
    y = panel(24)
    return Forecaster(horizon=6, n_members=1, epochs=1, seed=1, verbose=0).fit(y.iloc[:-6]), y


@pytest.mark.backend
def test_many_series_have_both(many):
    made, y = many
    trained, preset = made._fitted.nets
    assert isinstance(preset, PresetNet)
    assert made._fitted.shares == (pytest.approx(share_beside(24)), pytest.approx(1 - share_beside(24)))
    assert len(made.history_["loss"]) == 2  # for validation, and on all values
    weight = made.correction_weight_
    np.testing.assert_allclose(made.preset_weight_, weight * (1 - share_beside(24)))
    values = [y[name].to_numpy()[:-6] for name in y]
    from kerazoo.forecast.global_nets import forecast

    networks = share_beside(24) * forecast(trained, values, 6) + (1 - share_beside(24)) * preset.forecast(values, 6)
    alone = Forecaster(horizon=6, epochs=0, verbose=0).fit(y.iloc[:-6])
    expected = (1 - weight) * alone.predict().to_numpy().T + weight * networks
    np.testing.assert_allclose(made.predict().to_numpy().T, expected, rtol=1e-6)


@pytest.mark.backend
def test_files_history_and_updates_have_both(many, tmp_path):
    made, y = many
    made.save(tmp_path / "forecaster")
    again = Forecaster.load(tmp_path / "forecaster")
    pd.testing.assert_frame_equal(again.predict(9, level=80), made.predict(9, level=80))
    np.testing.assert_array_equal(again.preset_weight_, made.preset_weight_)
    other = panel(2, seed=9)
    found = again.predict(history=other)
    assert np.isfinite(found).all(axis=None)
    assert (np.abs(np.log(found / other.iloc[-1])) < 2).all(axis=None)
    later = again.update(y.iloc[-6:]).predict()
    pd.testing.assert_frame_equal(later, made.predict(history=y), rtol=1e-6)


@pytest.mark.backend
def test_networks_of_many_series_start_from_the_preset(monkeypatch, tmp_path):
    monkeypatch.setattr(preset_options, "FINE_TUNE_STEPS", 3)
    y = panel(20)
    made = Forecaster(horizon=6, seed=1, verbose=0).fit(y, val=0)
    tuned, preset = made._fitted.nets
    assert (tuned.tuned, preset.tuned) == (True, False)
    net = tuned.as_global_net()
    assert net.steps == (3,) * len(net.weights)
    assert len(made.history_["loss"]) == len(net.weights)
    np.testing.assert_allclose(made.correction_weight_, 0.55)  # .5 + .1 S / (S + 20)
    np.testing.assert_allclose(made.preset_weight_, 0.55 * (1 - share_beside(20)))
    made.save(tmp_path / "forecaster")
    again = Forecaster.load(tmp_path / "forecaster")
    pd.testing.assert_frame_equal(again.predict(9), made.predict(9), rtol=1e-4)
    np.testing.assert_array_equal(again.preset_weight_, made.preset_weight_)
    assert Forecaster(horizon=6, verbose=0).validate(panel(19)).fine_tune == 0
    with_static = read_panel(y, static=pd.DataFrame({"area": np.arange(20.0)}, y.columns))
    settings = Forecaster(horizon=6, verbose=0).validate(with_static)
    assert (settings.preset, settings.beside, settings.fine_tune) == (None, "forecast_small", 0)
    without_season = Forecaster(horizon=6, period=1, verbose=0).validate(y)
    assert (without_season.preset, without_season.beside) == (None, "forecast_small")


def test_a_horizon_of_numpy_counts_as_any_other():
    y = np.arange(13.0) % 5 + 10  # long enough for chains over 2 steps, and too short over 12
    for horizon in (2, 12):
        settings = [Forecaster(horizon=kind(horizon), verbose=0).validate(y) for kind in (int, np.int64)]
        assert [each.by_series for each in settings] == [horizon == 12] * 2


@pytest.mark.backend
def test_after_an_interruption_a_preset_that_is_trained_further_has_its_one_epoch():
    class Stop(keras.callbacks.Callback):
        """Ctrl-C at the start of a training of the second kind, whose networks see all values."""

        trainings = 0

        def on_train_begin(self, logs=None):
            Stop.trainings += 1

            if Stop.trainings > 3:
                signal.raise_signal(signal.SIGINT)

    forecaster = Forecaster("preset:forecast_small", fine_tune=4, horizon=6, seed=1, verbose=0, callbacks=[Stop()])
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(panel(20))
    assert forecaster.correction_weight_.any()
    assert forecaster.best_epoch_ == 1
    assert np.isfinite(forecaster.predict()).all().all()


@pytest.mark.parametrize("changes", [{"model": "mingru_1x8_residual"}, {"loss": "quantiles"}, {"loss": "mape"}])
def test_other_networks_and_losses_have_no_preset(changes):
    made = Forecaster(horizon=6, n_members=1, epochs=1, steps_per_epoch=1, seed=1, verbose=0, **changes).fit(panel(20))
    assert not np.any(made.preset_weight_)


@pytest.mark.backend
def test_a_preset_is_trained_further(tmp_path):
    y = panel(8)
    settings = {"horizon": 6, "seed": 1, "verbose": 0}
    plain = Forecaster("preset:forecast_small", **settings).fit(y, val=0)  # equal weights
    tuned = Forecaster("preset:forecast_small", fine_tune=3, **settings).fit(y, val=0)
    net = tuned._fitted.nets[0].as_global_net()
    (start,) = plain._fitted.nets
    assert len(net.weights) == len(start.as_global_net().weights)
    assert set(net.steps) == {3}
    changes = [np.abs(a - b).max() for a, b in zip(net.weights[0], start.as_global_net().weights[0], strict=True)]
    assert 0 < max(changes) < 0.1
    tuned.save(tmp_path / "tuned")
    again = Forecaster.load(tmp_path / "tuned")
    assert again.fine_tune == 3
    pd.testing.assert_frame_equal(again.predict(level=80), tuned.predict(level=80), rtol=1e-4, check_freq=False)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fine_tune": 5}, r"fine_tune=5 without a preset; expected model='preset:NAME'"),
        ({"model": "preset:forecast_small", "fine_tune": 5, "epochs": 0}, "fine_tune and epochs=0"),
        ({"model": "preset:forecast_small", "fine_tune": -1}, "fine_tune=-1; expected an integer >= 0"),
        ({"model": "preset:forecast_small", "learning_rate": 1e-4}, r"learning_rate=0\.0001.*fine_tune=300 trains"),
    ],
)
def test_trainings_that_do_not_fit_a_preset_are_refused(parameters, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Forecaster(horizon=6, verbose=0, **parameters).fit(panel(2))


@pytest.mark.parametrize("values", [[5.0], [1.0, 3.0], [2.0, 4.0, 3.0], list(range(9)), [0.0, -1.0, 1.0]])
def test_short_series_are_forecast_where_nothing_is_trained(values):
    for y in (np.array(values), pd.Series(values, pd.date_range("2020-01", periods=len(values), freq="MS"))):
        made = Forecaster(verbose=0).fit(y)
        found = np.asarray(made.predict())
        assert found.shape == (12,)
        assert np.isfinite(found).all()
        assert np.ptp(found) <= 100 * max(1.0, np.ptp(values))
    with pytest.raises(InvalidArgumentError, match="lookback"):
        Forecaster("gru_1x4", verbose=0).fit(y)


def test_a_subclass_may_have_a_constructor_of_its_own():
    class Half(Forecaster):
        def __init__(self, steps=6):
            super().__init__(horizon=steps, verbose=0)
            self.steps = steps

    assert Half().fit(np.sin(np.arange(60.0))).predict().shape == (6,)


@pytest.mark.parametrize("bad", [{"n_members": np.array([1, 2])}, {"lookback": np.ones(2)}, {"epochs": np.zeros(2)}])
def test_arrays_are_no_parameters(bad):
    with pytest.raises(InvalidArgumentError, match=f"{next(iter(bad))}="):
        Forecaster(horizon=4, verbose=0, **bad).fit(np.arange(40.0))


def test_what_is_trained_from_a_preset_is_bit_for_bit_the_same_after_a_load(tmp_path):
    made = Forecaster("preset:forecast_small", fine_tune=2, horizon=6, seed=1, verbose=0).fit(panel(4), val=0)
    made.save(tmp_path / "forecaster")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "forecaster").predict(level=80), made.predict(level=80))
