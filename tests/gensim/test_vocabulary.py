"""Vocabularies: the same words, counts, thresholds and figures as gensim's."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.utils import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

from kerazoo.gensim import Word2Vec


def zipf(seed, n_words=60, n=90):
    random = np.random.default_rng(seed)
    return [[f"w{min(word, n_words)}" for word in random.zipf(1.4, 9).tolist()] for _ in range(n)]


def rule(word, count, min_count):
    return {"w1": RULE_DISCARD, "w60": RULE_KEEP, "w17": RULE_KEEP}.get(word, RULE_DEFAULT)


SETTINGS = {
    "default": {},
    "no_subsampling": {"sample": 0, "min_count": 1},
    "subsampling_by_count": {"sample": 20, "min_count": 2},
    "few": {"max_final_vocab": 9, "min_count": 2},
    "few_but_rarer": {"max_final_vocab": 9, "min_count": 30},
    "all": {"min_count": 0, "max_final_vocab": 1000, "ns_exponent": -0.5},
    "hierarchy": {"hs": 1, "negative": 0, "min_count": 2},
    "null_word": {"null_word": 1, "min_count": 2},
    "order_of_appearance": {"sorted_vocab": 0, "min_count": 2},
    "rule": {"min_count": 5, "trim_rule": rule},
}


def assert_same(ours, theirs):
    assert set(ours.wv.key_to_index) == set(theirs.wv.key_to_index)
    assert ours.wv.vectors.shape == theirs.wv.vectors.shape
    for name in ("count", "sample_int"):
        for word in theirs.wv.index_to_key:
            assert ours.wv.get_vecattr(word, name) == theirs.wv.get_vecattr(word, name), (name, word)
    if theirs.negative:
        # Words of the same count may stand in another order, which moves no value.
        assert np.allclose(ours.cum_table, theirs.cum_table, rtol=0, atol=1)


@pytest.mark.parametrize("name", SETTINGS)
def test_vocabularies_are_those_of_gensim(name):
    settings = dict(SETTINGS[name])
    rule = settings.pop("trim_rule", None)
    ours, theirs = (kind(vector_size=4, **settings) for kind in (Word2Vec, GensimWord2Vec))
    reports = []
    for model in (ours, theirs):
        model.scan_vocab(zipf(1))
        reports.append(model.prepare_vocab(keep_raw_vocab=True, trim_rule=rule, dry_run=True, min_count=3))
        reports.append(model.prepare_vocab(trim_rule=rule))
        model.prepare_weights()
    assert reports[:2] == reports[2:]
    assert_same(ours, theirs)
    assert ours.effective_min_count == theirs.effective_min_count
    if name == "order_of_appearance":
        assert ours.wv.index_to_key == theirs.wv.index_to_key
    if settings.get("ns_exponent", 1) > 0 and "null_word" not in settings:
        for model in (ours, theirs):
            model.build_vocab(zipf(2, n_words=90), update=True, trim_rule=rule)
        assert_same(ours, theirs)


def test_a_new_vocabulary_replaces_the_old_one():
    model = Word2Vec(zipf(1), vector_size=4, hs=1, sample=0)
    model.build_vocab([["a", "b"]] * 9)
    assert sorted(model.wv.index_to_key) == ["a", "b"]
    assert model.wv.vectors.shape == model.syn1.shape == (2, 4)
    assert [len(code) for code in model.wv.expandos["code"]] == [1, 1]
    model.train([["a", "b"]] * 9, total_examples=9, epochs=1)


def test_an_update_needs_a_vocabulary():
    with pytest.raises(RuntimeError, match="no prior vocabulary"):
        Word2Vec(min_count=1).build_vocab([["a", "b"]], update=True)
