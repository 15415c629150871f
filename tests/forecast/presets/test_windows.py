"""Windows of generated series: repeatable, and adjusted by what is known before their targets."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.presets import windows
from kerazoo.forecast.presets.windows import GeneratedWindows


@pytest.fixture
def small(monkeypatch):
    """Pools of few series."""
    monkeypatch.setattr(windows, "GROUP", 32)
    monkeypatch.setattr(windows, "GROUPS", 4)


def test_batches_depend_on_the_seed_and_their_number(small):
    data = GeneratedWindows(16, 6, batch_size=20, steps=30, seed=4)
    first = [data.at(0, 3), data.at(1, 29), data.at(0, 0)]
    again = GeneratedWindows(16, 6, batch_size=20, steps=30, seed=4)
    for (x, y), (epoch, index) in zip(first, [(0, 3), (1, 29), (0, 0)], strict=True):
        found = again.at(epoch, index)
        np.testing.assert_array_equal(found[0], x)
        np.testing.assert_array_equal(found[1], y)
    assert not np.array_equal(first[0][0], first[1][0])
    other = GeneratedWindows(16, 6, batch_size=20, steps=30, seed=5).at(0, 3)
    assert not np.array_equal(first[0][0], other[0])


def test_windows_are_finite_and_weighted(small):
    data = GeneratedWindows(16, 6, batch_size=64, steps=40, seed=4)
    known = []
    for index in range(40):
        x, y = data.at(0, index)
        assert x.shape == (64, 16, 3)
        assert y.shape == (64, 6, 3)
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()
        assert y[..., 1].mean() == pytest.approx(1.0, rel=1e-5)
        known.append((x[..., 1] > 0).mean())
    assert 0.3 < np.mean(known) < 1.0  # short series and gaps


def test_seasons_are_estimated_from_the_past(small, monkeypatch):
    """Other futures of the same series change the targets, and nothing else."""
    usual = windows.generate

    def with_another_future(n_series, length, period, **options):
        y = usual(n_series, length, period, **options)
        y[:, -9:] *= 3.0
        return y

    data = GeneratedWindows(16, 6, batch_size=64, seed=4)
    one = data._made(7)
    monkeypatch.setattr(windows, "generate", with_another_future)
    other = data._made(7)
    np.testing.assert_array_equal(one.ends, other.ends)
    lengths = one.panel.lengths
    assert (lengths == one.ends + 9).all()
    past = np.arange(lengths.sum()) < np.repeat(one.panel.offsets[:-1] + one.ends, lengths)
    np.testing.assert_array_equal(one.panel.values[past], other.panel.values[past])
    assert not np.array_equal(one.panel.values[~past], other.panel.values[~past], equal_nan=True)


def test_the_past_is_that_of_an_adjusted_series(small):
    data = GeneratedWindows(16, 6, batch_size=64, seed=4)
    pool = data._made(0)
    rng = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(0, 0)))
    period = windows._period(rng)
    end = pool.ends[0]
    first = pool.panel.values[: pool.panel.offsets[32]].reshape(32, -1)
    # Adjusted once more, nothing is left to take out: where the season was found, and where there was none.
    levels = np.where(pool.panel.kinds[:32, None] == 1, np.exp(np.clip(first[:, :end], -700, 700)), first[:, :end])
    rows = np.flatnonzero((pool.panel.kinds[:32] == 1) & np.isfinite(levels).all(axis=1))
    again = adjust(list(levels[rows]), period)
    assert len(rows) > 5
    assert np.abs(again.seasons).max(axis=1).mean() < 0.1
