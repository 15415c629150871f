"""Logical workers: with one, the native engine to the bit; with many, a training that learns the same."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo import FastText, Word2Vec, datasets
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.distributed import ClusterOptions
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.text import EncodedCorpus
from kerazoo.word2vec.cluster import logical

KINDS = ({}, {"sg": 0}, {"hs": 1, "negative": 0}, {"hs": 1}, {"loss": "negative_sampling"})
SMALL = {"vector_size": 16, "epochs": 2, "seed": 1, "verbose": 0}


@pytest.fixture(scope="module")
def corpus():
    return EncodedCorpus.from_source(datasets.lee())


def tables_of(model):
    tables = model.to_contents().tables
    return {name: np.array(value) for name, value in tables.named().items()}


def assert_same(one, other):
    first, second = tables_of(one), tables_of(other)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_one_worker_is_the_native_engine(corpus, kind):
    alone = Word2Vec(**SMALL, **kind, workers=1).fit(corpus)
    # Rounds of whole slices: neighbouring words that slices part are not trained in one group.
    worker = Word2Vec(**SMALL, **kind).fit(corpus, cluster=ClusterOptions(simulate=1, sync_words=4096))
    assert_same(alone, worker)
    assert alone.history_["loss"] == worker.history_["loss"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_run_repeats_and_learns(corpus, kind):
    options = ClusterOptions(simulate=5, full_syncs=2)
    one, other = (Word2Vec(**{**SMALL, "epochs": 4}, **kind).fit(corpus, cluster=options) for _ in range(2))
    assert_same(one, other)
    assert one.history_["loss"][-1] < one.history_["loss"][0]
    assert one.history_["words_per_second"][0] > 0


def test_many_workers_on_a_small_corpus(corpus):
    """Spark's Word2Vec gives infinities for 40 partitions and 20 iterations of this corpus (SPARK-13289)."""
    model = Word2Vec(vector_size=30, epochs=20, seed=1, verbose=0).fit(corpus, cluster=ClusterOptions(simulate=40))
    assert np.isfinite(model.vectors_).all()
    assert model.history_["loss"][-1] < model.history_["loss"][5] < model.history_["loss"][0]


@pytest.mark.parametrize("merge", ["mean", "weighted"])
def test_other_rules_learn_too(corpus, merge):
    options = ClusterOptions(simulate=4, merge=merge)
    model = Word2Vec(**{**SMALL, "epochs": 20}).fit(corpus, cluster=options)
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_neighbours_are_those_of_one_worker(corpus):
    settings = {"vector_size": 50, "epochs": 20, "verbose": 0}
    alone = Word2Vec(**settings, seed=1, workers=1).fit(corpus)
    another = Word2Vec(**settings, seed=2, workers=1).fit(corpus)
    many = Word2Vec(**settings, seed=1).fit(corpus, cluster=ClusterOptions(simulate=10))
    words = corpus.vocabulary.words[20:220]

    def shared(one, other):
        return np.mean([len(nearest(one, word) & nearest(other, word)) for word in words]) / 10

    def nearest(model, word):
        return {name for name, _ in model.most_similar(word, topn=10)}

    assert shared(alone, many) > 0.7 * shared(alone, another)


def test_float32_on_the_wire_differs_little(corpus):
    half, single = (
        Word2Vec(**SMALL).fit(corpus, cluster=ClusterOptions(simulate=3, wire=wire)) for wire in ("bfloat16", "float32")
    )
    assert 0 < np.abs(half.vectors_ - single.vectors_).max() < 5e-3


@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
def test_a_stopped_training_goes_on(corpus, kind, tmp_path, monkeypatch):
    options = ClusterOptions(simulate=3, sync_words=1024, full_syncs=3)
    settings = {**SMALL, **kind, "checkpoint_dir": tmp_path, "checkpoint_minutes": 0}
    whole = Word2Vec(**SMALL, **kind).fit(corpus, cluster=options)
    calls = 0
    exchange = logical.LogicalTeam.exchange

    def killed(self, n_rows):
        nonlocal calls
        calls += 1
        if calls == 17:
            raise MemoryError("as if killed")
        exchange(self, n_rows)

    with monkeypatch.context() as patch:
        patch.setattr(logical.LogicalTeam, "exchange", killed)
        with pytest.raises(MemoryError):
            Word2Vec(**settings).fit(corpus, cluster=options)
    resumed = Word2Vec(**settings).fit(corpus, cluster=options)
    assert_same(whole, resumed)
    assert calls < 17 + 2 * 20  # not from the start
    np.testing.assert_array_equal(Word2Vec.load(tmp_path / "fit-0.kerazoo").vectors_, whole.vectors_)


def test_the_number_of_workers_may_change_at_a_restart(corpus, tmp_path, monkeypatch):
    settings = {**SMALL, "epochs": 3, "checkpoint_dir": tmp_path, "checkpoint_minutes": 0}
    options = {"sync_words": 1024, "full_syncs": 3}
    end_epoch = logical.LogicalTeam.are_finite

    def killed(self):
        if (tmp_path / "fit-0.kerazoo").exists():
            raise MemoryError("as if killed")
        return end_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(logical.LogicalTeam, "are_finite", killed)
        with pytest.raises(MemoryError):
            Word2Vec(**settings).fit(corpus, cluster=ClusterOptions(simulate=4, **options))
    model = Word2Vec(**settings).fit(corpus, cluster=ClusterOptions(simulate=2, **options))
    assert len(model.history_["loss"]) == 3
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_another_schedule_does_not_continue_a_checkpoint(corpus, tmp_path):
    settings = {**SMALL, "checkpoint_dir": tmp_path}
    Word2Vec(**settings).fit(corpus, cluster=ClusterOptions(simulate=2))
    with pytest.raises(InvalidArgumentError, match="full_syncs=None"):
        Word2Vec(**settings).fit(corpus, cluster=ClusterOptions(simulate=2, full_syncs=2))


def test_ctrl_c_keeps_what_was_learned(corpus, monkeypatch):
    rounds = 0
    train = logical.LogicalTeam.train

    def interrupted(self, work, sums):
        nonlocal rounds
        rounds += 1
        train(self, work, sums)
        if rounds == 3:
            pending[0].pending = True

    pending = []
    enter = DeferredInterrupt.__enter__

    def entered(self):
        pending.append(self)
        return enter(self)

    monkeypatch.setattr(DeferredInterrupt, "__enter__", entered)
    monkeypatch.setattr(logical.LogicalTeam, "train", interrupted)
    model = Word2Vec(**SMALL)
    with pytest.raises(KeyboardInterrupt):
        model.fit(corpus, cluster=ClusterOptions(simulate=2))
    assert 3 <= rounds <= 6  # some are asked for ahead; the two epochs have 34
    assert np.isfinite(model.vectors_).all()
    assert np.abs(model.output_vectors_).max() > 0


def test_a_training_that_diverges_keeps_good_vectors(corpus):
    model = Word2Vec(**{**SMALL, "epochs": 5, "alpha": 60.0})
    with pytest.raises(TrainingError, match="diverges"):
        model.fit(corpus, cluster=ClusterOptions(simulate=8, merge="sum"))
    assert np.isfinite(model.vectors_).all()


def test_callbacks_see_each_epoch(corpus):
    import keras

    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])))
    model = Word2Vec(**SMALL, callbacks=[callback]).fit(corpus, cluster=ClusterOptions(simulate=2))
    assert [epoch for epoch, _ in seen] == [0, 1]
    assert [loss for _, loss in seen] == pytest.approx(model.history_["loss"])


def test_partial_fit(corpus):
    options = ClusterOptions(simulate=3)
    model = Word2Vec(**SMALL).fit(corpus, cluster=options)
    before = model.vectors_.copy()
    model.partial_fit([["australia", "newword"] * 5] * 9, cluster=options)
    assert len(model.history_["loss"]) == 4
    assert "newword" in model.vocabulary_.ids
    assert len(model.vectors_) == len(before) + 1


def test_what_is_refused(corpus):
    options = ClusterOptions(simulate=2)
    with pytest.raises(InvalidArgumentError, match="FastText"):
        FastText(**SMALL).fit(corpus, cluster=options)
    with pytest.raises(InvalidArgumentError, match="FastText"):
        FastText(**SMALL).fit(corpus).partial_fit(corpus, cluster=options)
    with pytest.raises(InvalidArgumentError, match="engine='keras' with cluster="):
        Word2Vec(**SMALL, engine="keras").fit(corpus, cluster=options)
    with pytest.raises(InvalidArgumentError, match="cluster=4"):
        Word2Vec(**SMALL).fit(corpus, cluster=4)


def test_a_corpus_without_pairs_is_said(corpus):
    with pytest.warns(UserWarning, match="no epoch has a pair"):
        Word2Vec(**{**SMALL, "sample": 1e-9}).fit([["a", "b"]] * 9, cluster=ClusterOptions(simulate=2))


def test_vectors_do_not_depend_on_the_threads_of_matrix_products():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="it comes with kerazoo[ray]")
    found = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads, "blas"):
            model = Word2Vec(vector_size=200, epochs=1, seed=1, verbose=0)
            found.append(model.fit(datasets.lee()[:100], cluster=ClusterOptions(simulate=2)).vectors_)
    np.testing.assert_array_equal(*found)
