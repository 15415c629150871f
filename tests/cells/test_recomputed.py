"""On TensorFlow, gradients that recompute the steps equal those of TensorFlow's own loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.cells import Recurrent, StackedCells, cell_info, list_cells, make_cell
from kerazoo.cells.steps import gradients_recomputed, is_deterministic
from kerazoo.cells.wrappers import AttentionCell, DropoutCell, OutputProjectionCell, ResidualCell
from kerazoo.training import Plan, fit

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow recomputes steps")

CELLS = [name for name in list_cells() if cell_info(name).layer == "cell"]
QUICK = ("gru", "xlstm", "mlstm", "phased", "mingru", "sru")


def cell_of(name, units=4, **options):
    return make_cell(name, units, **({"time": "step"} if cell_info(name).needs_timestamps else {}), **options)


def gradients(layer, x, recomputed, mask=None, **calling):
    """Outputs, and the gradients of a weighted sum of them, for the inputs and all weights."""
    import contextlib

    import tensorflow as tf

    layer(x[:1])  # builds it
    weights = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        with gradients_recomputed(layer._flatten_layers()) if recomputed else contextlib.nullcontext():
            outputs = keras.tree.flatten(layer(inputs, mask=mask, training=True, **calling))
        total = sum(tf.reduce_sum(tf.cast(out, "float32") ** 2 * (i + 1)) for i, out in enumerate(outputs))
    found = tape.gradient(total, [inputs, *weights])
    return [np.asarray(out) for out in outputs], [None if each is None else np.asarray(each) for each in found]


def assert_same(layer, x, tolerance=1e-5, **calling):
    layer(x[:1])  # builds it
    before = [keras.ops.convert_to_numpy(variable.value) for variable in layer.variables]
    expected, wanted = gradients(layer, x, False, **calling)
    for variable, value in zip(layer.variables, before, strict=True):
        variable.assign(value)  # so that dropout draws the same masks
    outputs, found = gradients(layer, x, True, **calling)
    assert any(each is not None and np.abs(each).max() > 0 for each in wanted)
    for one, other in zip([*expected, *wanted], [*outputs, *found], strict=True):
        if one is None:
            assert other is None or not np.any(other)
            continue
        scale = max(1.0, np.abs(np.asarray(one, "float32")).max())
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance * scale)


def data(batch=3, steps=5, features=2, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, steps, features)).astype("float32")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CELLS]
)
def test_every_cell(name):
    layer = Recurrent(cell_of(name), parallel=False, return_sequences=True, return_state=True)
    assert_same(layer, data())


MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1], [1, 0, 1, 0, 1]], bool)


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["", "mask"])
@pytest.mark.parametrize(
    "make", [keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN], ids=lambda of: of.__name__
)
def test_layers_of_keras(make, mask, go_backwards, return_sequences):
    layer = make(4, return_sequences=return_sequences, return_state=True, go_backwards=go_backwards)
    assert_same(layer, data(), mask=mask)
    assert "inner_loop" not in vars(layer)


LAYERS = {
    "bidirectional": lambda: keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True)),
    "dropout of keras": lambda: keras.layers.GRU(4, dropout=0.5, recurrent_dropout=0.5, seed=1),
    "mask to zeros": lambda: Recurrent(cell_of("gru"), return_sequences=True, zero_output_for_mask=True),
    "stack": lambda: Recurrent(StackedCells([cell_of("lstm"), cell_of("ran")])),
    "dropout": lambda: Recurrent(DropoutCell(cell_of("gru"), 0.5, 0.5, 0.5, seed=1), return_sequences=True),
    "wrappers": lambda: Recurrent(ResidualCell(AttentionCell(OutputProjectionCell(cell_of("lstm"), 2), 3))),
    "half precision": lambda: Recurrent(cell_of("gru", dtype="mixed_bfloat16"), dtype="mixed_bfloat16"),
}


@pytest.mark.parametrize("mask", [None, MASK], ids=["", "mask"])
@pytest.mark.parametrize("case", LAYERS)
def test_other_layers(case, mask):
    if case == "wrappers" and mask is not None:
        pytest.skip("attention takes no mask")
    assert_same(LAYERS[case](), data(), tolerance=0.02 if case == "half precision" else 1e-5, mask=mask)


def test_frozen_weights_get_no_gradient_and_initial_states_do():
    import tensorflow as tf

    layer = Recurrent(cell_of("gru"))
    layer(data())
    layer.cell.weights[0].trainable = False
    assert len(layer.trainable_weights) == 2
    assert_same(layer, data())
    state = tf.Variable(np.ones((3, 4), "float32"))
    found = []
    for recomputed in (False, True):
        with tf.GradientTape() as tape:
            if recomputed:
                with gradients_recomputed([layer]):
                    total = tf.reduce_sum(layer(data(), initial_state=[state], training=True))
            else:
                total = tf.reduce_sum(layer(data(), initial_state=[state], training=True))
        found.append(np.asarray(tape.gradient(total, state)))
    assert np.abs(found[0]).min() > 0
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)


class NoisyCell(keras.layers.Layer):
    """Draws in its step: a second computation would give another result."""

    state_size = 2

    def __init__(self):
        super().__init__()
        self.draws = keras.random.SeedGenerator(1)
        self.scale = self.add_weight(shape=(2,), initializer="ones")

    def call(self, inputs, states):
        state = states[0] + self.scale * keras.random.normal(keras.ops.shape(states[0]), seed=self.draws)
        return state, [state]


def test_cells_that_may_draw_numbers_are_not_recomputed():
    assert not is_deterministic(NoisyCell())
    layer = Recurrent(NoisyCell(), return_sequences=True)
    assert_same(layer, data())


def test_the_compiled_loop_of_fit_recomputes(monkeypatch):
    from kerazoo.cells import _tensorflow_loop

    calls = []
    original = _tensorflow_loop.loop_recomputed
    monkeypatch.setattr(
        _tensorflow_loop, "loop_recomputed", lambda *args, **kwargs: (calls.append(1), original(*args, **kwargs))[1]
    )
    model = zoo.build("lstm_1x4-ran3", seed=1)
    model.compile("adam", "mse")
    x = data(8, 5, 1)
    fit(model, x, x, batch_size=2, verbose=0, plan=Plan(loop=True, steps_per_execution=4))
    assert len(calls) == 2
    model.fit(x, x, batch_size=2, verbose=0)
    assert len(calls) == 2


def test_an_activation_of_the_user_that_reads_a_variable_is_not_recomputed():
    import tensorflow as tf

    beta = tf.Variable(0.5)
    layer = keras.layers.GRU(4, activation=lambda x: tf.tanh(beta * x), return_sequences=True)
    assert not is_deterministic(layer)
    assert_same(layer, data())
