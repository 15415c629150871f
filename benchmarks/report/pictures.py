"""The two pictures of the README: a forecast with its truth, and words per second beside gensim.

    python -m benchmarks.report.pictures docs/pictures        # or `make pictures`

The forecast is computed (`kerazoo.Forecaster` with its defaults, seed 1, some seconds); the rates are read from
`benchmarks/results/word2vec_native.json`. The background is white, so that the pictures are legible on dark pages too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kerazoo import Forecaster, datasets, plots

__all__ = ["LABELS", "draw_forecast", "draw_rates", "drawn", "main"]

ROOT = Path(__file__).resolve().parents[2]
RATES = ROOT / "benchmarks" / "results" / "word2vec_native.json"
HORIZON = 24
SIZE = (4.9, 3.2)  # inches: two side by side on a page
OURS, OTHERS = "tab:blue", "#8a8f98"
QUALITY = {"wordsim353": "WordSim-353", "simlex999": "SimLex-999", "analogies": "analogies"}
#: Rows of the results that are drawn, from the top down.
LABELS = {"native_nce": "kerazoo, NCE", "native_negative_sampling": "kerazoo, negative sampling", "gensim": "gensim"}


def draw_forecast() -> Figure:
    """The last two years of the milk series, forecast from the years before, with 80 % and 95 % intervals."""
    milk = datasets.milk()
    known, truth = milk[:-HORIZON], milk[-HORIZON:]
    forecaster = Forecaster(horizon=HORIZON, seed=1, verbose=0).fit(known)
    figure = Figure(figsize=SIZE, layout="constrained")
    ax = plots.plot_forecast(known, forecaster.predict(level=[80, 95]), truth=truth, last=48, ax=figure.subplots())
    ax.set_xlabel("")
    ax.set_ylabel("pounds per cow and month")
    _plain(ax)
    return figure


def draw_rates(document: Mapping[str, Any]) -> Figure:
    """Raw words per second of a whole `fit`: the median a bar, each seed a dot; above it the quality of the vectors."""
    rows = {row["name"]: row for row in document["results"]["rows"]}
    settings = document["settings"]
    figure = Figure(figsize=SIZE, layout="constrained")
    ax = figure.subplots()
    for position, (name, label) in enumerate(LABELS.items()):
        rate = rows[name]["rate"] / 1e6
        ax.barh(position, rate, height=0.3, color=OTHERS if name == "gensim" else OURS)
        seeds = [run["words"] * settings["epochs"] / run["seconds"] / 1e6 for run in document["results"]["runs"][name]]
        ax.plot(seeds, [position] * len(seeds), "o", color="black", markersize=2.5)
        ratio = "" if name == "gensim" else f", {rows[name]['ratio']:.1f} times gensim"
        ax.text(0, position - 0.43, f"{label}: {rate:.2f} million{ratio}", va="center")
        scores = ", ".join(f"{title} {rows[name][measure]:.2f}" for measure, title in QUALITY.items())
        ax.text(0, position - 0.24, scores, va="center", fontsize=8, color="0.35")
    ax.set_yticks([])
    ax.set_ylim(len(LABELS) - 0.75, -0.6)
    ax.set_xlim(left=0)
    ax.set_xlabel(f"million words per second, {settings['threads']} threads")
    _plain(ax)
    return figure


def drawn(figure: Figure) -> str:
    """The values of the lines and the lengths of the bars, as JSON: a text in the files, which tests compare."""
    ax = figure.axes[0]
    lines = [np.asarray(line.get_ydata(), np.float64).round(2).tolist() for line in ax.lines]
    return json.dumps({"lines": lines, "bars": [round(bar.get_width(), 3) for bar in ax.patches]})  # type: ignore[attr-defined]


def _plain(ax: Axes) -> None:
    """No frame above and to the right."""
    ax.spines[["top", "right"]].set_visible(False)


def main(arguments: list[str] | None = None) -> None:
    """Draw both pictures into a folder, which is created."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder for forecast.png and words-per-second.png")
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    rates = json.loads(RATES.read_text(encoding="utf-8"))
    for name, figure in (("forecast", draw_forecast()), ("words-per-second", draw_rates(rates))):
        path = folder / f"{name}.png"
        # Without matplotlib's version the bytes are the same each time.
        figure.savefig(path, dpi=160, facecolor="white", metadata={"Software": None, "Comment": drawn(figure)})
        print(path)


if __name__ == "__main__":
    main()
