"""Tasks in this process, in others of this machine, or on a Ray cluster."""

from __future__ import annotations

import builtins
import collections
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from kerazoo import errors
from kerazoo._runtime.devices import core_numbers
from kerazoo._validation import check_workers
from kerazoo.errors import ClusterError, InvalidArgumentError, KerazooError
from kerazoo.forecast.groups.tasks import run_task

__all__ = ["Run", "runner"]

#: Runs tasks and yields (index, result) in the order in which they are done.
Run: TypeAlias = Callable[[Sequence[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]]

#: How often a task is repeated after its process was lost.
RETRIES = 2
#: Several processes share the cores; each has one thread for products of matrices.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def runner(processes: Any, cluster: Any, folder: Path) -> Iterator[Run]:
    """How tasks are run.

    Args:
        processes: int >= 1, of this machine; 1: this process.
        cluster: None, or `"auto"`, an address or ClusterOptions: on Ray.
        folder: that all nodes must see.

    Raises:
        InvalidArgumentError: both are given.
        MissingPackageError: Ray is not installed.
        ClusterError: the address does not answer, or a process was lost too often.
    """
    processes = check_workers("processes", processes, hint="It is the number of processes on this machine.")
    if cluster is not None:
        if processes > 1:
            raise InvalidArgumentError(f"processes={processes} with cluster; expected one of them.")
        from kerazoo.distributed import as_options, session

        with session(as_options(cluster)) as found:
            found.check_nodes(folder)
            yield lambda items: found.map(run_task, items)
    elif processes == 1:
        yield _here
    else:
        with _Workers(processes) as workers:
            yield workers.run


def _here(items: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, item in enumerate(items):
        yield index, run_task(item)


class _Workers:
    """Processes that run one task after the other. They start when there is something to do."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._workers: list[_Worker] = []

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *error: object) -> None:
        for each in self._workers:
            each.end()

    def run(self, items: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields (index, result) in the order in which they are done.

        Raises:
            ClusterError: a process was lost more often than `RETRIES` while it ran a task.
            Exception: what a task raises.
        """
        waiting = collections.deque(range(len(items)))
        lost = collections.Counter[int]()
        try:
            while waiting or any(each.index is not None for each in self._workers):
                self._start(items, waiting)
                busy = [each for each in self._workers if each.index is not None]
                for stream in select.select([each.output for each in busy], [], [])[0]:
                    worker = next(each for each in busy if each.output is stream)
                    index, answer = worker.answer()
                    if answer is None:
                        self._workers.remove(worker)
                        status = worker.end()
                        lost[index] += 1
                        if lost[index] > RETRIES:
                            raise ClusterError(
                                f"{lost[index]} processes were lost at the task {items[index]['task']} "
                                f"{items[index]['number']} (status {status}; -9 is a kill, such as one for lack of "
                                "memory). What is done stays. Call again, with more buckets or fewer processes."
                            )
                        waiting.appendleft(index)
                    elif "error" in answer:
                        raise _error_of(answer["error"])
                    else:
                        yield index, answer["result"]
        finally:  # a task that still runs belongs to no later call
            for each in [each for each in self._workers if each.index is not None]:
                self._workers.remove(each)
                each.end()

    def _start(self, items: Sequence[dict[str, Any]], waiting: collections.deque[int]) -> None:
        while waiting:
            idle = next((each for each in self._workers if each.index is None), None)
            if idle is None:
                if len(self._workers) == self._count:
                    return
                taken = {each.place for each in self._workers}
                idle = _Worker(next(place for place in range(self._count) if place not in taken))
                self._workers.append(idle)
            index = waiting.popleft()
            # One task alone may use all cores.
            idle.send(index, {**items[index], "cores": self._cores(idle.place) if len(items) > 1 else None})

    def _cores(self, place: int) -> list[int] | None:
        """The share of a worker in the cores of this process; None where the system knows no such thing."""
        cores = core_numbers()
        if cores is None:
            return None
        share = max(1, len(cores) // self._count)
        return [cores[(place * share + number) % len(cores)] for number in range(share)]


class _Worker:
    """A process; a pipe brings tasks, another one results, as lines of JSON. It has a place among the others."""

    def __init__(self, place: int) -> None:
        self.place = place
        environment = dict.fromkeys(ONE_THREAD, "1") | {"PYTHONPATH": os.pathsep.join(sys.path)}
        # Not by `multiprocessing`, which would run the program that calls this once more.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kerazoo.forecast.groups.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self.output = self._process.stdin, self._process.stdout
        self.index: int | None = None

    def send(self, index: int, item: dict[str, Any]) -> None:
        self.index = index
        with suppress(BrokenPipeError):  # it was lost: its output ends, too
            self._input.write(json.dumps(item).encode() + b"\n")
            self._input.flush()

    def answer(self) -> tuple[int, dict[str, Any] | None]:
        """The index and the answer; None if the process was lost."""
        index, self.index = self.index, None
        assert index is not None
        line = self.output.readline()
        return index, json.loads(line) if line.endswith(b"\n") else None

    def end(self) -> int:
        """End the process, and return its status."""
        with suppress(BrokenPipeError):
            self._input.close()
        if self.index is not None:
            self._process.kill()
        self._process.wait()
        self.output.close()
        return self._process.returncode


def _error_of(note: dict[str, str]) -> Exception:
    """The error of a task in another process."""
    kind = getattr(errors, note["type"], None) or getattr(builtins, note["type"], None)
    if isinstance(kind, type) and issubclass(kind, KerazooError | MemoryError):
        return kind(note["message"])
    return KerazooError(f"{note['type']}: {note['message']}\n{note['trace']}")
