"""Small series and forecasters for the tests of this package."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.forecast.nets.trainer import Learner

T = 60


@contextlib.contextmanager
def compiled_with(**options):
    """Networks that are trained with these arguments of `Model.compile`, on TensorFlow only."""
    compile_it = Learner.compile
    with pytest.MonkeyPatch.context() as patch:
        if keras.backend.backend() == "tensorflow":
            patch.setattr(Learner, "compile", lambda self, *args, **kwargs: compile_it(self, *args, **options))
        yield


def without_xla():
    """TensorFlow without XLA, which takes seconds to compile what runs for milliseconds."""
    return compiled_with(jit_compile=False)


def eagerly():
    """TensorFlow without graphs of the training, which take longer to trace than a few steps to run."""
    return compiled_with(run_eagerly=True)


def numbers(length=T, seed=0):
    """Months with a trend, a season and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    return 50 + 0.3 * t + 8 * np.sin(2 * np.pi * t / 12 + seed) + rng.normal(size=length)


def series(length=T, seed=0):
    return pd.Series(
        numbers(length, seed), pd.date_range("2015-01-01", periods=length, freq="MS", name="month"), name="sold"
    )


def frame(length=T):
    found = pd.DataFrame({name: series(length, seed) for seed, name in enumerate("ab")})
    return found.rename_axis(columns="shop")


def long(lengths=(T, T - 9)):
    parts = [
        series(length, seed).rename("y").rename_axis("ds").reset_index().assign(unique_id=f"shop {seed}")
        for seed, length in enumerate(lengths)
    ]
    return pd.concat(parts, ignore_index=True)


def covariates(length, start=0):
    rng = np.random.default_rng(7)
    index = pd.date_range("2015-01-01", periods=200, freq="MS", name="month")
    return pd.DataFrame({"price": rng.normal(size=200), "open": 1.0}, index)[start : start + length]


def tiny(model="gru_1x4", **changes):
    settings = {"n_members": 2, "epochs": 2, "steps_per_epoch": 2, "lookback": 12, "transforms": (), "seed": 1}
    return Forecaster(model, **{**settings, "verbose": 0, **changes})


def assert_equal(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True)
    else:
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def with_random_outputs(forecaster):
    """The forecaster with random output layers, so that its networks correct the statistics whatever they learned."""
    nets = forecaster._fitted.ensemble.nets
    for weight in (nets._kernel, nets._bias):
        weight.assign(np.random.default_rng(3).normal(size=weight.shape) * 0.5)
    return forecaster
