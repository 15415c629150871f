"""Sources of batches for a compiled loop: Keras's own iterator, or a kerazoo data set or arrays, read directly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

__all__ = ["ArrayReader", "Batches", "DirectReader", "IteratorReader", "rows_of"]


class Batches(list):
    """Batches of equal shapes, in order.

    Attributes:
        smaller: bool, the batches have fewer rows than the first batch of the run.
    """

    smaller = False

    def stacked(self, count: int) -> Any:
        """One tree of arrays (count, B, ...): the batches, padded with zeros to a constant shape."""

        def stack(*leaves: Any) -> np.ndarray[Any, Any]:
            first = np.asarray(leaves[0])
            out = np.zeros((count, *first.shape), first.dtype)
            for index, leaf in enumerate(leaves):
                out[index] = leaf
            return out

        return keras.tree.map_structure(stack, *self)


def rows_of(batch: Any) -> int:
    """Number of rows of a batch, a tree of arrays."""
    return int(np.shape(keras.tree.flatten(batch)[0])[0])


class SlicedBatches:
    """Batches of equal shapes that are rows of arrays, in order, copied together instead of one by one.

    Args:
        arrays: a tree of arrays (N, ...).
        rows: int (count, B), their rows in each batch.
        smaller: bool, as in `Batches`.
    """

    def __init__(self, arrays: Any, rows: NDArray[Any], smaller: bool) -> None:
        self.arrays, self.rows, self.smaller = arrays, rows, smaller

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        return keras.tree.map_structure(lambda leaf: leaf[self.rows[index]], self.arrays)

    def stacked(self, count: int) -> Any:
        """As `Batches.stacked`; the padding repeats row 0, which is not used."""
        rows = np.zeros((count, self.rows.shape[1]), self.rows.dtype)
        rows[: len(self.rows)] = self.rows
        return keras.tree.map_structure(lambda leaf: leaf[rows], self.arrays)


class _Reader:
    """Groups batches of equal shape; a smaller last batch is a group by itself."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def _next(self, iterator: Any) -> Any:
        raise NotImplementedError

    def take(self, iterator: Any, count: int) -> list[Batches]:
        """Up to `count` batches, in one group or, if the last batch is smaller, two.

        Raises:
            StopIteration: no batch is left.
        """
        group, groups = Batches(), []
        for _ in range(count):
            try:
                batch = self._next(iterator)
            except StopIteration:
                if not group:
                    raise
                break
            if rows_of(batch) == self.batch_size:
                group.append(batch)
                continue
            if group:
                groups.append(group)
            group = Batches([batch])
            group.smaller = True
            break
        return [*groups, group]


class IteratorReader(_Reader):
    """Reads the iterator that Keras passes to the train function."""

    def _next(self, iterator: Any) -> Any:
        return next(iterator)


class DirectReader(_Reader):
    """Reads a kerazoo data set in its own order, epoch after epoch, and ignores the iterator.

    Keras would add a thread and a `tf.data` pipeline, which take longer than the steps of a small network.
    """

    def __init__(self, dataset: Any, batch_size: int) -> None:
        super().__init__(batch_size)
        self.dataset = dataset
        self._index = 0

    def _next(self, iterator: Any) -> Any:
        if self._index == 0:
            self.dataset.on_epoch_begin()
        if self._index == len(self.dataset):
            raise StopIteration
        batch = self.dataset[self._index]
        self._index += 1
        return batch

    def end_epoch(self) -> None:
        """Notify the data set that an epoch has ended, and start the next."""
        self.dataset.on_epoch_end()
        self._index = 0


class ArrayReader:
    """Reads arrays in the order of Keras, epoch after epoch, and ignores the iterator.

    A `tf.data` pipeline passes every batch by itself, which takes as long as the steps of a small network.

    Args:
        arrays: a tree of arrays (N, ...).
        batch_size: int, rows of a batch.
        order: returns the order of the rows in the next epoch, int (N,).
    """

    def __init__(self, arrays: Any, batch_size: int, order: Callable[[], NDArray[Any]]) -> None:
        self.arrays, self.batch_size, self.order = arrays, batch_size, order
        self._rows: NDArray[Any] | None = None
        self._next = 0

    def take(self, iterator: Any, count: int) -> list[SlicedBatches]:
        """As `DirectReader.take`."""
        if self._rows is None:
            self._rows = self.order()
        size = self.batch_size
        rows = self._rows[self._next : self._next + count * size]
        if not len(rows):
            raise StopIteration
        self._next += len(rows)
        full = len(rows) - len(rows) % size
        groups = []
        if full:
            groups.append(SlicedBatches(self.arrays, rows[:full].reshape(-1, size), False))
        if full < len(rows):
            groups.append(SlicedBatches(self.arrays, rows[full:][None], True))
        return groups

    def end_epoch(self) -> None:
        """Start the next epoch."""
        self._rows, self._next = None, 0
