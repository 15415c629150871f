"""The Markdown tables of forecast accuracy, made from `benchmarks/results/forecast_*.json`.

    python -m benchmarks.report.forecast_markdown docs/forecast.md

The lines of the page between `<!-- accuracy -->` and `<!-- /accuracy -->` are replaced.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.data.series_of_r import OF_R
from benchmarks.harness.forecast_peers import mean_ranks
from benchmarks.report.markdown import between_marks, table, update_pages

__all__ = ["accuracy", "fill"]

DEFAULT_PRESET = "forecast_small"
FILES = ("forecast_accuracy_milk", "forecast_accuracy_short", "forecast_accuracy_long")
NAMES = {
    "forecaster": "**Forecaster**", "seasonal_naive": "seasonal naive", "holt_winters": "Holt-Winters",
    "holt_winters_per_day": "Holt-Winters per day", "sarima": "SARIMA", "ets_aaa": "ETS(A,A,A)", "auto_ets": "AutoETS",
    "auto_arima": "AutoARIMA", "auto_theta": "AutoTheta", "preset": "preset alone",
}  # fmt: skip


def fill(page: str, folder: Path) -> str:
    """The page with its tables replaced.

    Args:
        page: text of the page.
        folder: of the results.

    Raises:
        ValueError: the page has no comments that mark the tables.
    """
    return between_marks(page, "accuracy", lambda: accuracy(folder))


def accuracy(folder: Path) -> str:
    """All tables for which the folder has results."""
    documents = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("forecast_*.json"))}
    tables = {
        name: rows
        for file in FILES
        if file in documents
        for name, rows in documents[file]["results"].items()
        if name != "mean_rank"
    }
    # The default trains nothing and is measured apart from the baselines, which take hours.
    ours = documents.get("forecast_accuracy_default", {"results": {}})["results"]
    tables |= {
        name: [*rows, *(row for row in tables.get(name, ()) if row["name"] != "forecaster")]
        for name, rows in ours.items()
        if name != "mean_rank"
    }
    parts = []
    if "milk" in tables:
        parts.append(_milk(tables["milk"]))
    if len(tables) > 1:
        presets = documents.get("forecast_presets", {"results": {"series": []}})["results"]["series"]
        parts.append(_by_series(tables, {row["series"]: row[DEFAULT_PRESET] for row in presets}))
    if "forecast_mixture" in documents:
        parts.append(_mixture(documents["forecast_mixture"]))
    if "forecast_accuracy_further" in documents:
        parts.append(_further(documents["forecast_accuracy_further"]))
    if "forecast_sine" in documents:
        parts.append(_sine(documents["forecast_sine"]["results"]["medians"]))
    if "forecast_time" in documents:
        parts.append(_seconds(documents["forecast_time"]))
    cells = [document for name, document in documents.items() if name.startswith("forecast_cells")]
    if cells:
        parts.append(_cells(cells))
    return "\n\n".join(parts)


def _milk(rows: Sequence[Mapping[str, Any]]) -> str:
    order = sorted(rows, key=lambda row: row["rmse_mean"])
    lines = [
        [NAMES.get(row["name"], row["name"]), f"{row['rmse_last']:.2f}", f"{row['rmse_mean']:.2f}",
         f"{row['mase']:.3f}", _percent(row["coverage_80"]), _percent(row["coverage_95"])]
        for row in order
    ]  # fmt: skip
    return (
        "Milk, twelve months ahead from the ends of 1968 to 1974. Every method is fitted at each origin with default\n"
        "settings, to earlier values only. Root mean squared errors in pounds per cow\n"
        "(`forecast_accuracy_default.json`; the others of `forecast_accuracy_milk.json`):\n\n"
        + table(["", "1975", "mean of seven years", "MASE", "coverage of 80 %", "coverage of 95 %"], lines)
    )


def _by_series(tables: Mapping[str, Any], presets: Mapping[str, float]) -> str:
    methods = ["forecaster", "preset", "auto_ets", "auto_arima", "auto_theta", "holt_winters", "seasonal_naive"]
    tables = {
        name: [*rows, *([{"name": "preset", "mase": presets[name]}] if name in presets else [])]
        for name, rows in tables.items()
    }
    lines = []
    for name, rows in tables.items():
        found = {row["name"]: row for row in rows}
        known = [found[each]["mase"] for each in methods if each in found and found[each]["mase"] is not None]
        shown = []
        for each in methods:
            value = found.get(each, {}).get("mase")
            text = "" if value is None else f"{value:.3f}"
            shown.append(f"**{text}**" if value is not None and value == min(known) else text)
        ours = found["forecaster"]
        lines.append([name.replace("_", " "), *shown, _percent(ours["coverage_80"]), _percent(ours["coverage_95"])])
    ranks = mean_ranks(dict(tables))
    lines.append(["mean rank", *(f"{ranks[each]:.1f}" if each in ranks else "" for each in methods), "", ""])
    heads = [NAMES[each].strip("*") for each in methods]
    return (
        "MASE (errors relative to those of the seasonal naive forecast within the training part) at the rolling\n"
        "origins of `benchmarks/data/series.py`, the lowest of each series in bold; the preset of the forecaster\n"
        "alone; coverage of the forecaster's intervals; mean ranks of the methods that ran on all series:\n\n"
        + table(["", *heads, "coverage of 80 %", "coverage of 95 %"], lines)
    )


def _mixture(document: Mapping[str, Any]) -> str:
    """Errors by the weight of the compiled statistics."""
    n_series = len(document["settings"]["series"])
    lines = [
        [row["weight"], f"{row['ratio']:.3f}", f"{row['standard_error']:.3f}", str(row["lower_on"])]
        for row in document["results"]["mixtures"]
    ]
    return (
        f"The weight of the compiled statistics, chosen on the {n_series} series of `benchmarks/data/series_of_r.py`, "
        "none of which\nis among the twelve above; five origins each, without networks: MASE relative to the chains "
        "alone (geometric mean and\nits standard error), and the number of series on which it is lower "
        "(`forecast_mixture.json`):\n\n"
        + table(["weight of the statistics", "MASE", "standard error", "lower on"], lines)
    )


def _further(document: Mapping[str, Any]) -> str:
    """Mean errors by frequency of the series on which the selection of transforms was tuned."""
    tables = {name: rows for name, rows in document["results"].items() if name != "mean_rank"}
    errors = {name: {row["name"]: row["mase"] for row in rows} for name, rows in tables.items()}
    ranks = mean_ranks(tables)
    groups = {"all": tables.keys()} | {
        kind: [name for name in tables if OF_R[name].freq in freqs]
        for kind, freqs in (
            ("months", ("MS",)),
            ("quarters", ("QS",)),
            ("years", ("YS",)),
            ("days, weeks", ("D", "W-SUN")),
        )
    }

    def relative(method: str, names: Iterable[str]) -> str:
        logs = [math.log(errors[name][method] / errors[name]["seasonal_naive"]) for name in names]
        return f"{math.exp(statistics.fmean(logs)):.3f}" if logs else ""

    lines = []
    for method, rank in ranks.items():
        better = sum(found[method] < found["seasonal_naive"] for found in errors.values())
        shown = [relative(method, names) for names in groups.values()]
        lines.append([NAMES[method], *shown, str(better) if method != "seasonal_naive" else "", f"{rank:.2f}"])
    ours = [row for rows in tables.values() for row in rows if row["name"] == "forecaster"]
    covered = {level: _percent(statistics.fmean(row[f"coverage_{level}"] for row in ours)) for level in (80, 95)}
    seeds = len(document["settings"]["seeds"])
    heads = ["", *(f"{kind} ({len(names)})" for kind, names in groups.items()), "lower on", "mean rank"]
    return (
        f"The {len(tables)} series of `benchmarks/data/series_of_r.py`, on which the selection of transforms was\n"
        "tuned, five origins each: MASE relative to the seasonal naive forecast (geometric means), the number of\n"
        f"series on which it is lower, and the mean rank. Seeds: {seeds} (`forecast_accuracy_further.json`). The\n"
        f"forecaster's 80 % intervals cover {covered[80]}, its 95 % intervals {covered[95]}:\n\n" + table(heads, lines)
    )


def _sine(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [row["name"], *(f"{row[key]:.2g}" for key in ("mse_after_2000", "mse_at_the_end", "generated_60"))]
        for row in rows
    ]
    return (
        "The sine of 2017, medians (`forecast_sine.json`): one-step mean squared error after 2000 batches of one\n"
        "window at a learning rate of 1e-4 and at the end of training, and the largest error of 60 generated steps:\n\n"
        + table(["100 units", "after 2000", "at the end", "60 steps"], lines)
    )


def _seconds(document: Mapping[str, Any]) -> str:
    found, machine = document["results"], document["machine"]
    return (
        f"A default `fit` of 156 months takes {found['median_fit_seconds']:.1f} s (the first of a process "
        f"{found['fit'][0]['fit_seconds']:.1f} s) on {document['settings']['backend']}, {machine['cores']} cores of "
        f"{machine['cpu']}\n(`forecast_time.json`)."
    )


def _cells(documents: Sequence[Mapping[str, Any]]) -> str:
    results = [document["results"].items() for document in documents]
    tables = {name: rows for items in results for name, rows in items if name != "mean_rank"}
    ranks = mean_ranks({name: _of_models(rows) for name, rows in tables.items()})
    lines = []
    for name, rows in tables.items():
        found = {row["name"]: row["mase"] for row in _of_models(rows)}
        least = min(found.values())
        shown = (f"**{found[each]:.3f}**" if found[each] == least else f"{found[each]:.3f}" for each in ranks)
        lines.append([name.replace("_", " "), *shown])
    lines.append(["mean rank", *(f"{rank:.1f}" for rank in ranks.values())])
    seeds = len(documents[0]["settings"]["seeds"])
    return (
        "The default model is the best of these by mean rank: MASE with other networks, on the series where networks\n"
        f"matter; number of seeds: {seeds} (`forecast_cells_*.json`). Two seeds of the default differ by up to 5 %:\n\n"
        + table(["", *(f"`{each.removeprefix('forecaster, ')}`" for each in ranks)], lines)
    )


def _of_models(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["name"].startswith("forecaster, ")]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def main() -> None:
    """Update the tables of pages."""
    update_pages(__doc__.splitlines()[0], fill)


if __name__ == "__main__":
    main()
