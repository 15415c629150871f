"""Classification heads, and the losses, metrics and optimizers that fit each head."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import HeadSpec, LayerSpec, Perplexity, RNNSpec
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

N, T, C = 6, 4, 3
HEADS = RNNSpec(LayerSpec("rnn", 4), heads={"price": HeadSpec(2, horizon=3), "rises": HeadSpec(classes=C)})

# name or spec -> loss, whether it takes logits, metrics, shape of the targets
TABLE = {
    "rnn_1x4_o2": ("MeanSquaredError", None, ["mae"], (N, T, 2)),
    "rnn_1x4_seq2one_h3": ("MeanSquaredError", None, ["mae"], (N, 3)),
    "rnn_1x4_nohead": ("MeanSquaredError", None, ["mae"], (N, T, 4)),
    "rnn_1x4_o3_outsoftmax": ("CategoricalCrossentropy", False, ["accuracy"], (N, T, 3)),
    "rnn_1x4_classes3": ("SparseCategoricalCrossentropy", False, ["accuracy"], (N, T)),
    "rnn_1x4_classes3_seq2one": ("SparseCategoricalCrossentropy", False, ["accuracy"], (N,)),
    "rnn_1x4_v9_e3_classes3_seq2one": ("SparseCategoricalCrossentropy", False, ["accuracy"], (N,)),
    "rnn_1x4_v9_e3_softmax": ("SparseCategoricalCrossentropy", True, ["perplexity"], (N, T)),
    "rnn_1x4_v9_e9_o9": ("MeanSquaredError", None, ["mae"], (N, T, 9)),
}


def inputs_of(model):
    rng = np.random.default_rng(0)
    if len(model.input_shape) == 2:
        return rng.integers(0, 9, (N, T)).astype("int32")
    return rng.normal(size=(N, T, model.input_shape[-1])).astype("float32")


def targets_of(loss, shape):
    rng = np.random.default_rng(1)
    return rng.integers(0, C, shape) if "Sparse" in loss else rng.random(shape).astype("float32")


def value_of(model, x, y):
    return float(ops.convert_to_numpy(model.compute_loss(x, y, model(x))))


@pytest.mark.parametrize("style", ["functional", "sequential"])
@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_the_output_is_a_probability_for_each_class(style, returns):
    spec = RNNSpec.from_name("rnn_1x4_classes3", returns=returns)
    model = zoo.build(spec, style, seed=1)
    found = ops.convert_to_numpy(model(inputs_of(model)))
    assert found.shape == ((N, T, C) if returns == "sequence" else (N, C))
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)
    assert found.min() > 0


def test_probabilities_are_of_full_precision():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = zoo.build("rnn_1x4_classes3_seq2one")
        assert keras.backend.standardize_dtype(model(inputs_of(model)).dtype) == "float32"
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("style", ["functional", "sequential"])
@pytest.mark.parametrize("name", TABLE)
def test_the_defaults_fit_the_head(name, style):
    loss, logits, metrics, shape = TABLE[name]
    model = zoo.build(name, style, seed=1)
    for given in (model, name, RNNSpec.from_name(name)):
        found = zoo.compile_defaults(given, learning_rate=0.01)
        assert type(found["loss"]).__name__ == loss
        assert found["loss"].get_config().get("from_logits") == logits
        assert [metric.name for metric in found["metrics"]] == metrics
        assert type(found["optimizer"]).__name__ == "Adam"
        assert found["optimizer"].clipnorm == 1
        assert float(ops.convert_to_numpy(found["optimizer"].learning_rate)) == pytest.approx(0.01)
    model.compile(**found)
    assert np.isfinite(value_of(model, inputs_of(model), targets_of(loss, shape)))


def test_noise_words_need_no_loss_and_states_have_none():
    assert list(zoo.compile_defaults("rnn_1x4_v9_e3_nce")) == ["optimizer"]
    found = zoo.compile_defaults("rnn_1x4_states")
    assert found["loss"][1:] == [None]
    assert found["metrics"][1:] == [None]


def test_several_heads_have_a_loss_each():
    model = zoo.build(HEADS, seed=1)
    found = zoo.compile_defaults(model)
    kinds = {name: type(loss).__name__ for name, loss in found["loss"].items()}
    assert kinds == {"price": "MeanSquaredError", "rises": "SparseCategoricalCrossentropy"}
    names = {name: [metric.name for metric in metrics] for name, metrics in found["metrics"].items()}
    assert names == {"price": ["mae"], "rises": ["accuracy"]}


@slow_on_jax
def test_files_and_clones_keep_what_a_head_is(tmp_path):
    for name in ("rnn_1x4_classes3", "rnn_1x4_v9_e3_softmax"):
        loss = type(zoo.compile_defaults(name)["loss"]), zoo.compile_defaults(name)["loss"].get_config()
        for style in ("functional", "sequential"):
            model = zoo.build(name, style)
            model.compile(**zoo.compile_defaults(model))
            model.save(tmp_path / "model.keras")
            again = zoo.load(tmp_path / "model.keras")
            assert type(again.loss) is loss[0]
            for other in (again, keras.models.clone_model(model)):
                found = zoo.compile_defaults(other)["loss"]
                assert (type(found), found.get_config()) == loss


def test_only_zoo_models_have_defaults():
    with pytest.raises(InvalidArgumentError, match=r"not of kerazoo\.zoo"):
        zoo.compile_defaults(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
    with pytest.raises(InvalidArgumentError, match="expected an RNNSpec or a name"):
        zoo.compile_defaults(3)
    with pytest.raises(InvalidArgumentError, match="learning_rate=0"):
        zoo.compile_defaults("rnn_1x4", learning_rate=0)


@pytest.mark.parametrize(
    ("name", "loss", "message"),
    [
        (
            "rnn_1x4_classes3",
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "expected from_logits=False",
        ),
        ("rnn_1x4_classes3", keras.losses.CategoricalCrossentropy(from_logits=True), "expected from_logits=False"),
        ("rnn_1x4_v9_e3_softmax", "sparse_categorical_crossentropy", "expected from_logits=True"),
        ("rnn_1x4_v9_e3_softmax", keras.losses.SparseCategoricalCrossentropy(), "expected from_logits=True"),
        ("rnn_1x4_classes3", "mse", r"targets have shape \(6, 4\).*For ids of classes use a loss of ids"),
        ("rnn_1x4_classes3", "categorical_crossentropy", "For ids of classes use a loss of ids"),
    ],
)
def test_a_loss_that_would_train_something_else_is_refused(name, loss, message):
    model = zoo.build(name, seed=1)
    model.compile("sgd", loss)
    with pytest.raises(InvalidArgumentError, match=message):
        value_of(model, inputs_of(model), np.random.default_rng(1).integers(0, C, (N, T)))


def test_probabilities_as_targets_are_taken_by_the_losses_that_take_them():
    model = zoo.build("rnn_1x4_classes3_seq2one", seed=1)
    x, y = inputs_of(model), np.eye(C, dtype="float32")[np.arange(N) % C]
    for loss in ("categorical_crossentropy", "mse"):
        model.compile("sgd", loss)
        assert np.isfinite(value_of(model, x, y))
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(InvalidArgumentError, match="use CategoricalCrossentropy"):
        value_of(model, x, y)


@pytest.mark.parametrize("way", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("wrong", [C, -1, 0.5])
def test_arrays_of_ids_that_are_no_classes_are_refused(way, wrong):
    model = zoo.build("rnn_1x4_classes3_seq2one", seed=1)
    model.compile(**zoo.compile_defaults(model))
    y = np.arange(N, dtype="float32") % C
    y[4] = wrong
    with pytest.raises(InvalidArgumentError, match=rf"{wrong}.* at \(4,\) is no id of a class.*from 0 to 2"):
        getattr(model, way)(inputs_of(model), y)
    heads = zoo.build(HEADS.replace(returns="last"), seed=1)
    heads.compile(**zoo.compile_defaults(heads))
    with pytest.raises(InvalidArgumentError, match="targets of 'rises'"):
        getattr(heads, way)(inputs_of(heads), {"price": np.zeros((N, 3, 2)), "rises": y})


def test_an_id_that_the_loss_leaves_out_is_allowed():
    model = zoo.build("rnn_1x4_classes3_seq2one", seed=1)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    y = np.arange(N) % C
    y[4] = -1
    model.check_arrays(None, y)
    assert np.isfinite(value_of(model, inputs_of(model), y))


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="other backends raise an error or return NaN themselves")
@pytest.mark.parametrize("name", ["rnn_1x4_classes3", "rnn_1x4_v9_e3_nce"])
def test_ids_of_a_data_set_that_are_no_classes_give_nan(name):
    model = zoo.build(name, seed=1)
    model.compile(**zoo.compile_defaults(model))
    y = np.zeros((N, T), "int32")
    y[1, 2] = 9
    x = inputs_of(model)
    assert np.isnan(float(model.compute_loss(x, y, model(x), training=False)))


def test_perplexity_is_the_exponential_of_the_cross_entropy():
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(N, T, 9)).astype("float32"), rng.integers(0, 9, (N, T))
    metric = Perplexity()
    metric.update_state(y[:2], logits[:2])
    metric.update_state(y[2:], logits[2:])
    losses = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, y[..., None], axis=-1)[..., 0]
    assert float(metric.result()) == pytest.approx(np.exp(losses.mean()), rel=1e-4)
    assert Perplexity.from_config(metric.get_config()).get_config() == metric.get_config()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gru_1x8_classes3_seq2one", "bimingru_1x8_classes3_seq2one"])
def test_classes_are_learned(name):
    """The class is the position of the largest of the three last values."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3, 1)).astype("float32")
    y = x[:, :, 0].argmax(axis=1)
    model = zoo.build(name, seed=1)
    model.compile(**zoo.compile_defaults(model, learning_rate=0.02))
    model.fit(x[:500], y[:500], epochs=15, verbose=0)
    assert model.evaluate(x[500:], y[500:], verbose=0)[1] > 0.85
