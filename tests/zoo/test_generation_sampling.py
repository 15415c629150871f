"""Words that `generate` draws: temperature, top-k, nucleus and banned words, against the definitions in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kerazoo import zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.zoo.sampling import next_words, sampling_of
from tests.helpers.speed import slow_on_jax
from tests.references.sampling import distribution, next_word

pytestmark = pytest.mark.backend

WORDS = 12
CHOICES = {
    "temperature": {"temperature": 0.7},
    "top-k": {"top_k": 4},
    "nucleus": {"top_p": 0.6},
    "banned": {"temperature": 1.0, "banned": [0, 5]},
    "all": {"temperature": 1.3, "top_k": 6, "top_p": 0.8, "banned": [1]},
}


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.fixture(scope="module")
def model():
    model = zoo.build(f"gru_1x6_v{WORDS}_e3_softmax", seed=3)
    model.set_weights([w * 3 for w in model.get_weights()])  # so that the probabilities of words differ
    return model


def drawn(logits, uniform, **arguments):
    """`next_words` of kerazoo for logits (B, V)."""
    given = {"temperature": None, "top_k": None, "top_p": None, "banned": None, **arguments}
    sampling, inputs = sampling_of(logits.shape[1], **given)
    inputs = {name: ops.convert_to_tensor(value) for name, value in inputs.items()}
    return numpy(next_words(ops.convert_to_tensor(logits), sampling, inputs, ops.convert_to_tensor(uniform)))


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(1, 1), (1, 9), (5, 7), (3, 40)]),
    st.sampled_from([0.3, 1.0, 4.0]),
    st.sampled_from([None, 1, 2, "all"]),
    st.sampled_from([None, 1e-30, 0.5, 0.95, 1.0]),
    st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_draws_equal_their_definition(seed, shape, temperature, top_k, top_p, ban):
    rng = np.random.default_rng(seed)
    rows, words = shape
    logits = rng.normal(size=shape).astype("float32") * 2
    uniform = rng.random(rows, dtype=np.float32)
    banned = rng.choice(words, rng.integers(0, words), replace=False).tolist() if ban else []
    top_k = {"all": words, 2: min(2, words)}.get(top_k, top_k)
    arguments = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "banned": banned}
    expected = [next_word(*row, **arguments) for row in zip(logits, uniform, strict=True)]
    np.testing.assert_array_equal(drawn(logits, uniform, **arguments), expected)
    greedy = [next_word(*row, banned=banned) for row in zip(logits, uniform, strict=True)]
    np.testing.assert_array_equal(drawn(logits, uniform, banned=banned), greedy)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(np.float32(1), np.float32(0))])
@pytest.mark.parametrize("arguments", [{"temperature": 1.0}, {"top_k": 50}, {"top_p": 0.999}])
def test_words_of_probability_0_are_not_drawn_at_the_ends_of_the_unit_interval(arguments, uniform):
    logits = np.zeros((1, 1000), "float32")
    banned = [*range(400), *range(600, 1000)]
    found = drawn(logits, np.array([uniform], "float32"), banned=banned, **arguments)
    assert 400 <= found[0] < 600


@pytest.mark.parametrize("temperature", [1e-50, 1e-30])
def test_a_very_low_temperature_selects_the_most_probable_word(temperature):
    logits = np.array([[1.0, 3.0, 2.999, -50.0]], "float32")
    assert drawn(logits, np.array([0.9], "float32"), temperature=temperature) == [1]


@pytest.mark.parametrize("mode", ["states", "window"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "all" else pytest.mark.slow) for n in CHOICES])
def test_a_text_equals_the_words_drawn_one_by_one(model, name, mode):
    steps, context = 5, np.array([[3, 1, 4], [2, 7, 1]], "int32")
    found = zoo.generate(model, context, steps, mode, seed=7, **CHOICES[name])
    uniform = np.random.default_rng(7).random((2, steps), dtype=np.float32)
    values = context
    for step in range(steps):
        logits = numpy(model(values if mode == "states" else values[:, -3:]))[:, -1]
        arguments = {"temperature": 1.0, **CHOICES[name]}
        words = [next_word(row, u, **arguments) for row, u in zip(logits, uniform[:, step], strict=True)]
        values = np.concatenate([values, np.array(words, "int32")[:, None]], axis=1)
    np.testing.assert_array_equal(found, values[:, 3:])
    assert found.dtype == np.int32
    assert not set(found.ravel()) & set(CHOICES[name].get("banned", ()))


@slow_on_jax
def test_draws_from_one_word_are_greedy(model):
    context = np.array([3, 1, 4])
    for banned in (None, [int(zoo.generate(model, context, 6)[0])]):
        greedy = zoo.generate(model, context, 6, banned=banned)
        for arguments in ({"top_k": 1}, {"top_p": 1e-9}, {"temperature": 1e-9}):
            found = zoo.generate(model, context, 6, banned=banned, seed=2, **arguments)
            np.testing.assert_array_equal(found, greedy)
        assert banned is None or banned[0] not in greedy


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "all" else pytest.mark.slow) for n in CHOICES])
def test_many_draws_have_the_renormalised_distribution(model, name):
    n, context = 4000, np.array([[3, 1, 4]])
    words = zoo.generate(model, np.repeat(context, n, axis=0), 1, seed=1, **CHOICES[name])[:, 0]
    logits = numpy(model(context))[0, -1]
    ids, probabilities = distribution(logits, **{"temperature": 1.0, **CHOICES[name]})
    counts = np.bincount(words, minlength=WORDS)
    assert counts.sum() == counts[ids].sum() == n
    chi_square = ((counts[ids] - n * probabilities) ** 2 / (n * probabilities)).sum()
    assert chi_square < 45  # at most 11 degrees of freedom: P < 1e-5


def test_new_values_do_not_compile_a_new_loop(model):
    context = np.array([3, 1, 4])
    calls = [{"temperature": t, "top_p": p, "banned": b} for t, p, b in [(1.0, 0.5, [0]), (0.3, 0.9, [2, 3])]]
    found = []
    for arguments in calls:
        found.append(zoo.generate(model, context, 7, seed=1, **arguments).tolist())
        n_loops = len(model.__dict__["_kerazoo_generators"].values)
        if len(found) == 1:
            first = n_loops
    assert n_loops == first
    assert found[0] != found[1]  # the values are not those of the first call


def test_uniform_numbers_keep_their_precision_under_half_precision_policies():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")  # 8 bits: 256 different uniform numbers would remain
    try:
        model = zoo.build("gru_1x4_v1000_e3_softmax", seed=1)
        words = zoo.generate(model, np.ones((1500, 2), "int32"), 1, temperature=1.0, seed=1)
    finally:
        keras.config.set_dtype_policy(before)
    assert len(np.unique(words)) > 600


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("gru_1x4", {"temperature": 1.0}, r"temperature=1.0 with a model of series; expected it for token models only"),
        ("gru_1x4", {"top_k": 2}, "top_k=2 with a model of series"),
        ("gru_1x4", {"top_p": 0.9}, "top_p=0.9 with a model of series"),
        ("gru_1x4", {"banned": [0]}, r"banned=\[0\] with a model of series"),
        ("words", {"top_k": 0}, "top_k=0; expected an integer from 1 to 9"),
        ("words", {"top_k": 10}, "top_k=10; expected an integer from 1 to 9. The model has 9 words."),
        ("words", {"top_p": 0}, "top_p=0; expected a finite number > 0 and <= 1"),
        ("words", {"top_p": 1.1}, "top_p=1.1; expected"),
        ("words", {"temperature": -1}, "temperature=-1; expected a finite number >= 0"),
        ("words", {"temperature": 0, "top_k": 3}, "temperature=0 with top_k; expected temperature > 0"),
        ("words", {"temperature": 0.0, "top_p": 0.5}, "temperature=0 with top_p"),
        ("words", {"banned": range(9)}, "banned has all 9 words"),
        ("words", {"banned": [3, 9]}, "banned has the id 9; expected ids from 0 to 8"),
        ("words", {"banned": -1}, "banned has the id -1"),
        ("words", {"banned": ["<unk>"]}, r"banned=\['<unk>'\]; expected ids of words, integers. Vocabulary.encode"),
        ("words", {"banned": "<unk>"}, "expected ids of words"),
        ("words", {"banned": [1.5]}, "expected ids of words"),
        ("words", {"banned": [[1], [2, 3]]}, "expected ids of words"),
    ],
)
def test_wrong_arguments_are_refused(name, arguments, message):
    model = zoo.build("gru_1x4_v9_e3_softmax" if name == "words" else name)
    context = np.zeros(3, int) if name == "words" else np.zeros(3)
    with pytest.raises(InvalidArgumentError, match=message):
        zoo.generate(model, context, 2, **arguments)
