"""A classifier of padded texts by name learns what a plain Keras network with `mask_zero` learns.

The label of a text is the order of two words among others, which no counts of words tell. Without a mask, nothing is
learned.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerazoo import Word2Vec, training, zoo
from kerazoo.text import Vocabulary
from kerazoo.word2vec import to_embedding
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend

OTHERS = [f"w{i}" for i in range(30)]
VOCABULARY = Vocabulary.from_counts(dict.fromkeys([*OTHERS, "not", "good"], 1))
ROWS = len(VOCABULARY) + 1
LENGTH = 60


def texts(number, seed, longest=12):
    """Texts of 5 to `longest` words, and labels: 1 (30 %) for "not ... good", 0 for "good ... not"."""
    rng = np.random.default_rng(seed)
    made, labels = [], []
    for _ in range(number):
        words = [str(word) for word in rng.choice(OTHERS, rng.integers(3, longest - 1))]
        label = int(rng.random() < 0.3)
        i, j = sorted(rng.choice(len(words) + 1, 2, replace=False))
        first, second = ("not", "good") if label else ("good", "not")
        made.append([*words[:i], first, *words[i:j], second, *words[j:]])
        labels.append(label)
    return made, np.array(labels)


def accuracy(model, test, y):
    return model.evaluate(test, y, verbose=0)[1]


def majority(y):
    return max(y.mean(), 1 - y.mean())


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["post", "pre"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_reaches_what_a_plain_keras_network_does(seed, padding):
    (train, y), (test, test_y) = texts(1500, 10 + seed), texts(500, 20 + seed)
    x, test_x = (VOCABULARY.encode_padded(each, LENGTH, padding=padding) for each in (train, test))
    found = {}
    for kind in ("masked", "plain", "unmasked"):
        if kind == "plain":
            keras.utils.set_random_seed(seed)
            model = keras.Sequential(
                [
                    keras.Input((None,), dtype="int32"),
                    keras.layers.Embedding(ROWS, 32, mask_zero=True),
                    keras.layers.GRU(32),
                    keras.layers.Dense(2, activation="softmax"),
                ]
            )
            model.compile(
                keras.optimizers.Adam(0.005, clipnorm=1), "sparse_categorical_crossentropy", metrics=["accuracy"]
            )
        else:
            mask = "_masked" if kind == "masked" else ""
            model = zoo.build(f"gru_1x32_v{ROWS}_e32_classes2_seq2one{mask}", seed=seed)
            model.compile(**zoo.compile_defaults(model, learning_rate=0.005))
        training.fit(model, x, y, epochs=6, batch_size=32, verbose=0)
        found[kind] = accuracy(model, test_x, test_y)
    assert found["masked"] > 0.97
    assert found["masked"] > found["plain"] - 0.02
    if padding == "post":  # after 50 steps of padding the words are forgotten
        assert found["unmasked"] < majority(test_y) + 0.02


@slow_on_jax
def test_a_small_one_learns_more_than_the_majority():
    (train, y), (test, test_y) = texts(384, 1, longest=6), texts(200, 2, longest=6)
    x, test_x = (VOCABULARY.encode_padded(each, 8) for each in (train, test))
    model = zoo.build(f"gru_1x16_v{ROWS}_e16_classes2_seq2one_masked", seed=1)
    model.compile(**zoo.compile_defaults(model, learning_rate=0.02))
    training.fit(model, x, y, epochs=8, batch_size=32, verbose=0)
    assert accuracy(model, test_x, test_y) > 0.97 > majority(test_y) + 0.2


@pytest.mark.slow
def test_word_vectors_are_a_start():
    """Two groups of words that occur in the same contexts: labels of half of the words are learned for the others."""
    rng = np.random.default_rng(0)
    groups = [[f"{kind}{i}" for i in range(20)] for kind in ("fruit", "metal")]
    corpus = [[str(w) for w in rng.choice(groups[i % 2], 10)] for i in range(3000)]
    words = Word2Vec(vector_size=16, window=5, min_count=1, epochs=5, seed=1).fit(corpus)

    def labelled(part, number, seed):
        rng = np.random.default_rng(seed)
        y = np.arange(number) % 2
        made = [[str(w) for w in rng.choice(groups[label][part], rng.integers(2, 6))] for label in y]
        return words.vocabulary_.encode_padded(made, 6), y

    (x, y), (test, test_y) = labelled(slice(0, 10), 200, 1), labelled(slice(10, 20), 200, 2)
    name = f"gru_1x16_v{len(words.vocabulary_) + 1}_e16_classes2_seq2one_masked"
    scores = {}
    for start in ("vectors", "random"):
        layer = to_embedding(words, padding=True, trainable=False) if start == "vectors" else None
        model = zoo.build(name, embedding=layer, seed=1)
        model.compile(**zoo.compile_defaults(model, learning_rate=0.01))
        model.fit(x, y, epochs=10, verbose=0)
        scores[start] = accuracy(model, test, test_y)
    assert scores["vectors"] > 0.95
    assert scores["random"] < 0.75
