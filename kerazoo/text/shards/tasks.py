"""How tasks are run: in threads of this process, unless the caller has another way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

__all__ = ["RunTasks", "Stopped", "in_threads", "stop_if_asked"]

# (function, tuples of arguments) -> results in the order of the arguments.
RunTasks = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Iterator[Any]]

_running = threading.local()


class Stopped(Exception):
    """Another task has failed, or the user has interrupted the run; not an error of this task."""


def stop_if_asked(done: int = 0) -> None:
    """Raise :class:`Stopped` if the run that this task belongs to has ended. Tasks call it several times a second.

    Args:
        done: int, work done since the last call, for the progress bar.
    """
    event, report = getattr(_running, "stop", None), getattr(_running, "report", None)
    if event is not None and event.is_set():
        raise Stopped
    if done and report is not None:
        report(done)


def in_threads(workers: int, report: Callable[[int], None] | None = None) -> RunTasks:
    """Run tasks in threads; the first error, or Ctrl-C, stops all of them.

    The scanner, decompression, and reading and writing of files release the GIL, so threads are as fast as processes,
    and need neither their memory nor their start.

    Args:
        workers: int >= 1, threads.
        report: called with the work that a task has done, by its thread; see :func:`stop_if_asked`.

    >>> list(in_threads(2)(pow, [(2, 3), (3, 2)]))
    [8, 9]
    """

    def run(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        stop = threading.Event()
        failures: list[BaseException] = []

        def task(each: tuple[Any, ...]) -> Any:
            _running.stop, _running.report = stop, report
            try:
                stop_if_asked()
                return function(*each)
            except Stopped:
                raise
            except BaseException as error:
                failures.append(error)
                stop.set()
                raise

        waiting = iter(arguments)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="kerazoo-shards")
        pending: deque[Future[Any]] = deque()
        try:
            pending.extend(pool.submit(task, each) for each in islice(waiting, 2 * workers))
            while pending:
                try:
                    result = pending.popleft().result()
                except Stopped:
                    raise failures[0] from None
                pending.extend(pool.submit(task, each) for each in islice(waiting, 1))
                yield result
        finally:  # also on Ctrl-C
            stop.set()
            pool.shutdown(cancel_futures=True)

    return run
