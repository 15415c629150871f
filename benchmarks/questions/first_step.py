"""How long does a fresh process take to its first training step of a small network, and where does the time go?

    python -m benchmarks.questions.first_step [--backends tensorflow,jax] [--repeats 5]

LSTM(100, relu) with a dense head, one window of 30 steps: imports, building, compiling, and `fit` with a single step.
Keras's own layers and `fit` beside `zoo.build` and `kerazoo.training.fit`; the sides alternate, each in a fresh
process. With a single step there is nothing to save by a compiled loop, so `training.fit` is plain `fit`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result

QUESTION = "Seconds of a fresh process to the first training step of a small network: imports, building, the step."
SIDES = ("keras", "kerazoo")
PARTS = ("import_seconds", "build_seconds", "first_step_seconds", "second_step_seconds", "whole_seconds")
CODE = """
import json, sys, time
start = time.perf_counter()
import keras
import numpy as np
side = sys.argv[1]
if side == "kerazoo":
    from kerazoo import zoo
    from kerazoo.training import fit
imported = time.perf_counter()
if side == "kerazoo":
    model = zoo.build("lstm_1x100_relu_t30", seed=1)
else:
    layers = [keras.layers.LSTM(100, activation="relu", return_sequences=True), keras.layers.Dense(1)]
    model = keras.Sequential([keras.layers.Input((30, 1)), *layers])
model.compile("adam", "mse")
built = time.perf_counter()
x = np.sin(np.arange(30, dtype="float32"))[None, :, None]
steps = []
for _ in range(2):
    before = time.perf_counter()
    fit(model, x, x, verbose=0) if side == "kerazoo" else model.fit(x, x, verbose=0)
    steps.append(time.perf_counter() - before)
times = [imported - start, built - imported, *steps, built - start + steps[0]]
print(json.dumps(times))
"""


def measure(side: str, backend: str) -> dict[str, float]:
    """Seconds of the parts of one fresh process."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", CODE, side]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{side} on {backend}: {done.stderr[-2000:]}")
    return dict(zip(PARTS, json.loads(done.stdout.splitlines()[-1]), strict=True))


def rows_of(backend: str, repeats: int) -> list[dict[str, Any]]:
    """A row for each side, after a round that fills the file cache."""
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(-1, repeats):
        for side in SIDES:
            found = measure(side, backend)
            if number >= 0:
                runs[side].append(found)
    pairs = list(zip(runs["kerazoo"], runs["keras"], strict=True))
    rows = []
    for side in SIDES:
        row: dict[str, Any] = {"name": f"{side} on {backend}", "repeats": repeats}
        row.update({part: statistics.median(run[part] for run in runs[side]) for part in PARTS})
        ratio = statistics.median(one["whole_seconds"] / other["whole_seconds"] for one, other in pairs)
        row["ratio_whole"] = ratio if side == "kerazoo" else 1.0
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print the table and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", default="tensorflow,jax")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rows = [row for backend in arguments.backends.split(",") for row in rows_of(backend, arguments.repeats)]
    print_table("From a fresh process to the first training step", rows, ["name", *PARTS, "ratio_whole"])
    print(write_result("first_step", QUESTION, {"repeats": arguments.repeats}, {"sides": rows}))


if __name__ == "__main__":
    main()
