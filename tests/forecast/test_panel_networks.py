"""Several series: global networks beside the statistics, and the mixture of both."""

from __future__ import annotations

import copy
import pickle

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.forecast.options import LOSSES_OF_PANELS

pytestmark = pytest.mark.backend
H = 2
TINY = {"model": "gru_1x4", "horizon": H, "n_members": 1, "epochs": 1, "steps_per_epoch": 2, "lookback": 6, "seed": 1,
        "verbose": 0}  # fmt: skip


def chaos(n=40, steps=50, seed=0):
    """Series of the logistic map, x' = 3.9 x (1 - x), in a unit of their own: no linear model forecasts them."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.2, 0.8, n)
    rows = []
    for _ in range(steps):
        rows.append(x)
        x = 3.9 * x * (1 - x)
    values = 10 + np.array(rows)
    return pd.DataFrame(values, pd.period_range("2000", periods=steps, freq="Y"), [f"s{i}" for i in range(n)])


@pytest.fixture(scope="module")
def fitted():
    """A forecaster whose networks have learned what the statistics cannot."""
    y = chaos()
    settings = {"model": "gru_1x16", "horizon": H, "n_members": 2, "epochs": 4, "steps_per_epoch": 100,
                "learning_rate": 1e-2, "lookback": 6, "seed": 1, "verbose": 0}  # fmt: skip
    return Forecaster(**settings).fit(y.iloc[:-H]), y


def test_networks_are_used_where_they_help(fitted):
    forecaster, y = fitted
    assert forecaster.correction_weight_.shape == (H,)
    assert (forecaster.correction_weight_ > 0.5).all()
    assert forecaster.best_epoch_ == 4
    assert len(forecaster.history_["loss"]) == 4  # two for validation, two final ones
    assert forecaster.statistics_.shape[0] == 40
    alone = Forecaster(horizon=H, epochs=0, verbose=0).fit(y.iloc[:-H])
    np.testing.assert_array_equal(alone.correction_weight_, 0.0)
    errors = [np.abs(each.predict() - y.iloc[-H:]).to_numpy().mean() for each in (forecaster, alone)]
    assert errors[0] < 0.8 * errors[1]
    widths = [np.ptp(each.predict(level=80).to_numpy().reshape(H, 40, 3)[:, :, 1:], axis=2).mean()
              for each in (forecaster, alone)]  # fmt: skip
    assert widths[0] < widths[1]


def test_files_and_copies_forecast_the_same(fitted, tmp_path):
    forecaster, _ = fitted
    forecaster.save(tmp_path / "panel")
    expected = forecaster.predict(5, level=80)
    for again in (
        Forecaster.load(tmp_path / "panel"),
        pickle.loads(pickle.dumps(forecaster)),
        copy.deepcopy(forecaster),
    ):
        pd.testing.assert_frame_equal(again.predict(5, level=80), expected)
        np.testing.assert_array_equal(again.correction_weight_, forecaster.correction_weight_)
        assert again.history_ == forecaster.history_
        assert again.best_epoch_ == 4


def test_a_longer_forecast_begins_with_the_shorter_one(fitted):
    forecaster, _ = fitted
    long = forecaster.predict(3 * H)
    assert np.isfinite(long).all(axis=None)
    pd.testing.assert_frame_equal(long.iloc[:H], forecaster.predict(), check_freq=False)


def test_series_that_were_not_fitted_have_forecasts(fitted):
    forecaster, y = fitted
    others = 1000 * chaos(5, 30, seed=9).add_prefix("new ")
    found = forecaster.predict(history=others.iloc[:-H], level=80)
    assert list(dict.fromkeys(found.columns.get_level_values(0))) == list(others)
    points = found.xs("forecast", axis=1, level=1)
    known = forecaster.predict(history=y.iloc[:-H])
    pd.testing.assert_frame_equal(known, forecaster.predict())
    last = np.abs(others.iloc[-H:].to_numpy() - others.iloc[-H - 1].to_numpy()).mean()
    assert np.abs(points - others.iloc[-H:]).to_numpy().mean() < last
    width = (found.xs("upper_80", axis=1, level=1) - found.xs("lower_80", axis=1, level=1)).to_numpy()
    assert (width > 10).all()
    assert (width < 5000).all()
    values = forecaster.fitted_values(others)
    assert values.shape == others.shape


@pytest.mark.parametrize("strategy", ["recursive", pytest.param("mean", marks=pytest.mark.slow)])
def test_strategies(strategy):
    forecaster = Forecaster(**{**TINY, "strategy": strategy}).fit(chaos(5, 30), val=0)
    found = forecaster.predict(3)
    assert np.isfinite(found).all(axis=None)
    assert len(forecaster.history_["loss"]) == (1 if strategy == "recursive" else 2)
    assert 0 < forecaster.correction_weight_.min() <= 0.5


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES_OF_PANELS)
def test_losses(loss):
    y = np.floor(50 * (chaos(5, 30) - 10)) if loss == "negative_binomial" else chaos(5, 30)
    forecaster = Forecaster(**{**TINY, "loss": loss, "floor": 0}).fit(y, val=0)
    assert np.isfinite(forecaster.predict()).all(axis=None)
    if loss in ("quantiles", "normal", "student_t", "negative_binomial"):
        found = forecaster.predict(level=[50, 80])
        parts = [
            found.xs(name, axis=1, level=1).to_numpy() for name in ("lower_80", "lower_50", "upper_50", "upper_80")
        ]
        assert (np.diff(parts, axis=0) >= 0).all()
        assert parts[0].min() >= 0


def test_losses_are_those_of_global_networks():
    from kerazoo.forecast.global_nets.losses import LOSSES

    assert tuple(LOSSES) == LOSSES_OF_PANELS


def test_series_too_short_for_windows_have_statistics_alone():
    y = chaos(3, 5)
    forecaster = Forecaster("mingru_1x8_residual", horizon=H, n_members=1, epochs=1, verbose=0).fit(y)
    np.testing.assert_array_equal(forecaster.correction_weight_, 0.0)
    assert np.isfinite(forecaster.predict()).all(axis=None)
    with pytest.raises(InvalidArgumentError, match=r"longest series has 3 values; expected at least 6"):
        Forecaster(**{**TINY, "lookback": 20}).fit(y)


def test_wrong_settings_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"loss='bounde'; expected one of 'bounded'.*Did you mean 'bounded'"):
        Forecaster(**{**TINY, "loss": "bounde"}).fit(chaos(5, 30))
    with pytest.raises(InvalidArgumentError, match=r"loss='student_t'.*Others are for several series"):
        Forecaster(**{**TINY, "loss": "student_t"}).fit(chaos(1, 30).iloc[:, 0])
    with pytest.raises(InvalidArgumentError, match=r"series 's0' is 11.5 at 2001; expected counts"):
        Forecaster(**{**TINY, "loss": "negative_binomial"}).fit(chaos(5, 30).round(0) + 0.5 * (chaos(5, 30) > 10.9))


def test_a_killed_fit_continues_with_the_networks_that_were_finished(tmp_path):
    y = chaos(5, 30)
    settings = {**TINY, "strategy": "mean"}
    trainings = []

    class Count(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            trainings.append(None)
            if len(trainings) == 2:
                raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        Forecaster(**settings, callbacks=Count(), checkpoint_dir=tmp_path, checkpoint_minutes=0).fit(y, val=0)
    assert (tmp_path / "fit.kerazoo").exists()
    again = Forecaster(**settings, callbacks=Count(), checkpoint_dir=tmp_path, checkpoint_minutes=0).fit(y, val=0)
    assert len(trainings) == 3
    expected = Forecaster(**settings).fit(y, val=0)
    np.testing.assert_array_equal(again.predict(), expected.predict())
    assert again.history_ == expected.history_
    other = Forecaster(**{**settings, "batch_size": 8}, checkpoint_dir=tmp_path)
    with pytest.raises(InvalidArgumentError, match="batch_size=256, but batch_size is now 8"):
        other.fit(y, val=0)


def test_ctrl_c_leaves_the_statistics():
    y = chaos(5, 30)

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    forecaster = Forecaster(**TINY, callbacks=Interrupt())
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(y)
    np.testing.assert_array_equal(forecaster.correction_weight_, 0.0)
    np.testing.assert_allclose(forecaster.predict(), Forecaster(horizon=H, epochs=0, verbose=0).fit(y).predict())


def test_a_divergence_leaves_the_statistics():
    y = chaos(5, 30)

    class Spoil(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            for weight in self.model.trainable_weights:
                weight.assign(np.full(weight.shape, np.nan))

    forecaster = Forecaster(**{**TINY, "loss": "mse"}, callbacks=Spoil())
    with pytest.raises(TrainingError):
        forecaster.fit(y)
    np.testing.assert_allclose(forecaster.predict(), Forecaster(horizon=H, epochs=0, verbose=0).fit(y).predict())
