"""Parts that follow the fitted series: what `update` takes and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel
from kerazoo.forecast.data.following import following_steps, following_values

MONTHS = pd.date_range("2015-01", periods=72, freq="MS")
SERIES = ("a", "b", "c")
NAN = np.nan


def wide(index=MONTHS):
    t = np.arange(len(index))
    return pd.DataFrame({name: 10 + i + np.sin(t * np.pi / 6 + i) for i, name in enumerate(SERIES)}, index)


def long(frame):
    found = frame.melt(var_name="unique_id", value_name="y", ignore_index=False)
    return found.rename_axis("ds").reset_index()


Y, NEW = wide()[:60], wide()[60:66]
LONG, LONG_NEW = long(Y), long(NEW)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (NEW[1:], "y.index lacks 1 of the 6 dates that follow the series of fit, 2020-01-01 to 2020-06-01: 2020-01-01"),
        (NEW.drop(NEW.index[2]), "y.index lacks 1 of the 6 dates"),
        (wide()[58:], "y.index has 2 of 14 dates up to 2019-12-01, where the series of fit ends: 2019-11-01, 2019-12"),
        (NEW[::-1], "y.index is not sorted: at position 1, 2020-05-01 follows 2020-06-01"),
        (pd.concat([NEW, NEW[:1]]), "y.index has 1 date more than once: 2020-01-01"),
        (NEW.set_axis(pd.date_range("2020-01", periods=6)), "y.index: 2020-01-02, .* do not follow the series of fit"),
        (NEW.to_period("M"), "y.index has periods M; expected dates without a time zone, as in fit"),
        (NEW.reset_index(drop=True), "y.index has integers; expected dates without a time zone"),
        (NEW.set_axis(NEW.index.astype(str)), r"y.index has the dtype \w+; .* pd.to_datetime\(y.index\) parses text"),
        (NEW[["a"]], "y lacks 2 of the 3 series: 'b', 'c'; expected 'a', 'b', 'c', as in fit"),
        (NEW.assign(z=1.0), "y has 1 series that fit did not have: 'z'; expected 'a'"),
        (NEW.iloc[:, [0, 1, 2, 2]], "y has the series 'c' more than once"),
        (LONG_NEW, r"y is a long DataFrame; expected a DataFrame with one column per series, as in fit. y.pivot\("),
        (NEW["a"], "y is a Series; expected a DataFrame with one column per series"),
        (NEW.iloc[0], r"y.to_frame\(\).T makes one of a single step"),
        (NEW.to_numpy(), "y is numbers without dates; expected a DataFrame .* dates of the steps must be in its index"),
        (None, "y is a NoneType; expected a DataFrame"),
        (NEW[:0], "y has no rows; expected the steps that follow"),
        (NEW.assign(a=NAN), r"y\['a'\]: 6 of 6 values are not finite: NaN at 2020-01-01.* missing=\"skip\" reads NaN"),
        (
            NEW.assign(a=1e200),
            r"y\['a'\]: 6 of 6 values are too large: 1e\+200 at 2020-01-01; expected at most 1e\+100",
        ),
        (NEW.assign(a="1"), r"y\['a'\] has the dtype \w+; expected numbers"),
    ],
)
def test_frames_that_do_not_follow(part, message):
    with pytest.raises(InvalidArgumentError, match=message):
        following_values(read_panel(Y), part)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda new: new.drop(columns="y"), "y has no column 'y'; expected unique_id, ds and y, as in fit. It has"),
        (lambda new: NEW, "y has no column 'unique_id' and no 'ds' and no 'y'"),
        (lambda new: new.replace({"unique_id": {"b": "z"}}), "y has 1 series that fit did not have: 'z'"),
        (lambda new: new[new["ds"] != "2020-02"], r"y\['ds'\] of series 'a' lacks 1 of the 6 dates .*: 2020-02-01;"),
        (lambda new: pd.concat([new, new]), r"y\['ds'\] of series 'a' has 6 dates more than once"),
        (lambda new: new.assign(ds=new["ds"].astype(str)), r"pd.to_datetime\(y\['ds'\]\) parses text"),
        (lambda new: new.assign(unique_id=new["unique_id"].where(new["unique_id"] != "b")), "missing in 6 rows"),
        (lambda new: new.assign(y=np.inf), r"y\['y'\]: 18 of 18 values are not finite: inf at \('a', 2020-01-01"),
        (lambda new: new.drop(index=5), "y has 5 to 6 steps per series; expected equally many of each"),
        (lambda new: new[new["unique_id"] != "a"], "y lacks 1 of the 3 series: 'a'; expected 'a', 'b', 'c', as in fit"),
    ],
)
def test_long_frames_that_do_not_follow(change, message):
    with pytest.raises(InvalidArgumentError, match=message):
        following_values(read_panel(LONG), change(LONG_NEW))


def test_numbers_without_dates():
    panel = read_panel(Y.to_numpy())
    np.testing.assert_array_equal(following_values(panel, NEW.to_numpy().tolist()), NEW.to_numpy().T)
    for part in (NEW.to_numpy()[:, :2], NEW.to_numpy()[0]):
        with pytest.raises(InvalidArgumentError, match=r"expected \(T, 3\), as in fit: a row for each step"):
            following_values(panel, part)


def test_with_gaps_dates_and_values_may_be_missing():
    gappy = NEW.drop(NEW.index[[0, 3]])
    gappy.loc[NEW.index[1], "b"] = NAN
    expected = NEW.copy()
    expected.iloc[[0, 3]] = NAN
    expected.loc[NEW.index[1], "b"] = NAN
    found = following_values(read_panel(Y), gappy, "skip")
    np.testing.assert_array_equal(found, expected.to_numpy().T)
    of_long = following_values(read_panel(LONG), long(gappy).sample(frac=1, random_state=1), "skip")
    np.testing.assert_array_equal(of_long, found)
    assert following_steps(read_panel(Y), gappy, missing="skip") == 6


@pytest.mark.parametrize("index", [MONTHS, MONTHS.to_period("M"), pd.RangeIndex(72), MONTHS.tz_localize("Europe/Rome")])
def test_each_kind_of_index_with_other_numbers_of_new_values(index):
    frame = wide(index)
    y, new = long(frame[:60]), long(frame[60:])
    number = new.groupby("unique_id").cumcount()
    new = new[number < new["unique_id"].map({"a": 1, "b": 0, "c": 12})]
    found = following_values(read_panel(y), new.sample(frac=1, random_state=2), unequal=True)
    assert [len(each) for each in found] == [1, 0, 12]
    np.testing.assert_array_equal(found[2], frame["c"][60:])


@pytest.mark.parametrize("with_covariates", [False, True])
def test_an_update_with_more_values_of_some_series(with_covariates):
    whole = long(wide())
    if with_covariates:
        whole["x"] = np.random.default_rng(1).normal(size=len(whole))
        whole["y"] += 2 * whole["x"]
    step = whole.groupby("unique_id").cumcount()
    end = whole["unique_id"].map({"a": 61, "b": 60, "c": 66})
    y, new = whole[step < 60], whole[(step >= 60) & (step < end)]
    X_future = whole[["unique_id", "ds", "x"]] if with_covariates else None
    columns = ["unique_id", "ds", "y"]
    made = Forecaster(horizon=3, epochs=0, verbose=0).fit(y)
    forecasts = made.update(new[columns], X_future).predict(X_future=X_future)
    expected = made.predict(X_future=X_future, history=whole[step < end])
    pd.testing.assert_frame_equal(forecasts, expected)
    starts = forecasts.groupby("unique_id")["ds"].min()
    assert starts.dt.strftime("%Y-%m").to_dict() == {"a": "2020-02", "b": "2020-01", "c": "2020-07"}


def test_past_covariates_of_an_update_may_be_unknown_where_gaps_are_skipped():
    rain = pd.DataFrame({"rain": np.arange(66.0)}, MONTHS[:66])
    gaps = rain[60:].where(rain["rain"] != 62)
    short = rain[60:].drop(MONTHS[[62]])
    strict, lenient = (
        Forecaster(horizon=3, epochs=0, verbose=0, missing=missing).fit(Y, X_past=rain[:60])
        for missing in ("error", "skip")
    )
    for X_past, message in (
        (gaps, r"X_past\['rain'\]: 1 of 6 values is not finite: NaN at 2020-03-01; .* missing=\"skip\" reads NaN"),
        (short, 'X_past lacks 1 of the 6 new dates: 2020-03-01; .* missing="skip" of the constructor'),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            strict.update(NEW, X_past=X_past)
    for X_past in (gaps, short, gaps.to_numpy()):
        fitted = Forecaster(horizon=3, epochs=0, verbose=0, missing="skip").fit(Y, X_past=rain[:60])
        past = fitted.update(NEW, X_past=X_past)._fitted.panel.series[0].past[:, 0]
        np.testing.assert_array_equal(past, [*range(62), NAN, 63, 64, 65])
    later = rain.set_axis(pd.date_range("2031-01", periods=66, freq="MS"))
    with pytest.raises(InvalidArgumentError, match="X_past lacks 6 of the 6 new dates"):
        lenient.update(NEW, X_past=later)
    with pytest.raises(InvalidArgumentError, match="X is given, but fit had no covariates"):
        lenient.update(NEW, rain)
