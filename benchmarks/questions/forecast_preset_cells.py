"""Which network is the best preset, at equal time of training: by cell, layers and the steps that it reads as one.

    python -m benchmarks.questions.forecast_preset_cells [--networks mingru_2x64_residual:4,...] [--seconds 120]

Each trains on generated windows (`kerazoo.forecast.presets.pretrain`) for as many steps as it makes in `--seconds` of
processor time, compilation apart: the rate is that of short trainings before. It is scored on generated series of
another seed: the pinball loss of nine quantiles, and the mean absolute error of the median, both of 12 steps and in
parts of the mean absolute seasonal difference of a series (medians over series). No series of a competition is
involved.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.results import print_table, write_result
from kerazoo._presets import PresetFile
from kerazoo.forecast.generators import generate
from kerazoo.forecast.panel_nets import PresetNet
from kerazoo.forecast.presets import pretrain

QUESTION = "Errors of preset networks on generated series by cell and patch, at equal processor time of training."
#: Network and its patch.
NETWORKS = (
    "mingru_2x64_residual:1", "mingru_2x64_residual:4", "mingru_3x96_residual:4", "gru_2x64_residual:4",
    "lstm_2x64_residual:4", "slstm_2x64_residual:4", "mlstm_2x64_residual:4", "s5_2x64_residual:4",
)  # fmt: skip
#: Steps of the training that measures the rate, and of one before it, in which everything is compiled.
TIMED, COMPILED = 200, 100
#: Seasons of the series, and values before the forecast.
SEASONS = {12: 84, 4: 40, 1: 30}
HORIZON, N_SERIES = 12, 1000
SEED = 20_000
COLUMNS = ("network", "patch", "steps", "weights", "pinball", "absolute_error", "processor_seconds")


def losses_of(preset: PresetFile, n_series: int) -> tuple[float, float]:
    """Pinball loss and absolute error, in parts of the seasonal differences: medians over all series."""
    levels = np.array(preset.settings["levels"])
    found: list[NDArray[np.float64]] = []
    for period, length in SEASONS.items():
        y = generate(n_series, length + HORIZON, period, seed=SEED)
        before, truth = y[:, :length], y[:, length:]
        scale = np.abs(before[:, period:] - before[:, :-period]).mean(axis=1)
        y, before, truth, scale = (each[scale > 0] for each in (y, before, truth, scale))
        quantiles = PresetNet(preset, (period,)).quantiles(list(before), levels.tolist(), HORIZON)
        error = truth[..., None] - quantiles
        pinball = np.maximum(levels * error, (levels - 1) * error).mean(axis=(1, 2))
        absolute = np.abs(error[..., np.flatnonzero(levels == 0.5)[0]]).mean(axis=1)
        found.append(np.stack([pinball, absolute]) / scale)
    pinball, absolute = np.median(np.concatenate(found, axis=1), axis=1)
    return float(pinball), float(absolute)


def row_of(name: str, seconds: float, seed: int, n_series: int) -> dict[str, Any]:
    """Train and score one network."""
    model, _, patch = name.partition(":")

    def fit(steps: int) -> tuple[PresetFile, float]:
        start = time.process_time()
        preset = pretrain(model, patch=int(patch or 1), steps=steps, seed=seed, verbose=0)
        return preset, time.process_time() - start

    # Each length has its own schedule, so each is compiled; the difference of two leaves that out.
    short, long = fit(COMPILED)[1], fit(COMPILED + TIMED)[1]
    steps = max(100, round(seconds / max(1e-3, (long - short) / TIMED) / 100) * 100)
    preset, processor = fit(steps)
    keras.backend.clear_session(free_memory=False)
    pinball, absolute = losses_of(preset, n_series)
    return {
        "network": model,
        "patch": int(patch or 1),
        "steps": steps,
        "weights": sum(each.size for each in preset.weights),
        "pinball": round(pinball, 4),
        "absolute_error": round(absolute, 4),
        "processor_seconds": round(processor, 1),
    }


def main() -> None:
    """Score all networks, print a table and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help="NAME:PATCH, separated by commas")
    parser.add_argument("--seconds", type=float, default=120.0, help="processor time of each training")
    parser.add_argument("--series", type=int, default=N_SERIES, help="generated series of each season")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    settings = {
        "seconds": given.seconds, "series": given.series, "seed": given.seed, "backend": keras.backend.backend(),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for name in given.networks.split(","):
        rows.append(row_of(name, given.seconds, given.seed, given.series))
        print(rows[-1], flush=True)
        path = write_result("forecast_preset_cells", QUESTION, settings, {"networks": rows})
    print_table("Generated series", sorted(rows, key=lambda row: row["pinball"]), COLUMNS)
    print(path)


if __name__ == "__main__":
    main()
