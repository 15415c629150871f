"""Seasons and logarithms of series: found, taken out and put back."""

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.adjustment import adjust
from kerazoo.forecast.global_nets.seasons import is_seasonal, seasonal_indices
from kerazoo_ext import _panel_windows


def m4_test(y, m):
    """The test as in the code of the M4 competition, lag by lag."""
    y = y - y.mean()
    r = [np.sum(y[lag:] * y[: len(y) - lag]) / np.sum(y * y) for lag in range(1, m + 1)]
    limit = 1.645 * np.sqrt((1 + 2 * sum(each**2 for each in r[: m - 1])) / len(y))
    return abs(r[m - 1]) > limit


def test_the_season_test_is_that_of_the_m4_competition():
    rng = np.random.default_rng(0)
    found = []
    for strength in (0.0, 0.3, 0.6, 1.0):
        for n in (24, 36, 61):
            y = rng.normal(size=n) + strength * np.sin(np.arange(n) * np.pi / 6)
            found.append(is_seasonal(y, 12))
            assert found[-1] == (n >= 36 and m4_test(y, 12))
    assert 0 < sum(found) < len(found)


@pytest.mark.parametrize("period", [3, 4, 12])
@pytest.mark.parametrize("multiplicative", [True, False])
def test_classical_decomposition_recovers_the_indices_of_a_line(period, multiplicative):
    true = np.linspace(-0.3, 0.4, period)
    true = np.exp(true - true.mean()) if multiplicative else true - true.mean()
    n = 6 * period + 1
    trend = np.full(n, 50.0) if multiplicative else 10 + 0.5 * np.arange(n)
    season = true[np.arange(n) % period]
    y = trend * season if multiplicative else trend + season
    found = seasonal_indices(y, period, multiplicative=multiplicative)
    if multiplicative:  # the moving average is the arithmetic mean of a season
        np.testing.assert_allclose(found / found[0], true / true[0], rtol=1e-9)
    else:
        np.testing.assert_allclose(found, true, atol=1e-9)
    with_gap = y.copy()
    with_gap[2 * period] = np.nan
    np.testing.assert_allclose(
        seasonal_indices(with_gap, period, multiplicative=multiplicative), found, rtol=0.3, atol=0.1
    )


def test_forecasts_come_back_in_the_phase_and_the_units_of_each_series():
    rng = np.random.default_rng(1)
    season = np.array([1.0, 2.0, 0.5, 0.7])
    lengths = (40, 41, 43)
    made = [100 * np.tile(season, 20)[: n + 6] * np.exp(0.01 * rng.normal(size=n + 6)) for n in lengths]
    mixed = [*made, made[0] - 300, made[0][:13]]
    panel = adjust([y[: len(y) - 6] for y in mixed], 4)
    assert panel.kinds.tolist() == [_panel_windows.LOGARITHMS] * 3 + [_panel_windows.VALUES, _panel_windows.LOGARITHMS]
    last = panel.values[panel.offsets[1:] - 1]
    found = panel.undo(np.repeat(last[:, None], 6, axis=1))
    for y, row in zip(mixed[:4], found, strict=False):
        np.testing.assert_allclose(row, y[-6:], rtol=0.2, atol=10)
    assert np.ptp(found[4]) == pytest.approx(0, abs=1e-9)  # 7 values: too short for a season
    later = panel.undo(np.repeat(last[:, None], 3, axis=1), first=3)
    np.testing.assert_allclose(later, found[:, 3:])
    quantiles = panel.undo(np.repeat(last[:, None, None], 6, axis=1) + np.zeros(3))
    np.testing.assert_allclose(quantiles, np.repeat(found[:, :, None], 3, axis=2))


def test_undo_is_the_inverse_also_with_gaps():
    rng = np.random.default_rng(2)
    for shift in (0, 200):
        y = 100 + 30 * np.sin(np.arange(60) * np.pi / 6) + rng.normal(size=60) - shift
        y[[3, 30]] = np.nan
        panel = adjust([y], 12)
        assert panel.seasons.any()
        # 60 steps are five seasons, so that the phase after the end is that of the start.
        np.testing.assert_allclose(panel.undo(panel.values[None]), y[None], rtol=1e-12)


def test_counts_stay_as_they_are():
    y = [0.0, 3.0, np.nan, 1.0] * 6
    panel = adjust([y], 4, counts=True)
    np.testing.assert_array_equal(panel.values, y)
    assert panel.kinds.tolist() == [_panel_windows.COUNTS]


def test_forecasts_stay_finite():
    panel = adjust([[1.0, 2.0, 3.0]])
    assert np.isfinite(panel.undo(np.array([[1e6, -1e6]]))).all()


@pytest.mark.parametrize(
    ("series", "counts", "message"),
    [
        ([], False, "no series; expected at least one"),
        ([[1.0, 2.0], [np.nan, np.nan]], False, "series 1 has no value"),
        ([[]], False, "series 0 has no value"),
        ([[1.0, np.inf]], False, "series 0: value 1 is inf"),
        ([[1.0, -1e200]], False, "value 1 is -1e\\+200"),
        ([[[1.0, 2.0]]], False, "series 0 has the shape \\(1, 2\\)"),
        ([["a"]], False, "series 0: the dtype is <U"),
        ([[1.0, -2.0]], True, "value 1 is -2.0; expected whole numbers >= 0"),
        ([[1.0, 2.5]], True, "value 1 is 2.5; expected whole numbers"),
    ],
)
def test_bad_series_are_refused(series, counts, message):
    with pytest.raises(InvalidArgumentError, match=message):
        adjust(series, counts=counts)
