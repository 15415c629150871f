"""`to_embedding`: word vectors as a layer, and a zoo model with it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import EncodedCorpus, Word2Vec, zoo
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.word2vec import WordEmbedding, to_embedding
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


def test_a_layer_that_knows_its_words(words, tmp_path):
    layer = words.as_embedding_layer(trainable=False)
    assert isinstance(layer, WordEmbedding)
    assert (layer.input_dim, layer.output_dim, layer.trainable) == (len(words.vocabulary_) + 2, 4, False)
    texts = ["red xyzzy pear", ["apple"], ""]
    ids = layer.lookup(texts)
    vocabulary = words.vocabulary_
    expected = [[vocabulary["red"] + 1, len(vocabulary) + 1, vocabulary["pear"] + 1], [vocabulary["apple"] + 1, 0, 0]]
    assert ids.tolist() == [*expected, [0, 0, 0]]
    found = ops.convert_to_numpy(layer(ids))
    np.testing.assert_array_equal(found[0, [0, 2]], [words.wv["red"], words.wv["pear"]])
    np.testing.assert_allclose(found[0, 1], words.vectors_.mean(axis=0), atol=1e-7)
    np.testing.assert_array_equal(found[1, 1:], 0)
    assert ops.convert_to_numpy(layer.compute_mask(ids)).tolist() == [[True] * 3, [True, False, False], [False] * 3]
    assert layer.lookup(texts, 2, padding="pre", truncating="post").tolist() == [
        expected[0][:2], [0, expected[1][0]], [0, 0],
    ]  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="document 0 has 3 words, length=2"):
        layer.lookup(texts, 2)


def test_it_is_trained_and_saved_with_its_words(words, tmp_path):
    layer = words.as_embedding_layer()
    model = keras.Sequential([layer, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = ops.convert_to_numpy(layer.embeddings).copy()
    texts = ["red apple", "green xyzzy"]
    model.fit(layer.lookup(texts), np.array([[3.0], [-3.0]]), epochs=2, verbose=0)
    moved = np.abs(ops.convert_to_numpy(layer.embeddings) - before).max(axis=1) > 0
    used = [words.vocabulary_[word] + 1 for word in ("red", "apple", "green")]
    assert np.flatnonzero(moved).tolist() == sorted([*used, len(words.vocabulary_) + 1])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.layers[0].lookup(texts), layer.lookup(texts))
    np.testing.assert_array_equal(
        again.predict(layer.lookup(texts), verbose=0), model.predict(layer.lookup(texts), verbose=0)
    )


def test_a_word_for_unknown_words_is_theirs():
    layer = WordEmbedding(["the", "<unk>", "cat"], 2, unknown="<unk>")
    assert layer.input_dim == 4
    assert layer.lookup(["cat xyzzy <unk> the"]).tolist() == [[3, 2, 2, 1]]
    assert WordEmbedding.from_config(layer.get_config()).lookup(["xyzzy"]).tolist() == [[2]]
    corpus = EncodedCorpus.from_source([["a", "b"], ["a", "b", "c"]] * 5, min_count=6, unk="<unk>")
    words = Word2Vec(vector_size=2, epochs=1, sample=0, verbose=0).fit(corpus)
    table = ops.convert_to_numpy(words.as_embedding_layer().embeddings)
    np.testing.assert_array_equal(table[1:], words.vectors_)


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
