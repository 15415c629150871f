"""Writes the tables of whole competitions into a page, from the JSON of `competitions` and `forecast_growth`.

    python -m benchmarks.report.competitions_markdown docs/many-series.md

`competitions_mape` is the same with `--losses mape`. `forecast_panel_cells` compares cells.
The lines of the page between `<!-- competitions -->` and `<!-- /competitions -->` are replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.data.competitions import SETS
from benchmarks.report.markdown import between_marks, set_title, table, update_pages

__all__ = ["fill"]

OURS = ", seed "
COLUMNS = ("smape", "mape", "mase", "coverage_80", "coverage_95", "seconds", "fit_seconds", "predict_seconds",
           "processor_seconds", "memory_mib")  # fmt: skip


def fill(page: str, folder: Path) -> str:
    """The page with its tables replaced by those of the results in `folder`.

    Raises:
        ValueError: the page has no place for the tables.
    """
    names = ("competitions", "competitions_mape", "forecast_growth", "forecast_panel_cells", "competitions_neural")
    found = {name: folder / f"{name}.json" for name in names}
    return between_marks(
        page,
        "competitions",
        lambda: _tables(*(json.loads(path.read_text()) if path.exists() else None for path in found.values())),
    )


def _tables(
    document: Mapping[str, Any] | None,
    percentages: Mapping[str, Any] | None,
    growth: Mapping[str, Any] | None,
    cells: Mapping[str, Any] | None,
    neural: Mapping[str, Any] | None,
) -> str:
    assert document is not None
    results, machine, settings = document["results"], document["machine"], document["settings"]
    names = [name for name in SETS if name in results["sets"]]
    rows = {name: _by_model(results["sets"][name]) for name in names}
    models = list(rows[names[0]])
    accuracy = [
        [_label(model)] + [_scores(rows[name].get(model)) for name in names] for model in models
    ]  # fmt: skip
    if neural is not None:
        of_sets = {name: _by_model(neural["results"]["sets"].get(name, [])) for name in names}
        accuracy += [
            [f"{model} of neuralforecast", *(_scores(of_sets[name].get(model)) for name in names)]
            for model in of_sets[names[0]]
        ]
    overall = {data: _by_model(each) for data, each in results["all"].items()}
    whole = [[_label(model), *(_whole(overall[data].get(model)) for data in overall)] for model in models]
    costs = [
        [set_title(name), *(f"{rows[name]['Forecaster'][column]:.1f}" for column in ("fit_seconds", "processor_seconds",
                                                                                "predict_seconds")),
         f"{rows[name]['statistics']['seconds']:.1f}", *(f"{rows[name][peer]['seconds']:.1f}" for peer in models[3:-1])]
        for name in names
    ]  # fmt: skip
    part = {"test": "Test parts", "validation": "Held-out ends of the training parts"}[settings["part"]]
    return "\n".join(
        [
            f"{part} of M3 and Tourism, all series, sMAPE / MASE (`benchmarks/results/competitions.json`). The",
            f"Forecaster has its defaults; medians of {len(settings['seeds'])} seeds. The others are statsforecast's,",
            "in the same run; `median` is that of their forecasts. Networks of neuralforecast have windows of three",
            "seasons, robust scales and their defaults else, one seed, in an environment of their own",
            "(`competitions_neural.json`):",
            "",
            table(["", *map(set_title, names)], accuracy),
            "",
            "All forecasts of a competition (series times steps), sMAPE / MAPE, and the coverage of 80 and 95 %",
            "intervals:",
            "",
            table(["", *(f"{data}, all" for data in overall)], whole),
            "",
            "Seconds of `fit`, of processors in `fit` and `predict`, of `predict`, and of the statistics alone; and of",
            f"the peers on one core. {machine['cores']} cores of {machine['cpu']}, {settings['backend']}, shared with",
            f"other work (load {settings['load_at_start']:.0f} at the start), so compare processor seconds:",
            "",
            table(["", "`fit`", "processors", "`predict`", "statistics", *models[3:-1]], costs),
            *(_percentages(document, percentages) if percentages else ()),
            *(_growth(growth) if growth else ()),
            *(_cells(cells) if cells else ()),
        ]
    )  # fmt: skip


def _percentages(usual: Mapping[str, Any], lower: Mapping[str, Any]) -> list[str]:
    results = lower["results"]
    names = list(results["sets"])
    rows = []
    for document in (lower, usual):
        found = document["results"]
        by_set = [_by_model(found["sets"][name]) for name in names]
        by_data = [_by_model(found["all"][data]) for data in results["all"]]
        rows += [
            [_label(model), *(f"{each[model]['mape']:.2f}" if model in each else "" for each in (*by_set, *by_data))]
            for model in by_set[0]
        ]
    return [
        "",
        'MAPE with `loss="mape"` (`competitions_mape.json`), and of the tables above:',
        "",
        table(["", *map(set_title, names), *(f"{data}, all" for data in results["all"])], rows),
    ]


def _growth(growth: Mapping[str, Any]) -> list[str]:
    keys = ("fit_seconds", "processor_seconds", "predict_seconds", "statistics_seconds")
    rows = [
        [f"{row['series']:,}", *(f"{row[key]:.1f}" for key in keys), f"{row['memory_mib']:.0f}"]
        for row in growth["results"]["growth"]
    ]
    return [
        "",
        "Generated series of 100 months, defaults, each size in a process of its own (`forecast_growth.json`):",
        "",
        table(["series", "`fit`, s", "processors, s", "`predict`, s", "`epochs=0`, s", "peak memory, MiB"], rows),
    ]


def _cells(document: Mapping[str, Any]) -> list[str]:
    settings = document["settings"]
    rows = [
        [f"`{row['cell']}`", _scores(row), f"{row['steps']:,}", f"{row['parameters']:,}"]
        for row in sorted(document["results"]["cells"], key=lambda row: row["smape"])
    ]
    return [
        "",
        "One network of each cell (two residual layers of 64 units, one seed), each trained for",
        f"{settings['seconds']:.0f} seconds of a processor ({settings['backend']}, `forecast_panel_cells.json`), on",
        f"the ends of the training parts of {set_title(settings['set'])}:",
        "",
        table(["cell", "sMAPE / MASE", "steps", "weights"], rows),
    ]


def _by_model(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by name; the seeds of the Forecaster as one row of medians."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if OURS in row["name"]:
            name = row["name"].split(OURS)[0]
            seeds = [each for each in rows if each["name"].split(OURS)[0] == name]
            values = {key: median(each[key] for each in seeds) for key in COLUMNS if key in row}
            found[name] = {"name": name, **values}
        else:
            found[row["name"]] = dict(row)
    return found


def _label(model: str) -> str:
    name, _, loss = model.partition(", ")
    label = {"Forecaster": "**Forecaster**", "statistics": "`epochs=0`"}.get(name, name)
    return f'{label}, `loss="{loss}"`' if loss else label


def _scores(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else f"{row['smape']:.2f} / {row['mase']:.3f}"


def _whole(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    text = f"{row['smape']:.2f} / {row['mape']:.2f}"
    if "coverage_80" in row:
        text += f"; {row['coverage_80']:.0f}, {row['coverage_95']:.0f} %"
    return text


def main() -> None:
    """Update the tables of pages."""
    update_pages(__doc__.splitlines()[0], fill)


if __name__ == "__main__":
    main()
