"""Plots of the results.

    python -m benchmarks.report.plot benchmarks/results --out plots

Words per second by system; their growth with threads, block size and batch size; quality against speed; steps per
second of recurrent cells; seconds to train a small network. A plot whose results are missing is named.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from benchmarks.report.compare import read

__all__ = ["PLOTS", "load"]

Documents = Mapping[str, Mapping[str, Any]]
OTHERS = "dimgrey"  # systems that kerazoo is compared with
COLOURS = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]
MARKERS = "osD^vPX<>*"
QUALITY = {"wordsim353": "WordSim-353, rank correlation", "simlex999": "SimLex-999, rank correlation",
           "analogies": "analogies, accuracy"}  # fmt: skip
TRAINING = ("vector_size", "window", "negative", "sg", "hs", "epochs")
PARTS = {"table": "every cell", "layers": "zoo and plain layers", "linear": "linear recurrences"}


def load(folder: Path) -> dict[str, Any]:
    """The results in a folder by file name; a file that is not a result is named on stderr and left out."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = read(path)
        except ValueError as error:
            print(error, file=sys.stderr)
    return found


# Word vectors ---------------------------------------------------------------------------------------------------------


def word_rates(documents: Documents) -> dict[str, Figure]:
    """Raw words per second of a whole `fit`, one panel per file."""
    panels = []
    for name, document in documents.items():
        if name.startswith("word2vec"):
            rows = [row for table in ("rows", "fits") for row in document["results"].get(table, []) if row.get("rate")]
            if rows:
                panels.append((f"{name}: {_training(document['settings'])}", rows))
    if not panels:
        return {}
    figure = Figure(figsize=(9, sum(0.28 * len(rows) + 0.55 for _, rows in panels) + 0.5), layout="constrained")
    ratios = [len(rows) + 0.5 for _, rows in panels]
    axes = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    for ax, (title, rows) in zip(axes, panels, strict=True):
        for position, row in enumerate(rows):
            colour = OTHERS if row["name"].startswith("gensim") else COLOURS[0]
            ax.plot(row["rate"], position, "o", color=colour)
            ax.annotate(EngFormatter(places=1)(row["rate"]), (row["rate"], position), (7, 0), va="center", fontsize=8,
                        textcoords="offset points")  # fmt: skip
        ax.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_title(title, fontsize=9, loc="left")
        ax.grid(alpha=0.3)
    rates = [row["rate"] for _, rows in panels for row in rows]
    _rate_axis(axes[-1], "x", rates)
    axes[-1].set_xlim(min(rates) / 2, max(rates) * 3)  # room for the figures
    axes[-1].set_xlabel("raw words per second of a whole fit; includes the scan of the text unless it is encoded")
    return {"word2vec_rates": figure}


def scaling(documents: Documents) -> dict[str, Figure]:
    """Rates by threads, by tokens per block on a device, and by pairs per batch."""
    panels: list[Callable[[Axes], None]] = []
    threads = list(_by_threads(documents))
    if threads:

        def draw_threads(ax: Axes) -> None:
            most = max(count for _, count, _ in threads)
            ax.plot([1, most], [1, most], "--", color="grey", label="linear speedup")
            for position, (label, count, gain) in enumerate(threads):
                ax.plot([1, count], [1, gain], marker=MARKERS[position % 10], color=COLOURS[position % 10], label=label)
            ax.set_xticks(range(1, most + 1))
            ax.set(xlabel="threads", ylabel="rate relative to one thread", title="Threads")

        panels.append(draw_threads)
    for title, unit, x_label, lines in (
        ("Blocks on a device", "raw words/s of an epoch", "tokens per block", _by_block(documents)),
        ("Batches on one core", "pairs/s", "pairs per batch", _by_batch(documents)),
    ):
        if lines:

            def draw(
                ax: Axes, title: str = title, unit: str = unit, x_label: str = x_label,
                lines: Mapping[str, Mapping[int, list[float]]] = lines,
            ) -> None:  # fmt: skip
                for position, (label, points) in enumerate(lines.items()):
                    sizes = sorted(points)
                    middle = [points[size][0] for size in sizes]
                    errors = [[abs(points[size][i] - points[size][0]) for size in sizes] for i in (1, 2)]
                    ax.errorbar(sizes, middle, errors, marker=MARKERS[position % 10], capsize=3, label=label,
                                color=COLOURS[position % 10])  # fmt: skip
                ax.set_xscale("log", base=2)
                ax.set_xticks(sorted({size for points in lines.values() for size in points}))
                ax.xaxis.set_major_formatter("{x:.0f}")
                ax.xaxis.minorticks_off()
                _rate_axis(ax, "y", [rate for points in lines.values() for each in points.values() for rate in each])
                ax.set(xlabel=x_label, ylabel=unit, title=title)

            panels.append(draw)
    if not panels:
        return {}
    figure = Figure(figsize=(5.2 * len(panels), 5.6), layout="constrained")
    for ax, draw_it in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw_it(ax)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    return {"scaling": figure}


def _by_threads(documents: Documents) -> Iterator[tuple[str, int, float]]:
    """Label, threads, and rate relative to one thread."""
    for name, document in documents.items():
        settings, results = document["settings"], document["results"]
        rows = {row["name"]: row for table in results.values() if isinstance(table, list) for row in table
                if isinstance(row, dict) and "name" in row}  # fmt: skip
        for one, many, count in (
            ("native_one_thread", "native_nce", settings.get("threads")),
            ("kerazoo_1_thread", "kerazoo", settings.get("threads")),
            ("pairs", "pairs_2_threads", 2),
            ("pairs_noise_5_each", "pairs_noise_5_each_2_threads", 2),
        ):
            if one in rows and many in rows and count and count > 1:
                rates = [rows[each].get("rate") or rows[each]["median_rate"] for each in (one, many)]
                yield f"{name}: {many}", count, rates[1] / rates[0]


def _by_block(documents: Documents) -> dict[str, dict[int, list[float]]]:
    """By variant: block size -> median, minimum and maximum rate over the seeds."""
    rates: dict[str, dict[int, list[float]]] = {}
    for name, document in documents.items():
        for kind, row in _variants(document):
            label = f"{name.removeprefix('word2vec_device_')}: {kind}"
            rates.setdefault(label, {}).setdefault(row["block_size"], []).append(row["epoch_rate"])
    return {
        label: {size: [statistics.median(each), min(each), max(each)] for size, each in points.items()}
        for label, points in rates.items()
        if len(points) > 1
    }


def _variants(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Label and row of the training runs on a device, with the default number of warps only."""
    for row in document["results"].get("variants", []):
        if "epoch_rate" in row and row["warps"] == 4:
            yield f"{row['loss_name']}, {'kernels' if row['kernels'] else 'plain'}", row


def _by_batch(documents: Documents) -> dict[str, dict[int, list[float]]]:
    rows = {row["name"]: row for row in documents.get("batching", {}).get("results", {}).get("pairs", [])}
    names = {"pairs_batch_1024": 1024, "pairs": 8192, "pairs_batch_65536": 65536}
    points = {size: [rows[name][f"{which}_rate"] for which in ("median", "min", "max")]
              for name, size in names.items() if name in rows}  # fmt: skip
    return {"batching: pairs": points} if len(points) > 1 else {}


def quality(documents: Documents) -> dict[str, Figure]:
    """Quality against words per second, for the training settings that most results have."""
    groups: dict[tuple[Any, ...], dict[str, list[tuple[float, Mapping[str, float]]]]] = {}
    for name, document in documents.items():
        if not name.startswith("word2vec"):
            continue
        settings = {"sg": 1, "hs": 0, **document["settings"]}
        group = groups.setdefault(tuple(settings.get(key) for key in TRAINING), {})
        for row in document["results"].get("rows", []):
            if row.get("rate") and "wordsim353" in row:
                group.setdefault(f"{name}: {row['name']}", []).append((row["rate"], row))
        for kind, row in _variants(document):
            if "wordsim353" in row:
                group.setdefault(f"{name}: {kind}, {row['block_size']}", []).append((row["epoch_rate"], row))
    if not any(groups.values()):
        return {}
    key, points = max(groups.items(), key=lambda item: len(item[1]))
    files = list(dict.fromkeys(label.split(": ")[0] for label in points))
    figure = Figure(figsize=(13, 4.8 + 0.18 * len(points) / 2), layout="constrained")
    axes = figure.subplots(1, len(QUALITY))
    for ax, (column, title) in zip(axes, QUALITY.items(), strict=True):
        drawn = dict.fromkeys(files, 0)
        rates = []
        for label, found in points.items():
            file = label.split(": ")[0]
            rates.append(statistics.median(rate for rate, _ in found))
            # One colour per file, one marker per system of it; hollow, so that markers below stay visible.
            ax.plot(rates[-1], statistics.mean(row[column] for _, row in found), MARKERS[drawn[file] % len(MARKERS)],
                    color=COLOURS[files.index(file) % 10], fillstyle="none", markersize=8, label=label)  # fmt: skip
            drawn[file] += 1
        _rate_axis(ax, "x", rates)
        ax.set(xlabel="raw words/s", ylabel=title)
        ax.grid(alpha=0.3)
    figure.suptitle(_training(dict(zip(TRAINING, key, strict=True))))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8,
                  title="rate of a whole fit; in the files word2vec_device_* of an epoch")  # fmt: skip
    return {"word2vec_quality": figure}


def _training(settings: Mapping[str, Any]) -> str:
    """The training settings in words."""
    kind = "skip-gram" if settings.get("sg", 1) else "CBOW"
    loss = "hierarchical softmax" if settings.get("hs") else f"K={settings.get('negative')}"
    counted = [f"{settings[what]} {what}"[: -1 if settings[what] == 1 else None]
               for what in ("epochs", "threads") if what in settings]  # fmt: skip
    return ", ".join([kind, f"D={settings.get('vector_size')}", f"window {settings.get('window')}", loss, *counted])


# Recurrent networks ---------------------------------------------------------------------------------------------------


def recurrent_rates(documents: Documents) -> dict[str, Figure]:
    """Steps per second of `recurrent_devices`: one plot per part and backend, one panel per shape."""
    figures = {}
    for name, document in documents.items():
        for part, title in PARTS.items() if name.startswith("recurrent_devices") else ():
            rows = [row for row in document["results"].get(part, []) if row.get("rate")]
            if rows:
                figure = _rates_by_shape(rows, ("cell",) if part == "table" else ("cell", "side"))
                figure.suptitle(f"{name}: {title}")
                figures[f"{name}_{part}"] = figure
    return figures


def _rates_by_shape(rows: Sequence[Mapping[str, Any]], named: Sequence[str]) -> Figure:
    """Panels by device, batch, steps and width, with one line per combination of the columns `named`."""
    shapes: dict[tuple[Any, ...], dict[str, dict[str, Mapping[str, Any]]]] = {}
    for row in rows:
        # A convolution has another width, and is shown beside the other cells anyway.
        width = None if named == ("cell",) else row["width"]
        shape = (row["device"], row["batch"], row["steps"], width)
        label = ", ".join(row[column] for column in named if column in row)
        shapes.setdefault(shape, {}).setdefault(label, {})[row["mode"]] = row
    columns = min(3, len(shapes))
    lines = -(-len(shapes) // columns)
    height = max(len(labels) for labels in shapes.values())
    figure = Figure(figsize=(4.8 * columns, lines * (0.22 * height + 1.5) + 0.4), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, ((device, batch, steps, width), labels) in zip(axes, shapes.items(), strict=False):
        for mode, marker, colour in (("inference", "o", COLOURS[0]), ("training", "s", COLOURS[1])):
            found = [(position, by_mode[mode]) for position, by_mode in enumerate(labels.values()) if mode in by_mode]
            if not found:
                continue
            rates = [row["rate"] for _, row in found]
            errors = [[abs(row[f"{end}_rate"] - row["rate"]) for _, row in found] for end in ("min", "max")]
            positions = [position for position, _ in found]
            ax.errorbar(rates, positions, xerr=errors, fmt=marker, color=colour, capsize=2, markersize=5, label=mode)
        ax.set_yticks(range(len(labels)), list(labels), fontsize=8)
        ax.invert_yaxis()
        _rate_axis(ax, "x", [row["rate"] for by_mode in labels.values() for row in by_mode.values()])
        ax.set_xlabel("steps/s")
        ax.set_title(f"{device}: batch {batch}, T={steps}" + (f", width {width}" if width else ""), fontsize=9)
        ax.grid(alpha=0.3)
    for ax in axes[len(shapes) :]:
        ax.remove()
    marks = {label: mark for ax in axes for mark, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(marks.values(), marks.keys(), loc="outside lower center", ncols=2,
                  title="a layer with a dense head; median, minimum and maximum")  # fmt: skip
    return figure


def recurrent(documents: Documents) -> dict[str, Figure]:
    """Seconds to build and train, one panel per problem."""
    tables = documents.get("recurrent", {}).get("results", {})
    problems = {name: rows for name, rows in tables.items() if rows and "whole_seconds" in rows[0]}
    if not problems:
        return {}
    figure = Figure(figsize=(5.2 * len(problems), 3.2), layout="constrained")
    for ax, (problem, rows) in zip(figure.subplots(1, len(problems), squeeze=False)[0], problems.items(), strict=True):
        seconds = [row["whole_seconds"] for row in rows]
        errors = [[abs(row["whole_seconds_range"][end] - row["whole_seconds"]) for row in rows] for end in (0, 1)]
        colours = [COLOURS[0] if row["name"].startswith("kerazoo") else OTHERS for row in rows]
        ax.barh(range(len(rows)), seconds, xerr=errors, capsize=3, color=colours)
        ax.set_yticks(range(len(rows)), [row["name"] for row in rows])
        ax.invert_yaxis()
        ax.set_title(problem)
        ax.set_xlabel("seconds to build and train, median and range")
        ax.grid(axis="x", alpha=0.3)
        ax.set_axisbelow(True)
    return {"recurrent": figure}


# Drawing --------------------------------------------------------------------------------------------------------------


def _rate_axis(ax: Axes, which: str, rates: Sequence[float]) -> None:
    """A logarithmic axis with labels such as 1 k and 1 M, of which there are several also in a narrow range."""
    getattr(ax, f"set_{which}scale")("log")
    axis = getattr(ax, f"{which}axis")
    span = max(rates) / min(rates)
    subs = (1,) if span > 300 else (1, 2, 5) if span > 4 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(EngFormatter())
    axis.set_minor_formatter(NullFormatter())


# Title -> function that draws, and the results that it needs.
PLOTS: dict[str, tuple[Callable[[Documents], dict[str, Figure]], str]] = {
    "words per second by system": (word_rates, "word2vec*.json with rates"),
    "scaling with threads and blocks": (scaling, "rates of one and more threads, or of several sizes of blocks"),
    "quality against speed": (quality, "word2vec*.json with quality"),
    "steps per second by cell": (recurrent_rates, "recurrent_devices_*.json with rates"),
    "training of recurrent networks": (recurrent, "recurrent.json"),
}


def main() -> None:
    """Draw what there are results for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a folder of results")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the plots")
    arguments = parser.parse_args()
    documents = load(arguments.results)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for title, (draw, needed) in PLOTS.items():
        figures = draw(documents)
        if not figures:
            print(f"not drawn: {title}, which needs {needed}")
        for name, figure in figures.items():
            path = arguments.out / f"{name}.png"
            figure.savefig(path, dpi=110)
            print(path)


if __name__ == "__main__":
    main()
