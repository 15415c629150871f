"""How long does a small recurrent network take to build and train, and how many steps per second after compilation?

LSTM(100, relu) with a dense head on batches of one window, as in the 2017 examples: windows of 30 steps of a sine, 2000
training steps; windows of 12 steps of a yearly season, 4000 steps. Plain Keras `fit` beside `kerazoo.training.fit`, on
each backend, and a PyTorch loop if torch is installed. Every measurement is a process, because compiled functions would
be shared otherwise; the sides alternate. Plain Keras builds its model from its own layers, and then gets the weights of
the other side, outside of the measured time, so that the losses can be compared.

    python -m benchmarks.questions.recurrent --backends tensorflow,jax --repeats 3
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks.harness import ROOT
from benchmarks.harness.results import print_table, write_result

QUESTION = "Seconds to build and train, and steps per second after compilation, of LSTM(100, relu) on batches of one."
PROBLEMS = {"sine": (30, 2000), "milk": (12, 4000)}
SEED = 101


def windows(problem: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets (N, T, 1): each target is the series one step later."""
    steps, count = PROBLEMS[problem]
    rng = np.random.default_rng(SEED)
    if problem == "sine":
        starts = rng.random((count, 1)) * 7.0
        values = np.sin(starts + 0.04 * np.arange(steps + 1))
    else:
        months = np.arange(156)
        series = 0.5 + 0.2 * np.sin(2 * np.pi * months / 12) + months / 500
        values = series[rng.integers(0, len(series) - steps, (count, 1)) + np.arange(steps + 1)]
    values = values.astype("float32")[..., None]
    return values[:, :-1], values[:, 1:]


def plain_keras(steps: int, features: int) -> Any:
    """The model with the layers of Keras only."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [layers.Input((steps, features)), layers.LSTM(100, activation="relu", return_sequences=True), layers.Dense(1)]
    )


def run_keras(side: str, problem: str) -> dict[str, Any]:
    """Measure `fit` of Keras (side "keras") or of kerazoo in this process."""
    import keras

    from kerazoo import zoo
    from kerazoo.training import fit

    x, y = windows(problem)
    ours = f"lstm_1x100_relu_t{x.shape[1]}"
    start = time.perf_counter()
    model = zoo.build(ours, seed=SEED) if side == "kerazoo" else plain_keras(*x.shape[1:])
    model.compile(keras.optimizers.Adam(1e-4), "mse")
    whole = time.perf_counter() - start
    if side == "keras":  # so that the losses can be compared; not measured
        model.set_weights(zoo.build(ours, seed=SEED).get_weights())
    common: dict[str, Any] = {"batch_size": 1, "verbose": 0, "shuffle": False}
    start = time.perf_counter()
    first = model.fit(x, y, **common) if side == "keras" else fit(model, x, y, **common)
    whole += time.perf_counter() - start
    start = time.perf_counter()
    model.fit(x, y, **common) if side == "keras" else fit(model, x, y, **common)
    again = time.perf_counter() - start
    plan = str(getattr(first, "plan", ""))
    return {"whole_seconds": whole, "steps_per_second": len(x) / again, "loss": first.history["loss"][0], "plan": plan}


def run_torch(problem: str) -> dict[str, Any]:
    """Measure a PyTorch loop in this process."""
    import torch

    x, y = (torch.from_numpy(values) for values in windows(problem))
    start = time.perf_counter()
    torch.manual_seed(SEED)
    gates, head = torch.nn.Linear(101, 400), torch.nn.Linear(100, 1)
    optimizer = torch.optim.Adam([*gates.parameters(), *head.parameters()], 1e-4)

    def epoch() -> float:
        total = 0.0
        for inputs, targets in zip(x, y, strict=True):
            h, c = torch.zeros(1, 100), torch.zeros(1, 100)
            outputs = []
            for step in inputs:
                i, f, g, o = gates(torch.cat([step[None], h], dim=1)).chunk(4, dim=1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.relu(g)
                h = torch.sigmoid(o) * torch.relu(c)
                outputs.append(head(h))
            loss = torch.nn.functional.mse_loss(torch.cat(outputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total / len(x)

    loss = epoch()
    whole = time.perf_counter() - start
    start = time.perf_counter()
    epoch()
    return {
        "whole_seconds": whole,
        "steps_per_second": len(x) / (time.perf_counter() - start),
        "loss": loss,
        "plan": "",
    }


def measure(side: str, backend: str, problem: str) -> dict[str, Any]:
    """Measure one side in a fresh process."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "benchmarks.questions.recurrent", "--child", side, "--problems", problem]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{side} on {backend}, {problem}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure all sides and problems, print a table per problem and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", default="tensorflow,jax")
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    problems = arguments.problems.split(",")
    if arguments.child:
        found = run_torch(problems[0]) if arguments.child == "torch" else run_keras(arguments.child, problems[0])
        print(json.dumps(found))
        return
    sides = [(side, backend) for backend in arguments.backends.split(",") for side in ("keras", "kerazoo")]
    if importlib.util.find_spec("torch"):
        sides.append(("torch", "torch"))
    tables = {}
    for problem in problems:
        runs: dict[tuple[str, str], list[dict[str, Any]]] = {each: [] for each in sides}
        for _ in range(arguments.repeats):
            for each in sides:
                runs[each].append(measure(*each, problem))
        rows = [_row(side, backend, runs[side, backend], runs.get(("keras", backend))) for side, backend in sides]
        tables[problem] = rows
        print_table(
            f"{problem}: windows of {PROBLEMS[problem][0]}, {PROBLEMS[problem][1]} steps of one window",
            rows,
            ["name", "whole_seconds", "ratio_whole", "steps_per_second", "ratio_steps", "loss"],
        )
    path = write_result("recurrent", QUESTION, {"repeats": arguments.repeats, "problems": PROBLEMS}, tables)
    print(f"\nwritten: {path}")


def _row(side: str, backend: str, runs: list[dict[str, Any]], plain: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Medians of a side, and the medians of its ratios to plain Keras within each round."""
    row: dict[str, Any] = {"name": f"{side} on {backend}" if side != "torch" else "PyTorch loop"}
    for key in ("whole_seconds", "steps_per_second"):
        values = [run[key] for run in runs]
        row[key] = statistics.median(values)
        row[f"{key}_range"] = [min(values), max(values)]
    for name, key in (("ratio_whole", "whole_seconds"), ("ratio_steps", "steps_per_second")):
        pairs = zip(runs, plain or [], strict=False)
        ratios = [run[key] / other[key] for run, other in pairs]
        row[name] = statistics.median(ratios) if ratios else None
    row["loss"] = runs[0]["loss"]
    row["plan"] = runs[0]["plan"]
    return row


if __name__ == "__main__":
    main()
