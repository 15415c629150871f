"""What the three datasets share: seeds, epochs, the order of batches, and the state from which a run resumes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.batching.sampling import epoch_keys
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo_ext import _order

__all__ = ["ResumableDataset"]

STATE_VERSION = 1


class Epoch(NamedTuple):
    """An epoch that has been planned.

    Attributes:
        number: int, counted from 0.
        keys: uint64 (4,), one stream of random numbers each: tokens, contexts, noise, order.
        n_batches: int, batches that the epoch really has (a dataset always gives `len(dataset)` of them).
        plan: what the subclass needs to make any batch of it.
    """

    number: int
    keys: NDArray[np.uint64]
    n_batches: int
    plan: Any


class ResumableDataset(keras.utils.PyDataset):
    """A Keras `PyDataset` whose batches are functions of (seed, epoch, index) alone.

    So batches can be asked for in any order and from any number of threads, and a run that was stopped in the middle
    of an epoch resumes with the very batches that were left (:meth:`state_dict`, :meth:`load_state_dict`).

    Subclasses give `_plan(number, keys) -> (n_batches, plan)`, `_batch(epoch, index)`, `_settings()` and
    `_data_fingerprint()`.

    Args:
        seed: int >= 0, or None to draw one from the operating system (kept in `seed`).
        shuffle: bool; whether batches come in an order that is drawn anew for each epoch.
        advance: bool; whether the epoch goes up by itself. False gives the same batches again and again, which is
            what validation data should do.
        workers, max_queue_size: as in `keras.utils.PyDataset`. One worker is enough: a batch takes microseconds and
            the GIL is released meanwhile.
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
            workers=check_int("workers", workers), max_queue_size=check_int("max_queue_size", max_queue_size)
        )
        self._seed_was_given = seed is not None
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        self.seed = check_int("seed", seed, 0, hint="None draws a seed, which is then found in `.seed`.")
        self.shuffle = bool(shuffle)
        self.advance = bool(advance)
        self._epoch = 0
        self._start = 0  # batches of this epoch that were consumed before `load_state_dict`
        self._served: bytearray | None = None  # one flag a batch of this epoch
        self._n_served = 0
        self._inside = False  # between on_epoch_begin and on_epoch_end
        self._planned: Epoch | None = None
        self._n_batches: int | None = None
        self._lock = threading.RLock()

    # What a subclass gives.

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
        """Batches in an epoch: as many as epoch 0 has, in every epoch.

        Keras asks once, when `fit` starts. Subsampling gives every epoch a slightly different number of pairs, so a
        later epoch leaves its last pairs out or begins again to fill up.
        """
        with self._lock:
            if self._n_batches is None:
                self._n_batches = self._plan_of(0).n_batches
            return self._n_batches

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Batch `index` (0 to len - 1, or negative from the end) of the current epoch.

        In an epoch that was resumed at position k, index 0 is batch k; what follows the last batch is the first one.
        """
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
        """Batch `index` (0 to len - 1) of epoch `epoch`, whatever the current epoch is; changes nothing here.

        For loops that keep their place themselves; from any number of threads.
        """
        with self._lock:
            n = len(self)
            if not 0 <= index < n:
                raise IndexError(f"batch {index} of a dataset of {n} batches")
            planned = self._plan_of(check_int("epoch", epoch, 0))
        return self._ordered(planned, index, n)

    def _ordered(self, epoch: Epoch, index: int, n: int) -> tuple[Any, ...]:
        if self.shuffle and self._permutes_batches:
            index = _order.permute_one(index, n, int(epoch.keys[3]))
        return self._batch(epoch, index)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The batches of the current epoch (those that are left, if it was resumed); at the end it is the next epoch.

        A loop that is left early starts at the same place again.
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
        """Batches of the current epoch that were given out (consumed before a resume, or served since)."""
        return min(self._start + self._n_served, len(self))

    @property
    def remaining(self) -> int:
        """Batches that a resumed epoch had left when it was resumed; else `len(self)`.

        `model.fit(dataset, steps_per_epoch=dataset.remaining, epochs=1)` ends that epoch.
        """
        return len(self) - self._start

    def _clear_served(self) -> None:
        with self._lock:
            self._served = None
            self._n_served = 0

    def on_epoch_begin(self) -> None:
        """Called by Keras."""
        # Nothing is cleared here: with several workers, Keras asks for batches before it calls this.
        self._inside = True

    def on_epoch_end(self) -> None:
        """Called by Keras; goes on to the next epoch if this one was given out whole.

        Keras also calls this before training, after it has looked at a batch or two, and (with `steps_per_epoch`) in
        the middle of an epoch: then the epoch stays what it is.
        """
        with self._lock:
            if not self._inside:  # `fit` begins; what was asked for until now were looks
                self._clear_served()
                return
            self._inside = False
            # On JAX and torch, Keras looks at the first batch of a model that is not built within a begin and an end.
            # Where an epoch has one batch only, that look is a whole epoch, and training begins with the next.
            if self._n_served >= len(self) - self._start:
                if self.advance:
                    self.epoch = self._epoch + 1
                else:
                    self._start = 0
                    self._clear_served()

    # State.

    def state_dict(self, position: int | None = None) -> dict[str, Any]:
        """Where this dataset stands, as a dictionary that JSON can hold.

        Args:
            position: int from 0 to len(self), batches of the current epoch that were really consumed; None takes
                :attr:`position`. `fit` fetches ahead, so a callback has to say how far the training is.
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
        """Go on where the dataset that gave `state` stood: the batches that were left are then the same.

        A loop over the dataset, or `fit(dataset, shuffle=False, steps_per_epoch=dataset.remaining, epochs=1)`, gives
        the rest of the epoch; later epochs are whole again. (A plain `fit` runs `len(dataset)` steps: after the rest
        it repeats the first batches of the same epoch.) `fit(shuffle=True)`, the default of Keras, asks for the
        batches in an order that nobody can know afterwards: pass `shuffle=False`.

        Raises:
            StorageError: `state` is not a state of this kind of dataset.
            InvalidArgumentError: it belongs to other settings, another seed or other data.
        """
        try:
            version, kind, seed = state["version"], state["kind"], state["seed"]
            epoch, position = state["epoch"], state["position"]
            settings, data = dict(state["settings"]), dict(state["data"])
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"this is no state of a dataset: {error!r}; expected what state_dict() gave.") from None
        if version != STATE_VERSION:
            raise StorageError(f"state of version {version!r}; expected {STATE_VERSION}.")
        if kind != type(self).__name__:
            raise StorageError(f"state of a {kind}; expected one of a {type(self).__name__}.")
        mine = {**self._settings(), "shuffle": self.shuffle}
        _check_same("settings", "Make the dataset with the settings of the state.", settings, mine)
        _check_same(
            "data", "Make the dataset from the data that the state was made with.", data, self._data_fingerprint()
        )
        seed = check_int("seed", seed, 0)
        if self._seed_was_given and seed != self.seed:
            raise InvalidArgumentError(
                f"state of seed={seed}, but the dataset has seed={self.seed}. Use the same seed."
            )
        with self._lock:
            if seed != self.seed:
                self.seed, self._planned, self._n_batches = seed, None, None
            n = len(self)
            epoch, position = check_int("epoch", epoch, 0), check_int("position", position, 0, n)
            if position == n:  # all consumed: the next epoch begins
                epoch, position = epoch + 1, 0
            self.epoch = epoch
            self._start = position
            self._inside = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_planned": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


def _check_same(what: str, remedy: str, theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    for name in sorted(theirs.keys() | mine.keys()):
        if theirs.get(name) != mine.get(name):
            raise InvalidArgumentError(
                f"state of other {what}: {name} was {theirs.get(name)!r}, here it is {mine.get(name)!r}. {remedy}"
            )
