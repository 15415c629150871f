"""How good are the forecasts of `kerazoo.Forecaster`, beside statistical forecasts in the same run?

    python -m benchmarks.questions.forecast accuracy [--series all] [--seeds 1,2,3] [--models ...] [--baselines all]
    python -m benchmarks.questions.forecast sine [--seeds 1,2,3,4,5]
    python -m benchmarks.questions.forecast time [--repeats 5]
    python -m benchmarks.questions.forecast cells [--series ...] [--models ...]

accuracy: errors and coverage of the intervals at the rolling origins of `benchmarks.data.series`, per seed, beside the
baselines of `benchmarks.harness.forecast_peers`; medians over the seeds. Values after an origin are used for nothing:
a forecaster with default settings is fitted at each. sine: the network of 2017 with its settings, trained with the zoo,
and the steps that it generates. time: seconds of a default `fit` on the milk series, the first of a process and later
ones. cells: which model should be the default, by mean ranks over the series.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from benchmarks.data.series import ALL, load_series, origins, parse_names
from benchmarks.harness.forecast_peers import BASELINES, LEVELS, Forecast, mean_ranks, package_versions, score
from benchmarks.harness.results import print_table, write_result
from kerazoo import Forecaster, datasets, training, zoo

# `compare` recognises results of a benchmark under other names by the question.
QUESTIONS = {
    "accuracy": "Errors and coverage at rolling origins: the defaults beside statistics, medians of seeds.",
    "sine": "The network of 2017 on the sine: mean squared error after 2000 iterations, and 60 generated steps.",
    "time": "Seconds of a default fit on 156 months of milk.",
    "cells": "Which model forecasts best with one network: mean rank over the series.",
}
COLUMNS = ("name", "rmse_last", "rmse_mean", "mase", "coverage_80", "coverage_95", "seconds", "note")


def forecaster(model: str | None, seed: int, **settings: Any) -> Any:
    """A forecaster with default settings, in the form of a baseline."""

    def run(train: pd.Series, period: int, horizon: int) -> Forecast:
        first = () if model is None else (model,)
        made = Forecaster(*first, period=period, horizon=horizon, seed=seed, verbose=0, **settings).fit(train)
        keras.backend.clear_session(free_memory=False)
        table = made.predict(horizon, level=[level / 100 for level in LEVELS])
        return Forecast(
            table["forecast"].to_numpy(),
            {level: (table[f"lower_{level}"].to_numpy(), table[f"upper_{level}"].to_numpy()) for level in LEVELS},
        )

    return run


def median_row(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One row for several seeds: medians, and the mean error of each seed."""
    found: dict[str, Any] = {"name": name}
    for what in ("rmse_last", "rmse_mean", "mase", "coverage_80", "coverage_95", "seconds"):
        known = [row[what] for row in rows if row[what] is not None]
        found[what] = statistics.median(known) if len(known) == len(rows) else None
    found["rmse_mean_of_seeds"] = [row["rmse_mean"] for row in rows]
    found["note"] = "; ".join(dict.fromkeys(row["note"] for row in rows if row["note"]))
    return found


def accuracy(
    names: Sequence[str], seeds: Sequence[int], models: Sequence[str | None], baselines: Sequence[str], **settings: Any
) -> Any:
    """Tables by series, and mean ranks by MASE.

    Args:
        names: of the series.
        seeds: of the forecasters.
        models: of the forecasters; None for the default.
        baselines: names of the statistical forecasts.
        settings: of the forecasters, where they are not the defaults.
    """
    tables: dict[str, Any] = {}
    for name, (series, period) in load_series(names).items():
        info, lengths = ALL[name], origins(name, len(series))
        rows = [score(each, BASELINES[each], series, period, info.horizon, lengths) for each in baselines]
        for model in models:
            label = "forecaster" if model is None else f"forecaster, {model}"
            of_seeds = [
                score(label, forecaster(model, seed, **settings), series, period, info.horizon, lengths)
                for seed in seeds
            ]
            rows.append(median_row(label, of_seeds))
        tables[name] = rows
        print_table(f"{name}: {len(lengths)} origins, {info.horizon} steps ahead", _rounded(rows), COLUMNS)
    ranks = mean_ranks(tables)
    print_table("mean rank by MASE", [{"name": key, "rank": value} for key, value in ranks.items()], ("name", "rank"))
    return {**tables, "mean_rank": ranks}


def _rounded(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()} for row in rows]


def sine(seeds: Sequence[int]) -> Any:
    """Networks with the settings of the notebook: 100 units, Adam at 1e-4, 2000 batches of one window of 30 steps.

    The networks of the zoo are trained as in the notebook, on windows drawn from the sine. To generate steps, the same
    network is then trained further with a learning rate that decays from 1e-3. The forecasters learn from the 250
    points of the sine, by differences or by transforms that they select, in as many batches of the same size.

    Args:
        seeds: of the networks.
    """
    rows = []
    for seed in seeds:
        x_test, y_test = (part.astype("float32") for part in datasets.sine(seed=seed + 1000).next_batch(40, 30))
        for name in ("rnn_1x100_relu", "lstm_1x100_relu"):
            rows.append({"name": name, "seed": seed, **_net_of_2017(name, seed, x_test, y_test)})
            print(rows[-1], flush=True)
        for name, transforms in (("forecaster, differences", ("difference",)), ("forecaster, its own choice", "auto")):
            rows.append({"name": name, "seed": seed, **_forecaster_of_sine(transforms, seed, x_test, y_test)})
            print(rows[-1], flush=True)
    names = list(dict.fromkeys(row["name"] for row in rows))
    columns = [column for column in rows[0] if column not in ("name", "seed")]
    medians = [
        {"name": name, **{c: statistics.median(row[c] for row in rows if row["name"] == name) for c in columns}}
        for name in names
    ]
    print_table("sine, medians", [{k: f"{v:.3g}" if k != "name" else v for k, v in row.items()} for row in medians],
                ["name", *columns])  # fmt: skip
    return {"sine": rows, "medians": medians}


def _net_of_2017(name: str, seed: int, x_test: Any, y_test: Any) -> dict[str, float]:
    wave = datasets.sine(seed=seed)
    x, y = (part.astype("float32") for part in wave.next_batch(2000, 30))
    model = zoo.build(name, seed=seed)
    model.compile(keras.optimizers.Adam(1e-4), "mse")
    start = time.perf_counter()
    training.fit(model, x, y, batch_size=1, epochs=1, shuffle=False, verbose=0)
    seconds = time.perf_counter() - start
    after = _mse(model, x_test, y_test)
    epochs = 150
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(x) // 32))
    model.compile(keras.optimizers.Adam(rate), "mse")
    training.fit(model, x, y, batch_size=32, epochs=epochs, verbose=0)
    points = wave.xmin + np.arange(90) * wave.resolution
    made = zoo.generate(model, wave.ret_true(points[:30]), 60)
    return {
        "seconds": seconds,
        "mse_after_2000": after,
        "mse_at_the_end": _mse(model, x_test, y_test),
        "generated_60": float(np.abs(made - wave.ret_true(points[30:])).max()),
    }


def _mse(model: Any, x: Any, y: Any) -> float:
    return float(np.mean((model.predict(x, verbose=0) - y) ** 2))


def _forecaster_of_sine(transforms: Any, seed: int, x_test: Any, y_test: Any) -> dict[str, float]:
    wave = datasets.sine()
    points = wave.xmin + np.arange(250) * wave.resolution

    def fitted(steps: int, rate: float, batch: int) -> tuple[Any, float]:
        made = Forecaster("lstm_1x100_relu", transforms=transforms, period=1, horizon=30, lookback=30,
                          n_members=1, epochs=steps // 10, patience=steps, batch_size=batch, learning_rate=rate,
                          calendar=(), seed=seed, verbose=0)  # fmt: skip
        start = time.perf_counter()
        made.fit(wave.ret_true(points))
        return made, time.perf_counter() - start

    def error_of(made: Any) -> float:
        """Mean squared error over the steps that have a forecast; the transforms consume the first values."""
        errors = []
        for inputs, targets in zip(x_test[..., 0], y_test[..., 0], strict=True):
            series = np.append(inputs, targets[-1])
            errors.append((made.fitted_values(series) - series)[1:])
        return float(np.nanmean(np.square(errors)))

    made, seconds = fitted(2000, 1e-4, 1)
    longer, _ = fitted(4000, 1e-3, 32)
    generated = longer.generate(wave.ret_true(points[:30]), 60)
    return {
        "seconds": seconds,
        "mse_after_2000": error_of(made),
        "mse_at_the_end": error_of(longer),
        "generated_60": float(np.abs(generated - wave.ret_true(points[30:90])).max()),
    }


def timing(repeats: int) -> Any:
    """Seconds of `Forecaster().fit`; the first one compiles."""
    series = datasets.milk()[:-12]
    rows = []
    for turn in range(repeats):
        start = time.perf_counter()
        made = Forecaster(seed=turn, verbose=0).fit(series)
        fitted = time.perf_counter()
        made.predict(12, level=[0.8, 0.95])
        rows.append({"turn": turn, "fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted})
    print_table("default fit on the milk series", rows, list(rows[0]))
    return {"fit": rows, "median_fit_seconds": statistics.median(row["fit_seconds"] for row in rows)}


def main() -> None:
    """Answer one of the questions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question", choices=list(QUESTIONS))
    parser.add_argument("--series", default="all", help='names, separated by commas, "all" or "further"')
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--models", default="", help="names, separated by commas; default: that of the forecaster")
    parser.add_argument("--baselines", default="all", help='names, separated by commas, "all" or "none"')
    parser.add_argument(
        "--without-nets", action="store_true", help="accuracy of the selected statistical forecast alone"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--name", help="of the JSON file")
    arguments = parser.parse_args()
    names = parse_names(arguments.series)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    models: list[str | None] = list(arguments.models.split(",")) if arguments.models else [None]
    chosen = {"all": list(BASELINES), "none": []}.get(arguments.baselines, arguments.baselines.split(","))
    question = arguments.question
    if question in ("accuracy", "cells"):
        changed = {"epochs": 0} if arguments.without_nets else {}
        baselines = chosen if question == "accuracy" else ["seasonal_naive"]
        tables = accuracy(names, seeds, models, baselines, **changed)
    elif question == "sine":
        tables = sine(seeds)
    else:
        tables = timing(arguments.repeats)
    settings = {"backend": keras.backend.backend(), "seeds": seeds, "models": models, "versions": package_versions(),
                "without_nets": arguments.without_nets}  # fmt: skip
    print(write_result(arguments.name or f"forecast_{question}", QUESTIONS[question], settings, tables))


if __name__ == "__main__":
    main()
