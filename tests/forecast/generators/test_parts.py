"""The parts of series have the properties that they promise, and stay finite for any allowed parameters."""

from __future__ import annotations

import importlib
from itertools import product

import numpy as np
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import generators as g
from kerazoo.forecast.generators.recursions import coefficients_of

BIG = 1e12
# Part -> the extremes of its parameters.
EXTREMES = {
    g.random_walk: {"drift": (-BIG, BIG), "sd": (0, BIG)},
    g.local_linear_trend: {"level_sd": (0, BIG), "slope_sd": (0, BIG), "damping": (0, 1), "slope": (-BIG, BIG)},
    g.piecewise_trend: {"n_breaks": (0, BIG), "slope_sd": (0, BIG)},
    g.growth_curve: {"rate": (1e-3, 1e3), "middle": (-10, 10), "curve": g.CURVES},
    g.ets: {
        "sd": (0, BIG), "alpha": (0, 1), "beta": (0, 1), "gamma": (0, 1), "damping": (0, 1), "slope": (-BIG, BIG),
        "error": ("additive", "multiplicative"), "season": ("additive", "multiplicative"), "period": (1, 3),
    },
    g.season: {"period": (1.01, 12, 1e9), "shape": g.SHAPES, "turn": (0, 1e3), "swell": (0, 10)},
    g.arma: {"ar": ([], [0.9999, -0.9999, 0.9999]), "ma": ([], [-0.9999, 0.9999])},
    g.seasonal_autoregression: {"period": (1, 7, 1e9), "coefficient": (-0.9999, 0.9999)},
    g.student: {"degrees": (2.05, 1e6)},
    g.garch: {"reaction": (0, 1), "persistence": (0, 0.9999)},
    g.stochastic_cycle: {"period": (2, BIG), "damping": (0, 0.9999), "smooth": (True, False)},
    g.ricker_map: {"rate": (0, 4), "sd": (0, 100)},
    g.level_shifts: {"n_shifts": (0, BIG), "sd": (0, BIG), "decay": (0, 1)},
    g.outliers: {"share": (0, 1), "sd": (0, BIG), "patch": (1, 1e6)},
    g.launch: {"start": (0, 1), "ramp": (0, 1e6)},
    g.counts: {"period": (1, 12), "mean": (0, 1e9), "dispersion": (0, 1e3), "zeros": (0, 1)},
    g.intermittent: {"period": (1, 12), "interval": (1, 1e9), "size": (1, 1e9), "spread": (0, 3)},
    g.gaussian_process: {"period": (1, 1e9), "most_kernels": (1, 20), "n_features": (1, 200)},
}  # fmt: skip


def rng(seed=1):
    return np.random.default_rng(seed)


def correlation(y, lag):
    """Mean over the series of the autocorrelation at a lag."""
    y = y - y.mean(axis=1, keepdims=True)
    return float(np.mean((y[:, lag:] * y[:, :-lag]).mean(axis=1) / (y**2).mean(axis=1)))


def needed(part):
    return {"period": 12} if part in (g.season, g.seasonal_autoregression) else {}


@pytest.mark.parametrize("part", EXTREMES, ids=lambda part: part.__name__)
@pytest.mark.filterwarnings("error")
def test_extreme_parameters_give_finite_series(part):
    extremes = EXTREMES[part]
    for values in product(*extremes.values()):
        y = part(rng(), 3, 60, **dict(zip(extremes, values, strict=True)))
        assert y.shape == (3, 60)
        assert np.isfinite(y).all(), dict(zip(extremes, values, strict=True))


@pytest.mark.parametrize("part", EXTREMES, ids=lambda part: part.__name__)
def test_no_series_one_step_and_repeated_seeds(part):
    assert part(rng(), 0, 5, **needed(part)).shape == (0, 5)
    assert part(rng(), 4, 1, **needed(part)).shape == (4, 1)
    first, same, other = (part(rng(seed), 3, 50, **needed(part)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("part", EXTREMES, ids=lambda part: part.__name__)
def test_bad_parameters_are_refused(part):
    with pytest.raises(InvalidArgumentError, match=r"rng=1; expected a numpy\.random\.Generator"):
        part(1, 3, 5, **needed(part))
    with pytest.raises(InvalidArgumentError, match="length=0"):
        part(rng(), 3, 0, **needed(part))
    for name, values in EXTREMES[part].items():
        if isinstance(values[0], bool | list | str):
            continue
        for wrong in (values[0] - 20, 1e13, np.nan):
            with pytest.raises(InvalidArgumentError, match=f"{name}="):
                part(rng(), 3, 5, **{**needed(part), name: wrong})


def test_parameters_of_each_series_are_theirs():
    y = g.random_walk(rng(), 3, 5, drift=[1.0, 2.0, -1.0], sd=0.0)
    np.testing.assert_array_equal(y[:, -1], [4.0, 8.0, -4.0])
    with pytest.raises(InvalidArgumentError, match=r"drift of shape \(2,\); expected a number, or shape \(3,\)"):
        g.random_walk(rng(), 3, 5, drift=[1.0, 2.0])
    with pytest.raises(InvalidArgumentError, match="drift='fast'; expected numbers"):
        g.random_walk(rng(), 3, 5, drift="fast")


def test_walks_have_the_variance_of_their_steps():
    y = g.random_walk(rng(), 4000, 26, drift=0.3, sd=2.0)
    assert y[:, -1].mean() == pytest.approx(25 * 0.3, abs=0.6)
    assert y[:, -1].std() == pytest.approx(10.0, rel=0.05)


def test_damped_trends_level_off():
    y = g.local_linear_trend(rng(), 50, 200, level_sd=0, slope_sd=0, damping=0.9, slope=1.0)
    np.testing.assert_allclose(y[:, -1], 10.0, atol=1e-6)
    undamped = g.local_linear_trend(rng(), 5, 200, level_sd=0, slope_sd=0, damping=1, slope=1.0)
    np.testing.assert_allclose(undamped, np.broadcast_to(np.arange(200.0), (5, 200)))


def test_piecewise_trends_break_as_often_as_asked():
    y = g.piecewise_trend(rng(), 500, 300, n_breaks=4, slope_sd=1.0)
    breaks = (np.abs(np.diff(y, 2)) > 1e-9).sum(axis=1)
    assert breaks.mean() == pytest.approx(4.0, abs=0.4)


@pytest.mark.parametrize("curve", g.CURVES)
def test_growth_curves_stay_between_0_and_1(curve):
    y = g.growth_curve(rng(), 200, 80, curve=curve)
    assert y.min() >= 0
    assert y.max() <= 1
    rises = np.diff(y) >= -1e-12
    assert rises.all() != (curve == "life_cycle")


def test_ets_follows_its_equations():
    """A reference of one series, step by step, from the shocks that sd=1 and alpha=0 show."""
    shocks = g.ets(rng(), 1, 40, error="additive", season="none", sd=1.0, alpha=0, beta=0, damping=0, slope=0)[0] - 1.0
    y = g.ets(rng(), 1, 40, error="additive", season="none", sd=1.0, alpha=0.4, beta=0.1, damping=0.9, slope=0.5)[0]
    level, trend = 1.0, 0.5
    for value, shock in zip(y, shocks, strict=True):
        base = level + 0.9 * trend
        assert value == pytest.approx(base + shock)
        level, trend = base + 0.4 * shock, 0.9 * trend + 0.1 * shock


def test_multiplicative_ets_is_positive_and_its_error_grows_with_the_level():
    y = g.ets(rng(), 2000, 2, 12, error="multiplicative", season="multiplicative", sd=0.1, slope=0, damping=0)
    assert (y > 0).all()
    small = g.ets(rng(), 4000, 1, error="multiplicative", season="none", sd=0.1, slope=0, damping=1)
    large = g.ets(rng(), 4000, 1, error="multiplicative", season="none", sd=0.1, slope=9, damping=1)
    assert large.std() == pytest.approx(10 * small.std(), rel=1e-6)


@pytest.mark.parametrize("shape", g.SHAPES)
@pytest.mark.parametrize("period", [4, 12, 7.5, 52.18])
def test_seasons_repeat_after_their_period(shape, period):
    y = g.season(rng(), 100, 2000, period, shape=shape, turn=0, swell=0)
    if period == 52.18:
        assert correlation(y, 52) > 0.6
        assert correlation(y, 26) < 0.6
        return
    whole = round(period * 2) if period == 7.5 else period
    np.testing.assert_allclose(y[:, whole:], y[:, :-whole])
    assert correlation(y, round(period / 2)) < 0.6
    assert correlation(y, whole - 1) < 0.9


def test_smooth_seasons_have_few_harmonics_and_free_ones_all():
    smooth = np.abs(np.fft.rfft(g.season(rng(), 200, 24, 24, shape="smooth", turn=0, swell=0)))
    free = np.abs(np.fft.rfft(g.season(rng(), 200, 24, 24, shape="free", turn=0, swell=0)))
    np.testing.assert_allclose(smooth[:, 7:], 0.0, atol=1e-9)
    assert (free[:, 7:] ** 2).sum() > 0.4 * (free**2).sum()


def test_seasons_that_turn_keep_their_size_and_change_their_shape():
    y = g.season(rng(), 300, 12 * 50, 12, turn=2.0, swell=0)
    first, last = y[:, :12], y[:, -12:]
    alike = (first * last).mean(axis=1)
    assert last.std(axis=1).mean() == pytest.approx(1.0, abs=0.15)
    assert alike.mean() < 0.6
    assert (y[:, :12] * y[:, 12:24]).mean(axis=1).mean() > 0.9


def test_partial_autocorrelations_give_stationary_processes():
    partial = rng().uniform(-0.99, 0.99, (500, 6))
    for row in coefficients_of(partial):
        roots = np.roots(np.r_[1.0, -row])
        assert np.abs(roots).max() < 1
    # The autocorrelations of an AR(2) are known.
    c = coefficients_of(np.array([[0.6, -0.3]]))[0]
    assert c[0] / (1 - c[1]) == pytest.approx(0.6)


def test_arma_has_the_autocorrelations_of_its_process():
    y = g.arma(rng(), 200, 2000, ar=[0.7], ma=[])
    assert [correlation(y, lag) for lag in (1, 2, 3)] == pytest.approx([0.7, 0.49, 0.343], abs=0.02)
    assert y.std() == pytest.approx(1.0, abs=0.02)
    moving = g.arma(rng(), 200, 2000, ar=[], ma=[-0.5])
    assert correlation(moving, 1) == pytest.approx(0.5 / 1.25, abs=0.02)
    assert correlation(moving, 2) == pytest.approx(0.0, abs=0.02)


def test_seasonal_autoregressions_remember_the_season():
    y = g.seasonal_autoregression(rng(), 200, 1200, 12, coefficient=0.8)
    assert correlation(y, 12) == pytest.approx(0.8, abs=0.03)
    assert correlation(y, 5) == pytest.approx(0.0, abs=0.03)
    assert y[:, :12].std() == pytest.approx(1.0, abs=0.05)


def test_student_has_heavy_tails_and_unit_variance():
    y = g.student(rng(), 100, 5000, degrees=5)
    assert y.std() == pytest.approx(1.0, abs=0.03)
    assert (y**4).mean() > 5
    assert (g.student(rng(), 100, 5000, degrees=1e5) ** 4).mean() == pytest.approx(3.0, abs=0.1)


def test_garch_has_volatility_that_lasts():
    y = g.garch(rng(), 300, 2000, reaction=0.2, persistence=0.95)
    assert abs(correlation(y, 1)) < 0.02
    assert correlation(y**2, 1) > 0.15
    steady = g.garch(rng(), 300, 2000, reaction=0, persistence=0.5)
    assert abs(correlation(steady**2, 1)) < 0.02
    assert y.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("smooth", [True, False])
def test_cycles_peak_at_their_period(smooth):
    y = g.stochastic_cycle(rng(), 200, 1024, period=32, damping=0.98, smooth=smooth)
    spectrum = (np.abs(np.fft.rfft(y)) ** 2).mean(axis=0)
    assert np.argmax(spectrum[1:]) + 1 == pytest.approx(32, abs=2)
    assert y[:, 500:].std() == pytest.approx(1.0, abs=0.1)


def test_the_ricker_map_settles_or_never_does():
    calm, wild = (g.ricker_map(rng(), 20, 400, rate=rate, sd=0)[:, -100:] for rate in (1.5, 3.0))
    np.testing.assert_allclose(calm, 1.0, atol=1e-6)
    assert all(len(np.unique(row.round(6))) > 50 for row in wild)


def test_events_come_as_often_as_asked():
    shifts = g.level_shifts(rng(), 1000, 200, n_shifts=2, decay=1)
    assert (np.diff(shifts) != 0).sum(axis=1).mean() == pytest.approx(2.0, abs=0.2)
    np.testing.assert_array_equal(shifts[:, 0], 0)
    fading = g.level_shifts(rng(), 1000, 200, n_shifts=2, decay=0.5)
    assert np.abs(fading).mean() < 0.2 * np.abs(shifts).mean()
    single = g.outliers(rng(), 500, 400, share=0.02, patch=1)
    assert (single != 0).mean() == pytest.approx(0.02, abs=0.003)
    patches = g.outliers(rng(), 500, 400, share=0.02, patch=5)
    assert (patches != 0).mean() == pytest.approx(0.09, abs=0.02)  # some overlap


def test_launches_are_zero_before_and_full_long_after():
    y = g.launch(rng(), 3, 100, start=[0.0, 0.25, 1.0], ramp=2.0)
    assert [(row == 0).sum() for row in y] == [0, 25, 100]
    np.testing.assert_allclose(y[:2, -1], 1.0)
    assert (np.diff(y[1, 25:45]) > 0).all()


def test_saturation_cuts_the_share_that_is_asked():
    y = rng().random((20, 1001))
    cut = g.saturate(y, 0.2)
    np.testing.assert_array_equal((cut < y).sum(axis=1), 200)
    assert (cut <= y).all()
    np.testing.assert_array_equal(g.saturate(y, 0.0), y)
    with pytest.raises(InvalidArgumentError, match=r"values of shape \(3,\)"):
        g.saturate(np.ones(3), 0.1)


def test_rounded_values_are_decimal_numbers():
    y = np.array([[12.3456, -0.0449], [123456.0, 1e300]])
    np.testing.assert_array_equal(g.round_values(y, [2, -2]), [[12.35, -0.04], [123500.0, 1e300]])
    np.testing.assert_array_equal(g.round_values(np.array([[1e300]]), 15), [[1e300]])


def test_counts_have_the_mean_the_variance_and_the_zeros_that_are_asked():
    y = g.counts(rng(), 200, 2000, mean=4.0, dispersion=0.5, zeros=0.0, steady=True)
    np.testing.assert_array_equal(y, np.rint(y))
    assert y.mean() == pytest.approx(4.0, rel=0.02)
    assert y.var() == pytest.approx(4.0 + 0.5 * 16, rel=0.05)
    zeros = g.counts(rng(), 200, 2000, mean=4.0, dispersion=0.0, zeros=0.4, steady=True)
    assert (zeros == 0).mean() == pytest.approx(0.4 + 0.6 * np.exp(-4), abs=0.01)


def test_intermittent_demand_has_the_interval_and_the_size_that_are_asked():
    y = g.intermittent(rng(), 200, 2000, interval=5, size=9, spread=0.5, steady=True)
    orders = y[y > 0]
    assert (y > 0).mean() == pytest.approx(0.2, abs=0.005)
    assert np.median(orders) == pytest.approx(9, abs=0.5)
    np.testing.assert_array_equal(y, np.rint(y))


def test_gaussian_processes_have_the_covariance_of_their_kernels(monkeypatch):
    """One kernel alone: the autocorrelation at a period is 1 for a periodic one, and 0 for white noise."""
    module = processes()
    for name, expected in (("periodic", 1.0), ("white", 0.0)):
        monkeypatch.setattr(module, "KERNELS", {each: float(each == name) for each in g.KERNELS})
        monkeypatch.setattr(module, "_periods", lambda rng, n_series, length, period: np.full(n_series, 12.0))
        y = g.gaussian_process(rng(), 300, 240, 12, most_kernels=1)
        y = y[y.std(axis=1) > 0]
        shift = np.mean([np.corrcoef(row[12:], row[:-12])[0, 1] for row in y])
        assert shift == pytest.approx(expected, abs=0.02), name


def test_waves_are_those_of_the_definition():
    """The product of matrices is the sum of cosines and sines, term by term."""
    module = processes()
    frequency = rng(3).normal(size=(4, 7))
    power, white = np.zeros((4, 7), int), np.zeros((4, 7), bool)
    fast = module._waves(rng(), frequency, power, white, 23)
    a, b = rng().standard_normal((2, 4, 7)) / np.sqrt(7)
    angle = frequency[:, None, :] * np.arange(23)[:, None]
    slow = (a[:, None] * np.cos(angle) + b[:, None] * np.sin(angle)).sum(axis=2)
    np.testing.assert_allclose(fast, slow, atol=1e-10)


def test_frequencies_of_rbf_and_periodic_kernels_have_their_characteristic_functions(monkeypatch):
    module = processes()
    monkeypatch.setattr(module, "log_uniform", lambda rng, low, high, size: np.full(size, 0.5))
    monkeypatch.setattr(module, "_periods", lambda rng, n_series, length, period: np.full(n_series, 12.0))
    lag, length, names = 3.0, 20, {name: number for number, name in enumerate(module.KERNELS)}
    scale = 0.5 * length
    expected = {
        "rbf": np.exp(-0.5 * (lag / scale) ** 2),
        "rational_quadratic": (1 + lag**2 / (2 * 0.5 * scale**2)) ** -0.5,
        "periodic": np.exp(-2 * np.sin(np.pi * lag / 12) ** 2 / 0.5**2),
        "constant": 1.0,
    }
    for name, kernel in expected.items():
        frequency = module._frequencies(rng(), np.full(40, names[name]), length, 5000, 12)
        assert np.cos(frequency * lag).mean() == pytest.approx(kernel, abs=0.01), name


def processes():
    return importlib.import_module("kerazoo.forecast.generators.gaussian_processes")
