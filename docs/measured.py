"""Tables of `docs/decisions.md`, from the results of the benchmarks; `docs/tables.py` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
SETS = {
    "m3_monthly": "M3 monthly", "m3_quarterly": "M3 quarterly", "m3_yearly": "M3 yearly", "m3_other": "M3 other",
    "tourism_monthly": "Tourism monthly", "tourism_quarterly": "Tourism quarterly", "tourism_yearly": "Tourism yearly",
}  # fmt: skip


@cache
def results(name: str) -> Any:
    """The results of a file."""
    return json.loads((RESULTS / f"{name}.json").read_text())["results"]


def row_of(name: str, row: str) -> dict[str, Any]:
    """A row of a file of word vectors."""
    return next(each for each in results(name)["rows"] if each["name"] == row)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table between line ends."""
    columns = list(header)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"


def million(rate: float) -> str:
    """Words per second."""
    return f"{rate / 1e6:.3g} M"


def share(value: float) -> str:
    """A correlation or an accuracy, .680."""
    return f"{value:.3f}".lstrip("0")


def quality(row: dict[str, Any]) -> list[str]:
    """The three measures of word vectors."""
    return [share(row[name]) for name in ("wordsim353", "simlex999", "analogies")]


def engines() -> str:
    """Rates of the engines, with `nce`."""
    rows = []
    for words, name, key in (
        ("gensim 4.4, two threads of a CPU", "word2vec_native", "gensim"),
        ("`native`, two threads of the same CPU", "word2vec_native", "native_nce"),
        ("`keras` on JAX, the same CPU", "word2vec", "keras_jax_nce"),
        ("`keras` on TensorFlow, the same CPU", "word2vec", "keras_tensorflow_nce"),
    ):
        row = row_of(name, key)
        rows.append([words, million(row["epoch_rate"]), *quality(row), f"`{name}.json`"])
    for backend in ("jax", "torch"):
        name = f"word2vec_device_{backend}_quality"
        runs = [each for each in results(name)["variants"] if (each["loss_name"], each["block_size"]) == ("nce", 8192)]
        mean = {key: fmean(run[key] for run in runs) for key in ("wordsim353", "simlex999", "analogies")}
        rate = million(median(run["epoch_rate"] for run in runs))
        rows.append([f"`keras` on {backend}, one H100", rate, *quality(mean), f"`{name}.json`"])
    return table(["engine", "raw words/s of an epoch", "WordSim-353", "SimLex-999", "analogies", "file"], rows)


def losses() -> str:
    """Quality and rate of the losses and models of the native engine."""
    rows = []
    for words, name, key in (
        ('skip-gram, `loss="nce"`', "word2vec_native", "native_nce"),
        ('skip-gram, `loss="negative_sampling"`', "word2vec_native", "native_negative_sampling"),
        ('CBOW, `sg=0, loss="negative_sampling"`', "word2vec_native_cbow_default", "native_negative_sampling"),
    ):
        row = row_of(name, key)
        rows.append([words, million(row["rate"]), f"{row['ratio']:.1f}", *quality(row), f"`{name}.json`"])
    return table(
        ["model and loss", "raw words/s of `fit`", "times gensim", "WordSim-353", "SimLex-999", "analogies", "file"],
        rows,
    )


def cells() -> str:
    """Single networks on the series of 2017, and networks of M3 at equal time."""
    scores = {row["name"].split("_")[0]: row for row in results("recurrent_scores")["scores"]}
    panel = {row["cell"]: row for row in results("forecast_panel_cells")["cells"]}
    ranked = sorted(scores, key=lambda name: scores[name]["rmse of 1975"])
    chosen = [name for name in ranked if name in panel or name in ranked[:6] or name == "rnn"]
    rows = []
    for name in chosen:
        one, many = scores[name], panel.get(name)
        rows.append([
            f"`{name}`", f"{one['mse at rate 0.001']:.2g}", f"{one['rmse of 1975']:.1f}",
            f"{many['smape']:.2f}" if many else "", f"{many['steps']:,}" if many else "",
        ])  # fmt: skip
    return table(
        ["cell", "sine, MSE of one step", "milk, RMSE of 1975", "M3 monthly, sMAPE", "steps in the same time"], rows
    )


def training() -> str:
    """`training.fit` beside Keras's `fit`."""
    rows = []
    for problem, words in (("sine", "sine: 2000 steps, windows of 30"), ("milk", "milk: 4000 steps, windows of 12")):
        found = {row["name"]: row for row in results("recurrent")[problem]}
        for backend in ("tensorflow", "jax"):
            sides = [found[f"{side} on {backend}"] for side in ("keras", "kerazoo")]
            rows.append([
                f"{words}, {backend}", *(f"{side['whole_seconds']:.1f} s" for side in sides),
                *(f"{side['steps_per_second']:,.0f}" for side in sides),
            ])  # fmt: skip
    header = [
        "LSTM(100, relu), batches of one",
        "`model.fit`",
        "`training.fit`",
        "steps/s, `model.fit`",
        "`training.fit`",
    ]
    return table(header, rows)


def forecasts() -> str:
    """MASE and processor time of the ways to forecast many series."""
    return table(["", *WAYS.values()], forecast_rows())


WAYS = {
    "statistics": "`epochs=0`: statistics", "preset": "preset alone", "forecaster": "default",
    "AutoETS": "AutoETS", "DynamicOptimizedTheta": "theta", "median": "median of four",
}  # fmt: skip


def forecast_rows() -> Iterator[list[str]]:
    """A row for each competition, the least error in bold, and one for the time."""
    seconds: dict[str, list[float]] = {"statistics": [], "forecaster": []}
    for key, title in SETS.items():
        found = {row["name"]: row for row in results("competitions")["sets"][key]}
        trained = [row for name, row in found.items() if name.startswith("Forecaster")]
        preset = next(row for row in results("forecast_presets")["sets"][key] if row["name"] == "forecast_small")
        values = {name: found[name]["mase"] for name in WAYS if name in found}
        values |= {"forecaster": fmean(row["mase"] for row in trained), "preset": preset["mase"]}
        least = min(values.values())
        yield [title, *(f"**{values[way]:.3f}**" if values[way] == least else f"{values[way]:.3f}" for way in WAYS)]
        seconds["statistics"].append(found["statistics"]["processor_seconds"])
        seconds["forecaster"].append(fmean(row["processor_seconds"] for row in trained))
    yield [
        "seconds of a processor, all sets",
        *(f"{sum(seconds[way]):,.0f}" if way in seconds else "" for way in WAYS),
    ]


def workers() -> str:
    """Quality of several workers, less that of one."""
    rows = [[str(row["workers"]), *quality(row)] for row in results("word2vec_cluster")["quality"]]
    return table(["workers", "WordSim-353", "SimLex-999", "analogies"], rows)


SOURCES = {
    "engines measured": engines,
    "losses measured": losses,
    "cells measured": cells,
    "training measured": training,
    "forecasts measured": forecasts,
    "workers measured": workers,
}
