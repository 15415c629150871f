"""Import and export of gensim models: the same numbers, trained further on either side."""

from __future__ import annotations

import inspect
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec

from kerazoo import Word2Vec
from kerazoo.errors import InvalidArgumentError, StorageError
from tests.word2vec.test_estimator import two_topics

pytestmark = pytest.mark.backend

MODELS = {
    "skipgram": {"sg": 1},
    "cbow": {"sg": 0},
    "cbow_sum": {"sg": 0, "cbow_mean": 0},
    "skipgram_hs": {"sg": 1, "hs": 1, "negative": 0},
    "cbow_hs": {"sg": 0, "hs": 1, "negative": 0},
    "both": {"sg": 1, "hs": 1, "negative": 3},
}
COMMON = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0, "epochs": 8, "alpha": 0.1, "seed": 3}


def theirs(model, **changes):
    settings = {**COMMON, "workers": 1, "ns_exponent": 0.5, **MODELS[model], **changes}
    return GensimWord2Vec(two_topics(), **settings)


def assert_separate(vectors, fruits=()):
    """Words are near words of their topic; `fruits` are further ones of the first."""
    for word, further in (("fruit3", tuple(fruits)), ("metal7", ())):
        near = [other for other, _ in vectors.most_similar(word, topn=5)]
        assert all(other.startswith((word[:5], *further)) for other in near), near


@pytest.mark.parametrize("model", MODELS)
def test_settings_words_vectors_and_trees_are_imported(model):
    source = theirs(model)
    taken = Word2Vec.from_gensim(source, verbose=0)
    for name in (
        "vector_size",
        "window",
        "negative",
        "ns_exponent",
        "alpha",
        "min_alpha",
        "epochs",
        "sg",
        "hs",
        "seed",
    ):
        assert getattr(taken, name) == getattr(source, name), name
    assert taken.loss == "negative_sampling"
    assert taken.vocabulary_.words == source.wv.index_to_key
    assert taken.vocabulary_.counts.tolist() == [
        source.wv.get_vecattr(word, "count") for word in source.wv.index_to_key
    ]
    np.testing.assert_array_equal(taken.vectors_, source.wv.vectors)
    if source.negative:
        np.testing.assert_array_equal(taken.output_vectors_, source.syn1neg)
        ours, others = taken.predict_output_word(["fruit1", "fruit2"]), source.predict_output_word(["fruit1", "fruit2"])
        assert [word for word, _ in ours] == [word for word, _ in others]
        np.testing.assert_allclose([p for _, p in ours], [p for _, p in others], rtol=1e-4)
    if source.hs:
        offsets, paths = taken.tree_.paths()
        for word, (first, end) in zip(source.wv.index_to_key, itertools.pairwise(offsets), strict=True):
            assert (paths[first:end] & 1).tolist() == source.wv.get_vecattr(word, "code").tolist()
            assert (paths[first:end] >> 1).tolist() == source.wv.get_vecattr(word, "point").tolist()
        np.testing.assert_array_equal(taken.node_vectors_, source.syn1[:-1])


@pytest.mark.parametrize("model", MODELS)
def test_training_continues_where_gensim_stopped(model):
    """The first loss is below that of an untrained model."""
    source = theirs(model)
    taken = Word2Vec.from_gensim(source, verbose=0, workers=1)
    untrained = Word2Vec(**{**taken.get_params(), "epochs": 1, "alpha": 1e-6, "min_alpha": 0}).fit(two_topics())
    before = taken.vectors_.copy()
    taken.set_params(epochs=3).partial_fit(two_topics())
    assert taken.history_["loss"][0] < 0.8 * untrained.history_["loss"][0]
    assert not np.array_equal(taken.vectors_, before)
    assert_separate(taken.wv)


@pytest.mark.parametrize("model", MODELS)
def test_gensim_trains_an_exported_model_further(model):
    ours = Word2Vec(**COMMON, **MODELS[model], loss="negative_sampling", verbose=0, workers=1).fit(two_topics())
    back = ours.to_gensim()
    assert isinstance(back, GensimWord2Vec)
    np.testing.assert_array_equal(back.wv.vectors, ours.vectors_)
    for word in ours.vocabulary_.words:
        np.testing.assert_array_equal(back.wv[word], ours.wv[word])
        assert back.wv.get_vecattr(word, "count") == ours.wv.get_vecattr(word, "count")
    again = Word2Vec.from_gensim(back)
    for name in ("vectors_", "output_vectors_", "node_vectors_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ours, name))
    if ours.tree_ is not None:
        np.testing.assert_array_equal(again.tree_.parents, ours.tree_.parents)
        np.testing.assert_array_equal(again.tree_.codes, ours.tree_.codes)

    back.train(two_topics(seed=1), total_examples=400, epochs=2, compute_loss=True)
    loss = back.get_latest_training_loss()
    fresh = GensimWord2Vec(two_topics(), **{**COMMON, "epochs": 1}, workers=1, **MODELS[model])
    fresh.train(two_topics(seed=1), total_examples=400, epochs=2, compute_loss=True)
    assert not np.array_equal(back.wv.vectors, ours.vectors_)
    assert_separate(back.wv)
    assert loss < 1.05 * fresh.get_latest_training_loss()


def test_gensim_can_save_an_exported_model(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = Word2Vec(**COMMON, loss="negative_sampling", verbose=0).fit(two_topics(40))
        ours.to_gensim().save(str(tmp_path / "model"))
    loaded = Word2Vec.from_gensim(tmp_path / "model", epochs=1, verbose=0)
    np.testing.assert_array_equal(loaded.vectors_, ours.vectors_)
    assert loaded.epochs == 1


def test_biases_and_other_noise_are_not_exported_with_a_warning():
    ours = Word2Vec(**COMMON, noise="uniform", learn_biases=True, verbose=0).fit(two_topics(40))
    with (
        pytest.warns(UserWarning, match="gensim has no biases: those of loss='nce'"),
        pytest.warns(match="noise='uniform'"),
    ):
        back = ours.to_gensim()
    np.testing.assert_array_equal(back.wv.vectors, ours.vectors_)


@pytest.mark.parametrize("suffix", ["txt", "bin", "kv"])
def test_vectors_of_a_file_are_trained_further(tmp_path, suffix):
    source = theirs("skipgram")
    path = tmp_path / f"vectors.{suffix}"
    if suffix == "kv":
        source.wv.save(str(path))
    else:
        source.wv.save_word2vec_format(str(path), binary=suffix == "bin")
    model = Word2Vec.from_gensim(path, min_count=1, sample=0, window=3, epochs=5, alpha=0.05, verbose=0)
    np.testing.assert_allclose(model.vectors_, source.wv.vectors, atol=1e-6)
    assert model.vocabulary_.words == source.wv.index_to_key
    assert model.loss == "nce"
    assert not model.output_vectors_.any()
    model.partial_fit(two_topics() + [["newword", "fruit1", "fruit2"]] * 30)
    assert "newword" in model.wv
    assert_separate(model.wv, fruits=["newword"])  # it was beside fruits only; how near varies with the threads
    with_tree = Word2Vec.from_gensim(path, hs=1, negative=0, min_count=1, verbose=0)
    assert with_tree.partial_fit(two_topics()).node_vectors_.any()


def test_words_that_gensim_left_unsorted_are_put_in_order():
    documents = [["rare", "often"], ["often", "often", "common", "common"]]
    source = GensimWord2Vec(documents, vector_size=4, min_count=1, sorted_vocab=0, hs=1, negative=2, seed=1)
    assert source.wv.index_to_key == ["rare", "often", "common"]
    taken = Word2Vec.from_gensim(source)
    assert taken.vocabulary_.words == ["often", "common", "rare"]
    for word in taken.vocabulary_.words:
        np.testing.assert_array_equal(taken.wv[word], source.wv[word])
        row = source.wv.key_to_index[word]
        np.testing.assert_array_equal(taken.output_vectors_[taken.vocabulary_[word]], source.syn1neg[row])
    offsets, paths = taken.tree_.paths()
    assert (paths[: offsets[1]] & 1).tolist() == source.wv.get_vecattr("often", "code").tolist()


def test_a_model_that_keeps_every_word_is_imported():
    taken = Word2Vec.from_gensim(theirs("skipgram", min_count=0))
    assert taken.min_count == taken.vocabulary_.min_count == 1


def test_what_cannot_be_imported_is_refused(tmp_path):
    with pytest.raises(
        InvalidArgumentError, match="from_gensim got a list; expected a gensim Word2Vec or KeyedVectors"
    ):
        Word2Vec.from_gensim([["a", "b"]])
    with pytest.raises(InvalidArgumentError, match=r"from_gensim got a FastText.*kerazoo\.FastText\.from_gensim"):
        Word2Vec.from_gensim(FastText(two_topics(5), vector_size=4, min_count=1))
    with pytest.raises(InvalidArgumentError, match="has 0 words"):
        Word2Vec.from_gensim(GensimWord2Vec(vector_size=4))
    with pytest.raises(InvalidArgumentError, match="has 0 words"):
        Word2Vec.from_gensim(KeyedVectors(4))
    with pytest.raises(StorageError, match="no such file"):
        Word2Vec.from_gensim(tmp_path / "nothing")
    (tmp_path / "text").write_text("no model")
    with pytest.raises(StorageError, match=r"not a model written by gensim's Word2Vec\.save"):
        Word2Vec.from_gensim(tmp_path / "text")
    with pytest.raises(InvalidArgumentError, match=r"Word2Vec\.load reads it"):
        Word2Vec.from_gensim(tmp_path / "model.kerazoo")
    source = theirs("skipgram")
    with pytest.raises(InvalidArgumentError, match="hs=1, but the vectors were trained without inner nodes"):
        Word2Vec.from_gensim(source, hs=1)
    with pytest.raises(InvalidArgumentError, match="learn_biases=True, but the vectors were trained without biases"):
        Word2Vec.from_gensim(source, loss="nce", learn_biases=True)
    with pytest.raises(InvalidArgumentError, match="vector_size=7, but the vectors have 12"):
        Word2Vec.from_gensim(source, vector_size=7)


def test_the_docs_name_every_argument_and_method_of_gensims_model():
    page = (Path(__file__).parents[2] / "docs" / "gensim.md").read_text()
    arguments = page.split("## Arguments")[1].split("## Methods")[0]
    methods = page.split("## Methods")[1]
    for name in inspect.signature(GensimWord2Vec.__init__).parameters:
        assert name == "self" or f"`{name}`" in arguments, name
    for name, _ in inspect.getmembers(GensimWord2Vec, callable):
        assert name.startswith("_") or f"`{name}`" in methods, name
    ours = inspect.signature(Word2Vec).parameters
    for line in arguments.splitlines():
        if "| same" in line:
            name = line.split("`")[1]
            assert name in ours
            assert ours[name].default == inspect.signature(GensimWord2Vec.__init__).parameters[name].default, name
