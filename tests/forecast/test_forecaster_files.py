"""`Forecaster.save` and `load`."""

from __future__ import annotations

import copy
import io
import pickle

import joblib
import pytest
from safetensors import safe_open

from kerazoo import Forecaster
from kerazoo.errors import StorageError
from kerazoo.zoo import RNNSpec
from tests.forecast.helpers import T, assert_equal, covariates

pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.mark.parametrize("name", ["main", "plain", "panel", "direct", "normal"])
def test_a_saved_forecaster_forecasts_the_same(request, name, tmp_path, monkeypatch):
    forecaster = request.getfixturevalue(name)
    path = tmp_path / "forecaster.kerazoo"
    forecaster.save(path)
    with safe_open(path, "np") as file:
        assert len(list(file.keys())) > 5

    def refuse(*_, **__):
        raise AssertionError("pickle")

    for function in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, function, refuse)
    again = Forecaster.load(path)
    x = covariates(20, T) if name == "panel" else None
    interval = None if name == "plain" else [0.5, 0.8]
    assert_equal(again.predict(20, x, interval), forecaster.predict(20, x, interval))
    assert_equal(again.fitted_values(), forecaster.fitted_values())
    for attribute in (
        "history_",
        "best_epoch_",
        "correction_weight_",
        "period_",
        "horizon_",
        "n_held_",
        "spec_",
        "transforms_",
    ):
        assert getattr(again, attribute) == getattr(forecaster, attribute), attribute
    kept, params = again.get_params(), forecaster.get_params()
    for parameter in sorted(set(params) - {"callbacks", "transforms", "calendar", "checkpoint_dir"}):
        assert kept[parameter] == params[parameter], parameter
    again.save(tmp_path / "again.kerazoo")
    assert Forecaster.load(tmp_path / "again.kerazoo").get_params()["strategy"] == forecaster.strategy


def through_joblib(forecaster):
    file = io.BytesIO()
    joblib.dump(forecaster, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {
    "pickle": lambda forecaster: pickle.loads(pickle.dumps(forecaster)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "joblib": through_joblib,
}


@pytest.mark.parametrize("way", COPIES)
def test_a_fitted_forecaster_can_be_copied(way, panel):
    again = COPIES[way](panel)
    x = covariates(20, T)
    assert_equal(again.predict(20, x, 0.8), panel.predict(20, x, 0.8))
    assert_equal(again.fitted_values(), panel.fitted_values())
    assert_equal(again.covariate_effects_, panel.covariate_effects_)
    for name in ("history_", "best_epoch_", "correction_weight_", "spec_", "transforms_"):
        assert getattr(again, name) == getattr(panel, name), name
    assert again.get_params().keys() == panel.get_params().keys()
    # The copy has its own networks.
    before = panel.predict(3, x)
    weight = again._fitted.ensemble.nets._kernel
    weight.assign(weight + 1.0)
    assert_equal(panel.predict(3, x), before)


def test_a_forecaster_that_is_not_fitted_can_be_copied():
    for way in COPIES.values():
        for model in ("gru_1x4", RNNSpec.from_name("gru_1x4")):
            again = way(Forecaster(model, horizon=3))
            assert (again.horizon, again.model) == (3, model)
            assert not hasattr(again, "_fitted")


def test_missing_damaged_and_unwritable_files(tmp_path, plain):
    with pytest.raises(StorageError, match="no such file"):
        Forecaster.load(tmp_path / "none")
    path = tmp_path / "forecaster.kerazoo"
    plain.save(path)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        Forecaster.load(path)
    with pytest.raises(StorageError, match="cannot be written"):
        plain.save(tmp_path / "no folder" / "forecaster.kerazoo")


def test_the_series_of_a_file_can_stay_on_the_disk(panel, tmp_path):
    path = tmp_path / "forecaster.kerazoo"
    panel.save(path)
    mapped, copied = Forecaster.load(path, mmap=True), Forecaster.load(path)
    assert_equal(mapped.predict(3, covariates(3, T)), copied.predict(3, covariates(3, T)))
    assert not mapped._fitted.panel.series[0].values.flags.writeable
    assert copied._fitted.panel.series[0].values.flags.writeable
