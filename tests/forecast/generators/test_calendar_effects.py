"""Effects of the calendar are functions of the date, whatever the length and the first step."""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.generators import FREQUENCIES, calendar_effects, generate, step_dates
from kerazoo.forecast.generators.calendar_effects import easter, first_step

calendar = importlib.import_module("kerazoo.forecast.generators.calendar_effects")

NAMES = {"W": "7D"}


def test_easter_is_that_of_dateutil():
    dateutil = pytest.importorskip("dateutil.easter")
    years = np.arange(1800, 2200)
    expected = np.array([dateutil.easter(int(year)) for year in years], "datetime64[D]")
    np.testing.assert_array_equal(easter(years), expected)


@pytest.mark.parametrize("freq", FREQUENCIES)
def test_dates_are_those_of_pandas(freq):
    start = "2021-01-01"  # a Friday
    expected = pd.date_range(start, periods=40, freq=NAMES.get(freq, freq))
    np.testing.assert_array_equal(step_dates(start, 40, freq), expected.to_numpy().astype("datetime64[s]"))


@pytest.mark.parametrize("freq", [freq for freq in FREQUENCIES if freq != "YS"])
def test_effects_follow_the_dates(freq):
    """A series that begins k steps later has the effects from step k on."""
    skipped = 48 if freq == "h" else 6
    dates = step_dates("2021-01-01", skipped + 1, freq)
    later = str(dates[-1].astype("datetime64[D]"))
    assert first_step(later, freq) == first_step("2021-01-01", freq) + skipped
    whole = calendar_effects(np.random.default_rng(1), 5, 60, freq, date="2021-01-01")
    part = calendar_effects(np.random.default_rng(1), 5, 60, freq, date=later)
    np.testing.assert_allclose(part[:, : 60 - skipped], whole[:, skipped:])


def test_the_calendar_repeats_after_400_years():
    before, after = (
        calendar_effects(np.random.default_rng(1), 5, 60, "MS", date=d) for d in ("1800-01-01", "2200-01-01")
    )
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("freq", FREQUENCIES)
def test_each_series_has_effects_of_unit_size(freq):
    steps = len(calendar._moments(freq)[0]) * (24 if freq == "h" else 1)
    if steps < 10_000:  # 400 years
        effects = calendar_effects(np.random.default_rng(3), 100, steps, freq, date="1800-01-01")
        np.testing.assert_allclose(effects.std(axis=1), 1.0, atol=1e-6)
        np.testing.assert_allclose(effects.mean(axis=1), 0.0, atol=1e-6)
    else:
        years = calendar_effects(np.random.default_rng(3), 100, 8000, freq)
        assert (years.std(axis=1) > 0.1).mean() > (0.9 if freq != "h" else 0.6)


def test_februaries_without_a_holiday_differ_by_their_weekdays_alone():
    """Common ones are alike, those of leap years are of 7 kinds; the feast that moves through the year is left out."""
    effects = calendar_effects(np.random.default_rng(3), 200, 4800, "MS", date="1800-01-01")[:, 1::12]
    feast = calendar._moments("MS")[0][1::12, 8] > 0
    kinds = {len(np.unique(row[~feast].round(9))) for row in effects}
    assert kinds == {1, 8}  # without and with effects of weekdays


def test_days_before_easter_have_an_effect_of_their_own():
    rng = np.random.default_rng(5)
    effects = calendar_effects(rng, 400, 365, "D", date="2019-01-01")
    days = step_dates("2019-01-01", 365, "D")
    around = (days >= np.datetime64("2019-04-18")) & (days <= np.datetime64("2019-04-22"))
    plain = (days >= np.datetime64("2019-03-05")) & (days <= np.datetime64("2019-03-14"))
    assert np.mean(effects[:, around] ** 2) > 4 * np.mean(effects[:, plain] ** 2)


def test_series_of_a_kind_have_the_calendar_of_their_date():
    """Days of series with calendar effects alone stand out at Christmas of any year."""
    y = np.log(generate(256, 730, 7, kind="calendar", seed=2, freq="D", date="2021-01-01"))
    days = step_dates("2021-01-01", 730, "D")
    christmas = np.isin(days, np.array(["2021-12-25", "2022-12-25"], "datetime64[D]"))
    assert np.abs(y[:, christmas]).mean() > 2 * np.abs(y).mean()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: step_dates("2000-01-01", 9000, "YS"), "expected no date after the year 9999"),
        (lambda: step_dates("yesterday", 3, "D"), "date='yesterday'; expected text with a date"),
        (lambda: step_dates("NaT", 3, "D"), "date='NaT'; expected text with a date"),
        (lambda: step_dates("2000-01-01", 3, "M"), "freq='M'; expected one of"),
        (lambda: calendar_effects(np.random.default_rng(), 2, 3, "M"), "freq='M'; expected one of"),
    ],
)
def test_errors_say_what_is_expected(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()
