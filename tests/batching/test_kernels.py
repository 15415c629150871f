"""The compiled batching kernels against their NumPy references, value for value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo_ext import _blocks, _noise, _order, _pairs, _sequences
from tests.references import random as random_reference
from tests.references import tokens as reference

pytestmark = pytest.mark.kernels


def make_settings(seed, lengths, n_words, window, shrink=True, max_contexts=0, keep_share=0.6):
    """Documents of the given lengths with random words; `keep_share=None` keeps all."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    keep = None
    if keep_share is not None:
        keep = (np.clip(rng.random(n_words) * 2 * keep_share, 0, 1) * (2**32 - 1)).astype(np.uint32)
    return reference.Settings(
        ids=rng.integers(0, n_words, offsets[-1], dtype=np.int32),
        offsets=offsets,
        keep=keep,
        window=window,
        shrink=shrink,
        max_contexts=max_contexts,
        keys=rng.integers(0, 2**64, 4, dtype=np.uint64),
    )


def count(s):
    n_chunks = -(-len(s.ids) // _pairs.CHUNK)
    pairs, kept = np.full((2, n_chunks), -1, np.int64)
    _pairs.count(*s.arguments(), pairs, kept)
    return pairs, kept


def make(s, chunk, skip, n):
    """Pairs in arrays with guard zones: the fixed-width copies must not write beyond their arrays."""
    context, centre = np.full((2, n + 64), -7, np.int32)
    done = _pairs.make(*s.arguments(), chunk, skip, context[32 : 32 + n], centre[32 : 32 + n])
    for array in (context, centre):
        assert (array[:32] == -7).all()
        assert (array[32 + n :] == -7).all()
    return context[32 : 32 + done], centre[32 : 32 + done]


def assert_same_epoch(s, batch):
    """Compare counts, and batches made independently from every start, with the epoch of the reference."""
    context, centre, positions = reference.pairs(s)
    pairs, kept = count(s)
    n_chunks = len(pairs)
    np.testing.assert_array_equal(pairs, np.bincount(positions // _pairs.CHUNK, minlength=n_chunks))
    np.testing.assert_array_equal(
        kept, np.bincount(reference.kept_tokens(s).positions // _pairs.CHUNK, minlength=n_chunks)
    )
    before = np.concatenate([[0], np.cumsum(pairs)])
    for first in range(0, len(context), batch):
        chunk = int(before.searchsorted(first, "right")) - 1
        mine = make(s, chunk, first - int(before[chunk]), batch)
        np.testing.assert_array_equal(mine[0], context[first : first + batch])
        np.testing.assert_array_equal(mine[1], centre[first : first + batch])
    return len(context)


lengths_of_documents = st.lists(
    st.sampled_from([0, 0, 1, 2, 3, 7, 40, 255, 256, 257, 300, 700]), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    lengths=lengths_of_documents,
    n_words=st.sampled_from([1, 2, 3, 50]),
    window=st.sampled_from([1, 2, 3, 4, 5, 8, 9, 16, 17, 40, 1000]),
    shrink=st.booleans(),
    keep_share=st.sampled_from([None, 0.01, 0.3, 0.9]),
    batch=st.sampled_from([1, 13, 100, 1000]),
)
def test_pairs_equal_the_reference(seed, lengths, n_words, window, shrink, keep_share, batch):
    s = make_settings(seed, lengths, n_words, window, shrink, 0, keep_share)
    n_pairs = len(reference.pairs(s)[0])
    assert_same_epoch(s, max(batch, n_pairs // 40, 1))


@settings(deadline=None, max_examples=75)
@given(
    seed=st.integers(0, 2**32),
    lengths=lengths_of_documents,
    window=st.integers(1, 6),
    share=st.floats(0, 1),
    keep_share=st.sampled_from([None, 0.5]),
    batch=st.sampled_from([64, 999]),
)
def test_sampled_contexts_equal_the_reference(seed, lengths, window, share, keep_share, batch):
    s = make_settings(seed, lengths, 50, window, False, 1 + int(share * (2 * window - 1)), keep_share)
    assert_same_epoch(s, batch)


@pytest.mark.parametrize("window", [1, 5, 12, 30])
@pytest.mark.parametrize("keep_share", [None, 0.4])
def test_long_document(window, keep_share):
    """Documents of 0, 1, 2 and many words over many chunks, and a prime batch size."""
    s = make_settings(window, [2, 0, 20_011, 1, 0, 0, 3, 5003, 0], 71, window, True, 0, keep_share)
    assert assert_same_epoch(s, 4099) > 20_000


def test_every_start_in_an_epoch():
    s = make_settings(5, [1, 300, 2, 290], 11, 3)
    assert assert_same_epoch(s, 1) > 500


def test_the_end_of_an_epoch_has_fewer_pairs():
    s = make_settings(5, [40], 11, 3, keep_share=None)
    n = len(reference.pairs(s)[0])
    assert len(make(s, 0, n - 3, 10)[0]) == 3
    assert len(make(s, 0, n, 10)[0]) == 0


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32),
    lengths=lengths_of_documents,
    window=st.sampled_from([1, 2, 5, 20, 500]),
    size=st.sampled_from([1, 7, 64, 600, 5000]),
    keep_share=st.sampled_from([None, 0.02, 0.7]),
)
def test_blocks_equal_the_reference(seed, lengths, window, size, keep_share):
    s = make_settings(seed, lengths, 29, window, True, 0, keep_share)
    _, kept = count(s)
    before = np.concatenate([[0], np.cumsum(kept)])
    step = size * max(1, int(before[-1]) // size // 10)
    for first in range(0, int(before[-1]), step):
        halo = max(0, first - window)
        chunk = int(before.searchsorted(halo, "right")) - 1
        ids, left, right = (np.full(n, -7, np.int32) for n in (size + 2 * window, size, size))
        span = _blocks.make(*s.arguments(), chunk, halo - int(before[chunk]), first, ids, left, right)
        expected = reference.block(s, first, size)
        np.testing.assert_array_equal(ids, expected["ids"])
        np.testing.assert_array_equal(left, expected["left"])
        np.testing.assert_array_equal(right, expected["right"])
        assert span == (expected["tokens"], expected["start"], expected["end"])


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n_values=st.sampled_from([1, 2, 63, 64, 65, 1000]),
    n_a=st.integers(1, 300),
    n_b=st.sampled_from([0, 1, 70]),
)
def test_distinct_values_equal_numpy(seed, n_values, n_a, n_b):
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, n_values, n, dtype=np.int32) for n in (n_a, n_b))
    values, indices_a, indices_b = (np.full(n, -7, np.int32) for n in (n_a + n_b, n_a, n_b))
    n = _blocks.unique(a, b, n_values, values, indices_a, indices_b)
    expected, indices = np.unique(np.concatenate([a, b]), return_inverse=True)
    np.testing.assert_array_equal(values[:n], expected)
    assert (values[n:] == expected[-1]).all()
    np.testing.assert_array_equal(np.concatenate([indices_a, indices_b]), indices)


@settings(deadline=None)
@given(
    key=st.integers(0, 2**64 - 1),
    stream=st.integers(0, 2**64 - 1),
    n_words=st.sampled_from([1, 2, 3, 100]),
    n=st.integers(0, 70),
)
def test_noise_equals_the_reference(key, stream, n_words, n):
    rng = np.random.default_rng(key)
    table = rng.integers(0, 2**32, n_words, dtype=np.uint64) << np.uint64(32)
    table |= rng.integers(0, n_words, n_words, dtype=np.uint64)
    out = np.empty(n, np.int32)
    _noise.draw(table, key, stream, out)
    np.testing.assert_array_equal(out, reference.noise(table, key, stream, n))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9, 100, 1000, 4097])
@pytest.mark.parametrize("key", [0, 1, 2**64 - 1])
def test_permutation_equals_the_reference(n, key):
    out = np.empty(n, np.int64)
    _order.permute(0, n, key, out)
    assert sorted(out) == list(range(n))
    np.testing.assert_array_equal(out, random_reference.permutation(n, key))
    assert [_order.permute_one(i, n, key) for i in range(0, n, 7)] == out[::7].tolist()
    part = np.empty(n - n // 3, np.int64)
    _order.permute(n // 3, n, key, part)
    np.testing.assert_array_equal(part, out[n // 3 :])


def test_permutations_are_uniform():
    """All 24 permutations of 4 elements are equally likely: chi-square with 23 degrees of freedom."""
    out = np.empty(4, np.int64)
    seen: dict[tuple, int] = {}
    for key in np.random.default_rng(3).integers(0, 2**64, 12_000, dtype=np.uint64):
        _order.permute(0, 4, int(key), out)
        seen[tuple(out)] = seen.get(tuple(out), 0) + 1
    assert len(seen) == 24
    assert sum((n - 500) ** 2 / 500 for n in seen.values()) < 60  # P = 4e-5


def test_permutation_of_a_huge_range():
    n = 10**15
    out = np.empty(1000, np.int64)
    _order.permute(n - 1000, n, 5, out)
    assert len(set(out.tolist())) == 1000
    assert out.min() >= 0
    assert out.max() < n
    assert abs(out.mean() / n - 0.5) < 0.05


@pytest.mark.parametrize(("first", "n"), [(-1, 10), (7, 10), (2**63 - 1, 10), (2**63 - 2, 2**63 - 1)])
def test_elements_beyond_the_last_one_are_refused(first, n):
    with pytest.raises(ValueError, match="4 elements from"):
        _order.permute(first, n, 1, np.empty(4, np.int64))


def test_draws_are_uniform_and_uncorrelated():
    """Uniform in both halves, and no correlation between neighbours, halves or epochs."""
    keys = [np.random.SeedSequence(7, spawn_key=(epoch,)).generate_state(1, np.uint64)[0] for epoch in (0, 1)]
    first, second = (random_reference.draw(key, np.arange(100_000)) for key in keys)
    high, low = (first >> np.uint64(32)).astype(float), (first & random_reference.LOW).astype(float)
    for values in (high, low):
        counts = np.histogram(values, 64, (0, 2**32))[0]
        assert ((counts - 100_000 / 64) ** 2 / (100_000 / 64)).sum() < 63 + 5 * np.sqrt(2 * 63)
    other = (second >> np.uint64(32)).astype(float)
    for x, y in ((high[1:], high[:-1]), (high, low), (high, other), (low[1:], low[:-1])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(100_000)


def test_kernels_check_their_arrays():
    s = make_settings(1, [10], 5, 2)
    out = np.empty(4, np.int32)
    with pytest.raises(ValueError, match="offsets must start at 0"):
        _pairs.make(s.ids, s.offsets[1:], s.keep, s.keys, 2, True, 0, 0, 0, out, out.copy())
    with pytest.raises(ValueError, match="window must be >= 1"):
        _pairs.make(s.ids, s.offsets, s.keep, s.keys, 0, True, 0, 0, 0, out, out.copy())
    with pytest.raises(ValueError, match="of one length"):
        _pairs.make(*s.arguments(), 0, 0, out, out[:3])
    with pytest.raises(ValueError, match="must have 1 elements"):
        _pairs.count(*s.arguments(), np.empty(2, np.int64), np.empty(2, np.int64))
    with pytest.raises(ValueError, match="2 \\* window longer"):
        _blocks.make(*s.arguments(), 0, 0, 0, out, out, out)
    with pytest.raises(ValueError, match="no room"):
        _blocks.unique(s.ids, s.ids, 5, out, np.empty(10, np.int32), np.empty(10, np.int32))
    with pytest.raises(ValueError, match="out of range"):
        _order.permute_one(3, 3, 1)
    one = np.array([1], np.int64)
    address = np.array([s.ids.ctypes.data], np.uint64)
    with pytest.raises(ValueError, match="beyond its series"):
        _sequences.gather(address, one * 10, np.array([0, 5]), one * 4, 2, 0, 3, 4, np.empty(12, np.uint8))


def test_read_only_arrays_are_accepted():
    s = make_settings(1, [30], 5, 2)
    for array in (s.ids, s.offsets, s.keep, s.keys):
        array.flags.writeable = False
    assert assert_same_epoch(s, 7) > 10
