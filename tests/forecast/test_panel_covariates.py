"""Several series with covariates: linear effects in the statistics, and inputs of the networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError

T, H = 72, 6
TINY = {"model": "gru_1x4", "horizon": H, "n_members": 1, "epochs": 1, "steps_per_epoch": 2, "lookback": 6, "seed": 1,
        "verbose": 0}  # fmt: skip


def events(n=6, effect=5.0, *, multiplicative=False, seed=0):
    """Monthly series, and a flag that raises them: (y, X), H months longer than is known."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2015-01-01", periods=T + H, freq="MS")
    flag = (rng.random(T + H) < 0.3).astype(float)
    flag[T + 2] = 1.0
    columns = {}
    for number in range(n):
        base = 50 + 0.2 * np.arange(T + H) + 3 * np.sin(np.arange(T + H) * np.pi / 6 + number)
        noise = rng.normal(size=T + H)
        if multiplicative:
            columns[f"s{number}"] = 10.0 ** (number % 3) * base * np.exp(0.3 * flag + 0.01 * noise)
        else:
            columns[f"s{number}"] = base + effect * flag + 0.5 * noise
    return pd.DataFrame(columns, index), pd.DataFrame({"event": flag, "open": 1.0}, index)


def made(**changes):
    return Forecaster(horizon=H, epochs=0, verbose=0, **changes)


@pytest.mark.parametrize(("multiplicative", "form", "size"), [(False, "additive", 5.0), (True, "multiplicative", 0.3)])
def test_effects_are_found_in_their_form(multiplicative, form, size):
    y, X = events(multiplicative=multiplicative)
    forecaster = made().fit(y[:T], X[:T])
    effects = forecaster.covariate_effects_
    assert len(effects) == 12
    event = effects[effects["covariate"] == "event"]
    assert (event["form"] == form).all()
    np.testing.assert_allclose(event["coefficient"], size, rtol=0.15)
    assert (effects.loc[effects["covariate"] == "open", "note"] == "constant in fit").all()
    with_effect, without = forecaster.predict(X_future=X[T:]), made().fit(y[:T]).predict()
    errors = [(np.abs(each - y[T:]) / y[T:]).to_numpy().mean() for each in (with_effect, without)]
    assert errors[0] < 0.6 * errors[1]
    steps = forecaster.fitted_values()
    assert steps.shape == (T, 6)
    assert np.abs(steps - y[:T]).iloc[24:].to_numpy().mean() < np.abs(y[:T].diff())[1:].to_numpy().mean()


def test_one_series_that_is_not_positive_makes_all_effects_additive():
    y, X = events(n=130, multiplicative=True)
    y["s64"] -= 1000
    forecaster = made().fit(y[:T], X[:T])
    assert set(forecaster.covariate_effects_["form"]) <= {"additive", "none"}
    assert np.isfinite(forecaster.predict(X_future=X[T:])).all(axis=None)


def test_covariates_without_an_effect_are_left_out():
    y, _ = events(effect=0.0)
    X = pd.DataFrame({"noise": np.random.default_rng(5).normal(size=T + H)}, y.index)
    forecaster = made().fit(y[:T], X[:T])
    effects = forecaster.covariate_effects_
    if (effects["form"] == "none").all():
        np.testing.assert_allclose(forecaster.predict(X_future=X[T:]), made().fit(y[:T]).predict())
        assert (effects["note"] == "does not lower the error").all()
    assert (np.abs(effects["coefficient"]) < 0.3).all()


def test_forecasts_with_covariates_survive_files_other_lengths_and_histories(tmp_path):
    y, X = events(n=3)
    forecaster = made(floor=0).fit(y[:T], X[:T])
    expected = forecaster.predict(X_future=X[T:], level=[80, 95])
    assert (expected.to_numpy() >= 0).all()
    forecaster.save(tmp_path / "file")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "file").predict(X_future=X[T:], level=[80, 95]), expected)
    shorter = forecaster.predict(2, X[T:])
    np.testing.assert_array_equal(shorter, forecaster.predict(X_future=X[T:])[:2])
    earlier = forecaster.predict(4, X[T - 4 : T], history=y[: T - 4], history_X=X[: T - 4])
    assert np.abs(earlier - y[T - 4 : T]).to_numpy().mean() < 2
    scores = forecaster.cross_validation(y[:T], n_windows=2, X=X[:T], level=None)
    assert np.isfinite(scores["rmse"]).all()
    with pytest.raises(InvalidArgumentError, match="X_future=None"):
        forecaster.predict()


def test_a_covariate_that_was_constant_is_said_to_have_an_unknown_effect():
    y, X = events(n=3)
    forecaster = made().fit(y[:T], X[:T])
    with pytest.warns(UserWarning, match="X_future changes open, constant in fit"):
        forecaster.predict(X_future=X[T:].assign(open=0.0))


@pytest.mark.backend
def test_networks_see_covariates_and_calendar_features(tmp_path):
    y, X = events(n=4)
    forecaster = Forecaster(**TINY, calendar=("quarter",)).fit(y[:T], X[:T], val=0)
    (net,) = forecaster._fitted.nets
    assert net.coder.known.shape == (2, 2 + 3)  # event and open; two cosines and a sine of quarters
    expected = forecaster.predict(X_future=X[T:])
    other = forecaster.predict(X_future=X[T:].assign(event=1 - X["event"][T:]))
    assert np.abs(other - expected).to_numpy().max() > 1
    forecaster.save(tmp_path / "file")
    np.testing.assert_array_equal(Forecaster.load(tmp_path / "file").predict(X_future=X[T:]), expected)
    # The networks know no covariates beyond the steps that are asked for.
    np.testing.assert_allclose(forecaster.predict(3, X[T:]), expected[:3], rtol=0.02)
    new = y[:T].iloc[:, :2].add_prefix("new ")
    found = forecaster.predict(X_future=X[T:], history=new, history_X=X[:T])
    assert np.abs(found.to_numpy() - expected.iloc[:, :2].to_numpy()).mean() < 2


@pytest.mark.backend
def test_past_static_and_named_inputs_of_networks(tmp_path):
    y, X = events(n=4)
    static = pd.DataFrame({"size": [1.0, 2.0, 3.0, np.nan], "kind": ["a", "b", "a", None]}, list(y.columns))
    made = Forecaster(**TINY, embed_ids=True)
    forecaster = made.fit(y[:T], X_past=X[["event"]][:T], static=static, val=0)
    (net,) = forecaster._fitted.nets
    assert [net.coder.past.shape[1], net.coder.known.shape[1], net.coder.static.shape[1]] == [1, 0, 1]
    assert [len(each) for each in net.coder.vocabularies] == [4, 2]  # names of the series, kinds
    expected = forecaster.predict(level=None)
    assert np.isfinite(expected).all(axis=None)
    forecaster.save(tmp_path / "file")
    again = Forecaster.load(tmp_path / "file")
    np.testing.assert_array_equal(again.predict(), expected)
    np.testing.assert_array_equal(again.predict(2 * H)[:H], expected)
    swapped = Forecaster(**TINY, embed_ids=True).fit(
        y[:T], X_past=X[["event"]][:T], static=static[::-1].set_axis(static.index), val=0
    )
    assert not np.array_equal(swapped.predict(), expected)
    longer = forecaster.update(y[T : T + 2], X_past=X[T : T + 2]).predict()
    history = {"history": y[: T + 2], "history_X_past": X[["event"]][: T + 2]}
    np.testing.assert_allclose(again.predict(**history), longer)
    new = {"history": y[:T].iloc[:, :1].set_axis(["new"], axis=1), "history_X_past": X[["event"]][:T]}
    with pytest.raises(InvalidArgumentError, match="static"):
        again.predict(**new)
    found = again.predict(**new, static=pd.DataFrame({"size": [1.0], "kind": ["unseen"]}, ["new"]))
    assert np.isfinite(found).all(axis=None)


def test_inputs_of_networks_alone_are_refused_where_there_are_none():
    y, X = events(n=2)
    chains = Forecaster(horizon=H, transforms=["difference"], epochs=0, verbose=0)
    with pytest.raises(InvalidArgumentError, match="X_past with given transforms"):
        chains.fit(y[:T], X_past=X[:T])
    with pytest.raises(InvalidArgumentError, match="static with one series or given transforms"):
        chains.fit(y[:T], static=pd.DataFrame({"size": [1.0, 2.0]}, list(y.columns)))
