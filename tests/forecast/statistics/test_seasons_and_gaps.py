"""Several seasons, seasons of non-integer length, and gaps: what they do to forecasts of generated series."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.forecast.statistics import combine, fit_statistics
from tests.forecast.statistics.helpers import monthly, odd_series

WEEKS = 365.25 / 7


def hourly(n, seed):
    """A day of any shape, the level of each day of the week, and autocorrelated noise."""
    rng = np.random.default_rng(seed)
    day, week, noise = 2 * rng.normal(size=24).cumsum(), np.repeat(3 * rng.normal(size=7), 24), rng.normal(size=n)
    for t in range(1, n):
        noise[t] = 0.7 * noise[t - 1] + 0.5 * noise[t]
    return 60 + np.resize(day - day.mean(), n) + np.resize(week, n) + noise


def weekly(n, seed):
    """A year with a peak of some weeks, as before Christmas."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(n) / WEEKS + rng.uniform(0, 6)
    peak = 40 * np.exp(-(((np.mod(phase, 2 * np.pi) - 3) / 0.25) ** 2))
    return 100 + 15 * np.sin(phase) + peak + 0.02 * np.arange(n) + 2 * rng.normal(size=n)


def mean_errors(series, period, horizon, **options):
    """Mean absolute error of each series in its last steps, which are not fitted."""
    found = combine(fit_statistics([y[:-horizon] for y in series], period, horizon, **options))
    return np.abs(found - [y[-horizon:] for y in series]).mean(axis=1)


def test_a_day_and_a_week_beat_the_day():
    series = [hourly(24 * 7 * 5, seed) for seed in range(3)]
    both, day, week = (mean_errors(series, period, 168, n_origins=1) for period in ([24, 168], 24, 168))
    assert (both < 0.5 * day).all()
    assert (both < 1.1 * week).all()  # which holds the day too, where there are enough weeks


def test_a_year_of_weeks_beats_fifty_two_weeks():
    series = [weekly(52 * 9, seed) for seed in range(4)]
    year, whole = (mean_errors(series, period, 52, n_origins=1) for period in (WEEKS, 52))
    assert (year < 0.85 * whole).all()


def without(y, share, blocks, rng):
    """The series without some of its values, at random or in blocks of up to a twentieth of it."""
    y, count = y.copy(), int(share * len(y))
    if not blocks:
        y[rng.permutation(len(y))[:count]] = np.nan
    while np.isnan(y).sum() < count:
        first = rng.integers(len(y))
        y[first : first + rng.integers(2, max(4, len(y) // 20))] = np.nan
    return y


KINDS = {
    "months": (lambda n, seed: monthly(n, seed=seed), 132, 12, 12, 8),
    "hours": (hourly, 24 * 7 * 4 + 48, [24, 168], 48, 2),
    "weeks": (weekly, 52 * 6, WEEKS, 26, 4),
}


@pytest.mark.parametrize("blocks", [False, True], ids=["random", "blocks"])
@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_with_gaps_stay_close_to_those_of_the_complete_series(kind, blocks):
    make, n, period, horizon, count = KINDS[kind]
    rng = np.random.default_rng(1)
    series = [make(n, seed) for seed in range(count)]
    shares = (0.0, 0.05, 0.1, 0.2)
    gappy = [without(y[:-horizon], share, blocks, rng) for share in shares for y in series]
    found = fit_statistics(gappy, period, horizon, n_origins=2)
    forecasts = combine(found).reshape(len(shares), count, horizon)
    truth = np.array([y[-horizon:] for y in series])
    errors = np.abs(forecasts - truth).mean(axis=(1, 2))
    moved = np.abs(forecasts[1:] - forecasts[0]).mean(axis=2) / np.array([y.std() for y in series])
    assert (moved.max(axis=1) < [0.08, 0.12, 0.15]).all(), moved
    assert (errors[1:] < 1.1 * errors[0]).all(), errors
    possible = found.possible.reshape(len(shares), count, -1)
    assert (possible == possible[0]).all()  # no candidate is lost


@pytest.mark.parametrize(
    ("y", "period"), [(monthly(60), 12), (weekly(200, 1), WEEKS), (np.cumsum(np.arange(30.0) % 7), 1)]
)
@pytest.mark.parametrize("n_missing", [1, 9, 30])
def test_what_is_missing_at_the_ends_is_cut_off(y, period, n_missing):
    """Forecasts from the last known value on; those of the steps that are missing are left out."""
    horizon = 20
    gap = np.full(n_missing, np.nan)
    whole = fit_statistics([y], period, horizon + n_missing, n_origins=0, fitted=True)
    found = fit_statistics([np.r_[y, gap], np.r_[gap, y], np.r_[gap, y, gap]], period, horizon, fitted=True)
    assert np.isfinite(found.forecasts[:, whole.possible[0]]).all()
    assert np.isfinite(combine(found)).all()
    # Fits from the first origin on end within the tolerance of the search.
    size = np.ptp(y)
    later, sooner = whole.forecasts[0][:, n_missing:], whole.forecasts[0][:, :horizon]
    for place, expected in enumerate((later, sooner, later)):
        np.testing.assert_allclose(found.forecasts[place] / size, expected / size, atol=0.01, rtol=0)
    n = len(y)
    np.testing.assert_allclose(found.fitted[:, :n] / size, whole.fitted / size, atol=0.05, rtol=0)
    np.testing.assert_allclose(
        found.fitted[:, n : n + n_missing] / size, whole.forecasts[0][:, :n_missing] / size, atol=0.01, rtol=0
    )


def test_series_of_any_kind_that_begin_or_end_with_gaps_have_finite_forecasts():
    rng = np.random.default_rng(7)
    for period in (1, 4, [4, 12], 5.3):
        series = []
        for _ in range(300):
            gaps = (np.full(rng.integers(0, 40), np.nan) for _ in range(2))
            series.append(np.r_[next(gaps), odd_series(rng), next(gaps)])
        found = fit_statistics(series, period, 7, fitted=True)
        assert np.isfinite(combine(found)).all()
        assert (np.isfinite(found.forecasts).all(axis=2) == found.possible).all()
        assert found.possible[:, [found.names.index(name) for name in ("naive", "mean")]].all()
        assert not np.isinf(found.fitted).any()
        assert np.isfinite(found.scale).all()
