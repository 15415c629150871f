"""Forecasts in the form of `y`."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import Panel, read_panel, write_forecast
from tests.forecast.panel_cases import (
    FORECAST,
    HORIZON,
    dates,
    forecasts,
    long_frame,
    periods,
    series_over,
)

pytestmark = pytest.mark.filterwarnings("ignore:Period:FutureWarning")  # pandas warns about periods of business days


@pytest.mark.parametrize("name", ["sold", None, ("north", 3), 7])
def test_a_series_comes_back_as_a_series(name):
    whole = dates("ME", 40 + HORIZON)
    panel = read_panel(series_over(whole[:40], name))
    assert (panel.form, panel.ids, panel.covariate_names, panel.series[0].covariates.shape) == (
        "series",
        (name,),
        (),
        (40, 0),
    )
    expected = pd.Series(FORECAST, whole[40:], name=name)
    pd.testing.assert_series_equal(write_forecast(panel, forecasts(1, "forecast")), expected, check_freq=True)
    pd.testing.assert_frame_equal(
        write_forecast(panel, forecasts(1, "forecast", "lower_80")),
        pd.DataFrame({"forecast": FORECAST, "lower_80": FORECAST + 1000}, whole[40:]),
        check_freq=True,
    )


def test_a_frame_comes_back_as_a_frame():
    whole = dates("B", 40 + HORIZON, "Europe/Berlin")
    y = pd.DataFrame({"north": np.arange(40), "south": 1.0, "west": 2}, whole[:40]).rename_axis(columns="place")
    panel = read_panel(y)
    assert (panel.form, panel.ids) == ("frame", ("north", "south", "west"))
    np.testing.assert_array_equal(panel.series[0].values, np.arange(40))
    found = write_forecast(panel, forecasts(3, "forecast"))
    expected = pd.DataFrame({"north": FORECAST, "south": FORECAST + 100, "west": FORECAST + 200}, whole[40:])
    pd.testing.assert_frame_equal(found, expected.rename_axis(columns="place"), check_freq=True)
    pd.testing.assert_frame_equal(pd.concat([y, found])[40:], found, check_freq=False)
    found = write_forecast(panel, forecasts(3, "forecast", "lower_80"))
    assert list(found.columns.names) == ["place", None]
    np.testing.assert_array_equal(found["south"]["lower_80"], FORECAST + 1100)
    np.testing.assert_array_equal(found.xs("forecast", axis=1, level=-1), expected)


def test_columns_of_several_levels_come_back():
    columns = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["shop", "item"])
    panel = read_panel(pd.DataFrame(np.ones((40, 4)), periods("M"), columns))
    assert panel.ids == (("a", 1), ("a", 2), ("b", 1), ("b", 2))
    pd.testing.assert_index_equal(write_forecast(panel, forecasts(4, "f")).columns, columns)
    found = write_forecast(panel, forecasts(4, "f", "g"))
    assert list(found.columns.names) == ["shop", "item", None]
    np.testing.assert_array_equal(found["b", 1, "g"], FORECAST + 1200)


@pytest.mark.parametrize(
    "columns", [[3, 1], pd.to_datetime(["2020-01-01", "2021-01-01"]), pd.CategoricalIndex(["u", "v"])]
)
def test_labels_of_columns_keep_their_type(columns):
    panel = read_panel(pd.DataFrame(np.ones((40, 2)), dates("D"), columns))
    expected = pd.Index(columns)
    for each in (panel, Panel.from_config(json.loads(json.dumps(panel.to_config())))):
        pd.testing.assert_index_equal(write_forecast(each, forecasts(2, "f")).columns, expected)


def test_arrays_come_back_as_arrays():
    panel = read_panel([5, 3, 4])
    assert panel.form == "array"
    found = write_forecast(panel, forecasts(1, "forecast"))
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, FORECAST)
    found = write_forecast(panel, forecasts(1, "forecast", "lower_80"))
    expected = pd.DataFrame({"forecast": FORECAST, "lower_80": FORECAST + 1000}, pd.RangeIndex(3, 3 + HORIZON))
    pd.testing.assert_frame_equal(found, expected, check_index_type=True)


@pytest.mark.parametrize("n", [1, 3])
def test_arrays_of_several_series_come_back_with_their_axes(n):
    y = np.arange(4 * n).reshape(4, n)
    panel = read_panel(y)
    np.testing.assert_array_equal(np.stack([each.values for each in panel.series], axis=1), y)
    found = write_forecast(panel, forecasts(n, "forecast"))
    np.testing.assert_array_equal(found, np.stack([FORECAST + 100 * i for i in range(n)], axis=1))
    found = write_forecast(panel, forecasts(n, "forecast", "lower_80"))
    assert found.index.equals(pd.RangeIndex(4, 4 + HORIZON))
    np.testing.assert_array_equal(found[n - 1]["lower_80"], FORECAST + 100 * (n - 1) + 1000)


def test_a_list_of_lists_is_an_array():
    np.testing.assert_array_equal(read_panel([[1, 2], [3, 4], [5, 6]]).series[1].values, [2, 4, 6])


def test_a_long_frame_comes_back_as_a_long_frame():
    whole = dates("MS", 60)
    parts = [("b", whole[:30]), ("a", whole[20:50]), ("c", whole[10:11])]
    for seed in (None, 3):
        y = long_frame(parts, seed)
        panel = read_panel(y)
        assert panel.form == "long"
        assert panel.ids == tuple(y["unique_id"].unique())  # the order of their first rows
        for each in panel.series:
            index = dict(parts)[each.id]
            np.testing.assert_array_equal(each.values, np.arange(len(index)))
            pd.testing.assert_index_equal(each.index, index.rename("ds"))
            assert each.index.freq == whole.freq
        found = write_forecast(panel, forecasts(3, "forecast", "lower_80"))
        assert list(found.columns) == ["unique_id", "ds", "forecast", "lower_80"]
        assert found.index.equals(pd.RangeIndex(3 * HORIZON))
        assert (found["unique_id"].dtype, found["ds"].dtype) == (y["unique_id"].dtype, y["ds"].dtype)
        assert list(found["unique_id"]) == [each for each in panel.ids for _ in range(HORIZON)]
        starts = {"b": 30, "a": 50, "c": 11}
        for i, label in enumerate(panel.ids):
            rows = found[found["unique_id"] == label]
            assert list(rows["ds"]) == list(whole[starts[label] : starts[label] + HORIZON])
            np.testing.assert_array_equal(rows["lower_80"], FORECAST + 100 * i + 1000)
        alone = write_forecast(panel, forecasts(3, "forecast"))
        pd.testing.assert_frame_equal(alone, found.drop(columns="lower_80"))


def test_ids_of_a_category_stay_a_category():
    y = long_frame([("b", dates("D", 5)), ("a", dates("D", 8))])
    y["unique_id"] = pd.Categorical(y["unique_id"], categories=["z", "b", "a"], ordered=True)
    panel = read_panel(y)
    for each in (panel, Panel.from_config(json.loads(json.dumps(panel.to_config())))):
        found = write_forecast(each, forecasts(2, "f"))
        assert found["unique_id"].dtype == y["unique_id"].dtype
        assert list(found["unique_id"][::HORIZON]) == ["b", "a"]


# Arguments


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"f": [np.ones(3)]},
        {"f": [np.ones(3), np.ones(4)]},
        {"f": [np.ones(3)] * 2, "g": [np.ones(4)] * 2},
        {"f": [np.ones((3, 1))] * 2},
    ],
)
def test_forecasts_that_do_not_fit_are_refused(columns):
    with pytest.raises(InvalidArgumentError, match="columns"):
        write_forecast(read_panel(np.ones((7, 2))), columns)


def test_what_is_written_is_a_copy():
    for y in ([1.0, 2], np.ones((4, 1)), series_over(dates("D"))):
        forecast = FORECAST.copy()
        found = write_forecast(read_panel(y), {"f": [forecast]})
        forecast[:] = 0
        np.testing.assert_array_equal(np.ravel(found), FORECAST)
