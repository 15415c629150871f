"""How well do the usual statistical forecasts do, which a net has to beat?

    python -m benchmarks.questions.forecast_baselines --series milk [--baselines sarima,auto_ets]
    python -m benchmarks.questions.forecast_baselines --series all

Every baseline is a function (train, period, horizon) -> :class:`Forecast`. It is fitted anew at each origin of
`benchmarks.data.series` to what lies before. A baseline that is not installed or fails has a row that says so. Needs
statsmodels and statsforecast, which the package itself does not.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.series import ALL, load_series, named, origins
from benchmarks.harness.results import print_table, write_result
from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast import baselines
from kerazoo.metrics import coverage, mase, rmse

__all__ = ["BASELINES", "Forecast", "score"]

QUESTION = (
    "Errors of statistical forecasts at rolling origins, as long as a season or two, and what their intervals hold."
)
LEVELS = (80, 95)
COLUMNS = ("name", "rmse_last", "rmse_mean", "mase", "coverage_80", "coverage_95", "seconds", "note")
Values = NDArray[np.float64]


@dataclass
class Forecast:
    """Points (H,), and by level in percent the bounds (lower, upper) of intervals, where the library has them."""

    mean: Values
    intervals: dict[int, tuple[Values, Values]] = field(default_factory=dict)


def seasonal_naive(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The last season again."""
    return Forecast(baselines.seasonal_naive(train.to_numpy(), horizon, period))


def holt_winters(train: pd.Series, period: int, horizon: int) -> Forecast:
    """Additive Holt-Winters by least squares; Holt's line for a series without a season. It has no intervals."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    season = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    fitted = ExponentialSmoothing(train, trend="add", initialization_method="estimated", **season).fit()
    return Forecast(fitted.forecast(horizon).to_numpy())


def holt_winters_per_day(train: pd.Series, period: int, horizon: int) -> Forecast:
    """Holt-Winters on the monthly figure by the days of its month, times the days of the months to come."""
    if train.index.freqstr != "MS":
        raise InvalidArgumentError(f"freq {train.index.freqstr}; expected months (MS), which differ in days.")
    coming = pd.date_range(train.index[-1], periods=horizon + 1, freq="MS")[1:]
    a_day = holt_winters(train / train.index.days_in_month, period, horizon)
    return Forecast(a_day.mean * coming.days_in_month.to_numpy())


def sarima(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The airline model (0,1,1)(0,1,1) of Box and Jenkins; (0,1,1) for a series without a season."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    season = (0, 1, 1, period) if period > 1 else (0, 0, 0, 0)
    fitted = SARIMAX(train, order=(0, 1, 1), seasonal_order=season).fit(disp=False)
    coming = fitted.get_forecast(horizon)
    bounds = {level: coming.conf_int(alpha=1 - level / 100).to_numpy() for level in LEVELS}
    intervals = {level: (bound[:, 0], bound[:, 1]) for level, bound in bounds.items()}
    return Forecast(coming.predicted_mean.to_numpy(), intervals)


def ets_aaa(train: pd.Series, period: int, horizon: int) -> Forecast:
    """ETS(A,A,A) by maximum likelihood; ETS(A,A,N) for a series without a season."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    season = {"seasonal": "add", "seasonal_periods": period} if period > 1 else {}
    fitted = ETSModel(train, error="add", trend="add", **season).fit(disp=False)
    coming = fitted.get_prediction(start=len(train), end=len(train) + horizon - 1)
    frames = {level: coming.summary_frame(alpha=1 - level / 100) for level in LEVELS}
    intervals = {level: (frame["pi_lower"].to_numpy(), frame["pi_upper"].to_numpy()) for level, frame in frames.items()}
    return Forecast(frames[LEVELS[0]]["mean"].to_numpy(), intervals)


def auto_ets(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The ETS model of the least AICc."""
    from statsforecast.models import AutoETS

    return _by_statsforecast(AutoETS(season_length=period), train, horizon)


def auto_arima(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The ARIMA model that the stepwise search of Hyndman and Khandakar finds."""
    from statsforecast.models import AutoARIMA

    return _by_statsforecast(AutoARIMA(season_length=period), train, horizon)


def auto_theta(train: pd.Series, period: int, horizon: int) -> Forecast:
    """The best of four Theta models, seasons taken out first."""
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
    """One row: the errors of a baseline over the folds, or what went wrong.

    Args:
        name: of the baseline.
        function: the baseline.
        series: all of the series.
        period: int, steps of a season.
        horizon: int, steps foretold.
        lengths: how many values each fold trains on, the last fold last.

    Returns:
        `rmse_last`, of the last fold; `rmse_mean` and `mase`, means over the folds; `coverage_80` and `coverage_95`,
        shares over all folds; `rmse_folds`; `seconds` of all folds; `note`, failures and warnings of the fits. What is
        not known is None: a mean over some of the folds could not be compared.
    """
    folds: list[dict[str, float] | None] = []
    failures, warned = [], 0
    start = time.perf_counter()
    for length in lengths:
        train, truth = series.iloc[:length], series.iloc[length : length + horizon].to_numpy()
        try:
            # Fits that did not converge warn by the dozen; the folds in which one did are counted.
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
    """Scores of one fold; those of intervals where there are any."""
    held = {f"coverage_{level}": coverage(truth, *bounds) for level, bounds in made.intervals.items()}
    return {"rmse": rmse(truth, made.mean), "mase": mase(truth, made.mean, train, period), **held}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with two decimals for the table."""
    return {
        key: f"{value:.2f}" if isinstance(value, float) and abs(value) > 0.1 else value for key, value in row.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", default="milk", help='names, separated by commas, "all" or "further"')
    parser.add_argument("--baselines", default="all", help='names, separated by commas, or "all"')
    arguments = parser.parse_args()
    names = named(arguments.series)
    chosen = list(BASELINES) if arguments.baselines == "all" else arguments.baselines.split(",")
    for baseline in chosen:
        check_choice("baseline", baseline, BASELINES)
    tables = {}
    for name, (series, period) in load_series(names).items():
        info, lengths = ALL[name], origins(name, len(series))
        rows = [score(baseline, BASELINES[baseline], series, period, info.horizon, lengths) for baseline in chosen]
        last = series.index[lengths[-1]]
        title = f"{name}: {len(lengths)} origins, {info.horizon} steps ahead; rmse_last is the one from {last.date()}"
        print_table(title, [_shown(row) for row in rows], COLUMNS)
        tables[name] = rows
    versions: dict[str, str | None] = {}
    for package in ("pandas", "scipy", "statsmodels", "statsforecast"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    settings = {
        "levels": LEVELS,
        "versions": versions,
        "series": {
            name: {"period": ALL[name].period, "horizon": ALL[name].horizon, "folds": ALL[name].folds,
                   "step": ALL[name].step, "source": ALL[name].source, "gaps": ALL[name].gaps}
            for name in names
        },
    }  # fmt: skip
    part = {"all": "", "further": "_further"}.get(arguments.series, "_" + "_".join(names))
    print(write_result(f"forecast_baselines{part}", QUESTION, settings, tables))


if __name__ == "__main__":
    main()
