"""Hashes of n-grams against gensim and published values, rows of buckets, and vectors made of them."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.errors import StorageError, VocabularyError
from kerazoo.word2vec import subwords
from kerazoo.word2vec.results import Tables
from kerazoo.word2vec.subwords import BucketRows, NgramSettings, ngram_buckets
from tests.references.subwords import fnv

WORDS = ["the", "naïve", "Überraschung", "日本語", "слово", "a", "", "👩‍🚀", "x" * 3000, "</s>", "e\u0301", "bananana"]


@pytest.mark.parametrize("limits", [(3, 6), (1, 3), (2, 2), (0, 4), (5, 40), (1, 5000)])
@pytest.mark.parametrize("bucket", [1, 101, 2_000_000])
def test_buckets_equal_those_of_gensim(limits, bucket):
    fasttext = pytest.importorskip("gensim.models.fasttext")
    words = [word for word in WORDS if len(word) < 100 or limits[1] < 100]
    found = ngram_buckets(words, NgramSettings(*limits, bucket))
    for word, begin, end in zip(words, found.offsets, found.offsets[1:], strict=False):
        assert found.values[begin:end].tolist() == fasttext.ft_ngram_hashes(word, *limits, bucket), word


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)],
)
def test_the_hash_is_fnv_1a(text, expected):
    """The first values of the list of Fowler, Noll and Vo, for bytes below 128."""
    assert fnv(text) == expected
    if text:
        word = text.decode()
        values = ngram_buckets([word], NgramSettings(len(word), len(word), 2**31 - 1)).values
        assert expected % (2**31 - 1) in values


def test_words_without_ngrams():
    for settings in (NgramSettings(3, 2, 100), NgramSettings(0, 0, 100), NgramSettings(3, 6, 0)):
        assert not settings.any
        assert ngram_buckets(["word"], settings).offsets.tolist() == [0, 0]
    assert ngram_buckets([], NgramSettings(3, 6, 100)).offsets.tolist() == [0]
    assert ngram_buckets(["ab"], NgramSettings(10**9, 2**31 - 1, 100)).offsets.tolist() == [0, 0]  # too short
    with pytest.raises(VocabularyError, match="not valid Unicode"):
        ngram_buckets(["a\ud800"], NgramSettings(3, 6, 100))


@pytest.mark.parametrize("n_buckets", [20, subwords.DENSE_BUCKETS + 1])
def test_rows_of_buckets(n_buckets):
    rows_of = BucketRows(np.array([17, 3, 5], np.int32), n_buckets)
    assert rows_of(np.array([[3, 4], [17, 19]], np.int32)).tolist() == [[1, -1], [0, -1]]
    assert BucketRows(np.zeros(0, np.int32), n_buckets)(np.array([3], np.int32)).tolist() == [-1]


def test_the_buckets_that_occur_most_come_first():
    settings = NgramSettings(3, 3, 10**6)
    words, counts = ["ab", "cd", "abc"], np.array([5, 3, 2])
    found = subwords.used_buckets(ngram_buckets(words, settings), counts)
    first = ngram_buckets(["ab"], settings).values[0]  # "<ab", in two words
    assert found[0] == first
    assert sorted(found) == sorted(set(ngram_buckets(words, settings).values.tolist()))


def test_vectors_of_known_and_unknown_words():
    settings = NgramSettings(3, 4, 50)
    words = ["walk", "talk"]
    found = ngram_buckets(words, settings)
    buckets = subwords.used_buckets(found, np.array([2, 1]))
    rng = np.random.default_rng(0)
    own, rows = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(len(buckets), 3)).astype(np.float32)
    tables = Tables(own, own, ngram_vectors=rows, ngram_buckets=buckets)
    place = {bucket: i for i, bucket in enumerate(buckets.tolist())}
    parts = [rows[place[b]] for b in found.values[: found.offsets[1]].tolist()]
    expected = (own[0] + np.sum(parts, axis=0)) / (1 + len(parts))
    np.testing.assert_allclose(subwords.composed_vectors(tables, words, settings)[0], expected, rtol=1e-5)

    made = subwords.unknown_vectors(rows, ["walked", ""], settings, BucketRows(buckets, 50))
    parts = [rows[place[b]] if b in place else np.zeros(3) for b in ngram_buckets(["walked"], settings).values.tolist()]
    np.testing.assert_allclose(made[0], np.mean(parts, axis=0), rtol=1e-5)
    assert len(ngram_buckets([""], settings).values) == 0
    assert not made[1].any()


@pytest.mark.parametrize("buckets", [[0, 0, 1], [-1, 0, 1], [0, 1, 50], [7], None])
def test_damaged_buckets_are_refused(buckets):
    given = None if buckets is None else np.array(buckets, np.int32)
    tables = Tables(np.zeros((1, 2), np.float32), ngram_buckets=given)
    with pytest.raises(StorageError):
        subwords.check_buckets(tables, ["walk"], NgramSettings(3, 4, 50))
