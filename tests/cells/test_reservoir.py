"""What the echo state network promises beyond the contract of every cell: its reservoir, its memory, arguments."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent
from kerazoo.cells.families.reservoir import ESNCell, ReservoirInitializer
from kerazoo.errors import InvalidArgumentError
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]


def reservoir(units, **options):
    return ops.convert_to_numpy(ReservoirInitializer(**options)((units, units))).astype("float64")


@pytest.mark.parametrize("units", [1, 2, 4, 30])
@pytest.mark.parametrize("connectivity", [1e-9, 0.1, 1.0])
def test_every_reservoir_has_its_radius_and_leaves_no_unit_alone(units, connectivity):
    for seed in range(5):
        matrix = reservoir(units, spectral_radius=0.8, connectivity=connectivity, seed=seed)
        assert np.isfinite(matrix).all()
        assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(0.8, rel=1e-3)
        assert (matrix != 0).any(axis=0).all()
        assert np.abs(matrix).max() <= 0.8 / 0.01


def test_connectivity_is_the_share_of_connections():
    share = (reservoir(200, connectivity=0.1) != 0).mean()
    assert share == pytest.approx(0.1, abs=0.01)


def test_the_seed_decides_the_reservoir_and_configuration_repeats_it():
    cells = [ESNCell(30, seed=1), ESNCell(30, seed=1), ESNCell(30, seed=2)]
    cells.append(ESNCell.from_config(cells[0].get_config()))
    for cell in cells:
        cell.build((None, 3))
    weights = [[ops.convert_to_numpy(weight) for weight in cell.weights] for cell in cells]
    for same in (1, 3):
        for one, other in zip(weights[0], weights[same], strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(weights[0][:2], weights[2][:2], strict=True):
        assert np.abs(one - other).max() > 0.1
    initializer = ReservoirInitializer(0.7, 0.3, seed=5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(initializer))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(initializer((6, 6))),
        ops.convert_to_numpy(again((6, 6))),
    )


def test_input_weights_lie_within_their_scale():
    cell = ESNCell(100, input_scale=0.2)
    cell.build((None, 5))
    largest = np.abs(ops.convert_to_numpy(cell.kernel)).max()
    assert 0.19 < largest <= 0.2


def test_the_reservoir_forgets_where_it_started():
    inputs = np.random.default_rng(0).normal(size=(1, 100, 2)).astype("float32")
    layer = Recurrent(ESNCell(40))
    ends = [ops.convert_to_numpy(layer(inputs, initial_state=[np.full((1, 40), value, "float32")])) for value in (0, 1)]
    np.testing.assert_allclose(*ends, atol=1e-4)


def test_a_linear_readout_recalls_the_past():
    inputs = np.random.default_rng(0).uniform(-0.5, 0.5, size=(1, 600, 1)).astype("float32")
    states = ops.convert_to_numpy(Recurrent(ESNCell(80), return_sequences=True)(inputs))[0]
    delay = 4
    x, y = states[50:], inputs[0, 50 - delay : 600 - delay, 0]
    readout = np.linalg.lstsq(x[:300], y[:300], rcond=1e-6)[0]
    left = np.mean((x[300:] @ readout - y[300:]) ** 2) / np.var(y[300:])
    assert left < 0.05


def test_leak_slows_the_units_down():
    ones = np.ones((1, 1, 2), "float32")
    whole, leaky = (ops.convert_to_numpy(Recurrent(ESNCell(20, leak=leak))(ones)) for leak in (1.0, 0.25))
    np.testing.assert_allclose(leaky, 0.25 * whole, rtol=1e-5)


def test_training_changes_the_readout_alone():
    cell = ESNCell(10, bias_initializer="ones")
    model = keras.Sequential([keras.Input((5, 2)), Recurrent(cell), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    before, readout = cell.get_weights(), model.layers[-1].get_weights()
    model.fit(np.ones((4, 5, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)
    assert len(model.trainable_weights) == 2
    assert before[2].tolist() == [1.0] * 10
    for old, new in zip(before, cell.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.abs(readout[0] - model.layers[-1].get_weights()[0]).max() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ESNCell(4, spectral_radius=0), "spectral_radius=0; expected a finite number > 0"),
        (lambda: ESNCell(4, connectivity=0), "connectivity=0; expected a finite number > 0 and <= 1"),
        (lambda: ESNCell(4, connectivity=1.5), "connectivity=1.5; expected a finite number > 0 and <= 1"),
        (lambda: ESNCell(4, leak=0), "leak=0; expected a finite number > 0 and <= 1"),
        (lambda: ESNCell(4, input_scale=-1), "input_scale=-1; expected a finite number > 0"),
        (lambda: ESNCell(4, seed=-1), "seed=-1; expected an integer >= 0"),
        (lambda: ESNCell(4, seed=None), "seed=None; expected an integer >= 0"),
        (lambda: ReservoirInitializer()((2, 3)), "shape=(2, 3); expected a square matrix"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    assert str(caught.value).startswith(message)
