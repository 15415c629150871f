"""How much of what nets have learned is used: as much as bettered forecasts of several steps of what was held out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from kerazoo.forecast import fitting


class Nets:
    """A net of one weight, whose corrections are `share` of what was learned."""

    n_members = 1

    def __init__(self):
        self.weight = np.ones(1)

    def values_of(self, members):
        return [self.weight.copy()]

    def shrunk(self, values, share):
        return [value * share for value in values]

    def assign(self, values):
        self.weight = values[0]


def chosen(loss_of, min_gain=0.05, n_apart=4.0):
    """(share, share that the nets were left with, losses that were kept); `loss_of` gives losses by origin."""
    nets = Nets()
    errors = [(0, np.sqrt(loss_of(1.0)))]
    share, kept = fitting._share(
        SimpleNamespace(nets=nets), errors,
        errors_of=lambda: [(0, np.sqrt(loss_of(float(nets.weight[0]))))],
        losses=lambda found: np.square(found[0][1]),
        n_apart=n_apart, min_gain=min_gain,
    )  # fmt: skip
    return share, float(nets.weight[0]), np.square(kept[0][1])


def constant(by_share):
    return lambda share: np.full(4, by_share[share])


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({0.0: 1.0, 0.25: 0.9, 0.5: 0.8, 0.75: 0.7, 1.0: 0.6}, 1.0),
        ({0.0: 1.0, 0.25: 0.9, 0.5: 0.7, 0.75: 0.8, 1.0: 1.2}, 0.5),
        ({0.0: 1.0, 0.25: 0.96, 0.5: 0.97, 0.75: 1.0, 1.0: 1.1}, 0.0),  # a gain of less than 5 %
        ({0.0: 1.0, 0.25: 1.1, 0.5: 1.2, 0.75: 1.3, 1.0: 1.4}, 0.0),
        ({0.0: 1.0, 0.25: 0.9, 0.5: 0.8, 0.75: np.nan, 1.0: np.inf}, 0.5),  # paths that ran away
        ({0.0: 1.0, 0.25: np.nan, 0.5: np.nan, 0.75: np.nan, 1.0: np.nan}, 0.0),
    ],
)
def test_the_share_that_forecasts_best_is_used(losses, expected):
    share, left, kept = chosen(constant(losses))
    assert (share, left) == (expected, expected)
    np.testing.assert_allclose(kept, losses[expected])


def test_a_gain_within_its_standard_error_is_chance():
    """One origin of four gains all of it: its standard error over two forecasts apart is larger than the mean."""

    def loss_of(share):
        return np.array([1.0, 1.0, 1.0, 1.0 - 0.8 * share])

    assert chosen(loss_of, n_apart=2.0)[0] == 0.0
    assert chosen(loss_of, n_apart=4.0)[0] == 1.0  # 0.2 against 0.346 / 2
    assert chosen(loss_of, min_gain=0.0, n_apart=2.0)[0] == 1.0  # any gain is asked for


def test_losses_are_up_to_the_horizon_and_in_units_of_their_series():
    errors = [(0, np.array([1.0, 3.0, 100.0])), (1, np.array([20.0]))]
    np.testing.assert_allclose(fitting._losses(errors, np.array([1.0, 10.0]), 2), [5.0, 4.0])
