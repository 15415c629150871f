"""Scores, and scikit-learn's searches and cross-validation with a forecaster."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score

from kerazoo import metrics
from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import assert_equal, covariates, frame, long, numbers, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")
FAST = {"transforms": ["difference"], "epochs": 0, "horizon": 6}
FORMS = {"series": series, "frame": frame, "array": numbers, "table": lambda: np.stack([numbers(), numbers(seed=1)], 1),
         "integers": lambda: series().reset_index(drop=True)}  # fmt: skip


def without(data, steps):
    return data.iloc[:-steps] if hasattr(data, "iloc") else data[:-steps]


def last(data, steps):
    return data.iloc[-steps:] if hasattr(data, "iloc") else data[-steps:]


@pytest.mark.parametrize(
    "form", ["series", *(pytest.param(each, marks=pytest.mark.slow) for each in FORMS if each != "series")]
)
def test_the_score_is_minus_the_scaled_error_of_the_part_that_follows(form):
    y = FORMS[form]()
    made = tiny(**FAST).fit(without(y, 2))
    part = last(y, 2)  # too short to infer a frequency
    forecast = made.predict(part)
    assert_equal(forecast, made.predict(2))
    table, known, found = (np.asarray(each).reshape(len(each), -1) for each in (part, without(y, 2), forecast))
    expected = [metrics.mase(table[:, i], found[:, i], known[:, i], made.period_) for i in range(table.shape[1])]
    assert made.score(part) == pytest.approx(-np.mean(expected), rel=1e-12)
    assert made.score(part.tolist() if form in ("array", "table") else part) == pytest.approx(-np.mean(expected))


@pytest.mark.slow
def test_the_score_of_a_long_frame_and_of_covariates():
    y = long((60, 57))
    cut = y.groupby("unique_id")["ds"].transform("max") - pd.DateOffset(months=3)
    before, after = y[y["ds"] <= cut], y[y["ds"] > cut].sample(frac=1, random_state=1)
    made = tiny(**FAST).fit(before)
    found = made.predict(3)
    truth = after.set_index(["unique_id", "ds"])["y"]
    expected = []
    for label in ("shop 0", "shop 1"):
        forecast = found[found["unique_id"] == label].set_index("ds")["forecast"]
        known = before[before["unique_id"] == label]["y"]
        expected.append(metrics.mase(truth[label].sort_index(), forecast, known, 12))
    assert made.score(after) == pytest.approx(-np.mean(expected))
    with pytest.raises(InvalidArgumentError, match="2 to 3 steps per series"):
        made.score(after.iloc[1:])
    with pytest.raises(InvalidArgumentError, match="cross_validation splits by dates"):
        made.score(after[after["unique_id"] == "shop 1"])
    made = tiny(**FAST).fit(series()[:-3], X=covariates(57))
    assert made.score(series()[-3:], covariates(3, 57)) < 0


@pytest.mark.slow
def test_a_constant_series_has_no_score():
    y = frame().assign(b=3.0)
    made = tiny(**FAST).fit(y[:-3])
    alone = tiny(**FAST).fit(y[["a"]][:-3])
    assert made.score(y[-3:]) == pytest.approx(alone.score(y[["a"]][-3:]), rel=1e-6)
    with pytest.raises(InvalidArgumentError, match="no fitted series changes"):
        tiny(**FAST).fit(y["b"][:-3]).score(y["b"][-3:])


def test_missing_values_are_left_out_of_the_score():
    y = frame()
    made = tiny(**FAST).fit(y[:-4])
    part = y[-4:].copy()
    with pytest.raises(InvalidArgumentError, match=r"y\['a'\]: 4 of 4 values are not finite.* missing=\"skip\" reads"):
        made.score(part.assign(a=np.nan))
    made.missing = "skip"
    forecast = made.predict(4)
    part.iloc[[1, 3], 0] = np.nan
    errors = [metrics.mase(part[name].dropna(), forecast[name][part[name].notna()], y[name][:-4], made.period_)
              for name in part]  # fmt: skip
    assert made.score(part) == pytest.approx(-np.mean(errors))
    assert made.score(part.assign(a=np.nan)) == pytest.approx(-errors[1])
    assert made.score(part.astype("Float64")) == made.score(part)
    with pytest.raises(InvalidArgumentError, match="y has no known value; expected at least one"):
        made.score(part * np.nan)
    with pytest.raises(InvalidArgumentError, match=r"y\['b'\]: 4 of 4 values are not finite"):
        made.score(part.assign(b=np.inf))


def test_parts_that_do_not_follow_are_refused():
    made = tiny(**FAST).fit(series()[:-6])
    for part, match in (
        (series()[-5:], "lacks 1 of the 6 dates that follow the series of fit, .*: 2019-07-01; .*TimeSeriesSplit"),
        (series()[:6], "has 6 of 6 dates up to 2019-06-01, where the series of fit ends: .*TimeSeriesSplit"),
        (series()[-6::2], "lacks 2 of the 5 dates .*: 2019-08-01, 2019-10-01; .*TimeSeriesSplit"),
        (series()[-6:].tz_localize("UTC"), "index has dates with a time zone; expected dates without"),
    ):
        for call in (made.predict, made.score):
            with pytest.raises(InvalidArgumentError, match=match):
                call(part)
    for part in (numbers(6), frame()[-6:], long()):
        with pytest.raises(InvalidArgumentError, match="expected a Series, as in fit"):
            made.score(part)
    with pytest.raises(InvalidArgumentError, match="not finite"):
        made.score(series()[-6:] * np.nan)
    made = tiny(**FAST).fit(frame()[:-6])
    with pytest.raises(InvalidArgumentError, match="y lacks 1 of the 2 series: 'b'; expected 'a', 'b'"):
        made.score(frame()[["a"]][-6:])


def test_scikit_learn_searches_and_scores():
    y = series()
    search = GridSearchCV(tiny(**FAST), {"transforms": [["difference"], ["detrend"]]},
                          cv=TimeSeriesSplit(2, test_size=10)).fit(y)  # fmt: skip
    scores = search.cv_results_["mean_test_score"]
    assert search.best_score_ == scores.max() > scores.min()
    assert_equal(search.predict(6), search.best_estimator_.predict(6))
    found = cross_val_score(tiny(**FAST), y, cv=TimeSeriesSplit(2, test_size=10))
    by_hand = [tiny(**FAST).fit(y[:start]).score(y[start : start + 10]) for start in (40, 50)]
    np.testing.assert_allclose(found, by_hand)
    np.testing.assert_allclose(found.mean(), scores[0])


@pytest.mark.slow
def test_scikit_learn_with_selected_transforms_and_with_what_cannot_work():
    y = series()
    made = tiny(transforms="auto", epochs=0, lookback=None)
    assert np.isfinite(cross_val_score(made, y, cv=TimeSeriesSplit(2))).all()
    with pytest.raises(ValueError, match=r"dates are missing|where the series of fit ends"):
        cross_val_score(tiny(**FAST), y, cv=KFold(3), error_score="raise")


def test_a_series_that_is_its_own_covariate_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"X\['sold'\] has the values of y; .*GridSearchCV"):
        cross_val_score(tiny(**FAST), series(), series(), cv=TimeSeriesSplit(2), error_score="raise")
    tiny(**FAST).validate(series() * 0, series().rename("x") * 0)
