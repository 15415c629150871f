"""Static features beside the sequence: where they go, how a model takes them, and errors for inputs that do not fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import training, zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import RNNSpec
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = pytest.mark.backend

N, T, S = 4, 3, 2


def numpy(x):
    return ops.convert_to_numpy(x)


def both(name, seed=0):
    """A sequence and static features for the model of this name."""
    spec = RNNSpec.from_name(name)
    rng = np.random.default_rng(seed)
    static = rng.normal(size=(N, spec.static)).astype("float32")
    if spec.vocabulary is not None:
        return rng.integers(0, spec.vocabulary, (N, T)).astype("int32"), static
    x = rng.normal(size=(N, T, spec.features + spec.timestamps)).astype("float32")
    if spec.timestamps:
        x[..., -1] = np.cumsum(np.abs(x[..., -1]), axis=1)
    return x, static


@pytest.mark.parametrize(
    "name",
    [
        "rnn_1x3_f2_s2",
        pytest.param("rnn_1x3_f2_s2_timestamps_seq2one", marks=slow_on_jax_marks),
        pytest.param("birnn_2x3_f2_s2_masked", marks=pytest.mark.slow),
        pytest.param("phased_1x3_f2_s2_timestamps", marks=pytest.mark.slow),
        pytest.param("biconvlstm_1x3_f2_s2", marks=pytest.mark.slow),
    ],
)
def test_they_are_features_that_are_the_same_at_every_step(name):
    """The model equals one without static features, whose sequence repeats them, before the time stamp."""
    spec = RNNSpec.from_name(name)
    model, other = zoo.build(spec, seed=1), zoo.build(spec.replace(static=0, features=spec.features + S), seed=2)
    other.set_weights(model.get_weights())
    x, static = both(name)
    repeated = np.repeat(static[:, None], T, axis=1)
    joined = np.concatenate([x[..., : spec.features], repeated, x[..., spec.features :]], axis=-1)
    np.testing.assert_allclose(numpy(model([x, static])), numpy(other(joined)), rtol=1e-5, atol=1e-6)


@slow_on_jax
def test_they_join_the_embedding_of_words():
    name = "rnn_1x3_v9_e4_s2_masked_classes3_seq2one"
    model = zoo.build(name, seed=1)
    x, static = both(name)
    embedded = numpy(model.get_layer("embedding")(x))
    joined = numpy(model.get_layer("static_features")([embedded, static]))
    assert joined.shape == (N, T, 6)
    np.testing.assert_array_equal(joined[:, 1, 4:], static)
    np.testing.assert_array_equal(joined[..., :4], embedded)
    assert numpy(model([x, static])).shape == (N, 3)


@slow_on_jax
@pytest.mark.parametrize(
    "name", ["rnn_1x3_f2_s2_seq2one", pytest.param("rnn_1x3_v9_e4_s2_nce", marks=pytest.mark.slow)]
)
def test_lists_and_dicts_are_trained_on_saved_and_loaded(name, tmp_path):
    x, static = both(name)
    y = np.zeros((N, T), "int32") if "nce" in name else np.zeros((N, 1), "float32")
    given = {"sequence": x, "static": static}
    model = zoo.build(name, seed=1)
    np.testing.assert_array_equal(numpy(model([x, static])), numpy(model(given)))
    model.compile(**zoo.compile_defaults(model))
    for inputs in ([x, static], given):
        assert np.isfinite(model.fit(inputs, y, verbose=0).history["loss"][0])
        assert np.isfinite(training.fit(model, inputs, y, verbose=0).history["loss"][0])
        model.predict(inputs, verbose=0)
    model.save(tmp_path / "model.keras")
    copies = (
        zoo.load(tmp_path / "model.keras"),
        type(model).from_config(model.get_config()),
        keras.models.clone_model(model),
    )
    for again in copies:
        again.set_weights(model.get_weights())
        assert type(again) is type(model)
        np.testing.assert_allclose(numpy(again(given)), numpy(model(given)), rtol=1e-5, atol=1e-6)
        with pytest.raises(InvalidArgumentError, match="expected two"):
            again(x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, s: x, r"one input, shape \(4, 3, 2\); expected two: \[x, static\].*static \(batch, 2\)"),
        (lambda x, s: [x], "1 inputs"),
        (lambda x, s: [x, s, s], "3 inputs"),
        (lambda x, s: [x, None], r"2 inputs \(shape \(4, 3, 2\), None\)"),
        (lambda x, s: {"sequence": x}, "keys 'sequence'; expected"),
        (lambda x, s: {"sequence": x, "statics": s}, "keys 'sequence', 'statics'"),
        (lambda x, s: [x, s[:, :1]], r"static features of shape \(4, 1\); expected \(batch, 2\)"),
        (lambda x, s: [x, x], r"static features of shape \(4, 3, 2\)"),
        (lambda x, s: [x, s[:3]], "4 sequences and 3 rows of static features"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(change, message):
    name = "rnn_1x3_f2_s2"
    model = zoo.build(name, seed=1)
    with pytest.raises(InvalidArgumentError, match=message):
        model(change(*both(name)))


@pytest.mark.parametrize("way", ["predict", "fit", "evaluate"])
def test_every_way_to_use_a_model_says_what_is_missing(way):
    name = "rnn_1x3_f2_s2_seq2one"
    model = zoo.build(name, seed=1)
    model.compile("sgd", "mse")
    x, _ = both(name)
    targets = [] if way == "predict" else [np.zeros((N, 1), "float32")]
    with pytest.raises(InvalidArgumentError, match="one input"):
        getattr(model, way)(x, *targets, verbose=0)


@pytest.mark.slow
def test_an_exported_model_takes_both(tmp_path):
    if keras.backend.backend() not in ("tensorflow", "jax"):
        pytest.skip("Keras exports SavedModels from TensorFlow and JAX")
    tf = pytest.importorskip("tensorflow")
    name = "rnn_1x3_f2_s2_seq2one"
    model, inputs = zoo.build(name, seed=1), list(both(name))
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(np.asarray(served.serve(inputs)), numpy(model(inputs)), rtol=1e-5, atol=1e-6)


def test_a_chain_of_layers_cannot_have_two_inputs():
    with pytest.raises(InvalidArgumentError, match="static=2; expected 'functional': a Sequential model has one input"):
        zoo.build("rnn_1x3_f2_s2", "sequential")
    with pytest.raises(InvalidArgumentError, match=r"the layers are no chain\. Use zoo\.build"):
        zoo.build_layers(RNNSpec.from_name("rnn_1x3_f2_s2"))


def test_it_can_be_a_part_of_a_larger_model():
    model = zoo.build("rnn_1x3_f2_s2_seq2one", seed=1)
    sequence, static = keras.Input((T, 2)), keras.Input((S,))
    whole = keras.Model([sequence, static], keras.layers.Dense(1)(model([sequence, static])))
    assert numpy(whole(list(both("rnn_1x3_f2_s2")))).shape == (N, 1)


def test_arrays_are_checked_after_a_good_fit_too():
    """TensorFlow traces a second shape with unknown sizes, where the layers cannot check them."""
    model = zoo.build("gru_1x3_f2_s3_seq2one", seed=1)
    model.compile("sgd", "mse")
    x, static, y = np.zeros((6, 4, 2), "float32"), np.zeros((6, 3), "float32"), np.zeros(6, "float32")
    model.fit([x, static], y, verbose=0)
    for run in (model.fit, model.evaluate):
        with pytest.raises(InvalidArgumentError, match=r"static features of shape \(6, 2\); expected \(batch, 3\)"):
            run([x, static[:, :2]], y, verbose=0)
    with pytest.raises(InvalidArgumentError, match=r"static features of shape \(6, 4, 2\)"):
        model.predict([static, x], verbose=0)


@pytest.mark.parametrize("ids", [[[0, 9]], [[-1, 2]]])
def test_ids_outside_the_vocabulary_are_refused(ids):
    model = zoo.build("gru_1x3_v9_e2_masked_classes2_seq2one", seed=1)
    model.compile(**zoo.compile_defaults(model))
    ids = np.array(ids)
    for run in (lambda: model.fit(ids, np.zeros(1, int)), lambda: model.predict(ids), lambda: model.evaluate(ids)):
        with pytest.raises(
            InvalidArgumentError, match=r"input with ids from .* expected ids from 0 to 8.*encode_padded"
        ):
            run()
