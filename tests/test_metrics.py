"""Scores against scikit-learn and manual calculations, and at their optimum."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from kerazoo import datasets, metrics
from kerazoo.errors import InvalidArgumentError
from kerazoo.metrics import coverage, interval_score, mae, mase, pinball_loss, rmse, smape

POINT_SCORES = {
    "rmse": rmse,
    "mae": mae,
    "smape": smape,
    "mase": functools.partial(mase, train=[1.0, 4.0, 2.0, 7.0, 3.0], period=2),
    "pinball_loss": functools.partial(pinball_loss, level=0.3),
}
INTERVAL_SCORES = {"coverage": coverage, "interval_score": functools.partial(interval_score, level=0.8)}


def draw(*shape, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(5, 2, shape), rng.normal(5, 2, shape)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4)])
def test_point_scores_are_those_of_scikit_learn(shape):
    y, forecast = draw(*shape)
    flat = y.ravel(), forecast.ravel()
    assert rmse(y, forecast) == pytest.approx(sklearn_metrics.root_mean_squared_error(*flat), rel=1e-12)
    assert mae(y, forecast) == pytest.approx(sklearn_metrics.mean_absolute_error(*flat), rel=1e-12)
    for level in (0.1, 0.5, 0.95):
        expected = sklearn_metrics.mean_pinball_loss(*flat, alpha=level)
        assert pinball_loss(y, forecast, level) == pytest.approx(expected, rel=1e-12)


def test_repeating_the_milk_of_1974_has_the_published_error_in_1975():
    series = datasets.milk()
    assert rmse(series[-12:], series[-24:-12]) == pytest.approx(13.23, abs=0.005)


def test_smape_is_in_percent_of_the_mean_size_and_two_zeros_count_as_0():
    # 200 * 50 / 250, 200 * 3 / 3, 0 / 0, and values of both signs.
    assert smape([100.0, 0.0, 0.0, -2.0], [150.0, 3.0, 0.0, 2.0]) == pytest.approx((40 + 200 + 0 + 200) / 4)
    y, forecast = draw(4, 6)
    assert smape(y, forecast) == pytest.approx(smape(forecast, y), rel=1e-12)
    assert smape(1000 * y, 1000 * forecast) == pytest.approx(smape(y, forecast), rel=1e-12)


def test_mase_scales_by_the_error_of_repeating_the_season_in_training():
    train = [3.0, 10.0, 5.0, 13.0, 4.0]  # differences of period 2: 2, 3, -1
    assert mase([6.0, 9.0, 7.0], [5.0, 9.0, 11.0], train, period=2) == pytest.approx((1 + 0 + 4) / 3 / 2)
    # Of period 1: 7, -5, 8, -9.
    assert mase([6.0, 9.0, 7.0], [5.0, 9.0, 11.0], train) == pytest.approx((1 + 0 + 4) / 3 / (29 / 4))


def test_mase_takes_a_training_part_for_each_row():
    y, forecast = draw(3, 4)
    train = np.random.default_rng(2).normal(size=(3, 11)) * [[1], [10], [100]]
    rows = [mase(y[i], forecast[i], train[i], period=5) for i in range(3)]
    assert rows[0] > 5 * rows[1] > 25 * rows[2]
    assert mase(y, forecast, train, period=5) == pytest.approx(np.mean(rows), rel=1e-12)
    shared = [mase(y[i], forecast[i], train[0], period=5) for i in range(3)]
    assert mase(y, forecast, train[0], period=5) == pytest.approx(np.mean(shared), rel=1e-12)


def test_coverage_counts_the_bounds_as_inside():
    y = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    lower = np.array([[1.0, 2.1, 0.0], [3.0, 5.0, 7.0]])
    upper = np.array([[2.0, 3.0, 2.9], [4.0, 5.0, 8.0]])
    assert coverage(y, lower, upper) == pytest.approx(3 / 6)


def test_the_interval_score_is_the_width_plus_a_penalty_for_values_outside():
    y, lower, upper = [1.0, 7.0, 4.0], [2.0, 3.0, 3.5], [4.0, 6.0, 4.5]
    widths, outside = 2 + 3 + 1, 1 + 1 + 0
    assert interval_score(y, lower, upper, level=0.8) == pytest.approx((widths + 2 / 0.2 * outside) / 3)
    assert interval_score(y, lower, upper, level=0.95) == pytest.approx((widths + 2 / 0.05 * outside) / 3)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_interval_score_is_the_sum_of_the_pinball_losses_of_its_bounds(level):
    y, middle = draw(5, 9, seed=3)
    lower, upper = middle - 1.5, middle + 0.7
    alpha = 1 - level
    losses = pinball_loss(y, lower, alpha / 2) + pinball_loss(y, upper, 1 - alpha / 2)
    assert interval_score(y, lower, upper, level) == pytest.approx(2 / alpha * losses, rel=1e-12)


def test_true_quantiles_score_best():
    y = np.random.default_rng(4).normal(size=20_000)

    def interval(half_width):
        return interval_score(y, np.full_like(y, -half_width), np.full_like(y, half_width), level=0.8)

    def pinball(quantile):
        return pinball_loss(y, np.full_like(y, quantile), level=0.9)

    true = stats.norm.ppf(0.9)
    for score in (interval, pinball):
        assert score(true) < min(score(true - 0.2), score(true + 0.2))


@pytest.mark.parametrize("score", POINT_SCORES.values(), ids=POINT_SCORES)
def test_a_perfect_forecast_scores_0(score):
    y, _ = draw(3, 4)
    assert score(y, y.tolist()) == 0.0
    assert type(score(y, y)) is float


@pytest.mark.parametrize("score", POINT_SCORES.values(), ids=POINT_SCORES)
def test_pandas_objects_are_taken_by_position(score):
    y, forecast = draw(6)
    assert score(pd.Series(y), pd.Series(forecast, range(100, 106))) == score(y, forecast)


@pytest.mark.parametrize(
    ("y", "forecast", "match"),
    [
        ([1.0, 2.0], [1.0], r"shapes differ: y \(2,\), \w+ \(1,\); expected the same shape"),
        ([[1.0, 2.0]], [1.0, 2.0], r"shapes differ: y \(1, 2\), \w+ \(2,\)"),
        ([], [], r"y has shape \(0,\); expected .* at least one value"),
        (1.0, 1.0, r"y has shape \(\); expected"),
        ([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]], np.ones((2, 3)), r"y is nan at \(1, 2\); expected finite numbers"),
        ([1.0, 2.0], [1.0, np.inf], r"\w+ is inf at 1; expected finite numbers"),
        (["a"], [1.0], "y is not an array of numbers"),
        ([1.0, 2.0], [[1.0], [2.0, 3.0]], "is not an array of numbers"),
    ],
)
@pytest.mark.parametrize("score", POINT_SCORES.values(), ids=POINT_SCORES)
def test_point_scores_refuse_arrays_that_do_not_pair(score, y, forecast, match):
    with pytest.raises(InvalidArgumentError, match=match):
        score(y, forecast)


@pytest.mark.parametrize(
    ("lower", "upper", "match"),
    [
        ([[0.0, 2.0]], [[1.0, 1.5]], r"lower is 2 and upper 1.5 at \(0, 1\); expected lower <= upper"),
        ([[0.0]], [[1.0, 1.5]], r"shapes differ: y \(1, 2\), lower \(1, 1\), upper \(1, 2\)"),
        ([[0.0, np.nan]], [[1.0, 1.5]], r"lower is nan at \(0, 1\)"),
        ([[0.0, 1.0]], [[np.nan, 1.5]], r"upper is nan at \(0, 0\)"),
    ],
)
@pytest.mark.parametrize("score", INTERVAL_SCORES.values(), ids=INTERVAL_SCORES)
def test_interval_scores_refuse_invalid_intervals(score, lower, upper, match):
    with pytest.raises(InvalidArgumentError, match=match):
        score([[0.5, 1.0]], lower, upper)


@pytest.mark.parametrize("level", [0, 1, 1.0, 80, -0.1, float("nan"), True, "0.8"])
def test_a_level_is_a_fraction(level):
    with pytest.raises(InvalidArgumentError, match=r"level=.*It is a fraction: 0.95 for 95 %"):
        interval_score([1.0], [0.0], [2.0], level)
    with pytest.raises(InvalidArgumentError, match=r"level=.*It is a fraction: 0.95 for 95 %"):
        pinball_loss([1.0], [0.0], level)


@pytest.mark.parametrize(
    ("train", "period", "match"),
    [
        ([1.0, 2.0, 3.0], 3, "train has 3 steps, period=3; expected a training part longer than the period"),
        ([5.0] * 9, 4, "train repeats itself exactly with period=4, as a constant does.*Use mae"),
        ([1.0, 2.0, 1.0, 2.0], 2, "train repeats itself exactly with period=2"),
        ([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]], 1, r"period=1 in row \(1,\), as a constant does"),
        ([1.0, np.nan, 3.0], 1, "train has no two known values that are period=1 apart; expected some"),
        ([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]], 1, r"are period=1 apart in row \(0,\);"),
        ([1.0, np.inf, 3.0], 1, "train is inf at 1; expected finite numbers"),
        (np.ones((3, 9)), 1, r"train has shape \(3, 9\), y \(2, 2\); expected train \(T,\)"),
        ([1.0, 2.0], 0, "period=0; expected an integer >= 1. It is the number of steps per season"),
    ],
)
def test_mase_refuses_a_training_part_without_a_scale(train, period, match):
    with pytest.raises(InvalidArgumentError, match=match):
        mase([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 5.0]], train, period)


@pytest.mark.filterwarnings("error")
def test_differences_with_a_missing_value_are_left_out_of_the_scale():
    train = np.array([[1.0, 3.0, np.nan, 7.0, 8.0], [np.nan, 2.0, 5.0, 5.0, np.nan]])
    y, forecast = np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]])
    assert mase(y, forecast, train) == pytest.approx((1 / 1.5 + 2 / 1.5) / 2)
    assert mase(y[0], forecast[0], train[0], 2) == pytest.approx(1 / 4)
    whole = np.arange(20.0) ** 2
    assert mase(y, forecast, whole, 3) == pytest.approx(mase(y, forecast, np.r_[np.nan, whole, np.nan], 3))


def test_all_scores_are_public():
    assert set(metrics.__all__) == {*POINT_SCORES, *INTERVAL_SCORES}
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)
