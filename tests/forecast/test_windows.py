"""Training windows: every value is a target once, and nothing held out is learned."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.nets.windows import KnownScale, Windows, windows_of
from kerazoo.forecast.transforms.chain import Chain, fitted_chain

LAYOUTS = [
    Windows(length, ahead, last_only) for length, ahead, last_only in itertools.product((1, 2, 5, 30), (1, 3), (0, 1))
]


def prepared(layout, lost=0, total=23, cut=17):
    """Windows of z = 100, 101, ... and known features 1000, 1001, ..."""
    z = np.where(np.arange(total) < lost, np.nan, np.arange(100.0, 100 + total))
    known = np.arange(1000.0, 1000 + total)[:, None]
    return windows_of(layout, [([z], [known], [cut])])


def targets_of(arrays, weights):
    """(step before which the forecast is made, step that is forecast) for every target of weight 1."""
    found = []
    _, windows, steps, ahead = arrays.targets.shape
    length = arrays.inputs.shape[2]
    for n, t, step in itertools.product(range(windows), range(steps), range(ahead)):
        if weights[0, n, t, step]:
            last = arrays.inputs[0, n, length - steps + t, 0]
            found.append((round(last) - 99, round(float(arrays.targets[0, n, t, step])) - 100))
    return found


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("lost", [0, 4])
def test_every_step_is_a_target_once_and_nothing_held_out_is_learned(layout, lost):
    arrays = prepared(layout, lost)
    train, held = targets_of(arrays, arrays.train), targets_of(arrays, arrays.held)
    assert len(set(train + held)) == len(train + held)
    for origin, step in train + held:
        assert origin <= step < origin + layout.ahead
    assert max(step for _, step in train) == 16
    assert min(origin for origin, _ in held) >= 17
    expected = {
        (origin, origin + step) for origin in range(17, 23) for step in range(layout.ahead) if origin + step < 23
    }
    assert set(held) == expected
    if not layout.last_only:  # every value but the first
        firsts = {step for origin, step in train if origin == step}
        assert firsts == set(range(lost + 1, 17))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_window_has_values_beside_the_known_features_of_the_next_step(layout):
    arrays = prepared(layout, lost=2)
    valid = arrays.valid[0, ..., 0] == 1
    z, known = arrays.inputs[0, ..., 0], arrays.inputs[0, ..., 1]
    np.testing.assert_array_equal(known[valid], z[valid] + 901)
    assert (arrays.inputs[0][~valid] == 0).all()
    assert z[valid].min() >= 102  # lost values are not in windows
    np.testing.assert_array_equal(np.diff(valid.astype(int), axis=1) >= 0, True)  # padding is on the left


def test_held_out_values_do_not_reach_the_training_targets():
    layout = Windows(6, 2, False)
    z, known = np.random.default_rng(0).normal(size=30), np.zeros((30, 0))
    changed = np.r_[z[:20], z[20:] + 9]
    one, other = (windows_of(layout, [([each], [known], [20])]) for each in (z, changed))
    np.testing.assert_array_equal(one.train, other.train)
    np.testing.assert_array_equal(one.targets * one.train, other.targets * other.train)
    assert not np.array_equal(one.targets * one.held, other.targets * other.held)
    # Nor the inputs of training targets: each target has only steps before it.
    for n, t in itertools.product(range(one.inputs.shape[1]), range(6)):
        if one.train[0, n, t].any():
            np.testing.assert_array_equal(one.inputs[0, n, : t + 1], other.inputs[0, n, : t + 1])


def test_members_and_series_have_separate_windows():
    layout = Windows(4, 1, False)
    series = [np.arange(9.0), np.arange(50.0, 57)]
    known = [np.zeros((9, 0)), np.zeros((7, 0))]
    validation, own = (series, known, [6, 5]), (list(series), known, [9, 7])
    arrays = windows_of(layout, [validation, own])
    assert arrays.inputs.shape[0] == 2
    np.testing.assert_array_equal(arrays.inputs[0], arrays.inputs[1])
    assert arrays.train[0].sum() == (6 - 1) + (5 - 1)
    assert arrays.held[0].sum() == 3 + 2
    assert arrays.train[1].sum() == (9 - 1) + (7 - 1)
    assert arrays.held[1].sum() == 0


def test_windows_without_a_training_target_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"no step is left to train on; expected a longer series"):
        prepared(Windows(4, 1, False), lost=5, total=9, cut=6)


def test_known_features_are_scaled_by_the_training_part():
    rows = np.stack([np.arange(10.0), np.full(10, 3.0)], axis=1)
    scale = KnownScale.of([rows[:6], rows[:2]])
    both = np.concatenate([rows[:6], rows[:2]])
    expected = (rows - both.mean(axis=0)) / [both[:, 0].std(), 1]  # a feature that never changes stays zero
    np.testing.assert_allclose(scale.apply(rows), expected)
    assert (scale.apply(rows)[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("config", "outputs_residuals"),
    [
        ([{"name": "exponential_smoothing"}], True),
        ([{"name": "log"}, {"name": "autoregression", "lags": 2}], True),
        ([{"name": "chain", "transforms": [{"name": "exponential_smoothing"}]}], True),
        ([{"name": "exponential_smoothing"}, {"name": "difference"}], False),
        ([{"name": "difference"}], False),
        ([], False),
    ],
)
def test_a_chain_that_outputs_residuals_is_scaled_and_not_shifted(config, outputs_residuals):
    """After smoothing, z = 0 is exactly its forecast; after other transforms, the mean of the fitted values."""
    rng = np.random.default_rng(1)
    y, index, coming = np.exp(rng.normal(0.1, 0.3, 60).cumsum() / 5), pd.RangeIndex(60), pd.RangeIndex(60, 64)
    chain, plain = fitted_chain(config, y, index), Chain([dict(part) for part in config]).fit(y, index)
    zs, tail = chain.apply(y, index)
    z_plain, plain_tail = plain.apply(y, index)
    mean = 0.0 if outputs_residuals else np.nanmean(z_plain)
    np.testing.assert_allclose(
        chain.undo(np.zeros(4), tail, coming), plain.undo(np.full(4, mean), plain_tail, coming), rtol=1e-12
    )
    assert np.nanstd(zs) == pytest.approx(1)
