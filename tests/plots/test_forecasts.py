"""The lines, bands and labels of each plot, and how a canvas renders them."""

from __future__ import annotations

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest

from kerazoo import datasets
from kerazoo.errors import InvalidArgumentError
from kerazoo.plots import plot_backtest, plot_comparison, plot_forecast, plot_history

matplotlib.use("agg")

from matplotlib import dates, pyplot
from matplotlib.colors import to_rgba


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def lines(ax):
    """The lines by name."""
    return {line.get_label(): line for line in ax.get_lines()}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def numbers(times):
    """Times as matplotlib numbers."""
    return dates.date2num(pd.DatetimeIndex(times).to_pydatetime())


def xy(line):
    return np.asarray(dates.date2num(line.get_xdata()) if line.get_xdata().dtype.kind == "M" else line.get_xdata()), (
        np.asarray(line.get_ydata())
    )


def ticks(ax):
    """The visible tick labels below the axes, after drawing."""
    ax.figure.canvas.draw()
    left, right = ax.get_xlim()
    return [tick for place, tick in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True) if left <= place <= right]


def with_intervals(points, **widths):
    """A forecast with intervals of these half widths per level."""
    table = points.to_frame("forecast")
    for level, width in widths.items():
        table[f"lower_{level[1:]}"], table[f"upper_{level[1:]}"] = points - width, points + width
    return table


def backtest(series, folds, horizon):
    """Folds that forecast the value of the previous year."""
    tables = []
    for fold in range(folds):
        start = len(series) - (folds - fold) * horizon
        rows = slice(start, start + horizon)
        earlier = series.iloc[start - 12 : start - 12 + horizon]
        table = with_intervals(pd.Series(earlier.array, series.index[rows]), _80=9.0)
        tables.append(table.assign(fold=fold + 1, ds=series.index[rows], y=series.iloc[rows]))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def milk():
    return datasets.milk()


def test_the_forecast_starts_at_the_last_value_of_the_history(milk):
    forecast = milk[-12:] + 5
    ax = plot_forecast(milk[:-12], forecast, truth=milk[-12:])
    drawn = lines(ax)
    assert list(drawn) == legend(ax) == ["history", "truth", "forecast"]
    x, y = xy(drawn["history"])
    np.testing.assert_allclose(x, numbers(milk.index[:-12]))
    np.testing.assert_array_equal(y, milk[:-12])
    for name, values in (("forecast", forecast), ("truth", milk[-12:])):
        x, y = xy(drawn[name])
        np.testing.assert_allclose(x, numbers(milk.index[-13:]))
        np.testing.assert_array_equal(y, [milk.iloc[-13], *values])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("month", "pounds_per_cow")


def test_only_the_last_values_of_the_history_are_drawn(milk):
    history = lines(plot_forecast(milk[:-12], milk[-12:], last=7))["history"]
    np.testing.assert_array_equal(history.get_ydata(), milk[-19:-12])
    history = lines(plot_forecast(milk[:-12], milk[-12:], last=1000))["history"]
    assert len(history.get_ydata()) == 156


def test_a_gap_before_the_forecast_is_bridged_from_the_last_known_value(milk):
    history = milk[:-12].copy()
    history.iloc[-2:] = np.nan
    x, y = xy(lines(plot_forecast(history, milk[-12:]))["forecast"])
    assert x[0] == numbers(milk.index[-15:-14])[0]
    assert y[0] == milk.iloc[-15]
    # A forecast within the history starts at the value before it.
    _, y = xy(lines(plot_forecast(milk, milk[-12:] - 1))["forecast"])
    np.testing.assert_array_equal(y, [milk.iloc[-13], *(milk[-12:] - 1)])
    # And with no value before it, at its own first value.
    _, y = xy(lines(plot_forecast(milk[-12:], milk[:5]))["forecast"])
    np.testing.assert_array_equal(y, milk[:5])


def test_wider_intervals_are_lighter_and_start_at_the_last_value(milk):
    table = with_intervals(milk[-12:], _80=10.0, _95=25.0, _99_5=40.0).rename(
        columns=lambda name: name.replace("_5", ".5")
    )
    table = table[["forecast", "upper_80", "lower_99.5", "lower_80", "lower_95", "upper_99.5", "upper_95"]]
    ax = plot_forecast(milk[:-12], table)
    assert legend(ax) == ["history", "forecast", "99.5 % interval", "95 % interval", "80 % interval"]
    for band, width in zip(ax.collections, (40.0, 25.0, 10.0), strict=True):
        corners = band.get_paths()[0].vertices
        assert corners[:, 1].max() == pytest.approx(milk[-12:].max() + width)
        first = corners[corners[:, 0] == corners[:, 0].min()]
        np.testing.assert_array_equal(np.unique(first[:, 1]), [milk.iloc[-13]])
    shades = [patch.get_facecolor()[3] for patch in ax.get_legend().get_patches()]
    assert shades == sorted(shades)
    assert shades[0] < shades[1] < shades[2]
    # The colour on the canvas, in the middle of the last step, gets darker from band to band.
    figure = ax.figure
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    seen = []
    for offset in (35.0, 18.0, 5.0):
        column, row = ax.transData.transform((numbers(milk.index[-1:])[0] - 2, milk.iloc[-1] - offset))
        seen.append(int(pixels[pixels.shape[0] - 1 - int(row), int(column), 0]))
    assert 255 > seen[0] > seen[1] > seen[2]


@pytest.mark.parametrize(
    ("index", "first"),
    [
        (pd.date_range("2020-01-31", periods=9, freq="D"), 18292.0),
        (pd.date_range("2020-01-31 06:00", periods=9, freq="h", tz="Asia/Tokyo"), 18292.25),
        (pd.period_range("2020-02", periods=9, freq="M"), 18293.0),
        (pd.period_range("2020Q1", periods=9, freq="Q"), 18262.0),
        (pd.RangeIndex(3, 12), 3.0),
        (pd.Index([3, 4, 5, 6, 7, 8, 9, 10, 20]), 3.0),
    ],
    ids=["days", "hours with a zone", "months", "quarters", "range", "whole numbers"],
)
def test_every_kind_of_index_is_drawn(index, first):
    series = pd.Series(np.random.default_rng(1).normal(size=9), index)
    ax = plot_forecast(series[:6], with_intervals(series[6:], _80=1.0), truth=series[6:])
    x, y = xy(lines(ax)["history"])
    assert x[0] == first
    np.testing.assert_array_equal(y, series[:6])
    assert ax.get_xlabel() == ("step" if first == 3.0 else "time")
    assert ax.get_ylabel() == "value"
    labels = [tick.get_text() for tick in ticks(ax)]
    assert 2 <= len(labels) <= 10
    if first == 3.0:
        assert all(label == str(int(label)) for label in labels)


@pytest.mark.parametrize("count", [12, 60, 156])
def test_ticks_of_dates_do_not_overlap(milk, count):
    ax = plot_forecast(milk[:-12], milk[-12:], last=count)
    boxes = [tick.get_window_extent() for tick in ticks(ax)]
    assert len(boxes) >= 4
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize("columns", [1, 3])
def test_the_legend_lies_above_the_values_and_in_the_figure(milk, columns):
    figure, axes = pyplot.subplots(1, columns, figsize=(9, 4), layout="constrained", squeeze=False)
    figure.set_size_inches(4 * columns + 5 * (columns == 1), 4)
    drawn = [plot_backtest(milk, backtest(milk, 7, 12), ax=ax) for ax in axes[0]]
    figure.canvas.draw()
    for ax in drawn:
        box = ax.get_legend().get_window_extent()
        assert box.y0 >= ax.get_window_extent().y1 - 1
        assert (box.x0 >= 0, box.x1 <= figure.bbox.x1, box.y1 <= figure.bbox.y1) == (True, True, True)
        assert ax.get_window_extent().width > 0.6 * figure.bbox.width / columns


def test_given_axes_are_drawn_on_and_nothing_is_shown(milk, monkeypatch):
    monkeypatch.setattr(pyplot, "show", lambda *_, **__: pytest.fail("a window was opened"))
    figure, axes = pyplot.subplots(3)
    assert plot_forecast(milk[:-12], milk[-12:], ax=axes[0]) is axes[0]
    assert plot_backtest(milk, backtest(milk, 2, 12), ax=axes[1]) is axes[1]
    assert plot_history({"loss": [2.0, 1.0]}, ax=axes[2]) is axes[2]
    assert pyplot.get_fignums() == [figure.number]
    own = plot_history({"loss": [2.0, 1.0]})
    assert own.figure is not figure


def test_plotting_does_not_change_its_input(milk):
    table, folds = with_intervals(milk[-12:], _80=10.0), backtest(milk, 2, 12)
    before = milk.copy(), table.copy(), folds.copy()
    plot_forecast(milk, table, truth=milk[-12:])
    plot_backtest(milk, folds)
    pd.testing.assert_series_equal(milk, before[0])
    pd.testing.assert_frame_equal(table, before[1])
    pd.testing.assert_frame_equal(folds, before[2])


def test_a_forecast_of_one_step_can_be_seen(milk):
    line = lines(plot_forecast(milk[-1:], milk[:1]))["forecast"]
    assert (len(line.get_xdata()), line.get_marker()) == (1, "o")


def test_each_fold_of_a_backtest_is_drawn_over_the_truth(milk):
    folds = backtest(milk, 3, 12).sample(frac=1, random_state=1)  # in any order
    ax = plot_backtest(milk, folds)
    drawn = lines(ax)
    assert legend(ax) == ["truth", "fold 1", "fold 2", "fold 3", "80 % interval"]
    np.testing.assert_array_equal(drawn["truth"].get_ydata(), milk)
    for fold in (1, 2, 3):
        start = 168 - (4 - fold) * 12
        x, y = xy(drawn[f"fold {fold}"])
        np.testing.assert_allclose(x, numbers(milk.index[start - 1 : start + 12]))
        np.testing.assert_array_equal(y, [milk.iloc[start - 1], *milk[start - 12 : start]])
    assert len({drawn[f"fold {fold}"].get_color() for fold in (1, 2, 3)}) == 3
    for band, fold in zip(ax.collections, (1, 2, 3), strict=True):
        assert to_rgba(drawn[f"fold {fold}"].get_color())[:3] == tuple(band.get_facecolor()[0][:3])


def test_the_folds_continue_the_truth_after_the_end_of_the_history(milk):
    folds = backtest(milk, 3, 12)
    folds.loc[folds.index[-2:], "y"] = np.nan  # not known yet
    _, y = xy(lines(plot_backtest(milk[:-30], folds))["truth"])
    np.testing.assert_array_equal(y, [*milk[:-2], np.nan, np.nan])


def test_many_folds_share_one_legend_entry(milk):
    ax = plot_backtest(milk, backtest(milk, 20, 3))
    assert legend(ax) == ["truth", "forecasts of 20 folds", "80 % interval"]
    assert len(ax.get_lines()) == 21
    assert len({to_rgba(line.get_color()) for line in ax.get_lines()[1:]}) == 20


@pytest.mark.parametrize("index", [pd.period_range("1962-01", periods=168, freq="M"), pd.RangeIndex(168)])
def test_a_backtest_takes_every_index(milk, index):
    milk = milk.set_axis(index)
    ax = plot_backtest(milk, backtest(milk, 2, 12).drop(columns=["lower_80", "upper_80"]))
    assert legend(ax) == ["truth", "fold 1", "fold 2"]
    assert len(lines(ax)["fold 2"].get_xdata()) == 13


def test_losses_are_drawn_per_epoch_and_validation_is_dashed():
    ax = plot_history({"loss": [1.0, 0.1, 0.01], "val_loss": [2.0, 0.4, 0.2], "mae": [3, 2, 1]})
    drawn = lines(ax)
    assert list(drawn) == legend(ax) == ["loss", "val_loss", "mae"]
    np.testing.assert_array_equal(drawn["val_loss"].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(drawn["val_loss"].get_ydata(), [2.0, 0.4, 0.2])
    assert [line.get_linestyle() for line in drawn.values()] == ["-", "--", "-"]
    assert drawn["loss"].get_color() == drawn["val_loss"].get_color() != drawn["mae"].get_color()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "value", "log")
    assert [tick.get_text() for tick in ticks(ax)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("curve", "scale"),
    [
        ([1.0, 0.5], "log"),
        ([1.0, 0.0], "linear"),
        ([-1.0, -2.0], "linear"),
        ([1.0, np.nan], "log"),
        ([np.nan] * 2, "linear"),
    ],
)
def test_the_scale_is_logarithmic_where_all_losses_are_positive(curve, scale):
    ax = plot_history({"loss": curve, "val_loss": [0.3, 0.2]} if scale == "log" else {"loss": curve})
    assert (ax.get_yscale(), ax.get_ylabel()) == (scale, "loss")
    np.testing.assert_array_equal(lines(ax)["loss"].get_ydata(), curve)
    ax.figure.canvas.draw()


def test_one_epoch_can_be_seen():
    ax = plot_history({"loss": [0.5]})
    assert lines(ax)["loss"].get_marker() == "o"
    assert [tick.get_text() for tick in ticks(ax)] == ["1"]


def no_axes(milk):
    return plot_forecast(milk, milk[:3], ax="axes")


def without(column):
    return lambda milk: plot_backtest(milk, backtest(milk, 2, 12).drop(columns=column))


def crossed(milk):
    table = with_intervals(milk[-12:], _80=10.0)
    table.iloc[3, 1] = 2000.0
    return plot_forecast(milk[:-12], table)


def unknown_forecast(milk):
    folds = backtest(milk, 2, 12)
    folds.loc[15, "forecast"] = np.nan
    return plot_backtest(milk, folds)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda milk: plot_forecast(milk.to_numpy(), milk), "history is a ndarray; expected a pandas Series"),
        (lambda milk: plot_forecast(milk, [1.0, 2.0]), "forecast is a list; expected a pandas Series, or a DataFrame"),
        (lambda milk: plot_forecast(milk, pd.DataFrame()), "forecast is a DataFrame; expected .* the forecast first"),
        (lambda milk: plot_forecast(milk, milk, truth=3.0), "truth is a float; expected a pandas Series"),
        (lambda milk: plot_forecast(milk[:0], milk), "history is empty"),
        (lambda milk: plot_forecast(milk, milk[:0]), "forecast, column forecast is empty"),
        (lambda milk: plot_forecast(milk.astype(str) + "x", milk), "history has values that are not numbers"),
        (lambda milk: plot_forecast(milk / 0, milk), "history is infinite at 1962-01-01; expected"),
        (lambda milk: plot_forecast(milk, milk.shift(1)), "forecast, column forecast, is nan at 1962-01-01; expected"),
        (lambda milk: plot_forecast(milk[::-1], milk), "the index of history does not rise strictly.*sort_index"),
        (lambda milk: plot_forecast(milk, milk.iloc[[3, 3]]), "the index of forecast.* does not rise"),
        (lambda milk: plot_forecast(milk.set_axis(milk.index.astype(str)), milk), "expected a DatetimeIndex"),
        (lambda milk: plot_forecast(milk, milk.reset_index(drop=True)), "history dates, forecast whole numbers"),
        (lambda milk: plot_forecast(milk, milk, truth=milk.reset_index(drop=True)), "truth whole numbers"),
        (lambda milk: plot_forecast(milk, milk, last=0), "last=0; expected an integer >= 1"),
        (lambda milk: plot_forecast(milk, milk.to_frame("f").assign(upper=1.0)), "the column 'upper'; expected pairs"),
        (lambda milk: plot_forecast(milk, milk.to_frame("f").assign(upper_80=1e9)), "has only upper_80; expected"),
        (lambda milk: plot_forecast(milk, pd.concat([milk, milk], axis=1)), "expected each label once"),
        (crossed, "lower_80 is above upper_80 at 1975-04-01; expected lower <= upper. Were they swapped"),
        (no_axes, "ax is a str; expected matplotlib Axes, or None"),
        (lambda milk: plot_backtest(milk, {"fold": [1]}), "folds is a dict; expected a pandas DataFrame"),
        (without("ds"), "folds lacks ds; expected rows with the columns fold, ds, y, forecast"),
        (without(["fold", "y"]), "folds lacks fold, y"),
        (without("upper_80"), "fold 1 has only lower_80"),
        (lambda milk: plot_backtest(milk, backtest(milk, 2, 12)[:0]), "folds has no rows"),
        (lambda milk: plot_backtest(milk, backtest(milk, 2, 12).iloc[[2, 2]]), "the index of fold 1.* does not rise"),
        (lambda milk: plot_backtest(milk.reset_index(drop=True), backtest(milk, 2, 12)), "numbers, fold 1 dates"),
        (unknown_forecast, "fold 2, column forecast, is nan at 1975-04-01"),
        (lambda milk: plot_history([1.0, 2.0]), "history is a list; expected a dict of curves"),
        (lambda milk: plot_history({}), "expected at least one"),
        (lambda milk: plot_history({"loss": []}), "'loss': 0.*expected at least one, each with one value per epoch"),
        (lambda milk: plot_history({"loss": [1.0, 2.0], "val_loss": [1.0]}), "'loss': 2, 'val_loss': 1"),
        (lambda milk: plot_history({"loss": [[1.0, 2.0]]}), r"curve 'loss' has shape \(1, 2\)"),
        (lambda milk: plot_history({"loss": ["a"]}), "curve 'loss' is not a sequence of numbers"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_a_remedy_and_leaves_no_figure(milk, call, match):
    with pytest.raises(InvalidArgumentError, match=match):
        call(milk)
    assert pyplot.get_fignums() == []


def test_the_module_is_imported_without_matplotlib_and_pandas():
    code = "import sys, kerazoo.plots; print(sorted({'matplotlib', 'pandas', 'keras'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Backtests of one series of a frame.


@pytest.mark.parametrize("form", ["long", "shuffled", "categorical", "wide"])
def test_a_backtest_is_drawn_over_its_series_of_a_frame(form):
    days = pd.date_range("2024-01-01", periods=20, freq="D")
    values = {"a": np.arange(20.0), "b": 100 - np.arange(20.0)}
    history = pd.DataFrame(values, index=days)
    if form != "wide":
        parts = [pd.DataFrame({"unique_id": name, "ds": days, "y": each}) for name, each in values.items()]
        history = pd.concat(parts, ignore_index=True)
        history = history.sample(frac=1, random_state=1) if form == "shuffled" else history
        history = history.astype({"unique_id": "category"}) if form == "categorical" else history
    table = pd.DataFrame({"fold": 0, "series": "b", "ds": days[-4:], "y": values["b"][-4:], "forecast": 90.0})
    ax = plot_backtest(history, table)
    times, drawn = xy(lines(ax)["truth"])
    assert (times == numbers(days)).all()
    assert (drawn == values["b"]).all()
    assert ax.get_ylabel() == "b"
    with pytest.raises(InvalidArgumentError, match="folds has the series a, b; expected the folds of one series"):
        plot_backtest(history, pd.concat([table.assign(series="a"), table]))
    with pytest.raises(InvalidArgumentError, match="no column series"):
        plot_backtest(history, table.drop(columns="series"))
    with pytest.raises(InvalidArgumentError, match=r"series 'c'.*expected the same series"):
        plot_backtest(history, table.assign(series="c"))


# Comparisons.


def test_a_comparison_has_a_curve_per_model_and_the_last_losses_in_the_legend():
    curves = {f"gru_1x{n}": (np.arange(1.0, 6), 0.5 ** np.arange(n, n + 5)) for n in range(12)}
    ax = plot_comparison(curves)
    assert ax.get_yscale() == "log"
    assert [(line.get_color(), line.get_linestyle()) for line in ax.get_lines()] == list(
        itertools.chain(((f"C{i}", "-") for i in range(10)), ((f"C{i}", "--") for i in range(2)))
    )
    for line, (seconds, losses) in zip(ax.get_lines(), curves.values(), strict=True):
        assert (line.get_xdata() == seconds).all()
        assert (line.get_ydata() == losses).all()
    assert legend(ax)[0] == "0.062   gru_1x0"
    ax.figure.canvas.draw()
    box, figure = ax.get_legend().get_window_extent(), ax.figure.get_window_extent()
    assert box.x0 >= ax.get_window_extent().x1 - 1
    assert box.x1 <= figure.x1
    assert box.y0 >= figure.y0


def test_a_comparison_leaves_out_losses_that_cannot_be_drawn():
    ax = plot_comparison({"a": ([1, 2, 3], [0.1, np.nan, np.inf]), "b": ([1], [0.5]), "c": ([1, 2], [0.0, -1.0])})
    assert legend(ax) == ["0.1   a", "0.5   b", "nan   c"]
    assert lines(ax)["0.5   b"].get_marker() == "o"
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ([1, 2], "expected a dict"),
        ({}, "at least one curve"),
        ({"a": [1, 2, 3]}, r"expected \(seconds, losses\)"),
        ({"a": ([1, 2], [1.0])}, "2 seconds and 1 losses"),
        ({"a": ([], [])}, "0 seconds"),
        ({"a": (["x"], [1.0])}, "not a sequence of numbers"),
    ],
)
def test_bad_comparisons_are_refused(curves, words):
    with pytest.raises(InvalidArgumentError, match=words):
        plot_comparison(curves)


@pytest.mark.parametrize("first", ["as they are", pytest.param("as periods", marks=pytest.mark.slow)])
@pytest.mark.parametrize("freq", ["MS", "ME", "B", "D", "W-WED", "QS", "YS", "h", "15min", "2MS"])
def test_lines_lie_where_pandas_has_drawn_the_series(freq, first):
    index = pd.date_range("2021-03-01", periods=40, freq=freq)
    series = pd.Series(np.arange(40.0), index)
    if first == "as periods":
        series = series.to_period({"2MS": "2M"}.get(freq))
    forecast = series[-4:].to_frame("forecast").assign(lower_80=30.0, upper_80=50.0)
    ax = series[:-4].plot()
    ticks = ax.xaxis.get_major_locator()
    plot_forecast(series[:-4], forecast, truth=series[-4:], ax=ax)
    pandas_line, history, truth, drawn = ax.get_lines()
    places = np.asarray(pandas_line.get_xdata(orig=False), float)
    np.testing.assert_array_equal(np.asarray(history.get_xdata(orig=False), float), places)
    steps = places[1] - places[0]
    if freq != "B":
        np.testing.assert_allclose(drawn.get_xdata(orig=False)[1:], places[-1] + steps * np.arange(1, 5))
    np.testing.assert_array_equal(truth.get_xdata(orig=False), drawn.get_xdata(orig=False))
    assert ax.xaxis.get_major_locator() is ticks
    folds = pd.DataFrame({"fold": 0, "ds": series.index[-4:], "y": 1.0, "forecast": 2.0})
    before = len(ax.get_lines())
    plot_backtest(series[:-4], folds, ax=ax)
    np.testing.assert_array_equal(ax.get_lines()[before].get_xdata(orig=False)[:36], places)


def test_finer_steps_lie_between_the_periods_of_the_axis():
    months = pd.Series(np.arange(4.0), pd.date_range("2021-01-01", periods=4, freq="MS"))
    days = pd.Series(np.arange(59.0), pd.date_range("2021-01-01", periods=59, freq="D"))
    ax = months.plot()
    plot_forecast(days[:-3], days[-3:], ax=ax)
    start = ax.get_lines()[0].get_xdata(orig=False)[0]
    drawn = ax.get_lines()[1].get_xdata(orig=False)
    np.testing.assert_allclose(drawn[[0, 1, 31, 32]], start + np.array([0, 1 / 31, 1, 1 + 1 / 28]))
