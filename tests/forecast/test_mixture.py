"""The weights of networks and statistics in a forecast."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.forecast.mixture import GRID, extended, mixed, network_weights, usual_weight

H = 6


def errors(n, sizes, others, seed=0):
    """Held-out values, and forecasts of both with independent errors of these sizes for each step."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(100, 10, (n, 1, H))
    return truth, truth + rng.normal(size=(n, 1, H)) * sizes, truth + rng.normal(size=(n, 1, H)) * others, np.ones(n)


def test_equal_errors_have_equal_weights():
    weights = network_weights(*errors(1000, 1.0, 1.0))
    assert np.abs(weights - 0.5).max() < 0.08


def test_the_better_one_has_more_weight_for_each_step():
    better = np.linspace(0.4, 2.5, H)
    weights = network_weights(*errors(2000, 1.0, better))
    assert (np.diff(weights) <= 0).all()
    assert weights[0] > 0.55
    assert weights[-1] < 0.45


def test_useless_networks_are_left_out():
    truth, statistics, networks, scale = errors(500, 1.0, 20.0)
    np.testing.assert_array_equal(network_weights(truth, statistics, networks, scale), 0.0)
    np.testing.assert_array_equal(network_weights(truth, truth, networks, scale), 0.0)
    np.testing.assert_array_equal(network_weights(truth, statistics, np.full_like(truth, np.nan), scale), 0.0)


def test_few_series_trust_networks_less():
    assert usual_weight(2) < 0.05 < usual_weight(10) < usual_weight(1000) < 0.5
    few, many = (network_weights(*errors(n, 1.0, 1.0, seed=3)).mean() for n in (15, 1500))
    assert few < many


def test_min_gain_asks_for_evidence():
    equal = errors(200, 1.0, 1.0)
    assert network_weights(*equal, min_gain=0.05).any()  # the mean of both has smaller errors than each
    np.testing.assert_array_equal(network_weights(*equal, min_gain=0.5), 0.0)


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 1e308])
def test_odd_values_change_little(spoil):
    truth, statistics, networks, scale = errors(400, 1.0, 1.0)
    usual = network_weights(truth, statistics, networks, scale)
    networks[0], truth[1, 0, 2:], statistics[2, 0, 0] = spoil, np.nan, spoil
    found = network_weights(truth, statistics, networks, scale)
    assert np.isin(found, GRID).all()
    assert np.abs(found - usual).max() < 0.2


def test_scales_of_series_do_not_matter():
    truth, statistics, networks, scale = errors(300, 1.0, 0.5)
    factor = 10.0 ** (np.arange(300) % 7)
    large = [each * factor[:, None, None] for each in (truth, statistics, networks)]
    np.testing.assert_array_equal(
        network_weights(*large, scale * factor), network_weights(truth, statistics, networks, scale)
    )


def test_where_networks_have_no_forecast_it_is_that_of_the_statistics():
    statistics, networks = np.array([[1.0, 2.0], [3.0, -4.0]]), np.array([[3.0, 4.0], [np.nan, np.nan]])
    weights = np.array([0.5, 0.25])
    np.testing.assert_array_equal(mixed(statistics, networks, weights), [[2.0, 2.5], [3.0, -4.0]])


def test_weights_of_further_steps():
    weights = np.array([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(extended(weights, 5), [0.1, 0.2, 0.3, 0.3, 0.3])
    np.testing.assert_array_equal(extended(weights, 2), [0.1, 0.2])
