"""What each kind of further inputs gains on panels whose series depend on it, on any backend."""

import numpy as np
import pytest

from kerazoo.forecast.global_nets import Inputs, fit_global_net, forecast

pytestmark = [pytest.mark.backend, pytest.mark.slow]

H, LENGTH, S = 4, 60, 40


def errors(history, future, given=None, ahead=(), lookback=8):
    """Mean absolute errors of logarithms, of a network trained on the histories; with other inputs for each `ahead`."""
    net = fit_global_net(history, H, model="gru_1x16", n_nets=1, steps=300, batch_size=64, learning_rate=1e-2,
                         lookback=lookback, seed=1, inputs=given)  # fmt: skip
    return [np.abs(np.log(forecast(net, history, inputs=each) / future)).mean() for each in (given, *ahead)]


def test_past_covariates():
    """A leading indicator: growth is that of the covariate four steps before."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(S, LENGTH + H))
    growth = 0.1 * np.roll(x, 4, axis=1) + 0.01 * rng.normal(size=x.shape)
    y = np.exp(growth.cumsum(axis=1))
    history, future = list(y[:, :LENGTH]), y[:, LENGTH:]
    (of_past,) = errors(history, future, Inputs(past=[row[:LENGTH, None] for row in x]))
    (plain,) = errors(history, future)
    assert of_past < 0.4 * plain


def test_known_covariates():
    """Events raise a series."""
    rng = np.random.default_rng(1)
    event = (rng.random((S, LENGTH + H)) < 0.3) * rng.uniform(0.3, 0.5, (S, LENGTH + H))
    y = np.exp(event + 0.05 * rng.normal(size=event.shape))
    history, future = list(y[:, :LENGTH]), y[:, LENGTH:]
    known = [row[:, None] for row in event]
    (plain,) = errors(history, future)
    (of_known,) = errors(history, future, Inputs(known=known))
    assert of_known < 0.5 * plain


def test_categories_and_static_numbers():
    """Series of two kinds grow and shrink, faster the larger a number; a window of two noisy steps hardly tells."""
    rng = np.random.default_rng(2)
    kind, speed = np.arange(S) % 2, rng.uniform(0.2, 1.8, S)
    growth = 0.1 * speed * np.where(kind == 1, 1, -1)
    y = np.exp(growth[:, None] * np.arange(LENGTH + H) + 0.06 * rng.normal(size=(S, LENGTH + H)))
    history, future = list(y[:, :LENGTH]), y[:, LENGTH:]
    kinds = [["up" if each else "down"] for each in kind]
    unknown = Inputs(categories=[[None]] * S)
    (plain,) = errors(history, future, lookback=2)
    of_kind, of_unknown = errors(history, future, Inputs(categories=kinds), [unknown], lookback=2)
    (of_both,) = errors(history, future, Inputs(categories=kinds, static=speed[:, None]), lookback=2)
    assert of_kind < 0.87 * plain
    assert of_both < 0.92 * of_kind
    assert of_unknown < 1.1 * plain  # as good as a network that knows no kinds
