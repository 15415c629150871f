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


# Past covariates, and what holds for a whole series

RAIN = pd.DataFrame({"rain": np.arange(30.0), "sun": 1.0}, DAYS)
WIDE = pd.DataFrame({"a": series_over(DAYS), "b": series_over(DAYS)})
SHOPS = pd.DataFrame({"area": [1.5, 2.5], "region": ["north", "south"]}, ["a", "b"])
ARRAY_SHOPS = SHOPS.reset_index(drop=True)


def weather(y):
    return y[["unique_id", "ds"]].assign(rain=(y["ds"] - DAYS[0]).dt.days.astype(float))


@pytest.mark.parametrize("missing", ["error", "skip"])
def test_past_covariates_cover_a_continuation(missing):
    long = long_frame([("a", DAYS), ("b", DAYS)])
    early = (long["ds"] < DAYS[20]).to_numpy()
    for y, val, X_past, short, static in (
        (WIDE[:20], WIDE[20:], RAIN, RAIN[:20], SHOPS),
        (WIDE[:20].to_numpy(), WIDE[20:].to_numpy(), RAIN.to_numpy(), RAIN[:20].to_numpy(), ARRAY_SHOPS),
        (long[early], long[~early], weather(long), weather(long)[early], SHOPS),
    ):
        panel, n = read_training(y, None, val, missing, X_past=X_past, static=static)
        assert n == 10
        for each in panel.series:
            assert each.past[:, 0].tolist() == list(range(30))
        assert panel.static.tolist() == [[1.5], [2.5]]
        assert panel.categories == (("north",), ("south",))
        if missing == "skip" and not isinstance(short, np.ndarray):
            panel, _ = read_training(y, None, val, missing, X_past=short, static=static)
            np.testing.assert_array_equal(panel.series[1].past[:, 0], [*range(20), *[np.nan] * 10])
        else:
            with pytest.raises(InvalidArgumentError, match=r"X_past (lacks|has the shape)"):
                read_training(y, None, val, missing, X_past=short)
        for n_held_out in (None, 3):
            panel, n = read_training(y, None, n_held_out, missing, X_past=short, static=static)
            assert n == n_held_out
            assert panel.series[1].past[:, 0].tolist() == list(range(20))
    panel = read_panel(WIDE)
    for option in ({"X_past": RAIN}, {"static": SHOPS}):
        with pytest.raises(InvalidArgumentError, match=f"{next(iter(option))} with y=Panel; expected"):
            read_training(panel, None, 3, missing, **option)


def test_a_history_has_the_past_covariates_of_fit():
    fitted = panel_of(WIDE[:20], X_past=RAIN[:20])
    found = read_history(fitted, WIDE[["b", "a"]], None, history_X_past=RAIN)
    assert found.ids == ("a", "b")
    assert found.past_names == ("rain", "sun")
    np.testing.assert_array_equal(found.series[0].past, RAIN)
    for history, X_past, match in (
        (WIDE, None, r"history has the past covariates \[\]; expected \['rain', 'sun'\], as in fit \(history_X_past\)"),
        (WIDE, RAIN["rain"], r"history has the past covariates \['rain'\]; expected \['rain', 'sun'\]"),
        (WIDE, RAIN[:20], "history, taken as y, and history_X_past as X_past: X_past lacks 10 of the 30 dates of y"),
        (None, RAIN, "history_X_past is given, but not history; expected both, or neither"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            read_history(fitted, history, None, history_X_past=X_past)
    with pytest.raises(InvalidArgumentError, match=r"y has the past covariates .*\(X_past\)"):
        read_history(fitted, WIDE, None, "y", "X", name_X_past="X_past")
    gappy = WIDE.drop(DAYS[[4, 5]])
    found = read_history(fitted, gappy, None, history_X_past=RAIN.drop(DAYS[4]), missing="skip")
    assert np.flatnonzero(np.isnan(found.series[0].past[:, 0])).tolist() == [4]


def static_of(panel):
    return dict(zip(panel.ids, zip(panel.static[:, 0].tolist(), panel.categories, strict=True), strict=True))


def test_a_history_of_fitted_series_has_what_fit_had():
    fitted = panel_of(WIDE, static=SHOPS)
    expected = {"a": (1.5, ("north",)), "b": (2.5, ("south",))}
    found = read_history(fitted, WIDE[["b", "a"]], None)
    assert (static_of(found), found.ids) == (expected, ("a", "b"))
    assert (found.static_names, found.category_names) == (("area",), ("region",))
    assert static_of(read_history(fitted, WIDE[["b"]], None, any_series=True)) == {"b": expected["b"]}
    # A row that is given replaces that of fit.
    other = pd.DataFrame({"area": [9.0], "region": ["west"]}, ["b"])
    found = read_history(fitted, WIDE[["b", "a"]], None, static=other)
    assert static_of(found) == {"a": expected["a"], "b": (9.0, ("west",))}
    # A panel has its own.
    for history in (
        panel_of(WIDE[["b", "a"]], static=other.set_axis(["a"]).reindex(["a", "b"])),
        panel_of(WIDE, static=SHOPS),
    ):
        found = read_history(fitted, history, None)
        assert found.ids == fitted.ids
        own = static_of(history)
        for label, (area, region) in static_of(found).items():
            np.testing.assert_equal((area, region), own[label])


def test_a_history_of_other_series_needs_static_columns():
    fitted = panel_of(WIDE, static=SHOPS)
    history = WIDE.rename(columns={"a": "c"})
    with pytest.raises(InvalidArgumentError) as caught:
        read_history(fitted, history, None, any_series=True)
    assert str(caught.value) == (
        "history has 1 series that fit did not have: 'c'; expected static= with area, region for them, as in fit."
    )
    row = pd.DataFrame({"area": [7.0], "region": ["east"]}, ["c"])
    found = read_history(fitted, history, None, any_series=True, static=row)
    assert static_of(found) == {"c": (7.0, ("east",)), "b": (2.5, ("south",))}
    unknown = pd.DataFrame({"area": [None], "region": [np.nan]}, ["c"])
    found = read_history(fitted, history, None, any_series=True, static=unknown)
    assert found.categories == (("",), ("south",))
    np.testing.assert_array_equal(found.static, [[NAN], [2.5]])
    for static, match in (
        (SHOPS, "static lacks 1 of the 2 series: 'c'; it has 'a', 'b'"),
        (row[["area"]], r"numbers \['area'\] and the categories \[\]; expected \['area'\] and \['region'\], as in fit"),
        (row.assign(region=3), r"static has the numbers \['area', 'region'\] and the categories \[\]; expected"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            read_history(fitted, history, None, any_series=True, static=static)


def test_static_columns_are_in_fit_and_in_the_history():
    plain, fitted = panel_of(WIDE), panel_of(WIDE, static=SHOPS)
    with pytest.raises(InvalidArgumentError, match="static is given, but fit had none; expected static=None"):
        read_history(plain, WIDE, None, static=SHOPS)
    with pytest.raises(InvalidArgumentError, match="static is given, but not history; expected both, or neither"):
        read_history(fitted, None, None, static=SHOPS)
    with pytest.raises(
        InvalidArgumentError, match=r"history has the static columns \['area', 'region'\]; expected none"
    ):
        read_history(plain, fitted, None)
    with pytest.raises(InvalidArgumentError, match="static is given, but history has them too; expected static=None"):
        read_history(fitted, fitted, None, static=SHOPS)
    with pytest.raises(InvalidArgumentError, match=r"has the static columns .* expected .'area', 'region'., as"):
        read_history(fitted, panel_of(WIDE, static=SHOPS["area"]), None)
    found = read_history(plain, WIDE, None)
    assert (found.static.shape, found.categories) == ((2, 0), ((), ()))


@pytest.mark.parametrize(
    "index",
    [DAYS, DAYS.tz_localize("Europe/Rome"), DAYS.to_period("D"), pd.RangeIndex(len(DAYS))],
    ids=lambda index: str(index.dtype),
)
def test_a_long_continuation_begins_after_each_series(index):
    parts = [("b", index[:20]), ("a", index[5:18])]
    y, val = long_frame(parts, seed=1), long_frame([("a", index[18:21]), ("b", index[20:23])], seed=2)
    panel, n = read_training(y, None, val)
    assert n == 3
    assert {each.id: len(each.values) for each in panel.series} == {"b": 23, "a": 16}
    early = long_frame([("a", index[17:20]), ("b", index[20:23])], seed=2)
    for missing in ("error", "skip"):
        with pytest.raises(InvalidArgumentError, match=r"val\['ds'\] of series 'a' has 1 of 3 dates up to .*, where y"):
            read_training(y, None, early, missing)
