"""The contract that every cell of the registry fulfils, against its equations in NumPy, float64."""

from __future__ import annotations

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import cells
from kerazoo.cells import Bidirectional, Recurrent, RecurrentCell, cell_info, list_cells, make_cell
from kerazoo.cells.base import output_size_of, state_sizes_of
from tests.helpers.autodiff import gradients
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks
from tests.references.cells import references, run

pytestmark = pytest.mark.backend

B, T, F, UNITS = 3, 6, 5, 4  # differ on every axis
REFERENCES = references()
CELLS = [name for name in list_cells() if cell_info(name).layer == "cell"]
LINEAR = list_cells(linear=True)
# JAX compiles every call of a layer. What is the same code for all cells runs with these there.
FEW = [*CELLS[:2], *LINEAR[:2]]
ON_JAX = keras.backend.backend() == "jax"


# Options with an effect within six steps: with default periods up to 1000, a Phased LSTM rarely opens.
OPTIONS = {"phased": {"ratio_on": 0.8, "max_period": 8.0}}


def made(name, seed=0, scale=1.0, **options):
    """A cell of the registry with random weights, so that zero biases and identities cannot hide errors."""
    keras.utils.set_random_seed(seed)
    cell = make_cell(name, UNITS, **{**OPTIONS.get(name, {}), **options})
    cell.build((None, F))
    rng = np.random.default_rng(seed)
    for weight in cell.weights:
        if weight.dtype != "uint32" and not weight.path.startswith("seed"):
            value = ops.convert_to_numpy(weight)
            weight.assign(value + scale * rng.normal(0, 0.3, value.shape))
    return cell


def series(seed=1, batch=B, steps=T, features=F):
    values = np.random.default_rng(seed).normal(size=(batch, steps, features)).astype("float32")
    if features == F:
        values[..., -1] = np.cumsum(np.abs(values[..., -1]), axis=1)  # time, for the cells that read it there
    return values


def some_states(cell, seed=2):
    """States that a cell can have: those after a few steps."""
    warm = Recurrent(cell, return_state=True, parallel=False)
    return [ops.convert_to_numpy(state) for state in warm(series(seed))[1:]]


def states_by_reference(name, cell, seed=2):
    """States that a cell can have: those after a few steps, by the reference, which needs no compilation."""
    start = [ops.convert_to_numpy(state) for state in keras.tree.flatten(cell.get_initial_state(B))]
    last = expected(name, cell, series(seed), start)[1]
    return [state.astype(first.dtype) for state, first in zip(last, start, strict=True)]


def weights_of(cell):
    """Weights by name in float64."""
    return {weight.name: ops.convert_to_numpy(weight).astype("float64") for weight in cell.weights}


def expected(name, cell, sequences, states, mask=None):
    states = [state.astype("float64") for state in states]
    config = {**cell.get_config(), "cell": cell}
    return run(REFERENCES[name], weights_of(cell), sequences.astype("float64"), states, config, mask)


def test_every_cell_has_a_reference():
    assert sorted(REFERENCES) == CELLS


@pytest.mark.parametrize("name", CELLS)
def test_an_entry_names_every_state_and_its_class_is_public(name):
    info = cell_info(name)
    assert len(info.states) == len(info.state_sizes(UNITS))
    assert info.title.endswith(".")
    assert info.paper
    if issubclass(info.make, RecurrentCell):
        assert getattr(cells, info.make.__name__) is info.make
        assert info.make.__name__ in cells.__all__
        assert keras.saving.get_registered_name(info.make) == f"kerazoo>{info.make.__name__}"


@pytest.mark.parametrize("name", CELLS)
def test_a_step_and_a_sequence_equal_the_equations_of_the_paper(name):
    cell = made(name)
    sequences, states = series(), states_by_reference(name, cell)
    outputs, last = expected(name, cell, sequences, states)
    layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=False)
    got, *got_states = layer(sequences, initial_state=states)
    np.testing.assert_allclose(ops.convert_to_numpy(got), outputs, rtol=1e-5, atol=1e-5)
    for found, right in zip(got_states, last, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), right, rtol=1e-5, atol=1e-5)
    assert np.abs(outputs[:, 0] - outputs[:, 1]).max() > 1e-4  # the steps differ
    if ON_JAX and name not in FEW:
        return
    plain = keras.layers.RNN(cell, return_sequences=True)
    np.testing.assert_allclose(
        ops.convert_to_numpy(plain(sequences, initial_state=[ops.convert_to_tensor(s) for s in states])),
        outputs,
        rtol=1e-5,
        atol=1e-5,
    )


@slow_on_jax
@pytest.mark.parametrize("name", CELLS)
def test_shapes_are_those_that_the_cell_names(name):
    cell = make_cell(name, UNITS)
    layer = Recurrent(cell, return_sequences=True, return_state=True)
    outputs, *states = layer(series())
    assert outputs.shape == (B, T, output_size_of(cell))
    assert [tuple(state.shape) for state in states] == [(B, size) for size in state_sizes_of(cell)]
    assert cell_info(name).state_sizes(UNITS) == state_sizes_of(cell)
    shapes = layer.compute_output_shape((B, T, F))
    assert [tuple(shape) for shape in shapes] == [tuple(outputs.shape), *(tuple(state.shape) for state in states)]
    first = cell.get_initial_state(batch_size=B)
    assert [tuple(state.shape) for state in keras.tree.flatten(first)] == [(B, s) for s in state_sizes_of(cell)]


@slow_on_jax
@pytest.mark.parametrize("name", CELLS)
def test_gradients_equal_finite_differences(name):
    cell = made(name, scale=0.5)
    sequences, states = series(), [ops.convert_to_numpy(s) for s in keras.tree.flatten(cell.get_initial_state(B))]
    rng = np.random.default_rng(5)
    weighting = rng.normal(size=(B, T, output_size_of(cell)))
    layer = Recurrent(cell, return_sequences=True, parallel=False)
    layer(sequences)
    inputs = keras.Variable(sequences)
    variables = list(cell.trainable_weights)

    def loss():
        outputs = layer(ops.convert_to_tensor(inputs), initial_state=states)
        return ops.sum(outputs * ops.convert_to_tensor(weighting.astype("float32")))

    _, found = gradients(loss, [*variables, inputs])

    def exact(weights, values):
        config = {**cell.get_config(), "cell": cell}
        start = [state.astype("float64") for state in states]
        return (run(REFERENCES[name], weights, values, start, config)[0] * weighting).sum()

    weights, values, step = weights_of(cell), sequences.astype("float64"), 1e-6
    for variable, gradient in zip(variables, found[:-1], strict=True):
        direction = rng.normal(size=gradient.shape)
        moved = [
            exact({**weights, variable.name: weights[variable.name] + sign * step * direction}, values)
            for sign in (1, -1)
        ]
        slope = (moved[0] - moved[1]) / (2 * step)
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(direction.size)
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-3, abs=1e-3 * scale + 1e-5), variable.name
    direction = rng.normal(size=values.shape)
    if cell_info(name).needs_timestamps:
        direction[..., -1] = 0  # the phase is not differentiable in time everywhere
    slope = (exact(weights, values + step * direction) - exact(weights, values - step * direction)) / (2 * step)
    scale = np.linalg.norm(found[-1]) * np.linalg.norm(direction) / np.sqrt(direction.size)
    assert (found[-1] * direction).sum() == pytest.approx(slope, rel=1e-3, abs=1e-3 * scale + 1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_masked_steps_keep_states_and_output(name):
    cell = made(name)
    sequences, states = series(), states_by_reference(name, cell)
    mask = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1]], bool)
    outputs, last = expected(name, cell, sequences, states, mask)
    forms = [False, True] if name in LINEAR else [False]
    for parallel in forms:
        layer = Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)
        got, *got_states = layer(sequences, initial_state=states, mask=mask)
        np.testing.assert_allclose(ops.convert_to_numpy(got), outputs, rtol=1e-5, atol=1e-5)
        for found, right in zip(got_states, last, strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(found), right, rtol=1e-5, atol=1e-5)
        if ON_JAX and name not in FEW:
            continue
        one = Recurrent(cell, parallel=parallel)(sequences, initial_state=states, mask=mask)
        np.testing.assert_allclose(ops.convert_to_numpy(one), outputs[:, -1], rtol=1e-5, atol=1e-5)


@slow_on_jax
@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_can_be_split_and_its_states_passed_on(name):
    cell = made(name)
    sequences = series()
    layer = Recurrent(cell, return_sequences=True, return_state=True)
    whole, *last = layer(sequences)
    first, *states = layer(sequences[:, :2])
    second, *states = layer(sequences[:, 2:], initial_state=states)
    joined = np.concatenate([ops.convert_to_numpy(first), ops.convert_to_numpy(second)], axis=1)
    np.testing.assert_allclose(joined, ops.convert_to_numpy(whole), rtol=1e-5, atol=1e-5)
    for found, right in zip(states, last, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(right), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("backwards", [pytest.param(False, marks=slow_on_jax_marks), True])
def test_the_parallel_form_equals_the_sequential_one(name, backwards):
    cell = made(name)
    states = states_by_reference(name, cell)
    for steps in (1, 2, 7, 64) if not ON_JAX else (7, 64) if name == LINEAR[0] else (7,):
        sequences = series(steps=steps)
        both = [
            Recurrent(cell, parallel=parallel, return_sequences=True, return_state=True, go_backwards=backwards)(
                sequences, initial_state=states
            )
            for parallel in (False, True)
        ]
        for one, other in zip(*both, strict=True):
            one, other = ops.convert_to_numpy(one), ops.convert_to_numpy(other)
            # Some cells are cubic in the input, which grows here up to 50: 32 units in the last place of the largest.
            rounding = 32 * np.finfo(np.float32).eps * np.abs(one).max()
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=max(1e-5, rounding), err_msg=f"T={steps}")


@slow_on_jax
@pytest.mark.parametrize("name", LINEAR)
def test_gradients_of_both_forms_are_equal(name):
    cell = made(name)
    sequences = series()
    found = []
    for parallel in (False, True):
        layer = Recurrent(cell, parallel=parallel, return_sequences=True)
        layer(sequences)
        found.append(gradients(lambda layer=layer: ops.sum(layer(sequences) ** 2), cell.trainable_weights)[1])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(one).max())


@slow_on_jax
@pytest.mark.parametrize("name", CELLS)
def test_the_configuration_round_trips(name):
    cell = make_cell(name, UNITS)
    layer = Recurrent(cell, return_sequences=True)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    first = layer(series())
    again(series())
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(ops.convert_to_numpy(first), ops.convert_to_numpy(again(series())))


@pytest.mark.slow  # within `make test` the sample of combinations trains, saves and loads each cell
@pytest.mark.parametrize("name", CELLS)
def test_it_trains_is_saved_and_loaded(name, tmp_path):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((T, F)),
            Recurrent(make_cell(name, UNITS, **OPTIONS.get(name, {})), unroll=True, parallel=False),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "mse", run_eagerly=keras.backend.backend() != "jax")
    inputs = series(batch=8)
    targets = inputs[:, -1, :1] - inputs[:, 0, 1:2]
    before = model.evaluate(inputs, targets, verbose=0)
    model.fit(inputs, targets, epochs=12, batch_size=8, verbose=0)
    after = model.evaluate(inputs, targets, verbose=0)
    assert after < 0.9 * before
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), again.predict(inputs, verbose=0))


@slow_on_jax
@pytest.mark.parametrize("name", CELLS)
def test_mixed_precision_computes_in_half_and_keeps_weights_whole(name):
    keras.utils.set_random_seed(1)  # rounding may grow large with some weights
    cell = make_cell(name, UNITS, dtype="mixed_bfloat16")
    layer = Recurrent(cell, return_sequences=True, return_state=True, dtype="mixed_bfloat16")
    outputs, *states = layer(series())
    assert {keras.backend.standardize_dtype(x.dtype) for x in (outputs, *states)} == {"bfloat16"}
    assert {w.dtype for w in cell.weights} == {"float32"}
    whole = make_cell(name, UNITS)
    reference = Recurrent(whole, return_sequences=True)
    reference(series())
    whole.set_weights(cell.get_weights())
    exact = ops.convert_to_numpy(reference(series()))
    half = ops.convert_to_numpy(ops.cast(outputs, "float32"))
    assert np.isfinite(half).all()
    assert np.abs(half - exact).max() < 0.1 * max(1.0, np.abs(exact).max())


@slow_on_jax
@pytest.mark.parametrize("name", CELLS)
def test_it_runs_bidirectionally_and_in_a_stack(name):
    both = Bidirectional(Recurrent(make_cell(name, UNITS), return_sequences=True))
    assert both(series()).shape == (B, T, 2 * output_size_of(make_cell(name, UNITS)))
    if cell_info(name).needs_timestamps:
        return  # the output of the first layer has no time for the second
    stack = keras.layers.RNN(keras.layers.StackedRNNCells([make_cell(name, UNITS), make_cell(name, UNITS + 2)]))
    assert stack(series()).shape == (B, output_size_of(make_cell(name, UNITS + 2)))


def test_a_bidirectional_layer_keeps_the_layer_that_it_copies():
    """Keras identifies objects by address while it loads a model; a reused address would mix up layers."""
    inner = Recurrent(make_cell("gru", UNITS))
    address = weakref.ref(inner)
    both = Bidirectional(inner)
    del inner
    gc.collect()
    assert address() is not None
    assert [layer.name for layer in both._flatten_layers()].count(
        address().name
    ) == 0  # and it is not part of the model
    outputs = both(series())
    assert len(both.weights) == 2 * len(both.forward_layer.weights)
    again = Bidirectional.from_config(both.get_config())
    again(series())
    again.set_weights(both.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(again(series())), ops.convert_to_numpy(outputs), atol=1e-6)
