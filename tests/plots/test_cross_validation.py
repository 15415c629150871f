"""Errors by step of the forecast, and coverage of intervals, from tables whose values are known."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster, datasets, metrics
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots import plot_calibration, plot_error_by_horizon

matplotlib.use("agg")

from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def table(folds=3, horizon=4, series=("a", "b"), seed=1):
    rng = np.random.default_rng(seed)
    parts = []
    for fold in range(folds):
        for name in series:
            y = rng.normal(50, 5, horizon)
            days = pd.date_range("2024-01-01", periods=horizon) + pd.Timedelta(days=2 * fold)
            parts.append(
                pd.DataFrame(
                    {"fold": fold, "series": name, "ds": days, "y": y, "forecast": y + rng.normal(size=horizon)}
                )
            )
    rows = pd.concat(parts, ignore_index=True)
    for level, width in ((50, 0.67), (80, 1.28), (99.5, 2.8)):
        rows[f"lower_{level}"], rows[f"upper_{level}"] = rows.forecast - width, rows.forecast + width
    return rows


def expected(rows, metric, horizon=4):
    """The metric at each step, over all windows and series."""
    values = []
    for step in range(horizon):
        at = rows.groupby(["fold", "series"]).nth(step)
        if metric == "bias":
            values.append((at.forecast - at.y).mean())
        else:
            values.append(getattr(metrics, metric)(at.y, at.forecast))
    return values


@pytest.mark.parametrize("metric", ["mae", "rmse", "smape", "bias"])
def test_the_line_is_the_error_at_each_step(metric):
    rows = table()
    ax = plot_error_by_horizon(rows.sample(frac=1, random_state=1), metric)
    line = ax.get_lines()[0]
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(line.get_ydata(), expected(rows, metric))
    assert ax.get_xlabel() == "step of the forecast"
    assert (ax.get_ylim()[0] == 0) == (metric != "bias")


def test_the_band_reaches_from_the_best_to_the_worst_window():
    rows = table()
    ax = plot_error_by_horizon(rows)
    assert legend(ax) == ["MAE", "best to worst of 3 windows"]
    by_fold = np.array([expected(rows[rows.fold == fold], "mae") for fold in range(3)])
    corners = ax.collections[0].get_paths()[0].vertices
    for step in range(4):
        heights = corners[np.isclose(corners[:, 0], step + 1), 1]
        assert (heights.min(), heights.max()) == pytest.approx((by_fold[:, step].min(), by_fold[:, step].max()))
    assert not plot_error_by_horizon(rows, spread=False).collections
    assert not plot_error_by_horizon(rows[rows.fold == 1]).collections  # one window has no spread


def test_rows_without_an_actual_value_are_left_out_and_steps_stay():
    rows = table(folds=2, series=("a",))
    rows.loc[0, "y"] = np.nan  # the first step of the first window
    ax = plot_error_by_horizon(rows)
    errors = (rows.forecast - rows.y).abs().to_numpy().reshape(2, 4)
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), np.nanmean(errors, axis=0))
    rows.loc[4, "y"] = np.nan  # now no window knows that step
    np.testing.assert_array_equal(plot_error_by_horizon(rows).get_lines()[0].get_xdata(), [2, 3, 4])


def test_several_models_have_a_line_each():
    rows = table()
    ax = plot_error_by_horizon({"gru": rows, "naive": rows.assign(forecast=rows.forecast + 3)})
    assert legend(ax) == ["gru", "naive"]
    one, two = ax.get_lines()
    assert one.get_color() != two.get_color()
    assert (two.get_ydata() > one.get_ydata()).all()


def test_the_result_of_a_cross_validation_is_taken_as_it_is():
    found = Forecaster(horizon=6, epochs=0).cross_validation(datasets.milk(), n_windows=3, level=[0.5, 0.8])
    ax = plot_error_by_horizon(found)
    assert len(ax.get_lines()[0].get_xdata()) == 6
    scores = found[found.model == "forecaster"]
    assert ax.get_lines()[0].get_ydata().mean() == pytest.approx(scores.mae.mean())
    points = plot_calibration(found).get_lines()[1].get_xydata()
    np.testing.assert_allclose(points, [[0.5, scores.coverage_50.mean()], [0.8, scores.coverage_80.mean()]])


def test_calibration_counts_the_values_inside():
    rows = table(folds=30)
    ax = plot_calibration(rows)
    ideal, line = ax.get_lines()[:2]
    assert ideal.get_xydata().tolist() == [[0, 0], [1, 1]]
    levels, found = line.get_xydata().T
    np.testing.assert_allclose(levels, [0.5, 0.8, 0.995])
    for level, each in zip((50, 80, 99.5), found, strict=True):
        assert each == metrics.coverage(rows.y, rows[f"lower_{level}"], rows[f"upper_{level}"])
    assert legend(ax) == ["calibrated", "240 values"]
    assert ax.get_xlim() == (0, 1)


def test_the_bars_are_intervals_of_a_proportion():
    """Wilson's interval of 8 in 10, from Newcombe (1998)'s formula computed by hand: 0.4902 to 0.9433."""
    rows = pd.DataFrame({"y": [0.0] * 8 + [9.0] * 2, "lower_80": -1.0, "upper_80": 1.0})
    bars = plot_calibration(rows).collections[0].get_segments()[0]
    np.testing.assert_allclose(bars[:, 1], [0.4902, 0.9433], atol=2e-4)
    # No value inside, and all: the bar ends at the point, not beyond it.
    for inside, end in ((0.0, 1), (9.0, 0)):
        bars = plot_calibration(rows.assign(y=9.0 - inside)).collections[0].get_segments()[0]
        assert sorted(bars[:, 1])[1 - end if inside else 0] == pytest.approx(1.0 if inside else 0.0, abs=1e-9)


def test_calibration_of_several_models():
    rows = table()
    ax = plot_calibration({"a": rows, "b": rows.assign(y=rows.y + 100)})
    assert legend(ax) == ["calibrated", "a, 24 values", "b, 24 values"]
    assert (ax.containers[1].lines[0].get_ydata() == 0).all()


ROWS = table()


@pytest.mark.parametrize(
    ("function", "forecasts", "match"),
    [
        (plot_error_by_horizon, [1.0], "forecasts is a list; expected a DataFrame that cross_validation returned"),
        (plot_error_by_horizon, {}, "forecasts is empty"),
        (plot_error_by_horizon, {"gru": 3}, "gru is a int; expected a DataFrame"),
        (plot_error_by_horizon, ROWS.drop(columns=["ds", "y"]), "forecasts lacks y, ds; expected"),
        (plot_error_by_horizon, ROWS.assign(y=np.nan), "no actual values"),
        (plot_error_by_horizon, ROWS[:0], "no actual values"),
        (plot_error_by_horizon, ROWS.assign(forecast=np.inf), "forecast of forecasts is inf in row 0"),
        (plot_error_by_horizon, {"m": ROWS.assign(forecast="x")}, "forecast of forecasts of m is not numeric"),
        (plot_error_by_horizon, ROWS.drop(columns="series"), "has 2024-01-01 00:00:00 twice.*needs the column series"),
        (plot_calibration, ROWS[["y", "forecast"]], "no intervals; expected pairs like lower_80 and upper_80"),
        (plot_calibration, ROWS.drop(columns="upper_80"), "lacks upper_80"),
        (plot_calibration, ROWS.rename(columns={"lower_80": "upper_80", "upper_80": "lower_80"}), "were they swapped"),
        (plot_calibration, ROWS.assign(lower_80=np.nan), "lower_80 of forecasts is nan in row 0"),
    ],
)
def test_bad_tables_are_refused(function, forecasts, match):
    with pytest.raises(InvalidArgumentError, match=match):
        function(forecasts)
    assert pyplot.get_fignums() == []


def test_bad_options_are_refused():
    with pytest.raises(InvalidArgumentError, match="metric='mape'; expected one of 'mae'"):
        plot_error_by_horizon(ROWS, "mape")
    with pytest.raises(InvalidArgumentError, match="spread='no'; expected True or False"):
        plot_error_by_horizon(ROWS, spread="no")
    with pytest.raises(InvalidArgumentError, match="ax is a str"):
        plot_calibration(ROWS, ax="x")


def test_the_tables_are_not_changed_and_given_axes_are_used():
    before = ROWS.copy()
    _, axes = pyplot.subplots(1, 2)
    assert plot_error_by_horizon(ROWS, ax=axes[0]) is axes[0]
    assert plot_calibration(ROWS, ax=axes[1]) is axes[1]
    pd.testing.assert_frame_equal(ROWS, before)
    axes[0].figure.canvas.draw()
