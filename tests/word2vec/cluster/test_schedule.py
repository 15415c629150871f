"""Rounds: every token once, ranges that start at multiples of a chunk, and which rows are exchanged when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.word2vec.cluster.schedule import FIRST_TIER, Schedule
from kerazoo.word2vec.engines.native_kernel import CHUNK


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 200_000),
    st.integers(2, 100_000),
    st.integers(1, 60),
    st.one_of(st.none(), st.integers(256, 9000)),
    st.integers(1, 9),
)
def test_every_token_is_trained_once_and_whole_tables_end_an_epoch(n_tokens, n_words, n_workers, sync_words, full):
    steps = list(Schedule(n_tokens, n_words, n_workers, sync_words, full).steps(0))
    position = 0
    for step in steps:
        assert step.begin == position
        assert len(step.ranges) == n_workers
        for begin, end in step.ranges:
            assert begin == position
            assert begin % CHUNK == 0 or begin == end == n_tokens
            position = end
        assert position == step.end
        assert 1 <= step.n_rows <= n_words
    assert position == n_tokens
    assert steps[-1].n_rows == n_words
    # Ranges of a round differ by at most a chunk.
    lengths = [end - begin for begin, end in steps[0].ranges]
    assert max(lengths) - min(lengths) <= CHUNK


@settings(max_examples=40, deadline=None)
@given(st.integers(1000, 100_000), st.integers(1, 9), st.integers(1, 6))
def test_an_epoch_can_be_continued_at_every_whole_exchange(n_tokens, n_workers, full):
    schedule = Schedule(n_tokens, 50_000, n_workers, 512, full)
    steps = list(schedule.steps(0))
    whole = [number for number, step in enumerate(steps) if step.n_rows == 50_000]
    # A round may end just before one of the fractions of the text at which whole tables are exchanged.
    assert len(whole) >= max(1, min(full, len(steps)) - 1)
    for number in whole:
        assert list(schedule.steps(steps[number].end)) == steps[number + 1 :]


def test_frequent_words_are_exchanged_more_often():
    steps = list(Schedule(100 * 256, 10**6, 1, 256, 1).steps(0))
    tiers = [step.n_rows // FIRST_TIER[False] for step in steps[:-1]]
    assert tiers[:8] == [1, 2, 1, 4, 1, 2, 1, 8]
    assert steps[-1].n_rows == 10**6


def test_whole_exchanges_are_spread_evenly():
    steps = list(Schedule(120 * 256, 10**6, 1, 256, full_syncs=4).steps(0))
    whole = [number for number, step in enumerate(steps) if step.n_rows == 10**6]
    assert whole == [29, 59, 89, 119]
    assert [step.n_rows // FIRST_TIER[False] for step in steps[30:34]] == [1, 2, 1, 4]


@pytest.mark.parametrize("n_workers", [1, 2, 40, 1000])
def test_small_corpora_are_exchanged_too(n_workers):
    steps = list(Schedule(60_000, 1750, n_workers).steps(0))
    assert len(steps) >= min(4, 60_000 // (n_workers * CHUNK))
    at_work = sum(begin < end for begin, end in steps[0].ranges)
    assert at_work >= min(n_workers, 60_000 // CHUNK // 4)


def test_whole_exchanges_by_default():
    def n_full(n_tokens, n_workers, row_bytes=812, n_words=70_000):
        return Schedule(n_tokens, n_words, n_workers, row_bytes=row_bytes).full_syncs

    assert [n_full(17_000_000, n) for n in (1, 2, 4, 8, 100)] == [1, 1, 4, 4, 4]
    # Of a large corpus, they take at most 8 bytes per word, and the one at the end of the epoch.
    assert n_full(18_000_000_000, 8, 2412, 1_000_000) == 4
    assert n_full(18_000_000_000, 32, 2412, 1_000_000) == 1
    assert n_full(180_000_000_000, 100, 2412, 1_000_000) == 4
