"""`Forecaster.cross_validation`: scores, forecasts, refits and bad arguments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from kerazoo import metrics
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines
from kerazoo.forecast.backtest import _coverage, _scores, scored
from kerazoo.forecast.data.panel import SeriesData
from tests.forecast.helpers import T, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")


def test_the_scores_have_a_row_per_window_and_model(backtested):
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


@pytest.mark.filterwarnings("error")
def test_missing_values_are_left_out_of_the_scores():
    rng = np.random.default_rng(1)
    truth, forecast, known = rng.normal(size=(3, 9)) + 5
    gappy, train = truth.copy(), np.r_[known, np.tile(known, 2)] + np.arange(27)
    gappy[[2, 8]] = train[4] = np.nan
    seen = ~np.isnan(gappy)
    assert _scores(gappy, forecast, train, 3) == _scores(truth[seen], forecast[seen], train, 3)
    assert np.isfinite(list(_scores(gappy, forecast, train, 3).values())).all()
    none = np.full(9, np.nan)
    assert np.isnan(list(_scores(none, forecast, train, 3).values())).all()
    bounds = forecast - 1, forecast + 1
    assert _coverage(gappy, *bounds) == metrics.coverage(truth[seen], *(each[seen] for each in bounds))
    assert np.isnan(_coverage(none, *bounds))
    assert np.isnan(_scores(truth, forecast, np.where(np.arange(27) % 2, np.nan, train), 3)["mase"])
    rows = scored({"fold": 0}, gappy, {"forecast": forecast, "lower_80": bounds[0], "upper_80": bounds[1]},
                   SeriesData("a", train, pd.RangeIndex(27), np.empty((27, 0))), 3, [0.8])  # fmt: skip
    assert [row["model"] for row in rows] == ["forecaster", "naive", "seasonal_naive"]
    assert np.isfinite([row["mae"] for row in rows]).all()


def test_the_scores_can_be_printed_and_concatenated(backtested):
    twice = pd.concat([backtested.assign(of="one"), backtested.assign(of="other").copy()])
    assert len(twice) == 12
    with pd.option_context("display.max_rows", 4):
        assert "6 rows" in repr(backtested)
    assert isinstance(backtested.attrs["forecasts"], pd.DataFrame)
    assert len(backtested.attrs["forecasts"]) == 8


def test_a_fresh_fit_at_each_origin_or_one_for_all(backtested):
    made = tiny(transforms=["difference"])
    fresh = made.cross_validation(series(), horizon=4, n_windows=2, step=3, level=None)
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
        ({"n_windows": 0}, "n_windows=0"),
        ({"horizon": -2}, "horizon=-2"),
        ({"n_windows": 50}, r"50 windows of 4 steps, 4 apart, leave 0 of 60 values.*n_windows=8 would fit"),
        ({"level": 100}, "level=100"),
        ({"horizon": 40}, r"5 windows of 40 steps, 40 apart, leave 0 of 60 values; .*A longer series is needed\."),
        ({"n_windows": 8, "horizon": 5, "step": 4}, r"leave 27 of 60 values for the first\. y has 27 .* at least 33"),
    ],
)
def test_impossible_arguments_are_refused(changes, match):
    with pytest.raises(InvalidArgumentError, match=match):
        tiny().cross_validation(series(), **{"horizon": 4, **changes})


def test_automatic_levels_are_those_that_are_possible():
    found = tiny(epochs=0, horizon=2, period=1, lookback=4).cross_validation(series(30), n_windows=2)
    assert "coverage_80" in found
    assert "coverage_95" not in found
