"""`SequenceWindows`: every window that fits, none across two series, against a brute-force reference."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.batching import SequenceWindows
from kerazoo.errors import InvalidArgumentError
from tests.references import sequences as reference


def all_windows(data):
    batches = [data[i] for i in range(len(data))]
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


def assert_equals_reference(series, targets, lookback, horizon, offset, stride, target, **arguments):
    inputs, outputs = reference.windows(series, targets or series, lookback, horizon, offset, stride, target)
    arguments = {"horizon": horizon, "target_offset": offset, "stride": stride, "target": target, **arguments}
    if not inputs:
        with pytest.raises(InvalidArgumentError, match="a window and its target need"):
            SequenceWindows(series, lookback, targets=targets, **arguments)
        return 0
    data = SequenceWindows(series, lookback, targets=targets, **arguments)
    assert data.n_windows == len(inputs)
    x, y = all_windows(data)
    np.testing.assert_array_equal(x, np.array(inputs))
    np.testing.assert_array_equal(y, np.array(outputs))
    assert x.dtype == series[0].dtype
    assert y.dtype == (targets or series)[0].dtype
    assert all(part.flags.c_contiguous for part in data[0])
    return len(inputs)


@pytest.mark.parametrize("target", ["horizon", "sequence"])
def test_all_small_sizes(target):
    """All small lengths, lookbacks, horizons, offsets and strides: 1,440 cases of 0 to 9 windows."""
    counts = set()
    sizes = itertools.product(range(1, 11), range(1, 5), range(1, 4), range(3), range(1, 5))
    for length, lookback, horizon, offset, stride in sizes:
        series = [np.arange(length, dtype=np.int64)]
        counts.add(assert_equals_reference(series, None, lookback, horizon, offset, stride, target, batch_size=4))
    assert counts == set(range(10))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_many_series_of_every_type(dtype, shape):
    rng = np.random.default_rng(0)
    series = [(rng.random((n, *shape)) * 1000).astype(dtype) for n in (11, 2, 0, 5, 30, 1)]
    data = SequenceWindows(series, 4, horizon=2, stride=2, batch_size=5)
    assert data.n_skipped_series == 4
    assert assert_equals_reference(series, None, 4, 2, 0, 2, "horizon", batch_size=5) == 3 + 13


@settings(deadline=None, max_examples=150)
@given(
    lengths=st.lists(st.integers(0, 25), min_size=1, max_size=6),
    lookback=st.integers(1, 7),
    horizon=st.integers(1, 5),
    offset=st.integers(-1, 4),
    stride=st.integers(1, 9),
    target=st.sampled_from(["horizon", "sequence"]),
    n_features=st.sampled_from([None, 1, 2]),
    batch_size=st.integers(1, 40),
)
def test_equals_the_reference(lengths, lookback, horizon, offset, stride, target, n_features, batch_size):
    rng = np.random.default_rng(1)
    shape = () if n_features is None else (n_features,)
    series = [rng.random((n, *shape)) for n in lengths]
    targets = [rng.integers(0, 99, (n, 3), dtype=np.int32) for n in lengths]
    assert_equals_reference(series, targets, lookback, horizon, offset, stride, target, batch_size=batch_size)
    if offset >= 0:
        assert_equals_reference(series, None, lookback, horizon, offset, stride, target, batch_size=batch_size)


@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("horizon", [1, 3])
def test_shapes_of_targets(horizon, shape):
    series = np.zeros((20, *shape), np.float32)
    for target, expected in (("horizon", (horizon,)), ("sequence", (6, horizon) if horizon > 1 else (6,))):
        x, y = SequenceWindows(series, 6, horizon=horizon, target=target, batch_size=4)[0]
        assert (x.shape, y.shape) == ((4, 6, *shape), (4, *expected, *shape))


def test_three_forms_of_many_series():
    flat, offsets = np.arange(40.0), np.array([0, 13, 13, 20, 40])
    cut = [flat[a:b] for a, b in itertools.pairwise(offsets)]
    corpus = SimpleNamespace(ids=flat.astype(np.int32), offsets=offsets)
    expected = all_windows(SequenceWindows(cut, 5, target="sequence"))
    for data in (
        SequenceWindows(flat, 5, target="sequence", offsets=offsets),
        SequenceWindows(corpus, 5, target="sequence"),
        SequenceWindows([array.tolist() for array in cut if len(array)], 5, target="sequence"),
    ):
        for mine, theirs in zip(all_windows(data), expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len(expected[0]) == 8 + 2 + 15


def test_contiguous_arrays_are_not_copied(tmp_path):
    array = np.arange(60.0).reshape(30, 2)
    np.save(tmp_path / "x.npy", array)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert np.shares_memory(SequenceWindows(array, 3)._inputs.arrays[0], array)
    data = SequenceWindows(mapped, 3)
    assert np.shares_memory(data._inputs.arrays[0], mapped)
    np.testing.assert_array_equal(data[0][0][1], array[1:4])
    strided = np.arange(120.0).reshape(60, 2)[::2, ::-1]  # is copied
    np.testing.assert_array_equal(SequenceWindows(strided, 3)[0][0][1], strided[1:4])


def test_list_of_numbers_is_one_series():
    x, y = SequenceWindows([1.0, 2.0, 3.0], 2)[0]
    assert (x.tolist(), y.tolist()) == ([[1.0, 2.0]], [[3.0]])


@pytest.mark.parametrize("n_windows", [1, 6, 7, 8, 20])
@pytest.mark.parametrize("shuffle", [False, True])
def test_remainder(n_windows, shuffle):
    series = np.arange(n_windows + 1)
    kept, wrapped = (
        SequenceWindows(series, 1, batch_size=7, remainder=remainder, shuffle=shuffle, seed=2)
        for remainder in ("keep", "wrap")
    )
    x = all_windows(kept)[0][:, 0]
    assert sorted(x) == list(range(n_windows))
    assert len(kept) == len(wrapped) == -(-n_windows // 7)
    np.testing.assert_array_equal(all_windows(wrapped)[0][:, 0], np.resize(x, len(wrapped) * 7))
    if n_windows >= 7:
        dropped = SequenceWindows(series, 1, batch_size=7, remainder="drop", shuffle=shuffle, seed=2)
        assert dropped.n_dropped_windows == n_windows % 7
        np.testing.assert_array_equal(all_windows(dropped)[0][:, 0], x[: n_windows - n_windows % 7])


def test_shuffle_differs_per_epoch_and_is_uniform():
    data = SequenceWindows(np.arange(101), 1, batch_size=100, shuffle=True, seed=1)
    where = np.zeros((100, 4))
    for epoch in range(400):
        data.epoch = epoch
        order = data[0][0][:, 0]
        where[order, np.arange(100) // 25] += 1
    # Each window is in each quarter of the epoch with probability 1/4: 300 degrees of freedom.
    assert ((where - 100) ** 2 / 100).sum() < 300 + 5 * np.sqrt(600)


def test_targets_from_another_array():
    series, targets = np.arange(10.0), np.arange(10, dtype=np.int32).reshape(10, 1) * 10
    x, y = SequenceWindows(series, 3, targets=targets, target_offset=-1, batch_size=100)[0]
    assert (len(x), y.shape, y.dtype) == (8, (8, 1, 1), np.int32)
    np.testing.assert_array_equal(y[:, 0, 0], x[:, -1] * 10)
    x, y = SequenceWindows(series, 3, targets=targets, target_offset=-1, target="sequence", batch_size=100)[0]
    np.testing.assert_array_equal(y[..., 0], x * 10)
    assert len(x) == 8


@pytest.mark.parametrize(
    ("series", "arguments", "message"),
    [
        (np.arange(9.0), {"lookback": 0}, "lookback=0; expected an integer >= 1"),
        (np.arange(9.0), {"horizon": 0}, "horizon=0; expected an integer >= 1"),
        (np.arange(9.0), {"stride": 0}, "stride=0; expected"),
        (np.arange(9.0), {"batch_size": 0}, "batch_size=0; expected an integer >= 1. The usual value is 32."),
        (np.arange(9.0), {"target_offset": -1}, "target_offset=-1; expected an integer >= 0. Only separate `targets`"),
        (np.arange(9.0), {"target": "horizons"}, "target='horizons'; expected one of 'horizon', 'sequence'. Did you"),
        (np.arange(9.0), {"remainder": "cut"}, "remainder='cut'; expected one of 'keep', 'drop', 'wrap'"),
        (np.arange(9.0), {"remainder": "drop"}, "batch_size=32 with remainder='drop', but there are 6 windows"),
        (np.arange(9.0), {"targets": np.arange(8.0)}, "targets has 8 steps, series 9; expected the same lengths"),
        (np.arange(9.0), {"offsets": [0, 8]}, "offsets=0, 8; expected S .* integers that rise from 0 to 9"),
        (np.arange(9.0), {"offsets": [0, 8, 7, 9]}, "offsets=0, 8, 7, 9; expected"),
        (np.arange(9.0), {"lookback": 9}, r"the series has 9 steps; .* need 10 \(lookback=9, .*\)\. lookback=8 would"),
        (np.arange(9.0), {"lookback": 2, "horizon": 9}, r"need 11 .*Use longer series"),
        (np.arange(9.0), {"lookback": 7, "horizon": 4, "target": "sequence"}, r"need 11 .*lookback=5 would fit"),
        (
            [np.arange(2.0), np.arange(3.0)],
            {},
            "the longest of 2 series, number 1, has 3 steps; .* need 4 .*lookback=2 would fit",
        ),
        (np.arange(0.0), {}, "the series has 0 steps"),
        (np.arange(9).astype("int16"), {}, "series has dtype int16; expected one of float32, float64, int32, int64"),
        (np.array(["a", "b"]), {}, "series has dtype <U1; expected"),
        (np.zeros((3, 3, 3)), {}, r"series has shape \(3, 3, 3\); expected \(T,\) or \(T, F\)"),
        (np.zeros((3, 0)), {}, r"series has shape \(3, 0\)"),
        (3.0, {}, r"series has shape \(\)"),
        (
            [np.zeros((9, 2)), np.zeros((9, 3))],
            {},
            r"series\[1\] has steps of shape \(3,\) .* expected the same for all",
        ),
        ([np.zeros(9), np.zeros(9, np.int32)], {}, r"series\[1\] has steps of shape \(\) and dtype int32"),
    ],
)
def test_bad_arguments(series, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        SequenceWindows(series, **{"lookback": 3, **arguments})
