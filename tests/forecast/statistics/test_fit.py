"""`fit_statistics`: arguments, threads, gaps, and series whose continuation is known."""

from __future__ import annotations

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.statistics import combine, fit_statistics, weigh
from tests.forecast.statistics.helpers import monthly, odd_series


def at(found, name, series=0):
    return found.forecasts[series, found.names.index(name)]


def test_any_number_of_threads_computes_the_same():
    rng = np.random.default_rng(1)
    series = [odd_series(rng) for _ in range(40)] + [monthly(50, seed=k) for k in range(10)]
    one = fit_statistics(series, 12, 6, fitted=True, workers=1)
    for workers in (2, 3):
        other = fit_statistics(series, 12, 6, fitted=True, workers=workers)
        for name in ("forecasts", "rolled", "criteria", "parameters", "fitted", "truth", "scale"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_shapes_origins_and_errors():
    series = [monthly(40), monthly(25, seed=1)]
    found = fit_statistics(series, 12, 6, n_origins=3, fitted=True)
    s, k, c, h = 2, 3, len(found.names), 6
    assert found.forecasts.shape == (s, c, h)
    assert found.rolled.shape == found.errors.shape == (s, k, c, h)
    assert found.criteria.shape == (s, k + 1, c)
    assert found.fitted.shape == (c, 65)
    assert found.backs.tolist() == [10, 8, 6]
    np.testing.assert_array_equal(found.truth[0, 0], series[0][30:36])
    np.testing.assert_array_equal(found.truth[1, 2], series[1][19:])
    # A rolled forecast knows nothing of what follows its origin.
    alone = fit_statistics([series[0][:30]], 12, 6, n_origins=0)
    np.testing.assert_allclose(found.rolled[0, 0], alone.forecasts[0], rtol=1e-12)


def test_values_after_an_origin_do_not_change_its_forecasts():
    y = monthly(48)
    later = y.copy()
    later[-12:] *= 3
    one, other = (fit_statistics([each], 12, 12, n_origins=1).rolled for each in (y, later))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_lines_seasons_and_growth_are_continued():
    t = np.arange(60.0)
    season = np.tile([3.0, -1.0, -4.0, 2.0], 18)
    line = fit_statistics([10 + 2 * t], 1, 3)
    np.testing.assert_allclose(at(line, "holt"), 10 + 2 * np.arange(60, 63), rtol=1e-6)
    seasonal = fit_statistics([10 + 2 * t + season[:60]], 4, 8)
    expected = 10 + 2 * np.arange(60, 68) + season[60:68]
    for name in ("ets_aaa", "seasonal_ar"):
        np.testing.assert_allclose(at(seasonal, name), expected, rtol=2e-3)
    growth = fit_statistics([np.exp(0.05 * t + 0.1 * season[:60])], 4, 8)
    expected = np.exp(0.05 * np.arange(60, 68) + 0.1 * season[60:68])
    for name in ("log_ets_aaa", "log_seasonal_ar"):
        np.testing.assert_allclose(at(growth, name), expected, rtol=5e-3)
    np.testing.assert_allclose(at(growth, "seasonal_naive"), np.tile(np.exp(0.05 * t + 0.1 * season[:60])[-4:], 2))


def test_smoothing_agrees_with_statsmodels_on_a_long_series():
    """Where the priors of this module weigh nothing."""
    pytest.importorskip("statsmodels")
    from statsmodels.tsa.holtwinters import ExponentialSmoothing, SimpleExpSmoothing

    rng = np.random.default_rng(3)
    e = rng.normal(size=600)
    y = 50 + 0.4 * np.concatenate(([0], np.cumsum(e)[:-1])) + e
    found = fit_statistics([y], 1, 4, n_origins=0)
    fitted = SimpleExpSmoothing(y, initialization_method="estimated").fit()
    np.testing.assert_allclose(
        found.parameters[0, found.names.index("ses"), 0], fitted.params["smoothing_level"], atol=0.01
    )
    np.testing.assert_allclose(at(found, "ses"), fitted.forecast(4), atol=0.02)
    seasonal = y + np.tile([8.0, -3.0, -9.0, 4.0], 150)
    found = fit_statistics([seasonal], 4, 8, n_origins=0)
    fitted = ExponentialSmoothing(seasonal, seasonal="add", seasonal_periods=4, initialization_method="estimated").fit()
    np.testing.assert_allclose(at(found, "ets_ana"), fitted.forecast(8), atol=0.15)


def test_forecasts_scale_with_the_series():
    y = monthly(60)
    found = fit_statistics([y, 1e-9 * y, 1e12 * y], 12, 6)
    for s, unit in ((1, 1e-9), (2, 1e12)):
        np.testing.assert_allclose(found.forecasts[s] / unit, found.forecasts[0], rtol=1e-5)
        np.testing.assert_allclose(found.scale[s] / unit, found.scale[0])


@pytest.mark.parametrize("period", [1, 12])
def test_a_gap_of_any_length_takes_no_longer_than_its_length(period):
    """A look for its end from each of its values would take minutes here."""
    y = np.full(600_000, np.nan)
    y[:60] = monthly(60)
    y[-60:] = monthly(60)
    (found,) = fit_statistics([y], period, 3, n_origins=0).forecasts
    assert np.isfinite(found[0]).all()


def test_missing_values_are_skipped():
    """A tenth of the values less changes forecasts little; errors there do not count."""
    whole = monthly(96, noise=0.02)
    gaps = whole.copy()
    gaps[[5, 17, 18, 19, 40, 41, 60, 75, 94]] = np.nan
    found = fit_statistics([whole, gaps], 12, 12, n_origins=1)
    names = (
        "naive",
        "seasonal_naive",
        "ses",
        "log_damped",
        "log_ets_ana",
        "log_ets_aada",
        "theta",
        "log_ar",
        "log_seasonal_ar",
    )
    for name in names:  # the season before is a year lower
        np.testing.assert_allclose(at(found, name, 1), at(found, name, 0), rtol=0.15, err_msg=name)
    assert np.isnan(found.truth[1, 0, 10])
    assert np.isnan(found.errors[1, 0, :, 10]).all()
    assert np.isfinite(found.errors[1, 0, 0, [9, 11]]).all()


@pytest.mark.parametrize("n", range(1, 16))
def test_short_series_have_what_they_support(n):
    y = monthly(n, period=4)
    found = fit_statistics([y], 4, 5)
    possible = {name for name, each in zip(found.names, found.possible[0], strict=True) if each}
    assert {"naive", "mean"} <= possible
    assert ("seasonal_naive" in possible) == (n >= 4)
    assert ("ses" in possible) == (n >= 3)
    assert ("holt" in possible) == (n >= 5)
    assert ("ets_ana" in possible) == (n >= 9)
    assert ("theta" in possible) == (n >= 6)
    assert np.isfinite(combine(found)).all()


def test_constant_series_stay_so():
    found = fit_statistics([np.full(40, 3.0), np.zeros(40), [5.0]], 12, 6)
    for s, value in enumerate((3.0, 0.0, 5.0)):
        known = found.forecasts[s][found.possible[s]]
        assert len(known) >= 2
        assert (known == value).all()
        assert combine(found)[s] == pytest.approx(value)


def test_a_floor_holds_for_all_forecasts():
    falling = 40 - np.arange(40.0) + np.random.default_rng(0).normal(size=40)
    free, held = fit_statistics([falling], 1, 12), fit_statistics([falling], 1, 12, floor=0, fitted=True)
    assert np.nanmin(free.forecasts) < 0
    assert np.nanmin(held.forecasts) == np.nanmin(held.rolled) == 0
    assert np.nanmin(held.fitted) >= 0


def test_an_explosion_is_bounded():
    y = np.r_[np.ones(20), np.exp(np.arange(10.0))]
    found = fit_statistics([y], 1, 30)
    assert np.nanmax(found.forecasts) <= y.max() + 3 * (y.max() - y.min())


def test_several_seasons_are_found():
    t = np.arange(24 * 7 * 5)
    day, week = 3 * np.sin(2 * np.pi * t / 24), 2 * np.cos(2 * np.pi * t / 168)
    y = 20 + day + week + 0.3 * np.random.default_rng(2).normal(size=len(t))
    found = fit_statistics([y[:-168]], [24, 168], 168, n_origins=0)
    truth = (20 + day + week)[-168:]
    only_day = fit_statistics([y[:-168]], 24, 168, n_origins=0)
    for name in ("ets_ana", "ses", "ar"):
        error = np.abs(at(found, name) - truth).mean()
        assert error < 0.4, name
        assert error < 0.5 * np.abs(at(only_day, name) - truth).mean(), name


def test_a_season_of_non_integer_length_keeps_its_phase():
    """Ten years of weeks: after them whole periods of 52 steps would be two weeks off."""
    t = np.arange(52 * 11)
    truth = 100 + 20 * np.sin(2 * np.pi * t / 52.18) + 8 * np.sin(6 * np.pi * t / 52.18)
    y = truth + np.random.default_rng(4).normal(size=len(t))
    found, whole = (fit_statistics([y[:-52]], period, 52, n_origins=0) for period in (52.18, 52))
    for name in ("ets_ana", "ses"):
        error = np.abs(at(found, name) - truth[-52:]).mean()
        assert error < 1.5, name
        assert error < 0.7 * np.abs(at(whole, name) - truth[-52:]).mean(), name


def test_no_series_and_no_origins():
    empty = fit_statistics([], 12, 3)
    assert empty.forecasts.shape == (0, 22, 3)
    assert combine(empty).shape == (0, 3)
    found = fit_statistics([monthly(30)], 12, 3, n_origins=0)
    assert found.rolled.shape == (1, 0, 22, 3)
    assert weigh(found).rate == 0


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        ([[1.0, np.inf]], {}, "series 0: value 1 is inf; expected finite"),
        ([[1.0], []], {}, "series 1 has no value"),
        ([[np.nan, np.nan]], {}, "series 0 has no value"),
        ([["a", "b"]], {}, "series 0: .*expected numbers"),
        ([[[1.0, 2.0]]], {}, r"series 0 has the shape \(1, 2\)"),
        ([1.0, 2.0], {}, r"series 0 has the shape \(\); .* given as \[y\]"),
        (5, {}, r"series=5; expected a sequence of series, \[y\]"),
        ([[1.0]], {"period": None}, "period=None; expected a number"),
        ([[1.0]], {"period": "x"}, "period='x'; expected a finite number"),
        ([[1.0]], {"period": 1.5}, "period=1.5; expected 1"),
        ([[1.0]], {"period": 0}, "period=0; expected a finite number >= 1"),
        ([[1.0]], {"period": [2, 3, 4, 5, 6]}, "5 periods; expected at most 4"),
        ([[1.0]], {"horizon": 0}, "horizon=0; expected an integer >= 1"),
        ([[1.0]], {"n_origins": -1}, "n_origins=-1; expected an integer >= 0"),
        ([[1.0]], {"workers": 0}, "workers=0; expected an integer from 1 to 4096"),
        ([[1.0]], {"floor": 2, "ceiling": 1}, "floor=2, ceiling=1"),
    ],
)
def test_bad_arguments_are_refused_with_a_remedy(series, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        fit_statistics(series, **options)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [4e307, 1e300, 1e-300, 1e-310, 5e-324])
def test_the_largest_and_smallest_numbers_end_in_finite_forecasts(unit):
    base = np.random.default_rng(0).uniform(-4, 4, 40)
    for y in (base * unit, np.abs(base) * unit, np.round(base) * unit, np.where(base > 2, unit, 0)):
        found = fit_statistics([y, np.arange(30.0)], 4, 6, n_origins=6, fitted=True)
        for array in (found.forecasts, found.rolled, found.errors, found.fitted, found.scale):
            assert not np.isinf(array).any()
        for weights in (None, "mean", "median"):
            assert np.isfinite(combine(found, weights)).all()
        assert not np.isinf(combine(found, rolled=True)).any()
