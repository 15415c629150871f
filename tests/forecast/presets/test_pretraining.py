"""Training of presets: repeatable, resumable, and of use."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo._presets import read_preset, write_preset
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets import GlobalNet, forecast
from kerazoo.forecast.global_nets.quantiles import rising
from kerazoo.forecast.presets import PresetForecaster, load_forecaster, pretrain, pretraining, windows
from kerazoo.forecast.presets.network import NumpyNet
from kerazoo.zoo import RNNSpec

pytestmark = pytest.mark.backend
TINY = {"model": "mingru_1x4_residual", "lookback": 12, "horizon": 4, "batch_size": 16, "steps": 30, "verbose": 0}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Pools of few series, and short epochs."""
    monkeypatch.setattr(windows, "GROUP", 32)
    monkeypatch.setattr(windows, "GROUPS", 4)
    monkeypatch.setattr(pretraining, "STEPS_OF_EPOCH", 10)
    monkeypatch.setattr(pretraining, "WINDOWS_OF_LIMITS", 4096)


def test_a_training_that_was_stopped_continues(tmp_path, monkeypatch):
    whole = pretrain(**TINY, seed=2)
    usual = pretraining._Course.on_epoch_end

    def killed(course, epoch, logs=None):
        usual(course, epoch, logs)
        if epoch == 1:
            raise RuntimeError("killed")

    monkeypatch.setattr(pretraining._Course, "on_epoch_end", killed)
    with pytest.raises(RuntimeError, match="killed"):
        pretrain(**TINY, seed=2, checkpoint_dir=tmp_path, checkpoint_minutes=0)
    monkeypatch.setattr(pretraining._Course, "on_epoch_end", usual)
    again = pretrain(**TINY, seed=2, checkpoint_dir=tmp_path, checkpoint_minutes=0)
    for one, other in zip(whole.weights, again.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert again.card["steps"] == 30
    assert again.card["loss"] == pytest.approx(whole.card["loss"], rel=1e-5)
    finished = pretrain(**TINY, seed=2, checkpoint_dir=tmp_path)  # at once: it was complete
    np.testing.assert_array_equal(finished.weights[0], again.weights[0])
    with pytest.raises(InvalidArgumentError, match="learning_rate"):
        pretrain(**TINY, seed=2, learning_rate=1e-4, checkpoint_dir=tmp_path)


def test_patches_and_members(tmp_path):
    one = pretrain(**TINY, patch=3, seed=2)
    both = pretrain(**TINY, patch=3, seed=1, n_members=2, checkpoint_dir=tmp_path)
    assert (one.spec["lookback"], one.spec["features"], one.settings["patch"]) == (4, 9, 3)
    for expected, found in zip(one.weights, both.members()[1], strict=True):  # the seed after the first
        np.testing.assert_allclose(found, expected, atol=1e-6)
    # Limits hold for each network or for their median, and the networks of a panel have one view.
    both = both._replace(settings=both.settings | {"limits": [[-1e3, 1e3]] * 4, "views": 1})
    series = [np.arange(30.0) ** 2, np.sin(np.arange(7.0))]
    first, second = (
        PresetForecaster(
            one._replace(weights=weights, settings=one.settings | {"limits": [[-1e3, 1e3]] * 4, "views": 1})
        )
        for weights in both.members()
    )
    found = PresetForecaster(both)
    assert found.lookback == 12
    changes = [each.forecast(series, 4) for each in (first, second, found)]
    np.testing.assert_allclose(changes[2][1], np.mean(changes[:2], axis=0)[1], rtol=1e-4, atol=1e-4)
    # The network of a panel reads the same windows.
    net = GlobalNet(
        RNNSpec.from_dict(both.spec), 1, "quantiles", found.levels, tuple(map(tuple, both.members())),
        np.array(both.settings["limits"]), (30, 30), (0.0, 0.0), recency=both.settings["recency"], any_scale=True,
        patch=3,
    )  # fmt: skip
    np.testing.assert_allclose(forecast(net, series, 6), found.forecast(series, 6), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        forecast(GlobalNet.from_plain(*net.to_plain()), series, 6), forecast(net, series, 6), rtol=1e-6
    )
    with pytest.raises(InvalidArgumentError, match="lookback=12 with patch=5; expected a multiple of it"):
        pretrain(**TINY, patch=5)
    with pytest.raises(InvalidArgumentError, match="weights of 3 networks"):
        PresetForecaster(both._replace(settings=both.settings | {"n_members": 3}, weights=both.weights[1:]))


def pinball(preset):
    """The mean loss for windows of another seed."""
    data = windows.GeneratedWindows(12, 4, batch_size=2000, seed=99)
    inputs, targets = data.at(0, 0)
    levels = np.array(preset.settings["levels"])
    found = rising(NumpyNet(preset.spec, preset.weights)(inputs).astype(float), preset.settings["levels"].index(0.5))
    error = np.clip(targets[..., :1], -100, 100) - found
    return float((targets[..., 1:2] * np.maximum(levels * error, (levels - 1) * error)).mean())


def test_training_lowers_the_loss_and_the_file_forecasts(tmp_path):
    short, long = (pretrain(**{**TINY, "steps": steps}, learning_rate=1e-2) for steps in (10, 300))
    assert pinball(long) < 0.97 * pinball(short)
    write_preset(tmp_path / "own.safetensors", long.spec, long.weights, long.settings, long.card)
    again = read_preset(tmp_path / "own.safetensors")
    assert again.card == long.card
    series = [np.arange(30.0), np.ones(5)]
    expected = PresetForecaster(long).forecast(series)
    found = load_forecaster(tmp_path / "own.safetensors").forecast(series)
    np.testing.assert_allclose(found, expected, rtol=1e-2)  # half precision


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": 0.5}, r"levels=0\.5; expected a list of numbers"),
        ({"levels": [95]}, "levels=95; expected a finite number"),
        ({"seed": None}, "seed=None; expected an integer >= 0"),
        ({"steps": 0}, "steps=0; expected an integer >= "),
    ],
)
def test_bad_arguments_are_refused(changes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        pretrain("mingru_1x4_residual", **changes)
