"""Fitted forecasters that many tests share: each strategy, each form of series, each kind of interval."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.forecast.helpers import (
    T,
    covariates,
    eagerly,
    frame,
    long,
    numbers,
    series,
    tiny,
    with_random_outputs,
    without_xla,
)


@pytest.fixture
def uncompiled():
    """TensorFlow without graphs of the training, for a few steps; `test_backends.py` has graphs and XLA, too."""
    with eagerly():
        yield


@pytest.fixture
def graphs():
    """TensorFlow without XLA: quicker than `uncompiled` for trainings of more than about ten steps."""
    with without_xla():
        yield


@pytest.fixture(scope="session")
def main():
    with eagerly():
        return tiny(transforms="auto", calendar=("month",)).fit(series())


@pytest.fixture(scope="session")
def plain():
    """Networks without statistics, on numbers without dates; nothing is held out."""
    with eagerly():
        return tiny(transforms=["difference"]).fit(numbers(), val=0)


@pytest.fixture(scope="session")
def panel():
    made = tiny(strategy="mean", horizon=3, transforms=["log", {"name": "difference", "lag": 12}])
    with eagerly():
        return with_random_outputs(made.fit(frame(), X=covariates(T)))


@pytest.fixture(scope="session")
def direct():
    with eagerly():
        return with_random_outputs(tiny(strategy="direct", horizon=3, transforms="exponential_smoothing").fit(long()))


@pytest.fixture(scope="session")
def normal():
    index = pd.period_range("2015-01", periods=T, freq="M", name="month")
    with eagerly():
        return tiny(loss="normal", transforms=["difference"]).fit(pd.Series(numbers(), index, name="sold"), val=8)


@pytest.fixture(scope="session")
def backtested():
    with eagerly():
        return tiny(transforms=["difference"]).cross_validation(
            series(), horizon=4, n_windows=2, step=3, refit=False, level=0.8
        )
