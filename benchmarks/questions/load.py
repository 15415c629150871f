"""What do time and memory do at the largest sizes: are they linear, and where is the limit said?

    python -m benchmarks.questions.load [--cases vocabulary,tokens] [--sizes 100,10,1] [--seconds 900] [--add]

Each case runs at its largest size n, at n / 10 and at n / 100, each in a process of its own, one after the other. A
process that takes more memory or time than allowed is killed, and the row says so. Data are made before the first phase
is measured. `processor_seconds` (of all threads, which other programs hardly change) and `grown_mib` (peak resident
memory beyond that before the first phase) are of each phase.
`order` is the exponent a of n^a from the size before: 1 is linear, 0 constant, 2 quadratic. `refused` is an error of
kerazoo, with its message; a crash, a hang or another error is a failure, and the exit status is 1. Linux only. With
`--add`, the rows of an earlier result stay, but those of the cases and sizes that run again. Each row has its commit.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.harness.load_phases import Phases, supervise
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.results import RESULTS, print_table, write_result
from benchmarks.questions import load_series, load_text
from kerazoo.errors import KerazooError

NAME = "reliability_load"
QUESTION = "Seconds and memory of large inputs at three sizes: are they linear, or is there a clear limit?"
COLUMNS = (
    "case", "n", "phase", "outcome", "seconds", "processor_seconds", "order_of_time", "peak_mib", "grown_mib",
    "order_of_memory",
)  # fmt: skip
CASES = {**load_text.CASES, **load_series.CASES}
LEAST_SECONDS, LEAST_MIB = 0.05, 20  # below them an order says nothing


def run_one(case: str, size: int) -> None:
    """Run a case in this process; an error of kerazoo ends it, and is a result."""
    function, _ = CASES[case]
    try:
        function(Phases(), size)
    except KerazooError as error:
        print(error, file=sys.stderr)


def order(before: float | None, now: float | None, ratio: float, least: float) -> float | None:
    """The exponent a of time ~ n^a between two sizes, or None if the smaller figure says nothing.

    >>> order(2.0, 20.0, 10, least=0.05)
    1.0
    """
    if before is None or now is None or before < least or now < least:
        return None
    return round(math.log(now / before) / math.log(ratio), 2)


def merged(earlier: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a case, smallest size first, with orders to the size before; new rows replace those of their size.

    >>> old = [{"n": n, "phase": "fit", "processor_seconds": n / 10, "order_of_time": 9.0} for n in (1, 10, 100)]
    >>> found = merged(old, [{"n": 10, "phase": "fit", "processor_seconds": 2.0}])
    >>> [(row["n"], row["processor_seconds"], row.get("order_of_time")) for row in found]
    [(1, 0.1, None), (10, 2.0, 1.3), (100, 10.0, 0.7)]
    """
    sizes = {row["n"] for row in new}
    rows = sorted([*(dict(row) for row in earlier if row["n"] not in sizes), *new], key=lambda row: row["n"])
    last: dict[str, dict[str, Any]] = {}
    for row in rows:
        row.pop("order_of_time", None)
        row.pop("order_of_memory", None)
        before = last.get(row["phase"])
        if before is not None:
            ratio = row["n"] / before["n"]
            times = before.get("processor_seconds"), row.get("processor_seconds")
            row["order_of_time"] = order(*times, ratio, LEAST_SECONDS)
            row["order_of_memory"] = order(before.get("grown_mib"), row.get("grown_mib"), ratio, LEAST_MIB)
        last[row["phase"]] = row
    return rows


def main() -> None:
    """Run the cases and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES), help="separated by commas")
    parser.add_argument("--sizes", default="100,10,1", help="the largest size is divided by these numbers")
    parser.add_argument("--limit-mib", type=int, default=6000, help="resident memory of a process")
    parser.add_argument("--seconds", type=float, default=900.0, help="for a case of a size")
    parser.add_argument("--add", action="store_true", help="keep the cases of the result that is there")
    parser.add_argument("--one", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        run_one(arguments.one, arguments.size)
        return
    chosen = arguments.cases.split(",")
    if unknown := [name for name in chosen if name not in CASES]:
        parser.error(f"unknown cases {', '.join(unknown)}; known: {', '.join(CASES)}")
    earlier = json.loads((RESULTS / f"{NAME}.json").read_text()) if arguments.add else None
    tables: dict[str, Any] = earlier["results"] if earlier else {}
    settings: dict[str, Any] = {"limit_mib": arguments.limit_mib, "seconds": arguments.seconds,
                "cases": {name: " ".join(str(CASES[name][0].__doc__).split()) for name in chosen}}  # fmt: skip
    if earlier:
        settings["cases"] = earlier["settings"]["cases"] | settings["cases"]
    failed, commit = False, describe_machine()["commit"]
    for case in chosen:
        rows: list[dict[str, Any]] = []
        for part in (int(each) for each in arguments.sizes.split(",")):
            size = max(1, CASES[case][1] // part)
            found = supervise("benchmarks.questions.load", case, size, arguments.limit_mib, arguments.seconds)
            rows += [{"case": case, "n": size, **row, "commit": commit} for row in found]
        failed = failed or any(row["outcome"] not in ("done", "refused") for row in rows)
        tables[case] = merged(tables.get(case, []), rows)
        print_table(case, tables[case], COLUMNS[1:])
        sys.stdout.flush()
        write_result(NAME, QUESTION, settings, tables)
    for row in (row for rows in tables.values() for row in rows if row.get("message")):
        print(f"{row['case']}, {row['n']}: {row['message']}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
