"""Statistical forecasts that the forecaster is compared with, and how they are scored.

Tests that need statsmodels or statsforecast are skipped without them: only the benchmarks need them.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from benchmarks.harness import results
from benchmarks.harness.forecast_peers import BASELINES, Forecast, holt_winters_per_day, score
from benchmarks.questions import forecast_baselines
from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.baselines import naive


def needs_statsmodels():
    pytest.importorskip("statsmodels", reason="only the benchmarks need it")


def line(length, start="2001-01-01"):
    """3 t + 1, monthly."""
    return pd.Series(3.0 * np.arange(length) + 1, pd.date_range(start, periods=length, freq="MS"))


def test_a_row_has_the_errors_of_its_folds():
    # Errors of the naive forecast at every origin: 3, 6, 9, 12; of the seasonal one with a season of 5 steps: 15.
    def last_value(train, period, horizon):
        mean = naive(train, horizon)
        return Forecast(mean, {80: (mean, mean + np.array([4.0, 7.0, 8.0, 13.0])), 95: (mean, mean + 99)})

    row = score("last", last_value, line(40), 5, 4, [30, 33, 36])
    error = np.sqrt((9 + 36 + 81 + 144) / 4)
    assert row["rmse_folds"] == [pytest.approx(error)] * 3
    assert (row["rmse_last"], row["rmse_mean"]) == (pytest.approx(error), pytest.approx(error))
    assert row["mase"] == pytest.approx(7.5 / 15)
    assert (row["coverage_80"], row["coverage_95"], row["note"]) == (0.75, 1.0, "")


def test_a_baseline_that_fails_says_so():
    def fails(train, period, horizon):
        if len(train) == 33:
            raise np.linalg.LinAlgError("no inverse")
        return Forecast(naive(train, horizon))

    row = score("fails", fails, line(40), 5, 4, [30, 33, 36])
    assert row["note"] == "failed in 1 of 3 folds: LinAlgError: no inverse"
    assert row["rmse_folds"][1] is row["rmse_mean"] is row["mase"] is None  # a mean of some folds cannot be compared
    assert row["rmse_last"] == row["rmse_folds"][0] == pytest.approx(np.sqrt(67.5))
    row = score("nan", lambda train, period, horizon: Forecast(np.full(horizon, np.nan)), line(40), 5, 4, [33, 36])
    assert row["note"].startswith("failed in 2 of 2 folds: InvalidArgumentError: forecast is nan at 0")
    assert row["rmse_last"] is None


def test_a_baseline_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    row = score("auto_ets", BASELINES["auto_ets"], line(40), 5, 4, [30, 33, 36])
    assert row["note"].startswith("failed in 3 of 3 folds: ModuleNotFoundError")
    assert "statsforecast" in row["note"]
    assert row["rmse_folds"] == [None] * 3


def test_fits_that_do_not_converge_are_counted():
    def warns(train, period, horizon):
        if len(train) > 30:
            warnings.warn("Optimization failed to converge.", UserWarning, stacklevel=1)
            warnings.warn("Did not converge.", UserWarning, stacklevel=1)
        return Forecast(naive(train, horizon))

    assert score("warns", warns, line(40), 5, 4, [30, 33, 36])["note"] == "not converged in 2 of 3 folds"


def test_the_table_and_the_file_have_a_row_for_each_baseline(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setitem(BASELINES, "sarima", lambda *_: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["forecast_baselines", "--series", "milk", "--baselines", "seasonal_naive,sarima"])
    forecast_baselines.main()
    shown = capsys.readouterr().out
    rows = [text.split() for text in shown.splitlines() if text.startswith(("seasonal_naive", "sarima"))]
    assert rows[0][:3] == ["seasonal_naive", "13.23", "22.29"]
    assert rows[1][:3] == ["sarima", "-", "-"]
    assert "ZeroDivisionError" in " ".join(rows[1])
    document = json.loads((tmp_path / "forecast_baselines_milk.json").read_text())
    assert [row["name"] for row in document["results"]["milk"]] == ["seasonal_naive", "sarima"]
    missed = datasets.milk()["1975"].to_numpy() - datasets.milk()["1974"].to_numpy()
    assert document["results"]["milk"][0]["rmse_last"] == pytest.approx(np.sqrt(np.mean(missed**2)))
    assert document["settings"]["series"]["milk"]["horizon"] == 12
    monkeypatch.setattr(sys, "argv", ["forecast_baselines", "--baselines", "sarimax"])
    with pytest.raises(InvalidArgumentError, match="Did you mean 'sarima'"):
        forecast_baselines.main()


def test_values_per_day_need_months():
    with pytest.raises(InvalidArgumentError, match=r"freq D; expected months \(MS\)"):
        holt_winters_per_day(pd.Series(1.0, pd.date_range("2020", periods=30, freq="D")), 7, 3)


@pytest.mark.parametrize(
    ("name", "last_fold"), [("holt_winters", 11.93), ("holt_winters_per_day", 6.08), ("sarima", 10.85)]
)
def test_statsmodels_has_known_errors_on_milk(name, last_fold):
    needs_statsmodels()
    row = score(name, BASELINES[name], datasets.milk(), 12, 12, [156])
    assert row["rmse_last"] == pytest.approx(last_fold, abs=0.3), row["note"]
    if name == "sarima":
        assert 0.5 < row["coverage_80"] <= row["coverage_95"] <= 1


@pytest.mark.parametrize("name", ["holt_winters", "sarima", "ets_aaa", "auto_ets", "auto_arima", "auto_theta"])
@pytest.mark.parametrize("period", [1, 4])
def test_every_baseline_follows_a_level_with_or_without_a_season(name, period):
    pytest.importorskip("statsforecast" if name.startswith("auto") else "statsmodels")
    rng = np.random.default_rng(1)
    season = np.resize([0.0, 8.0, -5.0, -3.0], 68) if period == 4 else 0.0
    series = line(68) * 0 + 100 + season + rng.normal(0, 0.5, 68)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = BASELINES[name](series[:60], period, 8)
    assert made.mean.shape == (8,)
    np.testing.assert_allclose(made.mean, series[60:], atol=2.5)
    assert (set(made.intervals) == set()) == (name == "holt_winters")
    for level, (lower, upper) in made.intervals.items():
        assert ((lower < made.mean) & (made.mean < upper)).all(), level
    if made.intervals:
        assert (made.intervals[95][1] > made.intervals[80][1]).all()
