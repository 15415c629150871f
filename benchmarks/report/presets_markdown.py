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
    names = ("forecast_presets", "forecast_presets_cold", "forecast_preset_cells")
    found = {
        name: json.loads((folder / f"{name}.json").read_text()) for name in names if (folder / f"{name}.json").is_file()
    }
    return between_marks(page, "presets", lambda: _tables(found[names[0]], found.get(names[1]), found.get(names[2])))


def _tables(
    document: Mapping[str, Any], cold: Mapping[str, Any] | None = None, cells: Mapping[str, Any] | None = None
) -> str:
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
            "Seconds of a fresh process that forecasts milk: the preset alone, in a `Forecaster`, and the command",
            "with a backtest, from its start to its end:",
            "",
            table(
                ["", "median", "from", "to"],
                [
                    [f"`{row['name']}`", *(f"{row[key]:.2f}" for key in ("seconds", "min_seconds", "max_seconds"))]
                    for row in (cold or document)["results"]["cold"]
                ],
            ),
            "",
            "MASE at the rolling origins of the series of [forecast.md](forecast.md#accuracy):",
            "",
            table(["", *(f"`{preset}`" for preset in presets)], series),
            *([] if cells is None else ["", _cells(cells)]),
        ]
    )  # fmt: skip


def _cells(document: Mapping[str, Any]) -> str:
    rows = sorted(document["results"]["networks"], key=lambda row: row["pinball"])
    return (
        f"Networks after about {document['settings']['seconds']:.0f} seconds of a processor, as short trainings say "
        f"({document['settings']['backend']}, one seed,\n"
        "`forecast_preset_cells.json`), on generated series of another seed: medians of the pinball loss of nine\n"
        "quantiles and of the absolute error, in parts of the seasonal differences:\n\n"
        + table(
            ["network", "steps in one", "pinball", "absolute error", "training steps", "seconds", "weights"],
            [
                [f"`{row['network']}`", str(row["patch"]), f"{row['pinball']:.4f}", f"{row['absolute_error']:.4f}",
                 f"{row['steps']:,}", f"{row['processor_seconds']:.0f}", f"{row['weights']:,}"]
                for row in rows
            ],
        )
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
