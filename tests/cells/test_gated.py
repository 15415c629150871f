"""Properties of CIFG, MGU, UGRNN, +RNN and RAN, and the validation of their arguments."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent, cell_info, make_cell
from kerazoo.errors import InvalidArgumentError
from tests.cells.test_contract import F, expected, made, series, some_states, weights_of
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]


def agrees(name, **options):
    """The cell with these options, random weights and states, equals its equations."""
    cell = made(name, **options)
    sequences, states = series(), some_states(cell)
    outputs, last = expected(name, cell, sequences, states)
    got = Recurrent(cell, return_sequences=True, return_state=True)(sequences, initial_state=states)
    for found, right in zip(got, [outputs, *last], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), right, rtol=1e-5, atol=1e-5)
    return outputs


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cifg", {"peephole": True}),
        ("cifg", {"peephole": True, "activation": "relu"}),
        ("mgu", {"activation": "relu"}),
        ("ugrnn", {"activation": "sigmoid"}),
        ("intersection", {"activation": "sigmoid", "y_activation": "tanh"}),
        ("ran", {"activation": None}),
    ],
)
def test_options_equal_the_equations_and_change_the_output(name, options):
    assert np.abs(agrees(name, **options) - agrees(name)).max() > 1e-3


def test_peepholes_add_one_weight():
    assert set(weights_of(made("cifg", peephole=True))) - set(weights_of(made("cifg"))) == {"peephole_kernel"}


def test_intersection_projects_only_inputs_of_another_width():
    cell = make_cell("intersection", F)
    cell.build((None, F))
    assert set(weights_of(cell)) == {"kernel", "recurrent_kernel", "bias"}
    rng = np.random.default_rng(0)
    for weight in cell.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    sequences, states = series(), some_states(cell)
    outputs, _ = expected("intersection", cell, sequences, states)
    got = Recurrent(cell, return_sequences=True)(sequences, initial_state=states)
    np.testing.assert_allclose(ops.convert_to_numpy(got), outputs, rtol=1e-5, atol=1e-5)
    assert {"projection_kernel", "projection_bias"} <= set(weights_of(made("intersection")))


def test_an_open_gate_of_depth_carries_the_input_through():
    cell = make_cell("intersection", F, forget_bias=30.0)
    x = series()[:, 0]
    y, (h,) = cell(x, [np.full((len(x), F), 0.25, "float32")])
    np.testing.assert_allclose(ops.convert_to_numpy(y), x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(h), 0.25, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "bias"),
    [("cifg", [2, 0, 0]), ("ugrnn", [2, 0]), ("intersection", [2, 0, 2, 0])],
)
def test_forget_bias_is_where_the_gates_start(name, bias):
    units, bias = 3, np.repeat(bias, 3)
    for options, right in (({"forget_bias": 2, "bias_initializer": "ones"}, bias + 1), ({}, bias / 2)):
        cell = make_cell(name, units, **options)
        cell.build((None, F))
        np.testing.assert_array_equal(weights_of(cell)["bias"], right)


def test_the_memory_of_ran_is_a_weighted_sum_of_linear_inputs():
    cell = made("ran")
    kernel = weights_of(cell)["kernel"][:, : cell.units]
    x = series()[:, 0]
    c = ops.convert_to_numpy(cell(x, cell.get_initial_state(batch_size=len(x)))[1][1])
    share = c / (x @ kernel)
    assert (share > 0).all()
    assert (share < 1).all()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cifg", {"peephole": "yes"}, "peephole='yes'; expected True or False"),
        ("cifg", {"forget_bias": None}, "forget_bias=None; expected a finite number"),
        ("ugrnn", {"forget_bias": float("nan")}, "forget_bias=nan; expected a finite number"),
        ("intersection", {"forget_bias": "1"}, "forget_bias='1'; expected a finite number"),
        ("mgu", {"peephole": True}, "option of mgu='peephole'; expected one of"),
    ],
)
def test_arguments_that_are_refused(name, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_cell(name, 3, **options)


def test_aliases_lead_to_the_cells():
    assert cell_info("plusrnn").name == cell_info("intersectionrnn").name == "intersection"
    assert cell_info("coupledlstm").name == "cifg"
