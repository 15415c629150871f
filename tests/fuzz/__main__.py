"""`python -m tests.fuzz`: run the targets, print a table, write what was found."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import sys
import time
from pathlib import Path

# A backend without threads, so that children can be forked; the readers do not depend on it.
os.environ.setdefault("KERAS_BACKEND", "numpy")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.results import RESULTS, print_table
from kerazoo._runtime.files import replacing
from tests.fuzz.runner import Limits, Outcome, fuzz, replay
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

__all__ = ["KEPT", "kept_inputs", "main", "plan"]

KEPT = Path(__file__).resolve().parents[1] / "data" / "fuzz"
QUESTION = "Does an input make a reader crash, hang, take memory, leave its folder or raise what it does not document?"
COLUMNS = (
    "target", "inputs", "cpu_seconds", "accepted", "edges_of_seeds", "edges", "crashes", "hangs", "memory", "not_ours",
    "wrong", "escapes", "peak_mb",
)  # fmt: skip
KINDS = {"crash": "crashes", "hang": "hangs", "memory": "memory", "exception": "not_ours", "wrong result": "wrong",
         "escape": "escapes"}  # fmt: skip


def kept_inputs(name: str) -> list[bytes]:
    """The inputs of a target that once went wrong, from `tests/data/fuzz`."""
    folder = KEPT / name
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []


def plan(targets: list[Target], n_inputs: int) -> dict[str, int]:
    """Inputs of each target: what each needs at least, and the rest by their shares."""
    least = {target.name: min(target.least, n_inputs // len(targets)) for target in targets}
    rest, shares = n_inputs - sum(least.values()), sum(target.share for target in targets)
    if not shares:
        return {name: n_inputs // len(targets) for name in least}
    return {target.name: least[target.name] + int(rest * target.share / shares) for target in targets}


def row_of(name: str, outcome: Outcome) -> dict[str, object]:
    """The row of a target in the table."""
    counts = outcome.counts()
    found: dict[str, object] = {
        "target": name, "inputs": outcome.inputs, "accepted": outcome.accepted, "new_behaviours": outcome.novel,
        "edges_of_seeds": outcome.edges_of_seeds, "edges": len(outcome.edges),
        "seconds": round(outcome.seconds, 1), "cpu_seconds": round(outcome.cpu, 1),
        "inputs_per_second": round(outcome.inputs / max(outcome.seconds, 1e-9), 1),
        "peak_mb": round(outcome.peak / 1e6, 1),
    }  # fmt: skip
    return found | {column: counts[kind] for kind, column in KINDS.items()}


PATIENT = Limits(seconds=60.0, wall=120.0)  # a replay is a test, which a slow or busy machine must not fail


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 if nothing went wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="One target; may be repeated.")
    parser.add_argument("--inputs", type=int, help="Inputs in all, shared out among the targets.")
    parser.add_argument("--seconds", type=float, help="Wall time in all, in equal parts.")
    parser.add_argument("--unguided", action="store_true", help="Keep no inputs for the edges that they reach.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replay", action="store_true", help="Run only the inputs that are kept in tests/data/fuzz.")
    parser.add_argument("--json", metavar="NAME", help="Write benchmarks/results/NAME.json; other targets' rows stay.")
    parser.add_argument("--keep", type=Path, help="Write the inputs that went wrong into a folder for each target.")
    options = parser.parse_args(arguments)
    targets = [TARGETS[name] for name in options.target or TARGETS]
    n_inputs = options.inputs or (None if options.seconds else 100_000)
    counts = None if n_inputs is None else plan(targets, n_inputs)
    rows, failed = [], False
    for target in targets:
        kept = kept_inputs(target.name)
        if options.replay:
            outcome = replay(target, kept, PATIENT) if kept else Outcome()
        else:
            seconds = None if options.seconds is None else options.seconds / len(targets)
            n = None if counts is None else counts[target.name]
            outcome = fuzz(
                target, n_inputs=n, seconds=seconds, seed=options.seed, more_seeds=kept, guided=not options.unguided
            )
        rows.append(row_of(target.name, outcome))
        for failure in sorted(outcome.failures.values(), key=lambda each: -each.count):
            failed = True
            print(f"\n{target.name}: {failure.kind}, {failure.count} inputs: {failure.signature}")
            print(failure.message[-1500:])
            if options.keep is not None:
                _keep(options.keep / target.name, failure.data)
        sys.stdout.flush()
        if options.json:
            _write(options.json, rows, options.seed)
    print_table("fuzzing", rows, COLUMNS)
    print(f"{sum(int(str(row['inputs'])) for row in rows):,} inputs")
    return int(failed)


def _keep(folder: Path, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.blake2b(data, digest_size=6).hexdigest()).write_bytes(data)


def _write(name: str, rows: list[dict[str, object]], seed: int) -> None:
    """Write the rows; those of other targets in the file stay, each with the date and the commit of its run."""
    path = RESULTS / f"{name}.json"
    machine, limits = describe_machine(), Limits()
    stamp = {"commit": machine["commit"], "date": time.strftime("%Y-%m-%d"), "seed": seed}
    RESULTS.mkdir(parents=True, exist_ok=True)
    folder = os.open(RESULTS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # targets may run in several processes
        known = json.loads(path.read_text())["results"]["targets"] if path.is_file() else []
        by_name = {row["target"]: row for row in known} | {str(row["target"]): row | stamp for row in rows}
        table = [by_name[each] for each in TARGETS if each in by_name]
        total = {column: sum(int(row[column]) for row in table) for column in ("inputs", "accepted", *KINDS.values())}
        document = {
            "benchmark": name, "question": QUESTION, "machine": machine,
            "settings": {"memory": limits.memory, "seconds_of_cpu": limits.seconds, "seconds_of_waiting": limits.wall},
            "results": {"total": total, "targets": table},
        }  # fmt: skip
        with replacing(path) as part:
            part.write_text(json.dumps(document, indent=1) + "\n")
    finally:
        os.close(folder)


if __name__ == "__main__":
    raise SystemExit(main())
