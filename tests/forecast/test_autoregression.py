"""Autoregressions: the ridge regression, its penalty, and its recursive forecasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kerazoo.forecast.transforms.autoregression import RIDGES, Autoregression
from tests.forecast.transform_cases import MONTHLY, series


def design(y, lags, period, index):
    """Inputs and targets of the regression, one row per value, for y scaled to mean 0 and variance 1."""
    scaled = (y - y.mean()) / y.std()
    columns = [scaled[lags - k : len(y) - k] for k in range(1, lags + 1)]
    if period:
        steps = np.arange(len(index))[lags:]
        for harmonic in range(1, min(2, period // 2) + 1):
            phase = 2 * np.pi * harmonic * steps / period
            columns += [np.cos(phase)] if 2 * harmonic == period else [np.sin(phase), np.cos(phase)]
    return np.stack(columns, axis=1), scaled[lags:]


def ridge_by_hand(x, t, penalty):
    """(weights, constant, generalised cross-validation), from the hat matrix."""
    n = len(t)
    middle = np.full((n, n), 1 / n)
    centred = x - x.mean(axis=0)
    inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(x.shape[1]))
    weights = inverse @ centred.T @ (t - t.mean())
    hat = middle + centred @ inverse @ centred.T
    rest = t - hat @ t
    score = (rest @ rest / n) / (1 - np.trace(hat) / n) ** 2
    return weights, t.mean() - x.mean(axis=0) @ weights, score


@pytest.mark.parametrize(
    ("length", "lags", "period", "noise"),
    [(90, 1, None, 0.1), (90, 6, None, 3.0), (90, 5, 4, 0.5), (90, 12, 12, 20.0), (16, 1, None, 0.1), (16, 5, 4, 0.5)],
)
@pytest.mark.parametrize("seed", [9, 11])
def test_an_autoregression_is_the_ridge_regression_of_least_cross_validation(length, lags, period, noise, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    y = 40 + 3 * np.sin(t / 3) + 2 * np.cos(2 * np.pi * t / 12) + noise * rng.normal(size=length)
    index = MONTHLY["MS"](length)
    fitted = Autoregression(lags, period).fit(y, index)
    x, target = design(y, lags, period, index)
    found = {penalty: ridge_by_hand(x, target, penalty) for penalty in RIDGES}
    assert fitted.ridge_ == min(RIDGES, key=lambda penalty: found[penalty][2])
    weights, constant, _ = found[fitted.ridge_]
    np.testing.assert_allclose(fitted.coefficients_, weights[:lags], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fitted.seasonal_, y.std() * weights[lags:], rtol=1e-8, atol=1e-10)
    z, _ = fitted.apply(y, index)
    np.testing.assert_allclose(z[lags:], y.std() * (target - constant - x @ weights), rtol=1e-7, atol=1e-9)


def test_noise_is_penalised_more_than_a_wave():
    rng = np.random.default_rng(9)
    wave = np.sin(np.arange(80) / 2) + 0.01 * rng.normal(size=80)
    ridges = [Autoregression(8).fit(y, pd.RangeIndex(80)).ridge_ for y in (wave, rng.normal(size=80))]
    assert ridges[0] < 1 < 30 < ridges[1]


def test_nothing_added_is_the_autoregression_on_its_own_forecasts():
    y, index = series(60), MONTHLY["MS"](90)
    fitted = Autoregression(4, period=12).fit(y, index[:60])
    _, tail = fitted.apply(y, index[:60])
    state = fitted.get_state()
    path = list(y)
    for step in range(60, 90):
        phase = 2 * np.pi * step / 12
        terms = [np.sin(phase), np.cos(phase), np.sin(2 * phase), np.cos(2 * phase)]
        lagged = sum(state["coefficients_"][k - 1] * path[-k] for k in range(1, 5))
        path.append(state["constant_"] + lagged + float(np.dot(state["seasonal_"], terms)))
    np.testing.assert_allclose(fitted.undo(np.zeros(30), tail, index[60:]), path[60:], rtol=1e-9)


def test_an_explosive_autoregression_stays_within_ten_widths():
    y = 1.3 ** np.arange(30)
    fitted = Autoregression(1).fit(y, pd.RangeIndex(30))
    assert fitted.coefficients_[0] > 1.2
    _, tail = fitted.apply(y, pd.RangeIndex(30))
    path = fitted.undo(np.zeros(100), tail, pd.RangeIndex(30, 130))
    assert path[-1] == pytest.approx(y.max() + 10 * np.ptp(y), rel=1e-12)
    # The output of a network is added, and is not fed back beyond the bound.
    assert fitted.undo(np.full(100, 5.0), tail, pd.RangeIndex(30, 130))[-1] == pytest.approx(path[-1] + 5)


def test_a_constant_series_is_its_own_forecast():
    y, index = np.full(20, 7.0), pd.RangeIndex(20)
    fitted = Autoregression(3, period=4).fit(y, index)
    z, tail = fitted.apply(y, index)
    np.testing.assert_array_equal(z[3:], 0)
    np.testing.assert_array_equal(fitted.undo(np.zeros(5), tail, pd.RangeIndex(20, 25)), 7)
