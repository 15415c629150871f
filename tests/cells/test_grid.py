"""Properties of Grid LSTMs, and the validation of their arguments."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent, cell_info, make_cell
from kerazoo.cells.base import droppable_states
from kerazoo.errors import InvalidArgumentError
from tests.cells.test_contract import UNITS, F, expected, series, some_states, weights_of
from tests.helpers.speed import slow_on_jax_marks
from tests.references.cells import sigmoid

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]


def made(name, scale=1.0, **options):
    """A cell with these options and random weights, so that zero biases cannot hide errors."""
    keras.utils.set_random_seed(3)
    cell = make_cell(name, UNITS, **options)
    cell.build((None, F))
    rng = np.random.default_rng(0)
    for weight in cell.weights:
        value = ops.convert_to_numpy(weight)
        weight.assign(value + scale * rng.normal(0, 0.3, value.shape))
    return cell


def agrees(name, **options):
    """The cell with these options, random weights and states, equals its equations."""
    cell = made(name, **options)
    sequences, states = series(), some_states(cell)
    outputs, last = expected(name, cell, sequences, states)
    got = Recurrent(cell, return_sequences=True, return_state=True)(sequences, initial_state=states)
    for found, right in zip(got, [outputs, *last], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), right, rtol=1e-5, atol=1e-5)
    return cell


@pytest.mark.parametrize("name", ["grid1lstm", "grid2lstm", "grid3lstm"])
@pytest.mark.parametrize("options", [{"shared": True}, {"activation": "sigmoid"}, {"forget_bias": -1.0}])
def test_options_equal_the_equations(name, options):
    agrees(name, **options)


@pytest.mark.parametrize("name", ["grid2lstm", "grid3lstm"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_plain_layer_along_depth_equals_the_equations(name, shared):
    cell = agrees(name, depth_activation="relu", shared=shared)
    assert weights_of(cell)["kernel"].shape == (F, UNITS)  # there is no memory for the input to enter
    assert cell.get_config()["depth_activation"] == "relu"


def test_more_dimensions_than_have_a_name_equal_the_equations():
    cell = agrees("grid2lstm", dimensions=5)
    assert cell.state_size == [UNITS] * 8
    assert droppable_states(cell) == (0, 2, 4, 6)


def test_one_dimension_is_an_lstm_with_the_function_after_the_output_gate():
    cell = made("grid1lstm")
    w, sequences = weights_of(cell), series()
    from_input = w["kernel"] @ w["recurrent_kernel"][:UNITS]  # the projection and the gates' weights are one product
    h, m = np.zeros((2, len(sequences), UNITS))
    for t in range(sequences.shape[1]):
        a = sequences[:, t] @ from_input + h @ w["recurrent_kernel"][UNITS:] + w["bias"]
        u, f, o, c = np.split(a, 4, axis=-1)
        m = sigmoid(f) * m + sigmoid(u) * np.tanh(c)
        h = np.tanh(sigmoid(o) * m)
    np.testing.assert_allclose(ops.convert_to_numpy(Recurrent(cell)(sequences)), h, rtol=1e-5, atol=1e-5)


def test_depth_reads_the_new_hidden_vectors_and_time_the_old_ones():
    cell = made("grid2lstm")
    x, states = series()[:, 0], [ops.convert_to_numpy(state) for state in some_states(cell)]
    output, new_states = cell(x, states)
    h = ops.convert_to_numpy(new_states[0])
    w = weights_of(cell)
    h_in, m_in = np.split(x @ w["kernel"], 2, axis=-1)
    a = np.hstack([h_in, h]) @ w["depth_kernel"] + w["depth_bias"]
    u, f, o, c = np.split(a, 4, axis=-1)
    right = np.tanh(sigmoid(o) * (sigmoid(f) * m_in + sigmoid(u) * np.tanh(c)))
    np.testing.assert_allclose(ops.convert_to_numpy(output), right, rtol=1e-5, atol=1e-5)
    old = np.hstack([h_in, states[0]]) @ w["depth_kernel"] + w["depth_bias"]
    assert np.abs(old - a).max() > 1e-3


def test_shared_weights_are_fewer_and_keep_dimensions_of_time_equal():
    shared, own = made("grid3lstm", shared=True), made("grid3lstm")
    assert sorted(weights_of(shared)) == ["bias", "kernel", "recurrent_kernel"]
    assert shared.count_params() < own.count_params()
    for cell, alike in ((shared, True), (own, False)):
        _, h_1, m_1, h_2, m_2 = (ops.convert_to_numpy(x) for x in Recurrent(cell, return_state=True)(series()))
        assert np.array_equal(h_1, h_2) == np.array_equal(m_1, m_2) == alike


def test_forget_gates_of_every_dimension_start_open():
    cell = make_cell("grid3lstm", 2, forget_bias=0.5)
    cell.build((None, F))
    one = [0, 0, 0.5, 0.5, 0, 0, 0, 0]
    np.testing.assert_array_equal(weights_of(cell)["bias"], one * 2)
    np.testing.assert_array_equal(weights_of(cell)["depth_bias"], one)


def test_names_give_the_number_of_dimensions():
    assert [make_cell(f"grid{n}lstm", 2).dimensions for n in (1, 2, 3)] == [1, 2, 3]
    assert cell_info("gridlstm").name == "grid2lstm"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimensions": 0}, "dimensions=0; expected an integer >= 1"),
        ({"shared": 1}, "shared=1; expected True or False"),
        ({"forget_bias": None}, "forget_bias=None; expected a finite number"),
        ({"dimensions": 1, "depth_activation": "relu"}, "depth_activation='relu'; expected None"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_cell("grid2lstm", UNITS, **options)
