"""Forecasts from several origins, judged beside the naive ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kerazoo import metrics
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines
from kerazoo.forecast.data import SeriesData, read_panel

__all__ = ["backtest"]


def backtest(
    forecaster: Any,
    y: Any,
    X: Any,
    horizon: int | None,
    folds: int,
    step: int | None,
    refit: str | bool,
    levels: Sequence[float],
    where_possible: bool = False,
) -> pd.DataFrame:
    """See :meth:`kerazoo.Forecaster.backtest`; `where_possible` leaves out the levels that too few steps are held out
    for."""
    from kerazoo.forecast.fitting import checked_held_out, fit_ensemble

    if refit not in ("fresh", False):
        raise InvalidArgumentError(f"refit={refit!r}; expected 'fresh' or False.")
    whole = read_panel(y, X)
    settings = forecaster._settings(whole)
    horizon = settings.horizon if horizon is None else check_int("horizon", horizon)
    folds = check_int("folds", folds)
    step = horizon if step is None else check_int("step", step)
    back = [horizon + (folds - 1 - fold) * step for fold in range(folds)]
    shortest = min(len(each.values) for each in whole.series)
    least = 2 * settings.period + 3
    left = f"{folds} folds of {horizon} steps, {step} apart, leave {max(0, shortest - back[0])} of {shortest} values"
    if shortest - back[0] < least:
        fit = 1 + (shortest - least - horizon) // step
        remedy = f"folds={fit} would fit, or a smaller step" if fit >= 1 else "A longer series is needed"
        raise InvalidArgumentError(f"{left}; expected at least {least} to learn from. {remedy}.")
    first = _until(whole, back[0])
    try:
        checked_held_out(first, forecaster._settings(first), None)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{left} for the first. {error}") from error
    rows, steps = [], []
    model = None
    for fold, before in enumerate(back):
        panel = _until(whole, before)
        if model is None or refit == "fresh":
            # No clone of scikit-learn's: callbacks are those that were given, not copies, and see all folds. And a fold
            # is not the fit that is to be resumed.
            model = type(forecaster)(**{**forecaster.get_params(deep=False), "checkpoint_dir": None})
            its = model._settings(panel)
            model._panel, model._fitted = panel, fit_ensemble(panel, its)
            model._levels_seed = its.seed
        if where_possible and fold == 0:  # the fold with the fewest values
            levels = model._possible(levels)
        futures = [
            each.covariates[len(each.values) - before : len(each.values) - before + horizon] for each in whole.series
        ]
        columns = model._columns(panel.series, futures, horizon, levels)
        for place, (known, all_of_it) in enumerate(zip(panel.series, whole.series, strict=True)):
            origin = len(known.values)
            truth = all_of_it.values[origin : origin + horizon]
            forecasts = {
                "forecaster": columns["forecast"][place],
                "naive": baselines.naive(known.values, horizon),
                "seasonal_naive": baselines.seasonal_naive(known.values, horizon, settings.period),
            }
            for name, forecast in forecasts.items():
                row = {"fold": fold, "origin": known.index[-1], "series": known.id, "model": name,
                       **_scores(truth, forecast, known.values, settings.period)}  # fmt: skip
                for level in levels:
                    label = f"{100 * level:g}"
                    held = np.nan
                    if name == "forecaster":
                        bounds = (columns[f"{side}_{label}"][place] for side in ("lower", "upper"))
                        held = metrics.coverage(truth, *bounds)
                    row[f"coverage_{label}"] = held
                rows.append(row)
            table = {"fold": fold, "series": known.id, "ds": all_of_it.index[origin : origin + horizon], "y": truth}
            steps.append(pd.DataFrame({**table, **{label: arrays[place] for label, arrays in columns.items()}}))
    found = pd.DataFrame(rows)
    found.attrs["forecasts"] = _Steps(pd.concat(steps, ignore_index=True))
    return found


class _Steps(pd.DataFrame):
    """A frame that may stand in `attrs`: pandas compares and copies those of the frames that it puts together."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def __eq__(self, other: Any) -> Any:
        return self is other if isinstance(other, _Steps) else super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: Any = None) -> _Steps:
        return self


def _scores(truth: Any, forecast: Any, known: Any, period: int) -> dict[str, float]:
    scores = {
        "rmse": metrics.rmse(truth, forecast),
        "mae": metrics.mae(truth, forecast),
        "smape": metrics.smape(truth, forecast),
    }
    try:
        scores["mase"] = metrics.mase(truth, forecast, known, period)
    except InvalidArgumentError:  # a series without changes has no scale
        scores["mase"] = np.nan
    return scores


def _until(panel: Any, before: int) -> Any:
    """The panel without the last `before` steps of each series."""
    from dataclasses import replace

    series = tuple(
        SeriesData(each.id, each.values[:-before], each.index[:-before], each.covariates[:-before])
        for each in panel.series
    )
    return replace(panel, series=series)
