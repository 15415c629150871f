"""Writes the tables of trained forecasters into a page, from the JSON of `forecast_presets`.

    python -m benchmarks.report.presets_markdown docs/presets.md

The lines of the page between `<!-- presets -->` and `<!-- /presets -->` are replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report.markdown import between_marks, set_title, table, update_pages

__all__ = ["fill"]

LABELS = {"statistics": "statistics, weighted by series"}


def fill(page: str, folder: Path) -> str:
    """The page with its tables replaced by those of the results in `folder`.

    Raises:
        ValueError: the page has no place for the tables.
    """
    return between_marks(page, "presets", lambda: _tables(json.loads((folder / "forecast_presets.json").read_text())))


def _tables(document: Mapping[str, Any]) -> str:
    results, machine, made = document["results"], document["machine"], document["settings"]["cards"]
    names = list(results["sets"])
    rows = {name: {row["name"]: row for row in results["sets"][name]} for name in names}
    presets = list(made)
    accuracy = [
        [
            _label(model, presets),
            *(f"{rows[name][model]['smape']:.2f} / {rows[name][model]['mase']:.3f}" for name in names),
        ]
        for model in rows[names[0]]
    ]
    own = [
        [f"`{preset}`", *(_calibration(rows[name][preset]) for name in names)] for preset in presets
    ]  # fmt: skip
    rates = [
        [_label(model, presets), *(f"{rows[name][model]['series_per_second']:,}" for name in names)]
        for model in (*presets, "statistics")
    ]
    series = [
        [row["series"].replace("_", " "), *(f"{row[preset]:.3f}" for preset in presets)] for row in results["series"]
    ]
    part = {"test": "test parts", "validation": "held-out ends of the training parts"}[document["settings"]["part"]]
    cards = [
        f"`{name}`: {card['model'].split('_seq2one')[0]}, {card['steps']:,} steps of {card['batch_size']} windows in "
        f"{card['seconds'] / 60:.0f} minutes ({card['machine']}, {card['backend']}); `{card['command']}`."
        for name, card in made.items()
    ]
    return "\n".join(
        [
            *cards,
            "",
            f"M3 and Tourism, {part}, sMAPE / MASE (`benchmarks/results/forecast_presets.json`), beside compiled",
            "statistics that are fitted to each series:",
            "",
            table(["", *map(set_title, names)], accuracy),
            "",
            "Share of the values in intervals of 80 and 95 %:",
            "",
            table(["", *map(set_title, names)], own),
            "",
            f"Series a second, with five quantiles; {machine['cores']} cores of {machine['cpu']}, which other work",
            "shared:",
            "",
            table(["", *map(set_title, names)], rates),
            "",
            f"A fresh interpreter imports kerazoo and forecasts milk in {results['cold'][0]['seconds']:.2f} s.",
            "",
            "MASE at the rolling origins of the series of [forecast.md](forecast.md#accuracy):",
            "",
            table(["", *(f"`{preset}`" for preset in presets)], series),
        ]
    )  # fmt: skip


def _label(model: str, presets: list[str]) -> str:
    return f"**`{model}`**" if model in presets else LABELS.get(model, model)


def _scores(row: Mapping[str, Any]) -> str:
    return f"{row['smape']:.2f} / {row['mase']:.3f}"


def _calibration(row: Mapping[str, Any]) -> str:
    return f"{row['coverage_80']:.0f}, {row['coverage_95']:.0f} %"


def main() -> None:
    """Update the tables of pages."""
    update_pages(__doc__.splitlines()[0], fill)


if __name__ == "__main__":
    main()
