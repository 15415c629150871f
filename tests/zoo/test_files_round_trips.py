"""Zoo models right after `build`: cloned, configured, saved, quantized and exported, with the same outputs.

The names have every cell alone, every option of a layer and every head.
"""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.zoo.names import words_of
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

WORDS = 9
CELLS = [f"{name}_1x4{'[time=step]' * cell_info(name).needs_timestamps}_f2" for name in list_cells()]
OPTIONS = [
    "lstm_2x4_fused", "gru_1x4_loop", "lstm_1x4_relu", "bigru_2x4_residual_seq2one", "bimlstm_1x4_seq2one",
    "gru_1x4_dropin10_dropout10", "lstm_1x4_dropstate10", "lstm_1x4_dropin10_dropout20_dropstate10_variational",
    "gru_1x4_highway", "gru_2x4_inproj4_stricthighway", "gru_1x4_inproj4_strictresidual", "lru_1x4_residual",
    "gru_1x4_attention2", "s5_1x4_proj3", "gru_1x4_inproj3", "lmu_1x4[order=3,theta=5]", "lstm4-gru3_seq2one_h3",
    "phased_1x4_timestamps", "gru_1x4_nohead", "gru_1x4_outtanh_o2_t5_h2", "lstm_2x4_states",
    "gru_1x4_v9_e3_softmax", "mingru_1x4_v9_e3_nce", "gru_1x4_v9_e3_sampledsoftmax_seq2one", "gru_1x4_v9_e3_o2",
    "gru_1x4_f2_h2_masked", "bimgu_1x4_v9_e3_seq2one_masked_classes2",
]  # fmt: skip
NAMES = CELLS + OPTIONS
#: What runs by default, one of each kind of form; each name takes a second or more, so the others are marked slow.
SAMPLE = [
    "bimlstm_1x4_seq2one", "lstm_1x4_dropin10_dropout20_dropstate10_variational", "mingru_1x4_v9_e3_nce",
    "lstm_2x4_states", "gru_1x4_attention2",
]  # fmt: skip
SOME_SLOW = [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in NAMES]
EXPORTED = [pytest.param(name, marks=() if name in SAMPLE[::2] else pytest.mark.slow) for name in NAMES]
#: The erfc of gelu, the default activation of s5, is no operation of ONNX.
ONNX = [each for each in EXPORTED if not each.values[0].startswith("s5")]
ONNX.append(pytest.param("s5_1x4[activation=silu]_f2", marks=pytest.mark.slow))
STYLES = ("functional", "sequential")


def built(name, style):
    """A model and inputs for it."""
    if style == "sequential" and name.endswith("_states"):
        pytest.skip("a Sequential model has one output")
    model = zoo.build(name, style, seed=1)
    rng = np.random.default_rng(0)
    shape = [2, *(5 if size is None else size for size in model.input_shape[1:])]
    x = rng.integers(0, WORDS, shape).astype("int32") if "_v9" in name else rng.normal(size=shape).astype("float32")
    return model, x


def outputs_of(model, x):
    return [ops.convert_to_numpy(each) for each in keras.tree.flatten(model(x))]


def check_equal(got, expected, tolerance=1e-6):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_the_names_have_every_cell_and_every_word_of_a_layer():
    fields = ("activation", "bidirectional", "input_dropout", "output_dropout", "state_dropout", "variational")
    fields += ("residual", "highway", "attention", "projection", "input_projection", "fused", "head", "return_states")
    fields += ("timestamps", "horizon", "lookback", "outputs", "vocabulary", "returns", "masked", "classes")
    text = "_".join(NAMES)
    for field in fields:
        words = [word.removesuffix("N") for word in words_of(field)]
        needed = any if field == "activation" else all
        stated = [word for word in words if word != "seq2seq"]  # the default
        assert needed(f"_{word}" in text for word in stated) or field == "bidirectional", field
    assert len(NAMES) >= 50
    assert set(SAMPLE) <= set(NAMES)


@slow_on_jax
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", SOME_SLOW)
def test_clones_configurations_and_files(name, style, tmp_path):
    model, x = built(name, style)
    model.save(tmp_path / "model.keras")  # before any call
    clones = {
        "clone": keras.models.clone_model(model),
        "configuration": type(model).from_config(model.get_config()),
    }
    for clone in clones.values():
        assert [type(each) for each in clone.layers] == [type(each) for each in model.layers]
        clone.set_weights(model.get_weights())
    assert type(clones["configuration"]) is type(model)
    assert clones["configuration"].get_config() == model.get_config()
    clones["file"] = zoo.load(tmp_path / "model.keras")
    assert type(clones["file"]) is type(model)
    expected = outputs_of(model, x)
    for clone in clones.values():
        check_equal(outputs_of(clone, x), expected)


@pytest.mark.parametrize("style", [STYLES[0], pytest.param(STYLES[1], marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", EXPORTED)
def test_export_right_after_build_serves_the_same(name, style, tmp_path):
    """To a SavedModel: on TensorFlow, and on JAX by jax2tf. The length of the sequences is a symbol there."""
    if keras.backend.backend() not in ("tensorflow", "jax"):
        pytest.skip("Keras exports SavedModels from TensorFlow and JAX")
    tf = pytest.importorskip("tensorflow")
    model, x = built(name, style)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for batch in (x, x[:1]):
        got = [np.asarray(each) for each in keras.tree.flatten(served.serve(batch))]
        check_equal(got, outputs_of(model, batch), 1e-5)


def test_a_model_counts_as_called_right_after_build():
    """Keras refuses the export to ONNX otherwise; this holds where onnx is not installed, too."""
    assert all(zoo.build("gru_1x4", style)._called for style in STYLES)


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "tf2onnx")),
    reason="needs onnxruntime and tf2onnx",
)
@pytest.mark.parametrize("name", ONNX)
def test_onnx_right_after_build_computes_the_same(name, tmp_path):
    import onnxruntime

    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras exports ONNX from TensorFlow with tf2onnx")
    model, x = built(name, "functional")
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    check_equal(session.run(None, {session.get_inputs()[0].name: x}), outputs_of(model, x), 1e-5)


@slow_on_jax
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("name", ["mlstm_1x4_f2", "gru_1x4_v9_e3_softmax", "bigru_2x4_residual_seq2one"])
def test_quantized_dense_and_embedding_layers(name, tmp_path):
    """`quantize` replaces the weights of Dense and Embedding layers; cells keep theirs."""
    model, x = built(name, "functional")
    expected = outputs_of(model, x)
    model.quantize("int8")
    kinds = {
        type(layer).__name__: layer.dtype_policy.name
        for layer in model._flatten_layers()
        if layer.dtype_policy.name.startswith("int8")
    }
    assert set(kinds) == {"Dense", "Embedding"} if "_v9" in name else set(kinds) == {"Dense"}
    got = outputs_of(model, x)
    check_equal(got, expected, 0.02)
    assert any(np.abs(a - b).max() > 0 for a, b in zip(got, expected, strict=True))
    model.save(tmp_path / "model.keras")
    check_equal(outputs_of(zoo.load(tmp_path / "model.keras"), x), got)
