"""The plots of `Forecaster`."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from kerazoo import Forecaster
from kerazoo.errors import InvalidArgumentError
from tests.forecast.helpers import T, covariates, frame, series, tiny

pytestmark = pytest.mark.usefixtures("uncompiled")

matplotlib.use("agg")


def test_plots(main, panel, backtested):
    from matplotlib import pyplot

    try:
        axes = main.plot_forecast(6, truth=series(T + 6)[T:], last=24)
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert {"80 %", "95 %"} <= {text for text in texts if "%" in text} or any("80" in text for text in texts)
        drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}
        assert any(np.array_equal(values, series()[-24:]) for values in drawn.values())
        assert any(np.allclose(values[-6:], main.predict(6)) for values in drawn.values())
        axes = panel.plot_forecast(3, covariates(3, T), level=None, series="b")
        assert any(np.array_equal(line.get_ydata(), frame()["b"]) for line in axes.get_lines())
        with pytest.raises(InvalidArgumentError, match=r"series='c'; expected one of \['a', 'b'\]"):
            panel.plot_forecast(3, covariates(3, T), series="c")
        _, mine = pyplot.subplots()
        assert main.plot_history(ax=mine) is mine
        assert mine.get_xlabel() == "epoch"
        assert {line.get_label() for line in mine.get_lines()} >= {"loss", "val_loss"}
        axes = Forecaster.plot_backtest(series(), backtested)
        forecasts = backtested.attrs["forecasts"]
        for fold in (0, 1):
            expected = forecasts[forecasts["fold"] == fold]["forecast"]
            assert any(np.allclose(np.asarray(line.get_ydata())[-4:], expected) for line in axes.get_lines())
    finally:
        pyplot.close("all")


def test_the_truth_of_several_series():
    from matplotlib import pyplot

    y = frame()
    rows = y.rename_axis(columns=None).melt(var_name="unique_id", value_name="y", ignore_index=False)
    rows = rows.rename_axis("ds").reset_index()
    after = rows[rows["ds"] >= y.index[50]].sample(frac=1, random_state=1)
    statistics = Forecaster(horizon=10, epochs=0, verbose=0)
    made = statistics.fit(y[:50])
    numbers = Forecaster(horizon=10, epochs=0, verbose=0).fit(y[:50].to_numpy())
    of_long = Forecaster(horizon=10, epochs=0, verbose=0).fit(rows[rows["ds"] < y.index[50]])

    def drawn(fitted, truth, **options):
        line = next(
            each for each in fitted.plot_forecast(truth=truth, **options).get_lines() if each.get_label() == "truth"
        )
        return np.asarray(line.get_ydata())[1:]  # it begins with the last value of the history

    try:
        for fitted in (made, of_long):
            for truth in (
                y[50:],
                y["b"][50:],
                y["b"][50:].rename("x"),
                after,
                y["b"][50:].to_numpy(),
                y[50:].to_numpy(),
            ):
                np.testing.assert_array_equal(drawn(fitted, truth, series="b"), y["b"][50:])
        np.testing.assert_array_equal(drawn(numbers, y[50:].to_numpy(), series=1), y["b"][50:])
        np.testing.assert_array_equal(drawn(made, y[50:]), y["a"][50:])
        for truth, message in (
            (y[["a"]][50:], "truth has the columns 'a'; expected one column 'b'"),
            (y["a"][50:], "truth has the name 'a', and the series 'b' is plotted"),
            (after[after["unique_id"] == "a"], "truth has the series 'a'; expected 'b'"),
            (after.drop(columns="y"), "truth has the columns .*; expected unique_id, ds and y"),
            (np.ones((4, 3)), r"truth has the shape \(4, 3\); expected \(T,\), .* or \(T, 2\)"),
            ({}, "truth is a dict"),
        ):
            with pytest.raises(InvalidArgumentError, match=message):
                made.plot_forecast(truth=truth, series="b")
    finally:
        pyplot.close("all")


def test_forecast_plots_have_the_possible_intervals():
    without = tiny(epochs=0).fit(series(), val=0)
    assert len(without.plot_forecast(3).collections) == 0
    with pytest.raises(InvalidArgumentError, match="no steps were held out"):
        without.plot_forecast(3, level=0.8)
    few = tiny(epochs=0).fit(series(), val=6)  # enough for 80 %, not for 95 %
    assert len(few.plot_forecast(3).collections) == 1
    with pytest.raises(InvalidArgumentError, match="'auto'"):
        few.plot_forecast(3, level="all")


def test_a_backtest_of_several_series_is_plotted_one_at_a_time():
    found = tiny(epochs=0).cross_validation(frame(), horizon=3, n_windows=2, refit=False)
    ax = Forecaster.plot_backtest(frame()["b"], found, series="b")
    drawn = found.attrs["forecasts"].query("series == 'b' and fold == 1")["forecast"]
    assert ax.get_lines()[2].get_ydata()[-1] == drawn.iloc[-1]
    with pytest.raises(InvalidArgumentError, match="series='c'"):
        Forecaster.plot_backtest(frame()["b"], found, series="c")
