"""A corpus made in parts on the disk is the same as one made in memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo._runtime.files import read_tensors
from kerazoo.errors import KerazooError, VocabularyError
from kerazoo.text import EncodedCorpus, Vocabulary
from kerazoo.text.corpus import KIND
from kerazoo.text.encoding import Limits
from kerazoo.text.shards import ScanOptions, encode_units, plan_units, work_folder_of
from tests.text.samples import PACKERS, same

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
)


def outcome(make: Any) -> EncodedCorpus | tuple[type, str]:
    try:
        return make()
    except KerazooError as error:
        return type(error), str(error)


@settings(max_examples=120, deadline=None)
@given(
    shards=shards,
    options=options,
    unit_bytes=st.integers(1, 120),
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
