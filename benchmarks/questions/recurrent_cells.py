"""Two questions about the recurrent zoo.

generation: how much faster is `zoo.generate` than calling `predict` step by step, over 200 steps?
parallel: from which length on is the parallel form of a linear recurrence faster, forward and in training?

    KERAS_BACKEND=jax python -m benchmarks.questions.recurrent_cells generation parallel
"""

from __future__ import annotations

import argparse
from typing import Any

import keras
import numpy as np

from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.timing import Side, alternate, summarise
from kerazoo import zoo
from kerazoo.cells import Recurrent, list_cells, make_cell

QUESTIONS = {
    "generation": "Steps per second of generating 200 steps, beside a loop of `predict`.",
    "parallel": "Milliseconds per batch of 32 sequences, 64 units: step by step and in parallel, by length.",
}
LENGTHS = (16, 32, 64, 128, 256, 512)


def generation(repeats: int) -> dict[str, Any]:
    """Tables of two models, each with three ways to generate."""
    tables = {}
    for name in ("lstm_1x100_relu", "gru_2x64"):
        model = zoo.build(name, seed=1)
        seed = np.sin(np.arange(30) / 4).astype("float32")[None, :, None]

        def scan(model: Any = model, seed: Any = seed) -> float:
            zoo.generate(model, seed, 200)
            return 200

        def window(model: Any = model, seed: Any = seed) -> float:
            zoo.generate(model, seed, 200, mode="window")
            return 200

        def predict(model: Any = model, seed: Any = seed) -> float:
            values = seed
            for _ in range(200):
                y = model.predict(values[:, -30:], verbose=0)
                values = np.concatenate([values, y[:, -1:]], axis=1)
            return 200

        sides = [Side("predict loop", predict), Side("generate, states", scan), Side("generate, window", window)]
        alternate(sides, repeats)
        tables[name] = summarise(sides, "predict loop", "steps")
        print_table(
            f"{name}, 200 steps", tables[name], ["name", "median_rate", "median_seconds", "ratio_to_predict loop"]
        )
    return tables


def parallel(repeats: int, lengths: tuple[int, ...], cells: str) -> dict[str, Any]:
    """Milliseconds of a forward pass and of a training step, by cell and length."""
    rows = []
    rng = np.random.default_rng(0)
    for cell in cells.split(","):
        for steps in lengths:
            x = rng.normal(size=(32, steps, 64)).astype("float32")
            y = np.zeros((32, 1), "float32")
            row: dict[str, Any] = {"cell": cell, "steps": steps}
            for what in ("forward", "training"):
                sides = []
                for form in (False, True):
                    model = keras.Sequential(
                        [keras.Input((steps, 64)), Recurrent(make_cell(cell, 64), parallel=form), keras.layers.Dense(1)]
                    )
                    model.compile("sgd", "mse")

                    def run(model: Any = model, what: str = what, x: Any = x, y: Any = y) -> float:
                        for _ in range(5):
                            model.predict_on_batch(x) if what == "forward" else model.train_on_batch(x, y)
                        return 5

                    sides.append(Side("parallel" if form else "step by step", run))
                alternate(sides, repeats)
                found = summarise(sides, "step by step", "batches")
                for side, line in zip(("loop", "parallel"), found, strict=True):
                    row[f"{what}_{side}_ms"] = 1000 / line["median_rate"]
                row[f"{what}_gain"] = found[1]["ratio_to_step by step"]
            rows.append(row)
            print(row, flush=True)
    columns = [
        "cell",
        "steps",
        *(f"{w}_{s}" for w in ("forward", "training") for s in ("loop_ms", "parallel_ms", "gain")),
    ]
    print_table("parallel form", rows, columns)
    return {"parallel": rows}


def main() -> None:
    """Answer the questions, and write a result for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="*", default=list(QUESTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", default=",".join(map(str, LENGTHS)))
    parser.add_argument("--cells", default=",".join(list_cells(linear=True)))
    arguments = parser.parse_args()
    for question in arguments.questions:
        lengths = tuple(int(length) for length in arguments.lengths.split(","))
        tables = (
            generation(arguments.repeats)
            if question == "generation"
            else parallel(arguments.repeats, lengths, arguments.cells)
        )
        backend = keras.backend.backend()
        settings = {"backend": backend, "repeats": arguments.repeats}
        path = write_result(f"recurrent_{question}_{backend}", QUESTIONS[question], settings, tables)
        print(f"\nwritten: {path}")


if __name__ == "__main__":
    main()
