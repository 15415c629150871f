"""What has become slower, or worse, from one run of the benchmarks to another?

    python -m benchmarks.report.compare old.json new.json [--tolerance 0.1]
    python -m benchmarks.report.compare OLD_FOLDER NEW_FOLDER

Rows of the same benchmark are matched by the columns that identify what was measured, and their measures are compared.
Higher is better for rates and the quality of word vectors, lower for seconds, bytes, instructions and errors. If the
repeats are known (minimum and maximum, or one row per seed or turn), a change counts if it is at least 2 % and each
median is outside the range of the other side. Otherwise it counts beyond `--tolerance`. Not compared are ratios to
another row, which follow from the rates, and coverages, for which neither higher nor lower is better.

Rows that only one run has, and differences in machine, versions and settings, are printed. Exit status: 1 if something
is slower or worse, or fails now and did not before; 2 if a file is not a result.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.results import print_table

__all__ = ["Change", "Comparison", "compare", "differences", "read"]

# Columns that identify a row. Rows that differ only in REPEATS are repeats of the same measurement.
IDENTITY = ("name", "part", "case", "model", "cell", "form", "side", "backend", "device", "mode", "batch", "steps",
            "width", "threads", "loss_name", "block_size", "kernels", "precision", "warps", "n_noise", "what",
            "unit", "target", "workload", "phase", "n")  # fmt: skip
REPEATS = ("seed", "turn")
# A table, and the table of the same file that has its rows with all repeats.
SUMMARIES = {"rows": "runs", "medians": "sine", "median_fit_seconds": "fit"}
# Columns that follow from other columns of the row, as do the seconds in a row with a rate.
DERIVED = ("median_seconds", "blocks_per_second", "kept_rate", "us", "gb_s")
RATES = ("rate", "median_rate")
# The whole name of a column, or its last words.
MORE_IS_BETTER = ("rate", "per_second", "wordsim353", "simlex999", "analogies", "agrees", "fused")
LESS_IS_BETTER = ("seconds", "s", "ms", "us", "ns_a_token", "bytes", "memory_mb", "instructions", "rmse_last",
                  "rmse_mean", "mase", "mse_after_2000", "mse_at_the_end", "generated_60", "loss")  # fmt: skip
# Two builds of the same program, or two runs of it, differ by as much.
LEAST_CHANGE = 0.02
# Settings that differ in every run.
VOLATILE = ("seconds", "seed", "devices")

Key = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Measure:
    """Values of one measure of one row.

    Attributes:
        median: of the repeats.
        low: minimum of the repeats.
        high: maximum of the repeats.
    """

    median: float
    low: float
    high: float

    @property
    def spread(self) -> bool:
        """Whether the repeats differ, and so show how much a value varies."""
        return self.high > self.low


@dataclass(frozen=True)
class Change:
    """A measure that differs.

    Attributes:
        row: what was measured.
        measure: name of the column.
        old: median before.
        new: median now.
        ratio: new / old; None if one of them is zero or the new one failed.
        note: the spread, or the failure.
    """

    row: str
    measure: str
    old: float | None
    new: float | None
    ratio: float | None
    note: str


@dataclass
class Comparison:
    """The comparison of one benchmark.

    Attributes:
        worse: measures that are slower or worse, the largest change first.
        better: measures that are faster or better, the largest change first.
        same: number of measures without a change.
        only_old: rows or measures that only the old result has.
        only_new: rows or measures that only the new result has.
    """

    worse: list[Change]
    better: list[Change]
    same: int
    only_old: list[str]
    only_new: list[str]


def compare(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float = 0.1) -> Comparison:
    """Compare the results of two runs of a benchmark.

    Args:
        old: document of :func:`benchmarks.harness.results.write_result`.
        new: document of the later run.
        tolerance: relative change beyond which a measure of unknown spread counts.

    Raises:
        ValueError: they are not of the same benchmark.
    """
    if old["benchmark"] != new["benchmark"] and old.get("question") != new.get("question"):
        raise ValueError(f"results of two benchmarks, {old['benchmark']} and {new['benchmark']}; expected one")
    before, after = rows_of(old["results"]), rows_of(new["results"])
    if "peak_memory" in old and "peak_memory" in new:  # of the whole process; older results lack it
        before, after = (rows | rows_of({"peak_memory": [document["peak_memory"]]})
                         for rows, document in ((before, old), (after, new)))  # fmt: skip
    found = Comparison([], [], 0, [], [])
    for key in before | after:
        name, old_rows, new_rows = _named(key), before.get(key, []), after.get(key, [])
        if old_rows and not _failed(old_rows) and _failed(new_rows):
            found.worse.append(Change(name, "", None, None, None, f"fails: {_failed(new_rows)}"))
            continue
        old_measures, new_measures = measures(old_rows), measures(new_rows)
        if not (old_measures and new_measures):
            found.only_old += [name] if old_measures else []
            found.only_new += [name] if new_measures else []
            continue
        found.only_old += [f"{name}: {measure}" for measure in old_measures if measure not in new_measures]
        found.only_new += [f"{name}: {measure}" for measure in new_measures if measure not in old_measures]
        for measure in old_measures:
            if measure in new_measures:
                _judge(found, name, measure, old_measures[measure], new_measures[measure], tolerance)
    found.worse.sort(key=_size, reverse=True)
    found.better.sort(key=_size, reverse=True)
    return found


def _judge(found: Comparison, row: str, measure: str, old: Measure, new: Measure, tolerance: float) -> None:
    """Count a measure as the same, or add it to the changes."""
    a, b = old.median, new.median
    relative = abs(b - a) / abs(a) if a else math.inf if b else 0.0
    if old.spread or new.spread:
        note = f"spread {_range(old)} to {_range(new)}"
        changed = relative >= LEAST_CHANGE and not old.low <= b <= old.high and not new.low <= a <= new.high
    else:
        note = f"no spread, tolerance {tolerance:.0%}"
        changed = relative > tolerance
    if not changed:
        found.same += 1
        return
    change = Change(row, measure, a, b, b / a if a and b else None, note)
    improved = (b > a) == (_direction(measure) > 0)
    (found.better if improved else found.worse).append(change)


def _direction(column: str) -> int:
    """1 if higher is better, -1 if lower is, 0 for a column that is not compared."""
    if column.startswith(("ratio", "min_", "max_")) or column in DERIVED:
        return 0
    if column.startswith(("mse ", "rmse ")):  # followed by a learning rate, or by a year
        return -1
    for names, direction in ((MORE_IS_BETTER, 1), (LESS_IS_BETTER, -1)):
        if any(f"_{column}".endswith(f"_{name}") for name in names):
            return direction
    return 0


def measures(rows: Iterable[Mapping[str, Any]]) -> dict[str, Measure]:
    """The measures of a row and its repeats."""
    values: dict[str, list[float]] = {}
    ranges: dict[str, tuple[float, float]] = {}
    for row in rows:
        for column, value in row.items():
            if not _direction(column) or not isinstance(value, int | float) or not math.isfinite(value):
                continue
            if column == "seconds" and any(rate in row for rate in RATES):
                continue
            values.setdefault(column, []).append(float(value))
            stem = column.removeprefix("median_")
            low, high = row.get(f"{column}_range", (row.get(f"min_{stem}"), row.get(f"max_{stem}")))
            if low is not None and high is not None:
                ranges[column] = (low, high)
    return {
        column: Measure(statistics.median(each), *ranges.get(column, (min(each), max(each))))
        for column, each in values.items()
    }


def rows_of(results: Mapping[str, Any]) -> dict[Key, list[Mapping[str, Any]]]:
    """Rows of all tables by table and identity; repeats share a key.

    Rows that no column distinguishes, and that have no column of REPEATS, are numbered.
    """
    found: dict[Key, list[Mapping[str, Any]]] = {}
    for table, rows in _tables(results):
        for row in rows:
            about: Key = (("table", table), *((name, row[name]) for name in IDENTITY if row.get(name) is not None))
            key, number = about, 1
            while key in found and not any(name in row for name in REPEATS):
                number += 1
                key = (*about, ("number", number))
            found.setdefault(key, []).append(row)
    return found


def _tables(results: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for table, rows in results.items():
        if SUMMARIES.get(table) in results:
            continue
        if isinstance(rows, list):
            yield table, [row for row in rows if isinstance(row, dict)]
        elif isinstance(rows, dict):  # by name: rows of all repeats, or ranks, which are not compared
            lists = {name: runs for name, runs in rows.items() if isinstance(runs, list)}
            yield table, [{"name": name, **row} for name, runs in lists.items() for row in runs]
        else:
            yield table, [{table: rows}]


def _failed(rows: Sequence[Mapping[str, Any]]) -> str:
    """The error of a row, unless one of its repeats succeeded."""
    errors = [str(row["error"]) for row in rows if row.get("error")]
    return errors[0] if errors and len(errors) == len(rows) else ""


def _named(key: Key) -> str:
    return ", ".join(str(value) if isinstance(value, str) else f"{column} {value}" for column, value in key)


def _size(change: Change) -> float:
    return math.inf if change.ratio is None else abs(math.log(abs(change.ratio)))


def _range(measure: Measure) -> str:
    return f"{measure.low:.4g}..{measure.high:.4g}" if measure.spread else "unknown"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Differences in machine, versions and settings, on which the figures depend.

    A field that one of the two lacks, as older results may, is not a difference.
    """
    found = []
    machines = [document.get("machine", {}) for document in (old, new)]
    for field in ("cpu", "cpu_flags", "cores", "memory_gib", "gpus", "system", "python"):
        a, b = (machine.get(field) for machine in machines)
        if a != b and a is not None and b is not None:
            found.append(f"{field}: {_brief(a)} -> {_brief(b)}")
    versions = [machine.get("versions", {}) for machine in machines]
    for package in sorted(versions[0].keys() | versions[1].keys()):
        a, b = (each.get(package) for each in versions)
        if a != b:
            found.append(f"{package}: {a} -> {b}")
    settings = [document.get("settings", {}) for document in (old, new)]
    for name in sorted(settings[0].keys() & settings[1].keys()):
        a, b = (each[name] for each in settings)
        if a != b and name not in VOLATILE:
            found.append(f"setting {name}: {_brief(a)} -> {_brief(b)}")
    return found


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else text[:97] + "..."


def read(path: Path) -> dict[str, Any]:
    """The document in a file.

    Raises:
        ValueError: it is not the result of a benchmark.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("benchmark"), str):
        raise ValueError(f"{path} is not a result: it names no benchmark")
    if not isinstance(document.get("results"), dict):
        raise ValueError(f"{path} is not a result: it has no tables under 'results'")
    return document


def pairs_of(old: Path, new: Path) -> Iterator[tuple[str, Path | None, Path | None]]:
    """Name, old and new file of each result; in two folders, files with the same name are a pair."""
    if not old.is_dir() and not new.is_dir():
        yield new.stem, old, new
        return
    if not (old.is_dir() and new.is_dir()):
        raise ValueError(f"{old} and {new} are a folder and a file; expected two files or two folders")
    names = [{path.name: path for path in folder.glob("*.json")} for folder in (old, new)]
    for name in sorted(names[0].keys() | names[1].keys()):
        yield name.removesuffix(".json"), names[0].get(name), names[1].get(name)


def show(title: str, changes: list[Change]) -> None:
    """Print changes as a table, if there are any."""
    if changes:
        rows = [
            {
                "row": change.row,
                "measure": change.measure,
                "old": change.old,
                "new": change.new,
                "change": "" if change.ratio is None else f"{100 * (change.ratio - 1):+.1f} %",
                "": change.note,
            }
            for change in changes
        ]
        print_table(title, rows, list(rows[0]))


def main() -> int:
    """Compare two files or folders; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="a result, or a folder of them")
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.1, help="if the spread is unknown (default 0.1: 10 %%)")
    arguments = parser.parse_args()
    slower = same = 0
    try:
        for name, old, new in pairs_of(arguments.old, arguments.new):
            if old is None or new is None:
                print(f"{name}: only in {arguments.new if old is None else arguments.old}")
                continue
            documents = read(old), read(new)
            found = compare(*documents, arguments.tolerance)
            for text in differences(*documents):
                print(f"{name}: warning: not the same {text}")
            show(f"{name}: slower or worse", found.worse)
            show(f"{name}: faster or better", found.better)
            for rows, where in ((found.only_old, old), (found.only_new, new)):
                for row in rows:
                    print(f"{name}: only in {where}: {row}")
            slower, same = slower + len(found.worse), same + found.same
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{slower} slower or worse, {same} within the spread or the tolerance")
    return int(slower > 0)


if __name__ == "__main__":
    raise SystemExit(main())
