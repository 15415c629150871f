"""partial_fit: training continues with another text, and new words are added."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo import EncodedCorpus, Vocabulary, Word2Vec
from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.vocabulary_update import extend_tables

pytestmark = pytest.mark.backend


def topic(name, n=120, seed=0, words=10):
    rng = np.random.default_rng(seed)
    return [[f"{name}{i}" for i in rng.integers(0, words, 12)] for _ in range(n)]


def small(**changes):
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0, "epochs": 6, "alpha": 0.1, "seed": 1}
    return Word2Vec(**{**settings, "engine": "keras", "verbose": 0, **changes})


def test_the_first_call_is_fit():
    first, second = small().fit(topic("fruit")), small().partial_fit(topic("fruit"))
    np.testing.assert_array_equal(first.vectors_, second.vectors_)
    assert second.n_fits_ == 1


@pytest.mark.parametrize("loss", ["nce", "negative_sampling", "sampled_softmax"])
def test_new_words_are_added_and_are_near_words_of_their_topic(loss):
    model = small(loss=loss, epochs=15).fit(topic("fruit", n=200) + topic("metal", n=200))
    model.partial_fit(topic("cloud", n=200, seed=1) + topic("fruit", n=200, seed=2))
    assert len(model.vocabulary_) == len(model.wv) == 30
    assert model.n_fits_ == 2
    assert len(model.history_["loss"]) == len(model.history_["words_per_second"]) == 30
    normed = {
        name: model.wv.get_normed_vectors()[[model.wv.key_to_index[f"{name}{i}"] for i in range(10)]]
        for name in ("fruit", "metal", "cloud")
    }

    def likeness(first, second):
        return (normed[first] @ normed[second].T).mean()

    assert likeness("cloud", "cloud") > likeness("cloud", "fruit") + 0.5
    assert likeness("fruit", "fruit") > likeness("cloud", "fruit") + 0.5
    # The first text separated the two; metal does not occur in the second one.
    assert likeness("fruit", "fruit") > likeness("fruit", "metal") + 0.5


def test_words_that_the_new_text_lacks_keep_their_input_vectors_and_counts():
    model = small().fit(topic("fruit") + topic("metal"))
    before = {word: (model.wv[word].copy(), model.wv.get_vecattr(word, "count")) for word in model.vocabulary_.words}
    model.partial_fit(topic("cloud", n=500))
    for word, (vector, count) in before.items():
        np.testing.assert_array_equal(model.wv[word], vector)
        assert model.wv.get_vecattr(word, "count") == count
    assert model.vocabulary_.words[0].startswith("cloud")  # ids go by count, so the order of the rows changed


def test_it_repeats_and_differs_from_call_to_call():
    def trained():
        model = small(epochs=2).fit(topic("fruit"))
        return model.partial_fit(topic("fruit", seed=3)).partial_fit(topic("fruit", seed=3))

    first, second = trained(), trained()
    np.testing.assert_array_equal(first.vectors_, second.vectors_)
    assert first.history_["loss"] == second.history_["loss"]
    assert first.n_fits_ == 3


def test_saved_and_loaded_it_continues_the_same(tmp_path):
    model = small().fit(topic("fruit"))
    model.save(tmp_path / "model.kerazoo")
    loaded = Word2Vec.load(tmp_path / "model.kerazoo")
    np.testing.assert_array_equal(
        loaded.partial_fit(topic("metal")).vectors_, model.partial_fit(topic("metal")).vectors_
    )
    assert loaded.history_["loss"] == model.history_["loss"]


def test_min_count_and_max_final_vocab_limit_the_new_words():
    model = small(min_count=3, max_final_vocab=4).fit([["a", "b"]] * 5)
    text = [["c", "a"]] * 9 + [["d", "a"]] * 8 + [["e", "a"]] * 7 + [["f", "b"]] * 2
    model.partial_fit(text)
    assert model.vocabulary_.words == ["a", "c", "d", "b"]
    assert model.vocabulary_.counts.tolist() == [5 + 24, 9, 8, 5 + 2]


def test_changed_parameters_that_do_not_fit_are_refused():
    model = small(learn_biases=True).fit(topic("fruit"))
    with pytest.raises(InvalidArgumentError, match="vector_size=9, but the vectors have 12 dimensions"):
        model.set_params(vector_size=9).partial_fit(topic("fruit"))
    with pytest.raises(InvalidArgumentError, match="were trained with biases"):
        model.set_params(vector_size=12, loss="negative_sampling", learn_biases=False).partial_fit(topic("fruit"))
    with pytest.raises(InvalidArgumentError, match="learn_biases=False, but the vectors were trained with biases"):
        model.set_params(loss="nce").partial_fit(topic("fruit"))
    with pytest.raises(CorpusError):
        model.set_params(learn_biases=True).partial_fit([])
    assert model.n_fits_ == 1  # the refused calls changed nothing
    assert model.wv["fruit1"].shape == (12,)


def test_extended_tables_keep_known_rows_and_start_new_ones_as_a_new_model_does():
    old, new = Vocabulary.from_counts({"a": 5, "b": 2}), Vocabulary.from_counts({"a": 5, "c": 4, "b": 3})
    tables = Tables(*(np.full(shape, 7, np.float32) for shape in ((2, 4), (2, 4), (2,))))
    extended = extend_tables(tables, old, new, ("unigram", 1.0), seed=1)
    assert (extended.input_vectors[[0, 2]] == 7).all()
    assert (np.abs(extended.input_vectors[1]) <= 0.5 / 4).all()
    assert extended.input_vectors[1].any()
    assert extended.output_vectors.tolist() == [[7] * 4, [0] * 4, [7] * 4]
    assert extended.output_biases.tolist() == [7, pytest.approx(np.log(4 / 12)), 7]
    assert extend_tables(Tables(*tables.named().values()), old, new, ("uniform", 1.0), 1).output_biases[1] == (
        pytest.approx(-np.log(3))
    )


def test_an_unknown_word_id_counts_the_words_that_are_not_added():
    corpus = EncodedCorpus.from_source([["a", "b", "a", "x"]] * 3, min_count=4, unk="<unk>")
    assert corpus.vocabulary.words == ["<unk>", "a"]
    model = small(min_count=5).fit(corpus).partial_fit([["a", "c", "d"]] * 4 + [["c", "a"]] * 2)
    assert model.vocabulary_.counts.tolist() == [6 + 6, 6 + 4, 6]
    assert model.vocabulary_.words == ["a", "<unk>", "c"]
