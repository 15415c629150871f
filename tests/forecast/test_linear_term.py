"""The linear term of the covariates: its estimation, its shrinkage, and its place in a chain."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.panel import SeriesData
from kerazoo.forecast.transforms import ExponentialSmoothing, selection
from kerazoo.forecast.transforms.chain import fitted_chain
from kerazoo.forecast.transforms.linear_term import LinearTerm, constant_columns, fit_terms
from kerazoo.forecast.transforms.selection import choose_term, choose_transforms
from kerazoo.forecast.transforms.shrinkage import screened, shrunk_coefficients

MONTHS = np.arange(120)
SMOOTHING = ({"name": "exponential_smoothing", "period": 12, "trend": "add"},)


def errors_of(kind, rng, length=120):
    """Trend, season and errors of variance 1 from step to step."""
    t, e = np.arange(length), rng.normal(size=length)
    season = np.tile(rng.normal(size=12) * 5, -(-length // 12))[:length]
    if kind == "white":
        return 100 + 0.3 * t + season + e
    if kind == "walk":
        return 100 + np.cumsum(e) + season
    for i in range(1, length):
        e[i] += 0.7 * e[i - 1]
    return 100 + 0.3 * t + season + e


def covariate_of(kind, rng, length=120):
    if kind == "white":
        return rng.normal(size=length)
    if kind == "flag":
        return (rng.random(length) < 0.1) * 1.0
    if kind == "walk":
        return np.cumsum(rng.normal(size=length)) * 0.5
    return 2 * np.sin(2 * np.pi * np.arange(length) / 12) + 0.5 * rng.normal(size=length)


def coefficients(y, X, form="additive", period=12):
    return fit_terms(form, [y], [np.reshape(X, (len(y), -1))], period)[0].coefficients


CASES = [(errors, x) for errors in ("white", "walk", "autoregression") for x in ("white", "flag", "walk", "seasonal")]
QUICK = (("white", "white"), ("walk", "flag"), ("autoregression", "seasonal"), ("walk", "walk"))


@pytest.mark.parametrize(
    ("errors", "x"), [pytest.param(*case, marks=[] if case in QUICK else [pytest.mark.slow]) for case in CASES]
)
def test_an_effect_is_found_beside_trend_and_season_and_none_where_there_is_none(errors, x):
    found, nothing, sizes = [], [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y, X = errors_of(errors, rng), covariate_of(x, rng)
        found.append(coefficients(y + 4 * X, X)[0])
        nothing.append(coefficients(y, X)[0])
        sizes.append(X.std())
    spread = 8 / np.sqrt(len(MONTHS)) / np.mean(sizes)  # for walks, differences have the same size as the values
    assert abs(np.mean(found) - 4) < spread
    assert abs(np.mean(nothing)) < 0.5 * spread


def test_effects_in_percent_are_found_in_logarithms():
    rng = np.random.default_rng(1)
    promo = covariate_of("flag", rng)
    y = np.exp(3 + 0.01 * MONTHS + 0.3 * np.sin(MONTHS * np.pi / 6) + 0.4 * promo + 0.03 * rng.normal(size=120))
    assert coefficients(y, promo, "multiplicative")[0] == pytest.approx(0.4, abs=0.04)


def innovations(y, weights, states, period):
    """Exponential smoothing step by step, as in the docstring of the class."""
    alpha, beta, gamma, _ = weights
    level, trend, season = states[0], states[1], list(states[2:])
    found = []
    for t, value in enumerate(y):
        error = value - (level + trend + season[t % period])
        level, trend = level + trend + alpha * error, trend + beta * error
        season[t % period] += gamma * error
        found.append(error)
    return np.array(found)


def test_regression_on_innovations_is_joint_least_squares_of_states_and_coefficients():
    rng = np.random.default_rng(2)
    period = 4
    x = rng.normal(size=(40, 2)).cumsum(axis=0)
    y = 20 + np.arange(40) + np.tile([3.0, -1, 0, -2], 10) + x @ [2.0, -1.0] + rng.normal(size=40)
    smoothing = ExponentialSmoothing(period, "add").fit(y, pd.RangeIndex(40))
    left, n_states = smoothing.innovations_of(np.column_stack([y, x]))
    found = np.linalg.lstsq(left[:, 1:], left[:, 0], rcond=None)[0]
    weights = smoothing.alpha_, smoothing.beta_, smoothing.gamma_, 1.0
    # The innovations are affine in all states and coefficients: columns by differences from zero.
    zero = np.zeros(2 + period)
    start = innovations(y, weights, zero, period)
    columns = [innovations(0 * y, weights, unit, period) for unit in np.eye(2 + period)]
    columns += [innovations(-x[:, k], weights, zero, period) for k in range(2)]
    joint = np.linalg.lstsq(-np.column_stack(columns), start, rcond=None)[0]
    np.testing.assert_allclose(found, joint[-2:], rtol=1e-6)
    assert n_states == 2 + period - 1  # seasonal states add up to 0


def test_covariates_that_say_nothing_have_no_coefficient():
    rng = np.random.default_rng(3)
    y, x = errors_of("white", rng), rng.normal(size=120)
    december = (MONTHS % 12 == 11) * 1.0
    X = np.column_stack([np.full(120, 1e6), x, 2 * x, december, 0.1 * MONTHS])
    found = coefficients(y + 3 * x, X)
    np.testing.assert_array_equal(found[[0, 3, 4]], 0.0)  # constant; determined by the season; by the trend
    assert found[1] + 2 * found[2] == pytest.approx(3, abs=0.3)
    np.testing.assert_array_equal(constant_columns(X), [True, False, False, False, False])


@pytest.mark.parametrize("level", [1e6, 1e9, 1e12, -1e12])
def test_a_covariate_far_from_zero_has_its_effect(level):
    rng = np.random.default_rng(3)
    y, x = errors_of("white", rng), rng.normal(size=120)
    X = np.column_stack([level + x, np.full(120, level) * (1 + 2e-16 * rng.integers(0, 3, 120))])
    np.testing.assert_array_equal(constant_columns(X), [False, True])  # the second differs by rounding only
    assert coefficients(y + 3 * x, X)[0] == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize(("width", "far", "others"), [(40, 0.6, 1.2), (80, 2.0, 4.0)])
def test_many_covariates_are_shrunk(width, far, others):
    """Forty-five degrees of freedom beside trend and season."""
    rng = np.random.default_rng(4)
    y, X = errors_of("white", rng, 60), rng.normal(size=(60, width))
    found = coefficients(y + 5 * X[:, 0], X)
    assert found[0] == pytest.approx(5, abs=far)
    assert np.linalg.norm(found[1:]) < others
    assert np.argmax(np.abs(found)) == 0


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
@pytest.mark.parametrize("unit", [1e3, 1e-3, -7e5])
def test_another_unit_of_a_covariate_changes_its_coefficient_only(form, unit):
    rng = np.random.default_rng(5)
    y, X = errors_of("white", rng), rng.normal(size=(120, 2))
    y = y + X @ [3.0, 0.5]
    found = coefficients(y, X * [unit, 1.0] + [50 * unit, 0.0], form)
    np.testing.assert_allclose(found * [unit, 1.0], coefficients(y, X, form), rtol=1e-4)


@pytest.mark.parametrize("unit", [1e4, 1e-4])
def test_another_unit_of_the_values_changes_additive_coefficients_alike(unit):
    rng = np.random.default_rng(6)
    y, X = errors_of("walk", rng), rng.normal(size=(120, 2))
    y = y + X @ [3.0, 0.5]
    np.testing.assert_allclose(coefficients(unit * y, X), unit * coefficients(y, X), rtol=1e-4)
    expected = coefficients(y, X, "multiplicative")
    np.testing.assert_allclose(coefficients(unit * y, X, "multiplicative"), expected, rtol=1e-4)


def test_series_of_a_panel_share_what_they_have_in_common():
    rng = np.random.default_rng(7)
    truth = np.r_[np.full(7, 0.3), 0.3]
    ys, Xs = [], []
    for number, effect in enumerate(truth):
        length = 26 if number == 7 else 100
        promo = (rng.random(length) < 0.2) * 1.0
        t = np.arange(length)
        noise = (0.3 if number == 7 else 0.05) * rng.normal(size=length)
        ys.append(np.exp(3 + number + 0.005 * t + effect * promo + noise))
        Xs.append(promo[:, None])
    together = [term.coefficients[0] for term in fit_terms("multiplicative", ys, Xs, 1)]
    alone = fit_terms("multiplicative", ys[7:], Xs[7:], 1)[0].coefficients[0]
    np.testing.assert_allclose(together, truth, atol=0.05)
    assert abs(together[7] - 0.3) < abs(alone - 0.3)
    # A promotion that a series never had has the effect that it has in the others.
    Xs[7] = np.zeros((26, 1))
    assert fit_terms("multiplicative", ys, Xs, 1)[7].coefficients[0] == pytest.approx(0.3, abs=0.03)


def test_series_that_differ_keep_their_own_effects():
    rng = np.random.default_rng(8)
    truth = np.array([5.0, -5.0, 0.0, 10.0])
    Xs = [rng.normal(size=(100, 1)) for _ in truth]
    ys = [100 + np.arange(100) * 0.1 + b * x[:, 0] + rng.normal(size=100) for b, x in zip(truth, Xs, strict=True)]
    found = [term.coefficients[0] for term in fit_terms("additive", ys, Xs, 1)]
    np.testing.assert_allclose(found, truth, atol=0.4)


def test_the_shrinkage_maximises_the_marginal_likelihood():
    """Against the likelihood of the values themselves, with their whole covariance matrix."""
    rng = np.random.default_rng(9)
    X, effects = rng.normal(size=(60, 3)), np.array([2.0, 0.3, 0.0])
    y = X @ effects + rng.normal(size=60)
    found = shrunk_coefficients((X.T @ X)[None], (X.T @ y)[None], np.array([y @ y]), np.array([60.0]))[0]

    def negative_log_likelihood(logs):
        variances = np.exp(logs)
        covariance = (X * variances[:3]) @ X.T + variances[3] * np.eye(60)
        return np.linalg.slogdet(covariance)[1] + y @ np.linalg.solve(covariance, y)

    from scipy.optimize import minimize

    logs = minimize(negative_log_likelihood, np.zeros(4), bounds=[(-20, 5)] * 4).x
    variances = np.exp(logs)
    expected = np.linalg.solve(X.T @ X + variances[3] * np.diag(1 / variances[:3]), X.T @ y)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_short_and_constant_series_have_no_term_of_their_own():
    x = np.arange(5.0) % 2
    assert coefficients(np.arange(5.0) + x, x)[0] == 0
    assert coefficients(np.full(60, 3.0), np.arange(60) % 2)[0] == 0
    with pytest.raises(InvalidArgumentError, match="form='other'; expected one of additive, multiplicative"):
        fit_terms("other", [x], [x[:, None]], 1)


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_a_term_is_removed_and_restored(form):
    rng = np.random.default_rng(10)
    X = rng.normal(5, 1, size=(30, 2))
    term = LinearTerm.of(form, np.array([0.3, -0.2]), X)
    y = rng.uniform(1, 2, size=(4, 30))
    effect = (X - X.mean(axis=0)) @ [0.3, -0.2]
    rest = term.remove(y, X)
    np.testing.assert_allclose(rest, y - effect if form == "additive" else y / np.exp(effect))
    np.testing.assert_allclose(term.restore(rest, X), y)
    again = LinearTerm.from_state(json.loads(json.dumps(term.to_state())))
    np.testing.assert_array_equal(again.restore(rest, X), term.restore(rest, X))
    # In a wrong unit the forecast stays finite.
    assert term.effect(X * 1e6).max() <= effect.max() + 10 * np.ptp(effect) + 1e-12
    assert np.isfinite(term.restore(rest, X * 1e6)).all()


def data(y, X):
    index = pd.date_range("2001-01-01", periods=len(y), freq="MS")
    return SeriesData("y", y, index, np.reshape(X, (len(y), -1)))


def test_the_score_with_a_term_is_that_of_forecasts_with_known_covariates():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(100, 1))
    series = data(errors_of("white", rng, 100) + 3 * x[:, 0], x)
    y, index = series.values, series.index
    term = fit_terms("additive", [y[:60]], [x[:60]], 12)[0]
    rest = y - (x[:, 0] - x[:60, 0].mean()) * term.coefficients[0]
    chain = fitted_chain(SMOOTHING, rest[:60], index[:60])
    expected = []
    for origin in np.unique(np.linspace(60, 99, 24).astype(int)):
        steps = slice(origin, origin + 5)
        _, tail = chain.apply(rest[:origin], index[:origin])
        expected += list(rest[steps] - chain.undo(np.zeros(len(rest[steps])), tail, index[steps]))
    found = selection._rolling_errors(SMOOTHING, y, index, 60, 5, (term, x))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_term_is_chosen_where_it_lowers_the_error():
    rng = np.random.default_rng(12)
    y, x = errors_of("white", rng), rng.normal(size=120)
    assert choose_term(SMOOTHING, [data(y + 3 * x, x)], 12, 12).term == "additive"
    logarithm = ({"name": "log"}, *SMOOTHING)
    assert choose_term(logarithm, [data(y + 3 * x, x)], 12, 12).term == "multiplicative"
    nested = ({"name": "chain", "transforms": logarithm},)
    assert choose_term(nested, [data(y + 3 * x, x)], 12, 12).term == "multiplicative"
    assert choose_term(SMOOTHING, [data(y, x)], 12, 12).term is None
    assert choose_term(SMOOTHING, [data(y[:20], x[:20])], 12, 12).term is None  # too short to tell
    zeros = np.maximum(y + 3 * x - 110, 0.0)
    root = ({"name": "boxcox", "lmbda": 0.5}, *SMOOTHING)
    assert choose_term(root, [data(zeros, x)], 12, 12).term is None  # what is left could be negative


def test_all_selected_chains_have_the_term_in_their_own_form():
    rng = np.random.default_rng(13)
    x = rng.normal(size=120)
    choices = choose_transforms([data(errors_of("white", rng) + 3 * x, x)], 12, 12, most=5)
    assert len(choices) > 1
    for choice in choices:
        has_log = any(part["name"] == "log" for part in choice.config)
        assert choice.term == ("multiplicative" if has_log else "additive")


def test_covariates_of_noise_are_left_out():
    chosen = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        series = data(errors_of("white", rng), rng.normal(size=(120, 5)))
        chosen += choose_term(SMOOTHING, [series], 12, 12).term is not None
    assert chosen <= 2


@pytest.mark.parametrize("n", [1, 3])
def test_thousands_of_columns_are_screened_before_their_products_are_made(n):
    """The products of 20,000 columns alone would take 3 GB."""
    rng = np.random.default_rng(10)
    Xs = [rng.normal(size=(60, 20_000)) for _ in range(n)]
    ys = [50 + 8 * x[:, 7] + rng.normal(size=60) for x in Xs]
    for term in fit_terms("additive", ys, Xs, 1):
        assert np.argmax(np.abs(term.coefficients)) == 7
        assert 4 < term.coefficients[7] < 9
        assert np.count_nonzero(term.coefficients) <= 30 * n


def test_of_few_columns_none_is_left_out_and_of_many_half_as_many_as_values_stay():
    rng = np.random.default_rng(11)
    squares, moments = rng.uniform(1, 2, (2, 10)), rng.normal(size=(2, 10))
    assert screened(squares, moments, np.array([10.0, 10.0])).all()
    kept = screened(squares, moments, np.array([9.0, 0.5]))  # the second has no evidence
    assert kept.sum() == 4
    assert set(np.flatnonzero(kept)) == set(np.argsort(-(moments[0] ** 2) / squares[0])[:4])
    assert screened(squares, moments, np.zeros(2)).sum() == 1
