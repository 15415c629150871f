"""Statistical forecasts that the forecaster is compared with, and how they are scored at rolling origins.

Every baseline is a function (train, period, horizon) -> :class:`Forecast`, fitted at each origin to the values before
it. Needs statsmodels and statsforecast, which the package itself does not need.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines
from kerazoo.metrics import coverage, mase, rmse

__all__ = ["BASELINES", "LEVELS", "Forecast", "mean_ranks", "package_versions", "score"]

LEVELS = (80, 95)
Values = NDArray[np.float64]


@dataclass
class Forecast:
    """A forecast over a horizon of H steps.

    Attributes:
        mean: point forecast, float64 (H,).
        intervals: level in percent -> bounds (lower, upper), float64 (H,) each; empty if the library has none.
    """

    mean: Values
    intervals: dict[int, tuple[Values, Values]] = field(default_factory=dict)


def seasonal_naive(train: pd.Series, period: int, horizon: int) -> Forecast:
    """Repeats the last season."""
    return Forecast(baselines.seasonal_naive(train.to_numpy(), horizon, period))


def holt_winters(train: pd.Series, period: int, horizon: int) -> Forecast:
    """Additive Holt-Winters by least squares; Holt's linear trend without a season. It has no intervals."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    season = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    fitted = ExponentialSmoothing(train, trend="add", initialization_method="estimated", **season).fit()
    return Forecast(fitted.forecast(horizon).to_numpy())


def holt_winters_per_day(train: pd.Series, period: int, horizon: int) -> Forecast:
    """Holt-Winters on monthly values per day, multiplied by the days of the months of the horizon."""
    if train.index.freqstr != "MS":
        raise InvalidArgumentError(f"freq {train.index.freqstr}; expected months (MS), whose numbers of days differ.")
    coming = pd.date_range(train.index[-1], periods=horizon + 1, freq="MS")[1:]
    a_day = holt_winters(train / train.index.days_in_month, period, horizon)
    return Forecast(a_day.mean * coming.days_in_month.to_numpy())


def sarima(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The airline model (0,1,1)(0,1,1) of Box and Jenkins; (0,1,1) without a season."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    season = (0, 1, 1, period) if period > 1 else (0, 0, 0, 0)
    fitted = SARIMAX(train, order=(0, 1, 1), seasonal_order=season).fit(disp=False)
    coming = fitted.get_forecast(horizon)
    bounds = {level: coming.conf_int(alpha=1 - level / 100).to_numpy() for level in LEVELS}
    intervals = {level: (bound[:, 0], bound[:, 1]) for level, bound in bounds.items()}
    return Forecast(coming.predicted_mean.to_numpy(), intervals)


def ets_aaa(train: pd.Series, period: int, horizon: int) -> Forecast:
    """ETS(A,A,A) by maximum likelihood; ETS(A,A,N) without a season."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    season = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    fitted = ETSModel(train, error="add", trend="add", **season).fit(disp=False)
    coming = fitted.get_prediction(start=len(train), end=len(train) + horizon - 1)
    frames = {level: coming.summary_frame(alpha=1 - level / 100) for level in LEVELS}
    intervals = {level: (frame["pi_lower"].to_numpy(), frame["pi_upper"].to_numpy()) for level, frame in frames.items()}
    return Forecast(frames[LEVELS[0]]["mean"].to_numpy(), intervals)


def auto_ets(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The ETS model with the lowest AICc."""
    from statsforecast.models import AutoETS

    return _by_statsforecast(AutoETS(season_length=period), train, horizon)


def auto_arima(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The ARIMA model that the stepwise search of Hyndman and Khandakar finds."""
    from statsforecast.models import AutoARIMA

    return _by_statsforecast(AutoARIMA(season_length=period), train, horizon)


def auto_theta(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The best of four Theta models, after seasonal adjustment."""
    from statsforecast.models import AutoTheta

    return _by_statsforecast(AutoTheta(season_length=period), train, horizon)


def _by_statsforecast(model: Any, train: pd.Series, horizon: int) -> Forecast:
    found = model.forecast(y=train.to_numpy(), h=horizon, level=list(LEVELS))
    intervals = {
        level: (np.asarray(found[f"lo-{level}"]), np.asarray(found[f"hi-{level}"]))
        for level in LEVELS
        if f"lo-{level}" in found
    }
    return Forecast(np.asarray(found["mean"]), intervals)


BASELINES: dict[str, Callable[[pd.Series, int, int], Forecast]] = {
    "seasonal_naive": seasonal_naive,
    "holt_winters": holt_winters,
    "holt_winters_per_day": holt_winters_per_day,
    "sarima": sarima,
    "ets_aaa": ets_aaa,
    "auto_ets": auto_ets,
    "auto_arima": auto_arima,
    "auto_theta": auto_theta,
}


def score(
    name: str, function: Callable[[pd.Series, int, int], Forecast], series: pd.Series, period: int,
    horizon: int, lengths: Sequence[int],
) -> dict[str, Any]:  # fmt: skip
    """One row: the errors of a baseline over the folds, or why it failed.

    Args:
        name: of the baseline.
        function: the baseline.
        series: the whole series.
        period: int, steps of a season.
        horizon: int, steps to forecast.
        lengths: number of training values of each fold, the last fold last.

    Returns:
        `rmse_last`, of the last fold; `rmse_mean` and `mase`, means over the folds; `coverage_80` and `coverage_95`,
        fractions over all folds; `rmse_folds`; `seconds` of all folds; `note`, failures and warnings of the fits. A
        value is None unless all folds have it: a mean over some of the folds could not be compared.
    """
    folds: list[dict[str, float] | None] = []
    failures, warned = [], 0
    start = time.perf_counter()
    for length in lengths:
        train, truth = series.iloc[:length], series.iloc[length : length + horizon].to_numpy()
        try:
            # A fit that does not converge warns many times; count the folds in which one warns.
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                made = function(train, period, horizon)
            warned += any("converge" in str(warning.message).lower() for warning in caught)
            folds.append(_errors(made, train, truth, period))
        except Exception as error:
            folds.append(None)
            failures.append(f"{type(error).__name__}: {error}")
            if isinstance(error, ImportError):
                folds = [None] * len(lengths)
                break
    seconds = time.perf_counter() - start
    notes = []
    if failures:
        notes.append(f"failed in {folds.count(None)} of {len(lengths)} folds: {failures[0]}")
    if warned:
        notes.append(f"not converged in {warned} of {len(lengths)} folds")

    def mean_of(what: str) -> float | None:
        known = [fold[what] for fold in folds if fold is not None and what in fold]
        return float(np.mean(known)) if len(known) == len(lengths) else None

    return {
        "name": name,
        "rmse_last": None if folds[-1] is None else folds[-1]["rmse"],
        "rmse_mean": mean_of("rmse"),
        "mase": mean_of("mase"),
        **{f"coverage_{level}": mean_of(f"coverage_{level}") for level in LEVELS},
        "seconds": round(seconds, 2),
        "rmse_folds": [None if fold is None else fold["rmse"] for fold in folds],
        "note": "; ".join(notes),
    }


def _errors(made: Forecast, train: pd.Series, truth: Values, period: int) -> dict[str, float]:
    """Scores of one fold, of the intervals only if there are any."""
    held = {f"coverage_{level}": coverage(truth, *bounds) for level, bounds in made.intervals.items()}
    return {"rmse": rmse(truth, made.mean), "mase": mase(truth, made.mean, train, period), **held}


def mean_ranks(tables: Mapping[str, Any]) -> dict[str, float]:
    """Mean ranks by MASE over the series, the best first.

    Args:
        tables: rows by series, as of :func:`score`. Only methods with a MASE on every series are ranked.
    """
    common = set.intersection(*({row["name"] for row in rows if row["mase"] is not None} for rows in tables.values()))
    ranks: dict[str, list[float]] = {name: [] for name in common}
    for rows in tables.values():
        order = sorted((row["mase"], row["name"]) for row in rows if row["name"] in common)
        for rank, (_, name) in enumerate(order, 1):
            ranks[name].append(rank)
    return dict(
        sorted(((name, float(np.mean(each))) for name, each in ranks.items()), key=lambda pair: (pair[1], pair[0]))
    )


def package_versions() -> dict[str, str | None]:
    """Versions of the packages that the baselines depend on; None if one is not installed."""
    versions: dict[str, str | None] = {}
    for package in ("pandas", "scipy", "statsmodels", "statsforecast"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions
