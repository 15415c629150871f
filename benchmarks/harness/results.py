"""Results: a JSON file per benchmark, and a table on the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.processes import peak_memory
from kerazoo._runtime.files import replacing

__all__ = ["RESULTS", "print_table", "write_result"]

RESULTS = Path(os.environ.get("OUT") or ROOT / "benchmarks" / "results")


def write_result(name: str, question: str, settings: Mapping[str, Any], tables: Mapping[str, Any]) -> Path:
    """Write `benchmarks/results/NAME.json`, or `$OUT/NAME.json` if OUT is set; the path.

    Args:
        name: of the benchmark.
        question: that it answers.
        settings: of the run.
        tables: rows (dicts of columns) by table.
    """
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"benchmark": name, "question": question, "machine": describe_machine(),
                "peak_memory": peak_memory(), "settings": dict(settings), "results": dict(tables)}  # fmt: skip
    with replacing(path) as part:  # a benchmark that writes after each stage may be killed at any moment
        part.write_text(json.dumps(document, indent=1, sort_keys=False) + "\n")
    return path


def print_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as an aligned text table; large numbers are shown in thousands, millions or 10^9."""
    print(f"\n{title}")
    cells = [[_show(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[i]) for line in cells)) for i, column in enumerate(columns)]
    print("  ".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)))
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def _show(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
            if abs(value) >= limit:
                return f"{value / limit:.2f}{suffix}"
        return f"{value:.3g}"
    return "-" if value is None else str(value)
