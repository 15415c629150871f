"""Are forecasts of many series the same for any buckets and processes, and does the memory of the driver stay flat?

    python -m benchmarks.questions.many_series --series 10000 --growth 1000,10000,100000

Generated series of months in parquet files. `equality`: the forecasts of `fit_groups` and `predict_groups` with 1 and
64 buckets, and with 1 and 2 processes, compared to the bit by a checksum: of statistics alone, with the preset, and
with the networks of the defaults. `growth`: seconds, and the peak memory of the process that calls, and of the largest
of its workers, for statistics alone. Each run is a process of its own. With `--add`, rows of an earlier result stay.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness.processes import peak_memory
from benchmarks.harness.results import RESULTS, print_table, write_result

QUESTION = "Are forecasts of many series equal for 1 and 64 buckets and 1 and 2 processes? Memory of the driver?"
STEPS, HORIZON, SHARD = 60, 12, 1000
METHODS: dict[str, dict[str, Any]] = {
    "statistics": {"epochs": 0},
    "preset": {"model": "preset:forecast_small"},
    "networks": {},
}
#: (buckets, processes) of the runs whose forecasts must be equal.
WAYS = ((64, 1), (1, 1), (64, 2), (1, 2))


def write_series(folder: Path, n: int) -> None:
    """Files of 1,000 series each: random walks with a season, of 41 to 60 months."""
    folder.mkdir(parents=True, exist_ok=True)
    dates = pd.date_range("2019-01-01", periods=STEPS, freq="MS")
    for first in range(0, n, SHARD):
        count = min(SHARD, n - first)
        rng = np.random.default_rng(first)
        season = rng.normal(0.0, 0.1, (count, 12))[:, np.arange(STEPS) % 12]
        logs = rng.normal(5.0, 2.0, (count, 1)) + np.cumsum(rng.normal(0.002, 0.03, (count, STEPS)), axis=1) + season
        kept = np.arange(STEPS) >= rng.integers(0, 20, (count, 1))
        labels = np.repeat([f"series {first + number}" for number in range(count)], STEPS).reshape(count, STEPS)
        frame = pd.DataFrame(
            {"unique_id": labels[kept], "ds": np.tile(dates, (count, 1))[kept], "y": np.exp(logs)[kept]}
        )
        frame.to_parquet(folder / f"part-{first // SHARD:05d}.parquet", index=False)


def measure(source: str, method: str, buckets: int, processes: int) -> dict[str, Any]:
    """Fit and forecast in this process."""
    from kerazoo import Forecaster

    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        made = Forecaster(horizon=HORIZON, seed=1, verbose=0, **METHODS[method])
        made.fit_groups(source, out=f"{out}/fit", buckets=buckets, processes=processes)
        fitted = time.perf_counter()
        found = made.predict_groups(level=80, out=f"{out}/forecasts", processes=processes)
        ended = time.perf_counter()
        memory = peak_memory()["host_bytes"]
        workers = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = resource.getrusage(resource.RUSAGE_SELF)
        digest = hashlib.sha256()
        table = found.to_frame()
        for column in ("forecast", "lower_80", "upper_80"):
            digest.update(table[column].to_numpy(np.float64).tobytes())
        digest.update("\n".join(table["unique_id"]).encode())
        sizes = {
            name: sum(file.stat().st_size for file in Path(out, name).rglob("*") if file.is_file())
            for name in ("fit", "forecasts")
        }
    return {
        "series": found.n_series,
        "failed": found.n_failed,
        "method": method,
        "buckets": buckets,
        "processes": processes,
        "fit_seconds": round(fitted - start, 1),
        "predict_seconds": round(ended - fitted, 1),
        "processor_seconds": round(sum(each.ru_utime + each.ru_stime for each in (own, workers)), 1),
        "driver_mib": round((memory or 0) / 2**20),
        "worker_mib": round(workers.ru_maxrss / 1024) if processes > 1 else None,
        "written_mib": round(sum(sizes.values()) / 2**20, 1),
        "sha256": digest.hexdigest(),
    }


def run(source: Path, method: str, buckets: int, processes: int) -> dict[str, Any]:
    """:func:`measure` in a process of its own."""
    what = json.dumps([str(source), method, buckets, processes])
    command = [sys.executable, "-m", "benchmarks.questions.many_series", "--one", what]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(row, file=sys.stderr, flush=True)
    return row


def _earlier() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    path = RESULTS / "many_series.json"
    if not path.exists():
        return [], []
    found = json.loads(path.read_text())["results"]
    return found["equality"], found["growth"]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000, help="of the test of equality")
    parser.add_argument("--methods", default=",".join(METHODS), help="separated by commas")
    parser.add_argument("--growth", default="1000,10000", help="numbers of series, separated by commas")
    parser.add_argument("--add", action="store_true", help="keep the rows of the result that is there")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(*json.loads(arguments.one))))
        return
    equality, growth = _earlier() if arguments.add else ([], [])
    settings = {"steps": STEPS, "horizon": HORIZON, "level": 80}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        write_series(source, arguments.series)
        for method in (each for each in arguments.methods.split(",") if each):
            rows = [run(source, method, *way) for way in WAYS]
            for row in rows:
                row["equal"] = row["sha256"] == rows[0]["sha256"]
            equality += rows
            write_result("many_series", QUESTION, settings, {"equality": equality, "growth": growth})
        for n in (int(each) for each in arguments.growth.split(",") if each):
            source = Path(folder) / f"source{n}"
            write_series(source, n)
            row = run(source, "statistics", 64, 2)
            row["series_per_second"] = round(n / (row["fit_seconds"] + row["predict_seconds"]), 1)
            growth.append(row)
            write_result("many_series", QUESTION, settings, {"equality": equality, "growth": growth})
    columns = ("series", "method", "buckets", "processes", "fit_seconds", "driver_mib", "worker_mib")
    print_table("equality", equality, (*columns, "equal"))
    if growth:
        print_table("growth", growth, (*columns, "series_per_second"))
    print(write_result("many_series", QUESTION, settings, {"equality": equality, "growth": growth}))
    if not all(row["equal"] for row in equality):
        sys.exit("forecasts differ between buckets or processes")


if __name__ == "__main__":
    main()
