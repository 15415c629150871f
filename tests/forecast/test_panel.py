"""Series read in from pandas and NumPy, and forecasts written out in the same form."""

from __future__ import annotations

import json
import warnings
import zoneinfo
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import future_index, regular_index
from kerazoo.forecast.data.panel import Panel, read_future, read_panel, write_forecast

pytestmark = pytest.mark.filterwarnings(
    "ignore:Period:FutureWarning"
)  # periods of business days, which pandas has still

HORIZON = 5
HOLIDAYS = pd.offsets.CustomBusinessDay(holidays=["2021-03-17", "2021-04-05"])
# Dates over at least one change of the clocks in Berlin: 28 March and 31 October 2021.
FREQUENCIES = [
    "D", "2D", "B", "W-SUN", "W-WED", "MS", "ME", "2MS", "BME", "QS", "QE", "QE-JAN", "YS", "YE", "h", "30min", "15min",
    "s", "7h", "24h", "SME", "WOM-3FRI", HOLIDAYS, pd.DateOffset(months=1, days=0), pd.DateOffset(months=3),
]  # fmt: skip
ZONES = [None, "UTC", "Europe/Berlin", "America/New_York", "+05:30"]
PERIODS = ["D", "W-SUN", "W-THU", "M", "2M", "Q", "Q-JAN", "Y", "h", "30min", "s", "B"]


def dates(freq, periods=40, tz=None, start="2021-03-10", **options):
    if freq == "h":
        start = "2021-03-27 20:00"
    if freq in ("30min", "15min"):
        start = "2021-03-27 22:00"
    return pd.date_range(start, periods=periods, freq=freq, tz=tz, name="day", **options)


def periods(freq, length=40):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of business days
        return pd.period_range("2021-03-10", periods=length, freq=freq, name="day")


def nameless_zone():
    with resources.files("tzdata.zoneinfo.Europe").joinpath("Berlin").open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file)


def without_freq(index):
    found = index.delete([])
    found.freq = None
    return found


def assert_same_dates(found, expected):
    """The same dates, zone, unit and name. The freq may be another one for the same dates."""
    assert list(found) == list(expected)
    assert (found.dtype, found.name) == (expected.dtype, expected.name)


def series_over(index, name="sold"):
    return pd.Series(np.arange(len(index), dtype="float64") + 0.5, index, name=name)


def long_frame(parts, seed=None, **columns):
    """Rows of (id, dates) in the order of the parts, or shuffled. y counts in each series, from 0."""
    rows = [pd.DataFrame({"unique_id": label, "ds": index, "y": np.arange(len(index)) + 0.0}) for label, index in parts]
    frame = pd.concat(rows, ignore_index=True).assign(**columns)
    return frame if seed is None else frame.sample(frac=1, random_state=seed)


def message_of(*arguments, **options):
    with pytest.raises(InvalidArgumentError) as caught:
        read_panel(*arguments, **options)
    return str(caught.value)


# The index goes on


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", FREQUENCIES, ids=str)
def test_the_dates_of_the_forecast_are_those_that_pandas_would_make_at_once(freq, tz):
    whole = dates(freq, 40 + HORIZON, tz)
    index = read_panel(series_over(whole[:40])).series[0].index
    pd.testing.assert_index_equal(index, whole[:40])
    future = future_index(index, HORIZON)
    pd.testing.assert_index_equal(future, whole[40:])
    assert (future.freq, future.tz, future.unit, future.name) == (whole.freq, whole.tz, whole.unit, "day")


@pytest.mark.parametrize("freq", PERIODS)
def test_periods_go_on(freq):
    whole = periods(freq, 40 + HORIZON)
    index = read_panel(series_over(whole[:40])).series[0].index
    pd.testing.assert_index_equal(index, whole[:40])
    pd.testing.assert_index_equal(future_index(index, HORIZON), whole[40:])


@pytest.mark.parametrize(
    "index",
    [pd.RangeIndex(7, 19, name="day"), pd.Index(range(7, 19), name="day"), pd.Index(range(7, 19), dtype="Int32")],
)
def test_integers_go_on(index):
    found = read_panel(series_over(index)).series[0].index
    pd.testing.assert_index_equal(found, pd.RangeIndex(7, 19, name=index.name))
    pd.testing.assert_index_equal(future_index(found, HORIZON), pd.RangeIndex(19, 24, name=index.name))


def test_days_keep_the_hour_when_the_clocks_change_and_hours_the_time_between():
    days = pd.date_range("2021-03-20 12:00", periods=7, freq="D", tz="Europe/Berlin")
    assert set(future_index(days, 4).hour) == {12}
    hours = pd.date_range("2021-03-27 20:00", periods=4, freq="h", tz="Europe/Berlin")
    assert list(future_index(hours, 4).hour) == [0, 1, 3, 4]  # the hour from 2 to 3 is left out that night
    twice = pd.date_range("2021-10-30 23:00", periods=2, freq="h", tz="Europe/Berlin")
    assert list(future_index(twice, 4).hour) == [1, 2, 2, 3]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_the_dates_is_kept(unit):
    future = future_index(without_freq(dates("D").as_unit(unit)), HORIZON)
    assert future.unit == unit
    assert len(future) == HORIZON


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", [freq for freq in FREQUENCIES if freq not in ("SME", HOLIDAYS)], ids=str)
def test_a_frequency_is_read_from_the_dates(freq, tz):
    whole = dates(freq, 40 + HORIZON, tz)
    index = without_freq(whole[:40])
    found = read_panel(series_over(index)).series[0].index
    assert_same_dates(found, index)
    assert found.freq is not None
    assert_same_dates(future_index(found, HORIZON), whole[40:])
    assert index.freq is None  # the caller's own stays as it was


def test_days_of_utc_stay_days_of_utc_in_another_zone():
    """Pandas 2 keeps the freq D after tz_convert, pandas 3 drops it; in both the steps are 24 hours."""
    whole = pd.date_range("2021-03-20", periods=30, freq="D", tz="UTC")
    for length in (12, 20):
        index = whole[:length].tz_convert("Europe/Berlin")
        found = regular_index(index)
        assert list(found) == list(index)
        assert list(future_index(found, 8)) == list(whole[length : length + 8])


def test_the_fifteenth_of_each_month_is_a_frequency():
    whole = pd.DatetimeIndex([f"{year}-{month:02d}-15" for year in (2021, 2022) for month in range(1, 13)])
    assert list(future_index(whole[:20], 4)) == list(whole[20:])


def test_an_index_that_cannot_go_on_says_why():
    night = pd.date_range("2021-03-20 02:30", periods=4, freq="D", tz="Europe/Berlin")
    with pytest.raises(InvalidArgumentError, match=r"after 2021-03-23 02:30:00\+01:00 .*'D' do not exist .*UTC"):
        future_index(night, 6)  # there is no half past two on 28 March
    with pytest.raises(InvalidArgumentError, match="do not exist"):
        future_index(pd.date_range("2200", periods=4, freq="YS", unit="ns"), 100)
    with pytest.raises(InvalidArgumentError, match="horizon=0; expected an integer >= 1"):
        future_index(pd.RangeIndex(4), 0)


# Dates that are in the way


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize(
    "freq", ["D", "2D", "B", "W-WED", "MS", "ME", "BME", "QS", "QE-JAN", "YE", "h", "30min", "7h", "WOM-3FRI"]
)
def test_missing_dates_are_named(freq, tz):
    whole = dates(freq, 60, tz)
    gone = [7, 21, 22, 40]
    message = message_of(series_over(whole.delete(gone)))
    named = ", ".join(
        str(label.date()) if tz is None and freq not in ("h", "30min", "7h") else str(label)
        for label in whole[gone[:3]]
    )
    assert message.startswith("y.index: 4 dates are missing at the frequency '")
    assert f": {named} and 1 more. " in message
    # The remedy in the message works.
    frequency = message.split("frequency '")[1].split("'")[0]
    assert f"y.asfreq('{frequency}').interpolate()" in message
    assert_same_dates(series_over(whole.delete(gone)).asfreq(frequency).index, whole)


def test_one_missing_date_among_few_is_named():
    assert "1 date is missing at the frequency 'D': 2021-01-03" in message_of(
        series_over(pd.DatetimeIndex(["2021-01-01", "2021-01-02", "2021-01-04"]))
    )


def test_a_gap_of_a_year_in_seconds_is_no_list_of_seconds():
    index = pd.to_datetime(["2021-01-01 00:00:00", "2021-01-01 00:00:01", "2021-01-01 00:00:02", "2022-01-01 00:00:00"])
    message = message_of(series_over(index))
    assert "2 of 3 steps are 0 days 00:00:01, but 2022-01-01 follows 2021-01-01 00:00:02;" in message


def test_missing_middles_of_months_are_named():
    index = pd.date_range("2021-01-15", periods=30, freq=pd.DateOffset(months=1)).delete([3])
    message = message_of(series_over(index))
    assert "1 date is missing at the frequency pd.DateOffset(months=1): 2021-04-15" in message
    assert "y.asfreq(pd.DateOffset(months=1))" in message


def test_holidays_that_are_missing_bring_the_custom_business_day_to_mind():
    y = series_over(dates(HOLIDAYS))
    y.index.freq = None
    message = message_of(y)
    assert "2 dates are missing at the frequency 'B': 2021-03-17, 2021-04-05." in message
    assert "y.asfreq(pd.offsets.CustomBusinessDay(holidays=[...]))" in message
    assert len(read_panel(y.asfreq(HOLIDAYS)).series[0].values) == 40


def test_missing_periods_are_named_and_the_remedy_works():
    y = series_over(periods("M").delete([2, 5]))
    message = message_of(y)
    assert "2 dates are missing at the frequency 'M': 2021-05, 2021-08. " in message
    assert "y.reindex(pd.period_range(y.index[0], y.index[-1])).interpolate()" in message
    mended = y.reindex(pd.period_range(y.index[0], y.index[-1])).interpolate()
    assert len(read_panel(mended).series[0].values) == 40


@pytest.mark.parametrize(
    "index", [dates("D"), periods("D"), pd.RangeIndex(40), pd.Index(np.arange(40))], ids=lambda i: type(i).__name__
)
def test_repeated_and_unsorted_dates_are_named(index):
    shown = [str(label)[:10] for label in index]
    y = series_over(index)
    message = message_of(pd.concat([y, y.iloc[[3, 8]]]))
    assert f"y.index has 2 dates more than once: {shown[3]}, {shown[8]};" in message
    swapped = y.iloc[[0, 1, 2, 4, 3, *range(5, 40)]]
    message = message_of(swapped)
    assert f"at position 4, {shown[3]} follows {shown[4]};" in message
    assert "y.sort_index()" in message
    assert len(read_panel(swapped.sort_index()).series[0].values) == 40
    assert f"at position 1, {shown[38]} follows {shown[39]};" in message_of(y[::-1])


@pytest.mark.parametrize(
    ("index", "match"),
    [
        (pd.Index([1, 2, 4, 5]), "goes from 2 to 4; expected integers that count up by 1"),
        (pd.RangeIndex(0, 8, 2), r"counts up by 2; .* y.reset_index\(drop=True\)"),
        (pd.Index([1.0, 2, 3, 4]), "dtype float64; expected dates"),
        (pd.Index(["2021-01-01", "2021-01-02", "x", "y"]), r"pd.to_datetime\(y.index\)"),
        (pd.MultiIndex.from_product([["a", "b"], [0, 1]]), r"a MultiIndex; .* y.reset_index\(\)"),
        (pd.to_timedelta(range(4), unit="D"), "timedelta64"),
        (pd.DatetimeIndex(["2021-01-01", None, "2021-01-03", None]), "is missing in 2 rows"),
        (pd.date_range("2021-01-01", periods=4) + pd.to_timedelta([0, 0, 3, 7], unit="h"), "no frequency: .*resample"),
        (without_freq(dates("SME", 4)), r"has no frequency: .* y.asfreq\(freq\) sets one"),
    ],
)  # fmt: skip
def test_an_index_of_another_kind_is_refused(index, match):
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(series_over(index))


@pytest.mark.parametrize(
    ("index", "match"),
    [([1, 2], "steps is a list; expected a pandas Index"), (dates("D", 0), "steps has no dates")],
)
def test_what_is_no_index_is_refused(index, match):
    with pytest.raises(InvalidArgumentError, match=match):
        regular_index(index, "steps")


def test_a_date_whose_freq_goes_backwards_is_refused():
    with pytest.raises(InvalidArgumentError, match="freq '-1D'; expected one that goes forwards"):
        read_panel(series_over(dates("D")[::-1][:1]))


def test_dates_of_arrow_are_dates():
    pytest.importorskip("pyarrow")
    index = dates("ME").as_unit("us")
    y = series_over(index.astype("timestamp[us][pyarrow]")).astype("double[pyarrow]")
    assert_same_dates(read_panel(y).series[0].index, index)
    frame = long_frame([("a", index), ("b", index[4:9])]).astype({"ds": "timestamp[us][pyarrow]"})
    assert_same_dates(read_panel(frame).series[1].index, index[4:9].rename("ds"))


def test_two_dates_show_no_frequency():
    y = series_over(without_freq(dates("D", 2)))
    with pytest.raises(InvalidArgumentError, match=r"2 of the 3 dates .* y.asfreq\('D'\)"):
        read_panel(y)
    assert len(read_panel(y.asfreq("D")).series) == 1


# Values


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "int64", "float16", "float32", "float64", "Int16", "UInt8", "Float32", "Sparse[float]"]
)
def test_every_dtype_of_numbers_is_taken(dtype):
    y = pd.Series([3, 1, 2, 5, 4], dates("D", 5), dtype=dtype)
    values = read_panel(y).series[0].values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [3, 1, 2, 5, 4])


@pytest.mark.parametrize(
    ("dtype", "shown", "hint"),
    [
        ("bool", "bool", "{}.astype(float) makes 0 and 1 of it."),
        ("boolean", "boolean", "{}.astype(float) makes 0 and 1 of it."),
        ("complex64", "complex64", ""),
        ("category", "category", ""),
        ("object", "object", "pd.to_numeric({}) reads numbers from text."),
        ("string", "string", "pd.to_numeric({}) reads numbers from text."),
        ("datetime64[ns]", "datetime64[ns]", "Dates belong into the index."),
    ],
)
def test_other_dtypes_are_refused_by_name(dtype, shown, hint):
    y = pd.Series([1, 0, 1, 1], dates("D", 4)).astype(dtype)
    for what, message in [
        ("y", message_of(y)),
        ("y['a']", message_of(pd.DataFrame({"b": 1.0, "a": y}))),
        ("X['x']", message_of(series_over(y.index), X=y)),
        ("X['warm']", message_of(series_over(y.index), X=pd.DataFrame({"b": 1.0, "warm": y}))),
    ]:
        assert message == f"{what} has the dtype {shown}; expected numbers. {hint.format(what)}".rstrip()


def test_what_is_not_finite_is_counted_and_named():
    y = series_over(dates("D"))
    y.iloc[[3, 11, 17, 20]] = [np.nan, np.inf, -np.inf, np.nan]
    shown = "NaN at 2021-03-13, inf at 2021-03-21, -inf at 2021-03-27 and 1 more"
    assert f"y: 4 of 40 values are not finite: {shown};" in message_of(y)
    assert f"X['warm']: 4 of 40 values are not finite: {shown};" in message_of(series_over(y.index), X=y.rename("warm"))
    message = message_of(pd.DataFrame({"a": 1.0, "b": y}))
    assert f"y['b']: 4 of 40 values are not finite: {shown};" in message
    assert "long frame" in message
    assert "y: 4 of 40 values are not finite: NaN at 3, inf at 11" in message_of(y.to_numpy())
    assert "y[:, 1]: 4 of 40 values" in message_of(np.stack([np.ones(40), y], axis=1))
    assert "X[:, 2]: 4 of 40 values" in message_of(np.ones(40), X=np.stack([np.ones(40), np.ones(40), y], axis=1))


def test_what_is_missing_in_nullable_and_masked_values_is_named():
    y = pd.Series([1, None, 3], dates("D", 3), dtype="Int64")
    assert "y: 1 of 3 values is not finite: NaN at 2021-03-11;" in message_of(y)
    assert "1 of 4 values is not finite: NaN at 2;" in message_of(np.ma.masked_equal([4, 3, 2, 1], 2))


@pytest.mark.parametrize(
    "y", ["sold", {"a": [1.0]}, None, 3, iter([1.0]), pd.Index([1, 2])], ids=lambda y: type(y).__name__
)
def test_other_types_are_refused_with_those_that_are_allowed(y):
    message = message_of(y)
    assert f"y is a {type(y).__name__}; expected a pandas Series" in message
    for allowed in ("DataFrame with one column a series", "unique_id, ds and y", "NumPy array (T,) or (T, n)", "list"):
        assert allowed in message


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([], "empty"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros((3, 0)), "empty"),
        (pd.Series([], dtype=float), "no rows"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame(index=dates("D")), "no columns"),
        (pd.DataFrame({"unique_id": [], "ds": [], "y": []}), "no rows"),
        (np.float64(3), "is a float64"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\); expected \(T,\) or \(T, n\)"),
        ([[1, 2], [3]], "different lengths"),
        ([1.0, None], "dtype object.*None"),
        (["1", "2"], "dtype <U1"),
        ([True, False], "dtype bool"),
        (np.array([1, 2j]), "dtype complex128"),
        (pd.DataFrame([[1, 2]] * 4, dates("D", 4), columns=["a", "a"]), "more than one column 'a'"),
    ],
)
def test_nothing_and_nonsense_are_refused(y, match):
    with pytest.raises(InvalidArgumentError, match=match):
        read_panel(y)


def test_the_input_stays_as_it_is_and_is_not_shared():
    y = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0) + 3}, without_freq(dates("D", 9)))
    X = pd.DataFrame({"x": np.arange(9.0)}, y.index)
    before, X_before = y.copy(), X.copy()
    panel = read_panel(y, X)
    for each in panel.series:
        each.values[:] = -1
        each.covariates[:] = -1
    pd.testing.assert_frame_equal(y, before, check_freq=True)
    pd.testing.assert_frame_equal(X, X_before, check_freq=True)
    array, covariates = np.arange(5.0), np.arange(5.0)
    panel = read_panel(array, covariates)
    panel.series[0].values[:] = panel.series[0].covariates[:] = -1
    np.testing.assert_array_equal([array, covariates], [np.arange(5.0)] * 2)
    frame = long_frame([("a", dates("D", 4)), ("b", dates("D", 6))], seed=2, x=1.5)
    before = frame.copy()
    for each in read_panel(frame).series:
        each.values[:] = each.covariates[:, 0] = -1
    pd.testing.assert_frame_equal(frame, before)


# Forms: in and out

FORECAST = np.array([10.0, 11, 12, 13, 14])


def forecasts(n, *labels):
    """Different numbers for every series and label."""
    return {label: [FORECAST + 100 * i + 1000 * k for i in range(n)] for k, label in enumerate(labels)}


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


def test_ids_of_a_category_stay_a_category():
    y = long_frame([("b", dates("D", 5)), ("a", dates("D", 8))])
    y["unique_id"] = pd.Categorical(y["unique_id"], categories=["z", "b", "a"], ordered=True)
    panel = read_panel(y)
    for each in (panel, Panel.from_config(json.loads(json.dumps(panel.to_config())))):
        found = write_forecast(each, forecasts(2, "f"))
        assert found["unique_id"].dtype == y["unique_id"].dtype
        assert list(found["unique_id"][::HORIZON]) == ["b", "a"]


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
    assert "ds of series 'b': 2021-03-10, 2021-03-12 12:00:00 do not fit the frequency 'D'" in message_of(
        long_frame([("a", whole[:30]), ("b", noon)])
    )
    assert "ds of series 'a' has no freq and 2 of the 3 dates" in message_of(
        long_frame([("a", whole[:2]), ("b", whole[:1])])
    )
    integers = [("a", pd.Index([1, 2, 3])), ("b", pd.Index([4, 6]))]
    assert "ds of series 'b' counts up by 2" in message_of(long_frame(integers))
    months = [("a", periods("M")[:9]), ("b", periods("M")[[0, 2]])]
    assert "ds of series 'b': 1 date is missing at the frequency 'M': 2021-04." in message_of(long_frame(months))


def test_days_that_lack_their_hour_are_refused_in_a_long_frame():
    """Daily at half past two, in a zone whose clocks leave that hour out on one day: pandas cannot make these dates."""
    index = pd.date_range("2021-03-20 02:30", periods=12, freq="D").delete(8).tz_localize("Europe/Berlin")
    message = message_of(long_frame([("a", index), ("b", index[:3])]))
    assert "ds of series 'a' has no frequency: " in message
    assert "2021-03-29 02:30:00+02:00 follows 2021-03-27 02:30:00+01:00" in message
    found = read_panel(long_frame([("a", index[:8]), ("b", index[-3:])]))  # each by itself has all its days
    assert [len(each.index) for each in found.series] == [8, 3]
    message = message_of(long_frame([("a", index[:6]), ("b", index[7:9])]))
    assert "ds of series 'b': 2021-03-27 02:30:00+01:00, 2021-03-29 02:30:00+02:00 do not fit" in message


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


# Covariates of the past


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
    assert panel.covariate_names == ("x",)  # further columns of y are not read where there is an X
    for each in panel.series:
        np.testing.assert_array_equal(each.covariates[:, 0], each.values * 10 + (each.id == "b"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: X[:-2], "lacks 2 of the 40 dates of y: 2021-04-17, 2021-04-18"),
        (lambda X: X.iloc[[*range(40), 39]], "X.index has 1 date more than once: 2021-04-18"),
        (lambda X: pd.concat([X, X.shift(3, freq="D")[-3:]]), r"3 dates that y does not have: 2021.*X.loc\[y.index"),
        (lambda X: X[::-1], r"another order; .*X.loc\[y.index\]"),
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
        (
            lambda X: pd.concat([X[:3].assign(unique_id="d"), X, X[:3].assign(unique_id="e")]),
            r"X has 6 rows that y does not have: \('d', 2021-03-10\).*merge",
        ),
        (lambda X: X.iloc[[*range(10), 3]], r"X has 1 date more than once: \('a', 2021-03-13\)"),
        (lambda X: X.drop(columns="ds"), "X has no column 'ds'"),
        (lambda X: X.drop(columns="x"), "no columns but unique_id and ds"),
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


# Covariates of the future


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
    with pytest.raises(InvalidArgumentError, match="there were no covariates in fit"):
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


# Writing


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


# Descriptions


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
    with pytest.raises(InvalidArgumentError, match=r"values\[0\] has the shape \(6,\); expected \(4,\)"):
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
        (series_over(dates(pd.offsets.MonthEnd(normalize=True))), "freq <MonthEnd> has no form that can be saved"),
        (series_over(dates(pd.offsets.BusinessHour(start="10:00"))), "freq <BusinessHour.* has no form"),
        (series_over(dates("D", tz=nameless_zone())), "time zone .* has no name that can be saved"),
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
