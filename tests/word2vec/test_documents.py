"""Document vectors: averages against a loop, known answers, and what is kept with the model."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from kerazoo import EncodedCorpus, Vocabulary, Word2Vec
from kerazoo.errors import InvalidArgumentError, NotFittedError, StorageError
from kerazoo.word2vec import pooling
from kerazoo.word2vec.pooling import POOLINGS, SIF_A, PoolingStatistics

TEXTS = ["red apple", "green apple pie", "red red pear", "", "pear"] * 4


def small(**parameters):
    defaults = {"vector_size": 3, "min_count": 1, "sample": 0, "epochs": 1, "seed": 1, "verbose": 0, "workers": 1}
    return Word2Vec(**{**defaults, **parameters})


def average_by_hand(model, words):
    """From the definitions of the three, in float64, word by word."""
    counts, total = model.vocabulary_.counts, model.vocabulary_.total
    sums, weights = np.zeros(model.vector_size), 0.0
    known = [word for word in words if word in model.vocabulary_]
    for word in known:
        weight = 1.0
        if model.pooling == "idf":
            documents = [text.split() for text in TEXTS if text]
            weight = np.log((1 + len(documents)) / (1 + sum(word in document for document in documents))) + 1
        if model.pooling == "sif":
            weight = SIF_A / (SIF_A + counts[model.vocabulary_[word]] / total)
        sums += weight * model.vectors_[model.vocabulary_[word]].astype(float)
        weights += weight if model.pooling == "idf" else 1
    return sums / max(weights, 1e-300)


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("block", [1, 7, 1 << 16])
def test_vectors_are_those_of_the_definitions(kind, block, monkeypatch):
    monkeypatch.setattr(pooling, "_BLOCK", block)
    model = small(pooling=kind).fit(TEXTS)
    texts = ["red apple xyzzy", "xyzzy", "", "pear pear pear green red pie", *TEXTS]
    expected = np.array([average_by_hand(model, text.split()) for text in texts])
    if kind == "sif":
        own = np.array([average_by_hand(model, text.split()) for text in TEXTS])
        component = np.linalg.svd(own)[2][0]
        expected -= np.outer(expected @ component, component)
    found = model.transform(texts)
    assert (found.dtype, found.shape) == (np.float32, (len(texts), 3))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(found[1:3], 0)
    np.testing.assert_array_equal(model.transform([]), np.zeros((0, 3)))


def test_frequencies_count_documents_and_not_words(monkeypatch):
    ids = np.array([0, 1, 0, 2, 2, 2, 1], np.int32)
    offsets = np.array([0, 3, 3, 6, 7])
    for keys in (1, 4, 100):
        monkeypatch.setattr(pooling, "_KEYS", keys)
        assert pooling.document_frequencies(ids, offsets, 4).tolist() == [1, 2, 1, 0]
    assert pooling.document_frequencies(ids[:0], offsets[:1], 2).tolist() == [0, 0]


def test_the_component_of_a_sample_and_of_nothing(monkeypatch):
    assert pooling.common_component(np.zeros((3, 2), np.float32)).tolist() == [0, 0]
    assert pooling.common_component(np.zeros((0, 2), np.float32)).tolist() == [0, 0]
    rng = np.random.default_rng(1)
    ids, offsets = rng.integers(0, 5, 600).astype(np.int32), np.arange(0, 601, 3)
    vectors, words = rng.normal(size=(5, 2)).astype(np.float32) + 3, Vocabulary(list("abcde"), np.arange(5, 0, -1))
    whole = pooling.statistics_of(ids, offsets, vectors, words)
    monkeypatch.setattr(pooling, "_SAMPLE", 200)
    part = pooling.statistics_of(ids, offsets, vectors, words)
    assert (whole.n_documents, part.n_documents) == (200, 200)
    np.testing.assert_array_equal(whole.frequencies, part.frequencies)
    assert 0.99 < float(whole.component @ part.component) < 1 - 1e-9


def test_rare_words_weigh_more_and_the_common_component_is_gone():
    texts = ["the red the", "the pear the"] * 20
    plain, idf, sif = (small(pooling=kind).fit(texts) for kind in POOLINGS)
    the, red = plain.vectors_[plain.vocabulary_["the"]], plain.vectors_[plain.vocabulary_["red"]]

    def share_of_red(model):
        return np.linalg.lstsq(np.stack([the, red]).T, model.transform(["the red"])[0], rcond=None)[0][1]

    assert share_of_red(plain) == pytest.approx(0.5, abs=1e-5)
    assert share_of_red(idf) > 0.55
    vectors = sif.transform(texts)
    assert np.abs(vectors @ sif.pooling_statistics_.component).max() < 1e-6


@pytest.mark.parametrize("kind", ["idf", "sif"])
def test_statistics_are_kept_with_the_model(kind, tmp_path):
    model = small(pooling=kind, checkpoint_dir=tmp_path / "checkpoints").fit(TEXTS)
    model.save(tmp_path / "model.kerazoo")
    expected = model.transform(TEXTS)
    for again in (
        Word2Vec.load(tmp_path / "model.kerazoo"),
        Word2Vec.load(tmp_path / "model.kerazoo", mmap=False),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        small(pooling=kind, checkpoint_dir=tmp_path / "checkpoints").fit(TEXTS),
    ):
        np.testing.assert_array_equal(again.transform(TEXTS), expected)


def test_a_damaged_file_is_refused(tmp_path):
    model = small(pooling="idf").fit(TEXTS)
    model.pooling_statistics_ = model.pooling_statistics_._replace(component=np.zeros(2, np.float32))
    model.save(tmp_path / "model.kerazoo")
    with pytest.raises(StorageError, match=r"common_component \(2,\)"):
        Word2Vec.load(tmp_path / "model.kerazoo")


def test_a_model_without_statistics_says_so_and_gets_them():
    model = small().fit(TEXTS)
    assert model.pooling_statistics_ is None
    model.set_params(pooling="idf")
    with pytest.raises(NotFittedError, match=r"trained with pooling='mean', or imported.* Call fit_pooling"):
        model.transform(TEXTS)
    np.testing.assert_array_equal(
        model.fit_pooling(TEXTS).transform(TEXTS), small(pooling="idf").fit(TEXTS).transform(TEXTS)
    )


def test_statistics_follow_a_training():
    model = small(pooling="idf").fit(["a b", "b c"] * 2).partial_fit(["d c c", "d d", "c"])
    frequencies = dict(zip(model.vocabulary_.words, model.pooling_statistics_.frequencies.tolist(), strict=True))
    assert frequencies == {"a": 2, "b": 4, "c": 4, "d": 2}
    assert model.pooling_statistics_.n_documents == 7
    # A new training starts anew, and one with the mean keeps none.
    assert model.fit(["a b"] * 3).pooling_statistics_.n_documents == 3
    assert model.set_params(pooling="mean").fit(["a b"] * 3).pooling_statistics_ is None


def test_statistics_are_joined_by_word():
    old, new = Vocabulary(["b", "a"], [5, 3]), Vocabulary(["a", "c", "b"], [9, 7, 6])
    first = PoolingStatistics(4, np.array([3, 2]), np.ones(2, np.float32))
    second = PoolingStatistics(5, np.array([5, 4, 1]), np.zeros(2, np.float32))
    joined = first.joined(old, second, new)
    assert (joined.n_documents, joined.frequencies.tolist(), joined.component.tolist()) == (9, [7, 4, 4], [0, 0])
    assert second.frequencies.tolist() == [5, 4, 1]


def test_a_word_for_unknown_ones_is_no_known_word():
    corpus = EncodedCorpus.from_source([["a", "b"], ["a", "b", "c"]] * 5, min_count=6, unk="<unk>")
    model = small(pooling="idf").fit(corpus)
    assert "<unk>" in model.vocabulary_
    np.testing.assert_array_equal(model.transform([["a", "c", "xyzzy"]]), model.transform([["a"]]))
    assert model.pooling_statistics_.frequencies[model.vocabulary_["<unk>"]] == 0


def test_fit_transform_reads_documents_once(tmp_path):
    expected = small().fit(TEXTS).transform(TEXTS)
    np.testing.assert_array_equal(small().fit_transform(text for text in TEXTS), expected)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(TEXTS))
    filled = [bool(text) for text in TEXTS]
    np.testing.assert_array_equal(small().fit_transform(path), expected[filled])


def test_wrong_values_are_refused():
    with pytest.raises(InvalidArgumentError, match="pooling='max'; expected one of 'mean', 'idf', 'sif'"):
        small(pooling="max").fit(TEXTS)
    model = small().fit(TEXTS)
    with pytest.raises(InvalidArgumentError, match="pooling=None"):
        model.set_params(pooling=None).transform(TEXTS)
    for method in ("transform", "fit_pooling", "get_feature_names_out", "as_embedding_layer"):
        with pytest.raises(NotFittedError, match=r"Call fit\(corpus\) first"):
            getattr(small(), method)(*([TEXTS] if "t" in method[:3] or method == "fit_pooling" else []))
