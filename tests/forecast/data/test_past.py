"""Covariates whose future is not known, read with `X_past`."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.backtest import _without_last
from kerazoo.forecast.data import Panel, SeriesData, read_panel
from kerazoo.forecast.inputs import read_seed
from tests.forecast.data.test_gaps import assert_same_panels
from tests.forecast.panel_cases import dates, long_frame, message_of, periods, series_over

NAN = np.nan
DAYS = dates("D", 12)
RAIN = pd.DataFrame({"rain": np.arange(12.0), "sun": np.arange(12) % 3}, DAYS)
GONE = DAYS[[4, 7]]


def weather_of(y, seed=0):
    """A long frame with the rows of another, in another order."""
    X = y[["unique_id", "ds"]].assign(rain=np.arange(len(y)) + 0.5, sun=1)
    return X.sample(frac=1, random_state=seed)


def rain_of(panel, column=0):
    return {each.id: each.past[:, column].tolist() for each in panel.series}


# Forms


@pytest.mark.parametrize(
    ("X_past", "names"),
    [
        (RAIN, ("rain", "sun")),
        (RAIN["rain"], ("rain",)),
        (RAIN["rain"].rename(None), ("past",)),
        (RAIN.to_numpy(), ("past0", "past1")),
        (RAIN["rain"].tolist(), ("past0",)),
        (RAIN.astype("Int64"), ("rain", "sun")),
        (RAIN.set_axis(DAYS.as_unit("s"), axis=0), ("rain", "sun")),
        (RAIN.sample(frac=1, random_state=1), ("rain", "sun")),
        (pd.concat([RAIN, RAIN.set_axis(DAYS + 12 * DAYS.freq, axis=0), RAIN.shift(-12, freq="D")]), ("rain", "sun")),
    ],
    ids=["frame", "series", "no name", "array", "list", "nullable", "unit", "order", "further"],
)
def test_every_form_of_past_covariates(X_past, names):
    for y in (series_over(DAYS), pd.DataFrame({"a": series_over(DAYS), "b": 2.0})):
        panel = read_panel(y, X_past=X_past)
        assert (panel.past_names, panel.covariate_names) == (names, ())
        for each in panel.series:
            assert each.past.dtype == np.float64
            np.testing.assert_array_equal(each.past, RAIN.to_numpy()[:, : len(names)])


@pytest.mark.parametrize("index", [periods("M", 12), pd.RangeIndex(3, 15), dates("h", 12, "Europe/Berlin")], ids=str)
def test_dates_of_every_kind_are_found(index):
    X_past = RAIN.set_axis(index, axis=0)
    panel = read_panel(series_over(index)[2:9], X_past=X_past[::-1])
    np.testing.assert_array_equal(panel.series[0].past, RAIN.to_numpy()[2:9])


@pytest.mark.parametrize("y", [np.ones(12), np.ones((12, 2)), [1.0] * 12])
def test_arrays_have_past_covariates_by_step(y):
    for X_past in (RAIN.to_numpy(), RAIN.reset_index(drop=True)):
        for each in read_panel(y, X_past=X_past).series:
            np.testing.assert_array_equal(each.past, RAIN)
    for given in (np.ones(11), np.ones((13, 2)), np.ones((12, 0))):
        assert "; expected (T, K) or (T,) with T=12." in message_of(y, X_past=given)


def test_series_of_a_long_frame_have_their_own():
    y = long_frame([("a", DAYS), ("b", DAYS[3:])], seed=1)
    panel = read_panel(y, X_past=weather_of(y))
    assert panel.past_names == ("rain", "sun")
    expected = y.assign(rain=np.arange(len(y)) + 0.5).sort_values("ds")
    assert rain_of(panel) == {label: rows["rain"].tolist() for label, rows in expected.groupby("unique_id")}
    more = long_frame([("c", DAYS), ("a", DAYS + 30 * DAYS.freq)])
    assert_same_past(read_panel(y, X_past=pd.concat([weather_of(more), weather_of(y)])), panel)
    categorical = y.assign(unique_id=y["unique_id"].astype("category"))
    assert_same_past(read_panel(categorical, X_past=weather_of(categorical)), panel)


def assert_same_past(found, expected):
    assert found.past_names == expected.past_names
    assert rain_of(found) == rain_of(expected)
    assert rain_of(found, 1) == rain_of(expected, 1)


def test_frames_of_other_libraries():
    class Frame:
        def to_pandas(self):
            return RAIN.rename_axis("day").reset_index()

    np.testing.assert_array_equal(read_panel(series_over(DAYS), X_past=Frame()).series[0].past, RAIN)


def test_without_past_covariates_there_are_none():
    y = long_frame([("a", DAYS), ("b", DAYS[3:])])
    for panel in (
        read_panel(series_over(DAYS)),
        read_panel(np.ones((5, 2))),
        read_panel(y),
        read_panel(y, y.drop(columns="y").assign(x=1)),
    ):
        assert panel.past_names == ()
        assert all(each.past.shape == (len(each.values), 0) for each in panel.series)
        assert not {"past_names", "static_names", "categories"} & set(panel.to_config())  # as earlier versions write


def test_both_kinds_of_covariates():
    price = pd.Series(np.arange(12.0) ** 2, DAYS, name="price")
    panel = read_panel(series_over(DAYS), price, X_past=RAIN)
    assert (panel.covariate_names, panel.past_names) == (("price",), ("rain", "sun"))
    np.testing.assert_array_equal(panel.series[0].covariates[:, 0], price)
    y = long_frame([("a", DAYS), ("b", DAYS)]).assign(price=2.0)
    panel = read_panel(y, X_past=weather_of(y))
    assert (panel.covariate_names, panel.past_names) == (("price",), ("rain", "sun"))


# Errors


@pytest.mark.parametrize(
    ("X_past", "match"),
    [
        (RAIN.drop(GONE), r"X_past lacks 2 of the 12 dates of y: 2021-03-14, 2021-03-17; expected a row for each"),
        (RAIN.where(RAIN["rain"] != 5), r"X_past\['rain'\]: 1 of 12 values is not finite: NaN at 2021-03-15"),
        (RAIN.replace(5.0, -np.inf), r"X_past\['rain'\]: 1 of 12 values is not finite: -inf at 2021-03-15"),
        (np.where(np.arange(12) == 5, NAN, 1.0), "X_past: 1 of 12 values is not finite: NaN at 5"),
        ([1.0, None] * 6, "X_past has the dtype object; expected numbers"),
        (pd.concat([RAIN, RAIN[:1]]), "X_past.index has 1 date more than once: 2021-03-10"),
        (RAIN.tz_localize("UTC"), "X_past.index has dates with a time zone, y.index has dates without a time zone"),
        (RAIN.to_period("D"), "X_past.index has periods D, y.index has dates without a time zone"),
        (RAIN.set_axis(DAYS.strftime("%d.%m.%Y"), axis=0), r"pd.to_datetime\(X_past.index\) parses text"),
        (RAIN.assign(sky="grey"), r"X_past\['sky'\] has the dtype \w+; .*pd.get_dummies\(X_past, columns=\['sky'\]"),
        (RAIN.assign(wet=True), r"X_past\['wet'\] has the dtype bool; .*astype\(float\)"),
        (RAIN.set_axis(["rain", "rain"], axis=1), "X_past has more than one column 'rain'"),
        (RAIN[[]], "X_past has no columns; expected at least one covariate"),
        ("rain", "X_past is a str; expected None, a pandas Series or DataFrame over the dates of y"),
    ],
)  # fmt: skip
def test_past_covariates_with_something_wrong_are_refused(X_past, match):
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        read_panel(series_over(DAYS), X_past=X_past)
    assert "dates of the forecast" not in str(caught.value)  # for which these need not be known


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: X[X["ds"] != DAYS[5]], r"X_past lacks 2 rows of y: \('a', 2021-03-15\), \('b', 2021-03-15\)"),
        (lambda X: X[X["unique_id"] == "a"], "X_past lacks 9 rows of y: .* and 6 more; expected a row for each value"),
        (lambda X: X.assign(rain=X["rain"].where(X["ds"] != DAYS[5])), r"2 of 21 values are not finite: NaN at \('a'"),
        (lambda X: pd.concat([X, X[:1]]), "X_past has 1 date more than once"),
        (lambda X: X.drop(columns="ds"), "X_past has no column 'ds'; expected unique_id, ds and the covariates"),
        (lambda X: X[["unique_id", "ds"]], "X_past has no columns except unique_id and ds"),
        (lambda X: X.assign(y=1.0), r"X_past has the column 'y'; .*drop\(columns='y'\)"),
        (lambda X: X.assign(ds=X["ds"].dt.tz_localize("UTC")), r"X_past\['ds'\] has dates with a time zone"),
        (lambda X: X["rain"], "X_past is a Series; expected a DataFrame with unique_id, ds and the covariates"),
        (lambda X: X.to_numpy(), "X_past is a ndarray"),
    ],
)  # fmt: skip
def test_long_past_covariates_with_something_wrong_are_refused(change, match):
    y = long_frame([("a", DAYS), ("b", DAYS[3:])])
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(y, X_past=change(weather_of(y)))


def test_a_name_is_that_of_one_covariate():
    message = message_of(series_over(DAYS), RAIN["rain"], X_past=RAIN)
    assert message.startswith("X_past has the covariate 'rain', which X has too; expected each in one of them")
    y = long_frame([("a", DAYS)]).assign(rain=1.0)
    assert "which X, or y without X, has too" in message_of(y, X_past=weather_of(y))
    read_panel(y, X=y[["unique_id", "ds"]].assign(price=1), X_past=weather_of(y))


def test_a_panel_has_its_own():
    panel = read_panel(series_over(DAYS), X_past=RAIN)
    assert read_panel(panel) is panel
    assert message_of(panel, X_past=RAIN).startswith("X_past is given with a Panel as y; expected None")
    assert message_of(panel, static={"sold": 1}).startswith("static is given with a Panel as y; expected None")


# Gaps


def skipped(y, X_past):
    return read_panel(y, missing="skip", X_past=X_past)


@pytest.mark.parametrize("form", ["rows", "cells", "array"])
def test_where_y_is_missing_they_may_be_missing(form):
    y = series_over(DAYS)
    cells = RAIN.astype(float)
    cells.loc[GONE] = NAN
    X_past = {"rows": RAIN.drop(GONE), "cells": cells, "array": cells.to_numpy()}[form]
    for gappy in (y.drop(GONE), y.where(~y.index.isin(GONE))):
        found = skipped(gappy, X_past).series[0]
        np.testing.assert_array_equal(found.past, cells)
        assert np.isnan(found.values[[4, 7]]).all()
        np.testing.assert_array_equal(skipped(gappy, RAIN).series[0].past, RAIN)


def test_where_y_has_a_value_they_may_be_unknown_but_not_everywhere():
    y = series_over(DAYS).drop(GONE)
    cells = RAIN.where(RAIN["rain"] != 8).astype(float)
    for X_past in (RAIN.drop(DAYS[8]), cells, cells.to_numpy()):
        np.testing.assert_array_equal(skipped(y, X_past).series[0].past[:, 0], cells["rain"])
        np.testing.assert_array_equal(skipped(series_over(DAYS), X_past).series[0].past[:, 0], cells["rain"])
    later = RAIN.set_axis(DAYS + pd.Timedelta(days=99))
    for X_past, match in (
        (RAIN.replace(4.0, np.inf), "X_past['rain']: 1 of 12 values is not finite: inf at 2021-03-14;"),
        (later, "X_past lacks 12 of the 12 dates of y: 2021-03-10, 2021-03-11, 2021-03-12 and 9 more; expected a row"),
        (RAIN.assign(sun=NAN), "X_past['sun'] has no value at any date of y: all are missing; expected at least one."),
    ):
        assert message_of(y, missing="skip", X_past=X_past).startswith(match)


def test_they_begin_with_the_series():
    frame = pd.DataFrame({"a": series_over(DAYS), "b": series_over(DAYS), "c": series_over(DAYS)})
    frame.loc[DAYS[:3], ["b", "c"]] = NAN
    for y in (frame, frame.to_numpy()):
        panel = skipped(y, RAIN.set_axis(frame.index if y is frame else range(12), axis=0))
        for each, start in zip(panel.series, (0, 3, 3), strict=True):
            np.testing.assert_array_equal(each.past, RAIN[start:])
        assert panel.series[1].past is panel.series[2].past
    panel = skipped(frame["b"], RAIN)
    np.testing.assert_array_equal(panel.series[0].past, RAIN[3:])
    y = long_frame([("a", DAYS), ("b", DAYS)], seed=2)
    X_past = weather_of(y)
    y.loc[(y["unique_id"] == "b") & (y["ds"] < DAYS[3]), "y"] = NAN
    expected = X_past[(X_past["unique_id"] == "b") & (X_past["ds"] >= DAYS[3])].sort_values("ds")["rain"].tolist()
    assert rain_of(skipped(y, X_past))["b"] == expected
    assert rain_of(skipped(y, X_past[(X_past["unique_id"] == "a") | (X_past["ds"] >= DAYS[3])]))["b"] == expected


def test_missing_rows_of_a_long_frame():
    y = long_frame([("a", DAYS), ("b", DAYS)])
    X_past = weather_of(y)
    gone = (y["unique_id"] == "b") & y["ds"].isin(GONE)
    whole, gappy = (
        skipped(y[~gone].sample(frac=1, random_state=3), X_past.loc[keep]) for keep in (y.index, y.index[~gone])
    )
    assert_same_past(whole, read_panel(y, X_past=X_past))
    expected = whole.series[[each.id for each in whole.series].index("b")].past.copy()
    expected[[4, 7]] = NAN
    np.testing.assert_array_equal({each.id: each.past for each in gappy.series}["b"], expected)
    found = skipped(y[~gone], X_past[(X_past["unique_id"] == "b") | (X_past["ds"] != DAYS[5])])
    assert np.flatnonzero(np.isnan({each.id: each.past[:, 0] for each in found.series}["a"])).tolist() == [5]
    message = message_of(y, missing="skip", X_past=X_past[X_past["unique_id"] == "a"])
    assert message.startswith(
        "X_past has no row with a date of y for 1 of 2 series: 'b'; expected at least one of each"
    )
    message = message_of(y, missing="skip", X_past=X_past.assign(rain=NAN))
    assert message.startswith("X_past['rain'] has no value at any date of y")


# Cuts, configs


def test_the_first_steps_of_a_series_have_all_that_belongs_to_it():
    """Every array of a series is cut, whatever fields it has."""
    series = read_panel(series_over(DAYS), RAIN["sun"], X_past=RAIN["rain"]).series[0]
    fields = {name for name in SeriesData.__dataclass_fields__ if name != "id"}
    for n in (0, 1, 7, 12):
        first = series.first(n)
        assert first.id == series.id
        for name in fields:
            whole, part = getattr(series, name), getattr(first, name)
            assert len(whole) == 12
            assert len(part) == n
            assert list(np.ravel(part)) == list(np.ravel(whole[:n]))
    for n in (-1, 13, 2.0):
        with pytest.raises(InvalidArgumentError, match=f"n={n}; expected an integer from 0 to 12"):
            series.first(n)


def test_further_steps_continue_all_that_belongs_to_a_series():
    """Every array of a series is continued, whatever fields it has."""
    panel = read_panel(series_over(DAYS[:9]), RAIN["sun"][:9], X_past=RAIN["rain"])
    rows = [np.array([[7.0], [8.0]])]
    found = panel.continued([np.array([5.0, 6.0])], rows, rows).series[0]
    for name in SeriesData.__dataclass_fields__:
        if name != "id":
            assert len(getattr(found, name)) == 11, name
    assert found.past[:, 0].tolist() == [*range(9), 7, 8]
    found = panel.continued([np.array([5.0, 6.0])], rows).series[0]
    np.testing.assert_array_equal(found.past[:, 0], [*range(9), NAN, NAN])
    with pytest.raises(InvalidArgumentError, match="past has 9 rows; expected 11, one for each date"):
        replace(found, past=found.past[:9])


def test_cuts_elsewhere_keep_past_covariates_and_static_columns():
    y = pd.DataFrame({"a": series_over(DAYS), "b": series_over(DAYS)})
    panel = read_panel(y, X_past=RAIN, static=pd.DataFrame({"area": [1.0, 2], "region": ["n", "s"]}, ["a", "b"]))
    cut = _without_last(panel, 3)
    assert_same_panels(cut, read_panel(y[:9]))
    for each in cut.series:
        np.testing.assert_array_equal(each.past, RAIN[:9])
    np.testing.assert_array_equal(cut.static, panel.static)
    assert (cut.categories, cut.static_names, cut.category_names) == ((("n",), ("s",)), ("area",), ("region",))
    first = panel.series[0]
    assert read_seed("zeros", first, 4)[0] is first
    np.testing.assert_array_equal(read_seed(2, first, 4)[0].past, RAIN[:6])
    seed = read_seed([7.0, 8.0], first, 4)[0]
    assert seed.values.tolist() == [7, 8]
    np.testing.assert_array_equal(seed.past, RAIN[:2])


def test_a_config_keeps_all_fields():
    y = pd.DataFrame({"a": series_over(DAYS), "b": series_over(DAYS)})
    static = pd.DataFrame({"area": [1.0, NAN], "region": ["n", None]}, ["a", "b"])
    panel = read_panel(y, RAIN["sun"], X_past=RAIN["rain"], static=static)
    config = json.loads(json.dumps(panel.to_config()))
    past = [each.past for each in panel.series]
    values, X = ([getattr(each, name) for each in panel.series] for name in ("values", "covariates"))
    again = Panel.from_config(config, values, X, past, panel.static)
    assert_same_panels(again, panel)
    assert rain_of(again) == rain_of(panel)
    np.testing.assert_array_equal(again.static, panel.static)
    for name in ("past_names", "static_names", "category_names", "categories"):
        assert getattr(again, name) == getattr(panel, name)
        assert getattr(panel, name)
    empty = Panel.from_config(config)
    assert np.isnan(empty.series[0].past).all()
    assert np.isnan(empty.static).all()
    assert empty.static.shape == (2, 1)
    assert empty.categories == panel.categories
    with pytest.raises(InvalidArgumentError, match=r"past\[0\] has the shape \(11, 1\); expected \(12, 1\)"):
        Panel.from_config(config, past=[each[1:] for each in past])
    with pytest.raises(InvalidArgumentError, match=r"static\[0\] has the shape \(1, 1\); expected \(2, 1\)"):
        Panel.from_config(config, static=panel.static[:1])


def test_a_config_of_an_earlier_version_is_read():
    panel = read_panel(np.ones((5, 2)), X_past=np.ones(5), static={0: 1, 1: 2})
    config = {key: value for key, value in panel.to_config().items() if key not in ("past_names", "static_names")}
    again = Panel.from_config(config, [each.values for each in panel.series])
    assert (again.past_names, again.static_names, again.category_names) == ((), (), ())
    assert again.series[0].past.shape == (5, 0)
    assert (again.static.shape, again.categories) == ((2, 0), ((), ()))


def test_a_panel_has_static_columns_for_each_series():
    series = read_panel(np.ones((5, 2))).series
    with pytest.raises(InvalidArgumentError, match=r"static has the shape \(1, 1\); expected \(2, 1\)"):
        Panel(series, "array", ndim=2, static_names=("a",), static=np.ones((1, 1)))
    for rows in ((("n",),), (("n",), ())):
        with pytest.raises(InvalidArgumentError, match=f"categories have {len(rows)} rows of 1 names"):
            Panel(series, "array", ndim=2, category_names=("a",), categories=rows)
