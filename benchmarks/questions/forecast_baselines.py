"""How well do the usual statistical forecasts do, which a network must beat?

    python -m benchmarks.questions.forecast_baselines --series milk [--baselines sarima,auto_ets]
    python -m benchmarks.questions.forecast_baselines --series all

Every baseline of `benchmarks.harness.forecast_peers` is fitted at each origin of `benchmarks.data.series` to the values
before it. The row of a baseline that is not installed or fails says so.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.data.series import ALL, load_series, origins, parse_names
from benchmarks.harness.forecast_peers import BASELINES, LEVELS, package_versions, score
from benchmarks.harness.results import print_table, write_result
from kerazoo._validation import check_choice

QUESTION = (
    "Errors of statistical forecasts at rolling origins, one or two seasons long, and coverage of their intervals."
)
COLUMNS = ("name", "rmse_last", "rmse_mean", "mase", "coverage_80", "coverage_95", "seconds", "note")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """The row with two decimals."""
    return {
        key: f"{value:.2f}" if isinstance(value, float) and abs(value) > 0.1 else value for key, value in row.items()
    }


def main() -> None:
    """Score the baselines, print a table per series and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", default="milk", help='names, separated by commas, "all" or "further"')
    parser.add_argument("--baselines", default="all", help='names, separated by commas, or "all"')
    arguments = parser.parse_args()
    names = parse_names(arguments.series)
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
    settings = {
        "levels": LEVELS,
        "versions": package_versions(),
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
