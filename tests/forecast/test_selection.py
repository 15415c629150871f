"""The selection of transforms: candidates, scores, and weights."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.transforms import selection
from kerazoo.forecast.transforms.chain import Chain, fitted_chain
from kerazoo.forecast.transforms.selection import candidates, choose_transforms

DIFFERENCE = ({"name": "difference", "lag": 1},)


def data(y, index=None):
    y = np.asarray(y, float)
    index = pd.date_range("2001-01-01", periods=len(y), freq="MS") if index is None else index
    return SeriesData("y", y, index, np.empty((len(y), 0)))


def seasonal(length=120, noise=1.0, seed=0):
    """Months with a trend and a season."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    season = np.tile(rng.normal(size=12) * 10, -(-length // 12))[:length]
    return 200 + 0.8 * t + season + noise * rng.normal(size=length)


def cycle(length=160, seed=1):
    """An autoregression of order 2 with cycles of varying length."""
    rng = np.random.default_rng(seed)
    y = np.zeros(length + 50)
    for t in range(2, len(y)):
        y[t] = 1.7 * y[t - 1] - 0.92 * y[t - 2] + rng.normal()
    return y[50:]


def names(config):
    return [part["name"] for part in config]


INDEXES = {
    "months": (pd.date_range("2001-01-01", periods=60, freq="MS"), True),
    "ends of months": (pd.date_range("2001-01-01", periods=60, freq="ME"), True),
    "quarters": (pd.period_range("2001Q1", periods=60, freq="Q"), True),
    "periods of months": (pd.period_range("2001-01", periods=60, freq="M"), True),
    "years": (pd.date_range("1951-01-01", periods=60, freq="YS"), False),
    "days": (pd.date_range("2001-01-01", periods=60, freq="D"), False),
    "hours": (pd.date_range("2001-01-01", periods=60, freq="h"), False),
    "numbers": (pd.RangeIndex(60), False),
}


@pytest.mark.parametrize("kind", INDEXES)
@pytest.mark.parametrize("positive", [True, False])
def test_candidates_suit_the_index_and_the_values(kind, positive):
    index, has_unequal_lengths = INDEXES[kind]
    y = np.arange(1.0, 61) if positive else np.arange(60.0)
    found = candidates([data(y, index)], 4)
    first = {tuple(name for name in names(config) if name in ("per_day", "log")) for config in found}
    expected = {()} | ({("per_day",)} if has_unequal_lengths else set()) | ({("log",)} if positive else set())
    if positive and has_unequal_lengths:
        expected.add(("per_day", "log"))
    assert first == expected
    assert len({str(config) for config in found}) == len(found)
    for config in found:  # all of them can be fitted to such a series
        Chain([dict(part) for part in config]).fit(y, index)


def test_candidates_have_seasons_where_there_is_one():
    found = candidates([data(np.arange(60.0))], 12)
    assert ({"name": "difference", "lag": 12},) in found
    assert {part["period"] for config in found for part in config if "period" in part} == {None, 12}
    without = candidates([data(np.arange(60.0))], 1)
    assert {part["period"] for config in without for part in config if "period" in part} == {None}
    assert {part["trend"] for config in without for part in config if "trend" in part} == {None, "add", "damped"}
    assert all(part["lag"] == 1 for config in without for part in config if "lag" in part)


@pytest.mark.parametrize(
    ("length", "period", "lags"), [(200, 12, 25), (60, 12, 12), (200, 1, 8), (20, 1, 4), (6, 1, 1)]
)
def test_candidates_look_back_as_far_as_the_shortest_series_allows(length, period, lags):
    found = candidates([data(np.arange(300.0)), data(np.arange(float(length)))], period)
    assert {part["lags"] for config in found for part in config if "lags" in part} == {lags}


def test_one_negative_series_keeps_the_logarithm_from_all():
    found = candidates([data(np.arange(1.0, 61)), data(np.arange(-5.0, 55))], 12)
    assert not any("log" in names(config) for config in found)


def test_a_season_and_a_trend_are_smoothed():
    best = choose_transforms([data(seasonal())], 12, 12, most=1)[0]
    last = best.config[-1]
    assert (last["name"], last["period"]) == ("exponential_smoothing", 12)
    assert best.score < 0.5  # of the differences from year to year


def test_a_cycle_is_regressed_on_its_past():
    best = choose_transforms([data(cycle(), pd.RangeIndex(160))], 1, 6, most=1)[0]
    assert names(best.config)[-1] == "autoregression"


def test_growth_in_percent_takes_the_logarithm():
    rng = np.random.default_rng(3)
    t = np.arange(120)
    y = np.exp(2 + 0.03 * t + 0.5 * np.sin(2 * np.pi * t / 12) + 0.02 * rng.normal(size=120))
    assert "log" in names(choose_transforms([data(y)], 12, 12, most=1)[0].config)


def test_the_score_is_that_of_forecasts_from_what_lies_before_each_origin(monkeypatch):
    """Computed by hand for the last value plus the mean growth."""
    monkeypatch.setattr(selection, "candidates", lambda series, period, n_held_out: [DIFFERENCE])
    y, horizon, period = seasonal(100), 3, 4
    choice = choose_transforms([data(y)], period, horizon, most=5)
    of_starts = []
    for start in (50, 100 - 6 * 4, 100 - 4 * 4):
        errors = []
        for origin in np.unique(np.linspace(start, 99, 24).astype(int)):
            ahead = y[origin : origin + horizon]
            errors += list(ahead - y[origin - 1] - np.diff(y[:start]).mean() * np.arange(1, len(ahead) + 1))
        of_starts.append(np.sqrt(np.mean(np.square(errors))))
    unit = np.sqrt(np.mean((y[4:] - y[:-4]) ** 2))
    assert [each.config for each in choice] == [DIFFERENCE]
    assert choice[0].score == pytest.approx(np.exp(np.mean(np.log(of_starts))) / unit, rel=1e-9)


def test_every_candidate_is_judged_by_forecasts_of_its_whole_chain():
    y, index = np.exp(seasonal(90) / 20), pd.date_range("2001-01", periods=90, freq="MS")
    for config in candidates([data(y, index)], 12):
        chain = fitted_chain(config, y[:60], index[:60])
        expected = []
        for origin in np.unique(np.linspace(60, 89, 24).astype(int)):
            steps = slice(origin, origin + 5)
            _, tail = chain.apply(y[:origin], index[:origin])
            expected += list(y[steps] - chain.undo(np.zeros(len(y[steps])), tail, index[steps]))
        np.testing.assert_allclose(selection._rolling_errors(config, y, index, 60, 5), expected, rtol=1e-9, atol=1e-9)


def test_better_chains_count_more_and_bad_ones_not_at_all():
    found = choose_transforms([data(seasonal(noise=6.0))], 12, 12, most=5)
    assert 1 < len(found) <= 5
    scores = np.array([choice.score for choice in found])
    weights = np.array([choice.weight for choice in found])
    assert (np.diff(scores) >= 0).all()
    assert scores[-1] <= 1.5 * scores[0]
    sharpness = 3 * np.sqrt(120 / 12)  # ten seasons
    np.testing.assert_allclose(weights, np.exp(-sharpness * (scores / scores[0] - 1)) * weights[0], rtol=1e-9)
    assert weights.sum() == pytest.approx(1)
    fewer = choose_transforms([data(seasonal(noise=6.0))], 12, 12, most=2)
    assert [choice.config for choice in fewer] == [choice.config for choice in found[:2]]


def test_longer_series_have_sharper_weights():
    """The same scores are more reliable as means of more forecasts."""
    found = [choose_transforms([data(np.tile(seasonal(60, noise=6.0), repeats))], 12, 12, most=5) for repeats in (2, 8)]
    slopes = []
    for choices in found:
        scores = np.array([choice.score for choice in choices])
        weights = np.array([choice.weight for choice in choices])
        slopes.append(np.log(weights[0] / weights[-1]) / (scores[-1] / scores[0] - 1))
    assert slopes == pytest.approx([3 * np.sqrt(10), 3 * np.sqrt(40)], rel=1e-6)


def test_near_copies_do_not_crowd_out_other_forecasts():
    """Months of positive values: each candidate occurs with and without logarithm, per month and per day."""
    found = choose_transforms([data(seasonal(noise=6.0))], 12, 12, most=5)
    kinds = [str([part for part in choice.config if part["name"] not in ("log", "per_day")]) for choice in found]
    assert len(found) == len(set(kinds)) > 1


def test_what_lies_behind_the_given_part_makes_no_difference():
    whole = seasonal(132)
    changed = whole.copy()
    changed[96:] = 1e6
    index = pd.date_range("2001-01-01", periods=132, freq="MS")
    found = [choose_transforms([data(y[:96], index[:96])], 12, 12, most=3) for y in (whole, changed)]
    assert found[0] == found[1]
    assert choose_transforms([data(changed, index)], 12, 12, most=3) != found[0]  # it would matter


def test_nothing_is_written_into_the_series():
    y = seasonal(60)
    before = y.copy()
    choose_transforms([data(y)], 12, 3, most=1)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(("length", "period"), [(1, 1), (3, 1), (7, 1), (20, 12)])
def test_short_series_get_their_differences(length, period):
    found = choose_transforms([data(seasonal(length))], period, 4, most=3)
    assert [(choice.config, choice.weight) for choice in found] == [(DIFFERENCE, 1.0)]
    assert math.isnan(found[0].score)


def test_a_chain_that_fails_on_one_series_is_left_out(monkeypatch):
    both = [({"name": "log"}, *DIFFERENCE), DIFFERENCE]
    monkeypatch.setattr(selection, "candidates", lambda series, period, n_held_out: both)
    series = [data(np.arange(1.0, 61)), data(np.r_[0.0, np.arange(1.0, 60)])]
    assert [choice.config for choice in choose_transforms(series, 1, 3, most=3)] == [DIFFERENCE]


def test_many_series_are_judged_by_some_of_them(monkeypatch):
    seen = []
    monkeypatch.setattr(selection, "candidates", lambda series, period, n_held_out: [DIFFERENCE])
    monkeypatch.setattr(selection, "_error", lambda config, series, *_: seen.append(series) or 1.0)
    series = [data(seasonal(40, seed=seed)) for seed in range(50)]
    choose_transforms(series, 12, 3, most=1)
    assert 6 <= len(seen) <= 12
    assert seen[0] is series[0]
    assert seen[-1] in series[40:]
