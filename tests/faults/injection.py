"""Fail the n-th system call of each kind, for n = 1, 2, 3, ... until an operation runs through undisturbed.

After each failure must hold: every file is the old one or the new one, whole; no temporary file and no open file stays;
the error is one of :mod:`kerazoo.errors`, or an `OSError`, and names the file; what is in memory works; and the same
operation, once more and undisturbed, succeeds.

Operations that write, without Keras, are also run in a fork that is killed at the n-th call that changes a file, and in
the middle of the n-th write. Then the files with names that are not hidden are the old or the new ones, or the named
one of several is missing; and the same operation, once more, succeeds and removes what the killed one has left.

    python -m tests.faults.injection                  all operations, all n
    python -m tests.faults.injection --only save      those with "save" in their name
    python -m tests.faults.injection --fault EDQUOT   those faults
    python -m tests.faults.injection --write          and the counts to benchmarks/results
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.layer import KILLS, VARIABLE, Fault, Layer, environment
from tests.faults.operations import READS, Failed, Operation, fast

__all__ = ["Outcome", "run_operation"]

#: Beyond these, only some n are tried in the quick selection.
FEW = 3


@dataclass
class Outcome:
    """What one operation did under faults.

    Attributes:
        name: of the operation.
        faults: injected.
        kills: processes that were killed at a call.
        survived: of these, how many the operation did not need to report.
        problems: what was wrong, one line each.
    """

    name: str
    faults: int
    kills: int
    survived: int
    problems: list[str]


def _numbers(seen: int, all_of_them: bool) -> Iterator[int]:
    """The n to try, from 1 to `seen`."""
    n = 1
    while n <= seen:
        yield n
        n += 1 if all_of_them or n < FEW else n
    if seen and not all_of_them and n // 2 != seen and seen > FEW:
        yield seen


class Bench:
    """One operation in its folder."""

    def __init__(self, operation: Operation, layer: Layer, root: Path) -> None:
        self.operation, self.layer, self.root = operation, layer, root
        self.template = root / "template"
        for name in ("in", "out", "tmp"):
            (self.template / name).mkdir(parents=True)
        operation.prepare(self.template)
        if operation.earlier is not None:
            operation.earlier(self.template)
        self.outcome = Outcome(operation.name, 0, 0, 0, [])
        # The same path each time: it may be in the files.
        self.folder = root / "work"
        self.old = self._content(self.template / "out")
        self._reset()
        self.value = self._run()[0]
        self.new = self._content(self.folder / "out")
        gc.collect()
        gc.freeze()  # what is there is not looked at again after each fault

    def _reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        tempfile.tempdir = str(self.folder / "tmp")

    def _content(self, folder: Path) -> dict[str, Any]:
        if self.operation.complete is not None:
            return {path.name: None for path in folder.iterdir()}
        keeps = self.operation.keeps
        return {
            path.name: self.operation.content(path)
            for path in sorted(folder.iterdir())
            if keeps is None or not path.name.startswith(keeps)
        }

    def _run(self) -> tuple[Any, list[Any]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = self.operation.run(self.folder)
        return value, [each for each in caught if issubclass(each.category, RuntimeWarning)]

    def inject(self, fault: Fault, all_of_them: bool) -> None:
        """All n of one fault."""
        self._reset()
        with self.layer.armed(fault, self.folder):
            self._run()
        for n in _numbers(self.layer.seen, all_of_them):
            self._inject(fault, n)

    def kill(self, all_of_them: bool) -> None:
        """A fork that is killed at each call."""
        for fault in KILLS:
            self._reset()
            with self.layer.armed(fault, self.folder):
                self._run()
            seen = self.layer.seen
            for n in range(1, seen + 1) if all_of_them else {(seen + 1) // 2} - {0}:
                self._kill(fault, n)

    def _kill(self, fault: Fault, n: int) -> None:
        self._reset()
        process = os.fork()
        if not process:
            with contextlib.suppress(BaseException), self.layer.armed(fault, self.folder, n):
                self._run()
            os._exit(0)
        if not os.WIFSIGNALED(os.waitpid(process, 0)[1]):
            return
        self.outcome.kills += 1
        seen = self.root / "seen"  # without the hidden names, which are of the killed process
        shutil.rmtree(seen, ignore_errors=True)
        shutil.copytree(self.folder, seen, ignore=lambda _, names: [name for name in names if name.startswith(".")])
        problems = self._of_files(seen, may_lack=True) + self._of_memory()
        self.outcome.problems += [f"{self.operation.name}: {fault}, n={n}: {problem}" for problem in problems]

    def _inject(self, fault: Fault, n: int) -> None:
        self._reset()
        error, value, told, before = None, None, [], set(os.listdir("/proc/self/fd"))
        with self.layer.armed(fault, self.folder, n):
            try:
                value, told = self._run()
            except BaseException as raised:  # any exception is looked at below
                error = raised
        if not self.layer.failed:  # a call that depends on time, such as of a progress bar
            return
        self.outcome.faults += 1
        problems = [*self._of_error(fault, error, value, told), *self._of_files(self.folder), *self._of_temporary()]
        error = None
        gc.collect()
        if left := set(os.listdir("/proc/self/fd")) - before:
            paths = [path for each in left if (path := _target(each)) and str(self.root) in path]
            problems += [f"left open: {', '.join(paths)}"] if paths else []
        problems += self._of_memory()
        where = f"{fault}, n={n} ({self.layer.last.replace(str(self.folder), '')})"
        self.outcome.problems += [f"{self.operation.name}: {where}: {problem}" for problem in problems]

    def _of_error(self, fault: Fault, error: BaseException | None, value: Any, told: list[Any]) -> list[str]:
        from kerazoo.errors import KerazooError

        if error is None:
            self.outcome.survived += 1
            if value != self.value:
                return ["it succeeded with another result"]
            out = self._content(self.folder / "out")
            if out != self.new and not (self.operation.survives and told):
                return ["it succeeded without a word, and the files are not the new ones"]
            return []
        if fault.short:
            return [f"a short call is no error, but there was {error!r}"]
        if fault.kind == "memory" and isinstance(error, MemoryError):
            return []
        ours = isinstance(error, KerazooError | Failed) or (isinstance(error, OSError) and error.filename)
        if not ours:
            lines = traceback.format_exception(error)[-3:]
            return [f"not our error: {type(error).__name__}: {error} {' '.join(' '.join(lines).split())[-300:]}"]
        if fault.kind != "memory" and str(self.root) not in f"{error} {getattr(error, 'filename', '')}":
            return [f"the message names no file: {error}"]
        return []

    def _of_files(self, folder: Path, may_lack: bool = False) -> list[str]:
        problems = []
        try:
            found = self._content(folder / "out")
        except Exception as damage:
            return [f"a file cannot be read: {damage!r}"]
        if self.operation.complete is not None:
            try:
                self.operation.complete(folder)
            except Exception as damage:
                problems.append(f"a file is not whole: {damage}")
            if strange := found.keys() - self.new.keys():
                problems.append(f"files that nobody asked for: {sorted(strange)}")
        elif "independent" in self.operation.tags and found.keys() <= self.old.keys() | self.new.keys():
            problems += [
                f"{name} is neither the old nor the new one"
                for name in found
                if found[name] not in (self.old.get(name), self.new.get(name))
            ]
        elif may_lack and (self.old.keys() & self.new.keys()) - found.keys() and len(self.new) > 1:
            pass
        elif found not in (self.old, self.new):
            changed = sorted(name for name in {*found, *self.old, *self.new} if found.get(name) != self.old.get(name))
            problems.append(f"neither the old files nor the new ones; changed: {changed}")
        return problems

    def _of_temporary(self) -> list[str]:
        left = sorted(os.listdir(self.folder / "tmp"))
        return (
            [f"temporary files stay: {left}"] if left and "others' temporary files" not in self.operation.tags else []
        )

    def _of_memory(self) -> list[str]:
        try:
            self.operation.usable()
        except Exception as damage:
            return [f"what is in memory does not work any more: {damage!r}"]
        try:
            value, _ = self._run()
        except BaseException as again:
            return [f"the second run fails: {again!r}"]
        if value != self.value or self._content(self.folder / "out") != self.new:
            return ["the second run has another result"]
        if left := [name for name in os.listdir(self.folder / "out") if name not in self.new]:
            return [f"after the second run these stay: {left}"]
        return []


def _target(descriptor: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/fd/{descriptor}")
    return ""


def run_operation(
    operation: Operation, layer: Layer, all_of_them: bool, faults: Callable[[Fault], bool], kills: bool = False
) -> Outcome:
    """Inject all faults into one operation; with `kills`, which need a process without threads, kill forks of it."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where a flush to the disk takes no time
    with tempfile.TemporaryDirectory(prefix="kerazoo-faults-", dir=memory) as name:
        before = tempfile.tempdir
        try:
            bench = Bench(operation, layer, Path(name).resolve())
            for fault in operation.faults:
                if faults(fault):
                    bench.inject(fault, all_of_them)
            if kills and operation.faults != READS:
                bench.kill(all_of_them)
        finally:
            tempfile.tempdir = before
    return bench.outcome


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="operations with this in their name")
    parser.add_argument("--fault", default="", help="faults with this in their name")
    parser.add_argument("--quick", action="store_true", help="some n only, and no operation that needs Keras")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    parser.add_argument("--write", action="store_true", help="write the counts to benchmarks/results")
    chosen = parser.parse_args(arguments)
    if VARIABLE not in os.environ:  # in a process that preloads the library
        given = sys.argv[1:] if arguments is None else arguments
        command = [sys.executable, "-m", "tests.faults.injection", *given]
        sys.exit(subprocess.run(command, env=environment(), check=False).returncode)
    layer, started = Layer(), time.perf_counter()
    operations = fast()
    may_fork = {operation.name for operation in operations}
    if not chosen.quick:
        from tests.faults.keras_operations import with_keras

        operations += with_keras()
    outcomes = []
    for operation in operations:
        if chosen.only not in operation.name:
            continue
        begun = time.perf_counter()
        kills = operation.name in may_fork and chosen.fault in "kills"

        def wanted(fault: Fault) -> bool:
            return chosen.fault in str(fault) and not (chosen.quick and fault.rare)

        outcome = run_operation(operation, layer, not chosen.quick, wanted, kills)
        outcomes.append(outcome)
        counts = f"{outcome.faults:6d} faults, {outcome.survived:4d} survived, {outcome.kills:4d} kills, "
        counts += f"{len(outcome.problems):4d} problems, {time.perf_counter() - begun:6.1f} s"
        print(f"{counts}  {operation.name}", flush=True)
        for problem in outcome.problems:
            print("      ", problem, flush=True)
    found = [vars(outcome) for outcome in outcomes]
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found))
    if chosen.write:
        from tests.faults.report import write

        part = f": {chosen.fault}" if chosen.fault else ""
        rows = [{**each, "name": each["name"] + part, "problems": len(each["problems"])} for each in found]
        write("injection", {"every n": not chosen.quick, "seconds": round(time.perf_counter() - started, 1)}, rows)
    sys.exit(any(outcome.problems for outcome in outcomes))


if __name__ == "__main__":
    main()
