"""JAX: training and validation steps whose batches are divided among the devices of a distribution of Keras."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterator
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from keras.src.trainers.data_adapters.data_adapter import DataAdapter  # what `fit` takes as it is
from numpy.typing import NDArray

from kerazoo.batching.shares import Shares, rows_in
from kerazoo.training._jax import LoopedTrainFunction
from kerazoo.training.readers import IteratorReader

__all__ = [
    "DividedAdapter", "DividedReader", "DividedTestFunction", "DividedTrainFunction", "gathered", "gathered_flags",
    "placed",
]  # fmt: skip

# What Keras's iterator yields in place of a batch: it has no arrays, so Keras places nothing on devices.
_NO_ARRAYS = ()


class DividedAdapter(DataAdapter):
    """The data of `fit`, whose batches go to the steps past Keras.

    Keras divides the rows of every batch among the devices, and cannot where the last batch is smaller. Its iterator
    therefore yields batches without arrays, and the steps take the whole batches, in host memory, from `queue`.

    Args:
        inner: the adapter of the data, with the rows of all processes.
        shares: how batches are divided.
        draws: bool, the order of the batches is drawn from the global random generators of NumPy or Python.

    Attributes:
        queue: batches that Keras's iterator has passed and no step has taken.
    """

    def __init__(self, inner: Any, shares: Shares, draws: bool) -> None:
        self.inner, self.shares, self.draws = inner, shares, draws
        self.queue: deque[Any] = deque()

    def get_numpy_iterator(self) -> Any:
        """The whole batches."""
        if self.draws and self.shares.processes > 1:
            _take_random_state(self.shares.rank)
        return self.inner.get_numpy_iterator()

    def get_jax_iterator(self) -> Iterator[Any]:
        """An empty batch for each batch, which goes to the queue."""
        self.queue.clear()
        for batch in self.get_numpy_iterator():
            self.queue.append(batch)
            yield _NO_ARRAYS

    @property
    def num_batches(self) -> Any:
        """Batches of an epoch, or None."""
        return self.inner.num_batches

    @property
    def batch_size(self) -> Any:
        """Rows of a batch of all processes, or None."""
        return self.inner.batch_size

    @property
    def has_partial_batch(self) -> Any:
        """Whether the last batch is smaller, or None."""
        return self.inner.has_partial_batch

    @property
    def partial_batch_size(self) -> Any:
        """Rows of a smaller last batch, or None."""
        return self.inner.partial_batch_size

    def on_epoch_begin(self) -> None:
        """Tell the data."""
        self.inner.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the data."""
        self.inner.on_epoch_end()


class DividedReader(IteratorReader):
    """Reads the iterator that Keras passes to the steps.

    Args:
        batch_size: int, rows of a batch that is not the last.
        adapter: the data whose batches are not in the iterator. (It has others if a callback evaluates the model.)
    """

    def __init__(self, batch_size: int, adapter: DividedAdapter | None) -> None:
        super().__init__(batch_size)
        self.adapter = adapter

    def next_batch(self, iterator: Any) -> Any:
        """The next batch.

        Raises:
            StopIteration: no batch is left.
        """
        batch = next(iterator)
        if self.adapter is None or not isinstance(batch, tuple) or batch:
            return batch
        return self.adapter.queue.popleft()

    def _next(self, iterator: Any) -> Any:
        return self.next_batch(iterator)


def placed(batch: Any, shares: Shares, axis: int = 0) -> Any:
    """A batch on the devices: its rows divided if they can be, else whole on each, where all compute the same.

    Args:
        batch: a tree of arrays in host memory, with the rows of all processes. What is on devices is left as it is.
        shares: how batches are divided.
        axis: int, the axis of the rows: 1 if batches are stacked.
    """
    leaves = [leaf for leaf in keras.tree.flatten(batch) if leaf is not None]
    if all(isinstance(leaf, jax.Array) for leaf in leaves):
        return batch
    rows = rows_in(batch) if not axis else np.shape(leaves[0])[1]
    on = axis if shares.divides(rows) else None

    def place(leaf: Any) -> Any:
        if leaf is None:
            return None
        array = np.asarray(leaf)
        array = array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)
        sharding = shares.sharding(array.ndim, on)
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return keras.tree.map_structure(place, batch)


class DividedTrainFunction(LoopedTrainFunction):
    """Training steps on several devices.

    The compiled step computes with the rows of all devices as if they were on one: JAX adds the sums that devices
    exchange. So losses, metrics, batch normalisation and dropout are those of the whole batch.

    Args:
        model: a compiled Keras model.
        count: int, batches per call.
        shares: how batches are divided.
        looped: bool, the steps of a call run in one compiled loop; False: one after the other.
    """

    def __init__(self, model: Any, count: int, shares: Shares, looped: bool) -> None:
        super().__init__(model, count)
        self.shares, self.looped = shares, looped
        self.logs_are_final = looped and self.logs_are_final
        self._compiled = False

    def _placed(self, batch: Any, stacked: bool) -> Any:
        return placed(batch, self.shares, int(stacked))

    def __call__(self, state: Any, iterator: Any) -> Any:
        if not self._compiled:
            self._steps = _compiled(self.model, self._run_steps, state)
            self._single = _compiled(self.model, self.model.train_step, state)
            self._compiled = True
        if self.looped:
            return super().__call__(state, iterator)
        return _each(self._single, state, iterator, self)


class DividedTestFunction:
    """Steps of validation on several devices; arguments as for `DividedTrainFunction`.

    Attributes:
        reader: reads the validation data.
    """

    def __init__(self, model: Any, count: int, shares: Shares) -> None:
        self.model, self.count, self.shares = model, count, shares
        self.reader: Any = None
        self._step: Any = None

    def _placed(self, batch: Any, stacked: bool) -> Any:
        return placed(batch, self.shares)

    def __call__(self, state: Any, iterator: Any) -> Any:
        if self._step is None:
            self._step = _compiled(self.model, self.model.test_step, state)
        return _each(self._step, state, iterator, self)


def _compiled(model: Any, step: Any, state: Any) -> Any:
    """A step of a model, which leaves its variables where they are, whatever XLA would choose."""
    if not model.jit_compile or model.run_eagerly:
        return step
    out = (None, jax.tree.map(lambda leaf: leaf.sharding, state))
    return jax.jit(step, donate_argnums=0, out_shardings=out)


def _each(step: Any, state: Any, iterator: Any, function: Any) -> Any:
    """Run `step` on up to `function.count` batches, each by itself."""
    logs: Any = None
    for _ in range(function.count):
        try:
            batch = function.reader.next_batch(iterator)
        except StopIteration:
            if logs is None:
                raise
            break
        logs, state = step(state, function._placed(batch, False))
    return logs, state


def gathered(value: Any) -> list[Any]:
    """What each process passes, in their order: values that JSON can hold."""
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    sizes = multihost_utils.process_allgather(np.array([len(text)])).reshape(-1)
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(text)] = text
    rows = multihost_utils.process_allgather(padded).reshape(len(sizes), -1)
    return [json.loads(bytes(row[:size])) for row, size in zip(rows, sizes, strict=True)]


def gathered_flags(flag: bool) -> NDArray[np.bool_]:
    """The flag of each process: bool (P,)."""
    return np.asarray(multihost_utils.process_allgather(np.array([flag]))).reshape(-1)


def _take_random_state(rank: int) -> None:
    """Give the global generators of NumPy and Python the state that they have in process 0."""
    mine = None
    if rank == 0:
        _, words, *rest = np.random.get_state()  # noqa: NPY002  what Keras draws from
        version, state, gauss = random.getstate()
        mine = [np.asarray(words).tolist(), rest, version, list(state), gauss]
    words, rest, version, state, gauss = gathered(mine)[0]
    if rank:
        np.random.set_state(("MT19937", np.array(words, np.uint32), *rest))  # noqa: NPY002
        random.setstate((version, tuple(state), gauss))
