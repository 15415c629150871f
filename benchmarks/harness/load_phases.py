"""Phases of a case of load, each with its seconds and its peak memory, and the process that watches a case."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT
from kerazoo.errors import KerazooError

__all__ = ["Phases", "supervise"]

STATUS = "/proc/self/status"
CHECK_SECONDS = 0.05  # between two looks at the memory of a process


class Phases:
    """Seconds and peak memory of the parts of a case; Linux only.

    Attributes:
        rows: dicts of `phase`, `outcome`, `seconds`, `processor_seconds` (of all threads), `peak_mib` (resident memory
            of the process) and `grown_mib` (that beyond what the process had when it started its first phase).
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._base: float | None = None

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the block; an error of kerazoo is a result, and ends the case."""
        gc.collect()
        if self._base is None:
            self._base = resident_mib("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew: proc(5)
        start, processor = time.perf_counter(), time.process_time()
        row: dict[str, Any] = {"phase": name}
        try:
            yield
            row["outcome"] = "done"
        except KerazooError as error:
            row["outcome"] = "refused"
            row["message"] = str(error)
            raise
        finally:
            row["seconds"] = round(time.perf_counter() - start, 3)
            row["processor_seconds"] = round(time.process_time() - processor, 3)
            row["peak_mib"] = round(resident_mib("VmHWM"))
            row["grown_mib"] = round(max(0.0, row["peak_mib"] - self._base), 1)
            self.rows.append({key: row[key] for key in sorted(row, key=_ORDER.index)})
            print(json.dumps(self.rows[-1]), flush=True)


_ORDER = ["phase", "outcome", "seconds", "processor_seconds", "peak_mib", "grown_mib", "message"]


def resident_mib(field: str, status: str = STATUS) -> float:
    """A size of /proc/PID/status in MiB: `VmRSS` now, `VmHWM` the largest."""
    return int(Path(status).read_text().split(f"{field}:")[1].split()[0]) / 1024


def supervise(module: str, case: str, size: int, limit_mib: int, seconds: float) -> list[dict[str, Any]]:
    """Run a case of a size in a process of its own, which is killed if it takes more memory or time than allowed.

    Args:
        module: a program that takes ``--one CASE --size N`` and prints the rows of :class:`Phases`.
        case: name.
        size: N.
        limit_mib: resident memory, in MiB.
        seconds: time.

    Returns:
        The rows. A case that crashed, hung or was killed has one more, whose `outcome` says so.
    """
    command = [sys.executable, "-m", module, "--one", case, "--size", str(size)]
    with open(os.devnull) as nothing:
        process = subprocess.Popen(
            command, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
    outcome, start, largest = "", time.monotonic(), 0.0
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError):  # it may end between the two
            largest = max(largest, resident_mib("VmRSS", f"/proc/{process.pid}/status"))
        if largest > limit_mib:
            outcome = f"killed: more than {limit_mib} MiB"
        elif time.monotonic() - start > seconds:
            outcome = f"killed: more than {seconds:g} s"
        if outcome:
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(CHECK_SECONDS)
    out, errors = process.communicate()
    rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    if not outcome and process.returncode < 0:
        outcome = f"crashed: {signal.Signals(-process.returncode).name}"
    elif not outcome and process.returncode:
        outcome = f"failed: {(errors.strip().splitlines() or ['no message'])[-1]}"
    if outcome:
        rows.append({"phase": "?", "outcome": outcome, "seconds": round(time.monotonic() - start, 1),
                     "peak_mib": round(largest)})  # fmt: skip
    return rows
