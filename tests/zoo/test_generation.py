"""`generate` equals calling the model step by step; the draws of words; validation."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo._runtime.graph_options import without_remapping
from kerazoo.cells import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo import RNNSpec
from tests.helpers.speed import slow_on_jax, slow_on_jax_marks
from tests.zoo.test_builders import inputs_of

pytestmark = pytest.mark.backend

STEPS = 6


def numpy(x):
    return ops.convert_to_numpy(x)


def ahead(model, values):
    """The forecast (B, horizon, outputs) from the end of the values."""
    y = numpy(model(values))
    y = y if model.output_shape[1] is not None else y[:, -1:]
    return y[:, None] if y.ndim == 2 else y  # one output per window has no axis of the horizon


def grown(model, context, steps, window=None):
    """Reference: call the model on all steps so far (or the last `window`), append the output, call again."""
    values = context
    for _ in range(steps):
        given = values if window is None else values[:, -window:]
        values = np.concatenate([values, ahead(model, given)[:, -1:]], axis=1)
    return values[:, context.shape[1] :]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("lstm_1x8_relu", marks=slow_on_jax_marks),
        "gru6-lstm5_seq2one",
        "mingru_2x6_highway_f2_o2",
        pytest.param("slstm_1x4_attention3_dropout20", marks=slow_on_jax_marks),
        pytest.param("mlstm4-lmu4_residual", marks=slow_on_jax_marks),
        pytest.param("lnlstm_1x4_proj3_inproj5_seq2one", marks=slow_on_jax_marks),
    ],
)
def test_generation_by_states_equals_step_by_step_calls(name):
    model = zoo.build(name, seed=1)
    context = inputs_of(RNNSpec.from_name(name), steps=7)
    expected = grown(model, context, STEPS)
    np.testing.assert_allclose(zoo.generate(model, context, STEPS), expected, rtol=1e-5, atol=1e-5)
    # New weights must take effect in the compiled function.
    model.set_weights([w * 0.5 for w in model.get_weights()])
    np.testing.assert_allclose(zoo.generate(model, context, STEPS), grown(model, context, STEPS), rtol=1e-5, atol=1e-5)


QUICK = ("mamba", "rwkv7")


@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, marks=slow_on_jax_marks if cell in QUICK else pytest.mark.slow) for cell in list_cells()],
)
def test_every_cell_generates_what_it_returns_for_the_whole_sequence(cell):
    info = cell_info(cell)
    # Of four units with time gates, all can be closed in these steps.
    model = zoo.build(f"{cell}_1x32[time=step]" if info.needs_timestamps else f"{cell}_1x4", seed=1)
    model.set_weights([w * 1.5 if w.ndim > 1 else w + 0.1 for w in model.get_weights()])
    context = inputs_of(RNNSpec.from_name("gru_1x4"), steps=7)
    found = zoo.generate(model, context, STEPS)
    assert np.ptp(found) > 1e-3  # it generates more than a constant
    # The outputs for the context and what was generated are one step ahead of it. Where the cell has a parallel form,
    # the model uses that form, and generation the loop.
    outputs = numpy(model(np.concatenate([context, found], axis=1)))[:, 6:-1]
    if info.layer == "cell":
        np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-5)
    first = zoo.generate(model, context, 1, mode="window")
    np.testing.assert_allclose(first, outputs[:, :1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[:, :1], first, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "lstm_1x8",
        "bigru_1x4_seq2one",
        pytest.param("gru_1x6_seq2one_h3", marks=slow_on_jax_marks),
        pytest.param("convlstm_1x2_seq2one", marks=pytest.mark.slow),
    ],
)
def test_generation_by_window_reads_the_last_steps(name):
    model = zoo.build(name, seed=1)
    context = inputs_of(RNNSpec.from_name(name), steps=5)
    values = context
    while values.shape[1] < 5 + STEPS:
        values = np.concatenate([values, ahead(model, values[:, -5:])], axis=1)
    found = zoo.generate(model, context, STEPS, mode="window")
    np.testing.assert_allclose(found, values[:, 5 : 5 + STEPS], rtol=1e-5, atol=1e-5)
    if name != "lstm_1x8":
        np.testing.assert_array_equal(zoo.generate(model, context, STEPS), found)  # "auto" selects the window


def test_the_result_has_the_axes_of_the_context():
    model = zoo.build("gru_1x4", seed=1)
    context = inputs_of(RNNSpec.from_name("gru_1x4"), batch=1)
    whole = zoo.generate(model, context, 4)
    assert whole.shape == (1, 4, 1)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(zoo.generate(model, context[0], 4), whole[0])
    np.testing.assert_array_equal(zoo.generate(model, context[0, :, 0].tolist(), 4), whole[0, :, 0])
    one = zoo.generate(model, context[:, :1], 4)
    np.testing.assert_allclose(one, grown(model, context[:, :1], 4), rtol=1e-5, atol=1e-6)


def test_time_continues_by_its_last_difference():
    model = zoo.build("phased_2x4_timestamps", seed=1)
    context = inputs_of(RNNSpec.from_name("gru_1x4_timestamps"))
    context[:, :, 1] = np.arange(5) * 0.5 + 3
    values = context
    for step in range(3):
        y = numpy(model(values))[:, -1:]
        time = np.full((2, 1, 1), 5.0 + 0.5 * (step + 1), "float32")
        values = np.concatenate([values, np.concatenate([y, time], axis=2)], axis=1)
    for mode in ("states", "window"):
        found = zoo.generate(model, context, 3, mode)
        assert found.shape == (2, 3, 1)
        if mode == "states":
            np.testing.assert_allclose(found, values[:, 5:, :1], rtol=1e-4, atol=1e-5)


@slow_on_jax
def test_any_chain_of_keras_layers_works():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((None, 1)),
            keras.layers.LSTM(5, return_sequences=True),
            keras.layers.LayerNormalization(),
            keras.layers.GRU(4),
            keras.layers.Dense(1),
        ]
    )
    context = inputs_of(RNNSpec.from_name("gru_1x4"))
    values = context
    for _ in range(4):
        values = np.concatenate([values, numpy(model(values))[:, None]], axis=1)
    np.testing.assert_allclose(zoo.generate(model, context, 4), values[:, 5:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "gru_1x6_v12_e3_softmax",
        pytest.param("gru_1x6_v12_e3_nce", marks=slow_on_jax_marks),
        "bigru_1x6_v12_e3_softmax_seq2one",
    ],
)
def test_words_are_the_most_probable_ones_or_drawn(name):
    model = zoo.build(name, seed=3)
    model.set_weights([w * 4 for w in model.get_weights()])  # so that the probabilities of words differ
    context = inputs_of(RNNSpec.from_name(name))
    found = zoo.generate(model, context, STEPS)
    values = context
    for _ in range(STEPS):
        logits = numpy(model(values if "bi" not in name else values[:, -5:]))
        logits = logits[:, -1] if logits.ndim == 3 else logits
        values = np.concatenate([values, logits.argmax(-1)[:, None].astype("int32")], axis=1)
    np.testing.assert_array_equal(found, values[:, 5:])
    drawn = zoo.generate(model, np.repeat(context[:1], 3000, axis=0), 1, temperature=2.0, seed=1)[:, 0]
    logits = numpy(model(context[:1]))
    logits = (logits[:, -1] if logits.ndim == 3 else logits)[0] / 2.0
    expected = np.exp(logits - logits.max())
    expected *= 3000 / expected.sum()
    counts = np.bincount(drawn, minlength=12)
    assert ((counts - expected) ** 2 / expected).sum() < 45  # chi-square, 11 degrees of freedom: P < 1e-5
    again = zoo.generate(model, np.repeat(context[:1], 3000, axis=0), 1, temperature=2.0, seed=1)[:, 0]
    np.testing.assert_array_equal(drawn, again)


def test_compiled_generators_are_kept_out_of_saved_models(tmp_path):
    model = zoo.build("gru_1x4", seed=1)
    context = inputs_of(RNNSpec.from_name("gru_1x4"))
    expected = zoo.generate(model, context, 3)
    n_weights = len(model.weights)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert len(again.weights) == len(model.weights) == n_weights
    np.testing.assert_allclose(zoo.generate(again, context, 3), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "context", "arguments", "message"),
    [
        ("gru_1x4", np.zeros((2, 0, 1)), {}, "at least one step"),
        ("gru_1x4", np.zeros((2, 3, 1, 1)), {}, r"context has shape \(2, 3, 1, 1\)"),
        ("gru_1x4", np.array([1.0, np.nan]), {}, r"context is nan at \(0, 1, 0\)"),
        ("gru_1x4", np.array(["a", "b"]), {}, "expected numbers"),
        ("gru_1x4_v9_e3_softmax", np.zeros(3), {}, "expected ids of words"),
        ("gru_1x4_f2", np.zeros((3, 2)), {}, "the model returns 1 values per step and the context has 2"),
        ("gru_1x4", np.zeros(3), {"steps": 0}, "steps=0"),
        ("bigru_1x4", np.zeros(3), {"mode": "states"}, "Bidirectional.*needs the whole sequence"),
        ("gru_1x4_h2", np.zeros(3), {"mode": "states"}, "predicts 2 steps per call"),
        ("gru_1x4", np.zeros(3), {"mode": "state"}, "Did you mean 'states'"),
        ("gru_1x4_timestamps", np.zeros((1, 2)), {}, "context has one step"),
        ("gru_1x4_v9_e3", np.zeros(3, int), {}, "reads 9 words and returns 1 values.*a logit per word"),
    ],
)
def test_generate_validates_its_arguments(name, context, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        zoo.generate(zoo.build(name), context, **{"steps": 2, **arguments})


def test_the_argument_names_of_version_0_1_work_and_warn():
    model, context = zoo.build("gru_1x6_v12_e3_softmax", seed=3), np.arange(5)
    expected = zoo.generate(model, context, 4, temperature=1.0, seed=7)
    with pytest.warns(DeprecationWarning, match="random_seed= is deprecated.*use seed="):
        found = zoo.generate(model, context, 4, temperature=1.0, random_seed=7)
    np.testing.assert_array_equal(found, expected)
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        found = zoo.generate(model, seed=context, steps=4, temperature=1.0, random_seed=7)
    np.testing.assert_array_equal(found, expected)
    ours = [each for each in caught if "is deprecated" in str(each.message)]
    assert ["context=" in str(each.message) for each in ours] == [True, False]
    assert {each.filename for each in ours} == {__file__}
    with pytest.raises(InvalidArgumentError, match="both given"):
        zoo.generate(model, context, 4, seed=1, random_seed=7)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="messages of TensorFlow")
@pytest.mark.parametrize("name", ["rnn_1x100_relu", "rnn_1x8_elu", "birnn_1x8_relu"])
def test_tensorflow_prints_nothing_while_it_generates(name):
    code = f"""
import sys
import numpy as np
import tensorflow as tf
tf.constant(1) + 1  # TensorFlow's own messages of its start
from kerazoo import zoo
model = zoo.build({name!r}, seed=1)
print("begin", file=sys.stderr, flush=True)
zoo.generate(model, np.zeros(30), 250)
"""
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    environment["TF_ENABLE_ONEDNN_OPTS"] = "1"  # as on CPUs with AVX512-VNNI
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.partition("begin\n")[2] == ""


def test_options_of_the_graph_optimizer_end_with_the_generation():
    if keras.backend.backend() != "tensorflow":
        with without_remapping():
            return  # nothing to change
    from tensorflow.python.eager import context

    before = context.context().function_call_options.as_attrs()
    with without_remapping():
        inside = context.context().function_call_options.as_attrs()
    assert inside != before
    assert context.context().function_call_options.as_attrs() == before
    with pytest.raises(KeyError), without_remapping():
        raise KeyError
    assert context.context().function_call_options.as_attrs() == before
