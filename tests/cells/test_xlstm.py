"""Properties of sLSTM and mLSTM, and the validation of their arguments."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent, make_cell
from kerazoo.errors import InvalidArgumentError
from tests.cells.test_contract import UNITS, B, F, expected, series, some_states, weights_of
from tests.helpers.autodiff import gradients
from tests.helpers.speed import slow_on_jax_marks
from tests.references.cells import sigmoid

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(3)


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


def calm(steps, seed=1):
    """Sequences without the growing last feature, which would erase the memory of a long sequence."""
    return np.random.default_rng(seed).normal(size=(B, steps, F)).astype("float32")


def close(found, right, tolerance=1e-5):
    for one, other in zip(found, right, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("name", ["slstm", "mlstm"])
@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("forget_gate", ["sigmoid", "exp"])
def test_heads_and_forget_gates_equal_the_equations(name, heads, forget_gate):
    cell = made(name, heads=heads, forget_gate=forget_gate)
    sequences, states = calm(5), some_states(cell)
    outputs, last = expected(name, cell, sequences, states)
    # The mLSTM divides by |n q|, which is close to 0 for large outputs and amplifies rounding errors.
    amplified = max(1.0, float(np.abs(outputs).max()) / 10)
    for parallel in (False, True) if name == "mlstm" else (False,):
        layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
        found, *found_last = layer(sequences, initial_state=states)
        close([found], [outputs], 1e-5 * amplified)
        close(found_last, last)


def test_slstm_equals_its_equations_without_the_stabiliser():
    cell = made("slstm")
    sequences = calm(6)
    w = weights_of(cell)
    h, c, n = np.zeros((3, B, UNITS))
    for t in range(6):
        i, f, z, o = np.split(sequences[:, t] @ w["kernel"] + h @ w["recurrent_kernel"][0] + w["bias"], 4, axis=-1)
        c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
        n = sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
    got, _, *scaled, m = Recurrent(cell, return_state=True)(sequences)
    close([got, *(state * ops.exp(m) for state in scaled)], [h, c, n])


@pytest.mark.parametrize("parallel", [False, True])
def test_mlstm_equals_its_equations_without_the_stabiliser(parallel):
    cell = made("mlstm")
    sequences = calm(6)
    w, d = weights_of(cell), UNITS
    memory, n = np.zeros((B, d, d)), np.zeros((B, d))
    for t in range(6):
        product = sequences[:, t] @ w["kernel"]
        product[:, d : 2 * d] /= np.sqrt(d)
        q, k, v, o, i, f = np.split(product + w["bias"], [d, 2 * d, 3 * d, 4 * d, 4 * d + 1], axis=-1)
        memory = sigmoid(f)[..., None] * memory + np.exp(i)[..., None] * np.einsum("bi,bj->bij", v, k)
        n = sigmoid(f) * n + np.exp(i) * k
        below = np.maximum(np.abs(np.sum(n * q, axis=-1, keepdims=True)), 1)
        h = sigmoid(o) * np.einsum("bij,bj->bi", memory, q) / below
    got, matrix, row, m = Recurrent(cell, return_state=True, parallel=parallel)(sequences)
    close([got, matrix * ops.exp(m), row * ops.exp(m)], [h, memory.reshape(B, -1), n])


def with_gates(name, i, f):
    """A cell whose gates have these inputs, whatever its inputs are."""
    cell = make_cell(name, UNITS)
    cell.build((None, F))
    kernel, bias = (ops.convert_to_numpy(weight).copy() for weight in (cell.kernel, cell.bias))
    if name == "slstm":
        cell.recurrent_kernel.assign(np.zeros(cell.recurrent_kernel.shape))
        where = [slice(0, UNITS), slice(UNITS, 2 * UNITS)]
    else:
        where = [slice(-2, -1), slice(-1, None)]
    for part, value in zip(where, (i, f), strict=True):
        kernel[:, part], bias[part] = 0, value
    cell.kernel.assign(kernel)
    cell.bias.assign(bias)
    return cell


@pytest.mark.parametrize("name", ["slstm", "mlstm"])
@pytest.mark.parametrize(("i", "f"), [(200.0, 3.0), (-200.0, 3.0), (3.0, -200.0), (-200.0, -200.0), (-200.0, 200.0)])
def test_gates_that_overflow_give_numbers_and_gradients(name, i, f):
    cell = with_gates(name, i, f)
    sequences = calm(6)
    for parallel in (False, True) if name == "mlstm" else (False,):
        layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
        got = layer(sequences)
        assert all(np.isfinite(ops.convert_to_numpy(x)).all() for x in got)
        if parallel:
            close(got, Recurrent(cell, return_sequences=True, return_state=True, parallel=False)(sequences))
        found = gradients(lambda layer=layer: ops.sum(layer(sequences)[0] ** 2), cell.trainable_weights)[1]
        assert all(np.isfinite(gradient).all() for gradient in found)


def test_slstm_keeps_a_first_input_however_small_its_gate_is():
    h, _, _, n, m = Recurrent(with_gates("slstm", -200.0, 3.0), return_state=True)(calm(1))
    assert np.abs(ops.convert_to_numpy(h)).max() > 1e-3
    np.testing.assert_array_equal(ops.convert_to_numpy(n), 1.0)
    np.testing.assert_array_equal(ops.convert_to_numpy(m), -200.0)


@pytest.mark.parametrize("steps", [63, 64, 65, 150])
def test_chunks_of_the_parallel_form_are_joined_without_a_seam(steps):
    cell = made("mlstm", scale=0.3, heads=2)
    sequences, states = calm(steps), some_states(cell)
    mask = np.random.default_rng(0).random((B, steps)) < 0.7
    both = [
        Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)(
            sequences, initial_state=states, mask=mask
        )
        for parallel in (False, True)
    ]
    close(*both, tolerance=1e-4)


def test_a_strong_reset_costs_the_parallel_form_no_precision():
    cell = with_gates("mlstm", 1.0, 3.0)
    kernel = ops.convert_to_numpy(cell.kernel).copy()
    kernel[0, -1] = -400.0
    cell.kernel.assign(kernel)
    sequences = calm(40)
    sequences[..., 0] = np.arange(40) % 5 == 0  # forget gates of exp(-397), whose logarithms add up to thousands
    outputs, last = expected("mlstm", cell, sequences, some_states(cell))
    layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=True)
    close(layer(sequences, initial_state=some_states(cell)), [outputs, *last])


@pytest.mark.parametrize("steps", [70, None])
def test_the_parallel_form_runs_and_trains_in_a_compiled_model(steps):
    cell = made("mlstm", heads=2)
    inputs = keras.Input((steps, F))
    model = keras.Model(inputs, Recurrent(cell, return_sequences=True, parallel=True)(inputs))
    sequences = calm(70)
    right = Recurrent(cell, return_sequences=True, parallel=False)(sequences)
    np.testing.assert_allclose(model.predict(sequences, verbose=0), ops.convert_to_numpy(right), rtol=1e-4, atol=1e-4)
    model.compile("sgd", "mse", jit_compile=False)
    before = ops.convert_to_numpy(cell.kernel).copy()
    model.fit(sequences, np.zeros((B, 70, UNITS)), verbose=0)
    after = ops.convert_to_numpy(cell.kernel)
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 0


def test_both_forms_agree_in_half_precision():
    cell = make_cell("mlstm", UNITS, dtype="mixed_bfloat16")
    sequences = calm(20)
    both = [
        Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel, dtype="mixed_bfloat16")(sequences)
        for parallel in (False, True)
    ]
    for one, other in zip(*both, strict=True):
        assert keras.backend.standardize_dtype(other.dtype) == "bfloat16"
        one, other = (ops.convert_to_numpy(ops.cast(x, "float32")) for x in (one, other))
        assert np.abs(one - other).max() < 0.1 * max(1.0, np.abs(one).max())


def test_both_forget_gates_start_at_the_same_value():
    for name, units, part in (("slstm", 4, slice(4, 8)), ("mlstm", 4, slice(-2, None))):
        biases = []
        for forget_gate in ("sigmoid", "exp"):
            cell = make_cell(name, units, heads=2, forget_gate=forget_gate)
            cell.build((None, F))
            biases.append(ops.convert_to_numpy(cell.bias)[part])
        np.testing.assert_allclose(sigmoid(biases[0]), np.exp(biases[1]), rtol=1e-6)
        np.testing.assert_allclose(biases[0], {"slstm": [1, 1, 1, 1], "mlstm": [3, 6]}[name])


def test_units_of_one_head_do_not_read_another():
    cell = made("slstm", heads=2)
    states = [ops.convert_to_numpy(state) for state in some_states(cell)]
    first = ops.convert_to_numpy(cell(series()[:, 0], states)[0])
    states[0][:, 2:] += 1  # h of the second head
    second = ops.convert_to_numpy(cell(series()[:, 0], states)[0])
    np.testing.assert_array_equal(first[:, :2], second[:, :2])
    assert np.abs(first[:, 2:] - second[:, 2:]).max() > 1e-3


@pytest.mark.parametrize("name", ["slstm", "mlstm"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 5, "heads": 2}, "units=5; expected a multiple of heads=2"),
        ({"heads": 0}, "heads=0; expected an integer >= 1"),
        ({"forget_gate": "sigmoids"}, "Did you mean 'sigmoid'"),
    ],
)
def test_arguments_out_of_range_are_refused(name, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_cell(name, **{"units": UNITS, **options})


def test_a_forget_bias_that_is_no_number_is_refused():
    with pytest.raises(InvalidArgumentError, match="forget_bias='big'"):
        make_cell("slstm", UNITS, forget_bias="big")
