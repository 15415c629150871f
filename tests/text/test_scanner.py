"""The scanner kernel against its Python reference, and against str.split()."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kerazoo_ext._scan import PADDING, InvalidUtf8Error, Scanner, compact, first_outside, instruction_sets, move
from tests.references import scan as reference

pytestmark = pytest.mark.kernels

# Every character that str.split() treats as white space, and some that look like it but are not.
SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
NO_SPACES = ["\x00", "\x08", "\x0e", "\x1b", "\x21", "\x7f", "\u0084", "\u0086", "\u180e", "\u200b", "\u2060", "\ufeff"]
WORDS = [
    "a",
    "b",
    "é",
    "ß",
    "日本",
    "🙂",
    "x" * 7,
    "y" * 8,
    "z" * 9,
    "w" * 15,
    "v" * 16,
    "u" * 17,
    "t" * 33,
    "\x00",
    "a\x00",
]
texts = st.lists(
    st.one_of(
        st.sampled_from(SPACES), st.sampled_from(NO_SPACES), st.sampled_from(WORDS), st.just("\n"), st.text(max_size=4)
    ),
    max_size=80,
).map(lambda parts: "".join(parts).encode("utf-8", "ignore").decode())


def padded(text: bytes, fill: int = 0x20) -> np.ndarray:
    """The text followed by padding, which must never influence the result."""
    return np.frombuffer(text + bytes([fill]) * PADDING, np.uint8)


def scan(scanner: Scanner, text: bytes, fill: int = 0x20) -> tuple[list[int], list[int]]:
    ids, line_ends = scanner.scan(padded(text, fill), len(text))
    assert ids.dtype == line_ends.dtype == np.int32
    return ids.tolist(), line_ends.tolist()


def test_the_samples_include_white_space_beyond_ascii() -> None:
    assert {"\x85", "\xa0", "\u1680", "\u2003", "\u3000", "\x1c", "\x1f"} <= set(SPACES)
    assert not any(text.isspace() for text in NO_SPACES)


@settings(max_examples=400, deadline=None)
@given(texts, st.sampled_from([0x00, 0x0A, 0x20, 0x41, 0x80, 0xE2, 0xFF]))
@example("", 0x41)
@example("a" * 64, 0x41)
@example("a" * 63 + "\u3000" + "b", 0x41)
@example("a" * 62 + "\u00a0" + "b\n\n", 0x0A)
def test_equals_the_reference(text: str, fill: int) -> None:
    table, counts = {}, Counter()
    data = text.encode("utf-8")
    expected = [reference.scan(data, table, counts) for _ in range(2)]  # the second time with the words known
    for instruction_set in instruction_sets():
        scanner = Scanner((11, 22), instruction_set)
        assert [scan(scanner, data, fill) for _ in range(2)] == expected, instruction_set
    assert len(scanner) == len(table)
    assert scanner.tally().tolist() == [counts[word] for word in table]
    for min_count in (1, 3):
        words, ranked_counts, ids = scanner.rank(min_count)
        assert list(zip(words, ranked_counts.tolist(), strict=True)) == reference.rank(counts, min_count)
        assert [table[word] for word in words] == ids.tolist()


@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_blocks_of_many_and_of_few_words(instruction_set: str) -> None:
    """More words than are looked up at a time, a word in every second byte, and words longer than a block."""
    rng = np.random.default_rng(3)
    lengths = np.concatenate([np.ones(3000, int), rng.integers(1, 40, 3000), rng.integers(60, 200, 50)])
    words = ["".join(map(chr, rng.integers(97, 103, length))) for length in lengths.tolist()]
    table, counts = {}, Counter()
    data = " ".join(words).encode()
    scanner = Scanner((1, 2), instruction_set)
    assert scan(scanner, data) == reference.scan(data, table, counts)
    assert scanner.tally().tolist() == [counts[word] for word in table]


def test_an_instruction_set_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="instruction_set='mmx'"):
        Scanner((0, 0), "mmx")


def test_ranks_of_frequent_words() -> None:
    """Beyond 4096 the counts differ within a bucket of the sort."""
    tallies = {"e": 4095, "d": 4096, "c": 4096, "b": 4097, "a": 9000, "f": 4095, "g": 1, "a\x00": 9000}
    scanner = Scanner()
    scan(scanner, " ".join(word for word, count in tallies.items() for _ in range(count)).encode())
    words, counts, _ = scanner.rank()
    assert list(zip(words, counts.tolist(), strict=True)) == reference.rank(Counter(tallies), 1)
    assert scanner.rank(4096, 2)[0] == words[:2]


def test_words_of_a_rank_before_more_text() -> None:
    scanner = Scanner()
    scan(scanner, b"a b")
    ranked = scanner.ranked()
    assert ranked.words() == ["a", "b"]
    scan(scanner, b"c")
    with pytest.raises(ValueError, match="more words"):
        ranked.words()


def test_encode_takes_what_was_counted() -> None:
    scanner, text, other = Scanner(), padded(b"a b\nc\n"), padded(b"a b\nc\n")
    sizes = scanner.count(text, 6)
    assert sizes == (3, 2)
    ids, ends = np.empty(3, np.int32), np.empty(2, np.int32)
    for wrong in [(other, 6, ids, ends), (text, 5, ids, ends), (text, 6, ids[:2], ends), (text, 6, ids, ends[:1])]:
        with pytest.raises(ValueError, match=r"count was called|expected room"):
            scanner.encode(*wrong)
    scanner.encode(text, 6, ids, ends)
    assert (ids.tolist(), ends.tolist()) == ([0, 1, 2], [2, 3])
    with pytest.raises(ValueError, match="count was called"):
        scanner.encode(text, 6, ids, ends)


@pytest.mark.parametrize(("begin", "end", "to"), [(2, 6, 0), (0, 4, 3), (3, 3, 7), (1, 7, 1), (0, 0, 0)])
def test_move(begin: int, end: int, to: int) -> None:
    ids = np.arange(7, dtype=np.int32)
    expected = ids.copy()
    expected[to : to + end - begin] = np.arange(begin, end)
    move(ids, begin, end, to)
    assert ids.tolist() == expected.tolist()


@pytest.mark.parametrize(("begin", "end", "to"), [(-1, 2, 0), (3, 2, 0), (0, 8, 0), (0, 4, 4), (0, 4, -1)])
def test_move_refuses_what_is_outside(begin: int, end: int, to: int) -> None:
    with pytest.raises(ValueError, match="do not fit 7 ids"):
        move(np.zeros(7, np.int32), begin, end, to)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_words_are_those_of_split(text: str) -> None:
    scanner = Scanner()
    ids, ends = scan(scanner, text.encode("utf-8"))
    words, _, order = scanner.rank()
    by_id = dict(zip(order.tolist(), words, strict=True))
    lines = text.split("\n")
    borders = [0, *ends, len(ids)]
    assert [[by_id[i] for i in ids[a:b]] for a, b in pairwise(borders)] == [line.split() for line in lines]


@pytest.mark.parametrize("space", SPACES, ids=lambda character: f"U+{ord(character):04X}")
def test_each_white_space_at_each_position_of_a_block(space: str) -> None:
    for lead in range(58, 70):
        text = ("x" * lead + space + "yy" + space).encode()
        scanner = Scanner()
        ids, _ = scan(scanner, text)
        assert ids == [0, 1], lead
        assert scanner.rank()[0] == sorted(["x" * lead, "yy"])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=5), st.just(b"abc "), st.just("é日🙂".encode())), max_size=30).map(b"".join)
)
@example(b"\xed\xa0\x80")
@example(b"a" * 63 + b"\xc2")
@example(b"\xf4\x90\x80\x80")
@example(b"\xe0\x80\x80")
@example(b"\xc0\x80")
@example(b"a" * 62 + b"\xe2\x80")
def test_reports_the_same_invalid_byte_as_python(data: bytes) -> None:
    try:
        data.decode("utf-8")
        expected = None
    except UnicodeDecodeError as error:
        expected = error.start
    found = None
    scanner = Scanner()
    try:
        scan(scanner, data, fill=0x80)
    except InvalidUtf8Error as error:
        found = error.position
        assert len(scanner) == 0  # nothing was counted
    assert found == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=60), st.lists(st.sampled_from(WORDS), max_size=60))
def test_absorb_merges_words_and_counts(left: list[str], right: list[str]) -> None:
    one, two = Scanner((5, 6)), Scanner((5, 6))
    scan(one, " ".join(left).encode())
    scan(two, " ".join(right).encode())
    words_of_two, _, ids_of_two = two.rank()
    merged_ids = one.absorb(two)
    words, counts, ids = one.rank()
    assert dict(zip(words, counts.tolist(), strict=True)) == Counter(left) + Counter(right)
    by_id = dict(zip(ids.tolist(), words, strict=True))
    assert [by_id[i] for i in merged_ids[ids_of_two].tolist()] == words_of_two


@given(
    st.lists(st.one_of(st.sampled_from(WORDS), st.from_regex(r"[a-d]{1,40}", fullmatch=True)), max_size=60),
    st.integers(1, 9),
    st.integers(0, 2**64 - 1),
)
def test_export_equals_the_reference(words: list[str], n_buckets: int, seed: int) -> None:
    scanner = Scanner((seed, 5))
    scan(scanner, " ".join(words).encode())
    text, order, word_begins, byte_begins = scanner.export(n_buckets)
    assert (text.dtype, order.dtype, word_begins.dtype, byte_begins.dtype) == (np.uint8, np.int32, np.int64, np.int64)
    distinct = list(dict.fromkeys(words))
    buckets = reference.export(distinct, n_buckets)
    assert order.tolist() == [number for bucket in buckets for number in bucket]
    assert np.diff(word_begins).tolist() == [len(bucket) for bucket in buckets]
    for bucket, (begin, end) in zip(buckets, pairwise(byte_begins.tolist()), strict=True):
        assert text[begin:end].tobytes().decode() == "".join(f"{distinct[number]}\n" for number in bucket)
    assert byte_begins[-1] == len(text)
    assert scanner.long_bytes == sum(len(word.encode()) for word in distinct if len(word.encode()) > 16)


@pytest.mark.parametrize("n_buckets", [0, -1, (1 << 20) + 1])
def test_export_refuses_other_numbers_of_buckets(n_buckets: int) -> None:
    with pytest.raises(ValueError, match="n_buckets"):
        Scanner().export(n_buckets)


def test_buckets_are_about_equally_full() -> None:
    scanner = Scanner()
    scan(scanner, " ".join(f"w{number}" for number in range(20_000)).encode())
    sizes = np.diff(scanner.export(16)[2])
    assert sizes.sum() == 20_000
    assert sizes.min() > 1250 * 0.85
    assert sizes.max() < 1250 * 1.15


def test_many_words_grow_the_table_with_any_seed() -> None:
    words = [f"{'w' * (number % 30)}{number}" for number in range(30_000)]
    rng = np.random.default_rng(3)
    text = " ".join(words[i] for i in rng.integers(0, len(words), 100_000)).encode()
    expected = reference.scan(text, {}, Counter())
    for seed in [(0, 0), (2**64 - 1, 12345)]:
        assert scan(Scanner(seed), text) == expected


def test_refuses_a_buffer_without_padding() -> None:
    with pytest.raises(ValueError, match="needs 64 bytes of padding"):
        Scanner().scan(bytes(10), 10)
    with pytest.raises(ValueError, match="padding"):
        Scanner().scan(bytes(100), -1)
    with pytest.raises(ValueError, match="same seed"):
        Scanner((1, 2)).absorb(Scanner((1, 3)))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=50), st.lists(st.integers(-1, 9), min_size=7, max_size=7), st.data())
def test_compact_equals_the_reference(ids: list[int], mapping: list[int], data: st.DataObject) -> None:
    ends = sorted(data.draw(st.lists(st.integers(0, len(ids)), max_size=8)))
    own, own_ends = np.array(ids, np.int32), np.array(ends, np.int32)
    kept = compact(own, np.array(mapping, np.int32), own_ends)
    expected, expected_ends = reference.compact(ids, mapping, ends)
    assert own[:kept].tolist() == expected
    assert own_ends.tolist() == expected_ends


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 10_000])
def test_first_outside(size: int) -> None:
    ids = np.arange(size, dtype=np.int32) % 7
    assert first_outside(ids, 7) == -1
    for first in {0, size // 2, size - 1} if size else set():
        for value in (-1, 7):
            wrong = ids.copy()
            wrong[first:] = value
            assert first_outside(wrong, 7) == first
