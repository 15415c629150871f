"""The fraction of the networks' corrections that is applied: the one that forecasts the held-out part best."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.forecast import fitting
from kerazoo.forecast.chain_networks import best_correction


class Nets:
    """A network with one weight, the factor of its corrections."""

    n_members = 1

    def __init__(self):
        self.weight = np.ones(1)

    def values_of(self, members):
        return [self.weight.copy()]

    def shrunk(self, values, factor):
        return [value * factor for value in values]

    def assign(self, values):
        self.weight = values[0]


def chosen(loss_of, min_gain=0.05, n_apart=4.0):
    """The returned weight, the one that the networks end with, and the losses that are kept.

    `loss_of` maps a weight to the losses by origin.
    """
    nets = Nets()
    errors = [(0, np.sqrt(loss_of(1.0)))]
    weight, kept = best_correction(
        nets, errors,
        errors_of=lambda: [(0, np.sqrt(loss_of(float(nets.weight[0]))))],
        losses=lambda found: np.square(found[0][1]),
        n_apart=n_apart, min_gain=min_gain,
    )  # fmt: skip
    return weight, float(nets.weight[0]), np.square(kept[0][1])


def constant(by_weight):
    return lambda weight: np.full(4, by_weight[weight])


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({0.0: 1.0, 0.25: 0.9, 0.5: 0.8, 0.75: 0.7, 1.0: 0.6}, 1.0),
        ({0.0: 1.0, 0.25: 0.9, 0.5: 0.7, 0.75: 0.8, 1.0: 1.2}, 0.5),
        ({0.0: 1.0, 0.25: 0.96, 0.5: 0.97, 0.75: 1.0, 1.0: 1.1}, 0.0),  # a gain of less than 5 %
        ({0.0: 1.0, 0.25: 1.1, 0.5: 1.2, 0.75: 1.3, 1.0: 1.4}, 0.0),
        ({0.0: 1.0, 0.25: 0.9, 0.5: 0.8, 0.75: np.nan, 1.0: np.inf}, 0.5),  # divergent paths
        ({0.0: 1.0, 0.25: np.nan, 0.5: np.nan, 0.75: np.nan, 1.0: np.nan}, 0.0),
    ],
)
def test_the_weight_that_forecasts_best_is_used(losses, expected):
    weight, left, kept = chosen(constant(losses))
    assert (weight, left) == (expected, expected)
    np.testing.assert_allclose(kept, losses[expected])


def test_a_gain_within_its_standard_error_is_chance():
    """One of four origins has all of the gain: its standard error over two separate forecasts exceeds the mean."""

    def loss_of(weight):
        return np.array([1.0, 1.0, 1.0, 1.0 - 0.8 * weight])

    assert chosen(loss_of, n_apart=2.0)[0] == 0.0
    assert chosen(loss_of, n_apart=4.0)[0] == 1.0  # 0.2 against 0.346 / 2
    assert chosen(loss_of, min_gain=0.0, n_apart=2.0)[0] == 1.0  # any gain counts


def test_losses_are_up_to_the_horizon_and_in_units_of_their_series():
    errors = [(0, np.array([1.0, 3.0, 100.0])), (1, np.array([20.0]))]
    np.testing.assert_allclose(fitting._losses(errors, np.array([1.0, 10.0]), 2), [5.0, 4.0])
