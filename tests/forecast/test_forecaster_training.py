"""`Forecaster`: pandas in and out, what is learned from what, intervals, backtests, files, errors and pictures."""

from __future__ import annotations

import functools
import pickle
import re
import warnings

import keras
import matplotlib
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn.base import clone

from kerazoo import Forecaster, metrics
from kerazoo.errors import InvalidArgumentError, NotFittedError, StorageError
from kerazoo.forecast import baselines, fitting
from kerazoo.forecast.data.calendar import calendar_names
from kerazoo.forecast.data.panel import read_panel
from kerazoo.forecast.nets.trainer import Learner
from kerazoo.forecast.transforms.base import Chain
from kerazoo.forecast.transforms.selection import Choice

matplotlib.use("agg")

T = 60


def numbers(length=T, seed=0):
    """Months with a trend, a season and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    return 50 + 0.3 * t + 8 * np.sin(2 * np.pi * t / 12 + seed) + rng.normal(size=length)


def series(length=T, seed=0):
    return pd.Series(
        numbers(length, seed), pd.date_range("2015-01-01", periods=length, freq="MS", name="month"), name="sold"
    )


def frame(length=T):
    found = pd.DataFrame({name: series(length, seed) for seed, name in enumerate("ab")})
    return found.rename_axis(columns="shop")


def long(lengths=(T, T - 9)):
    parts = [
        series(length, seed).rename("y").rename_axis("ds").reset_index().assign(unique_id=f"shop {seed}")
        for seed, length in enumerate(lengths)
    ]
    return pd.concat(parts, ignore_index=True)


def covariates(length, start=0):
    rng = np.random.default_rng(7)
    index = pd.date_range("2015-01-01", periods=200, freq="MS", name="month")
    return pd.DataFrame({"price": rng.normal(size=200), "open": 1.0}, index)[start : start + length]


def tiny(model="gru_1x4", **changes):
    settings = {"n_members": 2, "epochs": 2, "steps_per_epoch": 2, "lookback": 12, "transforms": (), "seed": 1}
    return Forecaster(model, **{**settings, "verbose": 0, **changes})


def assert_equal(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True)
    else:
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """Without XLA, which takes seconds for what runs for milliseconds; test_forecaster_backends.py has it."""
    compile_it = Learner.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "compile", lambda self, *args, **kwargs: compile_it(self, *args, jit_compile=False))
        yield


def talking(forecaster):
    """Nets that say something, even where training did not make them better than nothing."""
    nets = forecaster._fitted.ensemble.nets
    for weight in (nets._kernel, nets._bias):
        weight.assign(np.random.default_rng(3).normal(size=weight.shape) * 0.5)
    return forecaster


# What is fitted once, for many tests: each strategy, each form, each way to intervals


@pytest.fixture(scope="module")
def main():
    return tiny(transforms="auto", calendar=("month",)).fit(series())


@pytest.fixture(scope="module")
def plain():
    """Nets alone, on numbers without dates; nothing is held out."""
    return tiny(transforms=["difference"]).fit(numbers(), val=0)


@pytest.fixture(scope="module")
def panel():
    made = tiny(strategy="mean", horizon=3, transforms=["log", {"name": "difference", "lag": 12}])
    return talking(made.fit(frame(), X=covariates(T)))


@pytest.fixture(scope="module")
def direct():
    return talking(tiny(strategy="direct", horizon=3, transforms="exponential_smoothing").fit(long()))


@pytest.fixture(scope="module")
def normal():
    index = pd.period_range("2015-01", periods=T, freq="M", name="month")
    return tiny(loss="normal", transforms=["difference"]).fit(pd.Series(numbers(), index, name="sold"), val=8)


@pytest.fixture(scope="module")
def backtested():
    return tiny(transforms=["difference"]).backtest(series(), horizon=4, folds=2, step=3, refit=False, interval=0.8)


# Forms


def test_a_series_goes_on_by_its_dates(main):
    found = main.predict(5)
    index = pd.date_range("2020-01-01", periods=5, freq="MS", name="month")
    pd.testing.assert_index_equal(found.index, index)
    assert (type(found), found.name, found.dtype) == (pd.Series, "sold", np.float64)
    assert found.index.freq == index.freq
    truth = series(T + 5)[T:]
    assert metrics.rmse(truth, found) < 3  # the noise is 1, the season 8: in units of the data


def test_periods_go_on(normal):
    pd.testing.assert_index_equal(
        normal.predict(4).index, pd.period_range("2020-01", periods=4, freq="M", name="month")
    )


def test_numbers_come_back_as_numbers(plain):
    found = plain.predict(7)
    assert (type(found), found.shape, found.dtype) == (np.ndarray, (7,), np.float64)


def test_columns_of_numbers_come_back_as_columns():
    y = np.stack([numbers(), 100 + numbers(seed=1)], axis=1)
    found = tiny(epochs=0).fit(y, val=0).predict(4)
    assert found.shape == (4, 2)
    assert (np.abs(found - y.mean(axis=0)) < 30).all()  # each in its own units


def test_a_frame_comes_back_as_a_frame(panel):
    found = panel.predict(4, X_future=covariates(4, T))
    pd.testing.assert_index_equal(found.columns, frame().columns)
    pd.testing.assert_index_equal(found.index, pd.date_range("2020-01-01", periods=4, freq="MS", name="month"))


def test_a_long_frame_comes_back_as_a_long_frame(direct):
    found = direct.predict(4)
    assert found.columns.tolist() == ["unique_id", "ds", "forecast"]
    assert found["unique_id"].tolist() == ["shop 0"] * 4 + ["shop 1"] * 4
    ends = [pd.Timestamp("2020-01-01"), pd.Timestamp("2019-04-01")]  # the series end where they end
    assert found.groupby("unique_id")["ds"].min().tolist() == ends


@pytest.mark.parametrize("name", ["main", "plain", "direct", "normal"])
def test_the_horizon_may_be_longer_than_what_was_aimed_at(request, name):
    forecaster = request.getfixturevalue(name)
    long_way, usual = forecaster.predict(30), forecaster.predict()
    per_series = 2 if name == "direct" else 1
    assert len(usual) == forecaster.horizon_ * per_series
    assert len(long_way) == 30 * per_series
    values = long_way["forecast"].to_numpy() if name == "direct" else np.asarray(long_way)
    shorter = usual["forecast"].to_numpy() if name == "direct" else np.asarray(usual)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[: forecaster.horizon_], shorter[: forecaster.horizon_], rtol=1e-5)


def test_mean_lies_halfway_between_recursive_and_direct(panel):
    x = covariates(8, T)
    both = panel.predict(8, x)
    ensemble = panel._fitted.ensemble
    parts = []
    try:
        for ensemble.strategy in ("recursive", "direct"):
            parts.append(panel.predict(8, x))
    finally:
        ensemble.strategy = "mean"
    assert not np.allclose(*parts)
    pd.testing.assert_frame_equal(both, (parts[0] + parts[1]) / 2, check_freq=False)


def test_each_step_is_fed_back_with_what_is_known_of_the_next():
    """The forecast of one net is that of single steps, each after the series and the steps before it."""
    alone = tiny(n_members=1, epochs=0, lookback=None, transforms=["difference"], calendar=("month",))
    y = series()
    at_once = talking(alone.fit(y, val=0)).predict(4)
    for _ in range(4):
        y = pd.concat([y, alone.predict(1, history=y)]).asfreq("MS")
    np.testing.assert_allclose(at_once, y[T:], rtol=1e-5)
    assert not np.allclose(at_once, baselines.drift(series(), 4), rtol=1e-3)


def test_another_history_is_gone_on_from(main):
    y = series(T + 6)
    found = main.predict(3, history=y)
    assert found.index[0] == pd.Timestamp("2020-07-01")
    assert_equal(main.predict(3, history=y[:T]), main.predict(3))
    shorter = main.predict(4, history=y[: T - 20])
    assert shorter.index[0] == y.index[T - 20]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        (lambda y: y.to_frame(), r"history is a DataFrame with a column a series; expected a Series"),
        (lambda y: y.rename("cost"), r"history has the series 'cost'; expected 'sold'"),
        (lambda y: y.set_axis(pd.date_range("2015-01-01", periods=T)),
         r"history.index has the frequency 'D': 2015-01-01, .*; expected 'MS'.*history\.resample\('MS'\)"),
        (lambda y: y.set_axis(y.index + pd.offsets.MonthEnd(0)), r"has the frequency 'ME'.*; expected 'MS'"),
        (lambda y: y.iloc[::2], r"has the frequency '2MS'.*; expected 'MS'"),
        (lambda y: y.to_period(), r"has periods M; expected dates without a time zone.*history\.to_timestamp\(\)"),
        (lambda y: y.reset_index(drop=True), r"history.index has integers; expected dates"),
        (lambda y: y.tz_localize("UTC"), r"has dates with a time zone; .*history\.tz_localize\(None\)"),
        (lambda y: y.where(y > y.min()), r"history, taken as y: y: 1 of 60 values is not finite"),
    ],
)  # fmt: skip
def test_another_history_is_of_the_kind_that_was_fitted(main, changed, match):
    with pytest.raises(InvalidArgumentError, match=match):
        main.predict(3, history=changed(series()))
    with pytest.raises(InvalidArgumentError, match=match.replace("history, taken as y: ", "").replace("history", "y")):
        main.one_step(changed(series()))


def test_a_history_has_the_step_of_the_series_where_its_dates_could_have_another(panel):
    days = pd.bdate_range("2020-01-01", periods=T)
    forecaster = tiny(epochs=0, horizon=2).fit(pd.Series(numbers(), days))
    week = pd.Series(numbers(5), pd.DatetimeIndex(list(days[3:8])))  # from Monday to Friday
    assert week.index[0].day_name() == "Monday"
    assert forecaster.predict(2, history=week).index.equals(pd.bdate_range(week.index[-1], periods=3)[1:])
    zone = pd.date_range("2021-03-20", periods=T, tz="Europe/Berlin")
    forecaster = tiny(epochs=0, horizon=2).fit(pd.Series(numbers(), zone))
    assert forecaster.predict(1, history=pd.Series(numbers(), zone)).index.tz is not None
    with pytest.raises(InvalidArgumentError, match=r"time zone Asia/Tokyo; expected Europe/Berlin.*tz_convert\('Eur"):
        forecaster.predict(1, history=pd.Series(numbers(9), zone[9:18].tz_convert("Asia/Tokyo")))
    with pytest.raises(InvalidArgumentError, match="history_X is given, but not history"):
        panel.predict(2, covariates(2, T), history_X=covariates(T))
    with pytest.raises(InvalidArgumentError, match="X is given, but not y"):
        panel.one_step(X=covariates(T))


def test_the_series_of_a_history_are_known_by_name(direct, panel):
    assert_equal(direct.predict(3, history=long().sample(frac=1, random_state=3)), direct.predict(3))
    assert_equal(direct.one_step(long()[::-1]), direct.one_step())
    found = panel.predict(2, covariates(2, T), history=frame()[["b", "a"]], history_X=covariates(T))
    assert_equal(found, panel.predict(2, covariates(2, T)))
    daily = long().assign(ds=lambda table: pd.Timestamp("2015-01-01") + pd.to_timedelta(table.index, "D"))
    with pytest.raises(InvalidArgumentError, match=r"history\['ds'\] has the frequency 'D'.*; expected 'MS'"):
        direct.predict(3, history=daily)
    with pytest.raises(InvalidArgumentError, match="history has the series 'shop 0'; expected 'shop 0', 'shop 1'"):
        direct.predict(3, history=long().query("unique_id == 'shop 0'"))


# Covariates and calendar


def test_covariates_count_and_have_to_be_known(panel):
    x = covariates(4, T)
    found = panel.predict(4, x)
    other = panel.predict(4, x.assign(price=x["price"] + 50))
    assert not np.allclose(found, other)
    with pytest.raises(InvalidArgumentError, match="X_future"):
        panel.predict(4)
    with pytest.raises(InvalidArgumentError, match="price"):
        panel.predict(4, x.drop(columns="price"))
    with pytest.raises(InvalidArgumentError, match=r"history has the covariates \[\]; expected \['price', 'open'\]"):
        panel.predict(4, x, history=frame())


def test_the_calendar_is_what_was_asked_for(main, plain):
    assert main._fitted.ensemble.features.calendar == tuple(calendar_names(series().index, ("month",)))
    assert main.spec_.features == 1 + 2 * main.calendar_order
    assert plain.spec_.features == 1
    with pytest.raises(InvalidArgumentError, match="Did you mean 'month'"):
        tiny(calendar=("mont",)).fit(series())


# Intervals


@pytest.mark.parametrize("name", ["main", "normal"])
def test_intervals_have_labels_and_lie_within_each_other(request, name):
    forecaster = request.getfixturevalue(name)
    found = forecaster.predict(9, interval=[0.8, 0.5])
    assert found.columns.tolist() == ["forecast", "lower_80", "upper_80", "lower_50", "upper_50"]
    assert (found["lower_80"] < found["lower_50"]).all()
    assert (found["lower_50"] < found["upper_50"]).all()
    assert (found["upper_50"] < found["upper_80"]).all()
    widths = found["upper_80"] - found["lower_80"]
    assert widths.iloc[-1] > widths.iloc[0]
    one = forecaster.predict(9, interval=0.8)
    assert_equal(one, found[["forecast", "lower_80", "upper_80"]])
    assert_equal(forecaster.predict(9), found["forecast"].rename("sold"))


def test_conformal_intervals_lie_evenly_around_the_forecast(main):
    found = main.predict(3, interval=0.8)
    np.testing.assert_allclose((found["lower_80"] + found["upper_80"]) / 2, found["forecast"])


def test_intervals_of_a_frame(panel):
    found = panel.predict(2, covariates(2, T), interval=0.5)
    assert found.columns.tolist() == [(shop, label) for shop in "ab" for label in ("forecast", "lower_50", "upper_50")]


def test_intervals_from_samples_are_those_of_paths_that_are_drawn(normal):
    found = normal.predict(4, interval=0.8)
    ensemble, data = normal._fitted.ensemble, normal._panel.series[0]
    history = ensemble.history_of(0, data, np.empty((4, 0)), 4)
    (paths,) = ensemble.samples([history], 4, 1000, np.random.default_rng(1))
    np.testing.assert_allclose(found["lower_80"], np.quantile(paths, 0.1, axis=0))
    np.testing.assert_allclose(found["upper_80"], np.quantile(paths, 0.9, axis=0))
    assert len(np.unique(paths[:, 0])) > 900
    steps = np.diff(data.values)
    assert np.std(paths[:, 0]) == pytest.approx(steps.std(), rel=0.5)  # the nets have learned next to nothing yet


def test_without_held_out_steps_there_are_no_intervals(plain):
    assert plain.n_held_ == 0
    with pytest.raises(InvalidArgumentError, match=r"no steps were held out.*loss='normal'"):
        plain.predict(3, interval=0.8)


@pytest.mark.parametrize("interval", [80, 0, 1.0, -0.1, [0.8, 95], np.nan, "auto", object()])
def test_levels_are_shares(main, interval):
    shown = re.escape(repr(interval)) if isinstance(interval, str) else ".*"
    with pytest.raises(InvalidArgumentError, match=rf"interval={shown};.*0\.8 for 80 %"):
        main.predict(3, interval=interval)


# The same again


def test_the_same_seed_and_values_give_the_same_and_another_seed_another(main):
    whole = series(T + 12)
    whole.iloc[T:] = 1e5  # what follows the fitted part makes no difference
    again = clone(main).fit(whole[:T])
    assert_equal(again.one_step(), main.one_step())
    assert_equal(again.predict(20, interval=0.8), main.predict(20, interval=0.8))
    assert again.history_ == main.history_
    assert again.transforms_ == main.transforms_
    first = [
        tiny(epochs=0, seed=seed).fit(series(), val=0)._fitted.ensemble.nets.values_of([0])[0] for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


def test_nets_that_are_not_trained_leave_the_statistics():
    forecaster = tiny(epochs=0, transforms=["difference"]).fit(series())
    assert (forecaster.best_epoch_, forecaster.history_) == (0, {})
    np.testing.assert_allclose(forecaster.predict(3), baselines.drift(series(), 3))
    assert forecaster.predict(3, interval=0.5)["upper_50"].notna().all()


def test_parameters_are_stored_as_they_are():
    made = tiny(transforms=["log"], callbacks=[])
    params = made.get_params()
    assert clone(made).get_params() == params
    assert params["model"] == "gru_1x4"
    assert params["transforms"] == ["log"]
    with pytest.raises(ValueError, match="Invalid parameter 'hroizon'"):
        made.set_params(hroizon=3)


# Files


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
    assert_equal(again.one_step(), forecaster.one_step())
    for attribute in (
        "history_",
        "best_epoch_",
        "net_share_",
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


def test_files_that_are_no_forecaster(tmp_path, plain):
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


# Nothing is learned from what is not given


@pytest.mark.parametrize(
    "config", [[], ["log", "difference"], [{"name": "autoregression", "lags": 3}], ["boxcox", "exponential_smoothing"]]
)
def test_the_twins_know_nothing_of_what_is_held_out(config):
    y = series()
    changed = y.copy()
    changed[48:] = changed[48:] * 3 + 100
    parts = []
    for each in (y, changed):
        data = read_panel(each, covariates(T)).series
        choices = [Choice(tuple(Chain(config).get_config()["transforms"]), 1.0, 0.0)]
        raw = [np.concatenate([data[0].covariates, each.to_numpy()[:, None]], axis=1)]
        parts.append(fitting._fit_part(choices, data, raw, [48]))
    one, other = parts
    assert one.fitted[0][0].get_state() == other.fitted[0][0].get_state()
    np.testing.assert_array_equal(one.zs[0][0][:48], other.zs[0][0][:48])
    np.testing.assert_array_equal(one.scale.mean, other.scale.mean)
    np.testing.assert_array_equal(one.scale.deviation, other.scale.deviation)
    assert not np.array_equal(one.zs[0][0][48:], other.zs[0][0][48:])


@pytest.mark.parametrize("name", ["main", "normal", "plain"])
def test_predictions_of_one_step_take_the_past_and_nothing_else(request, name):
    forecaster = request.getfixturevalue(name)
    found = np.asarray(forecaster.one_step())
    lost = max(Chain(config).n_lost for config, _ in forecaster.transforms_)
    np.testing.assert_array_equal(np.isnan(found), np.arange(T) < max(1, lost))
    y = pd.Series(numbers()) if name == "plain" else pd.Series(numbers(), found_index(forecaster), name="sold")
    for t in (40, T - 1):
        changed = y.copy()
        changed.iloc[t:] += 20
        given = changed.to_numpy() if name == "plain" else changed
        other = np.asarray(forecaster.one_step(given))
        np.testing.assert_array_equal(other[: t + 1], found[: t + 1])
        if t + 1 < T:
            assert other[t + 1] != found[t + 1]
    # It is the first step of the forecast from there.
    history = y[:50].to_numpy() if name == "plain" else y[:50]
    assert np.asarray(forecaster.predict(1, history=history))[0] == pytest.approx(found[50], rel=1e-5)


def found_index(forecaster):
    return forecaster._panel.series[0].index


def test_predictions_of_one_step_have_the_form_of_the_series(main, panel, direct):
    pd.testing.assert_index_equal(main.one_step().index, series().index)
    assert main.one_step().name == "sold"
    found = panel.one_step()
    pd.testing.assert_index_equal(found.index, frame().index)
    assert found.columns.tolist() == ["a", "b"]
    found = direct.one_step()
    assert found.columns.tolist() == ["unique_id", "ds", "forecast"]
    assert len(found) == 2 * T - 9


# Going on by itself


def test_it_generates_from_zeros_from_a_place_and_from_numbers(plain, main, panel):
    zeros = plain.generate(steps=30)
    assert zeros.shape == (30,)
    assert np.isfinite(zeros).all()
    np.testing.assert_array_equal(plain.generate("zeros", 30), zeros)
    usual = plain.predict(30)
    assert not np.array_equal(zeros, usual)
    np.testing.assert_array_equal(plain.generate(T - 1, 30), usual)  # a window that ends where the series does
    np.testing.assert_array_equal(plain.generate(numbers(), 30), usual)
    np.testing.assert_array_equal(plain.generate(10, 5), plain.predict(5, history=numbers()[:22]))
    np.testing.assert_array_equal(main.generate(series().to_numpy()[:40], 6), main.predict(6, history=series()[:40]))
    with pytest.raises(InvalidArgumentError, match=r"seed=60; expected an integer from 0 to 59"):
        plain.generate(T)
    with pytest.raises(InvalidArgumentError, match="Did you mean 'zeros'"):
        plain.generate("zero")
    with pytest.raises(InvalidArgumentError, match="seed has 61 values; expected at most 60"):
        plain.generate(np.ones(61))
    with pytest.raises(InvalidArgumentError, match="covariates"):
        panel.generate()


# What decides when to stop


def test_val_is_a_number_of_steps_or_a_continuation():
    made = tiny(epochs=1, transforms=["difference"])
    y = series()
    by_number = made.fit(y, val=8).predict(4, interval=0.5)
    assert made.n_held_ == 8
    by_series = made.fit(y[:-8], val=y[-8:]).predict(4, interval=0.5)
    assert made.n_held_ == 8
    assert_equal(by_series, by_number)


@pytest.mark.parametrize(
    ("y", "val", "match"),
    [
        (series(), [1.0, 2.0], "val is a list; expected an int, or a Series as y"),
        (series(), 0.2, "val is a float; expected an int, or a Series as y"),
        (series(), -1, "val=-1"),
        (series()[:50], series()[50:50], "val has no rows"),
        (series()[:50], series()[52:], "2 dates are missing at the frequency 'MS': 2019-03-01, 2019-04-01"),
        (series()[:50], series()[45:], "5 dates more than once"),
        (series()[10:], series()[:10], "2015-01-01 follows 2019-12-01"),
        (series()[:50], series()[50:].rename("cost"), "val has the series 'cost'; expected 'sold'"),
        (series()[:50], series()[50:].reset_index(drop=True), "val has integers; expected dates"),
        (frame()[:50], frame()[50:].rename(columns={"b": "c"}), "val has the series 'a', 'c'; expected 'a', 'b'"),
        (frame()[:50], frame()[50:]["a"], "val is a Series; expected an int, or a DataFrame"),
        (long(), 0.2, "val is a float; expected an int, or a DataFrame"),
        (long(), long()[["unique_id", "ds"]], "val has the columns 'unique_id', 'ds'; expected unique_id, ds and y"),
        (long(), long((3,)), "val has steps of the series 'shop 0'; expected 'shop 0', 'shop 1'"),
        (long(), long((3, 2)), "val has 2 to 3 steps of a series; expected as many of each"),
        (numbers(), True, "val is a bool; expected an int, or numbers"),
        (list(numbers()), "last", "val is a str; expected an int, or numbers"),
        (numbers()[:50], np.ones((10, 2)), r"val has the shape \(10, 2\) and y \(50,\)"),
        (numbers()[:50], [1.0, np.nan], "val, taken as y: y: 1 of 2 values is not finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_continuation_that_does_not_go_on_is_refused(y, val, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny(epochs=0).fit(y, val=val)


def test_a_continuation_has_its_columns_in_any_order():
    one, other = (tiny(epochs=0).fit(frame()[:50], val=val) for val in (frame()[50:], frame()[50:][["b", "a"]]))
    assert_equal(one.predict(3), other.predict(3))


def test_without_val_all_epochs_are_trained(plain):
    assert plain.best_epoch_ == 2
    assert list(plain.history_) == ["loss"]


def test_callbacks_are_called_and_can_stop():
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

    forecaster = tiny(epochs=9, callbacks=Watch()).fit(series())
    assert seen == [(0, ["loss", "val_loss"]), (1, ["loss", "val_loss"])]
    assert {name: len(values) for name, values in forecaster.history_.items()} == {"loss": 2, "val_loss": 2}


class Keeper(keras.callbacks.Callback):
    """It has a name of its own for the model."""

    mine = None

    def on_train_begin(self, logs=None):
        self.mine = self.model
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


@functools.cache
def forecast_without_callbacks():
    return tiny().fit(series()).predict(4)


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True),
        lambda folder: [keras.callbacks.CSVLogger(folder / "log.csv"), Keeper()],
        lambda folder: (keras.callbacks.CallbackList([Keeper()]), [keras.callbacks.TerminateOnNaN()]),
    ],
    ids=["one", "several", "nested"],
)
def test_callbacks_can_be_copied_and_used_again_after_a_fit(make, tmp_path):
    made = make(tmp_path)
    forecaster = tiny(callbacks=made).fit(series())
    assert forecaster.get_params()["callbacks"] is made
    copied = clone(forecaster)
    for again in (copied, forecaster):
        assert_equal(again.fit(series()).predict(4), forecast_without_callbacks())
    assert forecaster.set_params(callbacks=()).get_params()["callbacks"] == ()


def test_callbacks_keep_what_is_theirs(tmp_path):
    class Crashes(Keeper):
        def on_epoch_end(self, epoch, logs=None):
            self.notes = open(tmp_path / "notes", "w")  # noqa: SIM115
            raise OSError("crash")

    keeper, stopping, crashes = Keeper(), keras.callbacks.EarlyStopping(), Crashes()
    forecaster = tiny(callbacks=[keeper, stopping]).fit(series())
    assert (keeper.epochs, keeper.model, keeper.mine) == (2, None, None)
    assert stopping.best == min(forecaster.history_["val_loss"])
    with pytest.raises(OSError, match="crash"):
        tiny(callbacks=[crashes]).fit(series())
    assert (crashes.model, crashes.mine) == (None, None)
    assert not crashes.notes.closed
    crashes.notes.close()


def test_a_constant_series_warns_and_goes_on():
    with pytest.warns(UserWarning, match="constant"):
        forecaster = tiny(transforms="auto").fit(series() * 0 + 7)
    found = forecaster.predict(15, interval=0.8)
    np.testing.assert_allclose(found, 7, rtol=1e-9)
    assert forecaster.best_epoch_ == 0


def test_a_training_that_diverges_leaves_the_statistics(tmp_path):
    forecaster = tiny("rnn_1x4_linear", learning_rate=1e30, checkpoint_dir=tmp_path, transforms=["difference"])
    forecaster.fit(series())
    assert forecaster.best_epoch_ == 0
    np.testing.assert_allclose(forecaster.predict(3), baselines.drift(series(), 3))
    forecaster.save(tmp_path / "forecaster.kerazoo")
    again = Forecaster.load(tmp_path / "forecaster.kerazoo")
    np.testing.assert_array_equal(again.history_["loss"], forecaster.history_["loss"])
    assert np.isnan(again.history_["loss"][-1])
    resumed = clone(forecaster).fit(series())
    assert_equal(resumed.predict(3), forecaster.predict(3))


# Backtests


def test_a_backtest_has_a_row_for_each_fold_and_model(backtested):
    assert backtested.columns.tolist() == [
        "fold", "origin", "series", "model", "rmse", "mae", "smape", "mase", "coverage_80"
    ]  # fmt: skip
    assert backtested["fold"].tolist() == [0, 0, 0, 1, 1, 1]
    assert backtested["model"].tolist() == ["forecaster", "naive", "seasonal_naive"] * 2
    y = series()
    assert backtested["origin"].unique().tolist() == [y.index[T - 8], y.index[T - 5]]
    for fold, end in enumerate((T - 7, T - 4)):
        known, truth = y[:end], y[end : end + 4]
        rows = backtested[backtested["fold"] == fold].set_index("model")
        for name, forecast in (
            ("naive", baselines.naive(known, 4)),
            ("seasonal_naive", baselines.seasonal_naive(known, 4, 12)),
            ("forecaster", backtested.attrs["forecasts"].query("fold == @fold")["forecast"]),
        ):
            assert rows.loc[name, "rmse"] == pytest.approx(metrics.rmse(truth, forecast))
            assert rows.loc[name, "mae"] == pytest.approx(metrics.mae(truth, forecast))
            assert rows.loc[name, "smape"] == pytest.approx(metrics.smape(truth, forecast))
            assert rows.loc[name, "mase"] == pytest.approx(metrics.mase(truth, forecast, known, 12))
        steps = backtested.attrs["forecasts"].query("fold == @fold")
        assert steps["ds"].tolist() == truth.index.tolist()
        np.testing.assert_array_equal(steps["y"], truth)
        held = ((steps["lower_80"] <= steps["y"]) & (steps["y"] <= steps["upper_80"])).mean()
        assert rows.loc["forecaster", "coverage_80"] == pytest.approx(held)
        assert rows["coverage_80"].isna().tolist() == [False, True, True]


def test_a_backtest_can_be_shown_and_put_together(backtested):
    twice = pd.concat([backtested.assign(of="one"), backtested.assign(of="other").copy()])
    assert len(twice) == 12
    with pd.option_context("display.max_rows", 4):
        assert "6 rows" in repr(backtested)
    assert isinstance(backtested.attrs["forecasts"], pd.DataFrame)
    assert len(backtested.attrs["forecasts"]) == 8


def test_a_fresh_fit_at_each_origin_or_one_for_all(backtested):
    made = tiny(transforms=["difference"])
    fresh = made.backtest(series(), horizon=4, folds=2, step=3, interval=None)
    assert not hasattr(made, "history_")  # the folds are forecasters of their own
    assert "coverage_80" not in fresh
    forecasts = [found.attrs["forecasts"].set_index(["fold", "ds"])["forecast"] for found in (fresh, backtested)]
    np.testing.assert_array_equal(forecasts[0][0], forecasts[1][0])
    assert not np.array_equal(forecasts[0][1], forecasts[1][1])
    alone = clone(made).fit(series()[: T - 4]).predict(4)
    np.testing.assert_array_equal(forecasts[0][1], alone)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"refit": True}, "refit=True; expected 'fresh' or False"),
        ({"folds": 0}, "folds=0"),
        ({"horizon": -2}, "horizon=-2"),
        ({"folds": 50}, r"50 folds of 4 steps, 4 apart, leave 0 of 60 values.*folds=8 would fit"),
        ({"interval": 95}, "interval=95"),
        ({"horizon": 40}, r"5 folds of 40 steps, 40 apart, leave 0 of 60 values; .*A longer series is needed\."),
        ({"folds": 8}, r"leave 28 of 60 values for the first\. y has 28 values; expected at least 33"),
    ],
)
def test_a_backtest_that_cannot_be_is_refused(changes, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny().backtest(series(), **{"horizon": 4, **changes})


# Bad input


def spoiled(place, value):
    y = series()
    y.iloc[place] = value
    return y


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (spoiled(3, np.nan), "1 of 60 values is not finite: NaN at 2015-04-01"),
        (spoiled(5, -np.inf), "-inf at 2015-06-01"),
        (series().drop(series().index[7]), "1 date is missing at the frequency 'MS': 2015-08-01"),
        (pd.concat([series(), series()[:1]]), "1 date more than once: 2015-01-01"),
        (series()[::-1], r"y\.sort_index\(\)"),
        (series().astype(str), "expected numbers"),
        (["a", "b", "c"], "y"),
        (series()[:0], "y"),
        (None, "y"),
    ],
)
def test_series_that_cannot_be_are_refused_with_the_place(y, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny().fit(y)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"strategy": "recursiv"}, "Did you mean 'recursive'"),
        ({"model": "lstn_1x4"}, "Did you mean 'lstm'"),
        ({"model": 3}, "expected an RNNSpec or a name"),
        ({"model": "gru_1x4_v50"}, "expected a model of numbers"),
        ({"model": "gru_1x4_timestamps"}, "reads time stamps"),
        ({"loss": "mes"}, "Did you mean 'mse'"),
        ({"loss": "normal", "strategy": "direct"}, "expected 'recursive'"),
        ({"horizon": 0}, "horizon=0; expected an integer >= 1"),
        ({"period": "atuo"}, "Did you mean 'auto'"),
        ({"period": 1.5}, "period=1.5"),
        ({"n_members": 0}, "n_members=0"),
        ({"epochs": -1}, "epochs=-1"),
        ({"learning_rate": 0}, "learning_rate=0; expected a finite number > 0"),
        ({"transforms": 7}, "expected 'auto', or a sequence of transforms"),
        ({"transforms": [["log"]]}, "expected 'auto', or a sequence of transforms"),
        ({"calendar": "month"}, "calendar names='month'; expected one of 'auto'. Or a sequence of month"),
        ({"checkpoint_minutes": -1}, "checkpoint_minutes=-1"),
        ({"transforms": ["diference"]}, "Did you mean 'difference'"),
        ({"transforms": "lgo"}, "Did you mean 'log'"),
        ({"seed": -1}, "seed=-1"),
        ({"verbose": 3}, "verbose=3"),
        ({"checkpoint_dir": "somewhere", "seed": None}, "checkpoint_dir without seed"),
        ({"callbacks": [print]}, r"callbacks holds a builtin_function_or_method; expected objects of keras\.callbacks"),
        ({"callbacks": keras.callbacks.TerminateOnNaN}, "callbacks holds TerminateOnNaN; expected objects"),
    ],
)
def test_parameters_that_cannot_be_are_refused(changes, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny(**changes).fit(series())


def test_what_is_wrong_is_said_before_transforms_are_chosen(monkeypatch):
    """They take seconds, nets minutes."""

    def never(*_, **__):
        raise AssertionError("transforms are chosen")

    monkeypatch.setattr(fitting, "choose_transforms", never)
    made = tiny(transforms="auto", calendar=("month", "mont"))
    for call in (made.check, made.fit):
        with pytest.raises(InvalidArgumentError, match="Did you mean 'month'"):
            call(series())
    made = tiny(transforms="auto", horizon=50)
    with pytest.raises(InvalidArgumentError, match=r"y has 60 values; .* horizon=28 would fit"):
        made.check(series())
    with pytest.raises(InvalidArgumentError, match="X lacks 3 of the 60 dates"):
        made.check(series(), covariates(T - 3))
    assert made.set_params(horizon=None).check(series(), val=4).horizon == 12
    assert not hasattr(made, "horizon_")


def test_transforms_are_given_one_or_several():
    y, one = series(), {"name": "difference", "lag": 12}
    assert_equal(tiny(epochs=0, transforms=one).fit(y).predict(3), tiny(epochs=0, transforms=[one]).fit(y).predict(3))


def test_transforms_that_do_not_suit_say_where():
    with pytest.raises(InvalidArgumentError, match=r"series 'b': y=0 at 2015-05-01.*expected values > 0"):
        tiny(transforms=["log"]).fit(frame().assign(b=spoiled(4, 0.0)))
    with pytest.raises(InvalidArgumentError, match=r"y=0 at 2015-05-01.*expected values > 0"):
        tiny(transforms=["log"]).fit(spoiled(4, 0.0))


@pytest.mark.parametrize(
    ("changes", "length", "match"),
    [
        ({"horizon": 12}, 20, r"y has 20 values; expected at least 30: .* lookback of 12.* 6 held out\."),
        ({"horizon": 4, "lookback": 30, "period": 1}, 40, r"lookback of 30"),
        ({"horizon": 9, "lookback": None, "period": 1}, 12, r"horizon of 9"),
        (
            {"transforms": [{"name": "difference", "lag": 12}], "horizon": 1, "lookback": 2},
            14,
            r"12 that the transforms",
        ),
    ],
)
def test_series_that_are_too_short_are_refused_and_what_would_fit_fits(changes, length, match):
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        tiny(**changes).fit(series(length))
    would = re.search(r"(lookback|horizon)=(\d+) would fit", str(caught.value), re.IGNORECASE)
    if would is None:
        assert "longer series" in str(caught.value)
        return
    settings = tiny(**{**changes, would[1].lower(): int(would[2])})
    panel = read_panel(series(length))
    found = settings._settings(panel)
    fitting.checked_held_out(panel, found, None)


def test_a_short_series_can_be_fitted():
    y = series(5)
    found = tiny(lookback=None, horizon=1, epochs=1, transforms="auto").fit(y).predict(3)
    assert np.isfinite(found).all()


def test_nothing_is_asked_before_fit(tmp_path):
    made = tiny()
    for call in (
        made.predict, made.one_step, made.generate, made.plot_forecast, made.plot_history,
        lambda: made.save(tmp_path / "x"),
    ):  # fmt: skip
        with pytest.raises(NotFittedError, match=r"not fitted; call fit\(y\)"):
            call()


@pytest.mark.parametrize("horizon", [-1, 0, 2.5, "3"])
def test_a_horizon_is_a_number_of_steps(main, horizon):
    with pytest.raises(InvalidArgumentError, match="horizon="):
        main.predict(horizon)


# Pictures


def test_pictures(main, panel, backtested):
    from matplotlib import pyplot

    try:
        axes = main.plot_forecast(6, truth=series(T + 6)[T:], last=24)
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert {"80 %", "95 %"} <= {text for text in texts if "%" in text} or any("80" in text for text in texts)
        drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}
        assert any(np.array_equal(values, series()[-24:]) for values in drawn.values())
        assert any(np.allclose(values[-6:], main.predict(6)) for values in drawn.values())
        axes = panel.plot_forecast(3, covariates(3, T), interval=None, series="b")
        assert any(np.array_equal(line.get_ydata(), frame()["b"]) for line in axes.get_lines())
        with pytest.raises(InvalidArgumentError, match=r"series='c'; expected one of \['a', 'b'\]"):
            panel.plot_forecast(3, covariates(3, T), series="c")
        _, mine = pyplot.subplots()
        assert main.plot_history(ax=mine) is mine
        assert mine.get_xlabel() == "epoch"
        assert {line.get_label() for line in mine.get_lines()} >= {"loss", "val_loss"}
        axes = Forecaster.plot_backtest(series(), backtested)
        forecasts = backtested.attrs["forecasts"]
        for fold in (0, 1):
            expected = forecasts[forecasts["fold"] == fold]["forecast"]
            assert any(np.allclose(np.asarray(line.get_ydata())[-4:], expected) for line in axes.get_lines())
    finally:
        pyplot.close("all")


def test_nothing_is_said_when_silent(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tiny(epochs=1).fit(series()).predict(2)
    assert capsys.readouterr().out == ""


def test_pictures_have_the_bands_that_can_be_drawn():
    without = tiny(epochs=0).fit(series(), val=0)
    assert len(without.plot_forecast(3).collections) == 0
    with pytest.raises(InvalidArgumentError, match="no steps were held out"):
        without.plot_forecast(3, interval=0.8)
    few = tiny(epochs=0).fit(series(), val=6)  # enough for 80 %, not for 95 %
    assert len(few.plot_forecast(3).collections) == 1
    with pytest.raises(InvalidArgumentError, match="'auto'"):
        few.plot_forecast(3, interval="all")


def test_a_backtest_of_several_series_is_drawn_one_at_a_time():
    found = tiny(epochs=0).backtest(frame(), horizon=3, folds=2, refit=False)
    ax = Forecaster.plot_backtest(frame()["b"], found, series="b")
    drawn = found.attrs["forecasts"].query("series == 'b' and fold == 1")["forecast"]
    assert ax.get_lines()[2].get_ydata()[-1] == drawn.iloc[-1]
    with pytest.raises(InvalidArgumentError, match="series='c'"):
        Forecaster.plot_backtest(frame()["b"], found, series="c")


def test_a_backtest_of_short_series_has_the_levels_that_can_be_had():
    found = tiny(epochs=0, horizon=2, period=1, lookback=4).backtest(series(30), folds=2)
    assert "coverage_80" in found
    assert "coverage_95" not in found


def test_predictions_of_one_step_keep_names_and_dtypes():
    alone = tiny(epochs=0).fit(frame())
    assert alone.one_step().columns.name == "shop"
    labels = long().assign(unique_id=lambda table: table["unique_id"].astype("category"))
    assert tiny(epochs=0).fit(labels).one_step()["unique_id"].dtype == labels["unique_id"].dtype


def test_a_seed_to_generate_from_is_numbers():
    with pytest.raises(InvalidArgumentError):
        tiny(epochs=0).fit(series()).generate(["a"])
    with pytest.raises(InvalidArgumentError, match="seed has 2 series; expected one"):
        tiny(epochs=0).fit(series()).generate(frame())
