"""Several series: cases that once were ignored, crashed, or ended in a message about something else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import IntervalError, InvalidArgumentError
from kerazoo.forecast import panel_fitting

H = 6


def months(n):
    return pd.date_range("2015-01", periods=n, freq="MS")


def panel(n=4, steps=60):
    rng = np.random.default_rng(5)
    t = np.arange(steps)
    columns = {
        f"s{i}": 10 + i + 2 * np.sin(t * np.pi / 6 + i) + 0.05 * t + 0.3 * rng.normal(size=steps) for i in range(n)
    }
    return pd.DataFrame(columns, months(steps))


def counts(n=6):
    return pd.DataFrame(np.random.default_rng(1).poisson(5, (60, n)) * 1.0, months(60)).add_prefix("c")


X = pd.DataFrame({"x": np.random.default_rng(1).normal(size=72)}, months(72))


def made(epochs=0, **changes):
    settings = {"model": "gru_1x4", "horizon": H, "n_members": 1, "steps_per_epoch": 2, "seed": 1, "verbose": 0}
    return Forecaster(**{**settings, "epochs": epochs, **changes})


@pytest.mark.backend
def test_other_covariates_of_the_same_values_count():
    y = panel().add(3 * X["x"][:60], axis=0)
    forecaster = made().fit(y, X[:60])
    zeros = X[:60] * 0
    found = forecaster.predict(history=y, history_X=zeros, X_future=X[60:])
    assert np.abs(found - forecaster.predict(X_future=X[60:])).to_numpy().max() > 0.1
    longer = forecaster.predict(H + 1, history=y, history_X=zeros, X_future=X[60:])
    np.testing.assert_allclose(longer[:H], found, rtol=1e-2)
    networks = made(1).fit(y, X_past=X[:60], static=pd.DataFrame({"a": [1.0, 2, 3, 4]}, list(y)), val=0)
    known = {"history": y, "history_X_past": X[:60]}
    np.testing.assert_array_equal(networks.predict(**known), networks.predict())
    assert not np.array_equal(networks.predict(history=y, history_X_past=zeros), networks.predict())
    other = pd.DataFrame({"a": [9.0, 2, 3, 4]}, list(y))
    assert not np.array_equal(networks.predict(**known, static=other), networks.predict())


@pytest.mark.parametrize(("steps", "horizon"), [(10, 12), (60, 61), (60, 80)])
def test_series_shorter_than_the_horizon_have_statistics_alone(steps, horizon):
    forecaster = made(1, horizon=horizon).fit(panel(3, steps))
    assert np.isfinite(forecaster.predict()).all(axis=None)
    np.testing.assert_array_equal(forecaster.correction_weight_, 0.0)
    for method in ("validate", "fit"):
        with pytest.raises(InvalidArgumentError, match="lookback=4, but no series has three values before"):
            getattr(made(1, horizon=horizon, lookback=4), method)(panel(3, steps))
    assert made(0, horizon=horizon, lookback=4).validate(panel(3, steps)).horizon == horizon


def test_a_season_that_is_not_whole_is_one_for_a_single_series_too():
    t = np.arange(260)
    y = pd.Series(10 + 3 * np.sin(t * 2 * np.pi / 26.6), pd.date_range("2015-01-04", periods=260, freq="W"))
    forecaster = made(period=26.6, horizon=26).fit(y[:-26])
    assert np.abs(forecaster.predict() - y[-26:]).max() < 0.3
    with pytest.raises(InvalidArgumentError, match=r"period=\[26.6\] with given transforms"):
        made(period=26.6, transforms=["difference"]).fit(y)
    assert made(period=np.float32(12.5)).fit(panel()).period_ == 12


@pytest.mark.backend
def test_counts_with_covariates_and_their_intervals():
    busy = (X > 0) * 1.0
    y = counts().add(busy["x"][:60] * 8, axis=0)
    forecaster = made(1, loss="negative_binomial").fit(y, busy[:60], val=0)
    found = forecaster.predict(X_future=busy[60:], level=[10, 80])
    forecast, *bounds = (found.xs(name, axis=1, level=1).to_numpy() for name in ("forecast", "lower_10", "upper_10"))
    assert (bounds[0] <= forecast).all()
    assert (forecast <= bounds[1]).all()
    assert found.to_numpy().min() >= 0
    with pytest.raises(InvalidArgumentError, match=r"series 'c0' is 2.5 at 2020-01-01; expected counts"):
        forecaster.update(y[:1].set_axis(months(61)[60:]) * 0 + 2.5, busy[60:61])
    assert np.isfinite(forecaster.predict(X_future=busy[60:])).all(axis=None)


def test_labels_of_several_levels():
    y = panel().set_axis(pd.MultiIndex.from_product([["x", "y"], ["u", "v"]]), axis=1)
    forecaster = made().fit(y)
    assert list(forecaster.statistics_.index) == list(y.columns)
    np.testing.assert_allclose(forecaster.predict(), made().fit(panel()).predict())


def test_an_update_that_the_method_does_not_know_is_refused():
    y = panel()["s0"]
    forecaster = made(missing="skip").fit(y[:-3])
    for use in (forecaster.update, lambda rest: forecaster.predict(history=pd.concat([y[:-3], rest]))):
        with pytest.raises(InvalidArgumentError, match="fit had one complete series, whose method knows no gaps"):
            use(y[-3:] * np.nan)
    assert np.isfinite(forecaster.predict()).all()
    floored = made(floor=0).fit(panel()[:-1])
    for use in (floored.update, lambda rest: floored.predict(history=rest)):
        with pytest.raises(InvalidArgumentError, match=r"floor=0, but"):
            use(-panel()[-1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y.assign(s1="abc"), r"y\['s1'\] has the dtype \w+; expected numbers"),
        (lambda y: y.assign(s1=pd.Timestamp("2020")), r"y\['s1'\] has the dtype datetime64.*; expected numbers"),
        (lambda y: y.assign(s1=True), r"y\['s1'\] has the dtype bool; expected numbers"),
        (lambda y: y.assign(s1=1j), r"y\['s1'\] has the dtype complex128; expected numbers"),
        (lambda y: pd.concat([y, y[["s0"]]], axis=1), "y has the series 's0' more than once"),
    ],
)
@pytest.mark.parametrize("use", ["update", "score"])
def test_values_of_updates_and_scores_are_checked_as_those_of_a_fit(change, message, use):
    forecaster = made().fit(panel()[:-1])
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(forecaster, use)(change(panel()[-1:]))


def test_arrays_and_long_frames_of_updates_are_checked():
    with pytest.raises(InvalidArgumentError, match=r"y has the shape \(2, 2, 2\)"):
        made().fit(panel().to_numpy()).update(np.ones((2, 2, 2)))
    with pytest.raises(InvalidArgumentError, match="y is a list of lists of different lengths"):
        made().fit(panel().to_numpy()).update([[1, 2, 3, 4], [1]])
    long = panel().melt(var_name="unique_id", value_name="y", ignore_index=False).rename_axis("ds").reset_index()
    with pytest.raises(InvalidArgumentError, match="y has no column 'y'; expected unique_id, ds and y"):
        made().fit(long[long["ds"] < "2019-12"]).update(long[long["ds"] >= "2019-12"][["unique_id", "ds"]])


def test_fitted_values_need_no_inputs_of_networks():
    y = panel()
    forecaster = made().fit(y, X_past=X[:60], static=pd.DataFrame({"a": range(4)}, list(y)))
    pd.testing.assert_frame_equal(forecaster.fitted_values(y), forecaster.fitted_values())


@pytest.mark.backend
def test_a_shorter_forecast_with_a_calendar_is_the_beginning_of_a_longer_one():
    forecaster = made(1, calendar=["month"]).fit(panel(40), val=0)
    for one, other in ((3, H), (H + 3, 2 * H)):
        np.testing.assert_allclose(forecaster.predict(one), forecaster.predict(other)[:one], rtol=1e-6)


@pytest.mark.backend
def test_levels_that_quantile_networks_have_not_learned():
    forecaster = made(1, loss="quantiles").fit(panel(), val=0)
    assert np.isfinite(forecaster.predict(level=95)).all(axis=None)
    with pytest.raises(IntervalError, match="level=96 with networks of quantiles; expected at most 95"):
        forecaster.predict(level=96)


def test_names_of_series_need_several():
    for y, changes in ((panel()["s0"], {}), (panel(), {"transforms": ["difference"]})):
        with pytest.raises(InvalidArgumentError, match="embed_ids=True with one series or given transforms"):
            made(embed_ids=True, **changes).fit(y)
    with pytest.raises(InvalidArgumentError, match="lookback=1; expected an integer >= 2"):
        made(lookback=1).validate(panel())


@pytest.mark.parametrize("val", [None, 0, 6, 9, 20])
@pytest.mark.parametrize("steps", [6, 9, 14, 24])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_validate_knows_the_windows_that_fit_uses(val, steps, monkeypatch):
    """The steps held out, computed before the statistics, are those of the fit."""
    y = panel(3, steps)
    seen = []
    monkeypatch.setattr(
        panel_fitting, "_can_train", lambda ys, held, settings: seen.append(([len(each) for each in ys], held)) or False
    )
    try:
        made(1, lookback=3).validate(y, val=val)
    except InvalidArgumentError:
        with pytest.raises(InvalidArgumentError):
            made(1, lookback=3).fit(y, val=val)
        return
    made(1, lookback=3).fit(y, val=val)
    assert seen[0] == seen[1]
    assert len(seen) == 2


@pytest.mark.parametrize("several", [True, False])
def test_numbers_whose_squares_are_too_large(several):
    y = panel() if several else panel()["s0"]
    x = X[:60]
    new = y[:1].set_axis(months(61)[60:])
    label = r"y\['s0'\]" if several else "y"
    forecaster = made().fit(y, x)
    for call, name in (
        (lambda: made().fit(y * 1e120), label),
        (lambda: made().validate(y, x * 1e120), r"X\['x'\]"),
        (lambda: forecaster.predict(X_future=X[60:] * 1e120), r"X_future\['x'\]"),
        (lambda: forecaster.predict(history=y * 1e120, history_X=x, X_future=X[60:]), f"history, .*: {label}"),
        (lambda: forecaster.update(new * 1e120, X[60:61]), label),
        (lambda: forecaster.update(new, X[60:61] * 1e120), r"X\['x'\]"),
        (lambda: made().fit(panel(), X_past=x * 1e120), r"X_past\['x'\]"),
        (lambda: made().fit(panel(), static=pd.Series(1e120, ["s0", "s1", "s2", "s3"], name="size")), "static"),
    ):
        with pytest.raises(InvalidArgumentError, match=rf"{name}.* too large: .*at most 1e\+100 in size"):
            call()
    for scale in (1e97, 1e-97):
        found = made().fit(y * scale, x / scale).predict(X_future=X[60:] / scale, level=80)
        expected = forecaster.predict(X_future=X[60:], level=80)
        np.testing.assert_allclose(found / scale, expected, rtol=1e-6)


@pytest.mark.backend
def test_networks_of_large_numbers():
    y = panel()
    first, other = (made(1, min_gain=0).fit(y * scale, X[:60], val=0).predict(X_future=X[60:]) for scale in (1, 1e97))
    np.testing.assert_allclose(other / 1e97, first, rtol=1e-4)
