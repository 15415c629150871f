"""`Tokens`: the arrays of a corpus, checked once. tests/batching/test_skipgram.py has the corpora that it refuses."""

from __future__ import annotations

import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from kerazoo.errors import CorpusError
from kerazoo.text import EncodedCorpus
from kerazoo.text.tokens import Tokens, first_fall, steps


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


def test_checks_of_offsets_go_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory-mapped offsets may be larger than memory."""
    rng = np.random.default_rng(1)
    for step in (1, 3, 100):
        monkeypatch.setattr("kerazoo.text.tokens._STEP", step)
        for n in (1, 2, 7, 9):
            offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 4, n))])
            assert np.concatenate(list(steps(offsets))).tolist() == np.diff(offsets).tolist()
            assert first_fall(offsets) == -1
            tokens = Tokens(np.zeros(offsets[-1], np.int32), offsets, np.array([1]))
            longest = int(np.diff(offsets).max())
            assert tokens.longest_document(100) == longest
            assert min(2, tokens.longest_document(2)) == min(2, longest)
            for place in range(1, n + 1):
                fallen = offsets.copy()
                fallen[place] = fallen[place - 1] - 1
                assert first_fall(fallen) == place - 1


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16, ">i4"])
def test_the_first_id_that_is_out_of_range_is_named(dtype: str) -> None:
    ids = np.array([0, 1, 1, 7, 9], dtype)
    with pytest.raises(CorpusError, match="id 7 at position 3 is out of range; expected 0 to 1"):
        Tokens.of(SimpleNamespace(ids=ids, offsets=[0, 5]), counts=[3, 2])
    assert Tokens.of(SimpleNamespace(ids=ids, offsets=[0, 5]), counts=[1] * 10).ids.tolist() == ids.tolist()


def test_the_fingerprint_is_that_of_the_bytes() -> None:
    """Checkpoints of earlier versions hold it."""
    ids, offsets, counts = np.arange(9, dtype=np.int32), np.array([0, 4, 9]), np.array([5, 4])
    expected = zlib.crc32(counts.tobytes(), zlib.crc32(offsets.tobytes()))
    for _ in range(64):
        expected = zlib.crc32(ids.tobytes(), expected)
    assert Tokens(ids, offsets, counts).fingerprint() == {"tokens": 9, "documents": 2, "words": 2, "crc32": expected}
