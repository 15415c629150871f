"""Ctrl-C and divergence leave a usable forecaster; checkpoints work without a seed."""

from __future__ import annotations

import signal

import keras
import numpy as np
import pytest

from kerazoo import Forecaster
from kerazoo.errors import TrainingError
from kerazoo.forecast import baselines, fitting
from tests.forecast.helpers import T, assert_equal, series, tiny
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("graphs")]

LEARNING = {"learning_rate": 0.01, "min_gain": 0.0, "batch_size": 2}


class CtrlC(keras.callbacks.Callback):
    """Presses Ctrl-C in a step of an epoch."""

    def __init__(self, epoch, batch=0, times=1):
        super().__init__()
        self.at, self.batch, self.times = epoch, batch, times
        self.steps = self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if (self.epoch, batch) == (self.at, self.batch):
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def interrupted(forecaster, y, **arguments):
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(y, **arguments)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return forecaster


def assert_same_forecasts(one, other, level=0.5):
    assert_equal(one.predict(7, level=level), other.predict(7, level=level))


@pytest.mark.parametrize("val", [pytest.param(None, marks=slow_on_jax_marks), 0])
def test_ctrl_c_keeps_the_best_networks_so_far(val, tmp_path):
    """Between two steps: the epoch that was cut off does not count."""
    press = CtrlC(3)
    y = series() - 0.3 * np.arange(T)  # without a trend, which such networks do not learn in three epochs
    stopped = interrupted(tiny(epochs=9, callbacks=press, **LEARNING), y, val=val)
    shorter = tiny(epochs=3, **LEARNING).fit(y, val=val)
    assert press.steps == 3 * 2 + 1
    assert stopped.history_ == shorter.history_
    assert stopped.best_epoch_ == shorter.best_epoch_ > 0
    assert_same_forecasts(stopped, shorter, level=None if val == 0 else 0.5)
    stopped.save(tmp_path / "stopped.kerazoo")
    assert_same_forecasts(Forecaster.load(tmp_path / "stopped.kerazoo"), stopped, level=None if val == 0 else 0.5)


@slow_on_jax
def test_ctrl_c_before_the_training_leaves_the_statistics(monkeypatch):
    select = fitting.choose_transforms

    def pressed(*arguments):
        signal.raise_signal(signal.SIGINT)
        return select(*arguments)

    statistics = tiny(epochs=0, transforms="auto").fit(series())
    monkeypatch.setattr(fitting, "choose_transforms", pressed)
    stopped = interrupted(tiny(transforms="auto", epochs=9, **LEARNING), series())
    assert (stopped.best_epoch_, stopped.history_, stopped.correction_weight_) == (0, {}, 0.0)
    assert_same_forecasts(stopped, statistics)


@slow_on_jax
def test_a_second_ctrl_c_ends_at_once():
    forecaster = interrupted(tiny(epochs=9, callbacks=CtrlC(1, times=2)), series())
    assert not hasattr(forecaster, "history_")


@slow_on_jax
def test_an_interruption_by_a_callback_counts_too():
    def stop(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    stopped = interrupted(
        tiny(epochs=9, callbacks=keras.callbacks.LambdaCallback(on_epoch_begin=stop), **LEARNING), series()
    )
    assert_same_forecasts(stopped, tiny(epochs=2, **LEARNING).fit(series()))


@slow_on_jax
def test_with_checkpoints_and_without_a_seed_ctrl_c_loses_nothing(tmp_path):
    """The epoch is finished and written. The next run continues with the seed that the first one drew."""
    options = {"epochs": 5, "seed": None, "checkpoint_dir": tmp_path, **LEARNING}
    stopped = interrupted(tiny(callbacks=CtrlC(1), **options), series())
    assert len(stopped.history_["loss"]) == 2
    begun = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    resumed = tiny(callbacks=[watch], **options).fit(series())
    assert begun == [2, 3, 4]
    assert resumed.seed_ == stopped.seed_
    whole = tiny(**{**options, "seed": stopped.seed_, "checkpoint_dir": None}).fit(series())
    assert resumed.history_ == whole.history_
    assert_same_forecasts(resumed, whole)
    begun.clear()
    assert_same_forecasts(tiny(callbacks=watch, **options).fit(series()), whole)  # complete: read from the file
    assert begun == []


@pytest.mark.slow
def test_ctrl_c_in_the_last_epoch_still_completes_the_checkpoint(tmp_path):
    options = {"epochs": 3, "checkpoint_dir": tmp_path, **LEARNING}
    stopped = interrupted(tiny(callbacks=CtrlC(2), **options), series())
    assert_same_forecasts(stopped, tiny(**{**options, "checkpoint_dir": None}).fit(series()))
    assert_same_forecasts(tiny(**options).fit(series()), stopped)


def test_a_divergence_leaves_the_statistics(tmp_path):
    diverging = {"learning_rate": 1e30, "transforms": ["difference"]}
    forecaster = tiny("rnn_1x4_linear", checkpoint_dir=tmp_path / "checkpoints", **diverging)
    for _ in range(2):  # the checkpoint does not count as complete: the second run diverges too
        with pytest.raises(TrainingError, match=r"diverges: the loss is .* in epoch \d\. .*smaller learning_rate"):
            forecaster.fit(series())
        assert forecaster.best_epoch_ == 0
        np.testing.assert_allclose(forecaster.predict(3), baselines.drift(series(), 3))
    forecaster.save(tmp_path / "forecaster.kerazoo")
    again = Forecaster.load(tmp_path / "forecaster.kerazoo")
    np.testing.assert_array_equal(again.history_["loss"], forecaster.history_["loss"])
    assert np.isnan(again.history_["loss"][-1])


@pytest.mark.parametrize("val", [None, pytest.param(0, marks=pytest.mark.slow)])
def test_a_divergence_leaves_the_last_good_networks(val):
    def explode(epoch, logs):
        if epoch == 2:
            watch.model.optimizer.learning_rate.assign(1e30)

    watch = keras.callbacks.LambdaCallback(on_epoch_begin=explode)
    forecaster = tiny("rnn_1x4_linear", epochs=9, patience=9, callbacks=watch, **LEARNING)
    with pytest.raises(TrainingError, match="diverges"):
        forecaster.fit(series(), val=val)
    shorter = tiny("rnn_1x4_linear", epochs=2, patience=9, **LEARNING).fit(series(), val=val)
    assert forecaster.best_epoch_ == shorter.best_epoch_ > 0
    assert_same_forecasts(forecaster, shorter, level=None if val == 0 else 0.5)
    assert np.isfinite(forecaster.predict(7)).all()
