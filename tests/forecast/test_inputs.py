"""The arguments of `fit` and `predict` with missing values and dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel
from kerazoo.forecast.inputs import panel_of, read_history, read_training
from tests.forecast.panel_cases import dates, long_frame, series_over

NAN = np.nan
DAYS = dates("D", 30)


def test_by_default_gaps_are_refused():
    y = series_over(DAYS)
    gappy = y.where(y != 7.5)
    fitted = read_panel(y)
    skipped = panel_of(gappy, missing="skip")
    for call in (
        lambda: panel_of(gappy),
        lambda: panel_of(skipped),
        lambda: read_training(gappy, None, None),
        lambda: read_training(skipped, None, 3),
        lambda: read_training(y[:9], None, gappy[9:].where(y != 12.5)),
        lambda: read_history(fitted, gappy, None),
        lambda: read_history(fitted, skipped, None),
    ):
        with pytest.raises(InvalidArgumentError, match=r'missing="skip" reads (NaN|them) as gaps\.$'):
            call()
    assert panel_of(skipped, missing="skip") is skipped
    assert read_history(skipped, None, None) is skipped  # as it was fitted
    with pytest.raises(InvalidArgumentError, match=r"^history, taken as y: y: 1 of 30 values"):
        read_history(fitted, gappy, None)


def test_a_continuation_may_have_gaps_and_leave_one_before_it():
    y = series_over(DAYS)
    complete, n = read_training(y[:20], None, y[20:])
    found, n_skip = read_training(y[:20], None, y[20:], "skip")
    assert n == n_skip == 10
    np.testing.assert_array_equal(found.series[0].values, complete.series[0].values)
    # Without the rows 5, 19 to 21 and 25: 18 is the last of y, and what is missing after it is held out.
    kept = y.drop(DAYS[[5, 19, 20, 21, 25]])
    found, n = read_training(kept[:18], None, kept[18:], "skip")
    assert (n, list(found.series[0].index)) == (11, list(DAYS))
    assert np.flatnonzero(np.isnan(found.series[0].values)).tolist() == [5, 19, 20, 21, 25]
    frame = pd.DataFrame({"a": kept, "b": kept.where(kept > 22)})
    found, n = read_training(frame[:18], None, frame[18:], "skip")
    assert n == 11
    assert [len(each.values) for each in found.series] == [30, 8]
    # The frequency of y decides, where val has few dates.
    found, n = read_training(y[:3], None, y.iloc[[4, 6, 8]], "skip")
    assert (n, len(found.series[0].values)) == (6, 9)


def test_a_continuation_of_an_array_may_have_gaps():
    y, val = [1.0, None, 3.0], [4.0, None]
    found, n = read_training(y, None, val, "skip")
    assert n == 2
    np.testing.assert_array_equal(found.series[0].values, [1, NAN, 3, 4, NAN])
    masked = np.ma.masked_array([[1.0, 2.0], [3.0, 9.0], [5.0, 6.0]], [[0, 0], [0, 1], [0, 0]])
    found, n = read_training(masked[:2], None, masked[2:], "skip")
    np.testing.assert_array_equal(found.series[1].values, [2, NAN, 6])
    with pytest.raises(InvalidArgumentError, match=r"y\[:, 1\]: 1 of 3 values is not finite: NaN at 1"):
        read_training(masked[:2], None, masked[2:])
    with pytest.raises(InvalidArgumentError, match=r"val has the shape \(2, 1\) and y \(3,\)"):
        read_training([1.0, 2.0, 3.0], None, [[1.0], [2.0]], "skip")


def test_a_continuation_of_a_long_frame_may_have_gaps():
    y = long_frame([("a", DAYS[:20]), ("b", DAYS[5:20])], seed=1)
    val = long_frame([("a", DAYS[[21, 22, 24]]), ("b", DAYS[[20, 24]])], seed=1)
    with pytest.raises(InvalidArgumentError, match="2 to 3 steps per series"):
        read_training(y, None, val)
    found, n = read_training(y, None, val, "skip")
    assert n == 5
    by_id = {each.id: each for each in found.series}
    assert np.flatnonzero(np.isnan(by_id["a"].values)).tolist() == [20, 23]
    assert np.flatnonzero(np.isnan(by_id["b"].values)).tolist() == [16, 17, 18]
    with pytest.raises(InvalidArgumentError, match="val ends 4 to 5 steps after the end of y"):
        read_training(y, None, val.drop(val.index[(val["unique_id"] == "b") & (val["ds"] == DAYS[24])]).assign(
            ds=lambda frame: frame["ds"].where(frame["unique_id"] == "a", DAYS[23])
        ), "skip")  # fmt: skip


def test_a_covariate_with_the_known_values_of_y_is_refused():
    y = series_over(DAYS)
    gappy = y.where(y != 7.5)
    with pytest.raises(InvalidArgumentError, match=r"X\['copy'\] has the values of y"):
        read_training(gappy, y.rename("copy"), None, "skip")
    read_training(gappy, (y + (y > 20)).rename("other"), None, "skip")
    constant = pd.Series(1.0, DAYS).where(y != 7.5)
    read_training(constant, pd.Series(1.0, DAYS, name="one"), None, "skip")


def test_a_history_has_the_frequency_of_the_fitted_series():
    fitted = panel_of(series_over(DAYS).where(series_over(DAYS) != 7.5), missing="skip")
    later = dates("D", 60)
    for rows in ([40, 42, 44], [40, 43], [40], [35, 36, 50]):
        found = read_history(fitted, series_over(later[rows]), None, missing="skip")
        assert list(found.series[0].index) == list(later[rows[0] : rows[-1] + 1])
        assert found.series[0].index.freq == fitted.series[0].index.freq
        assert np.isnan(found.series[0].values).sum() == rows[-1] + 1 - rows[0] - len(rows)
    with pytest.raises(InvalidArgumentError, match="has the frequency '12h'"):
        read_history(fitted, series_over(dates("12h", 12)), None, missing="skip")
    frame = pd.DataFrame({"b": np.arange(30.0), "a": np.where(np.arange(30) < 4, NAN, 1.0)}, DAYS)
    fitted = panel_of(frame, missing="skip")
    found = read_history(fitted, frame[["a", "b"]].drop(DAYS[[8, 9]]), None, missing="skip")
    assert [(each.id, len(each.values)) for each in found.series] == [("b", 30), ("a", 26)]
    long = long_frame([("a", DAYS), ("b", DAYS[3:])])
    history = long_frame([("a", DAYS[[1, 3, 5]]), ("b", DAYS[[2, 4]])])
    found = read_history(panel_of(long), history, None, missing="skip")
    assert [len(each.values) for each in found.series] == [5, 3]
