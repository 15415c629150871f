"""One worker: tables, the values that all workers had at the last exchange, and the updates made since."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.batching.sampling import epoch_keys
from kerazoo.word2vec.cluster.curvature import Curvature, CurvatureEstimate
from kerazoo.word2vec.cluster.merging import combined_by_curvature, weighted_mean
from kerazoo.word2vec.cluster.wire import TYPES, add, apply, pack, pack_change, unpack
from kerazoo.word2vec.engines.native_kernel import CHUNK, NativeKernel
from kerazoo.word2vec.engines.native_slices import EpochSlices, LossSums
from kerazoo_ext import _exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kerazoo.word2vec.engines.native_tables import PaddedTables

__all__ = ["Base", "Part", "Round", "Worker", "new_base"]


@dataclass(frozen=True)
class Round:
    """What a worker trains.

    Attributes:
        epoch: int, from 0.
        begin, end: positions in the text.
        words_before: int, words of all workers before this round.
        words: int, words of the whole training.
        n_active: int >= 1, workers that train at the same time: the learning rate falls by the words of all.
    """

    epoch: int
    begin: int
    end: int
    words_before: int
    words: int
    n_active: int


@dataclass(frozen=True)
class Part:
    """The changes of consecutive words, or what they were combined to.

    Attributes:
        arrays: changes of the rows of each table, see :mod:`kerazoo.word2vec.cluster.wire`.
        counts: float32 (rows,), updates since the last exchange, of the input rows, of the output rows with their
            biases, and of the inner nodes; none in a combined part.
    """

    arrays: list[NDArray[Any]]
    counts: list[NDArray[np.float32]]


BLOCK = 4096  # rows at a time, so that temporary arrays stay in cache
# Which of the counts of a part belong to a table.
KINDS = {"inputs": 0, "outputs": 1, "biases": 1, "nodes": 2}

# The values that all workers had at the last exchange of each row, one array per table.
Base = list["NDArray[np.float32]"]


def _blas_threads(n: int) -> contextlib.AbstractContextManager[Any]:
    """Matrix products and eigenvectors depend on the number of threads that compute them, in their last bits."""
    controller = _thread_pools()
    return contextlib.nullcontext() if controller is None else controller.limit(limits=n, user_api="blas")


@functools.cache
def _thread_pools() -> Any:
    """Looking for the libraries takes a millisecond, so it is done once."""
    try:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
    except ImportError:
        return None
    return ThreadpoolController()


def new_base(tables: PaddedTables) -> Base:
    """A copy of the tables. Logical workers of one process share it: their exchanges change it alike."""
    return [array.copy() for array in tables.arrays()]


class Worker:
    """Trains ranges of the text, and exchanges rows with other workers.

    Args:
        kernel: of this worker; its tables are those at the start.
        base: of :func:`new_base`.
        merge: rule, see :mod:`kerazoo.word2vec.cluster.merging`.
        wire: dtype of the changes that are exchanged.
        tables: of this worker, if not those of the kernel, which logical workers share.
        estimate: of the curvature, which they share too.
    """

    def __init__(
        self,
        kernel: NativeKernel,
        base: Base,
        merge: str,
        wire: str,
        tables: PaddedTables | None = None,
        estimate: CurvatureEstimate | None = None,
    ) -> None:
        self.kernel, self.base, self.merge, self.wire = kernel, base, merge, wire
        self.tables = kernel.tables if tables is None else tables
        self.n_words = len(kernel.tokens.counts)
        # Updates since the last exchange of each row, in units of pairs: of words as centre or context, and of inner
        # nodes. Those as noise words follow from the number of all pairs.
        self.words_since = np.zeros(self.n_words, np.float32)
        self.pairs_since = np.zeros(self.n_words, np.float64)
        self.nodes_since = None if self.tables.nodes is None else np.zeros(len(self.tables.nodes), np.float32)
        self.alpha = kernel.settings.alpha  # learning rate at the start of the last round
        self._estimate = estimate or CurvatureEstimate(kernel)
        self._curvatures: dict[str, Curvature] = {}

    def train(self, work: Round, sums: LossSums) -> None:
        """Train a range with all threads of the kernel; adds to `sums`."""
        kernel, n = self.kernel, work.end - work.begin
        settings = kernel.settings
        self.alpha = settings.alpha - (settings.alpha - settings.min_alpha) * work.words_before / work.words
        self._curvatures = {}
        if n <= 0:
            return
        kernel.tables = self.tables
        kernel.words_done = np.zeros(1, np.int64)
        keys = epoch_keys(settings.seeds[1], work.epoch)
        new_trainer = kernel._kernel(keys, work.words_before // work.n_active, max(1, work.words // work.n_active))
        threads = settings.workers
        size = kernel.slice
        if threads > 1:  # some slices for each thread
            size = min(size, max(1, -(-n // (4 * threads) // CHUNK)) * CHUNK)
        slices = EpochSlices(new_trainer, work.begin, n, size, 0, sums)
        slices.run(threads, lambda: None)
        self._count(work)

    def _count(self, work: Round) -> None:
        kernel, settings = self.kernel, self.kernel.settings
        counts = np.zeros(self.n_words, np.int32)
        _exchange.count(kernel.tokens.ids[work.begin : work.end], counts)
        words = counts.astype(np.float32)
        if kernel.keep is not None:
            words *= kernel.keep / np.float32(2**32)
        words *= settings.window + 1 if settings.shrink_windows else 2 * settings.window
        self.words_since += words
        self.pairs_since += float(words.sum(dtype=np.float64)) * settings.negative
        if self.nodes_since is not None and kernel.paths is not None:
            offsets, entries = kernel.paths
            weights = np.repeat(words, np.diff(offsets))
            self.nodes_since += np.bincount(entries >> 1, weights, len(self.nodes_since)).astype(np.float32)

    def rows(self, begin: int, end: int) -> list[slice]:
        """Of each table the rows of words begin..end - 1; of inner nodes the last, which have the frequent words."""
        last = self.n_words - 1  # number of inner nodes
        nodes = slice(max(0, last - end), max(0, last - begin))
        return [nodes if array is self.tables.nodes else slice(begin, end) for array in self.tables.arrays()]

    def changes(self, begin: int, end: int) -> Part:
        """What this worker has changed in the rows of words begin..end - 1 since their last exchange."""
        arrays = []
        for array, base, rows in zip(self.tables.arrays(), self.base, self.rows(begin, end), strict=True):
            now = array[rows]
            sent = np.empty((len(now), self.tables.size)[: now.ndim], TYPES[self.wire])
            pack_change(now, base[rows], sent)
            arrays.append(sent)
        words = self.words_since[begin:end]
        noise = self.pairs_since[begin:end] * self.kernel.noise.probabilities[begin:end]
        counts = [words.copy(), (words + noise).astype(np.float32)]
        if self.nodes_since is not None:
            counts.append(self.nodes_since[self.rows(begin, end)[-1]].copy())
        return Part(arrays, counts)

    def empty_part(self, begin: int, end: int, with_counts: bool = False) -> Part:
        """Arrays for the changes of another worker in the rows of words begin..end - 1, or for what is combined."""
        shapes = [
            (rows.stop - rows.start, self.tables.size)[: array.ndim]
            for array, rows in zip(self.tables.arrays(), self.rows(begin, end), strict=True)
        ]
        arrays = [np.empty(shape, TYPES[self.wire]) for shape in shapes]
        lengths = [end - begin, end - begin] + ([shapes[-1][0]] if self.nodes_since is not None else [])
        return Part(arrays, [np.empty(length, np.float32) for length in lengths] if with_counts else [])

    def combine(self, parts: Sequence[Part]) -> Part:
        """Combine the changes of all workers to the same rows."""
        with _blas_threads(self.kernel.settings.workers):
            return self._combine(parts)

    def _combine(self, parts: Sequence[Part]) -> Part:
        names = [self._name(array) for array in self.tables.arrays()]
        results = [np.empty_like(array) for array in parts[0].arrays]
        # A bias is one more component of an output row, whose counterpart in all input rows is 1.
        joined = self.merge == "curvature" and "biases" in names
        for number, (name, result) in enumerate(zip(names, results, strict=True)):
            if joined and name == "biases":
                continue
            all_counts = [part.counts[KINDS[name]] for part in parts]
            of_biases = names.index("biases") if joined and name == "outputs" else None
            for block in _blocks(len(result)):
                counts = [count[block] for count in all_counts]
                sent = [part.arrays[number][block] for part in parts]
                if of_biases is None:
                    pack(self._combined(name, self._sum(sent, counts), counts), result[block])
                    continue
                total = np.zeros((len(sent[0]), self.tables.size + 1), np.float32)
                for array, part in zip(sent, parts, strict=True):
                    add(total, array)
                    total[:, -1] += unpack(part.arrays[of_biases][block])
                both = self._combined(name, total, counts)
                pack(both, result[block])
                pack(both[:, -1].copy(), results[of_biases][block])
        return Part(results, [])

    def _sum(self, sent: Sequence[NDArray[Any]], counts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        if self.merge == "weighted":
            return weighted_mean([unpack(array) for array in sent], counts)
        total = np.zeros(sent[0].shape, np.float32)
        for array in sent:
            add(total, array)
        return total

    def _combined(
        self, name: str, total: NDArray[np.float32], counts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        if self.merge == "mean":
            return total / np.float32(len(counts))
        if self.merge != "curvature":
            return total
        return combined_by_curvature(total, counts, self._curvature(name), self.alpha)

    def _name(self, array: NDArray[np.float32]) -> str:
        tables = self.tables
        named = {"inputs": tables.inputs, "outputs": tables.outputs, "biases": tables.biases, "nodes": tables.nodes}
        return next(name for name, table in named.items() if table is array)

    def _curvature(self, name: str) -> Curvature:
        """The curvature along the rows of a table, after the last round of this worker.

        It is that of its own tables, not of those of the last exchange: in the first round all are near zero. An
        estimate that is some rounds old makes trainings diverge.
        """
        if not self._curvatures:
            self._curvatures = self._estimate.of(self.tables)
        return self._curvatures[name]

    def apply(self, begin: int, end: int, part: Part, update_base: bool = True) -> None:
        """Set the rows of words begin..end - 1 to their values at the last exchange plus a combined change.

        Args:
            begin: first word.
            end: one past the last.
            part: of :meth:`combine`.
            update_base: False for all but one of the logical workers that share a base.
        """
        rows = self.rows(begin, end)
        for array, base, of, change in zip(self.tables.arrays(), self.base, rows, part.arrays, strict=True):
            if update_base:
                apply(base[of], array[of], change)
            else:
                array[of] = base[of]
        self.words_since[begin:end] = 0
        self.pairs_since[begin:end] = 0
        if self.nodes_since is not None:
            self.nodes_since[rows[-1]] = 0


def _blocks(n_rows: int) -> Iterator[slice]:
    return (slice(begin, begin + BLOCK) for begin in range(0, n_rows, BLOCK))
