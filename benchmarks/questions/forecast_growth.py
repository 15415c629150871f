"""How do the time and the memory of the Forecaster grow with the number of series?

    python -m benchmarks.questions.forecast_growth --series 100,1000,10000

Generated series of months (a random walk with a season), the defaults of the Forecaster, each size in a process of its
own: the seconds of `fit` and `predict` of all series, of `fit` with `epochs=0`, and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness.results import print_table, write_result

QUESTION = "Seconds and memory of the Forecaster for 100 to 10,000 generated series."
COLUMNS = ("series", "fit_seconds", "processor_seconds", "predict_seconds", "statistics_seconds", "memory_mib")
STEPS, HORIZON = 100, 12


def _series(n: int) -> pd.DataFrame:
    """Long frame of n series."""
    rng = np.random.default_rng(n)
    season = rng.normal(0.0, 0.1, (n, 12))[:, np.arange(STEPS) % 12]
    logs = rng.normal(5.0, 2.0, (n, 1)) + np.cumsum(rng.normal(0.002, 0.03, (n, STEPS)), axis=1) + season
    return pd.DataFrame(
        {"unique_id": np.repeat(np.arange(n), STEPS), "ds": np.tile(np.arange(STEPS), n), "y": np.exp(logs).ravel()}
    )


def _measure(n: int) -> dict[str, Any]:
    from kerazoo import Forecaster

    frame = _series(n)
    settings = {"horizon": HORIZON, "period": 12, "seed": 1, "verbose": 0}
    start = time.perf_counter()
    Forecaster(**settings, epochs=0).fit(frame)
    statistics = time.perf_counter() - start
    start, processor = time.perf_counter(), time.process_time()
    made = Forecaster(**settings).fit(frame)
    fitted = time.perf_counter()
    # One more step than the fit, so that nothing stored is used.
    found = made.predict(HORIZON + 1, level=[80, 95])
    ended = time.perf_counter()
    assert np.isfinite(found["forecast"]).all()
    return {
        "series": n,
        "fit_seconds": round(fitted - start, 2),
        "predict_seconds": round(ended - fitted, 2),
        "processor_seconds": round(time.process_time() - processor, 1),
        "statistics_seconds": round(statistics, 2),
        "memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
        "weight_of_networks": round(float(np.mean(made.correction_weight_)), 3),
    }


def main() -> None:
    """Measure each size and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", default="100,1000,10000", help="numbers of series, separated by commas")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_measure(arguments.one)))
        return
    rows = []
    for n in (int(each) for each in arguments.series.split(",")):
        command = [sys.executable, "-m", "benchmarks.questions.forecast_growth", "--one", str(n)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    print_table("growth", rows, COLUMNS)
    print(write_result("forecast_growth", QUESTION, {"steps": STEPS, "horizon": HORIZON}, {"growth": rows}))


if __name__ == "__main__":
    main()
