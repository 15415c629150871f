"""Sources of batches for a compiled loop: Keras's own iterator, or a kerazoo data set that is read directly."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

__all__ = ["Batches", "DirectReader", "IteratorReader", "rows_of"]


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
