"""How well does each cell learn the sine of the 2017 examples? Writes the scores that `kerazoo.zoo.card` shows.

The settings of the example: batches of one window of 30 steps of 250 points in [0, 10], starts at random, Adam, 2000
iterations, mean squared error one step ahead; measured on 200 windows that were not trained on. The example's learning
rate of 1e-4 leaves most nets far from trained, so 1e-3 is measured too.

    KERAS_BACKEND=jax python -m benchmarks.recurrent_scores --seeds 3
"""

from __future__ import annotations

import argparse
import json
import statistics

import keras
import numpy as np

from benchmarks.harness import ROOT, print_table, write_result
from kerazoo import zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.training import fit

QUESTION = "Mean squared error one step ahead on the sine, after 2000 iterations of one window of 30 steps."
STEPS, ITERATIONS, SPACING = 30, 2000, 10 / 250
RATES = (1e-4, 1e-3)


def windows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets (count, 30, 1) of sines that start at random places."""
    starts = np.random.default_rng(seed).random((count, 1)) * (10 - STEPS * SPACING)
    values = np.sin(starts + SPACING * np.arange(STEPS + 1)).astype("float32")[..., None]
    return values[:, :-1], values[:, 1:]


def score(name: str, rate: float, seed: int) -> float:
    """The error of one net."""
    model = zoo.build(name, seed=seed)
    model.compile(keras.optimizers.Adam(rate), "mse")
    fit(model, *windows(ITERATIONS, seed), batch_size=1, shuffle=False, verbose=0)
    inputs, targets = windows(200, 10_000)
    return float(np.mean((model.predict_on_batch(inputs) - targets) ** 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", help="names, separated by commas; one of 32 units for each cell unless given")
    arguments = parser.parse_args()
    cells = [cell for cell in list_cells() if not cell_info(cell).needs_timestamps]
    names = arguments.models.split(",") if arguments.models else [f"{cell}_1x32" for cell in cells]
    scores_path = ROOT / "kerazoo" / "zoo" / "scores.json"
    document = json.loads(scores_path.read_text())
    rows = []
    for name in names:
        row = {"name": name}
        for rate in RATES:
            found = [score(name, rate, seed) for seed in range(arguments.seeds)]
            row[f"mse at {rate:g}"] = statistics.median(found)
        rows.append(row)
        print(row, flush=True)
        document["models"].setdefault(name, {})["sine"] = {key: row[key] for key in row if key != "name"}
    document["models"] = dict(sorted(document["models"].items()))
    scores_path.write_text(json.dumps(document, indent=1) + "\n")
    print_table("sine", rows, list(rows[0]))
    write_result(
        "recurrent_scores", QUESTION, {"seeds": arguments.seeds, "backend": keras.backend.backend()}, {"sine": rows}
    )


if __name__ == "__main__":
    main()
