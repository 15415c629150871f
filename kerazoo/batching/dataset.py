"""Base of the three datasets: seeds, epochs, the order of batches, and the state for resuming."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_seed, check_workers
from kerazoo.batching.sampling import epoch_keys
from kerazoo.batching.shares import Shares, rows_in, shares_of
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo_ext import _order

__all__ = ["ResumableDataset"]

STATE_VERSION = 1

_LAST_BATCH = (
    "kerazoo.training.fit computes a smaller last batch on every device; for Keras's own fit use "
    "SequenceWindows(remainder='drop') or 'wrap'."
)


class Epoch(NamedTuple):
    """A planned epoch.

    Attributes:
        number: int, counted from 0.
        keys: uint64 (4,), keys of the random streams for tokens, contexts, noise and order.
        n_batches: int, batches that the epoch has (a dataset always returns `len(dataset)`).
        plan: what the subclass needs to make any batch of the epoch.
    """

    number: int
    keys: NDArray[np.uint64]
    n_batches: int
    plan: Any


class ResumableDataset(keras.utils.PyDataset):
    """A Keras `PyDataset` whose batches depend on (seed, epoch, index) only.

    Batches can therefore be requested in any order and from any number of threads, and a run that was stopped in the
    middle of an epoch resumes with exactly the remaining batches (:meth:`state_dict`, :meth:`load_state_dict`).

    Subclasses implement `_plan(number, keys) -> (n_batches, plan)`, `_batch(epoch, index)`, `_settings()` and
    `_data_fingerprint()`.

    Args:
        seed: int >= 0, or None to draw one from the operating system (stored in `seed`).
        shuffle: bool, whether to permute the order of batches, differently in each epoch.
        advance: bool, whether the dataset moves to the next epoch after the last batch. False repeats the same
            batches, as validation data should.
        workers, max_queue_size: as in `keras.utils.PyDataset`. One worker is enough: a batch takes microseconds, and
            the GIL is released.
    """

    _permutes_batches = True

    def __init__(
        self,
        *,
        seed: int | None = None,
        shuffle: bool = False,
        advance: bool = True,
        workers: int = 1,
        max_queue_size: int = 10,
    ) -> None:
        super().__init__(
            workers=check_workers("workers", workers), max_queue_size=check_int("max_queue_size", max_queue_size)
        )
        self._seed_was_given = seed is not None
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        self.seed = check_seed("seed", seed, hint="None draws a seed, which is stored in `.seed`.")
        self.shuffle = bool(shuffle)
        self.advance = bool(advance)
        self._epoch = 0
        self._start = 0  # batches of this epoch that were consumed before `load_state_dict`
        self._served: bytearray | None = None  # one flag per batch of this epoch
        self._n_served = 0
        self._inside = False  # between on_epoch_begin and on_epoch_end
        self._planned: Epoch | None = None
        self._n_batches: int | None = None
        self._lock = threading.RLock()
        self._fit: tuple[int, Any] = (0, None)  # the thread that Keras's `fit` runs in, and its shares

    # Implemented by subclasses.

    def _plan(self, number: int, keys: NDArray[np.uint64]) -> tuple[int, Any]:
        raise NotImplementedError

    def _batch(self, epoch: Epoch, index: int) -> tuple[Any, ...]:
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        raise NotImplementedError

    def _data_fingerprint(self) -> dict[str, Any]:
        raise NotImplementedError

    # Batches.

    def __len__(self) -> int:
        """Batches per epoch: the number that epoch 0 has.

        Keras reads it once, when `fit` starts. With subsampling, every epoch has a slightly different number of pairs,
        so a later epoch omits its last pairs, or repeats its first ones.
        """
        with self._lock:
            if self._n_batches is None:
                self._n_batches = self._plan_of(0).n_batches
            return self._n_batches

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Batch `index` (0 to len - 1, or negative from the end) of the current epoch.

        In an epoch that was resumed at position k, index 0 is batch k, and the first batch follows the last one.

        Under a distribution of Keras over several processes, it is the part of the batch that belongs to this process.
        """
        batch = self.whole(index)
        shares = self._shares()
        return batch if shares is None else shares.part(batch)

    def whole(self, index: int) -> tuple[Any, ...]:
        """Batch `index` as `dataset[index]`, with the rows of all processes."""
        with self._lock:
            n = len(self)
            if not -n <= index < n:
                raise IndexError(f"batch {index} of a dataset of {n} batches")
            index = (index + self._start) % n
            epoch = self._plan_of(self._epoch)
            if self._served is None:
                self._served = bytearray(n)
            if not self._served[index]:
                self._served[index] = 1
                self._n_served += 1
        return self._ordered(epoch, index, n)

    def at(self, epoch: int, index: int) -> tuple[Any, ...]:
        """Batch `index` (0 to len - 1) of epoch `epoch`; independent of the current epoch and without side effects.

        It has the rows of all processes. For loops that track their own position, in any number of threads.
        """
        with self._lock:
            n = len(self)
            if not 0 <= index < n:
                raise IndexError(f"batch {index} of a dataset of {n} batches")
            planned = self._plan_of(check_int("epoch", epoch, 0))
        return self._ordered(planned, index, n)

    @property
    def num_batches(self) -> int:
        """`len(self)`, for Keras, which reads it when `fit` starts.

        Raises:
            InvalidArgumentError: a distribution of Keras is set, and its devices cannot share the batches.
        """
        self._fit = (threading.get_ident(), None)  # threads that make batches do not see the distribution of this one
        shares = self._shares()
        if shares is not None and shares.devices > 1:
            sizes = [rows_in(self.at(self._epoch, index)) for index in {0, len(self) - 1}]
            shares.check(sizes, _LAST_BATCH)
        self._fit = (threading.get_ident(), shares)
        return len(self)

    def _shares(self) -> Shares | None:
        """How the distribution of this thread divides batches, or in a thread of `fit` that of `fit`, or None."""
        distribution = keras.distribution.distribution()
        thread, shares = self._fit
        if distribution is None:
            return shares if threading.get_ident() != thread else None
        if shares is None or shares.distribution is not distribution:
            shares = shares_of(distribution)
            self._fit = (thread, shares)
        return shares

    def _ordered(self, epoch: Epoch, index: int, n: int) -> tuple[Any, ...]:
        if self.shuffle and self._permutes_batches:
            index = _order.permute_one(index, n, int(epoch.keys[3]))
        return self._batch(epoch, index)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over the batches of the current epoch (the remaining ones, if it was resumed), then advance.

        After a `break`, the next loop starts at the same batch again.
        """
        self._clear_served()
        for index in range(len(self) - self._start):
            yield self[index]
        if self.advance:
            self.epoch = self._epoch + 1
        else:
            self._start = 0
            self._clear_served()

    def _plan_of(self, number: int) -> Epoch:
        if self._planned is None or self._planned.number != number:
            keys = epoch_keys(self.seed, number)
            n_batches, plan = self._plan(number, keys)
            self._planned = Epoch(number, keys, n_batches, plan)
        return self._planned

    # Epochs.

    @property
    def epoch(self) -> int:
        """The current epoch, from 0. Setting it starts that epoch at its first batch."""
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        number = check_int("epoch", number, 0)
        with self._lock:
            self._epoch = number
            self._start = 0
            self._clear_served()

    @property
    def position(self) -> int:
        """Batches of the current epoch that were served, including those consumed before a resume."""
        return min(self._start + self._n_served, len(self))

    @property
    def remaining(self) -> int:
        """Batches that remained in a resumed epoch when it was resumed; otherwise `len(self)`.

        `model.fit(dataset, steps_per_epoch=dataset.remaining, epochs=1)` completes that epoch.
        """
        return len(self) - self._start

    def _clear_served(self) -> None:
        with self._lock:
            self._served = None
            self._n_served = 0

    def on_epoch_begin(self) -> None:
        """Called by Keras at the start of an epoch of `fit`."""
        # Do not clear the served batches here: with several workers, Keras requests batches before it calls this.
        self._inside = True

    def on_epoch_end(self) -> None:
        """Called by Keras; advances to the next epoch if all batches of this one were served.

        Keras also calls this before training, after it has peeked at a batch or two, and (with `steps_per_epoch`) in
        the middle of an epoch. In these cases the epoch does not change.
        """
        with self._lock:
            if not self._inside:  # `fit` starts; Keras has only peeked at batches so far
                self._clear_served()
                return
            self._inside = False
            # On JAX and torch, Keras peeks at the first batch of an unbuilt model between on_epoch_begin and
            # on_epoch_end. If an epoch has a single batch, this counts as a whole epoch, and training starts with the
            # next one.
            if self._n_served >= len(self) - self._start:
                if self.advance:
                    self.epoch = self._epoch + 1
                else:
                    self._start = 0
                    self._clear_served()

    # State.

    def take_seed(self, seed: int) -> None:
        """Use this seed, if the data set was made without one: processes that share batches need the same."""
        if not self._seed_was_given and seed != self.seed:
            with self._lock:
                self.seed, self._planned, self._n_batches = seed, None, None

    def state_dict(self, position: int | None = None) -> dict[str, Any]:
        """The state of this dataset, as a dictionary that can be written as JSON.

        Args:
            position: int from 0 to len(self), batches of the current epoch that the training has consumed; None takes
                :attr:`position`. `fit` prefetches batches, so a callback must pass the real position.
        """
        n = len(self)
        if position is None:
            position = self.position
        return {
            "version": STATE_VERSION,
            "kind": type(self).__name__,
            "seed": self.seed,
            "epoch": self._epoch,
            "position": check_int("position", position, 0, n),
            "n_batches": n,
            "settings": {**self._settings(), "shuffle": self.shuffle},
            "data": self._data_fingerprint(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from `state`: the remaining batches are the same as in the dataset that returned it.

        A loop over the dataset, or `fit(dataset, shuffle=False, steps_per_epoch=dataset.remaining, epochs=1)`, yields
        the rest of the epoch; later epochs are complete. (A plain `fit` runs `len(dataset)` steps: after the rest it
        repeats the first batches of the same epoch.) `fit(shuffle=True)`, the default of Keras, requests batches in an
        order that cannot be reproduced: pass `shuffle=False`.

        Args:
            state: a dictionary from :meth:`state_dict`.

        Raises:
            StorageError: `state` is not a state of this kind of dataset.
            InvalidArgumentError: it belongs to other settings, another seed or other data.
        """
        try:
            version, kind, seed = state["version"], state["kind"], state["seed"]
            epoch, position = state["epoch"], state["position"]
            settings, data = dict(state["settings"]), dict(state["data"])
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"not a state of a dataset: {error!r}; expected the result of state_dict().") from None
        if version != STATE_VERSION:
            raise StorageError(f"state of version {version!r}; expected {STATE_VERSION}.")
        if kind != type(self).__name__:
            raise StorageError(f"state of a {kind}; expected one of a {type(self).__name__}.")
        mine = {**self._settings(), "shuffle": self.shuffle}
        _check_same("settings", "Create the dataset with the settings of the state.", settings, mine)
        _check_same("data", "Create the dataset from the same data as the state.", data, self._data_fingerprint())
        seed = check_seed("seed", seed)
        if self._seed_was_given and seed != self.seed:
            raise InvalidArgumentError(
                f"state of seed={seed}, but the dataset has seed={self.seed}. Use the same seed."
            )
        with self._lock:
            self.take_seed(seed)
            n = len(self)
            epoch, position = check_int("epoch", epoch, 0), check_int("position", position, 0, n)
            if position == n:  # all consumed: start with the next epoch
                epoch, position = epoch + 1, 0
            self.epoch = epoch
            self._start = position
            self._inside = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_planned": None, "_fit": (0, None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


def _check_same(what: str, remedy: str, theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    for name in sorted(theirs.keys() | mine.keys()):
        if theirs.get(name) != mine.get(name):
            raise InvalidArgumentError(
                f"state of other {what}: {name} was {theirs.get(name)!r}, here it is {mine.get(name)!r}. {remedy}"
            )
