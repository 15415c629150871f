"""`Forecaster`: forms of series, horizons, strategies, other histories and covariates."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from kerazoo import metrics
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines
from kerazoo.forecast.data.calendar import calendar_names
from kerazoo.forecast.nets.rollout import Rollout
from tests.forecast.helpers import T, assert_equal, covariates, frame, long, numbers, series, tiny, with_random_outputs

pytestmark = pytest.mark.usefixtures("uncompiled")


def test_the_forecast_of_a_series_has_the_dates_that_follow(main):
    found = main.predict(5)
    index = pd.date_range("2020-01-01", periods=5, freq="MS", name="month")
    pd.testing.assert_index_equal(found.index, index)
    assert (type(found), found.name, found.dtype) == (pd.Series, "sold", np.float64)
    assert found.index.freq == index.freq
    truth = series(T + 5)[T:]
    assert metrics.rmse(truth, found) < 3  # the noise is 1, the season 8: in units of the data


def test_the_forecast_of_periods_has_the_periods_that_follow(normal):
    pd.testing.assert_index_equal(
        normal.predict(4).index, pd.period_range("2020-01", periods=4, freq="M", name="month")
    )


def test_the_forecast_of_an_array_is_an_array(plain):
    found = plain.predict(7)
    assert (type(found), found.shape, found.dtype) == (np.ndarray, (7,), np.float64)


def test_the_forecast_of_columns_has_the_same_columns():
    y = np.stack([numbers(), 100 + numbers(seed=1)], axis=1)
    found = tiny(epochs=0).fit(y, val=0).predict(4)
    assert found.shape == (4, 2)
    assert (np.abs(found - y.mean(axis=0)) < 30).all()  # each in its own units


def test_the_forecast_of_a_frame_is_a_frame(panel):
    found = panel.predict(4, X_future=covariates(4, T))
    pd.testing.assert_index_equal(found.columns, frame().columns)
    pd.testing.assert_index_equal(found.index, pd.date_range("2020-01-01", periods=4, freq="MS", name="month"))


def test_the_forecast_of_a_long_frame_is_a_long_frame(direct):
    found = direct.predict(4)
    assert found.columns.tolist() == ["unique_id", "ds", "forecast"]
    assert found["unique_id"].tolist() == ["shop 0"] * 4 + ["shop 1"] * 4
    ends = [pd.Timestamp("2020-01-01"), pd.Timestamp("2019-04-01")]  # the series end where they end
    assert found.groupby("unique_id")["ds"].min().tolist() == ends


@pytest.mark.parametrize("name", ["main", "plain", "direct", "normal"])
def test_the_horizon_may_be_longer_than_in_the_fit(request, name):
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


def test_each_step_is_fed_back_with_the_known_features_of_the_next():
    """The forecast of one net is that of single steps, each after the series and the steps before it."""
    alone = tiny(n_members=1, epochs=1, lookback=None, transforms=["difference"], calendar=("month",))
    y = series()
    at_once = with_random_outputs(alone.fit(y, val=0)).predict(4)
    for _ in range(4):
        y = pd.concat([y, alone.predict(1, history=y)]).asfreq("MS")
    np.testing.assert_allclose(at_once, y[T:], rtol=1e-5)
    assert not np.allclose(at_once, baselines.drift(series(), 4), rtol=1e-3)


def test_forecasts_continue_another_history(main):
    y = series(T + 6)
    found = main.predict(3, history=y)
    assert found.index[0] == pd.Timestamp("2020-07-01")
    assert_equal(main.predict(3, history=y[:T]), main.predict(3))
    shorter = main.predict(4, history=y[: T - 20])
    assert shorter.index[0] == y.index[T - 20]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        (lambda y: y.to_frame(), r"history is a DataFrame with one column per series; expected a Series"),
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
def test_another_history_of_another_kind_is_refused(main, changed, match):
    with pytest.raises(InvalidArgumentError, match=match):
        main.predict(3, history=changed(series()))
    with pytest.raises(InvalidArgumentError, match=match.replace("history, taken as y: ", "").replace("history", "y")):
        main.fitted_values(changed(series()))


def test_a_history_has_the_frequency_of_the_series_if_its_dates_fit_several(panel):
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
        panel.fitted_values(X=covariates(T))


def test_the_series_of_a_history_are_matched_by_name(direct, panel):
    assert_equal(direct.predict(3, history=long().sample(frac=1, random_state=3)), direct.predict(3))
    assert_equal(direct.fitted_values(long()[::-1]), direct.fitted_values())
    found = panel.predict(2, covariates(2, T), history=frame()[["b", "a"]], history_X=covariates(T))
    assert_equal(found, panel.predict(2, covariates(2, T)))
    daily = long().assign(ds=lambda table: pd.Timestamp("2015-01-01") + pd.to_timedelta(table.index, "D"))
    with pytest.raises(InvalidArgumentError, match=r"history\['ds'\] has the frequency 'D'.*; expected 'MS'"):
        direct.predict(3, history=daily)
    with pytest.raises(InvalidArgumentError, match="history has the series 'shop 0'; expected 'shop 0', 'shop 1'"):
        direct.predict(3, history=long().query("unique_id == 'shop 0'"))


def test_covariates_change_the_forecast_and_must_be_given(panel):
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


def test_the_calendar_features_are_those_of_the_parameter(main, plain):
    assert main._fitted.ensemble.features.calendar == tuple(calendar_names(series().index, ("month",)))
    assert main.spec_.features == 1 + 2 * main.calendar_order
    assert plain.spec_.features == 1
    with pytest.raises(InvalidArgumentError, match="Did you mean 'month'"):
        tiny(calendar=("mont",)).fit(series())


def test_the_same_seed_and_values_repeat_a_fit_and_another_seed_does_not(main):
    whole = series(T + 12)
    whole.iloc[T:] = 1e5  # what follows the fitted part makes no difference
    again = clone(main).fit(whole[:T])
    assert_equal(again.fitted_values(), main.fitted_values())
    assert_equal(again.predict(20, level=0.8), main.predict(20, level=0.8))
    assert again.history_ == main.history_
    assert again.transforms_ == main.transforms_
    first = [
        tiny(epochs=1, seed=seed).fit(series(), val=0)._fitted.ensemble.nets.values_of([0])[0] for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


def test_parameters_are_stored_as_they_are():
    made = tiny(transforms=["log"], callbacks=[])
    params = made.get_params()
    assert clone(made).get_params() == params
    assert params["model"] == "gru_1x4"
    assert params["transforms"] == ["log"]
    with pytest.raises(ValueError, match="Invalid parameter 'hroizon'"):
        made.set_params(hroizon=3)


def test_a_short_series_can_be_fitted():
    y = series(5)
    found = tiny(lookback=None, horizon=1, epochs=1, transforms="auto").fit(y).predict(3)
    assert np.isfinite(found).all()


def test_verbose_0_prints_nothing(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tiny(epochs=1).fit(series()).predict(2)
    assert capsys.readouterr().out == ""


def test_networks_that_output_zeros_are_not_run(monkeypatch):
    """Their forecasts are the statistical ones, with or without the loop; after random outputs they are run."""
    unused = {"epochs": 1, "min_gain": 1.0}  # no training is worth it, which leaves the networks as they were
    made = tiny(**unused, transforms=["difference"], strategy="mean", horizon=3).fit(series())
    ran = []
    run = Rollout._run
    monkeypatch.setattr(Rollout, "_run", lambda self, given: ran.append(given) or run(self, given))
    found = made.predict(5)
    assert not ran
    monkeypatch.setattr(Rollout, "_outputs_zero", lambda self: False)
    assert_equal(made.predict(5), found)
    assert len(ran) == 3  # paths, and two blocks of direct outputs
    monkeypatch.undo()
    assert not np.allclose(with_random_outputs(made).predict(5), found)
