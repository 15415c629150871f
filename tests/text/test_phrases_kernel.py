"""The kernels of phrases against their Python reference."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kerazoo_ext._phrases import PairTable, Runs, join
from tests.references import phrases as reference

pytestmark = pytest.mark.kernels

N_WORDS = 7
documents = st.lists(st.lists(st.integers(0, N_WORDS - 1), max_size=12), max_size=9)
connector_sets = st.frozensets(st.integers(0, N_WORDS - 1), max_size=3)
cut_lists = st.lists(st.integers(0, 120), max_size=4)


def arrays_of(texts, connectors):
    ids = np.array([word for text in texts for word in text], np.int32)
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    ids.flags.writeable = offsets.flags.writeable = False  # corpora may be memory-mapped
    return ids, offsets, np.array([word in connectors for word in range(N_WORDS)], np.uint8)


def slices_of(cuts, n):
    return list(pairwise(sorted({0, n, *(cut for cut in cuts if cut < n)})))


def decoded(table, runs):
    """{pair: (count, value)} of a table."""
    ids, offsets = runs.arrays()
    between = [tuple(ids[begin:end].tolist()) for begin, end in pairwise(offsets.tolist())]
    pairs, numbers, counts, values = table.arrays()
    assert pairs.dtype == np.uint64
    return {
        (int(pair) >> 32, between[run], int(pair) & 0xFFFFFFFF): (count, value)
        for pair, run, count, value in zip(
            pairs.tolist(), numbers.tolist(), counts.tolist(), values.tolist(), strict=True
        )
    }


@settings(max_examples=120, deadline=None)
@given(documents, connector_sets, cut_lists, st.integers(1, 4))
@example([], frozenset(), [], 1)
@example([[], [3], []], frozenset(), [], 2)
@example([[0, 1, 1, 0, 1, 1, 2], [1, 0]], frozenset({1}), [2, 3], 3)
def test_pairs_are_counted_in_any_slices_and_shards(texts, connectors, cuts, n_shards):
    ids, offsets, flags = arrays_of(texts, connectors)
    runs, found = Runs(), {}
    for begin, end in slices_of(cuts, len(ids)):
        runs.collect(ids, offsets, flags, begin, end)
    for shard in range(n_shards):
        table = PairTable()
        for begin, end in slices_of(cuts, len(ids)):
            assert table.count(runs, ids, offsets, flags, begin, end, shard, n_shards, 10**6)
        part = decoded(table, runs)
        assert len(part) == len(table)
        assert not found.keys() & part.keys()
        found |= part
    counts, places = reference.count(texts, connectors)
    assert found == {pair: (counts[pair], places[pair]) for pair in counts}
    assert len(runs) == len({pair[1] for pair in counts} | {()})


@settings(max_examples=120, deadline=None)
@given(documents, connector_sets, cut_lists, st.data())
def test_pairs_that_match_are_joined_in_any_slices(texts, connectors, cuts, data):
    ids, offsets, flags = arrays_of(texts, connectors)
    known = sorted(reference.count(texts, connectors)[0])
    chosen = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
    phrases = {pair: 100 + i for i, pair in enumerate(chosen)}
    runs, table = Runs(), PairTable()
    between = [pair[1] for pair in chosen]
    numbers = runs.add(
        np.array([word for run in between for word in run], np.int32),
        np.cumsum([0, *map(len, between)]).astype(np.int64),
    )
    pairs = np.array([pair[0] << 32 | pair[2] for pair in chosen], np.uint64)
    table.add(pairs, numbers, np.ones(len(chosen), np.int64), np.array(list(phrases.values()), np.int64))
    np.testing.assert_array_equal(table.find(pairs, numbers), np.array(list(phrases.values()), np.int64))
    matches = np.full(len(ids), 77, np.int32)
    for begin, end in slices_of(cuts, len(ids)):
        table.match(runs, ids, offsets, flags, begin, end, matches)
    expected = [reference.join(text, connectors, phrases) for text in texts]
    safe = [cut for cut in cuts if cut < len(ids) and not flags[ids[cut]] and matches[cut] < 0]
    ends, found = np.full(len(texts), -1, np.int64), []
    for begin, end in slices_of(safe, len(ids)):
        n = join(ids, offsets, flags, begin, end, matches, ends)
        inside = (offsets[1:] > begin) & (offsets[1:] <= end)
        ends[inside] += len(found)
        found += matches[begin : begin + n].tolist()
    assert found == [word for text in expected for word in text]
    wanted = np.cumsum([len(text) for text in expected])
    not_leading = offsets[1:] > 0  # empty documents at the start have no token that they could belong to
    np.testing.assert_array_equal(ends[not_leading], wanted[not_leading])


def test_large_tables_grow_and_keep_the_smallest_value():
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 2**62, 30_000).astype(np.uint64)
    runs = rng.integers(0, 3, 30_000).astype(np.int32)
    table = PairTable()
    for values in (np.arange(30_000), np.arange(30_000)[::-1].copy()):
        table.add(pairs, runs, np.full(30_000, 2), values)
    assert len(table) == 30_000
    np.testing.assert_array_equal(table.find(pairs, runs), np.minimum(np.arange(30_000), 29_999 - np.arange(30_000)))
    assert (table.find(pairs, (runs + 3).astype(np.int32)) == -1).all()
    assert (table.arrays()[2] == 4).all()


def test_many_runs_are_numbered_in_order():
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 5, 3000)
    ids, offsets = rng.integers(0, 9, lengths.sum()).astype(np.int32), np.cumsum([0, *lengths]).astype(np.int64)
    runs, expected = Runs(), {(): 0}
    numbers = runs.add(ids, offsets)
    wanted = [expected.setdefault(tuple(ids[a:b].tolist()), len(expected)) for a, b in pairwise(offsets.tolist())]
    assert numbers.tolist() == wanted
    stored, ends = runs.arrays()
    assert [tuple(stored[a:b].tolist()) for a, b in pairwise(ends.tolist())] == list(expected)


def test_a_full_table_says_so():
    ids, offsets, flags = arrays_of([[0, 1, 2, 3, 4, 5, 6]], frozenset())
    assert not PairTable().count(Runs(), ids, offsets, flags, 0, 7, 0, 1, 5)
    assert PairTable().count(Runs(), ids, offsets, flags, 0, 7, 0, 1, 6)


def test_wrong_arguments():
    ids, offsets, flags = arrays_of([[0, 1], [2]], frozenset())
    table, runs, matches = PairTable(), Runs(), np.zeros(3, np.int32)
    with pytest.raises(ValueError, match="shard 2 of 2"):
        table.count(runs, ids, offsets, flags, 0, 3, 2, 2, 9)
    with pytest.raises(ValueError, match="tokens 2 to 4 of 3"):
        table.match(runs, ids, offsets, flags, 2, 4, matches)
    with pytest.raises(ValueError, match="start at 0"):
        runs.collect(ids, offsets + 1, flags, 0, 3)
    with pytest.raises(ValueError, match="one element per word"):
        runs.collect(ids, offsets, flags[:0], 0, 3)
    with pytest.raises(ValueError, match="one element per id"):
        join(ids, offsets, flags, 0, 3, matches[:2], np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="one per document"):
        join(ids, offsets, flags, 0, 3, matches, np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="one length"):
        table.find(np.zeros(2, np.uint64), np.zeros(3, np.int32))
    with pytest.raises(ValueError, match=">= 0"):
        table.add(np.zeros(1, np.uint64), np.array([-1], np.int32), np.ones(1, np.int64), np.ones(1, np.int64))
    with pytest.raises(ValueError, match="rise"):
        runs.add(ids, np.array([0, 2, 1, 3], np.int64))
