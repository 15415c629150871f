"""A series longer than its statistics need: they are fitted by its end, and forecasts continue the whole of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster
from kerazoo.forecast import series_statistics
from kerazoo.forecast.data.panel import SeriesData

LIMIT = 240


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(series_statistics, "MOST_VALUES", LIMIT)
    assert series_statistics.most_values(12) == LIMIT


def walk(n=400, seed=1):
    rng = np.random.default_rng(seed)
    values = 50 + np.cumsum(rng.normal(0, 0.3, n)) + 3 * np.sin(np.arange(n) * np.pi / 6)
    return pd.Series(values, pd.period_range("1980-01", periods=n, freq="M"))


def fitted(y, **options):
    return Forecaster(horizon=6, epochs=0, seed=1, verbose=0, **options).fit(y)


def test_statistics_are_those_of_the_end(short_limit, tmp_path):
    y = walk()
    others = y.copy()
    others[: len(y) - LIMIT - 60] = walk(seed=2)[: len(y) - LIMIT - 60] * 2
    one, other = fitted(y), fitted(others)
    assert one.transforms_ == other.transforms_
    pd.testing.assert_frame_equal(one.statistics_, other.statistics_)
    found = one.predict(level=[80])
    assert np.abs(found["forecast"] - other.predict()).max() < 0.5  # what states remember of the others
    assert (found["lower_80"] < found["forecast"]).all()
    assert np.abs(found["forecast"] - y.iloc[-12:].mean()).max() < 10
    assert len(one.fitted_values()) == len(y)
    one.save(tmp_path / "model")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "model").predict(level=[80]), found)


def test_transforms_suit_the_values_before_the_end_too(short_limit):
    """A logarithm would suit the end alone, and the forecast continues the whole series."""
    growth = pd.Series(np.exp(np.arange(400) / 60.0) * (3 + np.sin(np.arange(400) * np.pi / 6)), walk().index)
    assert any(part["name"] == "log" for config, _ in fitted(growth).transforms_ for part in config)
    growth.iloc[3] = -1.0
    made = fitted(growth)
    assert not any(part["name"] == "log" for config, _ in made.transforms_ for part in config)
    assert np.isfinite(made.predict()).all()


def test_the_limit_hardly_changes_a_forecast(monkeypatch):
    y = walk()
    whole = fitted(y).predict()
    monkeypatch.setattr(series_statistics, "MOST_VALUES", LIMIT)
    assert 0 < np.abs(fitted(y).predict() - whole).max() < 0.5


def test_transforms_that_are_given_are_fitted_to_all_values(monkeypatch):
    """The line of a detrended series starts at its first date."""
    y = walk()
    whole = fitted(y, transforms=["detrend"]).predict()
    monkeypatch.setattr(series_statistics, "MOST_VALUES", LIMIT)
    pd.testing.assert_series_equal(fitted(y, transforms=["detrend"]).predict(), whole)


def test_covariates_belong_to_the_end_as_well(short_limit):
    y, rng = walk(), np.random.default_rng(3)
    x = pd.DataFrame({"x": rng.normal(size=len(y) + 6)}, pd.period_range("1980-01", periods=len(y) + 6, freq="M"))
    y = y + 5 * x["x"][: len(y)]
    made = Forecaster(horizon=6, epochs=0, seed=1, verbose=0).fit(y, x[: len(y)])
    assert made.covariate_effects_["coefficient"].abs().max() == pytest.approx(5, rel=0.1)
    assert np.ptp(made.predict(X_future=x[len(y) :]) - 5 * x["x"][len(y) :]) < 12


@pytest.mark.parametrize("n", [0, 1, 3, 5])
def test_the_last_steps_of_a_series(n):
    data = SeriesData("y", np.arange(3.0), pd.RangeIndex(3), np.arange(6.0).reshape(3, 2))
    found = data.last(n)
    first = 3 - min(n, 3)
    assert found.values.tolist() == data.values[first:].tolist()
    assert found.index.tolist() == data.index[first:].tolist()
    assert found.covariates.tolist() == data.covariates[first:].tolist()
    assert len(found.past) == len(found.values)
