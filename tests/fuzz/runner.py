"""Runs the inputs of a target in forked children, under limits on memory and time, and keeps what went wrong.

The child writes each input into shared memory before it runs it, so the parent knows the input that a child died of. A
timer of CPU time, set anew for each input, ends the child in a loop, also in compiled code; the parent ends one that
waits. `RLIMIT_AS` makes allocations beyond the limit fail: a reader that takes memory on the word of a file raises
MemoryError, which counts even where the reader turns it into another error.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import hashlib
import importlib
import json
import mmap
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from kerazoo.errors import MemoryLimitError
from tests.fuzz.coverage import Coverage
from tests.fuzz.mutation import LARGEST, changed
from tests.fuzz.target import Target
from tests.fuzz.watch import ROOT, Watch

__all__ = ["Failure", "Limits", "Outcome", "fuzz", "replay", "run_batch"]

_SLOT = 32  # bytes before the input in shared memory: number, length, start of the input
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # flushing to a disk would take most of the time
_WARM_UP = 8  # valid inputs that a child runs first, unwatched
_BROKEN = 70  # exit status of a child whose harness failed
FURTHER = 0.4  # share of inputs that are made of inputs that reached something new
TRACED = 3  # one input of so many is traced, which takes up to three times as long
_KEPT = 40  # failures of a child that are kept whole


@dataclass(frozen=True)
class Limits:
    """Of one input.

    Attributes:
        memory: bytes beyond what the process has at its start.
        seconds: of CPU time.
        wall: seconds after which an input is taken to wait for something.
    """

    memory: int = 1 << 30
    seconds: float = 5.0
    wall: float = 60.0


@dataclass
class Failure:
    """An input that went wrong.

    Attributes:
        kind: "crash", "hang", "memory", "exception", "escape" or "wrong result".
        signature: where; equal for inputs that fail alike.
        message: what was seen.
        data: the input.
        count: how many inputs failed alike.
    """

    kind: str
    signature: str
    message: str
    data: bytes
    count: int = 1


@dataclass
class Outcome:
    """What a run of a target found.

    Attributes:
        inputs: that ran.
        accepted: inputs that were read, not refused.
        seconds: of wall time.
        cpu: seconds of CPU time of the children.
        peak: bytes, the largest growth of the resident memory of a child.
        failures: signature -> Failure.
        novel: inputs that reached something new.
        edges: of kerazoo's Python modules, that any input reached; see `tests/fuzz/coverage.py`.
        edges_of_seeds: that the valid inputs and those that are kept reached by themselves.
    """

    inputs: int = 0
    accepted: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)
    novel: int = 0
    edges: set[int] = field(default_factory=set)
    edges_of_seeds: int = 0

    def add(self, failure: Failure) -> None:
        """Count a failure, and keep the shortest input of its signature."""
        known = self.failures.setdefault(failure.signature, failure)
        if known is not failure:
            known.count += failure.count
            if len(failure.data) < len(known.data):
                known.data, known.message = failure.data, failure.message

    def counts(self) -> Counter[str]:
        """Kind -> inputs that failed so."""
        found: Counter[str] = Counter()
        for failure in self.failures.values():
            found[failure.kind] += failure.count
        return found


def fuzz(
    target: Target,
    *,
    n_inputs: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    limits: Limits = Limits(),
    more_seeds: list[bytes] | None = None,
    guided: bool = True,
) -> Outcome:
    """Run mutated inputs of a target.

    Args:
        target: the target.
        n_inputs: to run; None: no limit.
        seconds: of wall time after which no batch begins; None: no limit.
        seed: of the mutations: with one seed and no limit on time the same inputs run.
        limits: of each input.
        more_seeds: inputs besides those of the target, such as those that failed once.
        guided: whether inputs that reach new edges are mutated further, besides those that end in a new way.
    """
    outcome = Outcome()
    # Those that once went wrong come first, as the oldest: some take a thousand times as long as a usual input.
    pool = list(more_seeds or [])
    valid = slice(len(pool), len(pool) + len(_seeds(target)))
    pool += _seeds(target)
    known: set[str] = set()
    started, batch = time.monotonic(), 0
    # All inputs before any mutation: a target whose valid inputs are refused tests nothing.
    _run_all(target, list(pool), outcome, known, limits)
    outcome.edges_of_seeds = len(outcome.edges)
    if pool and not outcome.accepted:
        raise AssertionError(f"{target.name}: no seed is accepted; expected valid inputs to start from.")
    while n_inputs is None or outcome.inputs < n_inputs:
        if seconds is not None and time.monotonic() - started >= seconds:
            break
        size = target.batch if n_inputs is None else min(target.batch, n_inputs - outcome.inputs)
        rng = Random(f"{target.name} {seed} {batch}")
        inputs = (changed(rng, _drawn(rng, pool, valid), target.mutations, target.n_changes) for _ in range(size))
        # The child appends to its copy of the pool, from which its next inputs are drawn at once.
        pool += _run_all(target, inputs, outcome, known, limits, pool.append, guided)
        batch += 1
    outcome.seconds = time.monotonic() - started
    return outcome


def replay(target: Target, inputs: list[bytes], limits: Limits = Limits()) -> Outcome:
    """Run given inputs, unchanged and untraced: tracing takes up to three times as long, and guides nothing here."""
    outcome = Outcome()
    started = time.monotonic()
    _run_all(dataclasses.replace(target, traced=False), inputs, outcome, set(), limits)
    outcome.seconds = time.monotonic() - started
    return outcome


@functools.cache
def _seeds(target: Target) -> tuple[bytes, ...]:
    for name in target.imports:
        importlib.import_module(name)
    return tuple(target.seeds())


def _drawn(rng: Random, pool: list[bytes], valid: slice) -> bytes:
    """A valid input, or one that reached something new, the newest ones more often: most of these are refused early."""
    if rng.random() < FURTHER:
        return pool[-1 - int(len(pool) * rng.random() ** 2)]
    return pool[rng.randrange(valid.start, valid.stop)]


def _run_all(
    target: Target,
    inputs: Any,
    outcome: Outcome,
    known: set[str],
    limits: Limits,
    grow: Callable[[bytes], object] | None = None,
    guided: bool = True,
) -> list[bytes]:
    """Run inputs in as many children as it takes: one that dies is followed by another, which has the rest."""
    novel: list[bytes] = []
    rest = iter(inputs)
    while True:
        done, found, ended = run_batch(target, rest, known, limits, outcome.edges, grow, guided)
        outcome.inputs += done
        if found is not None:
            outcome.accepted += found["accepted"]
            outcome.cpu += found["cpu"]
            outcome.peak = max(outcome.peak, found["peak"])
            for each in found["failures"]:
                outcome.add(Failure(each["kind"], each["signature"], each["message"], bytes.fromhex(each["data"])))
            fresh = [bytes.fromhex(each) for each in found["novel"]]
            outcome.novel += len(fresh)
            novel += fresh
            known |= set(found["known"])
            outcome.edges |= set(found["edges"])
        if ended is None:
            return novel
        outcome.add(ended)
        # The generator has its state in this process; the child drew its inputs from a copy.
        for _ in range(done):
            next(rest, None)


def run_batch(
    target: Target,
    inputs: Any,
    known: set[str],
    limits: Limits,
    edges: Set[int] = frozenset(),
    grow: Callable[[bytes], object] | None = None,
    guided: bool = True,
) -> tuple[int, dict[str, Any] | None, Failure | None]:
    """Run inputs in one child.

    Args:
        target: the target.
        inputs: made in the child.
        known: ways in which inputs ended before.
        limits: of each input.
        edges: that were reached before.
        grow: called in the child with inputs that reached something new; None: there are no more to be made of them,
            and all are traced.
        guided: as for :func:`fuzz`.

    Returns:
        The number of inputs that ran; what the child found, None if it died; and the failure that it died of, or None.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kerazoo-fuzz-", dir=_MEMORY) as name,
        mmap.mmap(-1, _SLOT + 2 * LARGEST) as shared,
    ):
        folder = Path(name)
        _seeds(target)  # once, in this process
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            status = _BROKEN
            try:
                _child(target, inputs, known, limits, folder, shared, set(edges), grow, guided)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        status, waited, cpu = _wait(child, shared, limits)
        done, length = (int.from_bytes(shared[i : i + 8], "little") for i in (0, 8))
        report = folder / "report.json"
        found = json.loads(report.read_text()) if report.is_file() else None
        if status == 0 and found is not None:
            return done, found | {"cpu": cpu}, None
        data = shared[_SLOT : _SLOT + length]
        (folder / "stderr").touch()
        said = (folder / "stderr").read_text(errors="replace")[-2000:]
        if status == _BROKEN:
            raise RuntimeError(f"{target.name}: the harness itself failed, at input {done}: {said}")
        partial = folder / "partial.json"
        if found is None and partial.is_file():
            found = json.loads(partial.read_text())
        if found is not None:
            found["cpu"] = cpu
        if waited or status == -signal.SIGPROF:
            reason = f"waited for {limits.wall:g} s" if waited else f"took more than {limits.seconds:g} s of CPU time"
            return done, found, Failure("hang", f"hang {_first_words(said)}", f"{reason}\n{said}", data)
        what = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return done, found, Failure("crash", f"crash {what} {_first_words(said)}", f"{what}\n{said}", data)


def _first_words(said: str) -> str:
    """Where a child died, from the traceback that faulthandler wrote."""
    lines = [line.strip() for line in said.splitlines() if "File " in line and "tests/fuzz" not in line]
    return " | ".join(lines[:3])


def _wait(child: int, shared: Any, limits: Limits) -> tuple[int, bool, float]:
    """Wait for a child, and end it if an input makes no progress.

    Returns:
        Its exit status or minus a signal; whether it waited for something; its CPU time.
    """
    last, slept, seen = b"", 0.0, time.monotonic()
    pause = 0.001
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), False, usage.ru_utime + usage.ru_stime
        now, earlier, seen = bytes(shared[:24]), seen, time.monotonic()
        if now != last:
            last, slept = now, 0.0
        elif _sleeps(child):  # one that is runnable or stopped waits for the machine, not for something
            slept += min(seen - earlier, 0.1)
        if slept > limits.wall:
            os.kill(child, signal.SIGKILL)
            usage = os.wait4(child, 0)[2]
            return -signal.SIGKILL, True, usage.ru_utime + usage.ru_stime
        time.sleep(pause)
        pause = min(0.02, 2 * pause)


def _sleeps(child: int) -> bool:
    with open(f"/proc/{child}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] in "SD"


def _child(
    target: Target,
    inputs: Any,
    known: set[str],
    limits: Limits,
    folder: Path,
    shared: Any,
    edges: set[int],
    grow: Callable[[bytes], object] | None,
    guided: bool,
) -> None:
    """The life of a child: all inputs, then the report."""
    import faulthandler

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    error_file = open(folder / "stderr", "w")  # noqa: SIM115
    os.dup2(error_file.fileno(), 2)
    os.dup2(error_file.fileno(), 1)
    faulthandler.enable(error_file, all_threads=False)
    faulthandler.register(signal.SIGPROF, error_file, all_threads=False, chain=True)
    warnings.simplefilter("ignore")
    if target.prepare is not None:
        target.prepare()
    work, scratch = folder / "work", folder / "scratch"
    work.mkdir()
    scratch.mkdir()
    tempfile.tempdir = os.environ["TMPDIR"] = str(scratch)
    for data in _seeds(target)[:_WARM_UP]:  # packages import others on first use
        with contextlib.suppress(Exception):
            target.run(data, work)
        _cleared(work)
    watch = Watch(work, scratch)
    gc.collect()
    gc.freeze()
    with open("/proc/self/statm") as file:
        base = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + limits.memory, resource.RLIM_INFINITY))
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    known = set(known)
    report: dict[str, Any] = {"accepted": 0, "failures": [], "novel": [], "known": [], "edges": []}
    coverage = Coverage(edges)
    for number, data in enumerate(inputs):
        data = data[:LARGEST]
        shared[:24] = b"".join(each.to_bytes(8, "little") for each in (number + 1, len(data), time.monotonic_ns()))
        shared[_SLOT : _SLOT + len(data)] = data
        traced = target.traced and (grow is None or number % TRACED == 0)
        fresh = []
        if traced:
            coverage.start()
        watch.active, watch.data = True, data
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)
        try:
            accepted, failure, path = True, None, f"accepted {target.run(data, work)!r:.60}"
        except target.allowed as error:
            accepted, failure, path = False, _memory(error), _path(error)
        except BaseException as error:
            accepted, path = False, _path(error)
            kind = "wrong result" if isinstance(error, AssertionError) else "exception"
            failure = _memory(error) or (kind, path, "".join(traceback.format_exception(error))[-3000:])
        signal.setitimer(signal.ITIMER_PROF, 0)
        watch.active = False
        if traced:
            fresh = coverage.stop()
            report["edges"] += fresh
        report["accepted"] += accepted
        if watch.seen:
            failure = ("escape", f"escape {watch.seen[0][:40]}", "\n".join(watch.seen))
            watch.seen.clear()
        if failure is not None and (len(report["failures"]) < _KEPT or failure[1] not in known):
            known.add(failure[1])
            kind, signature, message = failure
            report["failures"].append({"kind": kind, "signature": signature, "message": message, "data": data.hex()})
            (folder / "partial.json").write_text(json.dumps({**report, "cpu": 0, "peak": 0}))
        if path not in known or (fresh and guided):
            known.add(path)
            report["known"].append(path)
            report["novel"].append(data.hex())
            if grow is not None:
                grow(data)
        _cleared(work)
        _cleared(scratch)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    report |= {"cpu": usage.ru_utime + usage.ru_stime, "peak": (usage.ru_maxrss - resident) * 1024}
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (folder / "report.json").write_text(json.dumps(report))


def _cleared(folder: Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)


def _memory(error: BaseException) -> tuple[str, str, str] | None:
    """A MemoryError, also one that another error was raised from, is a failure of its own; a refusal is none."""
    seen, each = set(), error
    while each is not None and id(each) not in seen:
        if isinstance(each, MemoryError) and not isinstance(
            each, MemoryLimitError
        ):  # that one is before memory is taken
            return "memory", f"memory {_path(each)}", "".join(traceback.format_exception(error))[-3000:]
        seen.add(id(each))
        each = each.__cause__ or each.__context__  # type: ignore[assignment]
    return None


def _path(error: BaseException) -> str:
    """The type of an error, the lines of kerazoo that it passed (a hash of all but the last three), and its cause."""
    lines, other = [], ""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/kerazoo" in name and "/tests/" not in name:
            lines.append(f"{os.path.relpath(name, ROOT)}:{trace.tb_lineno}")
            other = ""
        elif lines:
            other = f" {os.path.basename(name)}"
        trace = trace.tb_next
    before = hashlib.blake2b(" ".join(lines[:-3]).encode(), digest_size=3).hexdigest() if len(lines) > 3 else ""
    cause = "" if error.__cause__ is None else f" < {_path(error.__cause__)}"
    return " ".join([type(error).__name__, *lines[-3:], before]).strip() + other + cause
