"""Initial weights drawn by NumPy: the distributions of Keras's initializers, the same on every backend."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.zoo.initial import drawn_by_numpy

pytestmark = pytest.mark.backend

KINDS = keras.initializers
EACH = [
    KINDS.RandomUniform(-0.2, 0.7, seed=3),
    KINDS.RandomNormal(0.5, 0.2, seed=3),
    KINDS.TruncatedNormal(0.5, 0.2, seed=3),
    KINDS.GlorotUniform(seed=3),
    KINDS.GlorotNormal(seed=3),
    KINDS.LecunUniform(seed=3),
    KINDS.LecunNormal(seed=3),
    KINDS.HeUniform(seed=3),
    KINDS.HeNormal(seed=3),
    KINDS.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=3),
]


def drawn(initializer, shape):
    layer = keras.layers.Layer()
    layer.kernel_initializer = initializer
    with drawn_by_numpy([layer]):
        assert layer.kernel_initializer is not initializer
        values = keras.ops.convert_to_numpy(layer.kernel_initializer(shape, dtype="float32"))
    assert layer.kernel_initializer is initializer
    return values


@pytest.mark.parametrize("shape", [(150, 400), (3, 3, 40, 80), (30_000,)])
@pytest.mark.parametrize("initializer", EACH, ids=lambda each: type(each).__name__)
def test_the_distribution_is_that_of_keras(initializer, shape):
    ours, keras_own = drawn(initializer, shape), keras.ops.convert_to_numpy(initializer(shape, dtype="float32"))
    assert ours.shape == keras_own.shape
    assert ours.dtype == np.float32
    quantiles = np.linspace(0.02, 0.98, 13)
    spread = keras_own.std()
    np.testing.assert_allclose(np.quantile(ours, quantiles), np.quantile(keras_own, quantiles), atol=0.07 * spread)
    np.testing.assert_allclose(ours.std(), spread, rtol=0.03)
    np.testing.assert_allclose(np.abs(ours).max(), np.abs(keras_own).max(), rtol=0.15)


@pytest.mark.parametrize("shape", [(8, 8), (5, 20), (20, 5), (3, 3, 4)])
def test_orthogonal_rows_or_columns(shape):
    values = drawn(KINDS.Orthogonal(gain=2.0, seed=1), shape).reshape(-1, shape[-1])
    small = values @ values.T if len(values) < shape[-1] else values.T @ values
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)
    with pytest.raises(ValueError, match="two-dimensional"):
        drawn(KINDS.Orthogonal(seed=1), (4,))


FOUND = [4.084008, 8.82026, 3.0, 14.052391, 8.540585, 3.0, 1.683131, 0.0]


def test_a_seed_gives_the_same_weights_on_every_backend():
    """The expected values are constants, so that TensorFlow, JAX and torch must agree."""
    weights = zoo.build("lstm_2x3", seed=5).get_weights()
    found = [float(np.abs(each).sum()) for each in weights]
    again = zoo.build("lstm_2x3", style="sequential", seed=5).get_weights()
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(weights[0], zoo.build("lstm_2x3", seed=6).get_weights()[0])
    np.testing.assert_allclose(found, FOUND, rtol=1e-5)


def _names():
    for name in list_cells():
        stamps = "[time=step]" if cell_info(name).needs_timestamps else ""
        yield f"{name}_1x4{stamps}"
    yield from ("gru_1x4_residual_f3", "gru_1x4_highway_f3", "gru_1x4_attention2_proj3", "bilstm_1x4_inproj5")
    yield from ("gru_1x4_v20_e3_nce", "gru_1x4_s2_masked_classes3")


@pytest.mark.parametrize("name", list(_names()))
def test_every_random_weight_is_drawn_by_numpy(name, monkeypatch):
    """NumPy's draws do not depend on the backend; Keras's do."""
    drawn_by_keras = []

    def recorded(shape, *args, **kwargs):
        drawn_by_keras.append(tuple(shape))
        return keras.ops.zeros(shape)

    for draw in ("uniform", "normal", "truncated_normal"):
        monkeypatch.setattr(keras.src.backend.random, draw, recorded)
    zoo.build(name, seed=5)
    assert drawn_by_keras == []


def test_models_that_are_built_in_threads_have_the_weights_of_their_seeds():
    before = random.getstate()
    wanted = [zoo.build("lstm_2x4_residual", seed=seed).get_weights() for seed in (0, 1)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: zoo.build("lstm_2x4_residual", seed=k % 2).get_weights(), range(12)))
    for number, weights in enumerate(found):
        for one, other in zip(weights, wanted[number % 2], strict=True):
            np.testing.assert_array_equal(one, other)
    assert random.getstate() == before
    random.seed(3)
    unseeded = zoo.build("lstm_1x4").get_weights()
    random.seed(3)
    for one, other in zip(unseeded, zoo.build("lstm_1x4").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)  # Keras still draws seeds from Python's generator
    random.setstate(before)


def test_initializers_without_a_seed_or_not_of_keras_are_kept():
    class Mine(KINDS.GlorotUniform):
        pass

    layer = keras.layers.Layer()
    layer.kernel_initializer, layer.bias_initializer = Mine(), KINDS.Constant(2.0)
    layer.other_initializer = KINDS.RandomNormal(seed=keras.random.SeedGenerator(1))
    layer.axes_initializer = KINDS.GlorotUniform(input_axes=(0,), output_axes=(1,))
    before = dict(vars(layer))
    with drawn_by_numpy([layer]):
        assert all(vars(layer)[name] is value for name, value in before.items() if name.endswith("_initializer"))


def test_the_config_of_a_built_model_names_the_initializers_of_keras():
    model = zoo.build("bilstm_1x4_seq2one", seed=2)
    text = model.to_json()
    assert "Orthogonal" in text
    assert "_Drawn" not in text
