"""Each kind of series looks like what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.forecast.generators import generate
from kerazoo.forecast.generators.grid import Grid
from kerazoo.forecast.generators.structural import lift, seasons_of, tame, trend_of

LENGTH = 240


def made(kind, period=12, **arguments):
    return generate(512, LENGTH, period, kind=kind, seed=11, **arguments)


def autocorrelation(y, lag):
    """Of each series that is not constant."""
    y = y[y.std(axis=1) > 1e-12]
    y = y - y.mean(axis=1, keepdims=True)
    return (y[:, lag:] * y[:, :-lag]).mean(axis=1) / (y**2).mean(axis=1)


def changes(y):
    return np.diff(np.log(y))


@pytest.mark.parametrize("period", [4, 12, 52])
def test_seasons_come_back(period):
    y = np.log(made("season", period))
    assert (autocorrelation(y, period) > 0.5).mean() > 0.75
    assert np.mean(autocorrelation(y, period)) > np.mean(autocorrelation(y, period // 2)) + 0.3


def test_structural_series_have_a_season_only_where_there_is_one():
    with_season, without = made("structural", 12), made("structural", 1)
    lagged = [np.median(autocorrelation(np.diff(y), 12)) for y in (with_season, without)]
    assert lagged[0] > 0.4
    assert abs(lagged[1]) < 0.1


def test_hours_have_days_and_weeks():
    y = np.diff(generate(512, 168 * 6, [24, 168], kind="structural", seed=1))
    day, week, other = (np.mean(autocorrelation(y, lag)) for lag in (24, 168, 84))
    assert week > day > other + 0.3


def test_trends_last_and_most_rise():
    y = np.log(made("trend"))
    assert np.median(autocorrelation(y, 1)) > 0.9
    assert 0.6 < (y[:, -24:].mean(axis=1) > y[:, :24].mean(axis=1)).mean() < 0.85


def test_walks_have_heavy_tails_and_volatility_that_lasts():
    d = changes(made("walk"))
    d = d / d.std(axis=1, keepdims=True)
    assert np.median((d**4).mean(axis=1)) > 4
    assert np.mean(autocorrelation(np.abs(d), 2)) > 0.05
    assert np.median(np.abs(autocorrelation(d, 3))) < 0.1


def test_noise_returns_to_its_mean():
    y = made("noise")
    halves = np.abs(y[:, : LENGTH // 2].mean(axis=1) - y[:, LENGTH // 2 :].mean(axis=1)) / y.std(axis=1)
    walk = made("walk")
    wander = np.abs(walk[:, : LENGTH // 2].mean(axis=1) - walk[:, LENGTH // 2 :].mean(axis=1)) / walk.std(axis=1)
    assert np.median(halves) < 0.3 < 0.8 < np.median(wander)
    assert 0.02 < (y < 0).any(axis=1).mean() < 0.5


def test_counts_and_orders_are_whole_and_orders_rare():
    counts, orders = made("counts"), made("intermittent")
    for y in (counts, orders):
        np.testing.assert_array_equal(y, np.rint(y))
        assert y.min() == 0
    assert np.median((orders == 0).mean(axis=1)) > 0.5
    assert np.median((counts == 0).mean(axis=1)) < 0.3


def test_events_are_far_from_the_rest():
    d = changes(made("events"))
    largest = np.abs(d).max(axis=1) / np.median(np.abs(d), axis=1)
    assert (largest > 10).mean() > 0.3
    assert (np.abs(changes(made("season", 4))).max(axis=1) > 0).all()


def test_exponential_smoothing_and_cycles_and_processes_differ_in_their_memory():
    one = {kind: np.median(autocorrelation(made(kind), 1)) for kind in ("ets", "cycle", "gaussian_process", "noise")}
    assert one["cycle"] > 0.7
    assert one["noise"] < 0.5
    assert 0.2 < one["ets"] < 0.95
    assert one["gaussian_process"] > 0.5


def test_a_date_moves_the_calendar_of_all_series():
    first = made("calendar", date="2020-01-01")
    same, other = made("calendar", date="2020-01-01"), made("calendar", date="2021-01-01")
    np.testing.assert_array_equal(first, same)
    effects = np.log(first[:, 12:]), np.log(other[:, :-12])  # the same months
    shared = [np.corrcoef(a, b)[0, 1] for a, b in zip(*effects, strict=True)]
    assert np.median(shared) > 0.8


def test_tamed_series_keep_their_shape():
    y = np.random.default_rng(1).normal(size=(5, 30)).cumsum(axis=1)
    small = tame(y, np.full(5, 1.0))
    np.testing.assert_allclose(np.ptp(small, axis=1), 1.0)
    np.testing.assert_allclose([np.corrcoef(a, b)[0, 1] for a, b in zip(y, small, strict=True)], 1.0)
    np.testing.assert_array_equal(tame(y, np.full(5, 100.0)), y)


def test_lifted_series_are_above_zero():
    y = np.random.default_rng(1).normal(size=(50, 30))
    lifted = lift(np.random.default_rng(1), y.copy(), share=1.0)
    assert lifted.min() > 0
    np.testing.assert_allclose(np.diff(lifted), np.diff(y))
    np.testing.assert_array_equal(lift(np.random.default_rng(1), y.copy(), share=0.0), y)


def test_long_trends_stay_in_their_range_and_are_not_all_lines():
    rng = np.random.default_rng(1)
    y = trend_of(rng, 500, 3000, Grid.of(1))
    assert np.ptp(y, axis=1).max() < 6.001
    line = np.arange(3000.0)
    straight = np.array([abs(np.corrcoef(row, line)[0, 1]) for row in y if row.std() > 0])
    assert (straight < 0.9).mean() > 0.3


def test_a_share_of_the_series_has_no_season():
    y = seasons_of(np.random.default_rng(1), 1000, 48, Grid.of(12), share=0.3)
    assert (y.std(axis=1) > 0).mean() == pytest.approx(0.3, abs=0.05)
    assert not seasons_of(np.random.default_rng(1), 10, 48, Grid.of(1)).any()


@pytest.mark.parametrize(
    ("period", "freq"),
    [(1, "YS"), (4, "QS"), (5, "B"), (7, "D"), (12, "MS"), (24, "h"), (52.18, "W"), ((24, 168), "h"), (10, None),
     (365.25, "D"), (12.5, None)],
)  # fmt: skip
def test_the_shortest_season_tells_the_frequency(period, freq):
    assert Grid.of(period).freq == freq
