"""Workers as processes on a Ray cluster. Changes go from worker to worker; the main process only asks for rounds."""

from __future__ import annotations

import os
import secrets
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kerazoo._runtime.callers import outside_level
from kerazoo._runtime.files import read_tensors, write_tensors
from kerazoo._runtime.fingerprint import corpus_fingerprint
from kerazoo.errors import ClusterError, StorageError
from kerazoo.text import EncodedCorpus
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.cluster.links import Links
from kerazoo.word2vec.cluster.partition import bytes_per_row
from kerazoo.word2vec.cluster.reduction import Exchange
from kerazoo.word2vec.cluster.worker import Round, Worker, new_base
from kerazoo.word2vec.engines.native_kernel import INSTRUCTION_SET_VARIABLE, NativeKernel
from kerazoo.word2vec.engines.native_slices import LossSums
from kerazoo.word2vec.engines.native_tables import TablesSnapshot
from kerazoo.word2vec.results import TABLE_NAMES, Tables
from kerazoo_ext._word2vec import INSTRUCTION_SETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from kerazoo.distributed.connection import Session
    from kerazoo.word2vec.options import TrainingSettings

__all__ = ["Job", "Place", "ProcessTeam", "WorkerProcess", "read_tables", "write_tables"]

KIND = "kerazoo.tables"


class Job(NamedTuple):
    """What a worker process is told once.

    Attributes:
        corpus: path of the encoded corpus.
        fingerprint: of the corpus, see :func:`kerazoo._runtime.fingerprint.corpus_fingerprint`.
        settings: of the training.
        reach: largest distance between centre and context.
        merge: rule of combination.
        wire: dtype of changes.
        instruction_set: of the environment variable, or None.
    """

    corpus: str
    fingerprint: dict[str, int]
    settings: TrainingSettings
    reach: int
    merge: str
    wire: str
    instruction_set: str | None


class Place(NamedTuple):
    """Where a worker runs.

    Attributes:
        node: identifier of the node in Ray.
        address: of the node.
        threads: of the worker.
    """

    node: str
    address: str
    threads: int


def write_tables(path: str | os.PathLike[str], tables: Tables) -> None:
    """Write tables to a file, whole or not at all."""
    write_tensors(path, tables.named(), {}, kind=KIND)


def read_tables(path: str | os.PathLike[str], n_words: int, vector_size: int) -> Tables:
    """Tables that lie in a file of :func:`write_tables`, memory-mapped."""
    arrays, _ = read_tensors(path, kind=KIND)
    return Tables.of(arrays, n_words, vector_size)


def is_file_of(path: str, fingerprint: Mapping[str, int]) -> bool:
    """Whether the file is still that of a corpus: it may have been deleted or replaced since it was mapped."""
    try:
        found = EncodedCorpus.load(path, check=False)
    except StorageError:
        return False
    return corpus_fingerprint(found.ids, found.offsets, found.vocabulary.counts) == fingerprint


def check_instruction_sets(sets: Mapping[str, str]) -> None:
    """Check that all nodes compute alike.

    Args:
        sets: address of a node -> name of its instruction set.

    Raises:
        ClusterError: they differ; the message says how to choose the narrowest.
    """
    if len(set(sets.values())) > 1:
        narrowest = min(sets.values(), key=INSTRUCTION_SETS.index)
        raise ClusterError(
            f"the nodes have different instruction sets ({dict(sets)}), so vectors would depend on which node trains "
            f"what. Set the environment variable {INSTRUCTION_SET_VARIABLE}={narrowest} here; the workers get it."
        )


class WorkerProcess:
    """A worker in a process of its own: what Ray calls an actor.

    Args:
        job: what all workers are told.
        threads: that train.
        start: path of the tables at the start, or None: a new model.
    """

    def __init__(self, job: Job, threads: int, start: str | None) -> None:
        self._job, self._threads, self._start = job, threads, start
        self._worker: Any = None
        self._snapshot: TablesSnapshot | None = None
        self._links: Links | None = None
        self._exchange: Exchange | None = None

    def started(self) -> dict[str, Any]:
        """That the worker is ready, and with what. An error of the constructor would look like a lost worker."""
        if self._worker is None:
            self._worker = self._made()
        return {"pid": os.getpid(), "instruction_set": self._worker.kernel.instruction_set}

    def _made(self) -> Worker:
        job, threads, start = self._job, self._threads, self._start
        if job.instruction_set is not None:
            os.environ[INSTRUCTION_SET_VARIABLE] = job.instruction_set
        import dataclasses

        corpus = EncodedCorpus.load(job.corpus, check=False)  # the main process has checked it
        counts = np.asarray(corpus.vocabulary.counts)
        if corpus_fingerprint(corpus.ids, corpus.offsets, counts) != job.fingerprint:
            raise StorageError(
                f"{job.corpus}: was replaced by another corpus during the training. Trainings at the same time need "
                "folders of their own: ClusterOptions(folder=...)."
            )
        settings = dataclasses.replace(job.settings, workers=threads, callbacks=())
        tables = None if start is None else read_tables(start, len(counts), settings.vector_size)
        tokens = Tokens(corpus.ids, corpus.offsets, counts)
        kernel = NativeKernel(tokens, settings, tables, lambda: corpus.vocabulary.words, job.reach)
        return Worker(kernel, new_base(kernel.tables), job.merge, job.wire)

    def round(self, work: Round, n_rows: int) -> tuple[float, int, int]:
        """Train a range, and exchange the first `n_rows` words; returns the values of :class:`LossSums`."""
        sums = LossSums()
        self._worker.train(work, sums)
        if self._exchange is not None:
            self._exchange.run(n_rows)
        return sums.loss, sums.measured, sums.pairs

    def listen(self, secret: bytes, host: str, timeout: float) -> tuple[str, int]:
        """Wait for other workers; returns the address."""
        self._links = Links(secret, host, timeout)
        return self._links.address

    def connect(self, number: int, addresses: list[tuple[str, int]]) -> None:
        """Connect to all others; `number` is that of this worker."""
        assert self._links is not None
        self._links.connect(number, addresses)
        self._exchange = Exchange(self._worker, self._links, number, len(addresses))

    def are_finite(self) -> bool:
        """Whether all tables are finite."""
        return self._worker.tables.are_finite()

    def keep(self) -> bool:
        """Keep a snapshot of the tables; whether there is one."""
        snapshot = TablesSnapshot(self._worker.tables)
        if snapshot.is_usable():
            self._snapshot = snapshot
        return snapshot.is_usable()

    def restore(self) -> None:
        """Go back to the snapshot."""
        assert self._snapshot is not None
        self._snapshot.restore(self._worker.tables)

    def write(self, path: str) -> None:
        """Write the tables to a file that the main process reads."""
        write_tables(path, self._worker.tables.copy())

    def table(self, name: str) -> NDArray[Any] | None:
        """One table, when no file can be written; None if the model has not this one."""
        return self._worker.tables.copy().named().get(name)


class _Kept(NamedTuple):
    """A snapshot that the first worker keeps."""

    usable: bool

    def is_usable(self) -> bool:
        return self.usable


class ProcessTeam:
    """Workers on the nodes of a cluster; see :class:`kerazoo.word2vec.cluster.training.Team`.

    Args:
        session: the connection to the cluster.
        job: what the workers are told.
        folder: that all nodes see, for tables.
        n_words: V.
        start: tables at the start, or None: a new model.
    """

    may_be_lost = True

    def __init__(self, session: Session, job: Job, folder: Path, n_words: int, start: Tables | None) -> None:
        self._session, self._job, self._folder, self._n_words = session, job, folder, n_words
        self._first: str | None = None
        if start is not None:
            self._first = str(folder / "start.tables")
            write_tables(self._first, start)
        self.bytes_on_wire = 0
        self._workers: list[Any] = []
        self._final: Tables | None = None
        self._start(self._first)

    @property
    def n_workers(self) -> int:
        """Workers that train now."""
        return len(self._workers)

    def _start(self, tables: str | None) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        session, options = self._session, self._session.options
        places = self._places()
        actor = session.ray.remote(WorkerProcess)
        self._workers = []
        try:
            for place in places:
                where = NodeAffinitySchedulingStrategy(place.node, soft=False)
                settings = actor.options(num_cpus=place.threads, max_restarts=0, scheduling_strategy=where)
                self._workers.append(settings.remote(self._job, place.threads, tables))
            started = session.get([worker.started.remote() for worker in self._workers], options.timeout_seconds)
        except BaseException:
            self.close()
            raise
        try:
            check_instruction_sets(
                {place.address: each["instruction_set"] for place, each in zip(places, started, strict=True)}
            )
            self._connect(places)
        except BaseException:
            self.close()
            raise

    def _connect(self, places: Sequence[Place]) -> None:
        """Connect each worker to all others."""
        if len(places) == 1:
            return
        secret, timeout = secrets.token_bytes(32), self._session.options.timeout_seconds
        addresses = self._session.get(
            [
                worker.listen.remote(secret, place.address, timeout)
                for worker, place in zip(self._workers, places, strict=True)
            ]
        )
        self._session.get([worker.connect.remote(number, addresses) for number, worker in enumerate(self._workers)])

    def _places(self) -> list[Place]:
        """Where the workers run: one per node, or as many as were asked for, evenly over the nodes."""
        options = self._session.options
        nodes = self._session.nodes()
        wanted = options.workers or len(nodes)
        on_node = [wanted // len(nodes) + (number < wanted % len(nodes)) for number in range(len(nodes))]
        places = []
        for node, n in zip(nodes, on_node, strict=True):
            cpus = int(node["Resources"]["CPU"])
            fitting = min(n, cpus // (options.threads or 1))
            if not fitting:
                continue
            threads = options.threads or cpus // fitting
            places += [Place(node["NodeID"], node["NodeManagerAddress"], threads)] * fitting
        if not places:
            raise ClusterError(
                f"no node has {options.threads} CPUs, for the threads of one worker; the largest has "
                f"{max(int(node['Resources']['CPU']) for node in nodes)}. Choose fewer threads."
            )
        if len(places) < wanted:
            warnings.warn(
                f"workers={wanted}, but the cluster has room for {len(places)}: each takes {options.threads or 1} of "
                f"{self._session.n_cpus()} CPUs. The training goes on with {len(places)}.",
                RuntimeWarning,
                stacklevel=outside_level(),
            )
        return places

    def submit(self, rounds: Sequence[Round], n_rows: int) -> Any:
        """Ask the workers to train one range each, and to exchange the first `n_rows` words, without waiting for them.

        A worker does what it is asked for in order, so further rounds can be asked for before this one is done.
        """
        row, counts = bytes_per_row(self._job.settings, self._job.wire)
        # Each part goes to the worker that combines it, unless it is there, and the result to all others.
        self.bytes_on_wire += (self.n_workers - 1) * n_rows * (2 * row + counts)
        return [worker.round.remote(work, n_rows) for worker, work in zip(self._workers, rounds, strict=True)]

    def collect(self, submitted: Any, sums: LossSums) -> None:
        """Wait for what was submitted; adds to `sums`."""
        for loss, measured, n_pairs in self._session.get(submitted):
            sums.loss += loss
            sums.measured += measured
            sums.pairs += n_pairs

    def are_finite(self) -> bool:
        """Whether no value of the tables is NaN or infinite."""
        return bool(self._session.get(self._workers[0].are_finite.remote()))

    def snapshot(self) -> _Kept:
        """The first worker keeps a copy of its tables."""
        return _Kept(bool(self._session.get(self._workers[0].keep.remote())))

    def restore(self, snapshot: _Kept) -> None:
        """The first worker goes back to its snapshot."""
        assert snapshot.usable
        self._session.get(self._workers[0].restore.remote())
        self._final = self._copy_of(self._workers[0])

    def finish(self) -> None:
        """Fetch the tables, while lost workers can still be replaced."""
        self._final = self.copy()

    def copy(self) -> Tables:
        """The tables of one worker, in a file of the folder if there is room; all have the same."""
        if self._final is not None:
            return self._final
        for worker in self._workers[:-1]:
            try:
                return self._copy_of(worker)
            except ClusterError:
                continue
        return self._copy_of(self._workers[-1])

    def _copy_of(self, worker: Any) -> Tables:
        path = self._folder / f"tables-{time.monotonic_ns():x}.tables"
        size = self._job.settings.vector_size
        try:
            self._session.get(worker.write.remote(str(path)))
        except StorageError:  # a full disk: the work of hours goes over the network
            arrays = {name: self._session.get(worker.table.remote(name)) for name in TABLE_NAMES}
            found = {name: array for name, array in arrays.items() if array is not None}
            return Tables.of(found, self._n_words, size)
        tables = read_tables(path, self._n_words, size)
        if os.name == "posix":
            os.unlink(path)  # the map keeps the data until it is closed
        return tables

    def release(self) -> Tables:
        """The tables of the first worker; all processes end."""
        tables = self.copy()
        self.close()
        named = {name: np.array(array) for name, array in tables.named().items()}
        return Tables.of(named, self._n_words, self._job.settings.vector_size)

    def restart(self, tables: Tables | None) -> None:
        """Start new workers on the nodes that are left."""
        self.close()
        self._final = None
        path = self._first
        if tables is not None:
            path = str(self._folder / "again.tables")
            write_tables(path, tables)
        deadline = time.monotonic() + self._session.options.timeout_seconds
        while True:  # the CPUs of the lost workers are free after a moment
            try:
                return self._start(path)
            except ClusterError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def close(self) -> None:
        """End all worker processes."""
        for worker in self._workers:
            self._session.ray.kill(worker)
        self._workers = []
