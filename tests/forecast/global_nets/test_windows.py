"""Batches of windows over a panel: their draws, weights and states."""

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.global_nets.batches import PanelWindows
from kerazoo.forecast.global_nets.windows import default_lookback, rescaled, windows_at


def make_panel(seed=0, lengths=(30, 12, 3, 50)):
    rng = np.random.default_rng(seed)
    return adjust([50 + np.cumsum(rng.normal(size=n)) for n in lengths])


def test_batches_depend_on_seed_epoch_and_index_only():
    panel = make_panel()
    data = PanelWindows(panel, 8, 4, batch_size=16, steps=5, seed=3)
    first = [data[index] for index in range(5)]
    data.epoch = 1
    other = data[0]
    again = PanelWindows(panel, 8, 4, batch_size=16, steps=5, seed=3)
    for index in (4, 0, 2):
        for a, b in zip(again.at(0, index), first[index], strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(again.at(1, 0)[0], other[0])
    assert not np.array_equal(other[0], first[0][0])
    assert not np.array_equal(PanelWindows(panel, 8, 4, batch_size=16, steps=5, seed=4)[0][0], first[0][0])
    # One large batch has the same windows as small ones.
    large = PanelWindows(panel, 8, 4, batch_size=80, steps=1, seed=3)[0][0]
    np.testing.assert_array_equal(large, np.concatenate([x for x, _ in first]))


def test_a_state_resumes_and_knows_its_data():
    data = PanelWindows(make_panel(), 8, 4, batch_size=4, steps=6, seed=3)
    batches = [x for x, _ in data]
    data.epoch = 0
    other = PanelWindows(make_panel(), 8, 4, batch_size=4, steps=6, seed=3)
    other.load_state_dict(data.state_dict(position=4))
    for a, b in zip([x for x, _ in other], batches[4:], strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InvalidArgumentError, match="state of other data"):
        PanelWindows(make_panel(1), 8, 4, batch_size=4, steps=6, seed=3).load_state_dict(data.state_dict())
    with pytest.raises(InvalidArgumentError, match="lookback was 8, here it is 9"):
        PanelWindows(make_panel(), 9, 4, batch_size=4, steps=6, seed=3).load_state_dict(data.state_dict())


def test_weights_are_zero_beyond_the_end_and_one_on_average():
    data = PanelWindows(make_panel(), 8, 6, batch_size=64, steps=3, seed=1)
    for _, targets in data:
        weights = targets[:, :, 1]
        assert weights.mean() == pytest.approx(1, rel=1e-6)
        assert len(np.unique(weights)) == 2  # some windows end less than 6 steps before the end
        assert (targets[:, :, 0][weights == 0] == 0).all()


def test_short_series_are_left_out_and_none_is_an_error():
    data = PanelWindows(make_panel(), 16, 4, seed=1)
    assert (data.history, data.eligible.tolist()) == (4, [0, 1, 3])
    with pytest.raises(InvalidArgumentError, match="the longest series has 4 values; expected at least 5"):
        PanelWindows(make_panel(lengths=(4, 2)), 16, 4)


def test_a_window_at_the_end_has_no_targets():
    panel = make_panel()
    found = windows_at(panel, np.array([0, 2]), np.array([30, 3]), 8, 2)
    assert not found.targets[:, :, 1].any()
    np.testing.assert_array_equal(found.inputs[:, :, 1], [[1] * 8, [0] * 5 + [1] * 3])
    np.testing.assert_allclose(found.centres, panel.values[[29, 44]])


def test_the_default_lookback_is_long_enough_and_fits_the_series():
    assert default_lookback([100] * 9, 18, 12) == 36
    assert default_lookback([200] * 9, 24, 12) == 48
    assert default_lookback([40] * 9, 8, 4) == 16
    assert default_lookback([20] * 9, 6, 1) == 12
    assert default_lookback([3], 12, 12) == 3
    assert default_lookback([1], 1) == 2
    assert default_lookback([10_000], 24, 168) == 160


def test_rescaled_windows_mean_the_same():
    """Values, scales and units of inputs and targets fit together as before."""
    rng = np.random.default_rng(3)
    panel = adjust([1e6 + rng.normal(size=30).cumsum(), 5.0 + rng.normal(size=30), np.ones(30)])
    found = windows_at(panel, np.arange(3), np.full(3, 20), 12, 4)
    again = rescaled(found)
    for name in ("inputs", "targets"):
        before, after = (
            windows.centres[:, None] + windows.scales[:, None] * getattr(windows, name)[..., 0]
            for windows in (found, again)
        )
        np.testing.assert_allclose(after, before, rtol=1e-6)
    np.testing.assert_allclose(
        again.targets[..., 2] / again.scales[:, None], found.targets[..., 2] / found.scales[:, None]
    )
    np.testing.assert_allclose(np.abs(np.diff(again.inputs[0, :, 0])).mean(), 1.0, rtol=1e-4)
    np.testing.assert_array_equal(again.inputs[1:, :, :2], found.inputs[1:, :, :2])
    np.testing.assert_allclose(again.inputs[..., 2], np.maximum(found.inputs[..., 2], np.log(1e-3)), rtol=1e-6)
