"""`lent`: data sets that Keras gets for one call only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

__all__ = ["lent"]


class _Lent(keras.utils.PyDataset):
    """A data set, until the call that it was made for has ended."""

    def __init__(self, data: keras.utils.PyDataset) -> None:
        super().__init__(
            workers=data.workers, use_multiprocessing=data.use_multiprocessing, max_queue_size=data.max_queue_size
        )
        self._data: keras.utils.PyDataset | None = data
        self._last: Any = None

    @property
    def num_batches(self) -> Any:
        """That of the data set."""
        return 0 if self._data is None else self._data.num_batches

    def __len__(self) -> int:
        return 0 if self._data is None else len(self._data)

    def __getitem__(self, index: int) -> Any:
        """Its batch; later zeros of the same shapes, for threads of Keras that read ahead of what is needed."""
        data = self._data
        if data is None:
            return self._last
        self._last = batch = data[index]
        return batch

    def on_epoch_begin(self) -> None:
        """Of the data set."""
        if self._data is not None:
            self._data.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Of the data set."""
        if self._data is not None:
            self._data.on_epoch_end()

    def end(self) -> None:
        """Forget the data set and its batches."""
        self._data = None
        self._last = keras.tree.map_structure(_zeros_like, self._last)


def _zeros_like(value: Any) -> Any:
    """Of an array, without memory for the elements."""
    return np.broadcast_to(np.zeros((), value.dtype), value.shape) if isinstance(value, np.ndarray) else value


@contextmanager
def lent(*values: Any) -> Iterator[list[Any]]:
    """The values, for a call of Keras; data sets among them are not kept by it afterwards.

    On TensorFlow, Keras reads a `PyDataset` by `tf.data.Dataset.from_generator`, whose functions TensorFlow's default
    graph keeps as long as the program runs, and with them the data set and its arrays.
    """
    made: list[_Lent] = []

    def give(value: Any) -> Any:
        if keras.backend.backend() != "tensorflow" or not isinstance(value, keras.utils.PyDataset):
            return value
        if isinstance(value, _Lent):
            return value  # by a call around this one
        made.append(_Lent(value))
        return made[-1]

    try:
        yield [give(value) for value in values]
    finally:
        for each in made:
            each.end()
