"""The network of a preset in NumPy computes what the Keras model of the zoo does."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.network import make_network, network_spec
from kerazoo.forecast.global_nets.passes import equal_passes
from kerazoo.forecast.presets.network import ROWS, NumpyNet

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("model", ["mingru_1x5_residual", "mingru_1x3_residual", "mingru_3x16_residual"])
@pytest.mark.parametrize("rows", [1, ROWS + 3])
def test_outputs_are_those_of_keras(model, rows):
    spec = network_spec(model, 12, 4, 3)
    network = make_network(spec, seed=3)
    rng = np.random.default_rng(1)
    weights = [each + 0.3 * rng.normal(size=each.shape).astype(np.float32) for each in network.get_weights()]
    network.set_weights(weights)
    windows = 3 * rng.normal(size=(rows, 12, 3)).astype(np.float32)
    windows[0, :, 0] *= 1e3
    expected = np.asarray(network.predict_on_batch(windows))
    found = NumpyNet(spec.to_dict(), weights)(windows)
    assert found.shape == (rows, 4, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_huge_inputs_have_finite_outputs():
    spec = network_spec("mingru_2x4_residual", 6, 2, 1)
    net = NumpyNet(spec.to_dict(), make_network(spec, seed=1).get_weights())
    assert np.isfinite(net(np.full((2, 6, 3), 1e30, np.float32))).all()


def test_other_layers_and_weights_are_refused():
    spec = network_spec("mingru_2x4_residual", 6, 2, 1)
    weights = make_network(spec, seed=1).get_weights()
    with pytest.raises(InvalidArgumentError, match=r"'gru'.*expected a residual minGRU"):
        NumpyNet(network_spec("gru_2x4_residual", 6, 2, 1).to_dict(), weights)
    with pytest.raises(InvalidArgumentError, match="1 weights are left over"):
        NumpyNet(spec.to_dict(), [*weights, weights[0]])
    with pytest.raises(InvalidArgumentError, match="expected"):
        NumpyNet(spec.to_dict(), weights[:-1])


def test_outputs_do_not_depend_on_the_windows_beside_them():
    """To the bit, where passes of equal size are asked for: neither on the place of a window nor on their number."""
    rng = np.random.default_rng(5)
    shapes = [(12, 64), (64,), (64, 128), (128,), (64, 128), (128,), (64, 216), (216,)]
    layers = [{"cell": "mingru", "units": 64, "residual": "project"}] * 2
    config = {"layers": layers, "features": 12, "horizon": 24, "outputs": 9}
    net = NumpyNet(config, [rng.normal(size=shape).astype(np.float32) * 0.1 for shape in shapes])
    windows = rng.normal(size=(150, 16, 12)).astype(np.float32)
    with equal_passes():
        whole = net(windows)
        order = rng.permutation(150)
        np.testing.assert_array_equal(net(windows[order]), whole[order])
        for n in (1, 19, 64, 70):
            np.testing.assert_array_equal(net(windows[7 : 7 + n]), whole[7 : 7 + n])
    np.testing.assert_allclose(net(windows), whole, atol=1e-5)
