"""Sources of an EncodedCorpus: every kind gives the same result."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.errors import CorpusError, InvalidArgumentError
from kerazoo.text import EncodedCorpus, Vocabulary, encoding, file_scan, readers
from tests.text.samples import DOCUMENTS, PACKERS, TEXT, decoded, random_text, reference, same


def test_a_text_file(file: Path) -> None:
    corpus = EncodedCorpus.from_source(file, min_count=2)
    words, documents = reference(DOCUMENTS, 2)
    assert corpus.vocabulary.words == words == ["the", "cat"]
    assert decoded(corpus) == documents == [["the", "cat"], ["the", "the", "cat"], [], ["the", "cat"]]
    assert corpus.ids.dtype == np.int32
    assert corpus.offsets.dtype == np.int64
    assert corpus.offsets.tolist() == [0, 2, 5, 5, 7]
    assert corpus.raw_offsets.tolist() == [0, 3, 7, 8, 11]
    assert (corpus.n_tokens, corpus.n_documents, len(corpus)) == (7, 4, 4)
    assert (corpus.n_raw_words, corpus.n_dropped, corpus.n_empty_lines) == (11, 4, 2)
    assert (corpus.vocabulary.total, corpus.vocabulary.n_dropped_words) == (11, 4)
    assert repr(corpus) == "EncodedCorpus(4 documents, 7 tokens of 11 raw words, 2 words in the vocabulary)"


def test_token_lists_and_the_file_have_the_same_result(file: Path) -> None:
    whole = EncodedCorpus.from_source(str(file), min_count=2)
    lists = [line.split() for line in TEXT.split("\n")]
    sources = [lists, tuple(lists), (line for line in lists), (tuple(line) for line in lists), map(iter, lists)]
    for source in sources:
        assert same(EncodedCorpus.from_source(source, min_count=2), whole)
    assert same(EncodedCorpus.from_source([np.array(line, dtype=str) for line in lists], min_count=2), whole)


def test_tokens_that_contain_white_space_are_not_split() -> None:
    corpus = EncodedCorpus.from_source([["new york", "a\nb", "new york"]], min_count=1)
    assert corpus.decode(0) == ["new york", "a\nb", "new york"]


def test_an_encoded_corpus_is_returned_unchanged(file: Path) -> None:
    corpus = EncodedCorpus.from_source(file, min_count=1)
    assert EncodedCorpus.from_source(corpus) is corpus
    other = Vocabulary.from_counts({"a": 1})
    with pytest.raises(InvalidArgumentError, match="vocabulary differs"):
        EncodedCorpus.from_source(corpus, vocabulary=other)


@pytest.mark.parametrize("errors", ["strict", "replace"])
@pytest.mark.parametrize("chunk", [16, 100, 1 << 12, 1 << 20])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_neither_workers_nor_chunks_change_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, chunk: int, errors: str
) -> None:
    text = random_text(400 if chunk > 16 else 60)
    text += "\n" + "long" * 500 + " word\u2003é日🙂\n"
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    monkeypatch.setattr(encoding, "CHUNK", chunk)
    corpus = EncodedCorpus.from_source(path, min_count=2, workers=workers, errors=errors)
    lists = [line.split() for line in text.removesuffix("\n").split("\n")]
    words, documents = reference([line for line in lists if line], 2)
    assert corpus.vocabulary.words == words
    assert decoded(corpus) == documents
    assert same(EncodedCorpus.from_source(lists, min_count=2), corpus)
    assert same(EncodedCorpus.from_source(path, min_count=2, workers=workers, path=tmp_path / "on.disk"), corpus)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab \n\r\u3000é\x00\x1c", max_size=60), st.integers(1, 3))
def test_any_text_at_any_chunk_size(tmp_path_factory: pytest.TempPathFactory, text: str, chunk: int) -> None:
    path = tmp_path_factory.mktemp("any") / "text"
    path.write_bytes(text.encode())
    lists = [line.split() for line in text.split("\n")]
    usual, encoding.CHUNK = encoding.CHUNK, chunk
    try:
        if not any(lists):
            with pytest.raises(CorpusError, match="the corpus is empty"):
                EncodedCorpus.from_source(path, min_count=1)
            return
        corpus = EncodedCorpus.from_source(path, min_count=1, workers=2)
    finally:
        encoding.CHUNK = usual
    assert decoded(corpus) == [line for line in lists if line]
    # The text after the last line end is a line only if it is not empty.
    assert corpus.n_empty_lines == sum(not line for line in lists[:-1]) + (bool(text.split("\n")[-1]) and not lists[-1])


def test_one_endless_line_is_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 1 << 12)
    words = random_text(2000).split()
    assert len(words) > 30_000
    path = tmp_path / "endless"
    path.write_text(" ".join(words))
    corpus = EncodedCorpus.from_source(path, min_count=1, workers=2)
    assert len(corpus) == 1
    assert corpus.decode(0) == words


@pytest.mark.parametrize("isal", [True, False])
def test_gz_files_are_read_by_isal_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isal: bool
) -> None:
    if not isal:
        monkeypatch.setitem(sys.modules, "isal", None)
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"a b\n") + gzip.compress(b"") + gzip.compress(b"c\n") + bytes(9))
    with readers.open_text(path) as (stream, _):
        assert (type(stream._stream).__module__ == "isal.igzip") is isal
        assert stream.read() == b"a b\nc\n"


@pytest.mark.parametrize("words_first", [["long" * 20], ["a"]], ids=["few", "many"])
@pytest.mark.parametrize("min_count", [1, 2, 900])
def test_the_expected_number_of_words_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words_first: list[str], min_count: int
) -> None:
    """The first chunk has fewer, or more, words than the others: memory is then reserved for too few, or too many."""
    monkeypatch.setattr(encoding, "CHUNK", 1 << 10)
    monkeypatch.setattr(file_scan, "_LEAST_ROOM", 64)
    lines = [" ".join(words_first * 30)] * 2 + random_text(300).split("\n")
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines))
    found = [EncodedCorpus.from_source(path, min_count=min_count, workers=workers) for workers in (1, 3)]
    expected = EncodedCorpus.from_source([line.split() for line in lines], min_count=min_count)
    for corpus in found:
        assert corpus.vocabulary == expected.vocabulary
        assert decoded(corpus) == decoded(expected)
        assert np.array_equal(corpus.raw_offsets, expected.raw_offsets)
        if corpus.n_dropped > 0.5 * corpus.n_raw_words:
            assert corpus.ids.base is None  # without the memory of what was dropped


@pytest.mark.parametrize("suffix", ["", ".gz", ".gz without isal", ".GZ", ".bz2", ".xz", ".zst"])
def test_compressed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    if suffix.endswith("isal"):
        monkeypatch.setitem(sys.modules, "isal", None)
        suffix = ".gz"
    data = (random_text(3000) + "\n").encode()
    path = tmp_path / f"text.txt{suffix}"
    half = data.index(b" ", len(data) // 2)
    pack = PACKERS[suffix.lower()]
    path.write_bytes(pack(data[:half]) + pack(data[half:]))  # two members, as `cat a.gz b.gz` makes
    corpus = EncodedCorpus.from_source(path, min_count=1)
    assert decoded(corpus) == [line.split() for line in data.decode().split("\n") if line.split()]


def test_several_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b one\nb two")  # without a line end: the next file still starts a new line
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a one\n", mtime=0))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c").write_bytes(b"\xef\xbb\xbfc \xef\xbb\xbfone")  # only the first is a byte order mark
    (tmp_path / "empty").write_text("")
    (tmp_path / ".hidden").write_text("hidden")
    (tmp_path / ".folder").mkdir()
    (tmp_path / ".folder" / "d").write_text("hidden")
    corpus = EncodedCorpus.from_source(tmp_path, min_count=1)
    assert decoded(corpus) == [["a", "one"], ["b", "one"], ["b", "two"], ["c", "\ufeffone"]]
    chosen = EncodedCorpus.from_source([tmp_path / "b.txt", tmp_path / "a.txt.gz"], min_count=1)
    assert decoded(chosen) == [["b", "one"], ["b", "two"], ["a", "one"]]


def test_limits_and_unk_are_applied(file: Path) -> None:
    for source in (file, DOCUMENTS):
        corpus = EncodedCorpus.from_source(source, min_count=1, max_final_vocab=2, unk="<unk>")
        assert corpus.vocabulary.words == ["<unk>", "the", "cat"]
        assert corpus.decode(1) == ["the", "<unk>", "the", "cat"]
        assert corpus.n_dropped == 0
        assert np.bincount(corpus.ids).tolist() == corpus.vocabulary.counts.tolist()
        # `unk` occurs in the text, and is one of its most frequent words
        spelled = EncodedCorpus.from_source(source, min_count=1, max_final_vocab=2, unk="the")
        assert spelled.vocabulary.words == ["the", "cat", "mat"]
        assert np.bincount(spelled.ids).tolist() == spelled.vocabulary.counts.tolist() == [7, 3, 1]


def test_a_given_vocabulary_is_used(file: Path) -> None:
    vocabulary = Vocabulary.from_counts({"cat": 5, "mat": 2, "dog": 1})
    with_unk = Vocabulary.from_counts({"cat": 5, "mat": 2, "dog": 1}, unk="?")
    for source in (file, DOCUMENTS):
        corpus = EncodedCorpus.from_source(source, vocabulary=vocabulary)
        assert corpus.vocabulary is vocabulary
        assert decoded(corpus) == [["cat"], ["mat", "cat"], [], ["cat"]]
        assert (corpus.n_raw_words, corpus.n_dropped) == (11, 7)
        assert EncodedCorpus.from_source(source, vocabulary=with_unk).decode(0) == ["?", "cat", "?"]
    with pytest.raises(InvalidArgumentError, match="a given vocabulary is already final"):
        EncodedCorpus.from_source(file, vocabulary=vocabulary, unk="?")
    with pytest.raises(InvalidArgumentError, match="vocabulary is of type list"):
        EncodedCorpus.from_source(file, vocabulary=["a"])


def test_progress_is_shown_on_request(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EncodedCorpus.from_source(file, min_count=1)
    assert capsys.readouterr().err == ""
    EncodedCorpus.from_source(file, min_count=1, progress=True)
    assert "100%" in capsys.readouterr().err
    EncodedCorpus.from_source(DOCUMENTS, min_count=1, progress=True)
    assert "4.00documents" in capsys.readouterr().err
