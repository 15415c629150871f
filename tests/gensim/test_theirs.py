"""gensim's own test of `Word2Vec` on kerazoo's class; `theirs.py` loads it. Skipped where gensim has no tests."""

from __future__ import annotations

import unittest

import pytest

from tests.gensim import theirs

REASON = theirs.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "gensim's tests are there")

# Tests of small texts, which together take about two seconds.
QUICK = (
    "test_build_vocab_from_freq", "test_prune_vocab", "test_total_word_count", "test_max_final_vocab",
    "test_online_learning", "test_online_learning_after_save", "test_online_learning_from_file",
    "test_online_learning_after_save_from_file", "test_persistence", "test_persistence_backwards_compatible",
    "test_persistence_from_file", "test_persistence_with_constructor_rule", "test_rule_with_min_count", "test_rule",
    "test_lambda_rule", "test_no_training_c_format", "test_large_mmap",
    "test_persistence_word2vec_format_combination_with_standard_persistence", "test_training",
    "test_training_from_file", "test_scoring", "test_cosmul", "test_training_cbow", "test_training_sg_negative",
    "test_training_cbow_negative", "test_similarities", "test_r_n_g", "test_predict_output_word",
    "test_build_vocab_warning", "test_train_warning", "test_train_hs_and_neg", "test_train_with_explicit_param",
    "test_sentences_should_not_be_a_generator", "test_load_on_class_error", "test_file_should_not_be_compressed",
    "test_reset_from", "test_compute_training_loss", "test_negative_ns_exp",
)  # fmt: skip


@pytest.fixture(scope="module")
def cases():
    return theirs.cases(theirs.load())


@pytest.mark.parametrize("name", QUICK)
def test_quick_ones_pass(cases, name):
    assert theirs.failures(cases, [name]) == {}


@pytest.mark.slow
def test_all_others_pass(cases):
    assert theirs.failures(cases, [name for name in cases if name not in QUICK]) == {}


def test_failures_are_found():
    """Otherwise the tests above could not fail."""

    class Broken(unittest.TestCase):
        def runTest(self):
            self.fail("broken")

    assert "broken" in theirs.failures({"broken": Broken()}, ["broken"])["broken"]
