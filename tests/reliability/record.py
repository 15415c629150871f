"""Tables of `benchmarks/results/reliability_threads.json`; as a program, runs the scripts and adds theirs.

    python -m tests.reliability.record tsan_kernels run_aarch64 sanitize_kernels

A script's seconds depend on what else the machine does; its CPU seconds hardly.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.harness.results import RESULTS, write_result

NAME = "reliability_threads"
QUESTION = "Which races, leaks and undefined operations do sanitizers and long runs find, and what do these cost?"
SCRIPTS = ("tsan_kernels", "run_aarch64", "sanitize_kernels")


def record(table: str, rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> None:
    """Write the rows of one table; those of the other tables stay."""
    path = RESULTS / f"{NAME}.json"
    before = json.loads(path.read_text()) if path.exists() else {"settings": {}, "results": {}}
    write_result(NAME, QUESTION, {**before["settings"], table: dict(settings)},
                 {**before["results"], table: list(rows)})  # fmt: skip


def run(script: str) -> dict[str, Any]:
    """Run a script of tests/; its status, seconds and last lines."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHON": sys.executable}
    command = ["sh", str(ROOT / "tests" / f"{script}.sh")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(done.stdout[-3000:], done.stderr[-2000:], flush=True)
    marks = ("no race", "aarch64")
    return {
        "script": script,
        "status": done.returncode,
        "seconds": round(time.perf_counter() - begin, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "found": [line for line in done.stdout.splitlines() if line.startswith(marks) or " passed" in line],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", choices=SCRIPTS, default=SCRIPTS)
    rows = [run(script) for script in parser.parse_args().scripts]
    record("scripts", rows, {"cores": os.cpu_count()})
    if any(row["status"] for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
