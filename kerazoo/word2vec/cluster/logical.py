"""Logical workers: the same training as by N processes of one thread, one after the other in this process.

It needs no network and no Ray, repeats to the bit, and shows how good vectors of N workers are, for any N.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kerazoo.word2vec.cluster.curvature import CurvatureEstimate
from kerazoo.word2vec.cluster.partition import bytes_per_row, cuts_of
from kerazoo.word2vec.cluster.worker import Round, Worker, new_base
from kerazoo.word2vec.engines.native_slices import LossSums
from kerazoo.word2vec.engines.native_tables import PaddedTables, TablesSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kerazoo.distributed.options import ClusterOptions
    from kerazoo.word2vec.engines.native_kernel import NativeKernel
    from kerazoo.word2vec.results import Tables

__all__ = ["LogicalTeam"]


class LogicalTeam:
    """N workers that share all but their tables.

    Args:
        kernel: its tables are those at the start; one thread trains.
        options: `simulate`, `merge` and `wire`.
    """

    may_be_lost = False

    def __init__(self, kernel: NativeKernel, options: ClusterOptions) -> None:
        assert options.simulate is not None
        n_workers = options.simulate
        base = new_base(kernel.tables)
        estimate = CurvatureEstimate(kernel)
        self.workers = []
        for number in range(n_workers):
            tables = kernel.tables if number == 0 else _copy(kernel.tables)
            self.workers.append(Worker(kernel, base, options.merge, options.wire, tables, estimate))
        self.bytes_on_wire = 0

    @property
    def n_workers(self) -> int:
        """How many there are."""
        return len(self.workers)

    @property
    def tables(self) -> PaddedTables:
        """Those of the first worker."""
        return self.workers[0].tables

    def submit(self, rounds: Sequence[Round], n_rows: int) -> Any:
        """Note what the workers will do."""
        return rounds, n_rows

    def collect(self, submitted: Any, sums: LossSums) -> None:
        """Train one range per worker, and exchange the most frequent words; adds to `sums`."""
        rounds, n_rows = submitted
        self.train(rounds, sums)
        self.exchange(n_rows)

    def train(self, rounds: Sequence[Round], sums: LossSums) -> None:
        """Train one range per worker; adds to `sums`."""
        for worker, work in zip(self.workers, rounds, strict=True):
            worker.train(work, sums)

    def exchange(self, n_rows: int) -> None:
        """Exchange the first `n_rows` words."""
        if self.n_workers == 1:
            return
        row, counts = bytes_per_row(self.workers[0].kernel.settings, self.workers[0].wire)
        for cuts in cuts_of(n_rows, row, self.n_workers):
            # All parts are combined before one is applied, as by processes.
            combined = [
                self.workers[number % self.n_workers].combine([worker.changes(begin, end) for worker in self.workers])
                for number, (begin, end) in enumerate(pairwise(cuts))
            ]
            for part, (begin, end) in zip(combined, pairwise(cuts), strict=True):
                for number, worker in enumerate(self.workers):
                    worker.apply(begin, end, part, update_base=number == 0)
        self.bytes_on_wire += (self.n_workers - 1) * n_rows * (2 * row + counts)

    def are_finite(self) -> bool:
        """Whether all tables are finite; call it after an exchange of all rows."""
        return self.tables.are_finite()

    def snapshot(self) -> TablesSnapshot:
        """A copy of the tables, after an exchange of all rows."""
        return TablesSnapshot(self.tables)

    def restore(self, snapshot: TablesSnapshot) -> None:
        """Go back to a snapshot; no worker trains afterwards."""
        snapshot.restore(self.tables)

    def finish(self) -> None:
        """Nothing can be lost."""

    def copy(self) -> Tables:
        """Copies of the tables, after an exchange of all rows."""
        return self.tables.copy()

    def release(self) -> Tables:
        """The tables; no worker may be used afterwards."""
        return self.tables.release()

    def restart(self, tables: Tables | None) -> None:
        """Never needed: logical workers are not lost."""
        raise NotImplementedError


def _copy(tables: PaddedTables) -> PaddedTables:
    made = PaddedTables(
        len(tables.inputs), tables.size, tables.outputs is not None, tables.biases is not None, tables.tree
    )
    for target, source in zip(made.arrays(), tables.arrays(), strict=True):
        target[:] = source
    return made
