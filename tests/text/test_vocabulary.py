"""Vocabulary: order, limits, unk, look-ups, errors."""

from __future__ import annotations

import copy
import pickle
from collections import Counter

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError, VocabularyError
from kerazoo.text import Vocabulary

COUNTS = {"the": 9, "zebra": 4, "apple": 4, "Éclair": 4, "rare": 2, "once": 1, "more": 1}


def test_ids_go_by_count_then_code_point() -> None:
    vocabulary = Vocabulary.from_counts(COUNTS, min_count=2)
    assert vocabulary.words == ["the", "apple", "zebra", "Éclair", "rare"]
    assert vocabulary.counts.tolist() == [9, 4, 4, 4, 2]
    assert vocabulary.counts.dtype == np.int64
    assert (vocabulary.total, vocabulary.n_dropped_words, vocabulary.n_dropped_types) == (25, 2, 2)
    shuffled = Vocabulary.from_counts(dict(reversed(COUNTS.items())), min_count=2)
    assert shuffled == vocabulary


def test_max_final_vocab_keeps_exactly_that_many() -> None:
    for n in range(1, 8):
        vocabulary = Vocabulary.from_counts(COUNTS, max_final_vocab=n)
        assert len(vocabulary) == n
        assert vocabulary.n_dropped_types == 7 - n
        assert vocabulary.total == 25
    assert Vocabulary.from_counts(COUNTS, max_final_vocab=3).words == ["the", "apple", "zebra"]


@pytest.mark.parametrize(
    ("unk", "extra", "words", "counts"),
    [
        ("<unk>", {}, ["the", "apple", "zebra", "Éclair", "<unk>", "rare"], [9, 4, 4, 4, 2, 2]),
        ("zzz", {}, ["the", "apple", "zebra", "Éclair", "rare", "zzz"], [9, 4, 4, 4, 2, 2]),
        ("<unk>", {"<unk>": 8}, ["<unk>", "the", "apple", "zebra", "Éclair", "rare"], [10, 9, 4, 4, 4, 2]),
        ("<unk>", {"<unk>": 1}, ["the", "apple", "zebra", "Éclair", "<unk>", "rare"], [9, 4, 4, 4, 3, 2]),
    ],
)
def test_unk_replaces_the_words_left_out(unk: str, extra: dict, words: list[str], counts: list[int]) -> None:
    vocabulary = Vocabulary.from_counts(COUNTS | extra, min_count=2, unk=unk)
    assert vocabulary.words == words
    assert vocabulary.counts.tolist() == counts
    assert vocabulary.unk_id == words.index(unk)
    assert vocabulary.n_dropped_words == 0
    assert vocabulary.total == 25 + sum(extra.values())
    assert vocabulary.encode(["once", "the", "never seen", unk]).tolist() == [
        vocabulary.unk_id, words.index("the"), vocabulary.unk_id, vocabulary.unk_id,
    ]  # fmt: skip
    assert vocabulary.index("never seen") == vocabulary.unk_id


def test_unk_does_not_count_towards_max_final_vocab_and_may_have_count_0() -> None:
    assert Vocabulary.from_counts(COUNTS, max_final_vocab=1, unk="?").words == ["?", "the"]
    full = Vocabulary.from_counts({"a": 1}, unk="?")
    assert (full.words, full.counts.tolist()) == (["a", "?"], [1, 0])


def test_look_ups() -> None:
    vocabulary = Vocabulary.from_counts(COUNTS, min_count=2)
    assert len(vocabulary) == 5
    assert "apple" in vocabulary
    assert "once" not in vocabulary
    assert 3 not in vocabulary
    assert vocabulary["apple"] == vocabulary.index("apple") == 1
    assert list(vocabulary) == vocabulary.words
    ids = vocabulary.encode(("rare", "once", "the"))
    assert ids.dtype == np.int32
    assert ids.tolist() == [4, 0]
    assert vocabulary.decode(ids) == ["rare", "the"]
    assert vocabulary.encode([]).shape == (0,)
    assert vocabulary.decode([]) == []
    assert repr(vocabulary) == "Vocabulary(5 words, min_count=2, 25 raw words counted)"


def test_equality_copies_and_tensors() -> None:
    vocabulary = Vocabulary.from_counts(COUNTS | {"a\x00": 4, "new\nline": 4}, min_count=2, unk="<unk>")
    assert copy.deepcopy(vocabulary) == vocabulary
    assert pickle.loads(pickle.dumps(vocabulary)) == vocabulary
    restored = Vocabulary.from_tensors(*vocabulary.to_tensors())
    assert restored == vocabulary
    assert (restored.min_count, restored.n_types, restored.unk) == (2, vocabulary.n_types, "<unk>")
    assert vocabulary != Vocabulary.from_counts(COUNTS, min_count=2)
    assert vocabulary != "vocabulary"


def test_an_empty_vocabulary_is_an_error_that_names_a_remedy() -> None:
    with pytest.raises(
        VocabularyError,
        match=r"min_count=10 keeps none of the 7 words.* 9 times\. min_count=9 would keep 1, min_count=1 all 7",
    ):
        Vocabulary.from_counts(COUNTS, min_count=10)
    with pytest.raises(VocabularyError, match="min_count=10 keeps none"):
        Vocabulary.from_counts(COUNTS, min_count=10, unk="<unk>")
    with pytest.raises(VocabularyError, match="No word was counted"):
        Vocabulary.from_counts(Counter())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: Vocabulary.from_counts({"a": 1}, min_count=0), r"min_count=0; expected an integer >= 1\. The usual"),
        (lambda v: Vocabulary.from_counts({"a": 1}, max_final_vocab=0), "max_final_vocab=0; expected"),
        (lambda v: Vocabulary.from_counts({"a": 1}, unk=3), "unk is 3, of type int; expected None, or a str"),
        (lambda v: Vocabulary.from_counts({"a": -1}), r"counts\['a'\]=-1; expected an integer >= 0"),
        (lambda v: Vocabulary.from_counts({"a": 1.5}), r"counts\['a'\]=1.5"),
        (lambda v: Vocabulary.from_counts({b"a": 1}), "a key of counts is b'a', of type bytes"),
        (lambda v: Vocabulary.from_counts({"\ud800": 1}), "lone surrogate"),
        (lambda v: Vocabulary(["a", "a"], [2, 1]), "'a' twice"),
        (lambda v: Vocabulary(["a", "b"], [1, 2]), "must not increase"),
        (lambda v: Vocabulary(["a", "b"], [1]), r"shape \(1,\); expected integers of shape \(2,\)"),
        (lambda v: Vocabulary(["a"], [1], unk="?"), "unk='\\?' is not one of the words"),
        (lambda v: v.encode("the cat"), r"tokens is of type str; expected a list of tokens. Pass text.split\(\)"),
        (lambda v: v.encode(["the", 3]), r"tokens\[1\] is 3, a int"),
        (lambda v: v.index(3), "word is of type int; expected a str"),
        (lambda v: v.decode([0.5]), "float64"),
    ],
)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call(Vocabulary.from_counts(COUNTS))


def test_unknown_words_and_ids() -> None:
    vocabulary = Vocabulary.from_counts(COUNTS, min_count=2)
    with pytest.raises(VocabularyError, match=r"'once' is not in the vocabulary of 5 words \(min_count=2\)"):
        vocabulary["once"]
    with pytest.raises(VocabularyError, match=r"ids\[1\] is 5; expected 0 to 4"):
        vocabulary.decode([0, 5, -1])
    with pytest.raises(VocabularyError, match=r"ids\[0\] is -1"):
        vocabulary.decode([-1])


def test_joined_adds_counts_and_new_words_by_count():
    old = Vocabulary.from_counts({"a": 3, "b": 2, "rare": 1}, min_count=2)
    new = Vocabulary.from_counts({"b": 9, "c": 4, "d": 4, "e": 1, "a": 1})
    joined = old.joined(new, min_count=2, max_final_vocab=3)
    assert joined.words == ["b", "a", "c"]
    assert joined.counts.tolist() == [11, 4, 4]
    assert joined.total == old.total + new.total == 6 + 19
    assert joined.n_dropped_words == 1 + 4 + 1  # rare, d, e
    assert joined.n_types == 3 + 3
    assert Vocabulary(joined.words, joined.counts, total=joined.total) == joined  # in the order of a vocabulary
    assert old.joined(old).words == old.words


def test_joined_counts_the_rest_towards_unk():
    old = Vocabulary.from_counts({"a": 3, "x": 1}, min_count=2, unk="<unk>")
    joined = old.joined(Vocabulary.from_counts({"b": 4, "c": 1, "a": 1}), min_count=2)
    assert dict(zip(joined.words, joined.counts.tolist(), strict=True)) == {"a": 4, "b": 4, "<unk>": 2}
    assert joined.n_dropped_words == 0


@pytest.mark.parametrize("padding", ["post", "pre"])
@pytest.mark.parametrize("unk", [None, "<unk>"])
def test_padded_ids_are_the_ids_of_each_text_plus_one(padding, unk) -> None:
    vocabulary = Vocabulary.from_counts(COUNTS, min_count=2, unk=unk)
    texts = [["the", "rare", "once"], [], ["zebra"], ["once"], ["the"] * 4]
    found = vocabulary.encode_padded(texts, padding=padding)
    assert found.dtype == np.int32
    assert found.shape == (5, 4)
    for row, text in zip(found, texts, strict=True):
        known = row[row > 0] - 1
        np.testing.assert_array_equal(known, vocabulary.encode(text))
        assert vocabulary.decode(known) == [w if w in vocabulary else unk for w in text if w in vocabulary or unk]
        filled = row[: len(known)] if padding == "post" else row[4 - len(known) :]
        np.testing.assert_array_equal(filled, known + 1)
    assert found.max() <= len(vocabulary)
    assert vocabulary.encode_padded(texts, 7, padding=padding).shape == (5, 7)
    assert vocabulary.encode_padded([], padding=padding).shape == (0, 1)
    assert vocabulary.encode_padded([[]]).tolist() == [[0]]


def test_long_texts_are_cut_off_only_if_asked() -> None:
    vocabulary = Vocabulary.from_counts({"a": 3, "b": 2, "c": 1})
    texts = [["a"], ["a", "b", "c"]]
    with pytest.raises(InvalidArgumentError, match=r"texts\[1\] has 3 known words, length=2; expected length >= 3"):
        vocabulary.encode_padded(texts, 2)
    assert vocabulary.encode_padded(texts, 2, truncating="post").tolist() == [[1, 0], [1, 2]]
    assert vocabulary.encode_padded(texts, 2, truncating="pre", padding="pre").tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a b",), "texts is of type str"),
        ((["a b"],), "tokens is of type str"),
        (([["a"]], 0), "length=0"),
    ],
)
def test_texts_that_cannot_be_padded(arguments, message) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Vocabulary.from_counts({"a": 1}).encode_padded(*arguments)
    with pytest.raises(InvalidArgumentError, match="Did you mean 'post'"):
        Vocabulary.from_counts({"a": 1}).encode_padded([], padding="pst")
    with pytest.raises(InvalidArgumentError, match="truncating=3"):
        Vocabulary.from_counts({"a": 1}).encode_padded([], truncating=3)
