"""The counts of both programs, in one file of results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.results import RESULTS, write_result

__all__ = ["write"]

NAME = "reliability_faults"
QUESTION = "What is lost when a system call fails, or a process is killed?"


def write(program: str, summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the counts of one program, and keep those of the others.

    Rows of the same name are replaced, so that a program may be run in pieces.

    Args:
        program: "injection" or "kills".
        summary: of the settings.
        rows: a dict for each operation.
    """
    path = RESULTS / f"{NAME}.json"
    before = json.loads(path.read_text()) if path.exists() else {"settings": {}, "results": {}}
    names = {row["name"] for row in rows}
    kept = [row for row in before["results"].get(program, []) if row["name"] not in names]
    machine = describe_machine()
    rows = [{**row, "commit": machine["commit"]} for row in rows]
    run = {**summary, "commit": machine["commit"], "date": machine["date"]}
    tables = {**before["results"], program: [*kept, *rows]}
    totals = {
        name: {
            column: sum(row[column] for row in table)
            for column in ("faults", "survived", "kills", "resumed", "problems")
            if column in table[0]
        }
        for name, table in tables.items()
        if name != "totals" and table
    }
    write_result(NAME, QUESTION, {**before["settings"], program: run}, {**tables, "totals": [totals]})
