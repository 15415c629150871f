"""The index of a series: its frequency, the dates that follow, and the dates that break it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data import read_panel
from kerazoo.forecast.data.calendar import calendar_features, calendar_names, season_length
from kerazoo.forecast.data.frequency import Clock
from kerazoo.forecast.data.index import future_index, regular_index
from tests.forecast.panel_cases import (
    FREQUENCIES,
    HOLIDAYS,
    HORIZON,
    PERIODS,
    ZONES,
    assert_same_dates,
    dates,
    long_frame,
    message_of,
    periods,
    series_over,
    without_freq,
)

pytestmark = pytest.mark.filterwarnings("ignore:Period:FutureWarning")  # pandas warns about periods of business days


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", FREQUENCIES, ids=str)
def test_the_dates_of_the_forecast_are_those_that_pandas_creates_in_one_call(freq, tz):
    whole = dates(freq, 40 + HORIZON, tz)
    index = read_panel(series_over(whole[:40])).series[0].index
    pd.testing.assert_index_equal(index, whole[:40])
    future = future_index(index, HORIZON)
    pd.testing.assert_index_equal(future, whole[40:])
    assert (future.freq, future.tz, future.unit, future.name) == (whole.freq, whole.tz, whole.unit, "day")


@pytest.mark.parametrize("freq", PERIODS)
def test_periods_continue(freq):
    whole = periods(freq, 40 + HORIZON)
    index = read_panel(series_over(whole[:40])).series[0].index
    pd.testing.assert_index_equal(index, whole[:40])
    pd.testing.assert_index_equal(future_index(index, HORIZON), whole[40:])


@pytest.mark.parametrize(
    "index",
    [pd.RangeIndex(7, 19, name="day"), pd.Index(range(7, 19), name="day"), pd.Index(range(7, 19), dtype="Int32")],
)
def test_integers_continue(index):
    found = read_panel(series_over(index)).series[0].index
    pd.testing.assert_index_equal(found, pd.RangeIndex(7, 19, name=index.name))
    pd.testing.assert_index_equal(future_index(found, HORIZON), pd.RangeIndex(19, 24, name=index.name))


def test_days_keep_the_hour_when_the_clocks_change_and_hours_the_time_between():
    days = pd.date_range("2021-03-20 12:00", periods=7, freq="D", tz="Europe/Berlin")
    assert set(future_index(days, 4).hour) == {12}
    hours = pd.date_range("2021-03-27 20:00", periods=4, freq="h", tz="Europe/Berlin")
    assert list(future_index(hours, 4).hour) == [0, 1, 3, 4]  # the hour from 2 to 3 is skipped that night
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
    assert index.freq is None  # the argument is not modified


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


def test_an_index_that_cannot_be_continued_says_why():
    night = pd.date_range("2021-03-20 02:30", periods=4, freq="D", tz="Europe/Berlin")
    with pytest.raises(InvalidArgumentError, match=r"after 2021-03-23 02:30:00\+01:00 .*'D' do not exist .*UTC"):
        future_index(night, 6)  # 02:30 does not exist on 28 March
    with pytest.raises(InvalidArgumentError, match="do not exist"):
        future_index(pd.date_range("2190", periods=4, freq="YS", unit="ns"), 100)
    with pytest.raises(InvalidArgumentError, match="horizon=0; expected an integer >= 1"):
        future_index(pd.RangeIndex(4), 0)


# Missing, repeated and unsorted dates


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


def test_holidays_that_are_missing_suggest_a_custom_business_day():
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
        (pd.Index([1, 2, 4, 5]), "jumps from 2 to 4; expected consecutive integers"),
        (pd.RangeIndex(0, 8, 2), r"has steps of 2; .* y.reset_index\(drop=True\)"),
        (pd.Index([1.0, 2, 3, 4]), "dtype float64; expected dates"),
        (pd.Index(["2021-01-01", "2021-01-02", "x", "y"]), r"pd.to_datetime\(y.index\)"),
        (pd.MultiIndex.from_product([["a", "b"], [0, 1]]), r"a MultiIndex; .* y.reset_index\(\)"),
        (pd.to_timedelta(range(4), unit="D"), "timedelta64"),
        (pd.DatetimeIndex(["2021-01-01", None, "2021-01-03", None]), "is missing in 2 rows"),
        (pd.date_range("2021-01-01", periods=4) + pd.to_timedelta([0, 0, 3, 7], unit="h"), "no frequency: .*resample"),
        (without_freq(dates("SME", 4)), r"has no frequency: .* y.asfreq\(freq\) sets a frequency"),
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
    with pytest.raises(InvalidArgumentError, match="freq '-1D'; expected a positive step"):
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
    with pytest.raises(InvalidArgumentError, match=r"2 dates are too few to infer one.* y.asfreq\('D'\)"):
        read_panel(y)
    assert len(read_panel(y.asfreq("D")).series) == 1


# Far years


@pytest.mark.parametrize("freq", ["D", "MS", "YS", HOLIDAYS, pd.DateOffset(months=1)])
@pytest.mark.parametrize("tz", [None, "UTC"])
def test_dates_are_continued_beyond_the_last_nanosecond(freq, tz):
    index = regular_index(pd.date_range("2250-05-03", "2261-12-31", freq=freq, tz=tz, unit="ns"))
    found = future_index(index, 5)
    assert index.freq == found.freq == pd.tseries.frequencies.to_offset(freq)
    assert len(index.append(future_index(index, 500))) == len(index) + 500
    assert (found > index[-1]).all()


@pytest.mark.parametrize("freq", ["Y", "Q", "M", "W", "D", "h", "min"])
@pytest.mark.parametrize("start", ["1000-03-01", "1500-01-01", "1677-01-01", "2261-12-31", "3000-06-01"])
def test_periods_of_far_years_have_seasons_calendar_features_and_a_future(freq, start):
    index = pd.period_range(start, periods=30, freq=freq)
    near = pd.period_range("2001-03-01", periods=30, freq=freq)
    assert season_length(index) == season_length(near)
    names = calendar_names(index)
    features = calendar_features(index.append(future_index(index, 5)), names)[0]
    assert len(features) == 35
    assert np.isfinite(features).all()
    steps = Clock.of(index).steps(future_index(index, 2))
    np.testing.assert_array_equal(steps, [30, 31])


def test_the_features_of_a_far_year_are_those_of_a_near_one_with_the_same_calendar():
    far, near = (pd.period_range(f"{year}-01-01", periods=59, freq="D") for year in (1600, 2000))  # 400 years apart
    for name in ("day_of_year", "day_of_week", "day_of_month", "month"):
        np.testing.assert_array_equal(calendar_features(far, (name,))[0], calendar_features(near, (name,))[0])
