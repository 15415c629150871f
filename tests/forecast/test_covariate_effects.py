"""Covariates act in the statistical forecast of a `Forecaster`, without networks."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo._runtime.files import read_tensors
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast import fit_checkpoint, fitting, model_file
from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.transforms.base import PointwiseTransform, check_values
from kerazoo.forecast.transforms.registry import _REGISTRY
from tests.forecast.helpers import assert_equal, with_random_outputs

pytestmark = pytest.mark.usefixtures("uncompiled")

H = 12
T = 108
SMOOTHING = {"name": "exponential_smoothing", "period": 12, "trend": "add"}


#: A training that no gain is worth, which leaves networks that output zeros.
UNUSED = {"epochs": 1, "steps_per_epoch": 1, "min_gain": 1.0}


def forecaster(transforms=(SMOOTHING,), **changes):
    settings = {"n_members": 1, "epochs": 0, "horizon": H, "transforms": list(transforms), "calendar": (), "seed": 1}
    return Forecaster("gru_1x2", **{**settings, "verbose": 0, **changes})


def months(length=T + H):
    return pd.date_range("2015-01-01", periods=length, freq="MS", name="month")


def additive(seed=0):
    """Season, trend, 5 times the price, and noise of size 1."""
    rng, t = np.random.default_rng(seed), np.arange(T + H)
    price = rng.normal(20, 1, size=T + H)
    y = 60 + 0.3 * t + 8 * np.sin(np.pi * t / 6) + 5 * price + rng.normal(size=T + H)
    return pd.Series(y, months(), name="sold"), pd.DataFrame({"price": price}, months())


def multiplicative(seed=0):
    """Promotions in some months raise sales by 65 %; noise of 3 %."""
    rng, t = np.random.default_rng(seed), np.arange(T + H)
    promo = (rng.random(T + H) < 0.2) * 1.0
    promo[T + 2] = promo[T + 7] = 1.0
    y = np.exp(4 + 0.008 * t + 0.3 * np.sin(np.pi * t / 6) + 0.5 * promo + 0.03 * rng.normal(size=T + H))
    return pd.Series(y, months(), name="sold"), pd.DataFrame({"promo": promo}, months())


def holidays(seed=0):
    """Days with a season of a week and rare holidays; noise of size 1."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2022-01-01", periods=180 + 14, freq="D")
    holiday = (rng.random(len(index)) < 0.05) * 1.0
    holiday[-5] = 1.0
    week = np.array([0, 1, 2, 1, 3, 8, 6.0])[index.day_of_week]
    y = 50 + 2 * week - 15 * holiday + rng.normal(size=len(index))
    return pd.Series(y, index, name="visitors"), pd.DataFrame({"holiday": holiday}, index)


def panel(seed=0):
    """Three series of different sizes, each with its own effect."""
    rng, t = np.random.default_rng(seed), np.arange(T + H)
    price = rng.normal(size=T + H)
    columns = {
        name: size * (50 + 0.2 * t + 5 * np.sin(np.pi * t / 6 + size) + effect * price + rng.normal(size=T + H))
        for name, size, effect in [("a", 1, 5), ("b", 100, 4), ("c", 0.01, -5)]
    }
    return pd.DataFrame(columns, months()), pd.DataFrame({"price": price}, months())


def rmse(found, truth):
    """Relative to the size of each series."""
    return float(np.sqrt(np.mean(((found - truth) / truth.std()) ** 2)))


LOG = ("log", SMOOTHING)
WEEK = ({"name": "exponential_smoothing", "period": 7},)


@pytest.mark.parametrize(
    ("data", "transforms", "noise"),
    [
        pytest.param(additive, [SMOOTHING], 1.0, marks=pytest.mark.slow),
        (multiplicative, LOG, None),
        (holidays, WEEK, 1.0),
        (panel, [SMOOTHING], None),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_the_error_is_near_the_noise_with_covariates_and_far_above_it_without(data, transforms, noise):
    y, X = data()
    h = 14 if data is holidays else H
    train, truth = y[:-h], y[-h:]
    with_X = forecaster(transforms, horizon=h).fit(train, X[:-h])
    without = forecaster(transforms, horizon=h).fit(train)
    found, plain = with_X.predict(X_future=X[-h:]), without.predict()
    assert rmse(found, truth) < 0.5 * rmse(plain, truth)
    if noise:
        assert np.sqrt(np.mean((found - truth) ** 2)) < 1.5 * noise
    # Intervals are as narrow as the errors.
    level = with_X.predict(X_future=X[-h:], level=80), without.predict(level=80)
    widths = [np.asarray(each).T[2::3] - np.asarray(each).T[1::3] for each in level]
    assert (widths[0].mean(axis=1) < 0.7 * widths[1].mean(axis=1)).all()
    effects = with_X.covariate_effects_
    assert effects["coefficient"].abs().min() > 0
    assert (effects["note"] == "").all()
    # One-step forecasts have the effects too.
    scale = train.diff().std()
    fitted = ((with_X.fitted_values() - train) / scale)[-40:], ((without.fitted_values() - train) / scale)[-40:]
    assert np.sqrt((fitted[0] ** 2).to_numpy().mean()) < 0.7 * np.sqrt((fitted[1] ** 2).to_numpy().mean())


def test_the_selection_of_transforms_takes_covariates_into_account():
    y, X = multiplicative()
    made = Forecaster("gru_1x2", horizon=H, n_members=2, epochs=0, seed=1, verbose=0).fit(y[:-H], X[:-H])
    assert rmse(made.predict(X_future=X[-H:]), y[-H:]) < 0.2
    effects = made.covariate_effects_
    assert effects.columns.tolist() == ["series", "covariate", "form", "coefficient", "weight", "note"]
    assert effects["weight"].sum() == pytest.approx(1)
    of_logarithms = effects[effects["form"] == "multiplicative"]
    assert of_logarithms["coefficient"].to_numpy() == pytest.approx(0.5, abs=0.05)


def test_covariates_without_effect_leave_the_forecast_alone_and_say_so():
    y, _ = additive()
    ratios, same = [], 0
    plain = forecaster().fit(y[:-H]).predict()
    for seed in range(3):
        rng = np.random.default_rng(100 + seed)
        X = pd.DataFrame(rng.normal(size=(T + H, 3)), y.index, columns=list("uvw"))
        made = forecaster().fit(y[:-H], X[:-H])
        found = made.predict(X_future=X[-H:])
        ratios.append(rmse(found, y[-H:]) / rmse(plain, y[-H:]))
        if (made.covariate_effects_["note"] == "does not lower the error").all():
            assert_equal(found, plain)
            assert (made.covariate_effects_[["form", "coefficient"]] == ["none", 0.0]).all(axis=None)
            same += 1
    assert same >= 2
    assert np.exp(np.mean(np.log(ratios))) < 1.02
    assert forecaster().fit(y[:-H]).covariate_effects_.empty


@pytest.mark.parametrize("data", [additive, pytest.param(multiplicative, marks=pytest.mark.slow)])
def test_another_unit_gives_the_same_forecast(data):
    y, X = data()
    transforms = LOG if data is multiplicative else [SMOOTHING]
    found = forecaster(transforms).fit(y[:-H], X[:-H]).predict(X_future=X[-H:])
    other = forecaster(transforms).fit(y[:-H], 1000 * X[:-H] - 7).predict(X_future=1000 * X[-H:] - 7)
    np.testing.assert_allclose(other, found, rtol=1e-5)


def test_a_series_may_be_continued_from_other_values():
    y, X = additive()
    made = with_random_outputs(forecaster(**UNUSED).fit(y[:-H], X[:-H]))
    fitted = made.fitted_values()
    for end in (50, 90):
        found = made.predict(1, X[end : end + 1], history=y[:end], history_X=X[:end])
        assert found.iloc[0] == pytest.approx(fitted.iloc[end], rel=1e-5)
    found = made.predict(X_future=X[-H:], history=y[:-H], history_X=X[:-H])
    assert_equal(found, made.predict(X_future=X[-H:]))
    changed = X.copy()
    changed.iloc[-1] += 2.0
    other = made.predict(X_future=changed[-H:])
    coefficient = made.covariate_effects_["coefficient"].iloc[0]
    assert (other - found).iloc[-1] == pytest.approx(2 * coefficient, rel=0.2)  # the networks see it too
    with pytest.raises(InvalidArgumentError, match="covariates of fit"):
        made.predict()


@pytest.mark.parametrize("data", [multiplicative, pytest.param(panel, marks=pytest.mark.slow)])
@pytest.mark.backend
def test_files_have_the_term(data, tmp_path, monkeypatch):
    y, X = data()
    made = forecaster(LOG if data is multiplicative else [SMOOTHING], **UNUSED).fit(y[:-H], X[:-H])
    path = tmp_path / "made.kerazoo"
    made.save(path)
    loaded = Forecaster.load(path)
    assert_equal(loaded.predict(X_future=X[-H:], level=80), made.predict(X_future=X[-H:], level=80))
    assert_equal(loaded.fitted_values(), made.fitted_values())
    assert_equal(loaded.covariate_effects_, made.covariate_effects_)
    # A version that does not know the term refuses the file.
    monkeypatch.setattr(model_file, "VERSIONS", (model_file.VERSION,))
    with pytest.raises(StorageError, match="a forecaster of version 2"):
        Forecaster.load(path)


def test_files_without_a_term_have_the_version_that_all_versions_read(tmp_path):
    y, X = additive()
    for X_or_none in (None, 0.0 * X):
        path = tmp_path / "made.kerazoo"
        forecaster(**UNUSED).fit(y, X_or_none).save(path)
        _, notes = read_tensors(path, kind=model_file.KIND)
        assert notes["version"] == 1
        for models in notes["transforms"]:
            for model in models:
                del model["term"]  # as in earlier files
        for choice in notes["choices"]:
            del choice["term"]
        json.dumps(notes)
        ensemble = model_file._ensemble_from
        arrays, _ = read_tensors(path, kind=model_file.KIND)
        weights = [arrays[name] for name in sorted(arrays) if name.startswith("net/")]
        found = ensemble(arrays, notes, NetSpec(notes["spec"]), weights)
        assert found.fitted[0][0].term is None


def test_a_backtest_uses_the_covariates():
    y, X = additive()
    with_X = forecaster().cross_validation(y, n_windows=2, X=X, refit=False)
    without = forecaster().cross_validation(y, n_windows=2, refit=False)
    errors = [each[each["model"] == "forecaster"]["rmse"].mean() for each in (with_X, without)]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.backend
def test_changes_that_the_fit_never_saw_have_no_effect_and_are_told():
    y, X = additive()
    X = X.assign(lockdown=3.0)
    made = forecaster().fit(y[:-H], X[:-H])
    effects = made.covariate_effects_.set_index("covariate")
    assert effects.loc["lockdown", ["coefficient", "note"]].tolist() == [0.0, "constant in fit"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = made.predict(X_future=X[-H:])
    with pytest.warns(UserWarning, match="X_future changes lockdown, constant in fit: the effect is unknown") as caught:
        other = made.predict(X_future=X[-H:].assign(lockdown=4.0))
    assert caught[0].filename == __file__
    assert_equal(other, found)
    # Nor do the networks react to what they have never seen.
    made = with_random_outputs(forecaster(**UNUSED).fit(y[:-H], X[:-H]))
    with pytest.warns(UserWarning, match="lockdown"):
        assert_equal(made.predict(X_future=X[-H:].assign(lockdown=4.0)), made.predict(X_future=X[-H:]))


def test_what_covariates_leave_may_lie_outside_of_a_transform_of_the_user(monkeypatch):
    """Then the chain goes without them, as it did before there was a term."""
    y, X = additive()
    y = y.round()

    class WholeNumbers(PointwiseTransform):
        name = "whole_numbers_of_a_test"

        def _forward(self, values, index):
            check_values(values % 1 == 0, values, index, "whole numbers")
            return values

        def _backward(self, z, index):
            return z

    monkeypatch.setitem(_REGISTRY, WholeNumbers.name, WholeNumbers)
    chosen = fitting.Choice(({"name": WholeNumbers.name},), 1.0, 1.0, "additive")
    monkeypatch.setattr(fitting, "choose_term", lambda *_: chosen)
    made = forecaster([WholeNumbers()]).fit(y, X)
    assert (made.covariate_effects_["form"] == "none").all()
    with pytest.raises(InvalidArgumentError, match="expected whole numbers"):
        forecaster([WholeNumbers()]).fit(y + 0.5, X)


@pytest.mark.backend
def test_a_checkpoint_from_before_the_term_is_refused(tmp_path, monkeypatch):
    y, X = additive()
    made = forecaster(epochs=1, steps_per_epoch=1, checkpoint_dir=tmp_path, checkpoint_minutes=0)
    identity = fit_checkpoint.identity_of
    with monkeypatch.context() as patch:
        patch.setattr(
            fit_checkpoint, "identity_of", lambda *args: {k: v for k, v in identity(*args).items() if k != "covariates"}
        )
        made.fit(y, X)
    with pytest.raises(InvalidArgumentError, match="covariates"):
        made.fit(y, X)
    assert "covariates" not in identity(fitting.Panel((), "series"), made._settings(made._fitted.panel), None)
