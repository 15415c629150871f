"""The native engine: results, repeatability, checkpoints and errors, and that it needs no Keras."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from kerazoo import Word2Vec, datasets
from kerazoo.batching.sampling import NoiseDistribution, keep_thresholds
from kerazoo.errors import CorpusError, InvalidArgumentError, TrainingError
from kerazoo.word2vec.engines import native_kernel, native_slices
from kerazoo_ext import _word2vec
from tests.word2vec.test_checkpoints import assert_same
from tests.word2vec.test_estimator import two_topics
from tests.word2vec.test_vocabulary_update import topic


def small(**changes):
    settings = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0, "epochs": 3, "alpha": 0.1, "seed": 1}
    return Word2Vec(**{**settings, "engine": "native", "workers": 1, "verbose": 0, **changes})


class Crash(Exception):
    pass


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("loss", ["nce", "negative_sampling", "sampled_softmax"])
def test_two_topics_keep_their_words_apart(loss, workers):
    # On 20 words and three threads, sampled softmax diverges at the rate of the others: see docs/native-engine.md.
    epochs, alpha = (25, 0.03) if loss == "sampled_softmax" else (15, 0.1)
    model = small(loss=loss, epochs=epochs, alpha=alpha, workers=workers).fit(two_topics())
    for word in ("fruit3", "metal7"):
        near = [other for other, _ in model.wv.most_similar(word, topn=9)]
        assert all(other.startswith(word[:5]) for other in near), near
    assert model.history_["loss"][-1] < model.history_["loss"][0]
    assert len(model.history_["seconds"]) == len(model.history_["words_per_second"]) == epochs
    assert (model.output_biases_ is None) == (loss != "sampled_softmax")


def test_one_worker_repeats_to_the_bit_and_another_seed_does_not():
    first, again = small().fit(two_topics()), small().fit(two_topics())
    assert_same(first, again)
    assert not np.array_equal(first.vectors_, small(seed=2).fit(two_topics()).vectors_)


@pytest.mark.parametrize("size", [1, 12, 16, 17])
def test_vectors_have_the_requested_size_and_are_contiguous(size):
    model = small(vector_size=size, epochs=1).fit(two_topics(50))
    for table in (model.vectors_, model.output_vectors_):
        assert table.shape == (20, size)
        assert table.dtype == np.float32
        assert table.flags.c_contiguous
        assert table.any(axis=1).all()


@pytest.mark.parametrize(("learn_biases", "odds"), [(True, 4), (False, 2)])
def test_the_first_loss_is_the_known_start(learn_biases, odds):
    """Every logit starts at -log K with learned biases, and at half of that with fixed ones."""
    model = small(epochs=1, alpha=1e-6, min_alpha=0, negative=4, learn_biases=learn_biases).fit(two_topics(50))
    assert model.history_["loss"][0] == pytest.approx(np.log1p(odds) + 4 * np.log1p(1 / odds), rel=1e-3)


@pytest.mark.backend
def test_the_keras_model_has_these_tables_and_the_same_loss():
    import keras

    from kerazoo import EncodedCorpus
    from kerazoo.batching import TokenBlocks

    corpus = EncodedCorpus.from_source(two_topics(), min_count=1)
    model = small(epochs=10).fit(corpus)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.model_.input_vectors), model.vectors_)
    blocks = TokenBlocks(corpus, 256, 3, sample=0, noise_group=16, noise_per_group=16, seed=1)
    model.model_.compile(optimizer="sgd")
    assert model.model_.evaluate(blocks, verbose=0) == pytest.approx(model.history_["loss"][-1], rel=0.05)


def test_no_keras_is_imported():
    code = """
import sys
from kerazoo import Word2Vec
model = Word2Vec(vector_size=8, min_count=1, sample=0, epochs=2, engine="native", seed=1, verbose=0)
model.fit([["a", "b", "c"]] * 40)
assert model.wv["a"].shape == (8,)
print(sorted({"keras", "tensorflow", "jax", "torch"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]


def stop_after(monkeypatch, n, error=KeyboardInterrupt):
    """The kernel raises at its n-th slice."""
    calls = []

    class Trainer(native_kernel._word2vec.Trainer):
        def train(self, begin, end):
            calls.append(begin)
            if len(calls) > n:
                raise error
            return super().train(begin, end)

    monkeypatch.setattr(native_kernel._word2vec, "Trainer", Trainer)
    return calls


def checkpointed(folder, **changes):
    return small(checkpoint_dir=folder, checkpoint_minutes=0, sample=1e-2, epochs=4, **changes)


@pytest.mark.parametrize("n", [5, 19, 40, 70])
def test_a_killed_training_continues_to_the_bit(tmp_path, monkeypatch, n):
    documents = two_topics(400)
    whole = checkpointed(None).fit(documents)
    monkeypatch.setattr(native_slices, "POLL_SECONDS", 1e-4)
    with monkeypatch.context() as patch:
        stop_after(patch, n, Crash)
        with pytest.raises(Crash):
            checkpointed(tmp_path).fit(documents)
    assert_same(checkpointed(tmp_path).fit(documents), whole)


@pytest.mark.backend
def test_keras_callbacks_see_the_epochs_and_can_stop():
    import keras

    seen = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((logs["loss"], keras.ops.convert_to_numpy(self.model.input_vectors).copy()))
            if epoch == 1:
                self.model.stop_training = True

    model = small(epochs=50, callbacks=[Stop()]).fit(two_topics(30))
    assert [loss for loss, _ in seen] == model.history_["loss"]
    assert len(seen) == 2
    np.testing.assert_array_equal(seen[-1][1], model.vectors_)


@pytest.mark.backend
def test_early_stopping_of_keras_works():
    import keras

    stopper = keras.callbacks.EarlyStopping(monitor="loss", min_delta=10.0, patience=2, restore_best_weights=True)
    model = small(epochs=50, callbacks=[stopper]).fit(two_topics(30))
    assert len(model.history_["loss"]) == 3


INTERRUPTED = """
import signal, sys
import numpy as np
from kerazoo.word2vec.engines.progress import TrainingProgress
from tests.word2vec.test_native import small, two_topics
signal.signal(signal.SIGINT, signal.default_int_handler)
real = TrainingProgress.end_epoch
def end_epoch(self, loss):
    real(self, loss)
    if len(self.history["loss"]) == 30:
        signal.raise_signal(signal.SIGINT)
TrainingProgress.end_epoch = end_epoch
model = small(epochs=10**6, alpha=0.05, workers=2, checkpoint_dir=sys.argv[1])
try:
    model.fit(two_topics())
except KeyboardInterrupt:
    print(len(model.history_["loss"]), np.isfinite(model.wv["fruit1"]).sum())
"""


def test_ctrl_c_keeps_what_was_learned(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["30", "12"], done.stderr
    left = Word2Vec.load(tmp_path / "fit-0.kerazoo")
    assert len(left.history_["loss"]) == 30
    assert left.wv["fruit1"].shape == (12,)


def test_a_divergence_stops_and_keeps_the_last_good_vectors():
    model = small(alpha=1e4, epochs=20, learn_biases=True)
    with pytest.raises(TrainingError, match=r"diverges.*smaller alpha"):
        model.fit(datasets.lee())
    assert np.isfinite(model.vectors_).all()
    assert np.isfinite(model.output_vectors_).all()


@pytest.mark.parametrize(
    ("engine", "loss"),
    [("native", "nce"), ("native", "negative_sampling"), pytest.param("keras", "nce", marks=pytest.mark.backend)],
)
def test_a_training_that_learns_nothing_warns(loss, engine):
    """Without biases, clipping keeps the loss near chance at any rate."""
    with pytest.warns(UserWarning, match=r"nothing was learned: the loss of the last epoch is .* untrained model"):
        small(alpha=1e3, epochs=3, loss=loss, engine=engine).fit(datasets.lee())


def test_partial_fit_continues():
    model = small(epochs=10).fit(two_topics()).partial_fit(topic("cloud", n=200) + topic("fruit", n=200))
    assert len(model.vocabulary_) == 30
    assert len(model.history_["loss"]) == 20
    assert model.wv.similarity("cloud1", "cloud2") > model.wv.similarity("cloud1", "fruit1") + 0.5


@pytest.mark.parametrize("documents", [[["a", "b"]], [["a"], [], ["b", "a"], ["a", "b", "a"]], [["a", "b"] * 50_000]])
def test_tiny_and_long_documents_and_windows_beyond_them(documents):
    model = small(window=1000 if len(documents) > 1 else 9, epochs=1, vector_size=4, alpha=0.025).fit(documents)
    assert np.isfinite(model.vectors_).all()
    assert np.isfinite(model.history_["loss"]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"negative": 65}, "negative=65 with engine='native'; expected at most 64"),
        ({"engine_options": {"batch_size": 8}}, "batch_size=8 with engine='native'; expected None. engine='keras' has"),
        ({"engine_options": {"block_size": 16}}, "block_size=16 with engine='native'; expected None"),
        ({"engine_options": {"on_device": True}}, "on_device=True with engine='native'; expected None"),
    ],
)
def test_what_it_cannot_do_is_refused(changes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        small(**changes).fit(two_topics(5))


def test_a_corpus_without_pairs_says_so():
    with pytest.raises(CorpusError, match="no document has two words"):
        small().fit([["a"], ["b"]])


def test_an_unknown_instruction_set_is_refused(monkeypatch):
    monkeypatch.setenv("KERAZOO_INSTRUCTION_SET", "avx1024")
    with pytest.raises(InvalidArgumentError, match="KERAZOO_INSTRUCTION_SET='avx1024'; expected one of 'plain'"):
        small().fit(two_topics(5))


def test_every_instruction_set_learns_the_same_up_to_rounding(monkeypatch):
    found = {}
    for name in _word2vec.INSTRUCTION_SETS[: _word2vec.INSTRUCTION_SETS.index(_word2vec.widest()) + 1]:
        monkeypatch.setenv("KERAZOO_INSTRUCTION_SET", name)
        found[name] = small().fit(two_topics(60)).vectors_
    for name, vectors in found.items():
        atol = 2e-2 if name == "avx512_bf16" else 1e-3  # factors of 8 bits
        np.testing.assert_allclose(vectors, found["plain"], atol=atol, err_msg=name)


MODELS = {
    "cbow": {"sg": 0},
    "cbow_negative_sampling": {"sg": 0, "loss": "negative_sampling"},
    "cbow_sum": {"sg": 0, "cbow_mean": 0, "alpha": 0.05},
    "hs": {"hs": 1, "negative": 0},
    "cbow_hs": {"sg": 0, "hs": 1, "negative": 0},
    "both": {"hs": 1},
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_keeps_two_topics_apart(model, workers):
    trained = small(epochs=15, workers=workers, **MODELS[model]).fit(two_topics())
    for word in ("fruit3", "metal7"):
        near = [other for other, _ in trained.wv.most_similar(word, topn=9)]
        assert all(other.startswith(word[:5]) for other in near), near
    assert trained.history_["loss"][-1] < 0.99 * trained.history_["loss"][0]
    assert (trained.node_vectors_ is None) == (trained.tree_ is None) == (not trained.hs)
    assert (trained.output_vectors_ is None) == (not trained.negative)
    words = {word for word, _ in trained.predict_output_word(["fruit1", "fruit2"], topn=8)}
    assert all(word.startswith("fruit") for word in words)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_saved_resumed_and_extended(model, tmp_path, monkeypatch):
    documents = two_topics(200)
    whole = checkpointed(None, **MODELS[model]).fit(documents)
    monkeypatch.setattr(native_slices, "POLL_SECONDS", 1e-4)
    with monkeypatch.context() as patch:
        stop_after(patch, 25, Crash)
        with pytest.raises(Crash):
            checkpointed(tmp_path, **MODELS[model]).fit(documents)
    assert_same(checkpointed(tmp_path, **MODELS[model]).fit(documents), whole)

    whole.save(tmp_path / "model.kerazoo")
    loaded = Word2Vec.load(tmp_path / "model.kerazoo")
    assert_same(loaded, whole)
    old = loaded.vocabulary_.words
    before = None if loaded.node_vectors_ is None else loaded.node_vectors_.copy()
    loaded.set_params(checkpoint_dir=None, alpha=1e-6, min_alpha=0, epochs=1, sample=0)
    loaded.partial_fit(topic("cloud", n=50))
    assert len(loaded.vocabulary_) == 30
    for word in old:
        np.testing.assert_allclose(loaded.wv[word], whole.wv[word], atol=1e-3)
    if before is not None:
        np.testing.assert_allclose(loaded.node_vectors_[: len(before)], before, atol=1e-3)
        offsets, _ = loaded.tree_.paths()
        assert len(offsets) == 31


@pytest.mark.parametrize("model", ["cbow_negative_sampling", "hs", "both"])
def test_the_first_loss_of_every_model_is_the_known_start(model):
    """The sum of log 2 per node of the path and the loss of the noise words, without those that equal the centre."""
    trained = small(epochs=1, min_alpha=0, **{**MODELS[model], "alpha": 1e-6}).fit(two_topics(300))
    counts = trained.vocabulary_.counts
    shares = counts / counts.sum()
    expected = 0.0
    if model != "cbow_negative_sampling":
        expected += shares @ np.diff(trained.tree_.paths()[0]) * np.log(2)
    if model == "both":
        expected += np.log1p(5**0.5) + 5 * np.log1p(5**-0.5)
    if model == "cbow_negative_sampling":
        hits = shares @ NoiseDistribution("unigram", counts).probabilities
        expected += (1 + 5 * (1 - hits)) * np.log(2)
    assert trained.history_["loss"][0] == pytest.approx(expected, rel=5e-3)


def test_the_loss_of_an_untrained_tree_is_that_of_the_words_that_subsampling_keeps():
    """Frequent words have short paths, and few of them are kept."""
    settings = {"hs": 1, "negative": 0, "alpha": 1e-6, "min_alpha": 0, "min_count": 5, "sample": 1e-3}
    model = Word2Vec(20, **settings, epochs=1, seed=1, workers=1, engine="native", verbose=0)
    model.fit(datasets.lee())
    counts, (offsets, _) = model.vocabulary_.counts, model.tree_.paths()
    kept = counts * (keep_thresholds(counts, 1e-3) / 2**32)
    expected = kept @ np.diff(offsets) / kept.sum() * np.log(2)
    assert model.history_["loss"][0] == pytest.approx(expected, rel=5e-3)
    assert expected > 1.1 * (counts @ np.diff(offsets) / counts.sum() * np.log(2))


@pytest.mark.parametrize(("sg", "alpha"), [(1, 0.025), (0, 0.05)])
def test_the_default_rate_is_that_of_word2vec_c(sg, alpha):
    default = small(alpha=None, sg=sg).fit(two_topics(20))
    assert default.alpha is None
    np.testing.assert_array_equal(default.vectors_, small(alpha=alpha, sg=sg).fit(two_topics(20)).vectors_)
    assert default.set_params(loss="negative_sampling").fit(two_topics(20)).to_gensim().alpha == alpha


def test_a_change_of_the_tables_is_refused():
    model = small(**MODELS["both"], epochs=1).fit(two_topics(20))
    with pytest.raises(InvalidArgumentError, match="negative=0, but the vectors were trained with output vectors"):
        model.set_params(negative=0).partial_fit(two_topics(20))
    with pytest.raises(InvalidArgumentError, match="hs=0, but the vectors were trained with inner nodes"):
        model.set_params(negative=5, hs=0).partial_fit(two_topics(20))
    with pytest.raises(InvalidArgumentError, match="negative=0; expected an integer >= 1"):
        small(negative=0).fit(two_topics(20))


@pytest.mark.parametrize("model", ["cbow", "hs"])
def test_models_without_a_keras_model_say_so(model):
    trained = small(**MODELS[model], epochs=1).fit(two_topics(20))
    with pytest.raises(InvalidArgumentError, match="model_ is the Keras model of skip-gram with noise words"):
        _ = trained.model_


def test_a_later_epoch_without_a_pair_changes_nothing():
    """Each epoch draws which words of a tiny corpus are kept; sometimes these are no two of one document."""
    documents = [["red", "apple", "green", "apple"]] * 12

    def losses_of(seed):
        return small(sample=0.01, epochs=30, seed=seed).fit(documents).history_["loss"]

    losses = []
    for seed in range(20):
        try:
            losses.append(losses_of(seed))
        except CorpusError as error:
            if "epoch 0" not in str(error):
                raise
    unchanged = [any(a == b for a, b in itertools.pairwise(of_one)) for of_one in losses]
    assert any(unchanged)
    assert all(len(of_one) == 30 for of_one in losses)
