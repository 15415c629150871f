"""Limits of RG-LRU and Mamba: closed gates keep the state; arguments out of range are refused."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent, make_cell
from kerazoo.errors import InvalidArgumentError
from tests.helpers.autodiff import gradients
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

B, F, UNITS = 2, 3, 4


def series(steps):
    return np.random.default_rng(0).normal(size=(B, steps, F)).astype("float32")


def closed(name):
    """A cell whose recurrence gate (RG-LRU) or step size (Mamba) is zero."""
    cell = make_cell(name, UNITS)
    cell.build((None, F))
    if name == "rglru":
        cell.kernel.assign(np.zeros(cell.kernel.shape))
        cell.bias.assign(np.repeat([-200.0, 0.0], UNITS))
    else:
        cell.step_kernel.assign(np.zeros(cell.step_kernel.shape))
        cell.step_bias.assign(np.full(UNITS, -200.0))
    return cell


@pytest.mark.parametrize("name", ["rglru", "mamba"])
@pytest.mark.parametrize("parallel", [False, True])
def test_a_closed_gate_keeps_the_state_and_has_finite_gradients(name, parallel):
    cell = closed(name)
    state = np.random.default_rng(1).normal(size=(B, cell.state_size[0])).astype("float32")
    layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(series(5), initial_state=[state])[1]), state)
    found = gradients(lambda: ops.sum(layer(series(5), initial_state=[state])[0] ** 2), cell.trainable_weights)[1]
    assert all(np.isfinite(gradient).all() for gradient in found)


def test_rglru_starts_with_the_decays_of_the_paper():
    cell = make_cell("rglru", 500)
    cell.build((None, F))
    logit = ops.convert_to_numpy(cell.decay_logit).astype("float64")
    decay = (1 / (1 + np.exp(-logit))) ** 8
    assert 0.899 < decay.min() < 0.91
    assert 0.99 < decay.max() < 0.9991


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rglru", {"decay_max": 1.0}, "expected 0 < decay_min <= decay_max < 1"),
        ("mamba", {"state_units": 0}, "state_units=0; expected an integer >= 1"),
        ("mamba", {"dt_min": 0.2}, "expected a number up to dt_max"),
    ],
)
def test_arguments_out_of_range_are_refused(name, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_cell(name, UNITS, **options)
