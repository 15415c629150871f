"""An exchange, as one worker process sees it: a reduce-scatter of changes, and an all-gather of the results."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kerazoo.word2vec.cluster.partition import bytes_per_row, cuts_of
from kerazoo.word2vec.cluster.worker import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.word2vec.cluster.links import Links
    from kerazoo.word2vec.cluster.worker import Worker

__all__ = ["Exchange"]


class Exchange:
    """Exchanges rows with all other workers.

    Args:
        worker: of this process.
        links: to the others.
        number: of this worker.
        n_workers: how many there are.
    """

    def __init__(self, worker: Worker, links: Links, number: int, n_workers: int) -> None:
        self._worker, self._links, self._number, self._n_workers = worker, links, number, n_workers
        self._row_bytes, _ = bytes_per_row(worker.kernel.settings, worker.wire)

    def run(self, n_rows: int) -> None:
        """Exchange the first `n_rows` words."""
        for cuts in cuts_of(n_rows, self._row_bytes, self._n_workers):  # in turn, so that memory holds little
            self._run(list(pairwise(cuts)))

    def _run(self, ranges: list[tuple[int, int]]) -> None:
        worker, me = self._worker, self._number
        others = [number for number in range(self._n_workers) if number != me]
        # Part number i is combined by worker number i.
        changes = [worker.changes(*rows) for rows in ranges]
        mine = me < len(ranges)
        received = {number: worker.empty_part(*ranges[me], with_counts=True) for number in others} if mine else {}
        self._links.swap(
            {number: _arrays(changes[number]) for number in others if number < len(ranges)},
            {number: _arrays(part) for number, part in received.items()},
        )
        combined = {number: worker.empty_part(*ranges[number]) for number in others if number < len(ranges)}
        if mine:
            received[me] = changes[me]
            combined[me] = worker.combine([received[number] for number in range(self._n_workers)])
        self._links.swap(
            {number: _arrays(combined[me]) for number in others} if mine else {},
            {number: _arrays(part) for number, part in combined.items() if number != me},
        )
        for number, rows in enumerate(ranges):
            worker.apply(*rows, combined[number])


def _arrays(part: Part) -> list[NDArray[Any]]:
    return [*part.arrays, *part.counts]
