"""Long frames: any dates, series of different lengths, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel, write_forecast
from tests.forecast.panel_cases import (
    HORIZON,
    dates,
    forecasts,
    long_frame,
    message_of,
    periods,
)


@pytest.mark.parametrize(
    "index",
    [periods("W-SUN"), pd.RangeIndex(5, 45), dates("30min", tz="Europe/Berlin"), dates("24h", tz="Europe/Berlin")],
    ids=["periods", "integers", "half hours", "24 hours"],
)
def test_long_frames_have_any_kind_of_dates(index):
    panel = read_panel(long_frame([(1, index[:9]), (2, index[4:30]), (3, index[28:29])], seed=1))
    by_id = {each.id: each for each in panel.series}
    expected = {1: index[:9], 2: index[4:30], 3: index[28:29]}
    for label, each in by_id.items():
        assert list(each.index) == list(expected[label])
    found = write_forecast(panel, forecasts(3, "f"))
    assert found["unique_id"].dtype == np.int64
    assert list(found.loc[found["unique_id"] == 1, "ds"]) == list(index[9 : 9 + HORIZON])
    assert list(found.loc[found["unique_id"] == 3, "ds"]) == list(index[29 : 29 + HORIZON])


def test_series_of_a_long_frame_may_lie_between_each_other():
    """Hourly at :00 and at :30: one frequency, no common grid."""
    first, second = (
        pd.date_range("2021-01-01", periods=9, freq="h"),
        pd.date_range("2021-01-01 00:30", periods=7, freq="h"),
    )
    panel = read_panel(long_frame([("a", first), ("b", second)]))
    assert [list(each.index) for each in panel.series] == [list(first), list(second)]
    assert {each.index.freq for each in panel.series} == {first.freq}


def test_gaps_repeats_and_strange_steps_in_a_long_frame_are_named():
    whole = dates("D", 40)
    parts = [("a", whole[:30]), ("b", whole[5:12]), ("c", whole[[20, 23]])]
    assert "ds of series 'c': 2 dates are missing at the frequency 'D': 2021-03-31, 2021-04-01." in message_of(
        long_frame(parts)
    )
    assert "ds of series 'a': 1 date is missing at the frequency 'D': 2021-03-18." in message_of(
        long_frame([("a", whole[:30].delete(8)), ("b", whole[:3])])
    )
    assert "ds of series 'b' has 1 date more than once: 2021-03-15;" in message_of(
        long_frame([("a", whole[:30]), ("b", whole[[5, 5]])])
    )
    assert "series 'b' has the frequency '2D' and 'a', the longest, 'D'" in message_of(
        long_frame([("a", whole[:30]), ("b", whole[:20:2])])
    )
    noon = whole[[0]].append(whole[[2]] + pd.Timedelta(hours=12))
    assert "ds of series 'b': 2021-03-10, 2021-03-12 12:00:00 do not have the frequency 'D'" in message_of(
        long_frame([("a", whole[:30]), ("b", noon)])
    )
    assert "ds of series 'a' has no freq, and 2 dates are too few to infer one" in message_of(
        long_frame([("a", whole[:2]), ("b", whole[:1])])
    )
    integers = [("a", pd.Index([1, 2, 3])), ("b", pd.Index([4, 6]))]
    assert "ds of series 'b' has steps of 2" in message_of(long_frame(integers))
    months = [("a", periods("M")[:9]), ("b", periods("M")[[0, 2]])]
    assert "ds of series 'b': 1 date is missing at the frequency 'M': 2021-04." in message_of(long_frame(months))


def test_days_that_lack_their_hour_are_refused_in_a_long_frame():
    """Daily at 02:30, in a time zone that skips this hour on one day: pandas cannot create these dates."""
    index = pd.date_range("2021-03-20 02:30", periods=12, freq="D").delete(8).tz_localize("Europe/Berlin")
    message = message_of(long_frame([("a", index), ("b", index[:3])]))
    assert "ds of series 'a' has no frequency: " in message
    assert "2021-03-29 02:30:00+02:00 follows 2021-03-27 02:30:00+01:00" in message
    found = read_panel(long_frame([("a", index[:8]), ("b", index[-3:])]))  # each series alone is complete
    assert [len(each.index) for each in found.series] == [8, 3]
    message = message_of(long_frame([("a", index[:6]), ("b", index[7:9])]))
    assert "ds of series 'b': 2021-03-27 02:30:00+01:00, 2021-03-29 02:30:00+02:00 do not have" in message


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda y: y.drop(columns="unique_id"), r"not 'unique_id'; .*y.set_index\('ds'\)\['y'\]"),
        (lambda y: y.drop(columns="ds"), "not 'ds'"),
        (lambda y: y.drop(columns="y"), "not 'y'"),
        (lambda y: y.assign(unique_id=[None, *y["unique_id"][1:]]), "missing in 1 rows"),
        (lambda y: y.assign(ds=[None, *y["ds"][1:]]), "missing in 1 rows"),
        (lambda y: y.assign(ds=y["ds"].astype(str)), r"pd.to_datetime\(y\['ds'\]\)"),
        (lambda y: y.assign(y="many"), r"y\['y'\] has the dtype"),
        (lambda y: y.assign(y=[*y["y"][:-1], np.nan]), r"y\['y'\]: 1 of 9 values is not finite: NaN at \('b', 2021"),
        (lambda y: y.assign(shop="north"), r"y\['shop'\] has the dtype"),
        (lambda y: y.assign(x=[*y["y"][:-2], np.inf, 1]), r"y\['x'\]: 1 of 9 values is not finite: inf at \('b', 2021"),
    ],
)  # fmt: skip
def test_long_frames_with_something_wrong_are_refused(change, match):
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(change(long_frame([("a", dates("D", 4)), ("b", dates("D", 5))])))


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_a_column_of_text_says_what_to_do_with_it(dtype):
    y = long_frame([("a", dates("D", 4)), ("b", dates("D", 5))], seed=1)
    shop = pd.Series(["north"] * 4 + ["south"] * 5, dtype=dtype)
    described = y.assign(shop=shop)  # by the labels of the rows
    message = message_of(described)
    assert re.match(r"y\['shop'\] has the dtype \w+; expected numbers: ", message)
    assert "'shop' is the same in all rows of each series" in message
    assert message.endswith("y.drop(columns=['shop']) leaves it out.")
    read_panel(described.drop(columns=["shop"]))
    weather = pd.Series(["sun", "rain", "sun"] * 3, dtype=dtype)
    message = message_of(y.assign(weather=weather))
    assert "known for the dates of the forecast" in message
    assert "pd.get_dummies(y, columns=['weather'], dtype=float)" in message
    found = read_panel(pd.get_dummies(y.assign(weather=weather), columns=["weather"], dtype=float))
    assert found.covariate_names == ("weather_rain", "weather_sun")
    X = y.drop(columns="y").assign(weather=weather)
    assert "pd.get_dummies(X, columns=['weather'], dtype=float)" in message_of(y, X)
    wide = pd.Series(np.arange(9.0), dates("D", 9))
    message = message_of(wide, pd.DataFrame({"weather": weather.to_numpy()}, wide.index).astype(dtype))
    assert "pd.get_dummies(X, columns=['weather'], dtype=float)" in message
    if dtype != "category":
        assert "pd.to_numeric(y['x']) parses text." in message_of(y.assign(x=weather.map({"sun": "1", "rain": "2"})))


def test_ids_that_are_equal_as_text_are_refused():
    y = long_frame([(1, dates("D")), ("1", dates("D")), ("2", dates("D"))])
    assert message_of(y).startswith("y['unique_id'] has 1 and '1', which are equal as text; expected different names.")
    assert read_panel(y[y["unique_id"] != "1"]).ids == (1, "2")
