"""Losses of global networks: their values, gradients and quantiles against NumPy and SciPy."""

import keras
import numpy as np
import pytest
from scipy import special, stats

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.losses import LOSSES, log_gamma, make_loss

pytestmark = pytest.mark.backend

LEVELS = (0.05, 0.5, 0.8, 0.95)


def softplus(x):
    return np.log1p(np.exp(x))


def rising(o):
    return np.stack([o[..., 1] - softplus(o[..., 0]), o[..., 1], o[..., 1] + softplus(o[..., 2]),
                     o[..., 1] + softplus(o[..., 2]) + softplus(o[..., 3])], axis=-1)  # fmt: skip


def pinball(y, u, o):
    e = y[..., None] - rising(o)
    return np.mean(np.where(e > 0, np.array(LEVELS) * e, (np.array(LEVELS) - 1) * e), axis=-1)


def negative_binomial(y, u, o):
    mean, alpha = u * softplus(o[..., 0]) + 1e-3, softplus(o[..., 1]) / np.sqrt(u) + 1e-3
    return -stats.nbinom.logpmf(np.round(y * u), 1 / alpha, 1 / (1 + alpha * mean))


def percentage(error):
    return np.where(error < 1, np.abs(np.exp(np.minimum(error, 1)) - 1), np.e - 1 + np.e * (error - 1))


FORMULAS = {
    "bounded": lambda y, u, o: 2 * np.tanh(u * np.abs(o[..., 0] - y) / 2),
    "mape": lambda y, u, o: percentage(u * (o[..., 0] - y)),
    "mae": lambda y, u, o: np.abs(o[..., 0] - y),
    "mse": lambda y, u, o: (o[..., 0] - y) ** 2,
    "huber": lambda y, u, o: special.huber(1.0, o[..., 0] - y),
    "quantiles": pinball,
    "normal": lambda y, u, o: -stats.norm.logpdf(y, o[..., 0], np.exp(o[..., 1])) - 0.5 * np.log(2 * np.pi),
    "student_t": lambda y, u, o: -stats.t.logpdf(y, 2 + softplus(o[..., 2]), o[..., 0], softplus(o[..., 1]) + 1e-3),
    "negative_binomial": negative_binomial,
}


def made(name):
    return make_loss(name, LEVELS if name == "quantiles" else ())


def batch(name, seed=0, shape=(7, 5)):
    rng = np.random.default_rng(seed)
    unit = rng.uniform(0.01, 2, shape)
    value = 2 * rng.normal(size=shape)
    if name == "negative_binomial":
        unit = rng.uniform(1, 60, shape)
        value = rng.integers(0, 80, shape) / unit
    weight = (rng.random(shape) > 0.3) * 1.4
    targets = np.stack([value, weight, unit], axis=-1).astype(np.float32)
    return targets, (1.5 * rng.normal(size=(*shape, made(name).n_outputs))).astype(np.float32)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_equal_their_formulas(name):
    targets, outputs = batch(name)
    found = keras.ops.convert_to_numpy(made(name)(keras.ops.convert_to_tensor(targets), outputs))
    value, weight, unit = np.moveaxis(targets.astype(np.float64), -1, 0)
    np.testing.assert_allclose(
        found, weight * FORMULAS[name](value, unit, outputs.astype(np.float64)), rtol=2e-3, atol=1e-3
    )


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_finite_for_extreme_targets_and_outputs(name):
    for size in (0.0, 30.0, 1e6 if name in ("bounded", "mape") else 1e3):
        targets, outputs = batch(name)
        targets[..., 0] = np.abs(targets[..., 0]) + size
        outputs = np.sign(outputs) * np.float32(min(size, 50.0))
        assert np.isfinite(keras.ops.convert_to_numpy(made(name)(keras.ops.convert_to_tensor(targets), outputs))).all()


@pytest.mark.parametrize(("name", "percentage_of"), [("bounded", (130.0 + 170.0) / 2), ("mape", 130.0)])
def test_losses_of_logarithms_are_relative_errors(name, percentage_of):
    """Of a forecast of 170 for 130, as sMAPE and MAPE count them."""
    a, b = 130.0, 170.0
    unit = 0.2
    targets = np.array([[[np.log(a) / unit, 1.0, unit]]], np.float32)
    outputs = np.array([[[np.log(b) / unit]]], np.float32)
    found = float(keras.ops.convert_to_numpy(made(name)(keras.ops.convert_to_tensor(targets), outputs))[0, 0])
    assert found == pytest.approx(abs(a - b) / percentage_of, rel=1e-4)


@pytest.mark.parametrize("name", [name for name, kind in LOSSES.items() if kind.has_distribution])
def test_quantiles_have_their_levels(name):
    """The loss of each distribution is lowest at its own quantiles: shares of draws below them."""
    loss = made(name)
    rng = np.random.default_rng(4)
    outputs = rng.normal(size=(3, loss.n_outputs))
    scales = np.array([3.0, 20.0, 50.0])
    found = loss.quantiles(outputs, scales, LEVELS)
    assert found.shape == (3, 4)
    assert (np.diff(found) >= 0).all()
    n = 40_000
    for row in range(3):
        o, u = outputs[row], scales[row]
        if name == "normal":
            draws = rng.normal(o[0], np.exp(o[1]), n)
        elif name == "student_t":
            draws = o[0] + (softplus(o[1]) + 1e-3) * rng.standard_t(2 + softplus(o[2]), n)
        elif name == "negative_binomial":
            mean, alpha = u * softplus(o[0]) + 1e-3, softplus(o[1]) / np.sqrt(u) + 1e-3
            draws = rng.poisson(rng.gamma(1 / alpha, alpha * mean, n)) / u
        else:
            np.testing.assert_allclose(found, rising(outputs))
            return
        for level, quantile in zip(LEVELS, found[row], strict=True):
            assert (draws <= quantile + 1e-9).mean() >= level - 0.01
            assert (draws < quantile - 1e-9).mean() <= level + 0.01


def test_quantiles_between_the_trained_levels_are_on_lines_and_others_are_refused():
    loss = make_loss("quantiles", [0.1, 0.9])
    outputs = np.array([[0.3, 1.0, -0.2]])
    low, middle, high = loss.quantiles(outputs, np.ones(1), loss.levels)[0]
    found = loss.quantiles(outputs, np.ones(1), [0.1, 0.3, 0.5, 0.6, 0.9])[0]
    np.testing.assert_allclose(found, [low, (low + middle) / 2, middle, middle + (high - middle) / 4, high])
    assert loss.point(outputs, np.ones(1))[0] == middle
    with pytest.raises(InvalidArgumentError, match=r"expected levels from 0\.1 to 0\.9"):
        loss.quantiles(outputs, np.ones(1), [0.95])


def test_wrong_losses_and_levels_are_refused():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'huber'"):
        make_loss("hubr")
    with pytest.raises(InvalidArgumentError, match="expected levels for loss='quantiles'"):
        make_loss("quantiles")
    with pytest.raises(InvalidArgumentError, match="for no other"):
        make_loss("mae", [0.5])
    for level in (0.0, 1.0, -0.1, 80):
        with pytest.raises(InvalidArgumentError, match="levels"):
            make_loss("quantiles", [level])
    with pytest.raises(InvalidArgumentError, match="expected a loss with a distribution: quantiles, normal"):
        make_loss("mae").quantiles(np.zeros((1, 1)), np.ones(1), [0.5])


def test_log_gamma():
    x = np.concatenate([np.geomspace(1e-4, 1e5, 60), np.arange(1.0, 30)])
    found = keras.ops.convert_to_numpy(log_gamma(keras.ops.convert_to_tensor(x, dtype="float32")))
    np.testing.assert_allclose(found, special.gammaln(x), rtol=2e-6, atol=4e-6)
