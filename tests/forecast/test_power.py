"""Box-Cox: its parameter, its inverse beyond the domain, and zeros."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kerazoo.forecast.transforms import BoxCox
from tests.forecast.transform_cases import series


def test_boxcox_is_that_of_scipy():
    y, index = series(200, seed=3), pd.RangeIndex(200)
    transform = BoxCox().fit(y, index)
    expected, lmbda = stats.boxcox(y)
    assert -1 < lmbda < 2
    assert transform.lmbda_ == pytest.approx(lmbda, abs=1e-5)
    np.testing.assert_allclose(transform.apply(y, index)[0], expected, rtol=1e-4)
    np.testing.assert_array_equal(BoxCox(0.3).fit(y, index).apply(y, index)[0], stats.boxcox(y, 0.3))


@pytest.mark.parametrize(("power", "expected"), [(0.2, 2.0), (-0.3, -1.0)])
def test_the_learned_lmbda_stays_in_bounds(power, expected):
    y = (100 + 10 * np.random.default_rng(4).normal(size=400)) ** power
    assert not -1 <= stats.boxcox_normmax(y, method="mle") <= 2
    transform = BoxCox().fit(y, pd.RangeIndex(400))
    assert transform.lmbda_ == expected


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_the_learned_lmbda_does_not_depend_on_the_unit(unit):
    y = series(90, seed=5)
    learned = [BoxCox().fit(each, pd.RangeIndex(90)).lmbda_ for each in (y, y * unit)]
    assert learned[1] == pytest.approx(learned[0], abs=1e-5)


def test_a_constant_series_has_lmbda_one():
    assert BoxCox().fit(np.full(9, 5.0), pd.RangeIndex(9)).lmbda_ == 1.0


@pytest.mark.parametrize("lmbda", [-1.0, -0.02, 0.0, 0.02, 0.5, 2.0])
@pytest.mark.filterwarnings("error")
def test_the_inverse_of_boxcox_is_finite_everywhere_and_rises(lmbda):
    y, index = series(20), pd.RangeIndex(20)
    transform = BoxCox(lmbda).fit(y, index)
    z = np.concatenate([np.linspace(-100, 100, 4001), [1e5, 1e200, -1e200, np.inf, -np.inf]])
    back = transform.undo(z, {}, pd.RangeIndex(len(z)))
    assert np.isfinite(back).all()
    assert (back >= 0).all()
    assert (np.diff(back[:4001]) >= 0).all() or lmbda < 0
    assert np.isnan(transform.undo([np.nan], {}, pd.RangeIndex(1))).all()
    if lmbda < 0:
        assert back[:4001][z[:4001] > -1.001 / lmbda].min(initial=1e300) >= 1e300
    if lmbda > 0:
        assert back[:4001][z[:4001] < -1.001 / lmbda].max(initial=0.0) < 1e-150


def test_boxcox_with_a_fixed_positive_lmbda_takes_zeros():
    y, index = np.array([0.0, 3.0, 0.0, 2.0]), pd.RangeIndex(4)
    for lmbda in (0.5, 1.0, 2.0):
        transform = BoxCox(lmbda).fit(y, index)
        z, tail = transform.apply(y, index)
        np.testing.assert_allclose(transform.undo(z, tail, index), y, atol=1e-150, rtol=1e-12)
