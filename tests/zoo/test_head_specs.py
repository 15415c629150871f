"""Models with several heads: outputs and targets by name, each checked as that of a single head."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import training, zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import HeadSpec, LayerSpec, RNNSpec
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend

N, T = 4, 3
HEADS = {"price": HeadSpec(2, horizon=3), "rises": HeadSpec(classes=3), "b": HeadSpec(activation="tanh")}
LAST = RNNSpec(LayerSpec("rnn", 4), features=2, returns="last", heads=HEADS)


def numpy(x):
    return ops.convert_to_numpy(x)


def inputs():
    return np.random.default_rng(0).normal(size=(N, T, 2)).astype("float32")


def targets():
    rng = np.random.default_rng(1)
    return {
        "price": rng.normal(size=(N, 3, 2)).astype("float32"),
        "rises": rng.integers(0, 3, N),
        "b": rng.normal(size=N).astype("float32"),
    }


def compiled(spec=LAST, **changes):
    model = zoo.build(spec, seed=1)
    model.compile(**{**zoo.compile_defaults(model), **changes})
    return model


def loss_of(model, y):
    x = inputs()
    return float(model.compute_loss(x, y, model(x)))


@pytest.mark.parametrize("returns", ["last", pytest.param("sequence", marks=slow_on_jax_marks)])
def test_outputs_by_name_on_the_same_layers(returns):
    spec = LAST.replace(returns=returns)
    model = zoo.build(spec, seed=1)
    found = model(inputs())
    steps = (N,) if returns == "last" else (N, T)
    assert {name: tuple(each.shape) for name, each in found.items()} == {
        "price": (*steps, 3, 2),
        "rises": (*steps, 3),
        "b": (*steps, 1),
    }
    np.testing.assert_allclose(numpy(found["rises"]).sum(axis=-1), 1, rtol=1e-5)
    assert np.abs(numpy(found["b"])).max() <= 1
    # A model with one of the heads and the same weights has the same output.
    body = [w for w in model.weights if "rnn_0" in w.path]
    for name, head in HEADS.items():
        single = zoo.build(spec.replace(heads={name: head}), seed=2)
        own = [w for w in model.weights if f"_{name}/" in w.path]
        single.set_weights([numpy(w) for w in (*body, *own)])
        np.testing.assert_allclose(numpy(single(inputs())[name]), numpy(found[name]), rtol=1e-5, atol=1e-6)


def test_the_loss_is_the_sum_of_those_of_the_heads():
    model, y = compiled(), targets()
    outputs = {name: numpy(each) for name, each in model(inputs()).items()}
    expected = np.mean((outputs["price"] - y["price"]) ** 2) + np.mean((outputs["b"][:, 0] - y["b"]) ** 2)
    expected -= np.log(outputs["rises"][np.arange(N), y["rises"]]).mean()
    assert loss_of(model, y) == pytest.approx(expected, rel=1e-4)


@slow_on_jax
def test_trained_saved_and_loaded(tmp_path):
    x, y = inputs(), targets()
    model = compiled()
    history = model.fit(x, y, verbose=0).history
    assert set(history) == {
        "loss", "price_loss", "price_mae", "rises_loss", "rises_accuracy", "b_loss", "b_mae",
    }  # fmt: skip
    assert np.isfinite(training.fit(model, x, y, verbose=0).history["loss"][0])
    model.save(tmp_path / "model.keras")
    again = zoo.load(tmp_path / "model.keras")
    assert type(again) is type(model)
    for name, each in model(x).items():
        np.testing.assert_allclose(numpy(again(x)[name]), numpy(each), rtol=1e-5, atol=1e-6)
    assert again.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-4)
    with pytest.raises(InvalidArgumentError, match="targets for 'fall'"):
        again.train_on_batch(x, {**y, "fall": y["b"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price": np.zeros((N, 3))}, r"targets of 'price' have shape \(4, 3\), outputs of 'price' \(4, 3, 2\)"),
        ({"price": np.zeros((N, 2, 3))}, r"targets of 'price' have shape \(4, 2, 3\)"),
        ({"b": np.zeros((N, 3))}, r"targets of 'b' have shape \(4, 3\), outputs of 'b' \(4, 1\)"),
        ({"rises": np.zeros((N, 3))}, "ids of classes"),
        ({"fall": np.zeros(N)}, "targets for 'fall'; expected the names of the heads: 'b', 'price', 'rises'"),
    ],
)
def test_targets_of_a_head_are_checked_as_those_of_a_single_one(change, message):
    with pytest.raises(InvalidArgumentError, match=message):
        loss_of(compiled(), {**targets(), **change})


def test_targets_are_a_dict_of_all_heads_with_a_loss():
    y = targets()
    with pytest.raises(InvalidArgumentError, match="no targets for 'rises', which has a loss"):
        loss_of(compiled(), {name: each for name, each in y.items() if name != "rises"})
    with pytest.raises(InvalidArgumentError, match="targets are a list; expected a dict"):
        loss_of(compiled(), list(y.values()))
    with pytest.raises(InvalidArgumentError, match="expected a dict: name of a head -> its loss"):
        loss_of(compiled(loss=["mse", "mse", "mse"]), y)
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.raises(InvalidArgumentError, match="the loss of 'rises' has from_logits=True"):
        loss_of(compiled(loss={"price": "mse", "rises": logits, "b": "mse"}), y)


def test_a_head_without_a_loss_needs_no_targets():
    model = compiled(loss={"b": "mse"}, metrics=None)
    y = targets()
    expected = np.mean((numpy(model(inputs())["b"])[:, 0] - y["b"]) ** 2)
    assert loss_of(model, {"b": y["b"]}) == pytest.approx(expected, rel=1e-4)


def test_only_functional_models_have_several_heads():
    with pytest.raises(InvalidArgumentError, match=r"heads=.*expected 'functional': a Sequential model has one"):
        zoo.build(LAST, "sequential")
    with pytest.raises(InvalidArgumentError, match="the layers are no chain"):
        zoo.build_layers(LAST)
