"""`Tokens`: the arrays of a corpus, checked once. tests/batching/test_skipgram.py has the corpora that it refuses."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from kerazoo.errors import CorpusError
from kerazoo.text import EncodedCorpus
from kerazoo.text.tokens import Tokens


def test_the_arrays_of_a_corpus_are_not_copied() -> None:
    corpus = EncodedCorpus.from_source([["a", "b", "a"], ["b"]], min_count=1)
    tokens = Tokens.of(corpus)
    assert np.shares_memory(tokens.ids, corpus.ids)
    assert np.shares_memory(tokens.offsets, corpus.offsets)
    assert tokens.counts.tolist() == [2, 2]
    assert Tokens.of(corpus, counts=[5, 1, 9]).counts.tolist() == [5, 1, 9]


def test_dtypes_are_converted() -> None:
    corpus = SimpleNamespace(ids=np.array([1, 0], np.uint8), offsets=[0, 2])
    tokens = Tokens.of(corpus, counts=np.array([1, 1], np.int16))
    assert [array.dtype for array in tokens] == [np.int32, np.int64, np.int64]


@pytest.mark.parametrize(("offsets", "possible"), [([0, 2], True), ([0, 1, 1, 3], True), ([0, 1, 2, 3], False)])
def test_a_pair_needs_a_document_of_two_words(offsets: list[int], possible: bool) -> None:
    tokens = Tokens.of(SimpleNamespace(ids=np.zeros(offsets[-1], np.int32), offsets=offsets), counts=[3])
    if possible:
        tokens.check_pairs_possible()
        return
    with pytest.raises(
        CorpusError, match=r"no document has two words \(3 documents with 3 known words\).*Should the documents be"
    ):
        tokens.check_pairs_possible()
    with pytest.raises(CorpusError, match=r"min_count=5 dropped 4 other words of them\. A smaller one keeps more"):
        tokens.check_pairs_possible(4, "min_count=5")
