"""EncodedCorpus: documents, slices, shards, and files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.text import EncodedCorpus, Vocabulary
from tests.text.samples import DOCUMENTS, decoded, same


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


def test_a_corpus_written_while_encoding(file: Path, tmp_path: Path) -> None:
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


def test_a_truncated_file(corpus: EncodedCorpus, tmp_path: Path) -> None:
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
def test_another_vocabulary_keeps_the_documents(unk):
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
