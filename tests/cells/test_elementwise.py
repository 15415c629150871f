"""Properties of IndRNN, SRU and QRNN, and the validation of their arguments."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent, make_cell
from kerazoo.cells.families.elementwise import IndRNNCell, QRNNCell, SRUCell
from kerazoo.errors import InvalidArgumentError
from tests.cells.test_contract import UNITS, B, F, T, expected, made, series, some_states, weights_of
from tests.helpers.speed import slow_on_jax_marks
from tests.references.cells.elementwise import qrnn_of_inputs

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

MASK = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1]], bool)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("indrnn", {"activation": "tanh", "recurrent_clip": 0.5}),
        ("sru", {"activation": None, "highway_scale": True, "highway_bias": -2.0}),
        ("sru", {"peephole": True}),
        ("qrnn", {"window": 1}),
        ("qrnn", {"window": 1, "pooling": "f"}),
        ("qrnn", {"pooling": "f"}),
        ("qrnn", {"window": 3, "activation": "relu"}),
        ("qrnn", {"window": 4, "pooling": "ifo"}),
    ],
)
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_options_equal_the_equations_in_every_form(name, options, mask):
    cell = made(name, **options)
    sequences, states = series(), some_states(cell)
    outputs, last = expected(name, cell, sequences, states, mask)
    for parallel in (False, True) if cell.linear else (False,):
        layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
        got = layer(sequences, initial_state=states, mask=mask)
        for found, right in zip(got, [outputs, *last], strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(found), right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("indrnn", {"recurrent_clip": 0.5}),
        ("sru", {"peephole": True, "highway_scale": True, "highway_bias": -1.0, "activation": None}),
        ("qrnn", {"window": 3, "pooling": "ifo"}),
    ],
)
def test_options_come_back_from_the_configuration(name, options):
    cell = make_cell(name, UNITS, **options)
    config = keras.saving.serialize_keras_object(cell)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    assert again.linear == cell.linear
    assert again.state_size == cell.state_size


# IndRNN


def test_units_of_indrnn_do_not_see_each_other():
    cell = made("indrnn", activation="tanh")
    x = series()[:, 0]
    h = np.zeros((B, UNITS), "float32")
    before = ops.convert_to_numpy(cell(x, [h])[0])
    h[:, 1] = 1
    changed = np.abs(ops.convert_to_numpy(cell(x, [h])[0]) - before).max(axis=0) > 0
    assert changed.tolist() == [False, True, False, False]


def test_recurrent_clip_holds_after_an_update_and_at_the_start():
    cell = IndRNNCell(64, recurrent_clip=0.25)
    cell.build((None, F))
    start = ops.convert_to_numpy(cell.recurrent_kernel)
    assert 0 <= start.min() < start.max() <= 0.25
    kept = cell.recurrent_kernel.constraint(np.array([-3.0, 0.1, 3.0], "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(kept), [-0.25, 0.1, 0.25])
    model = keras.Sequential([keras.Input((T, F)), Recurrent(cell)])
    model.compile(keras.optimizers.SGD(100.0), "mse")
    model.fit(series(), np.full((B, 64), 5, "float32"), epochs=1, verbose=0)
    moved = ops.convert_to_numpy(cell.recurrent_kernel)
    assert np.abs(moved - start).max() > 0.01
    assert np.abs(moved).max() <= 0.25


def test_a_constraint_of_ones_own_is_used():
    cell = IndRNNCell(3, recurrent_constraint="non_neg")
    cell.build((None, F))
    assert isinstance(cell.recurrent_kernel.constraint, keras.constraints.NonNeg)
    start = ops.convert_to_numpy(cell.recurrent_kernel)
    assert start.min() >= 0
    assert start.max() <= 1


# SRU


def test_sru_with_peepholes_has_no_parallel_form():
    cell = SRUCell(UNITS, peephole=True)
    with pytest.raises(InvalidArgumentError, match="peephole=True makes the gates of SRUCell read its memory"):
        Recurrent(cell, parallel=True)
    cell.build((None, F))
    with pytest.raises(NotImplementedError):
        cell.parallel_call(series(), cell.get_initial_state(batch_size=B))
    assert Recurrent(cell)(series(steps=64)).shape == (B, UNITS)
    assert SRUCell.linear
    assert SRUCell(UNITS).linear


def test_sru_projects_only_inputs_of_another_width():
    cell = SRUCell(F, highway_scale=True, highway_bias=-3.0)
    cell.build((None, F))
    assert cell.kernel.shape == (F, 3 * F)
    assert made("sru").kernel.shape == (F, 4 * UNITS)
    np.testing.assert_array_equal(weights_of(cell)["bias"], [0.0] * F + [-3.0] * F)
    sequences, states = series(), [np.full((B, F), 0.3, "float32")]
    outputs, last = expected("sru", cell, sequences, states)
    for parallel in (False, True):
        layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
        for found, right in zip(layer(sequences, initial_state=states), [outputs, *last], strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(found), right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("highway_bias", [0.0, -3.0])
def test_highway_scale_keeps_the_variance_of_a_deep_stack(highway_bias):
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(0).normal(size=(8, 32, 64)).astype("float32")
    ratios = []
    for scaled in (True, False):
        h = x
        for _ in range(4):
            cell = SRUCell(64, activation=None, highway_scale=scaled, highway_bias=highway_bias)
            h = Recurrent(cell, return_sequences=True, parallel=True)(h)
        ratios.append(float(np.var(ops.convert_to_numpy(h)) / np.var(x)))
    assert abs(np.log(ratios[0])) < 0.5 * abs(np.log(ratios[1]))


# QRNN


@pytest.mark.parametrize("window", [1, 2, 3, T + 2])
@pytest.mark.parametrize("pooling", ["f", "fo", "ifo"])
@pytest.mark.parametrize("parallel", [False, True])
def test_qrnn_equals_a_masked_convolution_of_its_inputs(window, pooling, parallel):
    cell = made("qrnn", window=window, pooling=pooling)
    got = Recurrent(cell, return_sequences=True, parallel=parallel)(series())
    right = qrnn_of_inputs(weights_of(cell), series().astype("float64"), cell.get_config())
    np.testing.assert_allclose(ops.convert_to_numpy(got), right, rtol=1e-5, atol=1e-5)


def test_the_kernel_of_qrnn_is_that_of_a_causal_convolution():
    cell = made("qrnn", window=3, pooling="f", activation=None)
    convolution = keras.layers.Conv1D(2 * UNITS, 3, padding="causal")
    convolution.build((None, T, F))
    convolution.set_weights(cell.get_weights())
    z, f = np.split(ops.convert_to_numpy(convolution(series())), 2, axis=-1)
    first = ops.convert_to_numpy(Recurrent(cell, return_sequences=True)(series()))[:, 0]
    np.testing.assert_allclose(first, (1 - 1 / (1 + np.exp(-f[:, 0]))) * z[:, 0], rtol=1e-4, atol=1e-5)


def test_masked_steps_of_qrnn_do_not_enter_the_convolution():
    cell = made("qrnn", window=3)
    sequences = series()
    padded = np.concatenate([sequences[:, :2], 100 * np.ones((B, 2, F), "float32"), sequences[:, 2:]], axis=1)
    mask = np.array([[1, 1, 0, 0, 1, 1, 1, 1]] * B, bool)
    right = ops.convert_to_numpy(Recurrent(cell)(sequences))
    for parallel in (False, True):
        got = Recurrent(cell, parallel=parallel)(padded, mask=mask)
        np.testing.assert_allclose(ops.convert_to_numpy(got), right, rtol=1e-5, atol=1e-5)


def test_states_of_qrnn_are_known_before_it_is_built():
    assert QRNNCell(4, window=3).state_size == [4, 12, 12]
    assert QRNNCell(4, window=1).state_size == [4]
    assert QRNNCell(4, pooling="ifo").state_size == [4, 16]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("indrnn", {"recurrent_clip": 0}, "recurrent_clip=0; expected a finite number > 0"),
        ("indrnn", {"recurrent_clip": 1.0, "recurrent_constraint": "non_neg"}, "expected one of the two"),
        ("sru", {"peephole": 1}, "peephole=1; expected True or False"),
        ("sru", {"highway_scale": 2.0}, "highway_scale=2.0; expected True or False"),
        ("sru", {"highway_bias": 1000.0}, "highway_bias=1000.0; expected a finite number <= 80"),
        ("qrnn", {"window": 0}, "window=0; expected an integer >= 1"),
        ("qrnn", {"window": 2.0}, "window=2.0; expected an integer >= 1"),
        ("qrnn", {"pooling": "of"}, "pooling='of'; expected one of 'f', 'fo', 'ifo'"),
    ],
)
def test_arguments_that_are_refused(name, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_cell(name, 3, **options)
