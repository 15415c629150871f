"""The plots of a forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from kerazoo import plots
from kerazoo._runtime.deprecation import renamed_arguments
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.future import read_future
from kerazoo.forecast.data.index import future_index
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
            truth: Series of the true values, or None.
            last: int or None, number of past values to plot.
            series: label of one of several series; None: the first.
            ax: matplotlib Axes or None.
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
        return plots.plot_forecast(history, table, truth=truth, last=last, ax=ax)

    def plot_history(self, ax: Axes | None = None) -> Axes:
        """Plot the losses by epoch: see :func:`kerazoo.plots.plot_history`."""
        return plots.plot_history(self._check_fitted().course.history, ax=ax)

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


def _known(series: Any, ids: Sequence[Any]) -> Any:
    if series not in ids:
        raise InvalidArgumentError(f"series={series!r}; expected one of {list(ids)[:20]}.")
    return series
