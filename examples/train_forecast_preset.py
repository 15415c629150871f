"""Train a forecaster on generated series and write it as a preset: that of the package, or your own.

    python examples/train_forecast_preset.py forecast_small.safetensors --checkpoint-dir training

writes the preset `forecast_small` of kerazoo, whose card says how long that took. It goes on where it was stopped. A
small one in a minute: `--model mingru_1x16_residual --steps 500`. Forecasts:

    from kerazoo.forecast.presets import load_forecaster
    load_forecaster("forecast_small.safetensors").forecast([[3, 5, 4, 6, 5, 7]], horizon=2, period=2)
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.forecast.presets import pretrain, write_preset

DESCRIPTION = "Forecasts of any series: quantiles of the next steps, from its last values. Trained on generated series."


def main() -> None:
    """Train, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="file of the preset: NAME.safetensors")
    parser.add_argument("--model", default="mingru_3x96_residual")
    parser.add_argument("--patch", type=int, default=4, help="steps that a network reads as one")
    parser.add_argument("--members", type=int, default=2, help="networks, whose median is the forecast")
    parser.add_argument("--steps", type=int, default=10_000, help="of each network")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpoint-dir", type=Path)
    given = parser.parse_args()
    found = pretrain(
        given.model,
        patch=given.patch,
        n_members=given.members,
        steps=given.steps,
        batch_size=given.batch_size,
        seed=given.seed,
        checkpoint_dir=given.checkpoint_dir,
    )
    card = {
        "description": DESCRIPTION,
        "command": f"python examples/train_forecast_preset.py {given.output.name} --model {given.model} "
        f"--patch {given.patch} --members {given.members} "
        f"--steps {given.steps} --batch-size {given.batch_size} --seed {given.seed}",
        **found.card,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {"kerazoo": kerazoo.__version__, "keras": keras.__version__, "numpy": np.__version__},
    }
    write_preset(given.output, found.spec, found.weights, found.settings, card)
    n_weights, n_bytes = sum(each.size for each in found.weights), given.output.stat().st_size
    print(f"{given.output}: {n_weights:,} weights, {n_bytes:,} bytes, loss {card['loss']:.4f}")


if __name__ == "__main__":
    main()
