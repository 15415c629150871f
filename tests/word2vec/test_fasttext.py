"""The estimator `FastText`: what it learns, unknown words, further training, files, callbacks, and bad values."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from kerazoo import FastText, Vocabulary, Word2Vec, datasets
from kerazoo.errors import InvalidArgumentError, NotFittedError, StorageError, VocabularyError
from kerazoo.word2vec.engines import native as native_engine
from tests.word2vec.test_estimator import two_topics


def small(**changes):
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0, "epochs": 3, "alpha": 0.1, "seed": 1}
    return FastText(**{**settings, "workers": 1, "verbose": 0, "bucket": 5000, **changes})


def cosine(x, y):
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def assert_same(first, second):
    for name in ("vectors_", "vectors_vocab_", "vectors_ngrams_", "ngram_buckets_", "output_vectors_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("options", [{}, {"loss": "nce"}, {"sg": 0}, {"max_n": 0}])
def test_two_topics_keep_their_words_apart(options, workers):
    model = small(epochs=15, workers=workers, **options).fit(two_topics())
    vectors = model.vectors_ / np.linalg.norm(model.vectors_, axis=1, keepdims=True)
    words = model.vocabulary_.words
    for word in ("fruit3", "metal7"):
        near = np.argsort(-vectors @ vectors[words.index(word)])[1:10]
        assert all(words[i].startswith(word[:5]) for i in near)
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_sums_of_contexts_learn_too():
    """Slowly: the error is divided by the number of rows of all contexts, about a hundred."""
    losses = small(sg=0, cbow_mean=0, epochs=15).fit(two_topics()).history_["loss"]
    assert losses[-1] < 0.9 * losses[0]


def test_unknown_words_are_near_words_that_share_their_parts():
    model = small(epochs=15).fit(two_topics())
    fruit, metal = model.get_vectors(["fruit3", "metal7"])
    unknown = model.get_vector("fruity")
    assert cosine(unknown, fruit) > cosine(unknown, metal) + 0.5
    assert np.linalg.norm(model.get_vector("fruity", norm=True)) == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(fruit, model.vectors_[model.vocabulary_["fruit3"]])


def test_words_of_all_kinds_have_vectors():
    long = "a" * 20_000
    model = small(epochs=1).fit([["日本語", "日本人", "naïve", long, "x"]] * 9)
    assert np.isfinite(model.vectors_).all()
    made = model.get_vectors(["日本", long + "b", "", "q"])
    assert made[0].any()
    assert made[1].any()
    assert not made[2:].any()  # nothing that was trained
    assert not model.get_vector("", norm=True).any()
    assert model.get_vectors([]).shape == (0, 12)


def test_without_ngrams_only_the_vocabulary_has_vectors():
    for options in ({"bucket": 0}, {"max_n": 0}, {"min_n": 5, "max_n": 4}):
        model = small(epochs=1, **options).fit(two_topics(50))
        assert model.vectors_ngrams_ is None
        np.testing.assert_array_equal(model.vectors_, model.vectors_vocab_)
        with pytest.raises(VocabularyError, match="fruity"):
            model.get_vector("fruity")


def test_only_buckets_of_the_vocabulary_have_rows():
    model = small(epochs=1, bucket=2_000_000).fit([["ab", "cd"]] * 20)
    assert model.vectors_ngrams_.shape == (6, 12)  # <ab, <ab>, ab>, and so on


def test_one_worker_repeats_to_the_bit():
    first, again = small().fit(two_topics(50)), small().fit(two_topics(50))
    assert_same(first, again)
    assert not np.array_equal(first.vectors_, small(seed=2).fit(two_topics(50)).vectors_)


def test_partial_fit_adds_words_and_ngrams_and_keeps_the_known_ones():
    model = small(epochs=5).fit(two_topics(100))
    before = dict(zip(model.vocabulary_.words, model.vectors_, strict=True))
    buckets = model.ngram_buckets_.copy()
    model.set_params(alpha=1e-9, min_alpha=0).partial_fit([["fruitful", "fruit3"]] * 9)
    assert "fruitful" in model.vocabulary_
    np.testing.assert_array_equal(model.ngram_buckets_[: len(buckets)], buckets)
    assert len(model.ngram_buckets_) > len(buckets)
    for word, vector in before.items():
        np.testing.assert_allclose(model.get_vector(word), vector, atol=1e-5)
    assert model.n_fits_ == 2
    assert len(model.history_["loss"]) == 10
    with pytest.raises(InvalidArgumentError, match="bucket=7, but the vectors were trained with bucket=5000"):
        model.set_params(bucket=7).partial_fit(two_topics(50))


def test_partial_fit_of_a_new_model_is_fit():
    assert_same(small().partial_fit(two_topics(50)), small().fit(two_topics(50)))


@pytest.mark.parametrize("options", [{}, {"max_n": 0}, {"loss": "nce", "sg": 0}])
def test_save_and_load(tmp_path, options):
    model = small(**options).fit(two_topics(50))
    model.set_params(min_n=1)  # not what it was trained with
    model.save(tmp_path / "model")
    for mmap in (True, False):
        loaded = FastText.load(tmp_path / "model", mmap=mmap)
        np.testing.assert_array_equal(loaded.vectors_, model.vectors_)
        assert loaded.min_n == 3
        assert loaded.history_ == model.history_
        if model.vectors_ngrams_ is not None:
            np.testing.assert_array_equal(loaded.get_vector("fruity"), model.get_vector("fruity"))
        loaded.partial_fit(two_topics(50))
    assert_same(pickle.loads(pickle.dumps(model)), model)


def test_files_of_the_other_estimator_are_refused(tmp_path):
    small().fit(two_topics(50)).save(tmp_path / "fasttext")
    Word2Vec(vector_size=4, epochs=1, min_count=1, sample=0, verbose=0, engine="native").fit(two_topics(50)).save(
        tmp_path / "word2vec"
    )
    with pytest.raises(StorageError):
        Word2Vec.load(tmp_path / "fasttext")
    with pytest.raises(StorageError):
        FastText.load(tmp_path / "word2vec")


class Crash(Exception):
    pass


def test_a_killed_training_continues_with_the_same_bits(tmp_path, monkeypatch):
    settings = {"checkpoint_dir": tmp_path, "checkpoint_minutes": 0, "seed": 3}
    whole = small(**settings | {"checkpoint_dir": None}).fit(two_topics())
    calls = []

    def crash(self):
        calls.append(self)
        write(self)
        if len(calls) == 2:
            raise Crash

    write = native_engine.NativeTrainer._write_checkpoint
    with monkeypatch.context() as patch:
        patch.setattr(native_engine.NativeTrainer, "_write_checkpoint", crash)
        with pytest.raises(Crash):
            small(**settings).fit(two_topics())
    assert_same(small(**settings).fit(two_topics()), whole)
    with pytest.raises(InvalidArgumentError, match="min_n"):
        small(**settings, min_n=2).fit(two_topics())


def test_the_first_loss_is_the_known_start():
    model = small(epochs=1, alpha=1e-6, min_alpha=0, negative=4, loss="nce").fit(two_topics(50))
    assert model.history_["loss"][0] == pytest.approx(np.log1p(2) + 4 * np.log1p(1 / 2), rel=1e-3)


@pytest.mark.backend
def test_callbacks_see_the_vectors_of_words_and_cannot_replace_them():
    import keras

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.seen = keras.ops.convert_to_numpy(self.model.input_vectors)
            self.unknown = model.get_vector("fruity")

    watch = Watch()
    model = small(callbacks=[watch])
    model.fit(two_topics(50))
    np.testing.assert_allclose(watch.seen, model.vectors_, atol=1e-6)
    np.testing.assert_array_equal(watch.unknown, model.get_vector("fruity"))

    class Replace(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.input_vectors.assign(np.ones(self.model.input_vectors.shape, np.float32))

    with pytest.warns(RuntimeWarning, match="replaced the vectors"):
        replaced = small(callbacks=[Replace()]).fit(two_topics(50))
    np.testing.assert_array_equal(replaced.vectors_, small().fit(two_topics(50)).vectors_)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_n": -1}, "min_n=-1"),
        ({"max_n": 2.5}, "max_n=2.5"),
        ({"bucket": -1}, "bucket=-1"),
        ({"bucket": 2**31}, "bucket=2147483648"),
        ({"negative": 0}, "negative=0"),
        ({"negative": 65}, "negative=65"),
    ],
)
def test_bad_values_are_refused(changes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        small(**changes).fit(two_topics(50))


def test_what_it_does_not_have():
    for name in ("hs", "engine", "engine_options"):
        with pytest.raises(TypeError, match=name):
            FastText(**{name: None})
    model = small()
    with pytest.raises(NotFittedError, match="this FastText has no vectors"):
        model.get_vector("fruit1")
    model.fit(two_topics(50))
    with pytest.raises(InvalidArgumentError, match="no Keras model"):
        _ = model.model_
    with pytest.raises(InvalidArgumentError, match="Keras model"):
        FastText.from_keras(None, Vocabulary(["a"], [1]))
    with pytest.raises(InvalidArgumentError, match="get_vectors"):
        model.get_vector(["fruit1"])
    with pytest.raises(InvalidArgumentError, match="get_vector takes one"):
        model.get_vectors("fruit1")


def test_it_is_an_estimator_of_scikit_learn():
    model = clone(small(min_n=2))
    assert model.get_params()["min_n"] == 2
    fitted = small(epochs=10).fit(two_topics())
    best = fitted.predict_output_word(["fruit1", "fruit2"], topn=3)
    logits = fitted.output_vectors_ @ fitted.vectors_[[fitted.vocabulary_[word] for word in ("fruit1", "fruit2")]].mean(
        0
    )
    assert [word for word, _ in best] == [fitted.vocabulary_.words[place] for place in np.argsort(-logits)[:3]]
    assert best[0][1] == pytest.approx(float(1 / np.exp(logits - logits.max()).sum()), rel=1e-4)
    assert all(word.startswith("fruit") for word, _ in best)


def test_tiny_corpora():
    model = small(epochs=1).fit([["a", "b"]])
    assert model.vectors_.shape == (2, 12)
    with pytest.raises(VocabularyError):
        small().fit([["a", "a"]])


def test_most_similar_of_unknown_words_is_that_of_gensim():
    model = small(epochs=2).fit([["walk", "walked"], ["talk", "talked"], ["sing", "song"]] * 9)
    for positive, negative in [(["walking"], []), (["walking", "talk"], ["sing"]), (["walk"], ["talking"])]:
        ours = model.most_similar(positive, negative, topn=3)
        theirs = model.wv.most_similar(positive, negative, topn=3)
        assert [word for word, _ in ours] == [word for word, _ in theirs]
        assert [cosine for _, cosine in ours] == pytest.approx([cosine for _, cosine in theirs], abs=1e-5)
    with pytest.raises(VocabularyError, match="walking"):
        small(bucket=0).fit([["walk", "walked"]] * 9).most_similar("walking")


@pytest.mark.slow
def test_lee_has_sensible_neighbours():
    model = FastText(vector_size=50, epochs=20, min_count=3, seed=1, verbose=0).fit(datasets.lee())
    near = [word for word, _ in model.wv.most_similar("australia", topn=3)]
    assert any(word.startswith("australia") for word in near)


def test_a_changed_wv_is_not_kept_and_that_is_said_once():
    model = small().fit(two_topics(10))
    expected = model.transform([["fruit0"]])
    model.wv["fruit0"] = np.ones(12, np.float32)
    with pytest.warns(UserWarning, match="wv was changed, which FastText does not keep"):
        np.testing.assert_array_equal(model.transform([["fruit0"]]), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.wv["fruit0"].tolist() == [1] * 12
        pickle.loads(pickle.dumps(model)).partial_fit(two_topics(10)).transform([["fruit0"]])


def test_words_of_other_types_are_refused():
    model = small().fit(two_topics(10))
    for words, message in ((None, "words=None"), (b"ab", "words=b'ab'"), (["a", None], "None, of type NoneType")):
        with pytest.raises(InvalidArgumentError, match=message):
            model.get_vectors(words)
