"""A connection to a Ray cluster for the duration of a call, and tasks on it.

Ray restarts tasks whose worker or node was lost. What a task itself raises is raised here: once, as it was.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kerazoo._runtime.devices import usable_cores
from kerazoo._runtime.optional import needed
from kerazoo.distributed.options import ClusterOptions
from kerazoo.errors import ClusterError, InvalidArgumentError

__all__ = ["Session", "session"]

# Ray gives 30 % of the memory to its object store by default; what kerazoo sends through it is small.
LARGEST_STORE = 1 << 30
LONGEST_WAIT = 1e6  # seconds; Ray takes milliseconds as a C long
# Ray listens on all interfaces unless this says that clusters of several machines are not wanted.
LOOPBACK_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": False}


class Session:
    """A cluster that this process is connected to. Made by :func:`session`.

    Attributes:
        ray: the module.
        options: those of :func:`session`.
        started: whether the cluster was started by this session, on this machine.
    """

    def __init__(self, ray: Any, options: ClusterOptions, started: bool) -> None:
        self.ray, self.options, self.started = ray, options, started

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive and have CPUs, as :func:`ray.nodes` describes them."""
        found = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if not found:
            raise ClusterError(
                "the cluster has no node with a CPU. Is it still starting, or was it started with num_cpus=0? "
                "`ray status` tells."
            )
        return sorted(found, key=lambda node: (node["NodeManagerAddress"], node["NodeID"]))

    def n_cpus(self) -> int:
        """CPUs of all nodes, as Ray counts them."""
        return sum(int(node["Resources"]["CPU"]) for node in self.nodes())

    def map(
        self, function: Callable[[Any], Any], items: Sequence[Any], *, num_cpus: int = 1, in_flight: int | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Apply a function to items on any nodes.

        Args:
            function: importable on all nodes, or one that cloudpickle can send; called with an item. It may be called
                again with the same item, after its node was lost.
            items: what pickle can send.
            num_cpus: int >= 1, CPUs that one call takes.
            in_flight: int >= 1, calls that are submitted at a time; None: twice as many as run at a time.

        Yields:
            ``(index of the item, result)``, in the order in which they are ready.

        Raises:
            ClusterError: a worker or a node was lost more often than `retries`.
            BaseException: what the function raises.
        """
        ray = self.ray
        self._check_room(num_cpus)

        def task(item: Any) -> Any:  # Ray takes functions only, not all that can be called
            return function(item)

        remote = ray.remote(num_cpus=num_cpus, max_retries=self.options.retries)(task)
        limit = in_flight or 2 * max(1, self.n_cpus() // num_cpus)
        waiting: dict[Any, int] = {}
        numbers = iter(range(len(items)))
        try:
            while True:
                while len(waiting) < limit and (number := next(numbers, None)) is not None:
                    waiting[remote.remote(items[number])] = number
                if not waiting:
                    return
                ready, _ = ray.wait(list(waiting), num_returns=1)
                for reference in ready:
                    number = waiting.pop(reference)
                    yield number, self.get(reference)
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)

    def _check_room(self, num_cpus: int) -> None:
        """Check that tasks can start: Ray waits without end for CPUs that other work holds."""
        if self.started or self.ray.available_resources().get("CPU", 0) >= num_cpus:
            return
        first = self.ray.remote(num_cpus=num_cpus, max_retries=1)(_nothing).remote()
        try:
            self.get(first, self.options.timeout_seconds)
        except BaseException:
            self.ray.cancel(first, force=True)
            raise

    def get(self, reference: Any, timeout: float | None = None) -> Any:
        """The value of one or several references.

        Raises:
            ClusterError: the worker that made it was lost, or it did not come in time.
            BaseException: what the task raised.
        """
        exceptions = self.ray.exceptions
        try:
            return self.ray.get(reference, timeout=None if timeout is None else min(timeout, LONGEST_WAIT))
        except exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, BaseException) and not isinstance(cause, exceptions.RayError):
                raise cause from None
            raise ClusterError(f"a task failed on the cluster: {error}") from error
        except exceptions.GetTimeoutError as error:
            raise ClusterError(
                f"no answer from a worker within {timeout:g} s: other work holds the CPUs of the cluster, or a node is "
                "out of reach (`ray status` tells). Choose fewer workers or threads, or a larger timeout_seconds."
            ) from error
        except exceptions.RayError as error:
            raise ClusterError(
                f"a worker or a node was lost: {_first_line(error)}. Calling again continues where the files on disk "
                "say that it was."
            ) from error

    def check_nodes(self, folder: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]:
        """Check that every node has this version of kerazoo, and sees `folder`.

        Returns:
            One dict per node: ``host``, ``version``, ``python``, ``instruction_set``, ``cores``.

        Raises:
            ClusterError: a node has another version of kerazoo or Python, or cannot import it, or has not the folder.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ray, here, found = self.ray, describe_here(), []
        token = None if folder is None else os.fspath(folder)
        probe = ray.remote(num_cpus=0, max_retries=1)(describe)
        nodes = self.nodes()
        answers = [
            probe.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(token)
            for node in nodes
        ]
        for node, answer in zip(nodes, answers, strict=True):
            address = node["NodeManagerAddress"]
            try:
                there = self.get(answer, self.options.timeout_seconds)
            except ModuleNotFoundError as error:
                raise ClusterError(
                    f"node {address} cannot import {error.name}: install kerazoo on all nodes."
                ) from error
            for name in ("version", "python"):
                if there[name] != here[name]:
                    what = "kerazoo" if name == "version" else "Python"
                    raise ClusterError(
                        f"node {address} has {what} {there[name]}, this process {here[name]}. Install the same version "
                        "on all nodes."
                    )
            if token is not None and not there["has_folder"]:
                raise ClusterError(
                    f"node {address} does not see the folder {token}. Name one that all nodes share: "
                    "ClusterOptions(folder=...)."
                )
            found.append(there)
        return found


def _nothing() -> None:
    """A task that shows that tasks start."""


def describe_here() -> dict[str, Any]:
    """The same for this process."""
    return describe(None)


def describe(folder: str | None) -> dict[str, Any]:
    """What must be equal on all nodes, and what may differ: see :meth:`Session.check_nodes`."""
    from importlib.metadata import version

    from kerazoo_ext import _word2vec

    return {
        "host": socket.gethostname(),
        "version": version("kerazoo"),
        "python": ".".join(map(str, sys.version_info[:2])),
        "instruction_set": _word2vec.widest(),
        "cores": usable_cores(),
        "has_folder": folder is not None and os.path.isdir(folder),
    }


@contextmanager
def session(options: ClusterOptions) -> Iterator[Session]:
    """Connect to the cluster of `options`, or start one on this machine, which ends with the block.

    A process that is connected already stays so, and stays connected after the block.

    Raises:
        MissingPackageError: Ray is not installed.
        ClusterError: the address does not answer.
    """
    if options.simulate is not None:
        raise InvalidArgumentError(
            f"simulate={options.simulate} is for word vectors, in one process without a cluster."
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with needed("cluster="):
        import ray
    if ray.is_initialized():
        yield Session(ray, options, started=False)
        return
    with _same_signals():
        yield from _connected(ray, options)


def _connected(ray: Any, options: ClusterOptions) -> Iterator[Session]:
    if options.address == "local" or (options.address == "auto" and not _running_cluster()):
        with _on_loopback_only():
            try:
                try:
                    ray.init(
                        address="local",
                        num_cpus=usable_cores(),
                        include_dashboard=False,
                        object_store_memory=LARGEST_STORE,
                        **QUIET,
                    )
                except (ConnectionError, ValueError, RuntimeError, OSError) as error:
                    raise ClusterError(
                        f"a Ray cluster cannot be started on this machine ({_first_line(error)}). Is there room in "
                        "/tmp and /dev/shm? `ray stop` ends one that hangs."
                    ) from error
                yield Session(ray, options, started=True)
            finally:
                ray.shutdown()
    else:
        _join(ray, options)
        try:
            yield Session(ray, options, started=False)
        finally:
            ray.shutdown()


def _running_cluster() -> bool:
    """Whether `RAY_ADDRESS` names a cluster, or `ray start` has left the address of one that answers."""
    named = os.environ.get("RAY_ADDRESS", "")
    if named not in ("", "auto"):
        return named != "local"
    try:
        with open("/tmp/ray/ray_current_cluster") as file:
            host, _, port = file.read().strip().rpartition(":")
        socket.create_connection((host, int(port)), timeout=2).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


@contextmanager
def _same_signals() -> Iterator[None]:
    """Give a program its handler of SIGTERM back, which Ray replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _on_loopback_only() -> Iterator[None]:
    """Within it, a cluster that is started listens on 127.0.0.1 only, as Ray does on Windows and macOS."""
    from ray._private import ray_constants

    before = os.environ.get(LOOPBACK_ONLY), getattr(ray_constants, "ENABLE_RAY_CLUSTER", None)
    os.environ[LOOPBACK_ONLY] = "0"  # for the processes that Ray starts
    ray_constants.ENABLE_RAY_CLUSTER = False  # for this one, which has read the variable already
    try:
        yield
    finally:
        if before[0] is None:
            os.environ.pop(LOOPBACK_ONLY, None)
        else:
            os.environ[LOOPBACK_ONLY] = before[0]
        ray_constants.ENABLE_RAY_CLUSTER = before[1]


def _join(ray: Any, options: ClusterOptions) -> None:
    address, named = options.address, os.environ.get("RAY_ADDRESS", "")
    what = repr(address)
    if address == "auto" and named not in ("", "auto"):
        address, what = named, f"{named!r} (RAY_ADDRESS)"
    if address != "auto" and "://" not in address:
        _check_answers(address, what, options)
    try:
        ray.init(address=address, **QUIET)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise ClusterError(
            f"the Ray cluster {what} cannot be joined ({_first_line(error)}). Is it running (`ray "
            "status`), with the same versions of Ray and Python? cluster='local' starts one on this machine."
        ) from error


def _check_answers(address: str, what: str, options: ClusterOptions) -> None:
    """Ray waits for minutes for an address that does not answer."""
    host, _, port = address.rpartition(":")
    try:
        if not host or not port.isdecimal():
            raise ValueError("expected HOST:PORT")
        socket.create_connection((host.strip("[]"), int(port)), timeout=min(options.timeout_seconds, 10.0)).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(
            f"the Ray cluster {what} does not answer ({error}). Check host and port (the default port is "
            "6379) and that `ray start --head` runs there. cluster='local' starts a cluster on this machine."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
