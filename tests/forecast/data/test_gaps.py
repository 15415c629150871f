"""Missing values and dates, read with `missing="skip"`."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import Panel, read_panel, write_forecast, write_steps
from kerazoo.forecast.data.gaps import filled_index
from tests.forecast.panel_cases import (
    FREQUENCIES,
    PERIODS,
    ZONES,
    assert_same_dates,
    dates,
    forecasts,
    long_frame,
    message_of,
    periods,
    series_over,
    without_freq,
)

pytestmark = pytest.mark.filterwarnings("ignore:Period:FutureWarning")  # pandas warns about periods of business days
NAN = np.nan
GONE = [7, 21, 22, 27]  # a gap of two, and at least three neighbours that tell the frequency


def skipped(y, X=None, **options):
    return read_panel(y, X, missing="skip", **options)


def assert_same_panels(found, expected):
    assert (found.form, found.ids, found.covariate_names) == (expected.form, expected.ids, expected.covariate_names)
    for one, other in zip(found.series, expected.series, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.covariates, other.covariates)
        assert_same_dates(one.index, other.index)


# Dates


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", [each for each in FREQUENCIES if each != "SME" and isinstance(each, str)])
def test_missing_dates_are_filled_in_whatever_the_frequency(freq, tz):
    whole = dates(freq, 40, tz)
    y = series_over(whole)
    panel = skipped(y.drop(whole[GONE]))
    expected = y.copy()
    expected.iloc[GONE] = NAN
    assert_same_dates(panel.series[0].index, whole)
    np.testing.assert_array_equal(panel.series[0].values, expected)
    # As if the rows were there without a value, so that forecasts have the same dates.
    expected.index = without_freq(expected.index)
    same = skipped(expected)
    assert panel.series[0].index.freq == same.series[0].index.freq
    assert list(panel.future_indexes(5)[0]) == list(same.future_indexes(5)[0])


@pytest.mark.parametrize("freq", PERIODS)
def test_missing_periods_are_filled_in(freq):
    whole = periods(freq)
    panel = skipped(series_over(whole).drop(whole[GONE]))
    pd.testing.assert_index_equal(panel.series[0].index, whole)
    assert np.flatnonzero(np.isnan(panel.series[0].values)).tolist() == GONE


def test_missing_integers_are_filled_in_and_steps_of_two_are_not():
    panel = skipped(series_over(pd.Index([3, 4, 7, 9])))
    assert panel.series[0].index.equals(pd.RangeIndex(3, 10))
    np.testing.assert_array_equal(panel.series[0].values, [0.5, 1.5, NAN, NAN, 2.5, NAN, 3.5])
    assert "y.index has steps of 2;" in message_of(series_over(pd.Index([3, 5, 7])), missing="skip")
    assert "y.index jumps from 1 to 3;" in message_of(series_over(pd.Index([1, 3, 7])), missing="skip")


@pytest.mark.parametrize(
    ("index", "match"),
    [
        (pd.date_range("2021-01-01", periods=4) + pd.to_timedelta([0, 0, 3, 7], unit="h"), "no frequency: .*resample"),
        (pd.DatetimeIndex(["2021-01-01", "2021-01-03"]), "2 dates are too few to infer one"),
        (dates("D", 9)[[0, 1, 1, 5]], "1 date more than once: 2021-03-11"),
        (dates("D", 9)[[0, 2, 1, 5]], "is not sorted: at position 2"),
        (periods("M", 9)[[0, 2, 2, 5]], "1 date more than once: 2021-05"),
        (pd.Index([1, 2, 2, 5]), "1 date more than once: 2"),
        (pd.Index([1, 2, 10**9]), "999999997 dates are missing from 1 to 1000000000; expected at most"),
        (pd.PeriodIndex(["1000-01-01", "1000-01-02", "8000-01-01"], freq="D"), "2556695 dates are missing from 1000"),
        (pd.PeriodIndex(["2021-01", "2021-03", "2021-04"], freq="2M"), "2021-04 are not a whole number of steps of"),
        (pd.Index(["a", "b"]), r"pd.to_datetime\(y.index\)"),
        (pd.DatetimeIndex(["2021-01-01", None]), "is missing in 1 rows"),
    ],
)  # fmt: skip
def test_dates_that_are_no_grid_stay_errors(index, match):
    with pytest.raises(InvalidArgumentError, match=match):
        skipped(pd.Series(np.arange(len(index)) + 0.0, index))


def test_the_frequency_of_another_index_is_taken_where_it_fits():
    whole = dates("D", 30)
    every_second = series_over(whole[[0, 2, 4]])
    assert skipped(every_second).series[0].index.freqstr == "2D"  # nothing says otherwise
    assert list(skipped(every_second, like=whole).series[0].index) == list(whole[:5])
    assert list(skipped(series_over(whole[[3, 9]]), like=whole).series[0].index) == list(whole[3:10])
    assert skipped(every_second, like=dates("W-SUN", 3)).series[0].index.freqstr == "2D"
    assert list(filled_index(pd.Index([4, 6]), like=pd.RangeIndex(3))) == [4, 5, 6]


def test_dates_after_2200_are_filled_in_microseconds():
    whole = pd.date_range("2190-01-01", periods=40, freq="YS", unit="us")
    y = series_over(whole.as_unit("ns")).drop(whole[GONE])
    panel = skipped(y)
    assert list(panel.series[0].index) == list(whole)
    assert panel.future_indexes(40)[0][-1].year == 2269


# Values


@pytest.mark.parametrize(
    "y",
    [
        [1.0, None, 3.0, NAN],
        [1, None, 3, None],
        np.array([1.0, NAN, 3.0, NAN]),
        np.array([1, None, 3, pd.NA], object),
        np.ma.masked_array([1, 9, 3, 9], [False, True, False, True]),
        pd.Series([1.0, NAN, 3.0, NAN]),
        pd.Series([1.0, None, 3.0, NAN], dtype=object),
        pd.Series([1, None, 3, None], dtype="Int64"),
        pd.Series([1, None, 3, None], dtype="Float32"),
        pd.DataFrame({"a": [1.0, NAN, 3.0, NAN]}),
        pd.DataFrame({"a": np.array([1, None, 3, None], object)}),
        pd.DataFrame({"unique_id": "a", "ds": range(4), "y": [1.0, NAN, 3.0, NAN]}),
        pd.DataFrame({"unique_id": "a", "ds": range(4), "y": pd.array([1, None, 3, None], "Int64")}),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', '')}",
)
def test_missing_values_of_any_form_are_nan(y):
    panel = skipped(y)
    np.testing.assert_array_equal(panel.series[0].values, [1.0, NAN, 3.0, NAN])
    assert panel.series[0].values.dtype == np.float64
    assert panel.has_gaps
    assert not read_panel([1.0, 2.0]).has_gaps


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([1.0, NAN, np.inf], "y: 1 of 3 values is not finite: inf at 2"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [NAN, -np.inf]}), r"y\['b'\]: 1 of 2 values is not finite: -inf at 1"),
        (pd.DataFrame({"unique_id": 1, "ds": [1, 2], "y": [NAN, np.inf]}), r"not finite: inf at \(1, 2\)"),
        ([NAN, NAN], "y has no value: all 2 are missing; expected at least one. Leave the series out."),
        (np.array([[1.0, NAN], [2.0, NAN]]), r"y\[:, 1\] has no value"),
        (pd.Series([None, None], dtype=object), "y has no value"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [NAN, NAN]}), r"y\['b'\] has no value: all 2"),
        (pd.DataFrame({"unique_id": ["n", "s", "s"], "ds": [1, 1, 2], "y": [1, NAN, NAN]}), "series 's' has no value"),
        ([1.0, "2"], "dtype"),
        ([1.0, True, None], "dtype object"),
        (pd.Series([1.0, "2", None], dtype=object), "dtype object"),
        (pd.Series([True, None], dtype=object), "dtype object"),
        (pd.Series([True, False]), "dtype bool"),
    ],
)
def test_values_that_are_no_gaps_stay_errors(y, match):
    with pytest.raises(InvalidArgumentError, match=match):
        skipped(y)


def test_another_word_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"missing='skipp'; expected one of 'error', 'skip'. Did you mean"):
        read_panel([1.0], missing="skipp")


def test_messages_about_gaps_name_the_remedy():
    whole = dates("D", 30)
    remedy = 'missing="skip" reads {} as gaps.'
    for y in (
        series_over(whole.delete(7)), series_over(periods("M").delete(7)), series_over(pd.Index([1, 2, 4])),
        long_frame([("a", whole), ("b", whole[:9].delete(4))]), long_frame([("a", whole), ("b", whole[[2, 4]])]),
        long_frame([("a", pd.Index([1, 2, 4]))]),
    ):  # fmt: skip
        assert message_of(y).endswith(remedy.format("them"))
    gap = np.where(np.arange(30) == 7, NAN, 1.0)
    for y in (
        gap, gap[:, None], pd.Series(gap, whole), pd.DataFrame({"a": gap}, whole),
        long_frame([("a", whole)]).assign(y=gap),
    ):  # fmt: skip
        assert message_of(y).endswith(remedy.format("NaN"))
    for message in (
        message_of(np.where(gap == 1, 1, np.inf)), message_of(np.ones(30), X=gap),
        message_of(pd.Series(1.0, whole), X=pd.Series(gap, whole)), message_of(series_over(pd.RangeIndex(1, 9, 2))),
        message_of(series_over(whole[[0, 1]].append(whole[[4]] + pd.Timedelta(hours=1)))),
    ):  # fmt: skip
        assert "skip" not in message
    panel = skipped(gap)
    assert read_panel(panel, missing="skip") is panel
    assert message_of(panel) == (
        'y is a Panel in which series 0 lacks 1 of 30 values: 7; expected numbers. missing="skip" reads them as gaps.'
    )


# Beginnings and ends


def test_a_series_begins_at_its_first_value_and_ends_with_the_rows():
    whole = dates("MS", 6)
    y = pd.DataFrame({"a": [NAN, NAN, 1, NAN, 2, NAN], "b": [NAN, 1, 2, 3, 4, 5], "c": [NAN, NAN, 1, 2, 3, 4]}, whole)
    X = pd.Series(np.arange(6.0), whole, name="x")
    panel = skipped(y, X)
    assert [list(each.index) for each in panel.series] == [list(whole[2:]), list(whole[1:]), list(whole[2:])]
    assert panel.series[0].index is panel.series[2].index
    np.testing.assert_array_equal(panel.series[0].values, [1, NAN, 2, NAN])
    assert panel.series[0].covariates[:, 0].tolist() == [2, 3, 4, 5]
    assert panel.series[1].covariates[:, 0].tolist() == [1, 2, 3, 4, 5]
    # Forecasts follow the last row, also of the series that ends before.
    found = write_forecast(panel, forecasts(3, "forecast"))
    assert found.index[0] == whole[-1] + whole.freq
    steps = write_steps(panel, [each.values for each in panel.series])
    pd.testing.assert_frame_equal(steps, y[1:], check_freq=False)


def test_arrays_keep_the_rows_before_the_first_value():
    y = np.array([[NAN, NAN], [NAN, 1.0], [2.0, NAN], [3.0, 4.0]])
    panel = skipped(y, X=[0, 1, 2, 3])
    assert [len(each.values) for each in panel.series] == [2, 3]
    assert panel.series[0].covariates[:, 0].tolist() == [2, 3]
    np.testing.assert_array_equal(write_steps(panel, [each.values for each in panel.series]), y)
    panel = skipped(y[:, 0])
    np.testing.assert_array_equal(write_steps(panel, [panel.series[0].values]), y[:, 0])
    assert panel.future_indexes(1)[0].tolist() == [4]


def test_series_of_a_long_frame_end_with_their_last_rows():
    whole = dates("D", 12)
    y = long_frame([("a", whole[:9]), ("b", whole[2:].delete([3, 4]))], seed=1)
    y.loc[(y["unique_id"] == "a") & y["ds"].isin(whole[[0, 1, 8]]), "y"] = NAN
    panel = skipped(y)
    by_id = {each.id: each for each in panel.series}
    assert list(by_id["a"].index) == list(whole[2:9])
    np.testing.assert_array_equal(by_id["a"].values, [2, 3, 4, 5, 6, 7, NAN])
    assert list(by_id["b"].index) == list(whole[2:])
    np.testing.assert_array_equal(by_id["b"].values, [0, 1, 2, NAN, NAN, 3, 4, 5, 6, 7])
    found = write_forecast(panel, forecasts(2, "forecast")).groupby("unique_id")["ds"].min()
    assert found.to_dict() == {"a": whole[8] + whole.freq, "b": whole[11] + whole.freq}
    steps = write_steps(panel, [each.values for each in panel.series]).set_index(["unique_id", "ds"])["forecast"]
    assert len(steps) == 17
    assert steps[("b", whole[7])] == 3


def test_a_panel_with_gaps_comes_back_from_its_config():
    whole = dates("D", 12)
    frame = pd.DataFrame({"a": np.arange(12.0), "b": np.arange(12.0)}, whole).drop(whole[5])
    frame.iloc[:3, 0] = NAN
    for y in (frame, frame["b"], [NAN, 1.0, NAN], long_frame([("a", whole), ("b", whole.delete(3))])):
        panel = skipped(y)
        values = [each.values for each in panel.series]
        again = Panel.from_config(
            json.loads(json.dumps(panel.to_config())), values, [x.covariates for x in panel.series]
        )
        assert_same_panels(again, panel)


# Long frames


def test_the_frequency_of_a_long_frame_is_one_that_suits_all_series():
    """Every second day of the longest would be steps of two days."""
    whole = dates("D", 60)
    y = long_frame([("a", whole[:18:2]), ("b", whole[:9].delete([4, 5])), ("c", whole[[3, 6]])], seed=1)
    panel = skipped(y)
    assert {each.index.freqstr for each in panel.series} == {"D"}
    assert [len(each.values) for each in sorted(panel.series, key=lambda each: each.id)] == [17, 9, 4]
    half = pd.date_range("2021-01-01 00:30", periods=7, freq="h")
    panel = skipped(long_frame([("a", dates("h", 20, start="2021-01-01").delete(4)), ("b", half.delete(3))]))
    assert [len(each.values) for each in panel.series] == [20, 7]  # at :00 and :30, no half hours
    panel = skipped(long_frame([("a", pd.Index([1, 2, 3])), ("b", pd.Index([4, 6]))]))
    np.testing.assert_array_equal(panel.series[1].values, [0, NAN, 1])


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ([("a", "D", range(30)), ("b", "h", range(20))], "series 'b' has the frequency 'h' and 'a', the longest, 'D'"),
        ([("a", "h", range(30)), ("b", "D", range(12))], "series 'b' has the frequency 'D' and 'a', the longest, 'h'"),
        ([("a", "D", range(30)), ("b", "MS", range(12))], "'b' has the frequency 'MS' and 'a', the longest, 'D'"),
        ([("a", "D", range(30)), ("b", "12h", [0, 1])], "ds of series 'b': .* do not have the frequency 'D' of 'a'"),
        ([("a", "D", range(30)), ("b", "D", [3, 5, 5])], "ds of series 'b' has 1 date more than once"),
        ([("a", "D", [3, 5, 5, 6]), ("b", "D", range(3))], "ds of series 'a' has 1 date more than once"),
        ([("a", "D", [3, 5]), ("b", "D", [1])], "ds of series 'a' has no freq, and 2 dates are too few"),
    ],
)
def test_series_without_a_common_frequency_stay_errors(parts, match):
    y = long_frame([(label, dates(freq, 40, start="2021-01-01")[list(rows)]) for label, freq, rows in parts])
    with pytest.raises(InvalidArgumentError, match=match):
        skipped(y)


def test_an_irregular_series_is_no_reason_against_the_frequency_of_the_others():
    whole = dates("D", 60)
    panel = skipped(long_frame([("a", whole[[0, 9, 23, 30, 41, 59]]), ("b", whole[:4])]))
    assert [len(each.values) for each in panel.series] == [60, 4]


# Covariates


def test_covariates_are_needed_for_every_step():
    whole = dates("D", 30)
    y = series_over(whole).drop(whole[GONE])
    X = pd.DataFrame({"x": np.arange(30.0)}, whole)
    assert skipped(y, X).series[0].covariates[:, 0].tolist() == list(range(30))
    assert skipped(y, np.arange(30.0)).covariate_names == ("x0",)
    for short, count in ((X.loc[y.index], 4), (X.drop(whole[21]), 1)):
        first = "2021-03-17" if count == 4 else "2021-03-31"
        message = message_of(y, short, missing="skip")
        assert message.startswith(f"X lacks {count} of the 30 dates of y: {first}")
        assert message.endswith("a row for each, also where a value of y is missing. Further rows are ignored.")
    assert "y['b']" not in message_of(y, X.assign(x=NAN), missing="skip")
    assert "X['x']: 30 of 30 values are not finite" in message_of(y, X.assign(x=NAN), missing="skip")
    assert "(T, K) or (T,) with T=30" in message_of(y, np.arange(26.0), missing="skip")


def test_covariates_of_a_long_frame_are_needed_for_every_step():
    whole = dates("D", 30)
    complete = long_frame([("a", whole), ("b", whole[5:])], seed=3)
    complete["x"] = np.arange(55.0)
    place = complete["ds"].isin(whole[GONE]) & (complete["unique_id"] == "b")
    as_nan = complete.assign(y=complete["y"].where(~place))
    message = message_of(complete[~place], missing="skip")
    assert message.startswith("y['x'] has no value at ('b', 2021-03-17), a date that y lacks (4 in all); expected")
    assert message.endswith("Add the rows, with NaN in the column y.")
    X = complete.drop(columns="y")
    expected = skipped(as_nan)
    assert_same_panels(skipped(complete[~place].drop(columns="x"), X), expected)
    message = message_of(complete[~place].drop(columns="x"), X[~place], missing="skip")
    assert "X lacks 4 rows of y: ('b', 2021-03-17)" in message
    assert message.endswith("also where a value of y is missing. Further rows are ignored.")
    by_id = {each.id: each for each in expected.series}
    truth = complete[complete["unique_id"] == "b"].sort_values("ds")
    assert by_id["b"].covariates[:, 0].tolist() == truth["x"].tolist()


# Properties


@st.composite
def gapped(draw):
    """Dates of any kind, and rows of them to drop; a run of rows stays, which tells the frequency."""
    length = draw(st.integers(12, 60))
    kind = draw(st.sampled_from(["D", "B", "W-WED", "MS", "QE", "h", "15min", "periods", "integers"]))
    if kind == "periods":
        index = pd.period_range("2020-01", periods=length, freq=draw(st.sampled_from(["M", "D", "Q", "h"])))
    elif kind == "integers":
        index = pd.RangeIndex(draw(st.integers(-3, 9)), 100)[:length]
    else:
        tz = draw(st.sampled_from([None, "UTC", "Europe/Berlin"]))
        index = dates(kind, length, tz, start="2021-03-10")
    run = draw(st.integers(0, length - 10))
    gone = draw(st.lists(st.integers(1, length - 2), max_size=length, unique=True))
    return index, sorted(each for each in gone if not run <= each < run + 10)


@settings(max_examples=120, deadline=None)
@given(gapped(), st.integers(0, 99))
def test_dropped_rows_of_a_series_are_missing_values(case, seed):
    index, gone = case
    y = pd.Series(np.random.default_rng(seed).normal(size=len(index)), index, name="sold")
    expected = y.copy()
    expected.iloc[gone] = NAN
    assert_same_panels(skipped(y.drop(index[gone])), skipped(expected))
    frame = pd.DataFrame({"a": y, "b": y + 1}).drop(index[gone])
    found = skipped(frame)
    np.testing.assert_array_equal(found.series[1].values, expected + 1)
    assert_same_panels(skipped(y), read_panel(y))
    assert_same_panels(skipped(pd.DataFrame({"a": y, "b": y})), read_panel(pd.DataFrame({"a": y, "b": y})))


@settings(max_examples=60, deadline=None)
@given(gapped(), st.integers(2, 5), st.integers(0, 99))
def test_dropped_rows_of_a_long_frame_are_missing_values(case, n, seed):
    index, gone = case
    rng = np.random.default_rng(seed)
    # The first series has the run of rows that tells the frequency; the others begin later and lack any rows.
    firsts = [0, *rng.integers(0, len(index) - 3, n - 1)]
    lost = [
        gone,
        *(rng.permutation(np.arange(first + 1, len(index) - 1))[: rng.integers(0, 9)] for first in firsts[1:]),
    ]
    complete = long_frame([(f"s{i}", index[first:]) for i, first in enumerate(firsts)], seed=seed)
    place = np.zeros(len(complete), bool)
    for i, rows in enumerate(lost):
        place |= (complete["unique_id"] == f"s{i}").to_numpy() & complete["ds"].isin(index[rows]).to_numpy()
    assert_same_panels(skipped(complete), read_panel(complete))
    by_id, expected = ({each.id: each for each in skipped(y).series}
                       for y in (complete[~place], complete.assign(y=complete["y"].where(~place))))  # fmt: skip
    for label, each in expected.items():  # the first row of a series decides its place, and may be lost
        np.testing.assert_array_equal(by_id[label].values, each.values)
        assert list(by_id[label].index) == list(each.index)
