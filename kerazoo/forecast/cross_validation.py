"""Cross-validation of a forecaster: a method of the estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from kerazoo._runtime.deprecation import renamed_arguments
from kerazoo._runtime.devices import prefer_fast_kernels
from kerazoo._runtime.estimator import Estimator
from kerazoo.forecast.inputs import panel_of
from kerazoo.forecast.options import USUAL_LEVELS, is_auto, read_levels

__all__ = ["CrossValidationMixin"]


class CrossValidationMixin(Estimator):
    """Adds `cross_validation` to an estimator with the parameters of a Forecaster."""

    missing = "error"

    @renamed_arguments(folds="n_windows", interval="level")
    def cross_validation(
        self,
        y: Any,
        horizon: int | None = None,
        n_windows: int = 5,
        *,
        X: Any = None,
        X_past: Any = None,
        static: Any = None,
        step: int | None = None,
        refit: str | bool = "fresh",
        level: float | Sequence[float] | str | None = "auto",
    ) -> pd.DataFrame:
        """Forecast from several origins, and compare with the naive and the seasonal naive forecast.

        `backtest` is another name of this method. The estimator itself is not fitted.

        Args:
            y: as for :meth:`fit`.
            horizon: int, steps of each forecast; None: as in the constructor.
            n_windows: int >= 1, origins; the last forecast ends where the series ends.
            X: as for :meth:`fit`.
            X_past: as for :meth:`fit`.
            static: as for :meth:`fit`.
            step: int >= 1, steps between origins; None: `horizon`.
            refit: "fresh": a new forecaster is trained from scratch at each origin, on the values before it; False: one
                is trained at the first origin and then forecasts from the longer series.
            level: levels of the intervals whose coverage is measured, as for :meth:`predict`; None: none; "auto": 80
                and 95 % where enough steps are held out at the first origin.

        Returns:
            A DataFrame with one row per window, series and model (`forecaster`, `naive`, `seasonal_naive`) and the
            columns `fold` (the number of the window), `origin` (the last known date), `series`, `model`, `rmse`, `mae`,
            `smape` (percent), `mase`, and `coverage_80`, ... of the forecaster. ``attrs["forecasts"]`` is a DataFrame
            with `fold`, `series`, `ds`, `y`, `forecast` and the bounds of each step, for :meth:`plot_backtest`.

        Raises:
            InvalidArgumentError: the series are too short for so many windows.
            TrainingError: the training of a window diverges.
        """
        prefer_fast_kernels()
        from kerazoo.forecast.backtest import backtest

        auto = is_auto(level)
        levels = USUAL_LEVELS if auto else read_levels(level)
        return backtest(
            panel_of(y, X, missing=self.missing, X_past=X_past, static=static),
            self.get_params(deep=False), horizon=horizon, n_windows=n_windows, step=step, refit=refit,
            levels=levels, only_possible=auto,
        )  # fmt: skip

    backtest = cross_validation
