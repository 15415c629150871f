"""The unrolled loop of layers on JAX with an accelerator: the same results as step by step."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.cells import GRU, Bidirectional, DropoutCell, Recurrent, cell_info, list_cells, make_cell
from kerazoo.cells import loop as loops

pytestmark = pytest.mark.backend

UNITS, FEATURES = 6, 4
# Quick to compile: states of one kind, and complex ones.
SOME = ("lstm", "lru")
CELLS = [
    pytest.param(name, marks=() if name in SOME else pytest.mark.slow)
    for name in list_cells()
    if cell_info(name).layer != "convolution"
]

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="other backends do not unroll by a factor")


@pytest.fixture
def unroll(monkeypatch):
    """Sets the unroll factor of all layers."""
    return lambda factor: monkeypatch.setattr(loops, "UNROLL_FACTOR", {False: factor, True: factor})


def data(steps, batch=3):
    return np.random.default_rng(steps).normal(size=(batch, steps, FEATURES)).astype("float32")


def outputs_and_gradients(layer, x, **call):
    """All outputs, and the gradients of a weighted sum of them: numpy arrays."""
    import jax

    if not layer.built:
        layer.build(x.shape)
    trainable = [variable.value for variable in layer.trainable_variables]
    fixed = [variable.value for variable in layer.non_trainable_variables]

    def run(weights, x):
        found, _ = layer.stateless_call(weights, fixed, x, **call)
        return [ops.convert_to_tensor(each) for each in keras.tree.flatten(found)]

    def total(weights, x):
        return sum(ops.sum(each * ops.cos(ops.arange(each.shape[-1], dtype="float32"))) for each in run(weights, x))

    found = jax.jit(lambda weights, x: [run(weights, x), jax.grad(total, argnums=(0, 1))(weights, x)])(trainable, x)
    return [np.asarray(each) for each in keras.tree.flatten(found)]


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_the_unroll_factor(unroll):
    jax = keras.backend.backend() == "jax"
    assert loops.UNROLL_FACTOR[False] == 1
    unroll(8)
    assert [loops.unroll_factor_for(steps) for steps in (None, 0, 1, 5, 8, 500)] == [
        1,
        1,
        1,
        *((5, 8, 8) if jax else (1, 1, 1)),
    ]


@needs_jax
@pytest.mark.parametrize("name", CELLS)
def test_every_cell_gives_the_same(unroll, name):
    time = {"time": "step"} if cell_info(name).needs_timestamps else {}
    layer = Recurrent(make_cell(name, UNITS, **time), parallel=False, return_sequences=True, return_state=True)
    unroll(1)
    plain = outputs_and_gradients(layer, data(7))
    unroll(3)
    assert_same(outputs_and_gradients(layer, data(7)), plain)


@needs_jax
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"go_backwards": True, "return_sequences": True},
        pytest.param({"zero_output_for_mask": True, "return_sequences": True}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_masks_and_directions(unroll, options):
    layer = Recurrent(make_cell("rnn", UNITS), return_state=True, **options)
    x, mask = data(7), np.random.default_rng(0).random((3, 7)) < 0.6
    unroll(1)
    plain = outputs_and_gradients(layer, x, mask=mask)
    unroll(3)
    assert_same(outputs_and_gradients(layer, x, mask=mask), plain)


@needs_jax
def test_dropout_draws_the_same_noise(unroll):
    x, found = data(5), []
    for count in (1, 2):
        unroll(count)
        keras.utils.set_random_seed(3)
        layer = Recurrent(DropoutCell(make_cell("rnn", UNITS), 0.3, 0.3, 0.3, seed=7), return_sequences=True)
        found.append(outputs_and_gradients(layer, x, training=True))
    assert_same(*found)


@needs_jax
@pytest.mark.parametrize(
    ("options", "count", "steps"),
    [
        pytest.param({}, 1, 3, marks=pytest.mark.slow),
        pytest.param({}, 3, 1, marks=pytest.mark.slow),
        ({"return_sequences": True, "return_state": True}, 3, 5),
        pytest.param({"go_backwards": True, "return_sequences": True}, 2, 4, marks=pytest.mark.slow),
        ({"use_bias": False, "activation": "relu", "recurrent_activation": "hard_sigmoid"}, 2, 3),
        ({"reset_after": False}, 2, 3),
    ],
    ids=str,
)
def test_the_gru_is_that_of_keras(unroll, options, steps, count):
    unroll(count)
    theirs, ours = keras.layers.GRU(UNITS, **options), GRU(UNITS, **options)
    x = data(steps)
    theirs.build(x.shape), ours.build(x.shape)
    assert [w.path.split("/")[1:] for w in ours.weights] == [w.path.split("/")[1:] for w in theirs.weights]
    rng = np.random.default_rng(1)
    values = [rng.normal(size=w.shape).astype("float32") / 2 for w in theirs.weights]
    theirs.set_weights(values), ours.set_weights(values)
    assert_same(outputs_and_gradients(ours, x), outputs_and_gradients(theirs, x))
    state = rng.normal(size=(3, UNITS)).astype("float32")
    assert_same(
        [np.asarray(each) for each in keras.tree.flatten(ours(x, initial_state=state))],
        [np.asarray(each) for each in keras.tree.flatten(theirs(x, initial_state=state))],
    )


@pytest.mark.parametrize("call", ["masked", "dropout", "training"])
def test_a_gru_with_a_mask_or_dropout_runs_as_in_keras(unroll, call):
    unroll(8)
    x, found = data(9), []
    mask = np.arange(9) < np.array([[9], [4], [1]]) if call == "masked" else None
    dropout = {"dropout": 0.4} if call == "dropout" else {}
    for kind in (keras.layers.GRU, GRU):
        keras.utils.set_random_seed(5)
        layer = kind(UNITS, seed=2, **dropout)
        found.append(ops.convert_to_numpy(layer(x, mask=mask, training=call != "masked")))
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


@needs_jax
def test_half_precision_stays_half(unroll):
    unroll(8)
    layer = GRU(UNITS, return_sequences=True, dtype="mixed_bfloat16")
    assert str(layer(data(9)).dtype) == "bfloat16"


def test_the_gru_is_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((7, FEATURES)), Bidirectional(GRU(UNITS, return_sequences=True))])
    model.save(tmp_path / "gru.keras")
    loaded = keras.saving.load_model(tmp_path / "gru.keras")
    assert isinstance(loaded.layers[0].forward_layer, GRU)
    x = data(7)
    np.testing.assert_allclose(model.predict(x, verbose=0), loaded.predict(x, verbose=0), rtol=1e-6)


def test_the_zoo_takes_it_where_its_loop_is_faster(unroll):
    assert type(zoo.build("gru_1x8").get_layer("gru_0")) is keras.layers.GRU
    unroll(8)
    found = type(zoo.build("gru_1x8").get_layer("gru_0"))
    assert found is (GRU if keras.backend.backend() == "jax" else keras.layers.GRU)
