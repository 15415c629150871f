"""Writes the table of the statistics of whole competitions into a page, from the JSON of `forecast_statistics`.

    python -m benchmarks.report.statistics_markdown docs/many-series.md

The lines of the page between `<!-- statistics -->` and `<!-- /statistics -->` are replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.data.competitions import SETS
from benchmarks.report.markdown import between_marks, set_title, table, update_pages

__all__ = ["fill"]

ROWS = (
    "weights by series", "weights of the panel", "weights by series and step", "median of all", "theta", "ets",
    "log_damped", "seasonal_naive", "AutoETS", "DynamicOptimizedTheta",
)  # fmt: skip


def fill(page: str, folder: Path) -> str:
    """The page with its table replaced by that of the results in `folder`.

    Raises:
        ValueError: the page has no place for the table.
    """
    return between_marks(
        page, "statistics", lambda: _tables(json.loads((folder / "forecast_statistics.json").read_text()))
    )


def _tables(document: Mapping[str, Any]) -> str:
    results, machine = document["results"], document["machine"]
    names = [name for name in SETS if name in results]
    rows = {name: {row["name"]: row for row in results[name]} for name in names}
    accuracy = [
        [f"**{each}**" if each == ROWS[0] else f"`{each}`" if "_" in each else each]
        + [_score(rows[name].get(each)) for name in names]
        for each in ROWS
    ]
    seconds = []
    for name in names:
        own = rows[name][ROWS[0]]
        line = [set_title(name), *_times(own)]
        for peer in ROWS[-2:]:
            line += [*_times(rows[name].get(peer, {})), _ratio(rows[name].get(peer, {}), own)]
        seconds.append(line)
    heads = [set_title(name) for name in names]
    load = document["settings"]["load_at_start"]
    return "\n".join(
        [
            "Test parts of M3 and Tourism, sMAPE / MASE (`benchmarks/results/forecast_statistics.json`); AutoETS and",
            "DynamicOptimizedTheta are statsforecast's, in the same run:",
            "",
            table(["", *heads], accuracy),
            "",
            "Seconds from the arrays to the forecasts, with one and with two threads (statsforecast: processes), and",
            f"how many times as long the peer takes with one. {machine['cores']} cores of {machine['cpu']} that other",
            f"work shared, so compare within a row only (load average {load:.0f} at the start):",
            "",
            table(
                ["", "1", "2", "AutoETS, 1", "2", "ratio", "DynamicOptimizedTheta, 1", "2", "ratio"],
                seconds,
            ),
        ]
    )


def _score(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    return f"{row['smape']:.2f} / {row['mase']:.3f}"


def _times(row: Mapping[str, Any]) -> list[str]:
    return ["" if row.get(key) is None else f"{row[key]:.1f}" for key in ("seconds", "seconds_2")]


def _ratio(peer: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    return f"{peer['seconds'] / own['seconds']:.1f}" if peer.get("seconds") and own.get("seconds") else ""


def main() -> None:
    """Update the table of pages."""
    update_pages(__doc__.splitlines()[0], fill)


if __name__ == "__main__":
    main()
