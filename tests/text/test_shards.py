"""A corpus made in parts on the disk is the same as one made in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo._runtime.files import read_tensors
from kerazoo.errors import KerazooError, VocabularyError
from kerazoo.text import EncodedCorpus, Vocabulary, corpus
from kerazoo.text.corpus import KIND
from kerazoo.text.encoding import Limits
from kerazoo.text.shards import ScanOptions, encode_units, encoding, plan, plan_units, work_folder_of
from tests.text.samples import PACKERS, random_text, same

WORDS = ["a", "b", "c", "é", "日本", "<unk>", "x" * 16, "y" * 17, "z" * 40, "a\x00", "new"]
lines = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
texts = st.builds(
    lambda rows, end, mark, ending: (mark + ending.join(rows) + end).encode(),
    st.lists(lines, max_size=8),
    st.sampled_from(["", "\n", "\n\n", " ", "\u3000"]),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["\n", "\r\n", "\n \n"]),
)
shards = st.lists(st.tuples(texts, st.sampled_from(sorted(PACKERS)), st.sampled_from([b"", b" \xff\xc3 "])), max_size=5)
vocabularies = st.sampled_from(
    [
        None,
        Vocabulary.from_counts({"a": 2, "new york": 1, "日本": 1, "n\n": 0}),
        Vocabulary.from_counts({"b": 3}, unk="c"),
    ]
)
options = st.builds(
    ScanOptions,
    errors=st.sampled_from(["strict", "replace", "ignore"]),
    most_types=st.integers(1, 12),
    most_bytes=st.sampled_from([1, 60, 1 << 20]),
    n_buckets=st.integers(1, 9),
    chunk=st.integers(1, 40),
    read_ahead=st.booleans(),
)


def outcome(make: Any) -> EncodedCorpus | tuple[type, str]:
    try:
        return make()
    except KerazooError as error:
        return type(error), str(error)


@settings(max_examples=60, deadline=None)
@given(
    shards=shards,
    options=options,
    unit_bytes=st.integers(8, 120),
    min_count=st.integers(1, 3),
    max_final_vocab=st.sampled_from([None, 1, 2, 4]),
    unk=st.sampled_from([None, "<unk>", "unseen"]),
    vocabulary=vocabularies,
    workers=st.integers(1, 3),
)
def test_the_same_corpus_as_in_memory(
    tmp_path_factory: pytest.TempPathFactory,
    shards: list[tuple[bytes, str, bytes]],
    options: ScanOptions,
    unit_bytes: int,
    min_count: int,
    max_final_vocab: int | None,
    unk: str | None,
    vocabulary: Vocabulary | None,
    workers: int,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    files = []
    for number, (text, suffix, garbage) in enumerate(shards):
        files.append(folder / f"{number}{suffix}")
        files[-1].write_bytes(PACKERS[suffix](text + garbage) if text else b"")
    limits: dict[str, Any] = {"min_count": min_count, "max_final_vocab": max_final_vocab, "unk": unk}
    if vocabulary is not None:
        limits |= {"max_final_vocab": None, "unk": None}
    limits["vocabulary"] = vocabulary
    target = folder / "corpus"

    def in_parts() -> EncodedCorpus:
        units = plan_units(files, unit_bytes)
        assert units is not None
        encode_units(units, target, Limits(**limits), kind=KIND, options=options, workers=workers)
        read_tensors(target, kind=KIND, mmap=False)  # compares the checksums
        return EncodedCorpus.load(target)

    if not files:
        return
    found = outcome(in_parts)
    expected = outcome(lambda: EncodedCorpus.from_source(files, errors=options.errors, **limits))
    if isinstance(expected, tuple):
        assert isinstance(found, tuple)
        assert found[0] is expected[0]
        if expected[0] is VocabularyError:
            assert found == expected
        return
    assert isinstance(found, EncodedCorpus), found
    assert same(found, expected)
    assert found.vocabulary.n_types == expected.vocabulary.n_types
    assert found.vocabulary.max_final_vocab == expected.vocabulary.max_final_vocab
    assert not work_folder_of(target).exists()


def test_what_a_unit_is(tmp_path: Path) -> None:
    sizes = {"a.txt": 10, "b.txt": 30, "c.txt": 25, "d.txt": 250, "e.txt.gz": 20, "f.txt": 0, "g.txt": 199}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    units = plan_units([tmp_path / name for name in sizes], 100)
    assert units is not None
    spans = [[(Path(piece.path).name, piece.begin, piece.end) for piece in unit.pieces] for unit in units]
    assert spans == [
        [("a.txt", 0, None), ("b.txt", 0, None), ("c.txt", 0, None)],
        [("d.txt", 0, 100)],
        [("d.txt", 100, None)],
        [("e.txt.gz", 0, None), ("f.txt", 0, None)],  # a compressed file counts four times
        [("g.txt", 0, None)],
    ]
    assert [unit.n_bytes for unit in units] == [65, 100, 150, 20, 199]
    assert len({unit.key for unit in units}) == len(units)
    assert plan_units([tmp_path / name for name in sizes], 100) == units
    assert plan_units([tmp_path / "a.txt", Path(os.devnull)]) is None


def test_large_texts_have_at_most_1024_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes(b"x " * 50_000)
    monkeypatch.setattr(plan, "UNIT_BYTES", 10)
    units = plan_units([tmp_path / "text"])
    assert units is not None
    assert 500 <= len(units) <= 1024


@pytest.mark.parametrize("name", ["text.txt", "text.txt.xz"])
def test_which_texts_are_encoded_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    used: list[int] = []

    def noted(units: Any, *arguments: Any, **options: Any) -> None:
        used.append(len(units))
        encode_units(units, *arguments, **options)

    monkeypatch.setattr(corpus, "encode_units", noted)
    file = tmp_path / name
    file.write_bytes(PACKERS[file.suffix if file.suffix == ".xz" else ""](random_text(400).encode()))
    expected = EncodedCorpus.from_source(file, min_count=2)
    assert same(EncodedCorpus.from_source(file, min_count=2, path=tmp_path / "one"), expected)
    assert not used  # a small text
    monkeypatch.setattr(plan, "UNIT_BYTES", 10_000)
    assert same(EncodedCorpus.from_source(file, min_count=2, path=tmp_path / "two"), expected)
    assert used == [1 if file.suffix == ".xz" else file.stat().st_size // 10_000]
    assert EncodedCorpus.from_source(file, min_count=2) is not None
    assert len(used) == 1  # without path= nothing is written


def test_a_file_that_is_named_twice_is_read_twice(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b", tmp_path / "a"]
    for file in files:
        file.write_text(f"one {file.name}\n" * 9)
    units = plan_units(files, 40)
    assert units is not None
    assert len(units) == 3
    encode_units(units, tmp_path / "corpus", Limits(1, None, None, None), kind=KIND, workers=2)
    assert same(EncodedCorpus.load(tmp_path / "corpus"), EncodedCorpus.from_source(files, min_count=1))


def test_a_word_longer_than_a_unit_and_words_of_any_white_space(tmp_path: Path) -> None:
    file = tmp_path / "text"
    text = "short " + "x" * 500 + "\u3000" + "y" * 300 + "\x1cz\nlast" + "\u2003" * 40
    file.write_text(text)
    for size in (40, 64, 333):
        units = plan_units([file], size)
        assert units is not None
        encode_units(units, tmp_path / "corpus", Limits(1, None, None, None), kind=KIND, workers=2)
        found = EncodedCorpus.load(tmp_path / "corpus")
        assert [found.decode(i) for i in range(len(found))] == [line.split() for line in text.split("\n")]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_the_progress_bar_reaches_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool) -> None:
    bars: dict[str, list[int]] = {}

    class Bar:
        def __init__(self, progress: bool | None, total: int, unit: str, title: str) -> None:
            self.done = bars.setdefault(title, [total])

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def update(self, n: int) -> None:
            self.done.append(n)

    monkeypatch.setattr(encoding, "progress_bar", Bar)
    for number, suffix in enumerate(("", ".gz", "", ".xz")):
        (tmp_path / f"{number}{suffix}").write_bytes(PACKERS[suffix](random_text(200, number).encode()))
    units = plan_units(sorted(tmp_path.iterdir()), 5000)
    assert units is not None
    runner: Any = (lambda function, arguments: (function(*each) for each in arguments)) if elsewhere else None
    options = ScanOptions(chunk=500)
    encode_units(units, tmp_path / "c", Limits(1, None, None, None), kind=KIND, options=options, run_tasks=runner)
    for total, *done in bars.values():
        assert sum(done) == total
    assert set(bars) == {"scan", "count", "write"}
    assert (len(bars["scan"]) > 3 * len(units)) is not elsewhere  # threads report chunks
