"""Panels: their configs, and a panel that is read twice."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import Panel, read_panel, write_forecast
from kerazoo.forecast.data.index import future_index
from tests.forecast.panel_cases import (
    FREQUENCIES,
    HORIZON,
    PERIODS,
    ZONES,
    dates,
    forecasts,
    long_frame,
    nameless_zone,
    periods,
    series_over,
)

pytestmark = pytest.mark.filterwarnings("ignore:Period:FutureWarning")  # pandas warns about periods of business days


def described(panel):
    return Panel.from_config(json.loads(json.dumps(panel.to_config())))


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", FREQUENCIES, ids=str)
def test_dates_come_back_from_json(freq, tz):
    index = dates(freq, 30, tz)
    panel = described(read_panel(series_over(index)))
    pd.testing.assert_index_equal(panel.series[0].index, index, exact=True)
    assert panel.series[0].index.freq == index.freq
    assert str(panel.series[0].index.tz) == str(index.tz)
    pd.testing.assert_index_equal(future_index(panel.series[0].index, HORIZON), future_index(index, HORIZON))


def test_the_hour_that_comes_twice_comes_back_as_the_one_it_was():
    for start in (1, 2):
        index = pd.date_range("2021-10-31 00:00", periods=9, freq="h", tz="Europe/Berlin")[start + 1 :]
        found = described(read_panel(series_over(index))).series[0].index
        assert list(found) == list(index)
        assert found[0].utcoffset() == index[0].utcoffset()


@pytest.mark.parametrize("index", [*map(periods, PERIODS), pd.RangeIndex(3, 12)], ids=lambda i: str(i.dtype))
def test_periods_and_integers_come_back_from_json(index):
    found = described(read_panel(series_over(index))).series[0].index
    pd.testing.assert_index_equal(found, index, exact=True)


@pytest.mark.parametrize(
    "y",
    [
        series_over(dates("ME")),
        series_over(dates("ME"), None),
        series_over(dates("B"), ("a", 1)),
        pd.DataFrame({"a": np.arange(40), 3: 1.0}, dates("W-WED")).rename_axis(columns="place"),
        pd.DataFrame(np.ones((40, 2)), dates("D"), pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["s", None])),
        long_frame([("a", dates("D", 9)), ("b", dates("D", 5)), ("c", dates("D", 9)[3:])]),
        long_frame([(np.int64(4), periods("M", 9)), (2, periods("M", 5))]),
        np.arange(9.0),
        np.arange(10).reshape(5, 2),
    ],
    ids=["series", "nameless", "tuple", "frame", "levels", "long", "integers", "array", "arrays"],
)
def test_a_panel_that_comes_back_from_json_writes_the_same(y):
    panel = read_panel(y)
    labels = forecasts(len(panel.series), "forecast", "lower_80")
    found = described(panel)
    assert (found.ids, found.form, found.name) == (panel.ids, panel.form, panel.name)
    assert all(np.isnan(each.values).all() for each in found.series)
    for chosen in (labels, {"forecast": labels["forecast"]}):
        written, expected = write_forecast(found, chosen), write_forecast(panel, chosen)
        assert type(written) is type(expected)
        if isinstance(expected, pd.DataFrame):
            pd.testing.assert_frame_equal(written, expected)
        elif isinstance(expected, pd.Series):
            pd.testing.assert_series_equal(written, expected)
        else:
            np.testing.assert_array_equal(written, expected)


def test_values_and_covariates_are_put_back():
    y = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))])
    panel = read_panel(y.assign(x=y["y"] * 3))
    values, covariates = [each.values for each in panel.series], [each.covariates for each in panel.series]
    found = Panel.from_config(panel.to_config(), values, covariates)
    assert found.covariate_names == ("x",)
    for each, other in zip(found.series, panel.series, strict=True):
        np.testing.assert_array_equal(each.values, other.values)
        np.testing.assert_array_equal(each.covariates, other.covariates)
    with pytest.raises(InvalidArgumentError, match=r"indexes\[0\] has 4 dates, its series 6 values; expected as many"):
        Panel.from_config(panel.to_config(), values[::-1])
    with pytest.raises(InvalidArgumentError, match=r"covariates\[0\] has the shape \(4,\); expected \(4, 1\)"):
        Panel.from_config(panel.to_config(), values, values)
    with pytest.raises(InvalidArgumentError, match="values holds 1 arrays; expected 2"):
        Panel.from_config(panel.to_config(), values[:1])


@pytest.mark.parametrize("dtype", ["a_dtype_of_tomorrow", "int64", None])
def test_ids_whose_dtype_is_not_to_be_had_come_back_without_it(dtype):
    config = read_panel(pd.DataFrame({"a": [1.0, 2], "b": 3})).to_config()
    found = write_forecast(Panel.from_config({**config, "id_dtype": dtype}), forecasts(2, "f"))
    assert list(found.columns) == ["a", "b"]


def test_a_name_that_is_a_number_of_numpy_comes_back():
    found = described(read_panel(series_over(dates("D"), np.int64(3))))
    assert (found.name, found.ids) == (3, (3,))


def test_the_index_of_many_series_is_described_once():
    assert len(read_panel(np.ones((5, 30))).to_config()["indexes"]) == 1
    assert len(read_panel(long_frame([(i, dates("D", 4 + i % 2)) for i in range(30)])).to_config()["indexes"]) == 2


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (series_over(dates("D"), frozenset("a")), "label frozenset.* is a frozenset; .*Rename"),
        (series_over(dates(pd.offsets.MonthEnd(normalize=True))), "freq <MonthEnd> cannot be saved"),
        (series_over(dates(pd.offsets.BusinessHour(start="10:00"))), "freq <BusinessHour.* cannot be saved"),
        (series_over(dates("D", tz=nameless_zone())), "time zone .* has no name and cannot be saved"),
    ],
)
def test_what_json_cannot_hold_is_refused(y, match):
    panel = read_panel(y)
    assert len(write_forecast(panel, forecasts(1, "forecast"))) == HORIZON
    with pytest.raises(InvalidArgumentError, match=match):
        panel.to_config()


def test_a_config_of_something_else_is_refused():
    with pytest.raises(InvalidArgumentError, match="config without form, covariate_names"):
        Panel.from_config({"name": 3})
    config = read_panel([1.0, 2]).to_config()
    with pytest.raises(InvalidArgumentError, match=r"form='seres'.*Did you mean 'series'"):
        Panel.from_config({**config, "form": "seres"})


def test_a_panel_is_read_once():
    """`read_panel` returns a panel unchanged, so that a caller can pass it to `fit`."""
    panel = read_panel(long_frame([("a", dates("D", 12)), ("b", dates("D", 9))], x=2.0))
    assert read_panel(panel) is panel
    with pytest.raises(InvalidArgumentError, match="X is given with a Panel as y; expected None"):
        read_panel(panel, np.zeros(12))
