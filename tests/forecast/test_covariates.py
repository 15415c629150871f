"""Covariates: in `X` and in `X_future`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_future, read_panel
from tests.forecast.panel_cases import (
    HORIZON,
    dates,
    long_frame,
    periods,
    series_over,
    without_freq,
)

pytestmark = pytest.mark.filterwarnings("ignore:Period:FutureWarning")  # pandas warns about periods of business days


def test_covariates_of_a_frame_are_the_same_for_every_series():
    index = dates("D")
    X = pd.DataFrame({"warm": np.arange(40), 7: np.arange(40) * 0.5}, without_freq(index).as_unit("s"))
    panel = read_panel(pd.DataFrame({"a": 1.0, "b": 2.0}, index), X)
    assert panel.covariate_names == ("warm", "7")
    for each in panel.series:
        np.testing.assert_array_equal(each.covariates, X)
        assert each.covariates.dtype == np.float64


def test_covariates_of_a_series_are_a_series_a_frame_or_an_array():
    y = series_over(dates("D"))
    for X, names in [
        (y.rename("warm"), ("warm",)),
        (y.rename(None), ("x",)),
        (y.to_numpy(), ("x0",)),
        (y.to_numpy()[:, None], ("x0",)),
        (list(y), ("x0",)),
    ]:
        panel = read_panel(y, X)
        assert panel.covariate_names == names
        np.testing.assert_array_equal(panel.series[0].covariates, y.to_numpy()[:, None])
    panel = read_panel(y.to_numpy(), y.reset_index(drop=True))
    assert panel.covariate_names == ("sold",)


def test_further_columns_of_a_long_frame_are_covariates():
    y = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))])
    y["x"], y["z"] = y["y"] * 10 + 1, y["y"] * 20
    panel = read_panel(y.sample(frac=1, random_state=4))
    assert panel.covariate_names == ("x", "z")
    for each in panel.series:
        np.testing.assert_array_equal(each.covariates, np.stack([each.values * 10 + 1, each.values * 20], axis=1))


def test_covariates_of_a_long_frame_are_found_by_id_and_date():
    y = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))], seed=1)
    X = y.assign(x=y["y"] * 10 + (y["unique_id"] == "b"), text="left out").drop(columns=["y", "text"])
    panel = read_panel(y.assign(other=3), X.sample(frac=1, random_state=7))
    assert panel.covariate_names == ("x",)  # other columns of y are ignored if X is given
    for each in panel.series:
        np.testing.assert_array_equal(each.covariates[:, 0], each.values * 10 + (each.id == "b"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: X[:-2], "lacks 2 of the 40 dates of y: 2021-04-17, 2021-04-18"),
        (lambda X: X.iloc[[*range(40), 39]], "X.index has 1 date more than once: 2021-04-18"),
        (lambda X: X.tz_localize("UTC"), "X.index has dates with a time zone, y.index has dates without"),
        (lambda X: X.to_period("D"), "X.index has periods D"),
        (lambda X: X.reset_index(drop=True), "X.index has integers"),
        (lambda X: X.to_numpy()[:-1], r"X has the shape \(39, 2\); expected \(T, K\) or \(T,\) with T=40"),
        (lambda X: np.ones((40, 2, 2)), "shape"),
        (lambda X: X[[]], "no columns"),
        (lambda X: X.set_axis(["a", "a"], axis=1), "more than one column 'a'"),
        (lambda X: {"x": 1}, "X is a dict; expected None, a pandas Series or DataFrame"),
    ],
)  # fmt: skip
def test_covariates_that_do_not_fit_are_refused(change, match):
    y = series_over(dates("D"))
    X = pd.DataFrame({"a": 1.0, "b": 2.0}, y.index)
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(y, change(X))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: X[:-2], r"X lacks 2 rows of y: \('b', 2021-03-14\), \('b', 2021-03-15\)"),
        (lambda X: X.iloc[[*range(10), 3]], r"X has 1 date more than once: \('a', 2021-03-13\)"),
        (lambda X: X.drop(columns="ds"), "X has no column 'ds'"),
        (lambda X: X.drop(columns="x"), "no columns except unique_id and ds"),
        (lambda X: X["x"], "X is a Series; expected a DataFrame with unique_id"),
        (lambda X: X.to_numpy(), "X is a ndarray; expected a DataFrame with unique_id"),
        (lambda X: X.assign(ds=X["ds"].dt.tz_localize("UTC")), r"X\['ds'\] has dates with a time zone"),
        (lambda X: X.assign(x=[*X["x"][:-1], np.nan]), r"X\['x'\]: 1 of 10 values is not finite: NaN at \('b', 2021"),
    ],
)  # fmt: skip
def test_covariates_that_do_not_fit_a_long_frame_are_refused(change, match):
    y = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))])
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(y, change(y.assign(x=1.0).drop(columns="y")))


def test_rows_may_be_in_any_order_and_go_on_after_the_series():
    y, X = series_over(dates("D")), pd.DataFrame({"a": np.arange(50.0)}, dates("D", 50))
    expected = np.arange(40.0)[:, None]
    for given in (X, X[::-1], X[:40].iloc[::-1], X.set_axis(without_freq(X.index))):
        np.testing.assert_array_equal(read_panel(y, given).series[0].covariates, expected)
        np.testing.assert_array_equal(read_panel(y, X_past=given).series[0].past, expected)
    y = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))])
    X = long_frame([("b", dates("D", 9)), ("c", dates("D", 3)), ("a", dates("D", 9))], seed=1)
    X = X.rename(columns={"y": "x"})
    for options in ({"X": X}, {"X_past": X}):
        panel = read_panel(y, **options)
        for each in panel.series:
            rows = np.concatenate([each.covariates, each.past], axis=1)
            np.testing.assert_array_equal(rows[:, 0], each.values)


# The future


def test_covariates_of_the_future_are_taken_by_name_and_date():
    whole = dates("MS", 60, "Europe/Berlin")
    X = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60) * 2}, whole)
    panel = read_panel(pd.DataFrame({"p": 1.0, "q": 2.0}, whole[:40]), X[:40])
    mixed = X.assign(c="text")[["c", "b", "a"]]  # another order, another column, dates of the past and later ones
    exact = X[40 : 40 + HORIZON]
    without = mixed.set_axis(without_freq(whole).as_unit("s"))
    for X_future in (exact, mixed, mixed[::-1], mixed[40:], without, exact.to_numpy(), exact.to_numpy().tolist()):
        found = read_future(panel, X_future, HORIZON)
        assert len(found) == 2
        for each in found:
            np.testing.assert_array_equal(each, X.to_numpy()[40 : 40 + HORIZON])
            assert each.dtype == np.float64


@pytest.mark.parametrize(
    "index", [periods("Q-JAN", 45), pd.RangeIndex(45), dates("30min", 45)], ids=lambda i: type(i).__name__
)
def test_one_covariate_of_the_future_may_be_a_series_or_an_array(index):
    x = pd.Series(np.arange(45.0), index, name="x")
    panel = read_panel(series_over(index[:40]), x[:40])
    for given in (x, x[40:], x.rename(None), x[40:].to_numpy(), list(x[40:]), x[40:].to_numpy()[:, None]):
        found = read_future(panel, given, HORIZON)
        np.testing.assert_array_equal(found[0], np.arange(40.0, 45)[:, None])


def test_covariates_of_the_future_of_a_long_frame_begin_where_each_series_ends():
    whole = dates("D", 40)
    every = long_frame([(label, whole) for label in "abc"])
    every["x"], every["z"] = every["y"] * 10 + every["unique_id"].map(ord), -every["y"]
    ends = {"a": 20, "b": 30, "c": 11}
    y = pd.concat([every[(every["unique_id"] == label) & (every["y"] < end)] for label, end in ends.items()])
    panel = read_panel(y)
    X_future = every[["z", "ds", "x", "unique_id"]].sample(frac=1, random_state=5)
    for label, found in zip(panel.ids, read_future(panel, X_future, HORIZON), strict=True):
        step = ends[label] + np.arange(HORIZON)
        np.testing.assert_array_equal(found, np.stack([step * 10 + ord(label), -step], axis=1))


def test_without_covariates_there_are_none_in_the_future():
    panel = read_panel(np.ones((7, 2)))
    assert [each.shape for each in read_future(panel, None, HORIZON)] == [(HORIZON, 0)] * 2
    with pytest.raises(InvalidArgumentError, match="fit had no covariates"):
        read_future(panel, np.ones(HORIZON), HORIZON)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (lambda X: None, r"covariates of fit \(a, b\) for the dates of the forecast: 2021-04-19 to 2021-04-23"),
        (lambda X: X[:43], "lacks 2 of the 5 dates of the forecast: 2021-04-22, 2021-04-23; expected 2021"),
        (lambda X: X.drop(columns="b"), r"no column 'b'; expected the covariates of fit: a, b"),
        (lambda X: X["a"], "no column 'b'"),
        (lambda X: pd.concat([X, X[41:42]]), "X_future has 1 date more than once: 2021-04-20"),
        (lambda X: pd.concat([X, X["a"]], axis=1), "the column 'a' more than once"),
        (lambda X: X.assign(b=[*range(42), np.nan, 1, 2]), r"X_future\['b'\]: 1 of 5 values is not finite: NaN at"),
        (lambda X: X.assign(b="much"), r"X_future\['b'\] has the dtype"),
        (lambda X: X.reset_index(drop=True), "X_future.index has integers"),
        (lambda X: X.tz_localize("UTC"), "X_future.index has dates with a time zone"),
        (lambda X: X.to_numpy()[40:44], r"shape \(4, 2\); expected \(horizon, K\) or \(horizon,\) with horizon=5"),
        (lambda X: X.to_numpy()[40:, :1], "has 1 columns; expected 2: a, b"),
        (lambda X: np.full((5, 2), np.inf), r"X_future\[:, 0\]: 5 of 5 values are not finite"),
        (lambda X: "X", "X_future is a str"),
    ],
)  # fmt: skip
def test_covariates_of_the_future_that_do_not_fit_are_refused(given, match):
    whole = dates("D", 45)
    X = pd.DataFrame({"a": np.arange(45.0), "b": 2.0}, whole)
    panel = read_panel(series_over(whole[:40]), X[:40])
    with pytest.raises(InvalidArgumentError, match=match):
        read_future(panel, given(X), HORIZON)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: None, r"\(x\) for the dates of the forecast: 2021-03-14 to 2021-03-18 \(series 'a'\)"),
        (lambda X: X[X["unique_id"] == "b"], "lacks 1 of the 2 series: 'a'"),
        (lambda X: X[:-31], "X_future of series 'b' lacks 2 of the 5 dates of the forecast: 2021-03-19, 2021-03-20"),
        (lambda X: X.drop(columns="x"), "no column 'x'"),
        (lambda X: X.drop(columns="unique_id"), "X_future has no column 'unique_id'"),
        (lambda X: X["x"], "X_future is a Series"),
        (lambda X: X[:0], "no rows"),
        (lambda X: X.to_numpy(), "array without dates"),
        (lambda X: X.assign(x=np.nan), r"X_future\['x'\] of series 'a': 5 of 5 values are not finite"),
        (lambda X: pd.concat([X, X[5:6]]), "X_future of series 'a' has 1 date more than once: 2021-03-15"),
    ],
)  # fmt: skip
def test_covariates_of_the_future_that_do_not_fit_a_long_frame_are_refused(change, match):
    whole = dates("D", 40)
    panel = read_panel(long_frame([("a", whole[:4]), ("b", whole[:6])], x=1.0))
    X = long_frame([("a", whole), ("b", whole)], x=2.0).drop(columns="y")
    with pytest.raises(InvalidArgumentError, match=match):
        read_future(panel, change(X), HORIZON)


def test_covariates_without_a_hash_are_refused():
    y = pd.DataFrame({"unique_id": ["a", "a", "b", "b"], "ds": list(pd.date_range("2020-01-01", periods=2)) * 2})
    y = y.assign(y=[1.0, 2.0, 3.0, 4.0], x=[[1], [1], [2], [2]])
    with pytest.raises(InvalidArgumentError, match=r"y\['x'\] has the dtype object; expected numbers"):
        read_panel(y)
