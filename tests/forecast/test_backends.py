"""`Forecaster` on each backend: compiled training, every strategy, and continuing a killed fit."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError, StorageError
from tests.forecast.helpers import eagerly, without_xla
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend


def series(length=60):
    t = np.arange(length)
    values = 20 + 5 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(1).normal(size=length)
    return pd.Series(values, pd.date_range("2015-01-01", periods=length, freq="MS"))


def tiny(model="gru_1x4", **changes):
    """Four windows or more in batches of two, so that every epoch draws their order."""
    settings = {"n_members": 2, "epochs": 4, "steps_per_epoch": 2, "batch_size": 2, "lookback": 12, "min_gain": 0.0}
    settings |= {"transforms": (), "seed": 1, "verbose": 0, "learning_rate": 0.01}
    return Forecaster(model, **{**settings, **changes})


def assert_same(one, other):
    pd.testing.assert_series_equal(one.predict(15), other.predict(15), check_exact=True)
    assert one.history_ == other.history_
    assert one.best_epoch_ == other.best_epoch_
    pd.testing.assert_frame_equal(one.predict(9, level=0.5), other.predict(9, level=0.5), check_exact=True)


@pytest.fixture(scope="module")
def whole():
    with eagerly():
        return tiny().fit(series())


@pytest.mark.parametrize(
    "changes",
    [
        {"strategy": "mean", "horizon": 3},
        pytest.param({"loss": "normal"}, marks=slow_on_jax_marks),
        {"model": "lru_1x4", "strategy": "direct", "horizon": 3},
        pytest.param({"model": "birnn_1x3_seq2one", "n_members": 1}, marks=slow_on_jax_marks),
    ],
    ids=str,
)
def test_it_learns_forecasts_and_round_trips_through_a_file(changes, tmp_path):
    # One of them with XLA on TensorFlow too, and one with graphs alone.
    with {"mean": contextlib.nullcontext, "direct": without_xla}.get(changes.get("strategy"), eagerly)():
        forecaster = tiny(batch_size=99, **changes).fit(series())
    assert forecaster.history_["loss"][-1] < forecaster.history_["loss"][0]
    assert forecaster.best_epoch_ > 0
    found = forecaster.predict(15, level=0.5)
    assert np.isfinite(found).all(axis=None)
    assert found["forecast"].nunique() > 1
    forecaster.save(tmp_path / "forecaster.kerazoo")
    again = Forecaster.load(tmp_path / "forecaster.kerazoo").predict(15, level=0.5)
    pd.testing.assert_frame_equal(again, found, check_exact=True)


@slow_on_jax
def test_the_networks_are_those_of_the_best_epoch(whole, uncompiled):
    """The kept weights equal those of a training that ends at that epoch."""
    best = whole.best_epoch_
    assert best > 0
    shorter = tiny(epochs=best).fit(series())
    pd.testing.assert_series_equal(shorter.predict(9), whole.predict(9), check_exact=True)
    assert shorter.history_["loss"] == whole.history_["loss"][:best]


class Crash(keras.callbacks.Callback):
    """Simulates a crash at the beginning of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise OSError("crash")


def crashed(folder, epoch, **changes):
    with pytest.raises(OSError, match="crash"):
        tiny(checkpoint_dir=folder, checkpoint_minutes=0, callbacks=[Crash(epoch)], **changes).fit(series())


def test_a_resumed_fit_ends_like_an_uninterrupted_one(tmp_path, whole, uncompiled):
    crashed(tmp_path, 2)
    (tmp_path / ".fit.kerazoo.0011aabb.part").write_bytes(b"half of a checkpoint")
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    resumed = tiny(checkpoint_dir=tmp_path, callbacks=[watch]).fit(series())
    assert seen == [2, 3]
    assert_same(resumed, whole)
    assert [path.name for path in tmp_path.iterdir()] == ["fit.kerazoo"]
    # Now it is complete, and the result is read from it.
    assert_same(tiny(checkpoint_dir=tmp_path, callbacks=[Crash(0)]).fit(series()), whole)


def watchers(folder):
    """They monitor a falling loss in mode max, so that the first epoch is the best one."""
    watch, best = {"monitor": "loss", "mode": "max"}, {"save_best_only": True, "save_weights_only": True}
    return [
        keras.callbacks.EarlyStopping(patience=3, **watch),
        keras.callbacks.ReduceLROnPlateau(patience=2, min_delta=0, **watch),
        keras.callbacks.ModelCheckpoint(folder / "best.weights.h5", **best, **watch),
    ]


@pytest.mark.slow
def test_callbacks_that_monitor_a_loss_continue(tmp_path, uncompiled):
    never_crashed = watchers(tmp_path)
    whole = tiny(epochs=9, callbacks=never_crashed).fit(series())
    assert len(whole.history_["loss"]) == 4
    rates = whole.history_["learning_rate"]
    assert rates[2] == pytest.approx(rates[0])
    assert rates[3] == pytest.approx(rates[0] / 10)
    folder = tmp_path / "checkpoint"
    options = {"epochs": 9, "checkpoint_dir": folder, "checkpoint_minutes": 0}
    with pytest.raises(OSError, match="crash"):
        tiny(callbacks=[*watchers(tmp_path), Crash(2)], **options).fit(series())
    of_another_loss = keras.callbacks.EarlyStopping("val_loss", patience=9)  # not in the checkpoint: a new one
    continued = watchers(tmp_path)
    assert_same(tiny(callbacks=[of_another_loss, *continued], **options).fit(series()), whole)
    assert continued[0].stopped_epoch == 3
    for one, other in zip(continued, never_crashed, strict=True):
        assert one.best == other.best == whole.history_["loss"][0]
    assert min(whole.history_["val_loss"][2:]) == of_another_loss.best


@pytest.mark.slow
def test_weights_that_a_callback_keeps_survive_a_crash(tmp_path, uncompiled):
    """Nothing is held out: the weights that the callback restores make the forecast."""

    def keeper():
        return keras.callbacks.EarlyStopping("loss", mode="max", patience=9, restore_best_weights=True)

    first = tiny(epochs=1).fit(series(), val=0).predict(9)
    pd.testing.assert_series_equal(tiny(callbacks=[keeper()]).fit(series(), val=0).predict(9), first, check_exact=True)
    options = {"checkpoint_dir": tmp_path, "checkpoint_minutes": 0}
    with pytest.raises(OSError, match="crash"):
        tiny(callbacks=[keeper(), Crash(2)], **options).fit(series(), val=0)
    resumed = tiny(callbacks=[keeper()], **options).fit(series(), val=0)
    assert len(resumed.history_["loss"]) == 4
    pd.testing.assert_series_equal(resumed.predict(9), first, check_exact=True)


@slow_on_jax
def test_statistics_that_networks_did_not_improve_stay_after_a_crash(tmp_path, uncompiled):
    """The weights of the checkpoint are then neither the best nor the initial ones."""
    changes = {"min_gain": 1e6, "epochs": 3}
    crashed(tmp_path, 2, **changes)
    resumed = tiny(checkpoint_dir=tmp_path, **changes).fit(series())
    assert resumed.best_epoch_ == 0
    np.testing.assert_allclose(resumed.predict(3), series().mean(), rtol=1e-6)


@pytest.mark.slow
def test_dropout_continues(tmp_path, uncompiled):
    changes = {"model": "gru_1x4_dropout20", "epochs": 3, "n_members": 1}
    crashed(tmp_path, 2, **changes)
    assert_same(tiny(checkpoint_dir=tmp_path, **changes).fit(series()), tiny(**changes).fit(series()))


def test_checkpoints_of_another_fit_are_refused_and_kept(tmp_path, uncompiled):
    crashed(tmp_path, 1)
    path = tmp_path / "fit.kerazoo"
    before = path.read_bytes()
    for changes, match in (
        ({"learning_rate": 0.5}, r"learning_rate=0\.01, but learning_rate is now 0\.5.*delete the file"),
        ({"seed": 2}, "seed=1, but seed is now 2"),
        ({"model": "gru_1x5"}, "with model="),
        ({"transforms": ["log"]}, "with transforms="),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            tiny(checkpoint_dir=tmp_path, **changes).fit(series())
    with pytest.raises(InvalidArgumentError, match="with data="):
        tiny(checkpoint_dir=tmp_path).fit(series() + 1)
    with pytest.raises(InvalidArgumentError, match="with val="):
        tiny(checkpoint_dir=tmp_path).fit(series(), val=9)
    assert path.read_bytes() == before
    path.write_bytes(before[:-7])
    with pytest.raises(StorageError, match=r"fit\.kerazoo"):
        tiny(checkpoint_dir=tmp_path).fit(series())
    with pytest.raises(StorageError, match="cannot be made"):
        tiny(checkpoint_dir=path / "below").fit(series())


LONG = {"epochs": 80, "patience": 80, "steps_per_epoch": 1}
SCRIPT = """
import sys
from tests.forecast.helpers import without_xla
from tests.forecast.test_backends import LONG, series, tiny
with without_xla():
    tiny(checkpoint_dir=sys.argv[1], checkpoint_minutes=0, **LONG).fit(series())
"""


@slow_on_jax  # where a fit that crashes is resumed
def test_a_killed_fit_ends_like_an_uninterrupted_one(tmp_path):
    """SIGKILL, which no process can handle, while checkpoints are written all the time."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stderr=subprocess.PIPE)
    path = tmp_path / "fit.kerazoo"
    seen, deadline = set(), time.monotonic() + 120
    while len(seen) < 4 and time.monotonic() < deadline and process.poll() is None:
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.002)  # without it, this process takes the time of the other
    process.kill()
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors.decode()
    begun = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    with without_xla():  # graphs, as in the process that was killed
        resumed = tiny(checkpoint_dir=tmp_path, checkpoint_minutes=9, callbacks=[watch], **LONG).fit(series())
        assert 0 < begun[0] < 79  # it was killed in the middle of the work
        assert_same(resumed, tiny(**LONG).fit(series()))


MANY = """
import numpy as np
from kerazoo import zoo
from tests.forecast.test_backends import series, tiny
for seed in range(6):
    tiny(epochs=1, seed=seed).fit(series()).predict(3)
    zoo.generate(zoo.build("gru_1x4", seed=seed), np.arange(9.0), steps=3)
"""


@pytest.mark.slow
def test_many_models_in_one_process_do_not_warn():
    """TensorFlow warns of retracing, but only twice per process: hence a separate one."""
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "retracing" not in done.stderr
