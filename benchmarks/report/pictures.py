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
WIDE = (9.0, 2.3)  # inches
OURS, OTHERS = "tab:blue", "#8a8f98"
QUALITY = {"wordsim353": "WordSim\n-353", "simlex999": "SimLex\n-999", "analogies": "analogies\n "}
#: Rows of the results that are drawn, from the top down.
LABELS = {"native_nce": "kerazoo, NCE", "native_negative_sampling": "kerazoo, negative sampling", "gensim": "gensim"}


def draw_forecast() -> Figure:
    """The last two years of the milk series, forecast from the years before, with 80 % and 95 % intervals."""
    milk = datasets.milk()
    known, truth = milk[:-HORIZON], milk[-HORIZON:]
    forecaster = Forecaster(horizon=HORIZON, seed=1, verbose=0).fit(known)
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    ax = plots.plot_forecast(known, forecaster.predict(level=[80, 95]), truth=truth, last=72, ax=figure.subplots())
    ax.set_xlabel("")
    ax.set_ylabel("pounds per cow and month")
    _plain(ax)
    return figure


def draw_rates(document: Mapping[str, Any]) -> Figure:
    """Raw words per second of a whole `fit`: the median a bar, each seed a dot; beside it the quality."""
    rows = {row["name"]: row for row in document["results"]["rows"]}
    settings = document["settings"]
    figure = Figure(figsize=WIDE, layout="constrained")
    ax, text = figure.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
    for position, name in enumerate(LABELS):
        rate = rows[name]["rate"] / 1e6
        ax.barh(position, rate, height=0.6, color=OTHERS if name == "gensim" else OURS)
        seeds = [run["words"] * settings["epochs"] / run["seconds"] / 1e6 for run in document["results"]["runs"][name]]
        ax.plot(seeds, [position] * len(seeds), "o", color="black", markersize=3)
        ratio = "" if name == "gensim" else f", {rows[name]['ratio']:.1f} times"
        ax.annotate(f"{rate:.2f}{ratio}", (max(rate, *seeds), position), (8, 0), va="center",
                    textcoords="offset points")  # fmt: skip
        for column, measure in enumerate(QUALITY):
            text.text(column, position, f"{rows[name][measure]:.2f}", ha="center", va="center")
    longest = max(rows[name]["rate"] for name in LABELS) / 1e6
    ax.set_yticks(range(len(LABELS)), list(LABELS.values()))
    ax.set_xticks(range(int(longest) + 1))
    ax.set_xlim(0, 1.6 * longest)  # room for the texts
    ax.set_ylim(len(LABELS) - 0.5, -0.6)
    ax.set_xlabel(f"million words per second, {settings['threads']} threads")
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    _plain(ax)
    text.set_xlim(-0.5, len(QUALITY) - 0.5)
    text.set_xticks(range(len(QUALITY)), list(QUALITY.values()))
    text.tick_params(length=0, labelleft=False)
    text.set_xlabel("quality of the vectors")
    text.spines[:].set_visible(False)
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
        figure.savefig(path, dpi=110, facecolor="white", metadata={"Software": None, "Comment": drawn(figure)})
        print(path)


if __name__ == "__main__":
    main()
