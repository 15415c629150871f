"""How well does each cell learn the two series of the 2017 examples? Writes the scores that `kerazoo.zoo.model_card` shows.

The settings of the examples: batches of one window whose start is drawn at random, Adam, mean squared error one step
ahead. sine: windows of 30 steps of 250 points in [0, 10], 2000 iterations, at the example's learning rate of 1e-4,
which leaves most nets far from trained, and at 1e-3; measured on 200 windows that were not trained on. milk: windows of
12 months of what comes before 1975, scaled to [0, 1], 4000 iterations at 1e-3; the root mean squared error, in pounds
per cow, of the 12 months that the net then generates. (A forecast by a bare net: `kerazoo.Forecaster` does better.)

    KERAS_BACKEND=jax python -m benchmarks.recurrent_scores --seeds 3
"""

from __future__ import annotations

import argparse
import json
import statistics

import keras
import numpy as np

from benchmarks.harness import ROOT, print_table, write_result
from kerazoo import datasets, zoo
from kerazoo.cells import cell_info, list_cells
from kerazoo.training import fit

QUESTION = "Bare nets with the settings of 2017: error one step ahead on the sine, RMSE of 12 generated months of milk."
STEPS, ITERATIONS, SPACING = 30, 2000, 10 / 250
RATES = (1e-4, 1e-3)
MONTHS, MILK_ITERATIONS = 12, 4000


def windows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets (count, 30, 1) of sines that start at random places."""
    starts = np.random.default_rng(seed).random((count, 1)) * (10 - STEPS * SPACING)
    values = np.sin(starts + SPACING * np.arange(STEPS + 1)).astype("float32")[..., None]
    return values[:, :-1], values[:, 1:]


def score_of_sine(name: str, rate: float, seed: int) -> float:
    """The error of one net."""
    model = zoo.build(name, seed=seed)
    model.compile(keras.optimizers.Adam(rate), "mse")
    fit(model, *windows(ITERATIONS, seed), batch_size=1, shuffle=False, verbose=0)
    inputs, targets = windows(200, 10_000)
    return float(np.mean((model.predict_on_batch(inputs) - targets) ** 2))


def score_of_milk(name: str, seed: int) -> float:
    """The error of one net in the last year."""
    values = datasets.milk().to_numpy(dtype="float32")
    known, asked = values[:-MONTHS], values[-MONTHS:]
    least, span = known.min(), np.ptp(known)
    scaled = (known - least) / span
    starts = np.random.default_rng(seed).integers(0, len(scaled) - MONTHS, (MILK_ITERATIONS, 1))
    drawn = scaled[starts + np.arange(MONTHS + 1)][..., None]
    model = zoo.build(name, seed=seed)
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    fit(model, drawn[:, :-1], drawn[:, 1:], batch_size=1, shuffle=False, verbose=0)
    made = np.ravel(zoo.generate(model, scaled[-MONTHS:], MONTHS)) * span + least
    return float(np.sqrt(np.mean((made - asked) ** 2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", help="names, separated by commas; one of 32 units for each cell unless given")
    parser.add_argument("--no-card", action="store_true", help="leave kerazoo/zoo/scores.json as it is")
    arguments = parser.parse_args()
    cells = [cell for cell in list_cells() if not cell_info(cell).needs_timestamps]
    names = arguments.models.split(",") if arguments.models else [f"{cell}_1x32" for cell in cells]
    scores_path = ROOT / "kerazoo" / "zoo" / "scores.json"
    document = json.loads(scores_path.read_text())
    rows = []
    for name in names:
        seeds = range(arguments.seeds)
        sine = {
            f"mse at rate {rate:g}": statistics.median(score_of_sine(name, rate, seed) for seed in seeds)
            for rate in RATES
        }
        milk = {"rmse of 1975": statistics.median(score_of_milk(name, seed) for seed in seeds)}
        rows.append({"name": name, **sine, **milk})
        print(rows[-1], flush=True)
        document["models"].setdefault(name, {}).update(sine=sine, milk=milk)
    if not arguments.no_card:
        document["models"] = dict(sorted(document["models"].items()))
        scores_path.write_text(json.dumps(document, indent=1) + "\n")
    print_table("sine and milk", rows, list(rows[0]))
    write_result(
        "recurrent_scores", QUESTION, {"seeds": arguments.seeds, "backend": keras.backend.backend()}, {"scores": rows}
    )


if __name__ == "__main__":
    main()
