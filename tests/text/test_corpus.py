"""EncodedCorpus: the same result from every kind of source, its parts, its files, and bad input."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import CorpusError, CorpusNotFoundError, InvalidArgumentError, StorageError, VocabularyError
from kerazoo.text import EncodedCorpus, Vocabulary, encoding, readers

TEXT = "the cat sat\n\nthe mat\u3000the cat\r\nxyzzy\n \nthe cat plugh"
DOCUMENTS = [line.split() for line in TEXT.split("\n") if line.split()]


def reference(documents: list[list[str]], min_count: int) -> tuple[list[str], list[list[str]]]:
    counts = Counter(word for document in documents for word in document)
    words = sorted((word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word))
    known = set(words)
    return words, [[word for word in document if word in known] for document in documents]


def decoded(corpus: EncodedCorpus) -> list[list[str]]:
    return [corpus.decode(i) for i in range(len(corpus))]


def same(one: EncodedCorpus, two: EncodedCorpus) -> bool:
    return (
        one.vocabulary == two.vocabulary
        and np.array_equal(one.ids, two.ids)
        and np.array_equal(one.offsets, two.offsets)
        and np.array_equal(one.raw_offsets, two.raw_offsets)
        and one.n_empty_lines == two.n_empty_lines
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


def random_text(n_lines: int, seed: int = 1) -> str:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 60, n_lines)
    return "\n".join(" ".join(f"w{int(number)}" for number in rng.zipf(1.4, length) % 3000) for length in lengths)


# ---- sources ----


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


def test_token_lists_give_what_the_file_gives(file: Path) -> None:
    whole = EncodedCorpus.from_source(str(file), min_count=2)
    lists = [line.split() for line in TEXT.split("\n")]
    sources = [lists, tuple(lists), (line for line in lists), (tuple(line) for line in lists), map(iter, lists)]
    for source in sources:
        assert same(EncodedCorpus.from_source(source, min_count=2), whole)
    assert same(EncodedCorpus.from_source([np.array(line, dtype=str) for line in lists], min_count=2), whole)


def test_tokens_with_white_space_within_stay_whole() -> None:
    corpus = EncodedCorpus.from_source([["new york", "a\nb", "new york"]], min_count=1)
    assert corpus.decode(0) == ["new york", "a\nb", "new york"]


def test_an_encoded_corpus_comes_back_unchanged(file: Path) -> None:
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
    # What follows the last line end is a line only if there is something.
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


@pytest.mark.parametrize("suffix", ["", ".gz", ".GZ", ".bz2", ".xz", ".zst"])
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    data = (random_text(3000) + "\n").encode()
    path = tmp_path / f"text.txt{suffix}"
    half = data.index(b" ", len(data) // 2)
    pack = PACKERS[suffix.lower()]
    path.write_bytes(pack(data[:half]) + pack(data[half:]))  # two members, as `cat a.gz b.gz` makes
    corpus = EncodedCorpus.from_source(path, min_count=1)
    assert decoded(corpus) == [line.split() for line in data.decode().split("\n") if line.split()]


PACKERS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def test_several_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b one\nb two")  # without a line end: the next file is another line
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a one\n", mtime=0))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c").write_bytes(b"\xef\xbb\xbfc \xef\xbb\xbfone")  # a mark at the front only
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
        # spelt out in the text, and one of its most frequent words
        spelt = EncodedCorpus.from_source(source, min_count=1, max_final_vocab=2, unk="the")
        assert spelt.vocabulary.words == ["the", "cat", "mat"]
        assert np.bincount(spelt.ids).tolist() == spelt.vocabulary.counts.tolist() == [7, 3, 1]


def test_a_given_vocabulary_is_kept(file: Path) -> None:
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


def test_progress_is_shown_when_asked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EncodedCorpus.from_source(file, min_count=1)
    assert capsys.readouterr().err == ""
    EncodedCorpus.from_source(file, min_count=1, progress=True)
    assert "100%" in capsys.readouterr().err
    EncodedCorpus.from_source(DOCUMENTS, min_count=1, progress=True)
    assert "4.00documents" in capsys.readouterr().err


# ---- bad input ----


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (["the cat sat"], r"document 0 is the str 'the cat sat'; expected a list of tokens. Split it: \[doc.split\(\)"),
        (["a.txt", "b.txt"], r"for file names pass pathlib.Path"),
        ([["fine"], "the cat"], "document 1 is the str"),
        ([["fine"], None], "document 1 is None, of type NoneType"),
        ([["fine"], 3], "document 1 is 3, of type int"),
        ([["a", 3]], r"document 0, token 1 is 3, of type int; expected a str that is not empty. str\(token\)"),
        ([["a"], ["b", "c", b"d"]], r"document 1, token 2 is b'd', of type bytes; .*token.decode"),
        ([["a", None]], "document 0, token 1 is None, of type NoneType; .*missing values"),
        ([["a", ["b"]]], r"document 0, token 1 is \['b'\], of type list"),
        ([["a", float("nan")]], "document 0, token 1 is nan, of type float"),
        ([["a", ""]], r"document 0, token 1 is '', of type str; .*text.split\(\) returns no empty"),
        ([["a", "\ud800"]], "document 0, token 1 is '.ud800', which contains a lone surrogate"),
        (b"the cat", "the corpus is a bytes object"),
        (3, "the corpus is of type int"),
        (None, "the corpus is of type NoneType"),
        ([Path("a"), "b"], "the corpus is a list of paths, but its item 1 is of type str"),
        ([], "the corpus is empty: no word in 0 documents"),
        ([[], []], "the corpus is empty: no word in 2 documents"),
        (iter(()), "the corpus is empty"),
    ],
)
def test_bad_sources(source, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        EncodedCorpus.from_source(source, min_count=1)


def test_an_error_of_the_users_own_iterable_is_his() -> None:
    def documents():
        yield ["a"]
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        EncodedCorpus.from_source(documents(), min_count=1)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFoundError, match=r"no-such-file'*: no such file or directory. Check the path"):
        EncodedCorpus.from_source(tmp_path / "no-such-file")
    with pytest.raises(FileNotFoundError, match="no such file"):
        EncodedCorpus.from_source([tmp_path / "no-such-file"])
    with pytest.raises(
        CorpusNotFoundError, match=r"A str is taken as a path. For a text in memory pass lists of tokens"
    ):
        EncodedCorpus.from_source("the cat sat on the mat")
    with pytest.raises(CorpusNotFoundError, match="A str is taken as a path"):
        EncodedCorpus.from_source("the cat sat on the mat " * 1000)
    with pytest.raises(CorpusError, match="the directory has no files"):
        EncodedCorpus.from_source(tmp_path)


def test_unreadable_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:  # chmod does not stop root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(readers, "open", refuse, raising=False)
    with pytest.raises(CorpusError, match=r"cannot be opened \(Permission denied\). Check the permissions"):
        EncodedCorpus.from_source(file)


@pytest.mark.parametrize("text", ["", "\n\n", " \t\u3000\n"])
def test_empty_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.txt"
    path.write_text(text)
    with pytest.raises(CorpusError, match=r"the corpus is empty: no word in 1 file\(s\), the first is '.*empty.txt'"):
        EncodedCorpus.from_source(path)


def test_min_count_too_high(file: Path) -> None:
    for source in (file, DOCUMENTS):
        with pytest.raises(VocabularyError, match=r"min_count=9 keeps none of the 6 words.*min_count=4 would keep 1"):
            EncodedCorpus.from_source(source, min_count=9)


@pytest.mark.parametrize("cut", [12, 0.5, -1, -9])
@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_truncated_compressed_file(tmp_path: Path, suffix: str, cut: float) -> None:
    data = PACKERS[suffix](random_text(500).encode())
    end = int(len(data) * cut) if isinstance(cut, float) else cut
    path = tmp_path / f"short{suffix}"
    path.write_bytes(data[:end])
    with pytest.raises(CorpusError, match=rf"short{suffix}: the compressed file is damaged or truncated \(.*again"):
        EncodedCorpus.from_source(path, min_count=1)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_compressed_file_of_another_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"none{suffix}"
    path.write_text("plain text " * 100)
    with pytest.raises(CorpusError, match="the compressed file is damaged or truncated"):
        EncodedCorpus.from_source(path, min_count=1)


@pytest.mark.parametrize("chunk", [32, 1 << 20])
def test_bytes_that_are_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(encoding, "CHUNK", chunk)
    data = b"\xef\xbb\xbf" + b"good words\n" * 30 + b"caf\xe9 au lait \xff\n" + b"good words\n" * 30
    position = data.index(b"\xe9")
    for path in (tmp_path / "latin.txt", tmp_path / "latin.txt.gz"):
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        with pytest.raises(
            CorpusError, match=rf"{path.name}: byte 0xe9 at position {position} of the text is not UTF-8.*replace"
        ):
            EncodedCorpus.from_source(path, min_count=1)
        for errors in ("replace", "ignore"):
            corpus = EncodedCorpus.from_source(path, min_count=1, errors=errors)
            lines = data.decode("utf-8-sig", errors).splitlines()
            assert decoded(corpus) == [line.split() for line in lines]
    with pytest.raises(InvalidArgumentError, match=r"errors='replac'; expected one of .*Did you mean 'replace'"):
        EncodedCorpus.from_source(path, errors="replac")


@pytest.mark.parametrize(
    ("data", "guess"),
    [("text".encode("utf-16"), "UTF-16"), (gzip.compress(b"text", mtime=0), "give the file the suffix .gz")],
)
def test_a_guess_at_what_the_file_is(tmp_path: Path, data: bytes, guess: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=f"not UTF-8. It looks like .*{guess}"):
        EncodedCorpus.from_source(path)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_a_long_scan(tmp_path: Path) -> None:
    path = tmp_path / "endless.fifo"
    os.mkfifo(path)  # never ends: only the interrupt can stop the scan
    code = (
        # A job that a shell put into the background is born with SIGINT ignored, and hands that on to its children.
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from kerazoo.text import EncodedCorpus\nprint('go', flush=True)\n"
        "try:\n    EncodedCorpus.from_source(sys.argv[1], workers=2)\n"
        "except KeyboardInterrupt:\n    print('stopped', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"

        def feed() -> None:
            with open(path, "wb", buffering=0) as pipe:
                try:
                    while True:
                        pipe.write(b"some words without an end " * 1000)
                except BrokenPipeError:
                    pass

        feeder = threading.Thread(target=feed)
        feeder.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        assert process.stdout.readline() == "stopped\n"
        assert time.monotonic() - asked < 2
        feeder.join(5)


# ---- parts ----


@pytest.fixture
def corpus() -> EncodedCorpus:
    rng = np.random.default_rng(5)
    documents = [[f"w{i}" for i in rng.integers(0, 9, n)] for n in (3, 1, 8, 2, 40, 1, 1, 5, 7, 6)]
    return EncodedCorpus.from_source(documents, min_count=8)


def test_documents_and_slices_are_views(corpus: EncodedCorpus) -> None:
    whole = decoded(corpus)
    assert [corpus.vocabulary.decode(ids) for ids in corpus] == whole
    assert corpus[-1].tolist() == corpus[9].tolist()
    assert np.shares_memory(corpus[4], corpus.ids)
    for begin, end in [(0, 10), (2, 5), (4, 4), (7, 3), (-3, None), (None, 2), (10, 10)]:
        part = corpus[begin:end]
        assert isinstance(part, EncodedCorpus)
        assert decoded(part) == whole[begin:end]
        assert part.offsets[0] == 0
        assert part.n_tokens == sum(map(len, whole[begin:end]))
        assert part.vocabulary is corpus.vocabulary
        assert not part.n_tokens or np.shares_memory(part.ids, corpus.ids)
    assert corpus.n_dropped > 0
    assert sum(corpus[i : i + 1].n_raw_words for i in range(10)) == corpus.n_raw_words == 74
    assert sum(corpus[i : i + 3].n_dropped for i in range(0, 10, 3)) == corpus.n_dropped


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 25])
def test_shards_are_all_documents_in_order(corpus: EncodedCorpus, n: int) -> None:
    shards = [corpus.shard(n, i) for i in range(n)]
    assert [document for shard in shards for document in decoded(shard)] == decoded(corpus)
    longest = max(len(document) for document in corpus)
    assert max(abs(shard.n_tokens - corpus.n_tokens / n) for shard in shards) <= longest


def test_shards_of_even_documents_are_even() -> None:
    corpus = EncodedCorpus.from_source([["a", "b"]] * 1000, min_count=1)
    assert [corpus.shard(4, i).n_tokens for i in range(4)] == [500] * 4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: c[::2], InvalidArgumentError, "step 2; expected step 1"),
        (lambda c: c["a"], InvalidArgumentError, "index of a document is of type str; expected"),
        (lambda c: c[10], IndexError, "document 10 of 10"),
        (lambda c: c[-11], IndexError, "document -11 of 10"),
        (lambda c: c.shard(0, 0), InvalidArgumentError, "n=0; expected"),
        (lambda c: c.shard(2, 2), InvalidArgumentError, "i=2; expected an integer from 0 to 1"),
        (lambda c: EncodedCorpus(), TypeError, "Use from_source"),
    ],
)
def test_bad_parts(corpus: EncodedCorpus, call, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(corpus)


def test_from_ids() -> None:
    vocabulary = Vocabulary.from_counts({"a": 3, "b": 2})
    ids = np.array([0, 1, 1, 0, 0], np.int32)
    corpus = EncodedCorpus.from_ids(ids, np.array([0, 2, 2, 5]), vocabulary)
    assert decoded(corpus) == [["a", "b"], [], ["b", "a", "a"]]
    assert np.shares_memory(corpus.ids, ids)
    assert (corpus.n_raw_words, corpus.n_dropped) == (5, 0)
    for dtype in (np.uint8, np.int16, np.int64, np.uint64):
        assert EncodedCorpus.from_ids(ids.astype(dtype), [0, 5], vocabulary).ids.dtype == np.int32
    empty = EncodedCorpus.from_ids([], [0], vocabulary)
    assert (len(empty), empty.n_tokens) == (0, 0)


@pytest.mark.parametrize(
    ("ids", "offsets", "message"),
    [
        ([0, 1, 2], [0, 3], r"ids\[2\] is 2; expected 0 to 1, since the vocabulary has 2 words"),
        (np.array([0, -1], np.int32), [0, 2], r"ids\[1\] is -1"),
        ([0, 2**32], [0, 2], rf"ids\[1\] is {2**32}"),
        ([0, 1], [0, 2, 1, 2], r"offsets\[2\] is 1, less than offsets\[1\], 2;"),
        ([0, 1], [1, 2], "offsets go from 1 to 2; expected from 0 to the number of ids, 2"),
        ([0, 1], [0, 3], "offsets go from 0 to 3"),
        ([0, 1], [], "offsets go from nothing"),
        ([0.0, 1.0], [0, 2], "ids has dtype float64"),
        ([[0, 1]], [0, 2], r"ids has dtype int64 and shape \(1, 2\)"),
        ([0, 1], [0.0, 2.0], "offsets has dtype float64"),
    ],
)
def test_from_ids_checks(ids, offsets, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        EncodedCorpus.from_ids(ids, offsets, Vocabulary.from_counts({"a": 3, "b": 2}))
    with pytest.raises(InvalidArgumentError, match="vocabulary is of type list"):
        EncodedCorpus.from_ids([0], [0, 1], ["a"])


# ---- files ----


@pytest.mark.parametrize("mmap", [True, False])
def test_save_and_load(corpus: EncodedCorpus, tmp_path: Path, mmap: bool) -> None:
    path = tmp_path / "saved.kerazoo"
    for part in (corpus, corpus[3:7]):
        part.save(path)
        loaded = EncodedCorpus.load(path, mmap=mmap)
        assert same(loaded, part)
        assert loaded.ids.flags.writeable is not mmap
    assert [item.name for item in tmp_path.iterdir()] == ["saved.kerazoo"]


def test_written_while_encoding(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "corpus.kerazoo"
    for source in (file, DOCUMENTS):
        kept = EncodedCorpus.from_source(source, min_count=2)
        mapped = EncodedCorpus.from_source(source, min_count=2, path=target)
        assert same(mapped, kept)
        assert not mapped.ids.flags.writeable
        assert same(EncodedCorpus.load(target, mmap=False), kept)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["corpus.kerazoo", "text.txt"]
    with pytest.raises(StorageError, match="The folder must exist"):
        EncodedCorpus.from_source(file, min_count=2, path=tmp_path / "none" / "corpus")


def test_a_file_cut_short(corpus: EncodedCorpus, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    corpus.save(path)
    data = path.read_bytes()
    for end in (0, 7, 8, 100, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(StorageError, match=r"saved: damaged or not a file of kerazoo.*again"):
            EncodedCorpus.load(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("ids", lambda a: a + 1, r"ids\[\d+\] is \d+; expected 0 to"),
        ("ids", lambda a: a.astype(np.int64), "wrong dtypes"),
        ("offsets", lambda a: a[::-1].copy(), "offsets"),
        ("raw_offsets", lambda a: a[:-1], "wrong shapes"),
        ("raw_offsets", lambda a: a // 2, "raw offsets"),
        ("vocabulary.counts", lambda a: a[::-1].copy(), "must not increase"),
        ("vocabulary.utf8", lambda a: a[:-1], "do not match their text"),
        ("vocabulary.utf8", lambda a: a | 0x80, "utf-8"),
        ("ids", None, "'ids'"),
    ],
)
def test_a_file_with_wrong_contents(corpus: EncodedCorpus, tmp_path: Path, name: str, change, message: str) -> None:
    path = tmp_path / "saved"
    corpus.save(path)
    arrays, metadata = read_tensors(path, kind="kerazoo.corpus", mmap=False)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    write_tensors(path, arrays, metadata, kind="kerazoo.corpus")
    with pytest.raises(StorageError, match=message):
        EncodedCorpus.load(path)


def test_import_is_light() -> None:
    code = (
        "import sys, kerazoo.text, kerazoo._runtime.files, kerazoo.datasets\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'gensim', 'pandas', 'matplotlib', 'scipy', 'pooch', 'tqdm'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("unk", [None, "<unk>"])
def test_with_another_vocabulary_the_documents_stay(unk):
    documents = [["a", "b", "x"], [], ["x"], ["b", "a", "b"]]
    corpus = EncodedCorpus.from_source(documents, min_count=1)
    other = Vocabulary.from_counts({"b": 5, "q": 4, "a": 3}, unk=unk)
    changed = corpus.with_vocabulary(other)
    kept = [[word for word in document if word in other or unk] for document in documents if document]
    assert [changed.decode(i) for i in range(len(changed))] == [
        [word if word in other else unk for word in document] for document in kept
    ]
    assert (changed.n_documents, changed.n_raw_words) == (corpus.n_documents, corpus.n_raw_words)
    assert changed.n_dropped == (0 if unk else 2)
    with pytest.raises(InvalidArgumentError, match="expected a Vocabulary"):
        corpus.with_vocabulary({"a": 1})
