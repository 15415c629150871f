"""The drop-in class: constructor, attributes, callbacks, training further, the loss and scores."""

from __future__ import annotations

import copy
import inspect
import logging
import math
import pickle
import signal

import numpy as np
import pytest
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.test.utils import common_texts
from gensim.utils import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

import kerazoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.gensim import CallbackAny2Vec, Word2Vec

TINY = {"vector_size": 10, "min_count": 1}
MODELS = {
    "cbow": {},
    "cbow_sum": {"cbow_mean": 0},
    "skipgram": {"sg": 1},
    "cbow_hs": {"hs": 1, "negative": 0},
    "skipgram_hs": {"sg": 1, "hs": 1, "negative": 0},
    "both": {"sg": 1, "hs": 1, "negative": 3},
}


def two_topics(n=200, seed=1):
    """Sentences of eight words, each of one of two sets of ten words."""
    random = np.random.default_rng(seed)
    return [[f"{'ab'[topic]}{word}" for word in random.integers(0, 10, 8)] for topic in random.integers(0, 2, n)]


def test_the_constructor_is_that_of_gensim():
    ours = list(inspect.signature(Word2Vec).parameters.values())
    theirs = list(inspect.signature(GensimWord2Vec).parameters.values())
    assert [(p.name, p.default) for p in ours[:-1]] == [(p.name, p.default) for p in theirs]
    assert (ours[-1].name, ours[-1].kind) == ("reread", inspect.Parameter.KEYWORD_ONLY)
    for method in ("train", "build_vocab", "scan_vocab"):
        ours, theirs = (inspect.signature(getattr(kind, method)).parameters for kind in (Word2Vec, GensimWord2Vec))
        assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


def test_the_package_serves_it():
    assert kerazoo.gensim.Word2Vec is Word2Vec
    assert issubclass(Word2Vec, GensimWord2Vec)


def test_the_untrained_model_is_that_of_gensim():
    """The same words, counts, thresholds, noise and first vectors."""
    ours, theirs = Word2Vec(seed=7, **TINY), GensimWord2Vec(seed=7, **TINY)
    ours.build_vocab(common_texts)
    theirs.build_vocab(common_texts)
    assert np.array_equal(ours.wv.vectors, theirs.wv.vectors)
    for name in ("count", "sample_int"):
        for word in theirs.wv.index_to_key:
            assert ours.wv.get_vecattr(word, name) == theirs.wv.get_vecattr(word, name)
    assert np.array_equal(ours.cum_table, theirs.cum_table)
    for name in (
        "corpus_count",
        "corpus_total_words",
        "min_count",
        "effective_min_count",
        "train_count",
        "layer1_size",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.syn1neg.shape == theirs.syn1neg.shape


@pytest.mark.parametrize("model", MODELS)
def test_small_texts_train_with_any_seed(model):
    for seed in range(12):
        made = Word2Vec(common_texts, seed=seed, **{**TINY, **MODELS[model]})
        assert np.isfinite(made.wv.vectors).all()
        assert made.train_count == 1


@pytest.mark.parametrize("sentences", [[["a"]], [["a"], ["b"]], [["a", "a"]], [["a", "b"], []]])
def test_texts_of_one_word_or_without_a_pair_do_not_fail(sentences):
    for settings in MODELS.values():
        assert len(Word2Vec(sentences, vector_size=4, min_count=1, sample=0, **settings).wv) <= 2


@pytest.mark.parametrize("model", MODELS)
def test_two_topics_keep_their_words_apart(model):
    made = Word2Vec(two_topics(), vector_size=12, epochs=20, sample=0, alpha=0.05, **MODELS[model])
    pairs = [(word, other) for word in made.wv.index_to_key for other, _ in made.wv.most_similar(word, topn=5)]
    # gensim's sums of contexts have .78 to .90 here, all others 1.
    assert sum(word[0] == other[0] for word, other in pairs) >= (0.7 if model == "cbow_sum" else 0.99) * len(pairs)


class Recorder(CallbackAny2Vec):
    """Notes what it sees."""

    def __init__(self, action=lambda model: None):
        self.calls, self.losses, self.vectors, self.action = [], [], [], action

    def on_train_begin(self, model):
        self.calls.append("train")

    def on_train_end(self, model):
        self.calls.append("end")

    def on_epoch_begin(self, model):
        self.calls.append("epoch")

    def on_epoch_end(self, model):
        self.losses.append(model.get_latest_training_loss())
        self.vectors.append(model.wv["a1"].copy())
        assert model.wv.most_similar("a1", topn=1)
        self.action(model)


def test_callbacks_see_the_present_vectors_and_the_loss_so_far():
    recorder = Recorder()
    model = Word2Vec(two_topics(), vector_size=8, epochs=3, sample=0, callbacks=[recorder])
    assert recorder.calls == ["train", "epoch", "epoch", "epoch", "end"]
    assert 0 < recorder.losses[0] < recorder.losses[1] < recorder.losses[2] == model.get_latest_training_loss()
    steps = [np.abs(recorder.vectors[i + 1] - recorder.vectors[i]).max() for i in range(2)]
    assert min(steps) > 1e-4
    assert np.array_equal(recorder.vectors[-1], model.wv["a1"])


def test_what_callbacks_change_takes_effect():
    def change(model):
        model.running_training_loss = 0.0
        model.wv.vectors[:] = 0
        model.syn1neg[:] = 0

    recorder = Recorder(change)
    model = Word2Vec(two_topics(), vector_size=8, epochs=3, sample=0, callbacks=recorder)
    assert recorder.losses[2] == pytest.approx(recorder.losses[1], rel=0.02)  # all logits are 0 again
    assert not model.wv.vectors.any()


def test_an_error_of_a_callback_ends_the_training():
    def stop(model):
        raise StopIteration("enough")

    model = Word2Vec(vector_size=8, sample=0)
    model.build_vocab(two_topics())
    start = model.wv.vectors.copy()
    with pytest.raises(StopIteration, match="enough"):
        model.train(two_topics(), total_examples=200, epochs=5, callbacks=[Recorder(stop)])
    assert not np.array_equal(model.wv.vectors, start)


def test_ctrl_c_keeps_what_was_learned():
    model = Word2Vec(vector_size=8, sample=0)
    model.build_vocab(two_topics())
    start = model.wv.vectors.copy()
    with pytest.raises(KeyboardInterrupt):
        model.train(two_topics(), total_examples=200, epochs=50, callbacks=[Recorder(interrupt)])
    assert np.isfinite(model.wv.vectors).all()
    assert not np.array_equal(model.wv.vectors, start)


def interrupt(model):
    """Press Ctrl-C after the first epoch."""
    signal.raise_signal(signal.SIGINT)


def test_other_callbacks_are_refused_before_the_training():
    with pytest.raises(InvalidArgumentError, match="no method on_epoch_begin"):
        Word2Vec(common_texts, callbacks=[type("Odd", (), {"on_train_begin": print})()], **TINY)


def test_the_arrays_stay_the_same_objects():
    model = Word2Vec(**TINY, hs=1)
    model.build_vocab(common_texts)
    vectors, outputs, nodes = model.wv.vectors, model.syn1neg, model.syn1
    model.train(common_texts, total_examples=9, epochs=9)
    assert model.wv.vectors is vectors
    assert model.syn1neg is outputs
    assert model.syn1 is nodes
    assert outputs.any()
    assert nodes[:-1].any()
    assert not nodes[-1].any()


def test_train_returns_words_and_warns_as_gensim_does(caplog):
    model = Word2Vec(sample=0, **TINY)
    model.build_vocab(common_texts)
    with caplog.at_level(logging.WARNING):
        assert model.train(common_texts, total_examples=9, epochs=2) == (58, 58)
    assert not caplog.records
    model.alpha = 0.5
    with caplog.at_level(logging.WARNING):
        model.train(common_texts, total_examples=8, total_words=28, epochs=1)
    text = caplog.text
    assert "Effective 'alpha' higher" in text
    assert "supplied example count (9) did not equal expected count (8)" in text
    assert "supplied raw word count (29) did not equal expected count (28)" in text
    assert model.train_count == 2
    for wrong in ({}, {"epochs": 1}, {"total_examples": 9}):
        with pytest.raises(ValueError, match="You must specify"):
            model.train(common_texts, **wrong)
    with pytest.raises(RuntimeError, match="first build vocabulary"):
        Word2Vec().train(common_texts, total_examples=9, epochs=1)


def test_the_seed_repeats_the_vectors_and_each_training_draws_anew():
    first, second = (Word2Vec(common_texts, seed=5, workers=1, **TINY) for _ in range(2))
    assert np.array_equal(first.wv.vectors, second.wv.vectors)
    assert not np.array_equal(first.wv.vectors, Word2Vec(common_texts, seed=6, workers=1, **TINY).wv.vectors)


@pytest.mark.parametrize("model", MODELS)
def test_words_are_added_and_the_others_keep_their_vectors(model):
    made = Word2Vec(two_topics(), vector_size=8, sample=0, **MODELS[model])
    before = {word: made.wv[word].copy() for word in made.wv.index_to_key}
    scores = made.score([["a1", "a2"]]) if made.hs else None
    new = [["c1", "c2", "a1"]] * 9
    made.build_vocab(new, update=True)
    assert {"c1", "c2"} <= set(made.wv.key_to_index)
    assert all(np.array_equal(made.wv[word], vector) for word, vector in before.items())
    assert made.wv.get_vecattr("c1", "count") == 9
    if made.hs:  # one more node above the old tree, and its vector is 0
        assert made.score([["a1", "a2"]]) == pytest.approx(scores - 2 * math.log(2), abs=1e-4)
    made.train(new, total_examples=9, epochs=2)
    assert not np.array_equal(made.wv["a1"], before["a1"])


def test_rules_limits_and_frequencies():
    def rule(word, count, min_count):
        return {"human": RULE_DISCARD, "eps": RULE_KEEP}.get(word, RULE_DEFAULT)

    model = Word2Vec(common_texts, vector_size=4, min_count=3, trim_rule=rule)
    assert set(model.wv.key_to_index) == {"user", "trees", "graph", "system", "eps"}
    assert Word2Vec(common_texts, vector_size=4, min_count=1, max_final_vocab=4).wv.index_to_key[0] == "system"
    model = Word2Vec(vector_size=4, min_count=1, null_word=1, sorted_vocab=0)
    model.build_vocab(common_texts, keep_raw_vocab=True)
    assert model.wv.index_to_key[:2] == ["human", "interface"]
    assert "\0" in model.wv.key_to_index
    assert model.raw_vocab["system"] == 4
    model.train(common_texts, total_examples=9, epochs=1)
    model = Word2Vec(**TINY)
    model.build_vocab_from_freq({"graph": 9, "trees": 5}, corpus_count=4)
    model.train(common_texts, total_examples=model.corpus_count, epochs=1)
    assert model.wv.index_to_key == ["graph", "trees"]


@pytest.mark.parametrize("sg", [0, 1])
def test_the_loss_and_the_score_of_a_model_that_knows_nothing(sg):
    """All nodes are 0, so each node on a path costs log 2."""
    model = Word2Vec(vector_size=6, min_count=1, hs=1, negative=0, sg=sg, window=2, shrink_windows=False, sample=0)
    model.build_vocab(common_texts)
    model.train(common_texts, total_examples=9, epochs=3, start_alpha=1e-12, end_alpha=1e-13)
    losses, costs = [], []
    for sentence in common_texts:
        losses.append(0.0)
        costs.append(0.0)
        for place, word in enumerate(sentence):
            contexts = min(place, 2) + min(len(sentence) - 1 - place, 2)
            cost = len(model.wv.get_vecattr(word, "code")) * math.log(2)
            losses[-1] += (contexts if sg else contexts > 0) * cost
            costs[-1] += (contexts if sg else 1) * cost  # gensim scores a word alone, too
    assert model.get_latest_training_loss() == pytest.approx(3 * sum(losses), rel=1e-5)
    assert model.score(common_texts) == pytest.approx(-np.array(costs), rel=1e-5)


@pytest.mark.parametrize("model", ["cbow_hs", "skipgram_hs", "both"])
def test_scores_are_those_of_gensim(model):
    """Nearly: gensim looks logarithms up in a table of 1000 entries, with a scale that is rounded from 83.3 to 83."""
    made = Word2Vec(two_topics(), vector_size=8, epochs=3, **MODELS[model])
    sentences = [*two_topics(20, seed=2), ["unknown"], ["a1", "unknown", "a2"]]
    assert made.score(sentences) == pytest.approx(made.to_gensim().score(sentences), rel=0.04)
    assert len(made.score(sentences, total_sentences=3)) == 3


def test_predictions_are_those_of_gensim():
    model = Word2Vec(two_topics(), vector_size=8, epochs=10, sample=0)
    words = [word for word, _ in model.predict_output_word(["a1", "a2", "zebra"], topn=3)]
    assert {word[0] for word in words} == {"a"}
    assert model.predict_output_word(["zebra"]) is None


def test_what_has_no_effect_is_said(caplog):
    with pytest.warns(UserWarning, match="batch_words=100 has no effect"):
        Word2Vec(batch_words=100)
    for settings, text in (({"negative": 65}, "negative=65 is above 64"), ({}, "vectors_lockf")):
        model = Word2Vec(sample=0, **TINY, **settings)
        model.build_vocab(common_texts)
        model.wv.vectors_lockf = np.ones(len(model.wv), np.float32)
        model.wv.vectors_lockf[0] = float(bool(settings))
        start = model.wv.vectors.copy()
        with caplog.at_level(logging.WARNING):
            model.train(common_texts, total_examples=9, epochs=9)
        assert text in caplog.text
        assert np.array_equal(model.wv.vectors[0], start[0]) != bool(settings)
        assert not np.array_equal(model.wv.vectors[1], start[1])


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"window": 0}, {"vector_size": 0}])
def test_settings_that_cannot_train_are_refused(wrong):
    with pytest.raises(InvalidArgumentError, match=f"{next(iter(wrong))}=0; expected an integer (>= 1|from 1 to 4096)"):
        Word2Vec(common_texts, **{**TINY, **wrong})


def test_settings_that_were_changed_after_the_vocabulary_are_found():
    model = Word2Vec(**TINY)
    model.build_vocab(common_texts)
    model.hs = 1
    with pytest.raises(InvalidArgumentError, match="syn1 has shape None"):
        model.train(common_texts, total_examples=9, epochs=1)


def test_copies_are_complete():
    model = Word2Vec(common_texts, hs=1, sample=0, **TINY)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(twin.wv.vectors, model.wv.vectors)
        twin.train(common_texts, total_examples=9, epochs=1)
        assert not np.array_equal(twin.wv.vectors, model.wv.vectors)
    taken = kerazoo.Word2Vec.from_gensim(model, verbose=0)
    assert np.array_equal(taken.wv["graph"], model.wv["graph"])


def test_phrases_of_the_same_import_line(tmp_path):
    from kerazoo.gensim import LineSentence, Phraser, Phrases

    path = tmp_path / "texts.txt"
    path.write_text("in new york today\nnew york is big\nbig in today is\n" * 5)
    sentences = LineSentence(path)
    bigram = Phraser(Phrases(sentences, min_count=1, threshold=0.7))
    assert bigram[["in", "new", "york"]] == ["in", "new_york"]
    assert "new_york" in Word2Vec(bigram[sentences], **TINY).wv


def test_what_the_module_lacks_is_told():
    with pytest.raises(ImportError, match=r"kerazoo\.FastText"):
        from kerazoo.gensim import FastText  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        from kerazoo.gensim import Nothing  # noqa: F401


def test_save_vectors_takes_the_model(tmp_path):
    model = Word2Vec(common_texts, **TINY)
    kerazoo.word2vec.save_vectors(model, tmp_path / "v.bin")
    np.testing.assert_array_equal(kerazoo.word2vec.load_vectors(tmp_path / "v.bin").vectors, model.wv.vectors)


def test_no_sample_and_a_window_without_end():
    sentences = two_topics(20)
    model = Word2Vec(sentences, vector_size=4, min_count=1, sample=None, window=2**40, workers=1)
    same = Word2Vec(sentences, vector_size=4, min_count=1, sample=0, window=10**6, workers=1)
    np.testing.assert_array_equal(model.wv.vectors, same.wv.vectors)


def test_the_vocabulary_cannot_change_within_a_training():
    callback = Recorder(lambda model: model.build_vocab([["new", "words"]] * 5, update=True))
    with pytest.raises(InvalidArgumentError, match="Call build_vocab between two trainings"):
        Word2Vec(two_topics(20), vector_size=4, min_count=1, epochs=3, callbacks=callback)
