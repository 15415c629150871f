"""Season lengths and calendar features."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.calendar import CALENDAR, calendar_features, calendar_names, season_length, season_lengths
from kerazoo.forecast.data.index import future_index

pytestmark = pytest.mark.filterwarnings(
    "ignore:Period:FutureWarning"
)  # periods of business days, which pandas has still

offsets = pd.offsets
SEASONS = [
    ("MS", 12), ("ME", 12), ("BME", 12), ("BMS", 12), ("CBMS", 12), ("2MS", 6), ("5ME", 1), ("12MS", 1), ("SME", 24),
    ("WOM-3FRI", 12), ("QS", 4), ("QE", 4), ("QE-JAN", 4), ("BQE", 4), ("2QS", 2), ("YS", 1), ("YE-JUN", 1), ("BYE", 1),
    ("W-SUN", 52), ("W-WED", 52), ("2W", 26), ("4W", 13), ("5W", 1), ("7D", 52), ("14D", 26),
    ("D", 7), ("2D", 1), ("24h", 7), ("B", 5), ("2B", 1), ("C", 5),
    (offsets.CustomBusinessDay(holidays=["2021-01-06"]), 5),
    (offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat"), 6),
    (offsets.BusinessHour(), 1),
    ("h", 24), ("2h", 12), ("6h", 4), ("5h", 1), ("30min", 48), ("15min", 96), ("10min", 144), ("min", 1440),
    ("7min", 1), ("s", 3600), ("10s", 360), ("60s", 1440), ("100ms", 1), ("1000ms", 3600),
    (pd.DateOffset(months=1), 12), (pd.DateOffset(months=2), 6), (2 * pd.DateOffset(months=2), 3),
    (pd.DateOffset(years=1), 1), (pd.DateOffset(days=1), 7), (pd.DateOffset(hours=6), 4), (pd.DateOffset(weeks=1), 52),
    (pd.DateOffset(months=1, days=1), 1), (pd.DateOffset(weeks=1, weekday=2), 1),
    (pd.DateOffset(hours=0.5), 48), (pd.DateOffset(seconds=0.5), 1),
]  # fmt: skip
PERIOD_SEASONS = [
    ("M", 12), ("2M", 6), ("Q", 4), ("Q-JAN", 4), ("Y", 1), ("W-SUN", 52), ("W-WED", 52), ("D", 7), ("B", 5), ("h", 24),
    ("30min", 48), ("15min", 96), ("min", 1440), ("s", 3600), ("ms", 1),
]  # fmt: skip


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize(("freq", "season"), SEASONS, ids=lambda value: str(value))
def test_the_season_of_dates_goes_by_their_frequency(freq, season, tz):
    index = pd.date_range("2021-01-06 10:00", periods=30, freq=freq, tz=tz)
    assert season_length(index) == season
    assert season_length(index[:1]) == season


@pytest.mark.parametrize(("freq", "season"), PERIOD_SEASONS)
def test_the_season_of_periods_goes_by_their_frequency(freq, season):
    assert season_length(pd.period_range("2021-01-06", periods=30, freq=freq)) == season


def test_half_years_have_a_season_of_two():
    if not hasattr(offsets, "HalfYearEnd"):
        pytest.skip("pandas 3 has half years")
    assert season_length(pd.date_range("2021-01-01", periods=4, freq=offsets.HalfYearEnd())) == 2


def test_integers_have_no_season():
    assert season_length(pd.RangeIndex(30)) == 1
    assert season_length(pd.Index([1990, 1991, 1992])) == 1


def test_the_season_is_read_from_dates_without_a_freq():
    index = pd.DatetimeIndex(list(pd.date_range("2021-01-31", periods=9, freq="ME")))
    assert index.freq is None
    assert season_length(index) == 12
    with pytest.raises(InvalidArgumentError, match="2021-05-31"):
        season_length(index.delete(4))


LENGTHS = [
    ("h", (24, 168)), ("30min", (48, 336)), ("15min", (96, 672)), ("min", (1440, 10080)), ("s", (3600, 86400)),
    ("30s", (120, 2880)), ("2h", (12, 84)), ("5h", (4.8, 33.6)), ("12h", (2, 14)), ("18h", (168 / 18,)), ("24h", (7,)),
    ("100ms", ()), ("D", (7,)), ("2D", (3.5,)), ("3D", (7 / 3,)), ("4D", (91.3125,)), ("10D", (36.525,)),
    ("B", (5,)), ("2B", (2.5,)), ("3B", ()), ("C", (5,)), (offsets.CustomBusinessDay(weekmask="Mon Tue Wed Sat"), (4,)),
    ("W-SUN", (365.25 / 7,)), ("2W", (365.25 / 14,)), ("7D", (365.25 / 7,)), ("SME", (24,)), ("MS", (12,)),
    ("BME", (12,)), ("2MS", (6,)), ("5ME", (2.4,)), ("6MS", (2,)), ("7MS", ()), ("WOM-3FRI", (12,)), ("QE-JAN", (4,)),
    ("2QS", (2,)), ("YS", ()), ("YE-JUN", ()), (offsets.BusinessHour(), ()), (pd.DateOffset(months=2), (6,)),
    (pd.DateOffset(years=1), ()), (pd.DateOffset(hours=6), (4, 28)), (pd.DateOffset(weeks=1), (365.25 / 7,)),
    (pd.DateOffset(months=1, days=1), ()), (pd.DateOffset(weeks=1, weekday=2), ()), (pd.DateOffset(seconds=0.5), ()),
]  # fmt: skip


@pytest.mark.parametrize(("freq", "lengths"), LENGTHS, ids=lambda value: str(value))
def test_all_seasons_of_dates_go_by_their_frequency(freq, lengths):
    index = pd.date_range("2021-01-06 10:00", periods=30, freq=freq)
    found = season_lengths(index)
    assert found == pytest.approx(lengths)
    assert all(type(each) is float for each in found)
    assert season_lengths(index[:1]) == found


@pytest.mark.parametrize(
    ("freq", "lengths"),
    [("M", (12,)), ("2M", (6,)), ("Q-JAN", (4,)), ("Y", ()), ("W-WED", (365.25 / 7,)), ("D", (7,)), ("B", (5,)),
     ("h", (24, 168)), ("15min", (96, 672)), ("ms", ())],
)  # fmt: skip
def test_all_seasons_of_periods_go_by_their_frequency(freq, lengths):
    assert season_lengths(pd.period_range("2021-01-06", periods=30, freq=freq)) == pytest.approx(lengths)


def test_one_season_is_among_all_seasons():
    """Except that a year has 52 weeks there, and that it has to be a whole number of steps."""
    for freq, season in SEASONS:
        found = season_lengths(pd.date_range("2021-01-06 10:00", periods=30, freq=freq))
        assert season == 1 or season in [int(each) for each in found]
        assert len(found) <= 2
    assert season_lengths(pd.RangeIndex(30)) == ()
    with pytest.raises(InvalidArgumentError, match="2021-05-31"):
        season_lengths(pd.DatetimeIndex(list(pd.date_range("2021-01-31", periods=9, freq="ME"))).delete(4))


# Selection


AUTO = [
    ("MS", 30, ("month",)),
    ("ME", 30, ("month",)),
    ("BME", 12, ("month",)),
    ("MS", 11, ()),
    ("2MS", 30, ("month",)),
    (pd.DateOffset(months=4), 30, ("month",)),
    (pd.DateOffset(months=1), 30, ("month",)),
    ("QS", 30, ("quarter",)),
    ("QE-JAN", 4, ("quarter",)),
    ("QE", 3, ()),
    ("YS", 30, ()),
    ("2YS", 30, ()),
    ("12MS", 30, ()),
    ("W-SUN", 60, ("week",)),
    ("W-WED", 51, ()),
    ("2W-THU", 60, ("week",)),
    ("SMS", 30, ("week",)),
    ("D", 800, ("day_of_year", "day_of_week")),
    ("D", 200, ("day_of_week",)),
    ("D", 6, ()),
    ("B", 300, ("day_of_year", "day_of_week")),
    ("B", 5, ("day_of_week",)),
    ("h", 9000, ("day_of_year", "day_of_week", "hour")),
    ("h", 400, ("day_of_week", "hour")),
    ("h", 24, ("hour",)),
    ("h", 23, ()),
    ("30min", 400, ("day_of_week", "hour")),
    ("15min", 100, ("hour",)),
    ("12h", 30, ("day_of_week", "hour")),
    ("min", 1500, ("hour",)),
    ("10s", 400, ("minute",)),
]


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize(("freq", "length", "names"), AUTO, ids=lambda value: str(value))
def test_auto_takes_what_varies_and_what_has_been_seen_in_full(freq, length, names, tz):
    index = pd.date_range("2021-03-20", periods=length, freq=freq, tz=tz)
    assert calendar_names(index) == names
    values, columns = calendar_features(index)
    assert values.shape == (length, 2 * len(names))
    assert columns == tuple(f"{name}_{wave}1" for name in names for wave in ("sin", "cos"))
    for name in names:  # midnight and noon share a sine
        assert max(np.ptp(values[:, i]) for i, column in enumerate(columns) if column.startswith(name)) > 0.5


@pytest.mark.parametrize(
    ("freq", "length", "names"),
    [
        ("M", 30, ("month",)),
        ("M", 11, ()),
        ("Q-JAN", 30, ("quarter",)),
        ("Y", 30, ()),
        ("W-WED", 60, ("week",)),
        ("D", 800, ("day_of_year", "day_of_week")),
        ("B", 30, ("day_of_week",)),
        ("h", 400, ("day_of_week", "hour")),
        ("30min", 60, ("hour",)),
    ],
)
def test_auto_takes_the_same_of_periods(freq, length, names):
    assert calendar_names(pd.period_range("2021-03-20", periods=length, freq=freq)) == names


def test_integers_have_no_features():
    for names in ("auto", ()):
        values, columns = calendar_features(pd.RangeIndex(7), names)
        assert (values.shape, columns) == ((7, 0), ())


# Values


def waves(position, length, order=1):
    phase = np.asarray(position, float) / length
    return np.stack([wave(2 * np.pi * k * phase) for k in range(1, order + 1) for wave in (np.sin, np.cos)], axis=1)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("tz", [None, "Europe/Berlin", "+05:30"])
def test_features_are_those_of_the_standard_library(tz, order):
    """Against datetime, hour by hour over both daylight saving transitions and a leap year."""
    index = pd.date_range("2019-12-25", periods=5000, freq="97min", tz=tz)
    stamps = [stamp.to_pydatetime() for stamp in index]

    def days_of_year(stamp):
        return (datetime.date(stamp.year + 1, 1, 1) - datetime.date(stamp.year, 1, 1)).days

    def days_of_month(stamp):
        first = datetime.date(stamp.year, stamp.month, 1)
        return ((first + datetime.timedelta(days=31)).replace(day=1) - first).days

    def weeks_of_year(year):
        return datetime.date(year, 12, 28).isocalendar().week

    iso = [stamp.isocalendar() for stamp in stamps]
    expected = {
        "month": waves([stamp.month for stamp in stamps], 12, order),
        "week": waves([each.week for each in iso], [weeks_of_year(each.year) for each in iso], order),
        "day_of_year": waves([stamp.timetuple().tm_yday for stamp in stamps], list(map(days_of_year, stamps)), order),
        "day_of_month": waves([stamp.day for stamp in stamps], [days_of_month(stamp) for stamp in stamps], order),
        "day_of_week": waves([stamp.weekday() for stamp in stamps], 7, order),
        "hour": waves([stamp.hour + stamp.minute / 60 for stamp in stamps], 24, order),
        "minute": waves([stamp.minute for stamp in stamps], 60, order),
    }  # fmt: skip
    for name, waved in expected.items():
        values, columns = calendar_features(index, (name,), order)
        assert columns == tuple(f"{name}_{wave}{k}" for k in range(1, order + 1) for wave in ("sin", "cos"))
        np.testing.assert_allclose(values, waved, atol=1e-12)
    quarters = waves([(stamp.month + 2) // 3 for stamp in stamps], 4, 2)
    np.testing.assert_allclose(calendar_features(index, ("quarter",))[0], quarters[:, :2], atol=1e-12)


def test_a_year_of_53_weeks_is_one_cycle():
    mondays = pd.date_range("2020-01-06", "2021-12-27", freq="W-MON")  # weeks 2 to 53 of 2020, 1 to 52 of 2021
    values, _ = calendar_features(mondays, ("week",))
    angles = np.unwrap(np.arctan2(values[:, 0], values[:, 1]))
    steps = np.diff(angles) / (2 * np.pi)
    np.testing.assert_allclose(steps[:51], 1 / 53)
    np.testing.assert_allclose(steps[52:], 1 / 52)
    assert steps[51] == pytest.approx(1 / 52)  # from the end of one year to the first week of the next


PAIRS = [
    ("M", "MS"),
    ("M", "ME"),
    ("Q", "QS"),
    ("Q", "QE"),
    ("D", "D"),
    ("h", "h"),
    ("30min", "30min"),
    ("W-SUN", "W-SUN"),
]


@pytest.mark.parametrize(("period", "freq"), PAIRS)
def test_periods_have_the_features_of_their_dates(period, freq):
    dates = pd.date_range("2021-01-01", periods=900, freq=freq)
    found = calendar_features(dates.to_period(period), order=2)
    expected = calendar_features(dates, order=2)
    assert found[1] == expected[1]
    assert found[1]
    np.testing.assert_array_equal(found[0], expected[0])


def test_hours_go_by_the_clock_on_the_wall():
    index = pd.date_range(
        "2021-10-30 22:30", periods=7, freq="h", tz="Europe/Berlin"
    )  # the hour from 2 to 3 is repeated
    values, _ = calendar_features(index, ("hour",))
    np.testing.assert_allclose(values, waves([22.5, 23.5, 0.5, 1.5, 2.5, 2.5, 3.5], 24), atol=1e-12)


def test_minutes_and_hours_count_their_fractions():
    index = pd.DatetimeIndex(["2021-01-01 06:30:36", "2021-01-01 21:00:45"])
    np.testing.assert_allclose(calendar_features(index, ("hour",))[0], waves([6.51, 21.0125], 24), atol=1e-12)
    np.testing.assert_allclose(calendar_features(index, ("minute",))[0], waves([30.6, 0.75], 60), atol=1e-12)


def test_a_column_that_does_not_vary_has_one_value():
    """Scaling by a standard deviation of 1e-16 would amplify rounding errors."""
    values, _ = calendar_features(pd.date_range("2021-01-01", periods=30, freq="12h"), ("hour",))
    assert set(values[:, 0]) == {0.0}


def test_twelve_months_with_six_harmonics_hold_every_season():
    """The eleven waves and a constant are a basis of the twelve months."""
    months = pd.period_range("2021-01", periods=12, freq="M")
    values, columns = calendar_features(months, ("month",), 6)
    assert len(columns) == 11
    assert columns[-1] == "month_cos6"
    assert np.linalg.matrix_rank(np.column_stack([np.ones(12), values])) == 12
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)  # one cycle is 2 pi
    more, more_columns = calendar_features(months, ("month",), 9)
    assert more_columns == columns
    np.testing.assert_array_equal(more, values)


@pytest.mark.parametrize(
    ("name", "freq", "length", "columns"),
    [
        ("quarter", "QS", 4, 3),
        ("day_of_week", "D", 7, 6),
        ("hour", "h", 24, 22),
        ("minute", "min", 60, 58),
        ("week", "W-MON", 52, 50),
        ("day_of_month", "D", 31, 26),
        ("day_of_year", "D", 365, 364),
    ],
)
def test_harmonics_end_where_the_next_would_say_nothing_new(name, freq, length, columns):
    index = pd.date_range("2021-01-04" if name == "week" else "2021-01-01", periods=length, freq=freq)
    values, found = calendar_features(index, (name,), 1000)
    assert len(found) == columns
    assert np.linalg.matrix_rank(np.column_stack([np.ones(length), values])) == columns + 1


def test_history_and_future_have_one_table():
    whole = pd.date_range("2021-03-20", periods=500, freq="h", tz="Europe/Berlin")
    history = whole[:480]
    names = calendar_names(history)
    together, columns = calendar_features(whole, names, 2)
    first, first_columns = calendar_features(history, names, 2)
    second, second_columns = calendar_features(future_index(history, 20), names, 2)
    assert columns == first_columns == second_columns
    np.testing.assert_array_equal(np.concatenate([first, second]), together)


def test_every_name_of_the_list_has_features_of_one_date():
    values, columns = calendar_features(pd.DatetimeIndex(["2024-02-29 13:45"]), CALENDAR)
    assert values.shape == (1, 2 * len(CALENDAR))
    assert values.dtype == np.float64
    assert [column.rsplit("_", 1)[0] for column in columns[::2]] == list(CALENDAR)


def test_names_are_taken_in_their_order_and_once():
    index = pd.date_range("2021-01-01", periods=9, freq="D")
    assert calendar_names(index, iter(["month", "day_of_week", "month"])) == ("month", "day_of_week")
    assert calendar_features(index, ["month", "day_of_week"])[1][0] == "month_sin1"
    assert calendar_features(index, ())[0].shape == (9, 0)


@pytest.mark.parametrize(
    ("index", "options", "match"),
    [
        ("dates", {"names": ["mnth"]}, r"calendar feature='mnth'.*Did you mean 'month'\?"),
        ("dates", {"names": [3]}, "calendar feature=3"),
        ("dates", {"names": "month"}, "calendar names='month'; expected one of 'auto'. Or a sequence of month"),
        ("dates", {"names": None}, "calendar names=None"),
        ("dates", {"order": 0}, "order=0; expected an integer >= 1"),
        ("dates", {"order": 1.5}, "order=1.5"),
        ("integers", {"names": ["month"]}, "the index is a RangeIndex without dates"),
    ],
)
def test_features_that_there_are_not_are_refused(index, options, match):
    chosen = pd.RangeIndex(9) if index == "integers" else pd.date_range("2021-01-01", periods=9, freq="D")
    with pytest.raises(InvalidArgumentError, match=match):
        calendar_features(chosen, **options)
