"""Weights of candidates: what they must be, and that they find what is there to be found."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.statistics import Weights, combine, fit_statistics, weigh
from kerazoo.forecast.statistics.weights import LIKELIHOOD_RATES, USUAL, _least_squares, _panel_weights
from kerazoo_ext import _statistics
from tests.forecast.statistics.helpers import monthly, odd_series


def walks(n_series, n, seed=0):
    return np.cumsum(np.random.default_rng(seed).normal(size=(n_series, n)), axis=1) + 100


def noise(n_series, n, seed=0):
    return np.random.default_rng(seed).normal(size=(n_series, n)) + 100


def test_usual_weights_name_every_candidate():
    assert set(USUAL) == set(_statistics.CANDIDATES)
    assert np.sum(list(USUAL.values()), axis=0) == pytest.approx([1, 1], abs=0.08)


@pytest.mark.parametrize("options", [{}, {"by_step": True}, {"by_series": False}])
def test_weights_sum_to_one_over_possible_candidates(options):
    rng = np.random.default_rng(2)
    found = fit_statistics([odd_series(rng) for _ in range(30)] + [monthly(60)], 4, 5)
    weights = weigh(found, **options)
    np.testing.assert_allclose(weights.panel.sum(axis=0), 1)
    np.testing.assert_allclose(weights.by_series.sum(axis=1), 1)
    assert (weights.by_series >= 0).all()
    assert (weights.by_series[~found.possible] == 0).all()
    for rolled in (False, True):
        combined = combine(found, weights, rolled=rolled)
        candidates = found.rolled if rolled else found.forecasts
        known = np.isfinite(candidates).any(axis=-2)
        assert (np.isfinite(combined) == known).all()
        low, high = (
            np.where(np.isfinite(candidates), candidates, np.inf),
            np.where(np.isfinite(candidates), candidates, -np.inf),
        )
        slack = 1e-9 * np.abs(combined[known])
        assert (combined[known] >= low.min(axis=-2)[known] - slack).all()
        assert (combined[known] <= high.max(axis=-2)[known] + slack).all()


def test_the_panel_prefers_what_forecasts_it_best():
    found = fit_statistics(noise(60, 40), 1, 4)
    weights = weigh(found, by_series=False)
    assert weights.panel[found.names.index("mean")].min() > 3 * USUAL["mean"][1]
    assert weights.panel[found.names.index("naive")].max() < USUAL["naive"][1]
    other = weigh(fit_statistics(walks(60, 40), 1, 4), by_series=False)
    assert other.panel[found.names.index("naive")].min() > 2 * weights.panel[found.names.index("naive")].max()


def test_series_that_differ_get_weights_of_their_own():
    """Half of the panel are lines, half jump between two levels."""
    rng, t, h = np.random.default_rng(5), np.arange(60.0), 6
    lines = 100 + rng.choice([-1, 1], (40, 1)) * t + rng.normal(size=(40, 60))
    jumps = 100 + 5 * np.sign(np.sin(t / 3 + 6 * rng.random((40, 1)))) + rng.normal(size=(40, 60))
    series = np.concatenate([lines, jumps])
    found = fit_statistics(series[:, :-h], 1, h, n_origins=7)
    weights = weigh(found)
    assert weights.rate > 0
    holt = weights.by_series[:, found.names.index("holt")].mean(axis=1)
    assert holt[:40].mean() > 1.5 * holt[40:].mean()
    truth = series[:, -h:]
    own = np.abs(combine(found, weights) - truth).mean()
    panel = np.abs(combine(found, weigh(found, by_series=False)) - truth).mean()
    assert own < 0.95 * panel


def test_series_that_are_alike_share_their_weights():
    series = np.random.default_rng(7).normal(size=(60, 60)).cumsum(axis=1) + 100
    assert weigh(fit_statistics(series, 1, 6, n_origins=7)).rate <= 0.25


def test_without_evidence_the_weights_are_the_usual_ones():
    found = fit_statistics([monthly(30)], 12, 6, n_origins=0)
    weights = weigh(found)
    usual = np.array([USUAL[name][0] for name in found.names])
    np.testing.assert_allclose(weights.panel[:, 0], usual / usual.sum())
    own = usual * found.possible[0]
    np.testing.assert_allclose(weights.by_series[0, :, 0], own / own.sum())
    assert weights.rate == 0
    # One origin shows nothing of how far a series' own errors last.
    assert weigh(fit_statistics(noise(5, 30), 1, 4, n_origins=1)).rate == 0


def test_units_do_not_matter():
    series = [monthly(60, seed=k) for k in range(5)]
    one = weigh(fit_statistics(series, 12, 6))
    other = weigh(fit_statistics([1e6 * y for y in series], 12, 6))
    np.testing.assert_allclose(one.by_series, other.by_series, rtol=1e-3, atol=1e-5)


def test_mean_and_median():
    found = fit_statistics([monthly(40), [3.0, 4.0]], 12, 3)
    for word, function in (("mean", np.nanmean), ("median", np.nanmedian)):
        np.testing.assert_allclose(combine(found, word), function(found.forecasts, axis=1))
        rolled = combine(found, word, rolled=True)
        np.testing.assert_allclose(rolled[0], function(found.rolled[0], axis=1))
        assert np.isnan(rolled[1]).all()
    with pytest.raises(InvalidArgumentError, match="weights='best'; expected 'mean', 'median'"):
        combine(found, "best")


def test_weights_are_values_that_may_be_made_by_hand():
    found = fit_statistics([monthly(40)], 12, 3)
    only = np.zeros((1, len(found.names), 3))
    only[:, found.names.index("theta")] = 1.0
    np.testing.assert_array_equal(
        combine(found, Weights(only[0], only, 0.0)), found.forecasts[:, found.names.index("theta")]
    )


def test_likelihood_is_left_out_where_it_does_not_help():
    assert LIKELIHOOD_RATES[0] == 0
    found = fit_statistics(noise(3, 30), 1, 3, n_origins=0)
    np.testing.assert_allclose(weigh(found).by_series, weigh(found, by_series=False).by_series, rtol=1e-12)


def test_the_solver_finds_the_minimum_on_the_simplex():
    rng = np.random.default_rng(0)
    for _ in range(20):
        root = rng.normal(size=(6, 6))
        matrix, vector = root @ root.T, rng.normal(size=6)
        best = _least_squares(matrix, vector, np.full(6, 1 / 6))
        assert best.sum() == pytest.approx(1)
        assert (best >= 0).all()
        value = best @ matrix @ best / 2 - vector @ best
        for _ in range(200):
            other = rng.dirichlet(np.full(6, 0.5))
            assert other @ matrix @ other / 2 - vector @ other >= value - 1e-6
    nearest = _least_squares(np.eye(3), np.array([0.5, 2.0, 1.9]), np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(nearest, [0, 0.55, 0.45], atol=1e-12)


def test_panel_weights_minimise_absolute_errors():
    rng = np.random.default_rng(1)
    errors = rng.standard_t(3, size=(50, 4, 3, 5)) * np.array([1.0, 2.0, 4.0])[:, None]
    usual = np.full(3, 1 / 3)
    weights = _panel_weights(errors, usual, 1e-6)

    def loss(w):
        return np.abs(np.einsum("skch,c->skh", errors, w)).mean()

    assert all(loss(weights) <= loss(rng.dirichlet(np.ones(3))) * 1.002 for _ in range(300))
    np.testing.assert_allclose(_panel_weights(errors, usual, 1e6), usual, atol=1e-3)


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(20, 2000, 20))])
def test_odd_panels_end_in_finite_forecasts(first):
    for seed in range(first, first + 20):
        rng = np.random.default_rng(seed)
        series = [odd_series(rng) for _ in range(rng.integers(1, 8))]
        period = [1, 4, 12, 5.3, (4, 12)][rng.integers(5)]
        found = fit_statistics(series, period, int(rng.integers(1, 15)), n_origins=int(rng.integers(5)), workers=1)
        weights = weigh(found, by_step=seed % 10 == 0)
        assert np.isfinite(weights.by_series).all(), seed
        combined = combine(found, weights)
        assert np.isfinite(combined).all(), seed
        largest = np.array([np.nanmax(np.abs(y)) for y in series])
        assert (np.abs(combined) <= 7.0001 * largest[:, None]).all(), seed
