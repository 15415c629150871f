"""Many small fits in one process: does memory, or the number of open files or threads, grow?

    python -m tests.reliability.leaks --repetitions 2000 --write

Each workload runs in a process of its own: first `warm` times (a quarter of the repetitions, if there are few), in
which caches and the allocator's pools fill, then on to `repetitions`, or as often as a limit of time allows. Resident
memory is sampled all the way; the growth is that of its median over the last tenth against the tenth after the warm-up.
glibc returns memory of large arrays at once and keeps that of small ones, so the samples scatter by some pages. With
`--write` the figures go to `benchmarks/results/reliability_threads.json`; those of other workloads stay.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from tests.reliability import entry_points

WARM = 200
SECONDS = 240.0  # of the processor, for one workload: networks take a hundred times as long as the others


NETWORK: dict[str, Any] = {"horizon": 4, "period": 12, "n_members": 1, "epochs": 1, "steps_per_epoch": 2, "seed": 1}


def network() -> str:
    """A forecaster of one series with a network of its own."""
    import kerazoo

    made = kerazoo.Forecaster("lstm_1x4", verbose=0, **NETWORK).fit(entry_points.SERIES)
    return entry_points.digest(made.predict(4))


def global_network() -> str:
    """A forecaster of three series with a network of its own."""
    import kerazoo

    y = pd.DataFrame(dict.fromkeys("abc", entry_points.SERIES))
    return entry_points.digest(kerazoo.Forecaster("mingru_1x4", verbose=0, **NETWORK).fit(y).predict(4))


def word2vec_keras() -> str:
    return entry_points.digest(entry_points.fit("Word2Vec", engine="keras").wv.vectors)


def keras_fit() -> str:
    """A network of the zoo: built, trained, used; as its documentation says, the session is cleared in between."""
    import keras

    from kerazoo import zoo

    keras.backend.clear_session()
    model = zoo.build("lstm_1x4", seed=1)
    model.compile("adam", "mse")
    x = np.zeros((8, 12, 1), "float32")
    model.fit(x, model.predict(x, verbose=0), verbose=0)
    return ""


WORKLOADS: dict[str, Callable[[], str]] = {
    name: function for name, function in entry_points.ENTRY_POINTS.items() if name != "zoo"
} | {"word2vec_keras": word2vec_keras, "network": network, "global_network": global_network, "keras": keras_fit}


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def measure(name: str, repetitions: int, warm: int, limit: float = SECONDS) -> dict[str, Any]:
    """Figures of one workload in this process; of fewer repetitions where `limit` processor seconds end before."""
    work = WORKLOADS[name]
    samples, files, threads = [], [], []
    begin, processor = time.perf_counter(), time.process_time()
    for number in range(repetitions):
        work()
        if number % 10 == 0:
            gc.collect()
        samples.append(resident())
        files.append(open_files())
        threads.append(threading.active_count())
        if time.process_time() - processor > limit:
            break
    warm = min(warm, len(samples) // 4)
    part = max(1, (len(samples) - warm) // 10)
    first, last = median(samples[warm : warm + part]), median(samples[-part:])
    seconds = time.perf_counter() - begin
    # Of Python objects alone, over a few more repetitions: exact, where resident memory scatters.
    tracemalloc.start()
    work()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    more = 3
    for _ in range(more):
        work()
    gc.collect()
    traced = (tracemalloc.get_traced_memory()[0] - before) // more
    tracemalloc.stop()
    return {
        "workload": name,
        "repetitions": len(samples),
        "warm": warm,
        "resident_mb": round(last / 1e6, 2),
        "growth": round(last / first - 1, 5),
        "growth_bytes_per_repetition": round((last - first) / max(1, len(samples) - warm - part), 1),
        "python_bytes_per_repetition": traced,
        "open_files_more": open_files() - files[warm],
        "threads_more": threading.active_count() - threads[warm],
        "seconds": round(seconds, 1),
    }


def measured(
    name: str, repetitions: int, warm: int, *, timeout: float | None = None, limit: float = SECONDS
) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.reliability.leaks", "--one", name]
    command += ["--repetitions", str(repetitions), "--warm", str(warm), "--seconds", str(limit)]
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=timeout, check=False)
        errors.seek(0)
        assert done.returncode == 0, errors.read()[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, and those of other workloads that are there."""
    from benchmarks.harness.results import RESULTS
    from tests.reliability.record import NAME

    path = RESULTS / f"{NAME}.json"
    earlier = json.loads(path.read_text())["results"].get("leaks", []) if path.exists() else []
    found = {row["workload"]: row for row in [*earlier, *rows]}
    return [found[name] for name in WORKLOADS if name in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=[*WORKLOADS])
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--warm", type=int, default=WARM, help="repetitions before the memory is compared")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the processor, for one workload")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/reliability_threads.json")
    parser.add_argument("--one", choices=WORKLOADS, help="measure this one in this process and print JSON")
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.repetitions, chosen.warm, chosen.seconds)))
        return
    from benchmarks.harness.results import print_table
    from tests.reliability.record import record

    rows = []
    for name in chosen.workloads:
        rows.append(measured(name, chosen.repetitions, chosen.warm, limit=chosen.seconds))
        print(json.dumps(rows[-1]), flush=True)
        if chosen.write:
            record("leaks", merged(rows), {name: getattr(chosen, name) for name in ("repetitions", "warm", "seconds")})
    print_table("leaks", rows, ["workload", "repetitions", "resident_mb", "growth", "open_files_more", "threads_more"])


if __name__ == "__main__":
    main()
