"""Which models generate from states: chains of layers that treat steps independently. All others use the window."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerazoo import zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.stepwise import why_not_stepwise

pytestmark = pytest.mark.backend

STEPS = 5


class Reversed(layers.Dense):
    def call(self, inputs, training=None):
        return ops.flip(super().call(inputs), axis=1)


class LastFirst(layers.GRU):
    def call(self, sequences, initial_state=None, mask=None, training=False):
        return ops.flip(super().call(sequences, initial_state, mask, training), axis=1)


def centered(values):
    return values - ops.mean(values, axis=1, keepdims=True)


def _twice(h):
    layer = layers.LSTM(4, return_sequences=True)
    return layer(layer(h))


NOT_STEPWISE = {
    "an operation over steps": centered,
    "an operation on each step": lambda h: ops.tanh(h) * 2,
    "a sum of two layers": lambda h: h + layers.Dense(4)(h),
    "a layer called twice": _twice,
    "initial states": lambda h: layers.GRU(4, return_sequences=True)(h, initial_state=ops.mean(h, axis=1)),
    "a mask of the user": lambda h: layers.GRU(4, return_sequences=True)(h, mask=ops.all(h > 0, axis=2)),
    "an activation of the user": layers.Activation(centered),
    "an activation of the user in Dense": layers.Dense(4, activation=centered),
    "a subclass of Dense": Reversed(4),
    "a subclass of GRU": LastFirst(4, return_sequences=True),
    "norms over steps": layers.LayerNormalization(axis=1),
    "norms over steps and features": layers.LayerNormalization(axis=[1, 2]),
    "backwards": layers.GRU(4, return_sequences=True, go_backwards=True),
    "a model inside": keras.Sequential([layers.Dense(4)]),
}


def model_with(middle):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((STEPS, 1))
    h = middle(layers.GRU(4, return_sequences=True)(inputs))
    return keras.Model(inputs, layers.Dense(1)(h))


@pytest.mark.parametrize("name", NOT_STEPWISE)
def test_other_graphs_generate_by_the_window(name):
    model = model_with(NOT_STEPWISE[name])
    window = np.sin(np.arange(STEPS, dtype="float32")).reshape(1, STEPS, 1)
    expected = []
    for _ in range(3):
        expected.append(float(ops.convert_to_numpy(model(window))[0, -1, 0]))
        window = np.concatenate([window[:, 1:], [[[expected[-1]]]]], axis=1).astype("float32")
    context = np.sin(np.arange(STEPS, dtype="float32"))
    np.testing.assert_allclose(zoo.generate(model, context, 3).ravel(), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(InvalidArgumentError, match="mode='states'; expected 'window' or 'auto'"):
        zoo.generate(model, context, 3, mode="states")


def test_an_operation_after_the_last_layer_uses_the_window():
    inputs = keras.Input((STEPS, 1))
    model = keras.Model(inputs, centered(layers.GRU(1, return_sequences=True)(inputs)))
    assert "without other operations" in why_not_stepwise(model)


def test_two_outputs_are_refused():
    inputs = keras.Input((STEPS, 1))
    h = layers.GRU(4, return_sequences=True)(inputs)
    model = keras.Model(inputs, [layers.Dense(1)(h), layers.Dense(1)(h)])
    with pytest.raises(InvalidArgumentError, match="expected one input and one output"):
        zoo.generate(model, np.zeros(STEPS), 3)


@pytest.mark.parametrize(
    "middle",
    [
        layers.LayerNormalization(),
        layers.LayerNormalization(axis=2),
        layers.Activation("softmax"),
        layers.Dense(4, activation="gelu"),
        layers.Dropout(0.5),
    ],
)
def test_chains_of_keras_generate_from_states(middle):
    assert why_not_stepwise(model_with(middle)) == ""


@pytest.mark.parametrize(
    "name", ["gru_2x4_masked", "gru_1x4_v9_e3_softmax_masked", "gru_1x4_v9_e3_nce", "lru_1x4_residual"]
)
def test_models_of_the_zoo_generate_from_states(name):
    assert why_not_stepwise(zoo.build(name)) == ""


def test_layers_that_another_model_uses_too_stay_a_chain():
    model = model_with(layers.Dense(4))
    other = keras.Input((STEPS, 1))
    keras.Model(other, model(other))
    assert why_not_stepwise(model) == ""
