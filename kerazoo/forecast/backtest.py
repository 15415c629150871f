"""Rolling-origin evaluation of a forecaster compared with the naive forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from kerazoo import metrics
from kerazoo._columns import FORECAST, bound_columns
from kerazoo._runtime.progress import progress_bar
from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines, fitting
from kerazoo.forecast.data.panel import Panel, SeriesData
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.fitted import Fitted
from kerazoo.forecast.fitted_panel import FittedPanel
from kerazoo.forecast.options import fit_settings, steps_to_hold_out
from kerazoo.forecast.periods import values_of_season
from kerazoo.forecast.transforms.base import Values

__all__ = ["backtest", "scored"]


def backtest(
    panel: Panel,
    params: Mapping[str, Any],
    *,
    horizon: int | None = None,
    n_windows: int = 5,
    step: int | None = None,
    refit: str | bool = "fresh",
    levels: Sequence[float] = (),
    only_possible: bool = False,
) -> pd.DataFrame:
    """Forecast the end of the series from several origins: see :meth:`kerazoo.Forecaster.cross_validation`.

    Args:
        panel: the series.
        params: name -> value of the constructor parameters of a Forecaster. Their callbacks see the training of every
            window; no checkpoints are written.
        horizon: int, steps of each forecast; None: as the parameters say.
        n_windows: int >= 1, origins.
        step: int >= 1, steps between origins; None: `horizon`.
        refit: "fresh" or False.
        levels: levels of the intervals whose coverage is measured, fractions.
        only_possible: whether to skip levels for which too few steps are held out at the first origin, instead of
            raising an error.

    Returns:
        The scores, with the forecasts in ``attrs["forecasts"]``.

    Raises:
        InvalidArgumentError: an argument is out of range, or the series are too short for so many windows.
        IntervalError: too few steps are held out for a level.
        TrainingError: the training of a window diverges.
    """
    if refit not in ("fresh", False):
        raise InvalidArgumentError(f"refit={refit!r}; expected 'fresh' or False.")
    settings = fit_settings(params, panel)
    horizon = settings.horizon if horizon is None else check_int("horizon", horizon)
    n_windows = check_int("n_windows", n_windows)
    step = horizon if step is None else check_int("step", step)
    cutoffs = [horizon + (n_windows - 1 - window) * step for window in range(n_windows)]
    _check_length(panel, settings, params, horizon, n_windows, step)
    rows, tables = [], []
    fitted: Fitted | FittedPanel | None = None
    for window, cutoff in enumerate(_with_progress(cutoffs)):
        known = _without_last(panel, cutoff)
        if fitted is None or refit == "fresh":
            fitted = fitting.fit(known, fit_settings(params, known))
            if fitted.course.error is not None:
                raise fitted.course.error
        if only_possible and window == 0:  # the window with the fewest values
            levels = fitted.possible_levels(levels)
        starts = [len(each.values) - cutoff for each in panel.series]
        futures = [each.covariates[start : start + horizon] for each, start in zip(panel.series, starts, strict=True)]
        columns = fitted.forecast(known, futures, horizon, levels)
        for number, (before, whole) in enumerate(zip(known.series, panel.series, strict=True)):
            future = slice(starts[number], starts[number] + horizon)
            truth = whole.values[future]
            forecasts = {label: arrays[number] for label, arrays in columns.items()}
            first = {"fold": window, "origin": before.index[-1], "series": before.id}
            rows += scored(first, truth, forecasts, before, settings.period, levels)
            table = {"fold": window, "series": before.id, "ds": whole.index[future], "y": truth, **forecasts}
            tables.append(pd.DataFrame(table))
    found = pd.DataFrame(rows)
    found.attrs["forecasts"] = _Forecasts(pd.concat(tables, ignore_index=True))
    return found


def _with_progress(cutoffs: Sequence[int]) -> Iterator[int]:
    """The same numbers, with a bar of the windows that are done."""
    with progress_bar(len(cutoffs), "window", "backtest windows", unit_scale=False) as bar:
        for cutoff in cutoffs:
            yield cutoff
            bar.update(1)


def _check_length(
    panel: Panel, settings: FitSettings, params: Mapping[str, Any], horizon: int, n_windows: int, step: int
) -> None:
    """:class:`InvalidArgumentError` unless enough values lie before the first origin."""
    shortest = min(len(each.values) for each in panel.series)
    cutoff = horizon + (n_windows - 1) * step
    minimum = 3 if settings.by_series else values_of_season(settings.period)
    left = (
        f"{n_windows} windows of {horizon} steps, {step} apart, leave {max(0, shortest - cutoff)} of {shortest} values"
    )
    if shortest - cutoff < minimum:
        fit = 1 + (shortest - minimum - horizon) // step
        remedy = f"n_windows={fit} would fit, or a smaller step" if fit >= 1 else "A longer series is needed"
        raise InvalidArgumentError(f"{left}; expected at least {minimum} to train on. {remedy}.")
    first = _without_last(panel, cutoff)
    try:
        steps_to_hold_out(first, fit_settings(params, first), None)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{left} for the first. {error}") from error


def scored(
    first: Mapping[str, Any],
    truth: Values,
    forecasts: Mapping[str, Values],
    known: SeriesData,
    period: int,
    levels: Sequence[float],
) -> list[dict[str, Any]]:
    """The rows of one series and window: one per model, which begin with the columns `first`.

    Args:
        first: columns that all rows begin with.
        truth: float64 (H,), NaN where it is not known.
        forecasts: label -> float64 (H,), the forecast and the bounds of its intervals.
        known: the series up to the origin.
        period: int >= 1, steps per season.
        levels: those of the intervals, fractions.
    """
    horizon = len(truth)
    models = {
        "forecaster": forecasts[FORECAST],
        "naive": baselines.naive(known.values, horizon),
        "seasonal_naive": baselines.seasonal_naive(known.values, horizon, period),
    }
    rows = []
    for name, forecast in models.items():
        row = {**first, "model": name, **_scores(truth, forecast, known.values, period)}
        for level in levels:
            covered = np.nan
            if name == "forecaster":
                covered = _coverage(truth, *(forecasts[label] for label in bound_columns(level)))
            row[f"coverage_{100 * level:g}"] = covered
        rows.append(row)
    return rows


class _Forecasts(pd.DataFrame):
    """A frame for `attrs`: when pandas joins frames, it compares and copies their attrs."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def __eq__(self, other: Any) -> Any:
        return self is other if isinstance(other, _Forecasts) else super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: Any = None) -> _Forecasts:
        return self


def _coverage(truth: Values, lower: Values, upper: Values) -> float:
    """The fraction of the known values inside their intervals; NaN if none is known."""
    seen = ~np.isnan(truth)
    return metrics.coverage(truth[seen], lower[seen], upper[seen]) if seen.any() else float("nan")


def _scores(truth: Values, forecast: Values, known: Values, period: int) -> dict[str, float]:
    """Scores over the known values of the truth; NaN if none is known."""
    seen = ~np.isnan(truth)
    if not seen.any():
        return dict.fromkeys(("rmse", "mae", "smape", "mase"), np.nan)
    truth, forecast = truth[seen], forecast[seen]
    scores = {
        "rmse": metrics.rmse(truth, forecast),
        "mae": metrics.mae(truth, forecast),
        "smape": metrics.smape(truth, forecast),
    }
    try:
        scores["mase"] = metrics.mase(truth, forecast, known, period)
    except InvalidArgumentError:  # a constant series has no scale, nor has one without two values a season apart
        scores["mase"] = np.nan
    return scores


def _without_last(panel: Panel, steps: int) -> Panel:
    """The panel without the last steps of each series."""
    return replace(panel, series=tuple(each.first(len(each.values) - steps) for each in panel.series))
