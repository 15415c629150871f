"""Forecasts without a training import neither Keras nor a backend, which would take seconds."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster, datasets
from kerazoo._presets import read_preset, write_preset
from kerazoo.forecast.global_nets import GlobalNet, forecast, forecast_quantiles
from kerazoo.forecast.net_spec import DEFAULT_SPECS
from kerazoo.forecast.options import DEFAULTS
from kerazoo.forecast.panel_nets import PresetNet, net_from_plain
from kerazoo.zoo import RNNSpec

MODEL = "preset:forecast_small"

CASES = """
import sys
import tempfile

HEAVY = ("keras", "tensorflow", "jax", "torch")


class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise AssertionError(f"import of {name}")


if "forbid" in sys.argv:
    sys.meta_path.insert(0, Forbidden())

import copy
from pathlib import Path

import numpy as np
import pandas as pd

import kerazoo

index = pd.period_range("2000-01", periods=60, freq="M")
rng = np.random.default_rng(1)
season = 10 * np.sin(np.arange(60) * np.pi / 6)
y = pd.DataFrame({name: 100 + season + rng.normal(size=60).cumsum() for name in "abc"}, index)
x = pd.DataFrame({"offer": rng.integers(0, 2, 60).astype(float)}, index)
folder = Path(tempfile.mkdtemp())
table = y["a"].rename_axis("month").rename("sales").to_frame()
table.index = table.index.astype(str)
table.to_csv(folder / "sales.csv")

one = y["a"]
for settings, of, covariates in (
    ({"epochs": 0, "transforms": "exponential_smoothing"}, one, x),
    ({"epochs": 0}, y, x),
    ({"epochs": 0}, y, None),
    ({"model": "preset:forecast_small"}, one, None),
    ({"model": "preset:forecast_small"}, y, x),
):
    part, known, earlier, later = None, None, {}, None
    if covariates is not None:
        part, known, later = x[:48], x[48:52], x[52:56]
        earlier = {"history_X": x[:40], "X_future": x[40:44]}
    forecaster = kerazoo.Forecaster(horizon=4, seed=1, verbose=0, **settings).fit(of[:48], part)
    found = forecaster.predict(X_future=known, level=[80])
    assert np.isfinite(found.select_dtypes("number")).all(axis=None)
    forecaster.save(folder / "forecaster")
    for again in (kerazoo.Forecaster.load(folder / "forecaster"), copy.deepcopy(forecaster)):
        pd.testing.assert_frame_equal(again.predict(X_future=known, level=[80]), found)
    assert np.isfinite(forecaster.predict(history=of[:40], **earlier).to_numpy()).all()
    forecaster.fitted_values()
    assert len(forecaster.update(of[48:52], known).predict(X_future=later)) == 4
    assert forecaster.best_epoch_ == 0 and not forecaster.history_.get("loss")
selected = kerazoo.Forecaster(epochs=0, verbose=0, checkpoint_dir=folder / "checkpoints").fit(one[:30])
assert selected.predict(level=50).shape == (12, 3)
drawn = kerazoo.Forecaster(horizon=3, verbose=0, epochs=0, loss="normal", transforms="log").fit(one)
assert drawn.predict(level=80).shape == (3, 3)
assert drawn.generate(30, 5).shape == (5,)
assert len(drawn.cross_validation(one, n_windows=2)) == 6

from kerazoo.cli.main import cli

for options in (["--epochs", "0", "--transforms", "log"], ["--model", "preset:forecast_small"]):
    cli(["forecast", str(folder / "sales.csv"), *options, "--windows", "0"], standalone_mode=False)
print("imported:", sorted(set(HEAVY) & set(sys.modules)))
"""


@pytest.mark.parametrize("forbid", ["", "forbid"])
def test_nothing_of_it_imports_keras_or_a_backend(forbid):
    done = subprocess.run(
        [sys.executable, "-c", CASES, forbid], capture_output=True, text=True, check=False, timeout=240,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["imported: []"], done.stderr[-3000:]


def test_the_values_of_the_default_networks_are_those_of_their_names():
    assert set(DEFAULT_SPECS) == set(DEFAULTS["model"])
    for name, net in DEFAULT_SPECS.items():
        assert dict(net.values) == RNNSpec.from_name(name).to_dict()
        assert net.to_json() == RNNSpec.from_name(name).to_json()
        changed = {"features": 3, "horizon": 4, "outputs": 1, "lookback": None, "returns": "last"}
        assert net.replace(**changed).rnn == RNNSpec.from_name(name).replace(**changed)
        assert dict(net.replace(**changed).values) == RNNSpec.from_name(name).replace(**changed).to_dict()


def series():
    rng = np.random.default_rng(4)
    walks = [100 * np.exp(0.02 * rng.normal(size=steps).cumsum()) for steps in (3, 20, 90, 200)]
    holes = rng.normal(size=70).cumsum()
    holes[[5, 6, 30]] = np.nan
    return [*walks, holes, datasets.milk().to_numpy(), np.r_[np.zeros(12), 9.0]]


@pytest.mark.backend
@pytest.mark.parametrize("periods", [(1.0,), (12,), (7, 30.5)])
def test_numpy_and_keras_forecast_the_same(periods):
    """As far as 32 bits go: errors grow through the layers and the steps."""
    preset = read_preset("forecast_small")
    preset = preset._replace(settings=preset.settings | {"views": 1})  # the networks of a panel have one
    net, ys = PresetNet(preset, periods), series()
    of_keras = GlobalNet.from_plain(*net.to_plain())
    assert (of_keras.horizon, of_keras.levels, of_keras.any_scale) == (net.horizon, net.levels, True)
    again = net_from_plain(*net.to_plain())
    np.testing.assert_array_equal(net.forecast([np.full(30, 7.0)], 5), 7.0)
    scale = np.array([np.nanstd(y) for y in ys])[:, None]
    for horizon in (5, 40):
        found = net.forecast(ys, horizon)
        assert np.abs((found - forecast(of_keras, ys, horizon)) / scale).max() < 1e-4
        np.testing.assert_array_equal(again.forecast(ys, horizon), found)
        quantiles = net.quantiles(ys, [0.1, 0.9, 0.5], horizon)
        other = forecast_quantiles(of_keras, ys, [0.1, 0.9, 0.5], horizon)
        assert np.abs((quantiles - other) / scale[..., None]).max() < 1e-4


def test_layers_that_numpy_does_not_know_are_those_of_keras(tmp_path):
    from kerazoo.zoo import build

    preset = read_preset("forecast_small")
    spec = {**preset.spec, "layers": [{"cell": "gru", "units": 4}]}
    weights = build(RNNSpec.from_dict(spec), seed=1).get_weights()
    settings = preset.settings | {"n_members": 1}
    write_preset(tmp_path / "own.safetensors", spec, weights, settings, {})
    forecaster = Forecaster(f"preset:{tmp_path / 'own.safetensors'}", horizon=4, verbose=0).fit(datasets.milk())
    found = forecaster.predict(level=80)
    assert np.isfinite(found).all(axis=None)
    forecaster.save(tmp_path / "forecaster")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "forecaster").predict(level=80), found)
    (net,) = forecaster._fitted.nets
    assert net._forecaster._nets is None
    assert forecaster.spec_.layers[0].cell == "gru"


@pytest.mark.slow
def test_forecasts_of_chains_alone_are_those_of_networks_that_output_zeros(monkeypatch):
    """A training that ends before its first epoch leaves networks, whose corrections are zero."""
    milk = datasets.milk()
    for settings in ({}, {"loss": "normal"}, {"strategy": "mean"}, {"transforms": ("log",), "strategy": "direct"}):
        given = {"horizon": 12, "n_members": 2, "seed": 1, "verbose": 0, **settings}
        alone = Forecaster(epochs=0, **given).fit(milk)
        assert alone._fitted.ensemble.nets is None
        assert (alone.correction_weight_, alone.best_epoch_, alone.history_) == (0.0, 0, {})
        zeros = Forecaster(epochs=1, learning_rate=1e-30, min_gain=1.0, **given).fit(milk)
        assert zeros._fitted.ensemble.nets is not None
        pd.testing.assert_frame_equal(alone.predict(level=80), zeros.predict(level=80))
        pd.testing.assert_series_equal(alone.fitted_values(), zeros.fitted_values())
        assert alone.spec_ == zeros.spec_
