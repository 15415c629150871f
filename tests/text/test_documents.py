"""Documents as ids of a given vocabulary: every kind of documents, one result."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import CorpusError, CorpusNotFoundError, InvalidArgumentError
from kerazoo.text import EncodedCorpus, Vocabulary, documents
from kerazoo.text.documents import encode_documents, pad_ids, training_documents

WORDS = Vocabulary.from_counts({"the": 9, "cat": 5, "sat": 4, "größe": 3, "<unk>": 0}, unk="<unk>", min_count=1)
TEXTS = ["the cat", "", "  \n ", "a\u2003größe\ncat\r\nthe", "xyzzy plugh", "<unk> sat sat", "cat\x1csat"]


def by_hand(texts, unknown=None):
    rows = [[WORDS.ids.get(word) if word != WORDS.unk else None for word in text.split()] for text in texts]
    return [[unknown if i is None else i for i in row if i is not None or unknown is not None] for row in rows]


def rows_of(encoded):
    ids, offsets = encoded
    assert (ids.dtype, offsets.dtype) == (np.int32, np.int64)
    return [ids[a:b].tolist() for a, b in pairwise(offsets)]


@pytest.mark.parametrize("unknown", [None, 7])
@pytest.mark.parametrize(
    "as_kind",
    [
        list,
        tuple,
        iter,
        pd.Series,
        lambda texts: np.array(texts, object),
        np.array,
        lambda texts: [text.split() for text in texts],
        lambda texts: [text.split() if i % 2 else text for i, text in enumerate(texts)],
        lambda texts: (iter(text.split()) for text in texts),
    ],
)
def test_every_kind_of_documents_gives_the_same_ids(as_kind, unknown):
    assert rows_of(encode_documents(as_kind(TEXTS), WORDS, unknown)) == by_hand(TEXTS, unknown)


def test_many_strings_are_scanned_in_batches(monkeypatch):
    monkeypatch.setattr(documents, "_BATCH", 20)
    texts = TEXTS * 9
    assert rows_of(encode_documents(texts, WORDS)) == by_hand(texts)


def test_no_documents_and_documents_without_words():
    for nothing in ([], [""], [[]], ["", []]):
        assert rows_of(encode_documents(nothing, WORDS)) == [[]] * len(nothing)


def test_files_and_corpora_are_read_as_for_a_training(tmp_path):
    lines = ["the cat", "xyzzy sat", "plugh"]
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(lines))
    for source in (path, str(path), [path]):
        assert rows_of(encode_documents(source, WORDS)) == by_hand(lines)
    other = EncodedCorpus.from_source([line.split() for line in lines], min_count=1)
    same = EncodedCorpus.from_source([line.split() for line in lines], vocabulary=WORDS)
    for unknown in (None, 6):
        for corpus in (other, same):
            assert rows_of(encode_documents(corpus, WORDS, unknown)) == by_hand(lines, unknown)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["the", None], "document 1 is None, of type NoneType"),
        (["the", float("nan")], "document 1 is nan"),
        (["the", b"cat"], "document 1 is b'cat', of type bytes"),
        ([["the", 3]], "document 0, token 1 is 3, of type int"),
        (["the", "\ud800 cat"], "document 1 is .*lone surrogate"),
        (pd.DataFrame({"text": ["the"]}), r"DataFrame of shape \(1, 1\); expected one column"),
        (np.array([["the", "cat"]]), r"ndarray of shape \(1, 2\)"),
        (np.ones((3, 2)), r"ndarray of shape \(3, 2\)"),
        (np.ones(3), "document 0 is .*1.0"),
        (3, "the corpus is of type int"),
    ],
)
def test_what_is_no_document_is_named(wrong, message):
    with pytest.raises(CorpusError, match=message):
        encode_documents(wrong, WORDS)


def test_a_str_is_a_path():
    with pytest.raises(CorpusNotFoundError, match="A str is taken as a path"):
        encode_documents("the cat", WORDS)


def test_a_training_reads_strings_one_by_one_and_refuses_names_of_files(tmp_path):
    read = []

    def texts():
        for text in TEXTS:
            read.append(text)
            yield text

    found = training_documents(texts())
    assert next(found) == ["the", "cat"]
    assert read == TEXTS[:1]
    (tmp_path / "a.txt").write_text("the cat")
    with pytest.raises(CorpusError, match=r"document 0 is the str .*names a file.*Path"):
        list(training_documents([str(tmp_path / "a.txt")]))
    assert list(training_documents(["a\0b"])) == [["a\0b"]]
    with pytest.raises(CorpusError, match="expected one column"):
        training_documents(pd.DataFrame({"text": ["the"]}))


@pytest.mark.parametrize("padding", ["post", "pre"])
@pytest.mark.parametrize("truncating", ["post", "pre"])
@pytest.mark.parametrize("length", [None, 1, 2, 3, 5])
def test_padding_is_that_of_the_vocabulary(padding, truncating, length):
    words = Vocabulary.from_counts({"a": 3, "b": 2, "c": 1})
    texts = [["a", "b", "c"], [], ["c"], ["b", "a"]]
    ids, offsets = encode_documents(texts, words)
    expected = words.encode_padded(texts, length, padding=padding, truncating=truncating)
    np.testing.assert_array_equal(pad_ids(ids + 1, offsets, length, padding, truncating), expected)


def test_long_documents_are_refused_unless_they_are_cut():
    ids, offsets = np.array([1, 2, 3], np.int32), np.array([0, 1, 3])
    with pytest.raises(InvalidArgumentError, match="document 1 has 2 words, length=1; expected length >= 2"):
        pad_ids(ids, offsets, 1)
    assert pad_ids(ids[:0], offsets[:1]).shape == (0, 1)


def test_a_corpus_in_its_own_vocabulary_is_not_copied() -> None:
    """It may be memory-mapped, and larger than memory."""
    corpus = EncodedCorpus.from_source([["a", "b", "a"], ["b"]], min_count=1)
    ids, offsets = encode_documents(corpus, corpus.vocabulary)
    assert ids is corpus.ids
    assert offsets is corpus.offsets
