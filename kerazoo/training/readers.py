"""Where the batches of a compiled loop come from: Keras's own iterator, or a data set of kerazoo read directly."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

__all__ = ["Batches", "DirectReader", "IteratorReader", "rows_of"]


class Batches(list):
    """Batches of equal shapes, in order.

    Attributes:
        smaller: bool, they have fewer rows than the first batch of the run.
    """

    smaller = False

    def stacked(self, count: int) -> Any:
        """One tree of arrays (count, B, ...): the batches, then zeros, so that its shape is always the same."""

        def stack(*leaves: Any) -> np.ndarray[Any, Any]:
            first = np.asarray(leaves[0])
            out = np.zeros((count, *first.shape), first.dtype)
            for place, leaf in enumerate(leaves):
                out[place] = leaf
            return out

        return keras.tree.map_structure(stack, *self)


def rows_of(batch: Any) -> int:
    """Rows of a batch, a tree of arrays."""
    return int(np.shape(keras.tree.flatten(batch)[0])[0])


class _Reader:
    """Groups batches: a smaller last one stands alone."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def _next(self, iterator: Any) -> Any:
        raise NotImplementedError

    def take(self, iterator: Any, count: int) -> list[Batches]:
        """Up to `count` batches, as one group or, if the last one is smaller, two.

        Raises:
            StopIteration: there is none left.
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
    """Reads what Keras hands to the train function."""

    def _next(self, iterator: Any) -> Any:
        return next(iterator)


class DirectReader(_Reader):
    """Reads a data set of kerazoo in its own order, epoch after epoch, whatever iterator it is shown.

    Keras would put a thread and a `tf.data` pipeline in between, which take longer than the steps of a small net.
    """

    def __init__(self, dataset: Any, batch_size: int) -> None:
        super().__init__(batch_size)
        self.dataset = dataset
        self.place = 0

    def _next(self, iterator: Any) -> Any:
        if self.place == 0:
            self.dataset.on_epoch_begin()
        if self.place == len(self.dataset):
            raise StopIteration
        batch = self.dataset[self.place]
        self.place += 1
        return batch

    def end_epoch(self) -> None:
        """To be called when an epoch has ended."""
        self.dataset.on_epoch_end()
        self.place = 0
