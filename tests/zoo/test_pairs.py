"""Every pair of windows and model that fits: a network that can only learn the right thing learns it.

The series have a period of 7 and independent values, so the value h steps ahead is determined by the steps before, but
the values of different h, and of the two features, are not correlated. A network that is trained on targets of another
step, or compared with broadcast ones, keeps an error of about the variance, which is 1.
"""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from keras import ops

from kerazoo import zoo
from kerazoo.batching import SequenceWindows
from kerazoo.errors import InvalidArgumentError
from kerazoo.training import fit

pytestmark = pytest.mark.backend

PERIOD, LOOKBACK, BOUND = 7, 8, 0.1
PATTERNS = np.random.default_rng(3).normal(size=(PERIOD, 2))
PATTERNS = (PATTERNS - PATTERNS.mean(axis=0)) / PATTERNS.std(axis=0)
LENGTH, TRAINED = 300, 250


def series_of(features, *, flat):
    values = np.resize(PATTERNS, (LENGTH, 2))[:, :features].astype("float32")
    return values[:, 0] if flat else values


def name_of(returns, horizon, features):
    words = ["gru_1x16", "seq2one" if returns == "last" else ""]
    words += [f"f{features}_o{features}" if features > 1 else "", f"h{horizon}" if horizon > 1 else ""]
    return "_".join(word for word in words if word)


def compiled(returns, horizon, features):
    model = zoo.build(name_of(returns, horizon, features), seed=1)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model


FAST = ((3, 2, False),)  # horizon, features, flat
CASES = [
    pytest.param(*case, marks=() if case in FAST else pytest.mark.slow, id=f"h{case[0]}-f{case[1]}-{case[2]}")
    for case in ((1, 1, True), (1, 1, False), (1, 2, False), (3, 1, True), (3, 1, False), (3, 2, False))
]


@pytest.mark.parametrize("returns", ["last", "sequence"])
@pytest.mark.parametrize(("horizon", "features", "flat"), CASES)
def test_the_right_steps_are_learned(returns, horizon, features, flat):
    series = series_of(features, flat=flat)
    target = "horizon" if returns == "last" else "sequence"
    windows = SequenceWindows(
        series[:TRAINED], LOOKBACK, horizon=horizon, target=target, batch_size=16, shuffle=True, seed=1
    )
    model = compiled(returns, horizon, features)
    fit(model, windows, epochs=25, verbose=0)

    # Later values, taken from the series by hand and not by SequenceWindows.
    ends = np.arange(TRAINED, LENGTH - horizon)
    x = np.stack([series_of(features, flat=False)[end - LOOKBACK : end] for end in ends])
    outputs = ops.convert_to_numpy(model(x))
    if returns == "sequence":
        outputs = outputs[:, -1]
    outputs = outputs.reshape(len(ends), horizon, features)
    expected = np.stack([series_of(features, flat=False)[end : end + horizon] for end in ends])
    errors = np.mean((outputs - expected) ** 2, axis=0)  # of each step ahead and feature
    assert errors.max() < BOUND
    # What a wrong pairing could reach at most: the values of another step or feature.
    for shift in range(1, PERIOD):
        shifted = np.stack([series_of(features, flat=False)[end - shift : end - shift + horizon] for end in ends])
        assert np.mean((shifted - expected) ** 2, axis=0).min() > 3 * BOUND


shared = functools.cache(compiled)


@pytest.mark.parametrize("features", [1, 2])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("returns", ["last", "sequence"])
@pytest.mark.parametrize("target", ["horizon", "sequence"])
@pytest.mark.parametrize("other", [1, 3])
def test_a_pair_that_does_not_fit_is_refused(returns, horizon, features, target, other):
    """All 32 pairs of a model and windows whose horizons and targets are equal or not."""
    series = series_of(features, flat=features == 1)
    windows = SequenceWindows(series, LOOKBACK, horizon=other, target=target, batch_size=16)
    model = shared(returns, horizon, features)
    x, y = windows[0]
    outputs = model(x[..., None] if features == 1 else x)
    compute = model.compute_loss
    if (target == "horizon") == (returns == "last") and horizon == other:
        assert np.isfinite(float(compute(x, y, outputs)))
        return
    with pytest.raises(InvalidArgumentError, match="targets have shape"):
        compute(x, y, outputs)
