"""The kernel of panel windows against its NumPy reference, value for value."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo_ext import _panel_windows
from tests.references import panel_windows as reference

pytestmark = pytest.mark.kernels

LEAST = 1e-4


def make_panel(seed, lengths, missing=0.2, constant=0.3):
    """Flat values with gaps and constant stretches, offsets, and kinds."""
    rng = np.random.default_rng(seed)
    series, kinds = [], []
    for length in lengths:
        kind = int(rng.integers(0, 3))
        steps = rng.normal(size=length) * (rng.random(length) > constant) * 10.0 ** rng.integers(-3, 4)
        y = np.cumsum(steps)
        if kind == reference.COUNTS:
            y = np.abs(np.round(y))
        if rng.random() < 0.1:
            y = np.zeros(length)
        y[rng.random(length) < missing] = np.nan
        series.append(y)
        kinds.append(kind)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.concatenate([*series, np.empty(0)])
    return series, values, offsets, np.array(kinds, np.uint8)


def fill(panel, series, ends, lookback, horizon, guard=3):
    """Windows in the middle of larger arrays: the kernel must not write beyond its own."""
    _, values, offsets, kinds = panel
    n = len(series)
    shapes = [(lookback, 3), (horizon, 3), (), ()]
    whole = [np.full((n + 2 * guard, *shape), -7.0, np.float32 if len(shape) else np.float64) for shape in shapes]
    inner = [array[guard : guard + n] for array in whole]
    _panel_windows.fill(values, offsets, kinds, LEAST, np.array(series, np.int64), np.array(ends, np.int64), *inner)
    for array in whole:
        assert (array[:guard] == -7).all()
        assert (array[guard + n :] == -7).all()
    return inner


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    lookback=st.integers(1, 9),
    horizon=st.integers(0, 5),
    missing=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_windows_equal_the_reference(seed, lengths, lookback, horizon, missing):
    panel = make_panel(seed, lengths, missing)
    places = [(s, end) for s, length in enumerate(lengths) for end in range(length + 1)]
    inputs, targets, centres, scales = fill(panel, *zip(*places, strict=True), lookback, horizon)
    for i, (s, end) in enumerate(places):
        x, y, centre, scale = reference.window(panel[0][s], panel[3][s], end, lookback, horizon, LEAST)
        np.testing.assert_allclose(inputs[i], x, rtol=2e-6, atol=1e-6)
        np.testing.assert_allclose(targets[i], y, rtol=2e-6, atol=1e-6)
        np.testing.assert_allclose([centres[i], scales[i]], [centre, scale], rtol=1e-12)
        assert np.abs(inputs[i, :, 0]).max() <= lookback  # however large a jump is


def test_the_scale_of_a_window_by_hand():
    y = np.array([9.0, 2.0, np.nan, 4.0, 3.0, 7.0, 5.0])
    panel = ([y], y, np.array([0, 7], np.int64), np.array([reference.VALUES], np.uint8))
    inputs, targets, centres, scales = fill(panel, [0], [5], 4, 3)
    assert (centres[0], scales[0]) == (3.0, 1.5)  # |4 - 2|, |3 - 4|
    np.testing.assert_allclose(inputs[0, :, 0], np.array([-1.0, 0.0, 1.0, 0.0]) / 1.5, rtol=1e-6)
    np.testing.assert_array_equal(inputs[0, :, 1], [1, 0, 1, 1])
    np.testing.assert_allclose(inputs[0, :, 2], np.log(1.5 / 3.0), rtol=1e-6)
    np.testing.assert_allclose(targets[0], [[4 / 1.5, 1, 0.5], [2 / 1.5, 1, 0.5], [0, 0, 0.5]], rtol=1e-6)


def test_scaled_windows_know_no_unit():
    rng = np.random.default_rng(3)
    y = 50 + np.cumsum(rng.normal(size=40))
    found = []
    for factor in (1.0, 1e6):
        panel = ([y * factor], y * factor, np.array([0, 40], np.int64), np.array([reference.VALUES], np.uint8))
        found.append(fill(panel, [0, 0], [20, 31], 12, 4)[:2])
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    history=st.integers(0, 6),
    future=st.integers(0, 4),
    position=st.integers(0, 2**40),
)
def test_draws_equal_the_reference(seed, lengths, history, future, position):
    eligible = [s for s, length in enumerate(lengths) if length >= history + future]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    series, ends = np.full((2, 20), -1, np.int64)
    arguments = (offsets, np.array(eligible, np.int64), history, future, seed, position, series, ends)
    if not eligible:
        with pytest.raises(ValueError, match="eligible"):
            _panel_windows.draw(*arguments)
        return
    _panel_windows.draw(*arguments)
    expected = reference.draw(lengths, eligible, history, future, seed, range(position, position + 20))
    assert list(zip(series.tolist(), ends.tolist(), strict=True)) == expected


def test_every_series_and_every_end_is_drawn_equally_often():
    lengths, n = [8, 30, 12], 60_000
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    series, ends = np.empty((2, n), np.int64)
    _panel_windows.draw(offsets, np.arange(3), 3, 1, 12345, 0, series, ends)
    for s, length in enumerate(lengths):
        of_series = ends[series == s]
        assert abs(len(of_series) / n - 1 / 3) < 0.01
        share = np.bincount(of_series, minlength=length + 1)[3:length] / len(of_series)
        assert of_series.min() == 3
        assert of_series.max() == length - 1
        np.testing.assert_allclose(share, 1 / (length - 3), rtol=0.2)


def test_threads_give_the_same_windows():
    panel = make_panel(5, [60] * 40)
    rng = np.random.default_rng(1)
    series = rng.integers(0, 40, 4000)
    ends = rng.integers(0, 61, 4000)
    expected = fill(panel, series, ends, 12, 6)
    parts = [None] * 4

    def work(part):
        chosen = slice(part * 1000, (part + 1) * 1000)
        parts[part] = fill(panel, series[chosen], ends[chosen], 12, 6)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for array, *others in zip(expected, *parts, strict=True):
        np.testing.assert_array_equal(array, np.concatenate(others))


def test_read_only_arrays_work_and_wrong_shapes_are_refused():
    _, values, offsets, kinds = make_panel(1, [10, 5])
    for array in (values, offsets, kinds):
        array.flags.writeable = False
    index = np.zeros(2, np.int64)
    good = {
        "values": values, "offsets": offsets, "kinds": kinds, "least_unit": LEAST, "series": index, "ends": index,
        "inputs": np.empty((2, 4, 3), np.float32), "targets": np.empty((2, 3, 3), np.float32),
        "centres": np.empty(2), "scales": np.empty(2),
    }  # fmt: skip
    _panel_windows.fill(*good.values())
    wrong = {
        "values": values[:-1].copy(), "offsets": np.array([0, 12, 10, 15], np.int64), "kinds": kinds[:1].copy(),
        "least_unit": 0.0, "series": np.array([0, 2]), "ends": np.array([0, 11]),
        "inputs": np.empty((2, 4, 2), np.float32), "targets": np.empty((1, 3, 3), np.float32),
        "centres": np.empty(3), "scales": np.empty(1),
    }  # fmt: skip
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=r"must|series 2|ends at 11"):
            _panel_windows.fill(*{**good, name: value}.values())
    with pytest.raises(ValueError, match="no window"):
        _panel_windows.draw(offsets, np.array([0, 1]), 6, 0, 1, 0, index.copy(), index.copy())
    with pytest.raises(ValueError, match="series 2 of 2"):
        _panel_windows.draw(offsets, np.array([2]), 1, 0, 1, 0, index.copy(), index.copy())
