"""Contexts of several lengths and padded ones: `generate` continues each as if it were alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerazoo import zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.errors import InvalidArgumentError
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

QUICK = "gru"


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, marks=[] if cell == QUICK else pytest.mark.slow)
        for cell in list_cells()
        if cell_info(cell).layer == "cell"
    ],
)
def test_contexts_of_several_lengths_are_continued_as_each_alone(cell):
    options = "[time=step]" if cell_info(cell).needs_timestamps else ""
    model = zoo.build(f"{cell}_1x4{options}_f2_o2", seed=1)
    rng = np.random.default_rng(0)
    contexts = [rng.normal(size=(steps, 2)) for steps in (3, 6, 1)]
    found = zoo.generate(model, contexts, 4)
    assert found.shape == (3, 4, 2)
    for row, context in zip(found, contexts, strict=True):
        close(row, zoo.generate(model, context, 4))


def test_texts_of_several_lengths_draw_as_the_rows_of_a_batch():
    model = zoo.build("gru_1x4_v9_e3_softmax", seed=1)
    contexts = [[1, 2, 3, 4], [5], [6, 7]]
    found = zoo.generate(model, contexts, 5, top_p=0.9, seed=3)
    assert found.shape == (3, 5)
    for row, context in enumerate(contexts):
        whole = zoo.generate(model, [context] * 3, 5, top_p=0.9, seed=3)
        np.testing.assert_array_equal(found[row], whole[row])


@slow_on_jax
def test_padding_of_an_embedding_with_mask_zero_is_no_word():
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(9, 3, mask_zero=True),
            layers.GRU(5),
            layers.Dense(9),
        ]
    )
    model.set_weights([w * 3 for w in model.get_weights()])
    contexts = [[1, 2, 3, 4], [0, 0, 5, 6], [7, 8, 0, 0]]
    found = zoo.generate(model, np.array(contexts), 4, banned=[0])
    for row, context in zip(found, contexts, strict=True):
        np.testing.assert_array_equal(row, zoo.generate(model, [i for i in context if i], 4, banned=[0]))


@slow_on_jax
def test_time_continues_from_the_last_step_of_each_context():
    model = zoo.build("phased_1x4_timestamps", seed=1)
    times = [np.array([0.0, 0.5, 1.0]), np.array([3.0, 5.0])]
    contexts = [np.stack([np.sin(time), time], axis=1) for time in times]
    for row, context in zip(zoo.generate(model, contexts, 3), contexts, strict=True):
        close(row, zoo.generate(model, context, 3))


@pytest.mark.parametrize(
    ("name", "context", "arguments", "message"),
    [
        (
            "bigru_1x4_v9_e3_softmax_seq2one",
            [[1], [2, 3]],
            {},
            "several lengths.*expected equal lengths.*Bidirectional",
        ),
        ("gru_1x4_v9_e3_softmax", [[1], [2, 3]], {"mode": "window"}, "with mode='window' the model reads the last"),
        ("gru_1x4_v9_e3_softmax", [[1], []], {}, r"context 1 of 2 has shape \(0,\)"),
        ("gru_1x4_v9_e3_softmax", [[1], [[2]]], {}, r"context 1 of 2 has shape \(1, 1\); expected.*ids \(T_i,\)"),
        ("gru_1x4_v9_e3_softmax", [[1], [2, [3, 4]]], {}, "list of lists of several lengths"),
        ("gru_1x4_v9_e3_softmax", [[1.0], [2.0, 3.0]], {}, "context has dtype float64; expected ids"),
        ("gru_1x4_v9_e3_softmax", [1, 9], {}, "context has the id 9; expected ids from 0 to 8"),
        ("gru_1x4_v9_e3_softmax", [1, -1], {}, "context has the id -1"),
        ("gru_1x4", [[1.0], [2.0, 3.0]], {}, r"context 0 of 2 has shape \(1,\); expected.*\(T_i, features\)"),
        ("gru_1x4", [np.zeros((2, 1)), np.zeros((3, 2))], {}, "each with the same features"),
        ("gru_1x4", [np.zeros((2, 1)), np.full((3, 1), np.nan)], {}, r"context is nan at \(1, 0, 0\)"),
        ("gru_1x4_timestamps", [np.zeros((2, 2)), np.zeros((1, 2))], {}, "context has one step"),
    ],
)
def test_contexts_that_do_not_fit_are_refused(name, context, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        zoo.generate(zoo.build(name), context, 2, **arguments)


def test_a_context_of_padding_alone_is_refused():
    model = keras.Sequential(
        [keras.Input((None,)), keras.layers.Embedding(9, 3, mask_zero=True), keras.layers.GRU(5), keras.layers.Dense(9)]
    )
    with pytest.raises(InvalidArgumentError, match="context 1 has no step"):
        zoo.generate(model, [[1, 2], [0, 0]], 2)


def test_a_masked_series_model_generates_by_states_from_contexts_of_several_lengths():
    rng = np.random.default_rng(0)
    contexts = [rng.normal(size=(length, 2)).astype("float32") for length in (5, 3)]
    model = zoo.build("gru_1x4_f2_o2_masked", seed=1)
    found = zoo.generate(model, contexts, 4, mode="states")
    unmasked = zoo.build("gru_1x4_f2_o2", seed=1)
    for one, context in zip(found, contexts, strict=True):
        close(one, zoo.generate(unmasked, context, 4, mode="states"))


@pytest.mark.parametrize("pre", [False, True])
def test_steps_of_nan_are_padding_for_a_masked_model(pre):
    rng = np.random.default_rng(0)
    contexts = [rng.normal(size=(length, 2)).astype("float32") for length in (5, 3)]
    padded = np.full((2, 5, 2), np.nan, "float32")
    padded[0], padded[1, 2 * pre : 3 + 2 * pre] = contexts
    model = zoo.build("gru_1x4_f2_o2_masked", seed=1)
    close(zoo.generate(model, padded, 4), zoo.generate(model, contexts, 4))
    padded[1, 3 - 2 * pre, 0] = 1.0  # a step that is only partly NaN
    with pytest.raises(InvalidArgumentError, match=r"context is nan at \(1, ., 1\)"):
        zoo.generate(model, padded, 4)


def test_padding_before_the_words_is_that_after_them():
    model = zoo.build("gru_1x4_v9_e3_softmax_masked", seed=1)
    post, pre = np.array([[1, 2, 3, 4], [5, 6, 0, 0]]), np.array([[1, 2, 3, 4], [0, 0, 5, 6]])
    np.testing.assert_array_equal(zoo.generate(model, pre, 4), zoo.generate(model, post, 4))


def test_models_with_several_inputs_or_heads_are_refused():
    heads = {"a": zoo.HeadSpec(), "b": zoo.HeadSpec(classes=2)}
    for model in (
        zoo.build("gru_1x4_s2"),
        zoo.build(zoo.RNNSpec(zoo.LayerSpec("gru", 4), heads=heads)),
    ):
        with pytest.raises(InvalidArgumentError, match="Static features and several heads cannot be generated from"):
            zoo.generate(model, np.zeros(6), 3)
