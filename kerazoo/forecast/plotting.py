"""The plots of a forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kerazoo import plots
from kerazoo._runtime.deprecation import renamed_arguments
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.index import future_index, listed
from kerazoo.forecast.data.other_frames import pandas_of
from kerazoo.forecast.data.panel import Panel
from kerazoo.forecast.data.validation import plain_array
from kerazoo.forecast.options import USUAL_LEVELS, is_auto, read_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kerazoo.forecast.fitted import Fitted
    from kerazoo.forecast.fitted_panel import FittedPanel

__all__ = ["PlotMixin"]


class PlotMixin:
    """Adds plots to an estimator whose `_check_fitted` returns a Fitted."""

    def _check_fitted(self) -> Fitted | FittedPanel:
        raise NotImplementedError

    @renamed_arguments(interval="level")
    def plot_forecast(
        self,
        horizon: int | None = None,
        X_future: Any = None,
        level: float | Sequence[float] | str | None = "auto",
        *,
        truth: Any = None,
        last: int | None = None,
        series: Any = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Plot the end of a series and its forecast: see :func:`kerazoo.plots.plot_forecast`.

        Args:
            horizon: as for :meth:`predict`.
            X_future: as for :meth:`predict`.
            level: as for :meth:`predict`; "auto": 80 and 95 % where enough steps were held out.
            truth: the true values, or None: a Series; a DataFrame with a column per series, or a long one, of which
                the plotted series is taken; or numbers (T,), or (T, n) of all series, that follow the series.
            last: int or None, number of past values to plot.
            series: label of one of several series; None: the first.
            ax: matplotlib Axes or None.

        Raises:
            InvalidArgumentError: an unknown series, or one that `truth` lacks; as :meth:`predict`.
        """
        fitted = self._check_fitted()
        panel = fitted.panel
        number = 0 if series is None else panel.ids.index(_known(series, panel.ids))
        horizon = fitted.horizon if horizon is None else check_int("horizon", horizon)
        futures = read_future(panel, X_future, horizon)
        levels = fitted.possible_levels(USUAL_LEVELS) if is_auto(level) else read_levels(level)
        columns = fitted.forecast(panel, futures, horizon, levels)
        data = panel.series[number]
        dates = future_index(data.index, horizon)
        history = pd.Series(data.values, data.index, name=data.id)
        table = pd.DataFrame({label: arrays[number] for label, arrays in columns.items()}, index=dates)
        true = None if truth is None else _truth_of(pandas_of(truth, "truth"), panel, number)
        return plots.plot_forecast(history, table, truth=true, last=last, ax=ax)

    def plot_history(self, ax: Axes | None = None) -> Axes:
        """Plot the losses by epoch: see :func:`kerazoo.plots.plot_history`.

        Raises:
            InvalidArgumentError: no network was trained.
        """
        history = self._check_fitted().course.history
        if not any(map(len, history.values())):
            raise InvalidArgumentError(
                "plot_history() of a forecaster without a training; expected one with epochs > 0 whose networks are "
                "no preset and were not left out."
            )
        return plots.plot_history(history, ax=ax)

    @staticmethod
    def plot_backtest(y: pd.Series, backtest: pd.DataFrame, series: Any = None, ax: Axes | None = None) -> Axes:
        """Plot the forecasts of a backtest over the true values: see :func:`kerazoo.plots.plot_backtest`.

        Args:
            y: Series of the true values of one series.
            backtest: what :meth:`cross_validation` returned.
            series: label of one of several series; None: the first.
            ax: matplotlib Axes or None.
        """
        forecasts = backtest.attrs["forecasts"]
        ids = list(dict.fromkeys(backtest["series"]))
        label = ids[0] if series is None else _known(series, ids)
        if len(ids) > 1:
            forecasts = forecasts[forecasts["series"] == label]
        return plots.plot_backtest(y, forecasts, ax=ax)


def _truth_of(truth: Any, panel: Panel, number: int) -> Any:
    """The true values of one series as a Series; what is neither of a known form is left to the plot."""
    label = panel.ids[number]
    if isinstance(truth, np.ndarray | list | tuple):
        values = plain_array(truth, "truth", "skip")
        n = len(panel.ids)
        if not values.size or values.ndim > 2 or (values.ndim == 2 and values.shape[1] != n):
            raise InvalidArgumentError(
                f"truth has the shape {values.shape}; expected (T,), the values of the plotted series, or (T, {n})."
            )
        dates = future_index(panel.series[number].index, len(values))
        return pd.Series(values if values.ndim == 1 else values[:, number], dates)
    if isinstance(truth, pd.Series):
        if truth.name != label and truth.name in panel.ids:
            raise InvalidArgumentError(
                f"truth has the name {truth.name!r}, and the series {label!r} is plotted; expected its values. "
                f"series={truth.name!r} plots the other one."
            )
        return truth
    if not isinstance(truth, pd.DataFrame):
        return truth
    keys = [key for key in ("unique_id", "ds", "y") if key in truth.columns]
    if len(keys) == 3:
        rows = truth[truth["unique_id"] == label]
        if not len(rows):
            raise InvalidArgumentError(
                f"truth has the series {listed(truth['unique_id'].unique())}; expected {label!r}, which is plotted."
            )
        return rows.set_index("ds")["y"].sort_index()
    if len(keys) > 1 or (panel.form == "long" and keys and label not in truth.columns):
        raise InvalidArgumentError(f"truth has the columns {listed(truth.columns)}; expected unique_id, ds and y.")
    columns = list(truth.columns)
    if label not in columns and len(panel.ids) == truth.shape[1] == 1:
        return truth.iloc[:, 0]
    if columns.count(label) != 1:
        raise InvalidArgumentError(
            f"truth has the columns {listed(columns)}; expected one column {label!r}, the series that is plotted."
        )
    return truth[label]


def _known(series: Any, ids: Sequence[Any]) -> Any:
    if series not in ids:
        raise InvalidArgumentError(f"series={series!r}; expected one of {list(ids)[:20]}.")
    return series
