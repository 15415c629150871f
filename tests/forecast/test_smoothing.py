"""Exponential smoothing: the kernel against a NumPy reference, the optimality of the fit, Holt-Winters forecasts."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError, NotFittedError
from kerazoo.forecast.transforms import Chain, Difference, Log, PerDay
from kerazoo.forecast.transforms.smoothing import DAMPING, LEAST_ALPHA, ExponentialSmoothing
from kerazoo_ext import _smoothing

WEIGHTS = [(0.3, 0.1, 0.2, 1.0), (0.9975, 0.0, 0.0, 0.9), (0.05, 0.05, 0.95, 0.8), (0.6, 0.2, 0.0, 1.0)]


def filter_reference(y, alpha, beta, gamma, phi, states):
    """`_smoothing.innovations`, as a NumPy reference: innovations (T, C), and the last states (2 + m, C)."""
    level, slope, *seasons = (row.copy() for row in states)
    innovations = []
    for t, value in enumerate(y):
        place = t % len(seasons)
        values = np.zeros(states.shape[1])
        values[0] = value
        error = values - (level + phi * slope + seasons[place])
        level, slope = level + phi * slope + alpha * error, phi * slope + beta * error
        seasons[place] = seasons[place] + gamma * error
        innovations.append(error)
    return np.array(innovations), np.stack([level, slope, *seasons])


def least_squares_reference(y, alpha, beta, gamma, phi, period, trend):
    """The best initial states (2 + m,) and their sum of squares, from the normal equations."""
    rows = [0] + [1] * trend + (list(range(2, 2 + period)) if period > 1 else [])
    columns = np.zeros((2 + period, 1 + len(rows)))
    columns[rows, range(1, 1 + len(rows))] = 1
    responses, _ = filter_reference(y, alpha, beta, gamma, phi, columns)
    settled = np.array([row >= 2 for row in rows], float)
    matrix = responses[:, 1:].T @ responses[:, 1:] + np.outer(settled, settled)
    solution = np.linalg.solve(matrix, -responses[:, 1:].T @ responses[:, 0])
    return columns[:, 1:] @ solution, np.sum((responses[:, 0] + responses[:, 1:] @ solution) ** 2)


def seasonal(length, period, seed=0):
    """A series simulated from the model, with changing level, trend and season."""
    rng = np.random.default_rng(seed)
    level, slope, season = 50.0, 0.3, 8 * np.sin(np.arange(period) * 2 * np.pi / period)
    y = []
    for t in range(length):
        error = rng.normal()
        y.append(level + slope + season[t % period] + error)
        level, slope = level + slope + 0.4 * error, slope + 0.05 * error
        season[t % period] += 0.3 * error
    return np.array(y)


@pytest.mark.kernels
@pytest.mark.parametrize(
    ("length", "period", "columns"), [(1, 1, 1), (5, 12, 3), (40, 7, 10), (41, 1, 2), (156, 12, 15)]
)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_filter_is_that_of_numpy(length, period, columns, weights):
    rng = np.random.default_rng(length)
    y, states = rng.normal(size=length), rng.normal(size=(2 + period, columns))
    expected, expected_states = filter_reference(y, *weights, states)
    out = np.full((length, columns), np.nan)
    _smoothing.innovations(y, *weights, states, out)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(states, expected_states, rtol=1e-12, atol=1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize(("length", "period"), [(1, 1), (5, 12), (43, 7), (156, 12)])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_gradient_is_the_slope_of_the_squares(length, period, weights):
    rng = np.random.default_rng(length)
    y, initial = rng.normal(size=length), rng.normal(size=2 + period)

    def total(weights):
        return np.sum(filter_reference(y, *weights, initial[:, None])[0] ** 2)

    states, gradient = np.zeros((2 + period, 5)), np.full(4, np.nan)
    states[:, 0] = initial
    assert _smoothing.squares(y, *weights, states, gradient) == pytest.approx(total(weights), rel=1e-12)
    np.testing.assert_allclose(
        states[:, 0], filter_reference(y, *weights, initial[:, None])[1][:, 0], rtol=1e-12, atol=1e-12
    )
    for which in range(4):
        above, below = np.array(weights), np.array(weights)
        above[which] += 1e-6
        below[which] -= 1e-6
        slope = (total(above) - total(below)) / 2e-6
        assert gradient[which] == pytest.approx(slope, rel=1e-5, abs=1e-5 * total(weights))


@pytest.mark.kernels
def test_the_filter_goes_on_where_it_stopped():
    y, states = seasonal(30, 6), np.random.default_rng(1).normal(size=(8, 4))
    whole, parts = states.copy(), states.copy()
    out, first, second = np.empty((30, 4)), np.empty((18, 4)), np.empty((12, 4))
    _smoothing.innovations(y, 0.3, 0.1, 0.2, 0.9, whole, out)
    _smoothing.innovations(y[:18], 0.3, 0.1, 0.2, 0.9, parts, first)
    _smoothing.innovations(y[18:], 0.3, 0.1, 0.2, 0.9, parts, second)
    np.testing.assert_array_equal(np.concatenate([first, second]), out)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.kernels
def test_the_kernels_refuse_arrays_that_do_not_fit():
    y, weights = np.zeros(9), (0.3, 0.1, 0.2, 1.0)
    for states, out in [((2, 4), (9, 4)), ((5, 0), (9, 0)), ((5, 4), (8, 4)), ((5, 4), (9, 3))]:
        with pytest.raises(ValueError, match="must have"):
            _smoothing.innovations(y, *weights, np.zeros(states), np.zeros(out))
    _smoothing.innovations(np.zeros(0), *weights, np.zeros((5, 4)), np.zeros((0, 4)))
    for states, gradient in [((2, 5), 4), ((5, 4), 4), ((5, 5), 3)]:
        with pytest.raises(ValueError, match=r"must (have|be)"):
            _smoothing.squares(y, *weights, np.zeros(states), np.zeros(gradient))
    with pytest.raises(ValueError, match="must be a value"):
        _smoothing.squares(np.zeros(0), *weights, np.zeros((5, 5)), np.zeros(4))


def holt_winters(y, smoothing, steps):
    """The textbook's Holt-Winters recursions, with its own weights instead of those of the innovations form."""
    level, trend = smoothing.initial_level_, smoothing.initial_trend_
    season = list(smoothing.initial_season_)
    alpha, gamma, period = smoothing.alpha_, smoothing.gamma_, len(smoothing.initial_season_)
    beta = smoothing.beta_ / alpha
    for t, value in enumerate(y):
        old = level
        level = alpha * (value - season[t]) + (1 - alpha) * (old + trend)
        season.append(gamma * (value - old - trend) + (1 - gamma) * season[t])
        trend = beta * (level - old) + (1 - beta) * trend
    return [level + h * trend + season[len(y) + (h - 1) % period] for h in range(1, steps + 1)]


def test_zeros_are_the_forecast_of_holt_and_winters():
    y = seasonal(47, 5)
    smoothing = ExponentialSmoothing(5, "add", alpha=0.5, beta=0.1, gamma=0.3).fit(y, pd.RangeIndex(47))
    _, tail = smoothing.apply(y, pd.RangeIndex(47))
    expected = holt_winters(y, smoothing, 13)
    np.testing.assert_allclose(
        smoothing.undo(np.zeros((2, 13)), tail, pd.RangeIndex(47, 60)), [expected] * 2, rtol=1e-10
    )
    np.testing.assert_allclose(smoothing.horizon_forecast(tail, 13), expected, rtol=1e-10)


def test_a_few_steps_by_hand():
    smoothing = ExponentialSmoothing(2, "damped", alpha=0.5, beta=0.2, gamma=0.25)
    y, index = np.array([12.0, 9.0, 15.0]), pd.RangeIndex(3)
    smoothing.set_state(
        {
            "n_fitted_": 7,
            "alpha_": 0.5,
            "beta_": 0.2,
            "gamma_": 0.25,
            "phi_": 0.8,
            "initial_level_": 10.0,
            "initial_trend_": 1.0,
            "initial_season_": [2.0, -2.0],
            "sse_": 1.0,
            "start_": 0,
            "first_": [12.0, 9.0, 15.0, 0.0, 0.0, 0.0, 0.0],
        }
    )
    z, tail = smoothing.apply(y, index)
    # 10 + .8 + 2 = 12.8, then level 10.4, slope .64, season 1.8;
    # 10.4 + .512 - 2 = 8.912, then level 10.956, slope .5296, season -1.978;
    # 10.956 + .42368 + 1.8 = 13.17968, then level 12.28984, slope .787744, season 2.25508.
    np.testing.assert_allclose(z, [-0.8, 0.088, 1.82032], rtol=1e-12)
    assert tail == {
        "level": pytest.approx(12.28984),
        "trend": pytest.approx(0.787744),
        "season": pytest.approx([-1.978, 2.25508]),
    }
    np.testing.assert_allclose(smoothing.undo([1.0], tail, pd.RangeIndex(3, 4)), [12.28984 + 0.6301952 - 1.978 + 1])
    np.testing.assert_allclose(
        smoothing.horizon_forecast(tail, 3),
        [
            12.28984 + 0.787744 * 0.8 - 1.978,
            12.28984 + 0.787744 * (0.8 + 0.64) + 2.25508,
            12.28984 + 0.787744 * (0.8 + 0.64 + 0.512) - 1.978,
        ],
        rtol=1e-12,
    )


MODELS = [
    ExponentialSmoothing(),
    ExponentialSmoothing(trend="add"),
    ExponentialSmoothing(trend="damped"),
    ExponentialSmoothing(6),
    ExponentialSmoothing(6, "add"),
    ExponentialSmoothing(6, "damped"),
    ExponentialSmoothing(6, "add", alpha=0.3),
    ExponentialSmoothing(6, "damped", beta=0.2),
    ExponentialSmoothing(6, "add", gamma=0.4),
    ExponentialSmoothing(6, "add", alpha=0.5, beta=0.1, gamma=0.2),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_other_weights_or_states_leave_less(model, seed):
    y, index = seasonal(61, 6, seed), pd.RangeIndex(61)
    trend = model.trend is not None
    smoothing = ExponentialSmoothing(**model.get_config()).fit(y, index)
    fitted = np.array([smoothing.alpha_, smoothing.beta_, smoothing.gamma_, smoothing.phi_])
    alpha, beta, gamma, phi = fitted
    assert LEAST_ALPHA <= alpha <= 1 - LEAST_ALPHA
    assert 0 <= beta <= alpha
    assert 0 <= gamma <= 1 - alpha + 1e-12
    assert (DAMPING[0] <= phi <= DAMPING[1]) if model.trend == "damped" else phi == 1
    assert (beta == 0) or trend
    assert (gamma == 0) or model.period
    for name, value in zip(("alpha", "beta", "gamma"), fitted, strict=False):
        assert getattr(model, name) in (None, value)
    z, _ = smoothing.apply(y, index)
    assert smoothing.sse_ == pytest.approx(np.sum(z**2), rel=1e-12)
    # The states are optimal for these weights,
    states, squares = least_squares_reference(y, *fitted, model.period or 1, trend)
    assert smoothing.sse_ == pytest.approx(squares, rel=1e-9)
    learned = [smoothing.initial_level_, smoothing.initial_trend_, *(smoothing.initial_season_ or [0.0])]
    np.testing.assert_allclose(learned, states, rtol=1e-6, atol=1e-6)
    assert sum(smoothing.initial_season_) == pytest.approx(0, abs=1e-8)
    # and the weights are better than others, near and far.
    rng = np.random.default_rng(seed)
    for spread in (1e-3, 0.03, 0.3, 1.0):
        for _ in range(10):
            others = fitted + spread * rng.normal(size=4)
            alpha = model.alpha or np.clip(
                others[0], max(LEAST_ALPHA, model.beta or 0), 1 - max(LEAST_ALPHA, model.gamma or 0)
            )
            beta = (model.beta if model.beta is not None else np.clip(others[1], 0, alpha)) if trend else 0
            gamma = (
                (model.gamma if model.gamma is not None else np.clip(others[2], 0, 1 - alpha)) if model.period else 0
            )
            phi = np.clip(others[3], *DAMPING) if model.trend == "damped" else 1
            _, squares = least_squares_reference(y, alpha, beta, gamma, phi, model.period or 1, trend)
            assert squares >= smoothing.sse_ * (1 - 1e-8)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_search_goes_by_the_exact_slopes_of_the_weights(model):
    shares = np.array([0.3, 0.6, 0.45, 0.7])
    _, slopes = model._weights(shares)
    for which in range(4):
        step = 1e-6 * (np.arange(4) == which)
        above, below = (np.array(model._weights(shares + sign * step)[0]) for sign in (1, -1))
        np.testing.assert_allclose(slopes[:, which], (above - below) / 2e-6, atol=1e-9)


def test_the_unit_and_the_origin_of_the_values_do_not_matter():
    y, index = seasonal(70, 4), pd.RangeIndex(70)
    one = ExponentialSmoothing(4, "damped").fit(y, index)
    other = ExponentialSmoothing(4, "damped").fit(1e-6 * y + 3, index)
    for name in ("alpha_", "beta_", "gamma_", "phi_"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5)
    np.testing.assert_allclose(other.apply(1e-6 * y + 3, index)[0], 1e-6 * one.apply(y, index)[0], atol=1e-10)


@pytest.mark.parametrize("y", [np.full(40, 3.0), np.zeros(40), 5 + 0.25 * np.arange(40.0) + np.tile([1, -3, 2, 0], 10)])
def test_a_series_without_surprises_is_forecast_exactly(y):
    smoothing = ExponentialSmoothing(4, "add").fit(y[:31], pd.RangeIndex(31))
    z, tail = smoothing.apply(y[:31], pd.RangeIndex(31))
    np.testing.assert_allclose(z, 0, atol=1e-10)
    np.testing.assert_allclose(smoothing.horizon_forecast(tail, 9), y[31:], atol=1e-9)
    assert smoothing.information_["log_likelihood"] > 500


def test_with_alpha_one_it_is_the_plain_difference():
    y, index = seasonal(25, 4), pd.RangeIndex(25)
    smoothing, difference = ExponentialSmoothing(alpha=1.0).fit(y, index), Difference().fit(y, index)
    z, tail = smoothing.apply(y, index)
    expected, expected_tail = difference.apply(y, index)
    np.testing.assert_allclose(z[1:], expected[1:], rtol=1e-9)
    assert z[0] == pytest.approx(0, abs=1e-9)
    steps = np.random.default_rng(0).normal(size=(3, 7))
    np.testing.assert_allclose(
        smoothing.undo(steps, tail, pd.RangeIndex(25, 32)), difference.undo(steps, expected_tail, pd.RangeIndex(25, 32))
    )


def test_the_last_year_of_the_milk_by_day_is_missed_by_less_than_seven_pounds():
    milk = datasets.milk()
    train, test = milk[:-12], milk[-12:]
    chain = Chain([PerDay(), ExponentialSmoothing(12, "add")]).fit(train, train.index)
    _, tail = chain.apply(train, train.index)
    forecast = chain.undo(np.zeros(12), tail, test.index)
    assert np.sqrt(np.mean((forecast - test) ** 2)) < 7
    smoothing = chain.transforms[1]
    by_day = smoothing.horizon_forecast(tail["tails"][1], 12)
    np.testing.assert_allclose(by_day * test.index.days_in_month / 30.4375, forecast, rtol=1e-12)


def test_yearly_forecasts_of_the_milk_miss_by_thirteen_pounds_in_the_mean():
    milk = datasets.milk()
    misses = []
    for end in range(84, 168, 12):
        train, test = milk[:end], milk[end : end + 12]
        chain = Chain([PerDay(), ExponentialSmoothing(12, "add")]).fit(train, train.index)
        forecast = chain.undo(np.zeros(12), chain.apply(train, train.index)[1], test.index)
        misses.append(np.sqrt(np.mean((forecast - test) ** 2)))
    assert np.mean(misses) == pytest.approx(12.7, abs=0.1)


def test_another_series_gets_initial_states_from_its_own_first_values():
    y, index = seasonal(80, 6), pd.RangeIndex(80)
    smoothing = ExponentialSmoothing(6, "add").fit(y[:50], index[:50])
    other = 400 - 2 * seasonal(60, 6, seed=9)
    z, _ = smoothing.apply(other, pd.RangeIndex(60))
    weights = smoothing.alpha_, smoothing.beta_, smoothing.gamma_, smoothing.phi_
    states, _ = least_squares_reference(other[:15], *weights, 6, True)
    np.testing.assert_allclose(z, filter_reference(other, *weights, states[:, None])[0][:, 0], rtol=1e-6, atol=1e-6)
    # Later values change nothing before them.
    changed = other.copy()
    changed[40:] += 30
    np.testing.assert_array_equal(smoothing.apply(changed, pd.RangeIndex(60))[0][:40], z[:40])
    # A part of the fitted series that starts later is a different series; its inverse is exact as well.
    z, _ = smoothing.apply(y[10:], index[10:])
    _, tail = smoothing.apply(y[10:60], index[10:60])
    np.testing.assert_allclose(smoothing.undo(z[50:], tail, index[60:]), y[60:], rtol=1e-9)
    with pytest.raises(InvalidArgumentError, match=r"14 values .* expected at least 2 period \+ 3 = 15"):
        smoothing.apply(other[:14], pd.RangeIndex(14))


def test_the_start_of_the_fitted_series_is_known_again():
    y, index = seasonal(80, 6), pd.date_range("2001-01-01", periods=80, freq="MS")
    smoothing = ExponentialSmoothing(6, "add").fit(y[:50], index[:50])
    whole, _ = smoothing.apply(y, index)
    for end in (1, 7, 50, 64):  # shorter than a fit needs, too
        z, tail = smoothing.apply(y[:end], index[:end])
        np.testing.assert_array_equal(z, whole[:end])
        np.testing.assert_allclose(smoothing.undo(whole[end:], tail, index[end:]), y[end:], rtol=1e-9)
    smoothing.set_state(json.loads(json.dumps(smoothing.get_state())))
    np.testing.assert_array_equal(smoothing.apply(y, index)[0], whole)
    moved, _ = smoothing.apply(y, index + pd.offsets.MonthBegin(1))
    assert not np.array_equal(moved, whole)


def test_innovations_that_jump_are_undone_step_by_step():
    y, index = seasonal(48, 4), pd.RangeIndex(48)
    smoothing = ExponentialSmoothing(4, "damped").fit(y, index)
    z, tail = smoothing.apply(y, index)
    future = np.random.default_rng(3).normal(size=(2, 5, 11)) * 20
    paths = smoothing.undo(future, tail, pd.RangeIndex(48, 59))
    for place in np.ndindex(2, 5):
        longer = np.concatenate([y, paths[place]])
        np.testing.assert_allclose(smoothing.apply(longer, pd.RangeIndex(59))[0], [*z, *future[place]], atol=1e-9)


def test_information_is_that_of_the_gaussian_likelihood():
    y, index = seasonal(60, 6), pd.RangeIndex(60)
    smoothing = ExponentialSmoothing(6, "damped").fit(y, index)
    z, _ = smoothing.apply(y, index)
    deviation = np.sqrt(np.mean(z**2))
    likelihood = np.sum(-0.5 * (z / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi))
    found = smoothing.information_
    assert found["log_likelihood"] == pytest.approx(likelihood, rel=1e-12)
    assert found["n_parameters"] == 4 + 2 + 5 + 1
    assert found["aic"] == pytest.approx(2 * 12 - 2 * likelihood)
    assert smoothing.aicc_ == found["aicc"] == pytest.approx(found["aic"] + 2 * 12 * 13 / 47)
    assert smoothing.bic_ == found["bic"] == pytest.approx(12 * math.log(60) - 2 * likelihood)
    # A fixed weight is not a parameter.
    counts = [
        ExponentialSmoothing(*arguments).fit(y, index).information_["n_parameters"]
        for arguments in [(), (None, "add"), (None, "damped"), (6,), (6, "add"), (6, "add", 0.5, 0.1, 0.2)]
    ]
    assert counts == [3, 5, 6, 9, 11, 8]
    short = ExponentialSmoothing(3, "damped").fit(y[:9], index[:9])
    assert short.aicc_ == math.inf


def test_information_chooses_the_model_of_the_series():
    y, index = seasonal(120, 6), pd.RangeIndex(120)
    models = [ExponentialSmoothing(period, trend).fit(y, index) for period in (None, 6) for trend in (None, "add")]
    best = min(models, key=lambda model: model.aicc_)
    assert (best.period, best.trend) == (6, "add")


@pytest.mark.parametrize(
    ("model", "needed", "match"),
    [
        (
            ExponentialSmoothing(12, "add"),
            27,
            r"26 values for ExponentialSmoothing\(period=12.*at least 2 period \+ 3 = 27",
        ),
        (ExponentialSmoothing(), 5, "4 values for .* expected at least 5"),
    ],
)
def test_a_short_series_is_refused(model, needed, match):
    y = seasonal(needed, 12)
    with pytest.raises(InvalidArgumentError, match=match):
        model.fit(y[:-1], pd.RangeIndex(needed - 1))
    assert np.isfinite(model.fit(y, pd.RangeIndex(needed)).sse_)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"period": 1}, "period=1; expected an integer >= 2. None is no season"),
        ({"trend": "additive"}, "trend='additive'; expected one of 'add', 'damped'"),
        ({"alpha": 0.0}, "alpha=0.0; expected a finite number > 0 and <= 1"),
        ({"beta": 0.1}, "beta=0.1 with trend=None; expected beta=None"),
        ({"gamma": 0.1}, "gamma=0.1 with period=None; expected gamma=None"),
        ({"trend": "add", "alpha": 0.2, "beta": 0.3}, "beta=0.3; expected a finite number >= 0 and <= 0.2"),
        ({"period": 4, "alpha": 0.2, "gamma": 0.9}, "gamma=0.9; expected a finite number >= 0 and <= 0.8"),
        ({"period": 4, "trend": "add", "beta": 0.6, "gamma": 0.6}, "beta <= alpha <= 1 - gamma for some alpha"),
    ],
)
def test_weights_out_of_bounds_are_refused(arguments, match):
    with pytest.raises(InvalidArgumentError, match=match):
        ExponentialSmoothing(**arguments)


def test_what_is_not_fitted_has_no_forecast():
    for ask in (
        lambda: ExponentialSmoothing().information_,
        lambda: ExponentialSmoothing().horizon_forecast({"level": 1.0, "trend": 0.0, "season": []}, 3),
    ):
        with pytest.raises(NotFittedError, match="not fitted"):
            ask()


def test_smoothing_after_a_logarithm_multiplies():
    """A season proportional to the level is constant in logarithms."""
    t = np.arange(60)
    y = np.exp(2 + 0.03 * t) * np.tile([1.0, 1.3, 0.7, 1.1], 15)
    index = pd.period_range("2001Q1", periods=60, freq="Q")
    chain = Chain([Log(), ExponentialSmoothing(4, "add")]).fit(y[:48], index[:48])
    _, tail = chain.apply(y[:48], index[:48])
    np.testing.assert_allclose(chain.undo(np.zeros(12), tail, index[48:]), y[48:], rtol=1e-7)
