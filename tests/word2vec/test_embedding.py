"""`to_embedding`: word vectors as a layer, and a zoo model with it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import Word2Vec, zoo
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.word2vec import to_embedding
from tests.helpers.speed import slow_on_jax

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def words():
    texts = [["red", "apple", "green", "pear"], ["green", "apple"], ["red", "pear", "pear"]] * 5
    return Word2Vec(vector_size=4, min_count=1, epochs=1, seed=1, workers=1).fit(texts)


def test_ids_have_the_vectors_of_their_words(words):
    vocabulary = words.vocabulary_
    text = ["pear", "red", "green"]
    expected = np.stack([words.wv[word] for word in text])
    plain, padded = to_embedding(words), to_embedding(words, padding=True)
    assert (plain.input_dim, padded.input_dim) == (len(vocabulary), len(vocabulary) + 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(plain(vocabulary.encode(text)[None]))[0], expected)
    ids = vocabulary.encode_padded([text], 5)
    found = ops.convert_to_numpy(padded(ids))[0]
    np.testing.assert_array_equal(found[:3], expected)
    np.testing.assert_array_equal(found[3:], 0)
    assert ops.convert_to_numpy(padded.compute_mask(ids)).tolist() == [[True, True, True, False, False]]
    for other in (words.wv, words.wv.vectors):
        np.testing.assert_array_equal(ops.convert_to_numpy(to_embedding(other).embeddings), words.wv.vectors)


@slow_on_jax
@pytest.mark.parametrize("style", ["functional", "sequential"])
def test_a_zoo_model_reads_them(words, style, tmp_path):
    name = f"rnn_1x3_v{len(words.vocabulary_) + 1}_e4_masked_classes2_seq2one"
    frozen = to_embedding(words, padding=True, trainable=False)
    model = zoo.build(name, style, embedding=frozen, seed=1)
    assert model.get_layer("embedding") is frozen
    assert len(model.trainable_weights) == len(zoo.build(name).trainable_weights) - 1
    model.save(tmp_path / "model.keras")
    again = zoo.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(again.get_layer("embedding").embeddings[1:]), words.wv.vectors)
    assert not again.get_layer("embedding").trainable


def test_what_does_not_fit_is_refused(words):
    with pytest.raises(NotFittedError):
        to_embedding(Word2Vec())
    with pytest.raises(InvalidArgumentError, match=r"vectors has dtype .* and shape \(3,\)"):
        to_embedding(np.zeros(3))
    layer = to_embedding(words)
    rows = layer.input_dim
    for name in (f"rnn_1x3_v{rows + 1}_e4", f"rnn_1x3_v{rows}_e5", f"rnn_1x3_v{rows}_e4_masked"):
        with pytest.raises(InvalidArgumentError, match=rf"In a name: v{rows}_e4\."):
            zoo.build(name, embedding=layer)
    with pytest.raises(InvalidArgumentError, match="without vocabulary"):
        zoo.build("rnn_1x3", embedding=layer)
    with pytest.raises(InvalidArgumentError, match=r"expected a keras\.layers\.Embedding"):
        zoo.build("rnn_1x3_v9", embedding=keras.layers.Dense(3))
