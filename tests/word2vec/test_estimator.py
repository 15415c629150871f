"""The estimator Word2Vec: results, repeatability, scikit-learn's conventions, bad input."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.base import clone

from kerazoo import EncodedCorpus, Word2Vec, datasets
from kerazoo.errors import (
    CorpusError,
    CorpusNotFoundError,
    InvalidArgumentError,
    NotFittedError,
    TrainingError,
    VocabularyError,
)

pytestmark = pytest.mark.backend


def two_topics(n_documents=400, seed=0):
    """Documents with the words of one topic only: fruit0..fruit9 or metal0..metal9."""
    rng = np.random.default_rng(seed)
    topics = [[f"{name}{i}" for i in range(10)] for name in ("fruit", "metal")]
    return [list(rng.choice(topics[i % 2], size=12)) for i in range(n_documents)]


def small(**changes):
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0, "epochs": 3, "seed": 1, "verbose": 0}
    settings["engine"] = "keras"  # test_native.py tests the other engine
    return Word2Vec(**{**settings, **changes})


@pytest.mark.parametrize("loss", ["nce", "negative_sampling", "sampled_softmax"])
def test_two_topics_keep_their_words_apart(loss):
    model = small(loss=loss, epochs=15, alpha=0.1).fit(two_topics())
    for word in ("fruit3", "metal7"):
        near = [other for other, _ in model.wv.most_similar(word, topn=9)]
        assert all(other.startswith(word[:5]) for other in near), near
    losses = model.history_["loss"]
    assert losses[-1] < losses[0]
    assert len(losses) == len(model.history_["seconds"]) == len(model.history_["words_per_second"]) == 15


@pytest.mark.parametrize("noise", ["unigram", "log_uniform", "uniform"])
def test_every_noise_trains(noise):
    model = small(noise=noise, epochs=2).fit(two_topics(100))
    assert np.isfinite(model.vectors_).all()


def test_results_have_the_shapes_and_counts_that_gensim_users_expect():
    documents = [["a", "b", "a"], ["b", "a"], [], ["rare"]] * 10 + [["once"]]
    model = small(min_count=2).fit(documents)
    assert model.wv.index_to_key == list(model.vocabulary_.words) == ["a", "b", "rare"]
    assert [model.wv.get_vecattr(word, "count") for word in ("a", "b", "rare")] == [30, 20, 10]
    assert model.vectors_.shape == (3, 12)
    assert model.vectors_.dtype == np.float32
    np.testing.assert_array_equal(model.wv["b"], model.vectors_[1])
    assert model.wv is model.wv
    assert "once" not in model.wv


@pytest.mark.parametrize(("learn_biases", "odds"), [(True, 4), (False, 2)])
def test_the_first_loss_is_the_known_start(learn_biases, odds):
    """W small and C zero: NCE with b = log q starts at logits of -log K, with fixed biases at half of that."""
    model = small(epochs=1, alpha=1e-6, min_alpha=0, negative=4, learn_biases=learn_biases).fit(two_topics(50))
    start = np.log1p(odds) + 4 * np.log1p(1 / odds)  # -log s(-log odds) - 4 log s(log odds)
    assert model.history_["loss"][0] == pytest.approx(start, rel=1e-3)


def test_one_seed_repeats_and_another_does_not():
    first = small(workers=1).fit(two_topics(60))
    again = clone(first).fit(two_topics(60))
    np.testing.assert_array_equal(first.vectors_, again.vectors_)
    assert first.history_["loss"] == again.history_["loss"]
    other = small(workers=1, seed=2).fit(two_topics(60))
    assert not np.array_equal(first.vectors_, other.vectors_)


def test_without_a_seed_one_is_drawn_and_reported():
    model = small(seed=None, workers=1, epochs=1).fit(two_topics(20))
    again = small(seed=model.seed_, workers=1, epochs=1).fit(two_topics(20))
    np.testing.assert_array_equal(model.vectors_, again.vectors_)


def test_parameters_follow_scikit_learn():
    model = Word2Vec(window=7, loss="negative_sampling", callbacks=())
    assert model.get_params()["window"] == 7
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(window=3).window == 3
    with pytest.raises(ValueError, match="windw"):
        model.set_params(windw=3)


def test_an_encoded_corpus_brings_its_own_vocabulary():
    corpus = EncodedCorpus.from_source(two_topics(50), min_count=1)
    model = small(min_count=10**6).fit(corpus)
    assert list(model.vocabulary_.words) == list(corpus.vocabulary.words)


def test_a_generator_and_a_file_give_what_the_list_gives(tmp_path):
    documents = two_topics(30)
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(document) + "\n" for document in documents))
    expected = small(workers=1).fit(documents).vectors_
    np.testing.assert_array_equal(small(workers=1).fit(path).vectors_, expected)
    np.testing.assert_array_equal(small(workers=1).fit(iter(documents)).vectors_, expected)


def test_the_keras_model_holds_the_same_vectors():
    model = small().fit(two_topics(30))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.model_.input_vectors), model.vectors_)


def test_keras_callbacks_are_called_and_can_stop():
    seen = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["loss"])
            if epoch == 1:
                self.model.stop_training = True

    model = small(epochs=50, callbacks=[Stop()]).fit(two_topics(30))
    assert seen == pytest.approx(model.history_["loss"])
    assert len(seen) == 2


def test_early_stopping_of_keras_works():
    stopper = keras.callbacks.EarlyStopping(monitor="loss", min_delta=10.0, patience=2)
    model = small(epochs=50, callbacks=[stopper]).fit(two_topics(30))
    assert len(model.history_["loss"]) == 3


def test_ctrl_c_keeps_what_was_learned():
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    model = small(epochs=10, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(two_topics(30))
    assert len(model.history_["loss"]) == 2
    assert model.wv["fruit0"].shape == (12,)


def test_a_loss_that_is_no_number_stops_with_the_remedy():
    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.input_vectors.assign(np.full(self.model.input_vectors.shape, np.nan, dtype="float32"))

    model = small(callbacks=[Poison()])
    with pytest.raises(TrainingError, match=r"diverges: the loss is nan in epoch 1.*smaller alpha"):
        model.fit(two_topics(30))
    assert np.isfinite(model.vectors_).all()


def test_a_training_that_gets_worse_than_chance_stops_and_keeps_the_last_good_vectors(monkeypatch):
    """With a learning rate far too large, clipping keeps all numbers finite, but the loss explodes."""
    with pytest.raises(TrainingError, match=r"loss is [\d.e+]+ in epoch \d+, which is above .* worse than chance"):
        small(alpha=1e3, epochs=6, vector_size=100, window=5, learn_biases=True).fit(datasets.lee())

    class Derail(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.good = keras.ops.convert_to_numpy(self.model.input_vectors).copy()
                self.model.input_vectors.assign(1e3 * self.model.input_vectors)

    from kerazoo.word2vec.engines.divergence import DivergenceGuard

    real = DivergenceGuard.keep

    def keep(self, copy):  # at every check instead of once per second
        self._last = self._cost = 0.0
        real(self, copy)

    monkeypatch.setattr(DivergenceGuard, "keep", keep)
    derail = Derail()
    model = small(epochs=5, alpha=0.1, callbacks=[derail])
    with pytest.raises(TrainingError, match="in epoch 3"):
        model.fit(two_topics(200))
    assert len(model.history_["loss"]) == 2
    assert np.abs(model.vectors_).max() < 10
    assert np.abs(model.vectors_ - derail.good).max() < 1  # from the last checks of epoch 2
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.model_.input_vectors), model.vectors_)


def test_progress_shows_epochs_loss_and_rate(capsys):
    small(epochs=2, verbose=2).fit(two_topics(30))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch   2/2  loss ")
    assert "words/s" in lines[1]
    small(epochs=2, verbose=1).fit(two_topics(30))
    shown = capsys.readouterr().err
    assert "loss=" in shown
    assert "word/s" in shown
    small(epochs=1, verbose=0).fit(two_topics(30))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 0}, "window=0; expected an integer >= 1"),
        ({"window": 2.5}, "window=2.5; expected an integer"),
        ({"negative": 0}, "negative=0; expected an integer >= 1"),
        ({"negative": -3}, "negative=-3; expected an integer >= 1"),
        ({"vector_size": 0}, "vector_size=0"),
        ({"epochs": 0}, "epochs=0"),
        ({"min_count": 0}, "min_count=0"),
        ({"sample": -1e-3}, "sample=-0.001; expected a finite number >= 0 and <= 1"),
        ({"alpha": "fast"}, "alpha='fast'; expected a finite number > 0"),
        ({"alpha": 0}, "alpha=0; expected a finite number > 0"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"alpha": -0.025}, "alpha=-0.025; expected a finite number > 0"),
        ({"min_alpha": 0.5}, "min_alpha=0.5; expected a finite number >= 0 and <= 0.025"),
        ({"loss": "hinge"}, "loss='hinge'; expected one of 'nce'"),
        ({"noise": "unigramm"}, "Did you mean 'unigram'"),
        ({"engine": "gpu"}, "engine='gpu'; expected one of 'auto', 'keras'"),
        ({"workers": 0}, "workers=0"),
        ({"seed": -1}, "seed=-1"),
        ({"verbose": 3}, "verbose=3; expected an integer from 0 to 2"),
        ({"max_final_vocab": 0}, "max_final_vocab=0"),
        ({"engine_options": {"batch_size": 0}}, "batch_size=0"),
        ({"sg": 2}, "sg=2; expected an integer from 0 to 1"),
        ({"hs": -1}, "hs=-1; expected an integer from 0 to 1"),
        ({"cbow_mean": 0.5}, "cbow_mean=0.5; expected an integer"),
        ({"sg": 0}, "sg=0 with engine='keras'; expected 1"),
        ({"hs": 1}, "hs=1 with engine='keras'; expected 0"),
        ({"callbacks": "early"}, "callbacks contains an object of type str; expected keras.callbacks.Callback"),
        ({"engine_options": {"block_size": 40}}, "block_size=40; expected a multiple of 16"),
        ({"engine_options": {"block_size": 16, "batch_size": 8}}, "block_size=16 and batch_size=8; expected one"),
        ({"engine_options": {"blok_size": 64}}, "a key of engine_options='blok_size'.*Did you mean 'block_size'"),
        ({"engine_options": 64}, "engine_options=64; expected a dict"),
    ],
)
def test_bad_parameters_say_what_is_allowed(changes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        small(**changes).fit(two_topics(5))


def test_auto_is_native_unless_only_keras_will_do(monkeypatch):
    from kerazoo._runtime import devices
    from kerazoo.word2vec import estimator

    chosen = []
    real = estimator._engine
    monkeypatch.setattr(estimator, "_engine", lambda name: chosen.append(name) or real(name))
    monkeypatch.setattr(devices, "accelerator_visible", lambda: False)
    cases = [{}, {"sg": 0}, {"hs": 1}, {"sg": 0, "loss": "sampled_softmax"}]
    cases += [{"engine_options": {"batch_size": 64}}, {"engine_options": {"block_size": 64}}]
    for changes in cases:
        small(engine="auto", epochs=1, **changes).fit(two_topics(10))
    assert chosen == ["native"] * 4 + ["keras"] * 2
    monkeypatch.setattr(devices, "accelerator_visible", lambda: True)
    for changes in cases[:3]:
        small(engine="auto", epochs=1, **changes).fit(two_topics(10))
    assert chosen[6:] == ["keras", "native", "native"]


def test_a_model_that_keras_trained_further_is_imported_and_trains_natively():
    from kerazoo.batching import TokenBlocks
    from kerazoo.word2vec import RowClippedSGD
    from kerazoo.word2vec.engines.divergence import untrained_loss

    corpus = EncodedCorpus.from_source(two_topics(), min_count=1)
    model = small(engine="native").fit(corpus)
    blocks = TokenBlocks(
        corpus, 256, 3, sample=0, noise="unigram", noise_group=16, noise_per_group=16, unique=True, seed=1
    )
    model.model_.compile(optimizer=RowClippedSGD(0.05))
    before = model.vectors_.copy()
    model.model_.fit(blocks, epochs=1, verbose=0)
    back = Word2Vec.from_keras(model.model_, model.vocabulary_, min_count=1, sample=0, epochs=2, alpha=0.1, verbose=0)
    np.testing.assert_array_equal(back.vectors_, keras.ops.convert_to_numpy(model.model_.input_vectors))
    assert not np.array_equal(back.vectors_, before)
    assert (back.loss, back.negative, back.vector_size) == ("nce", 5, 12)
    back.set_params(engine="native").partial_fit(corpus)
    assert back.history_["loss"][-1] < 0.9 * untrained_loss("nce", 5)


def test_other_keras_models_are_refused():
    model = small(engine="native", epochs=1).fit(two_topics(10))
    with pytest.raises(InvalidArgumentError, match=r"got a Sequential; expected a kerazoo.word2vec.SkipGram"):
        Word2Vec.from_keras(keras.Sequential(), model.vocabulary_)
    smaller = EncodedCorpus.from_source([["a", "b"]], min_count=1).vocabulary
    with pytest.raises(InvalidArgumentError, match="the model has 20 words, the vocabulary 2"):
        Word2Vec.from_keras(model.model_, smaller)
    with pytest.raises(InvalidArgumentError, match="vector_size=5"):
        Word2Vec.from_keras(model.model_, model.vocabulary_, vector_size=5)


def test_vectors_before_fit():
    with pytest.raises(NotFittedError, match=r"Call fit\(corpus\) first"):
        _ = Word2Vec().wv
    assert not hasattr(Word2Vec(), "wv")


def test_bad_corpora_say_what_was_got(tmp_path):
    with pytest.raises(CorpusNotFoundError, match="no_such_file"):
        small().fit(tmp_path / "no_such_file.txt")
    with pytest.raises(CorpusError, match=r"empty|no words|no documents"):
        small().fit([])
    with pytest.raises(CorpusError, match="document 0 is b'bytes', of type bytes"):
        small().fit([b"bytes"])
    with pytest.raises(VocabularyError, match="min_count"):
        small(min_count=100).fit([["a", "b"]])
    with pytest.raises(VocabularyError, match="at least 2"):
        small().fit([["a", "a"]])


def test_documents_of_one_word_have_no_pairs_and_say_so():
    with pytest.raises(CorpusError, match="pair"):
        small().fit([["a"], ["b"]])


def test_the_seeds_configuration_runs_as_written_and_its_loss_falls():
    """2017: batch 128, 150 dimensions, skip_window 1, num_skips 2, 64 log-uniform noise words a batch, Adam 0.01."""
    from kerazoo.batching import SkipGramBatches
    from kerazoo.word2vec import SkipGram

    corpus = EncodedCorpus.from_source(datasets.lee(), min_count=1, max_final_vocab=50_000)
    batches = SkipGramBatches(
        corpus,
        batch_size=128,
        skip_window=1,
        num_skips=2,
        noise="log_uniform",
        negative=64,
        shared_noise=True,
        seed=1,
    )
    model = SkipGram(
        vocabulary_size=len(corpus.vocabulary),
        vector_size=150,
        loss="nce",
        noise_probabilities=batches.noise_distribution.probabilities,
        bias_initializer="zeros",
        seed=1,
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    losses = model.fit(batches, epochs=3, steps_per_epoch=150, shuffle=False, verbose=0).history["loss"]
    assert losses[2] < losses[1] < losses[0]
    assert losses[2] < 0.6 * losses[0]
