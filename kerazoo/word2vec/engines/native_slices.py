"""An epoch of the native engine as slices of text, which threads take in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["EpochSlices", "LossSums"]


class Trainer(Protocol):
    """Trains parts of a text in one thread, see `kerazoo_ext._word2vec.Trainer`."""

    def train(self, begin: int, end: int, /) -> tuple[float, int, int]:
        """Train positions begin..end - 1; returns the three values of :class:`LossSums`."""

    def close(self) -> None:
        """Complete the tables."""


POLL_SECONDS = 0.05  # between two calls of `poll`


@dataclass
class LossSums:
    """Sums over the slices of an epoch.

    Attributes:
        loss: sum of the losses of the measured pairs.
        measured: number of the measured pairs.
        pairs: number of all pairs.
    """

    loss: float = 0.0
    measured: int = 0
    pairs: int = 0

    @property
    def mean(self) -> float:
        """Mean loss of the measured pairs; 0 if there are none."""
        return self.loss / self.measured if self.measured else 0.0


class EpochSlices:
    """The slices of one epoch from number `position` on, for any number of threads.

    Args:
        new_trainer: makes what trains parts of the text, for one thread.
        first: position of the first token.
        n_tokens: tokens of the text from there on.
        slice_size: tokens per slice.
        position: number of the first slice that is left.
        sums: of the slices before `position`; the others are added.

    Attributes:
        position: number of slices that were handed out.
        n_slices: slices per epoch.
        stop: set it to True to have the threads stop after their current slices.
    """

    def __init__(
        self,
        new_trainer: Callable[[], Trainer],
        first: int,
        n_tokens: int,
        slice_size: int,
        position: int,
        sums: LossSums,
    ) -> None:
        self.position = position
        self.n_slices = -(-n_tokens // slice_size)
        self.sums = sums
        self.stop = False
        self._new_trainer, self._first, self._n_tokens, self._slice = new_trainer, first, n_tokens, slice_size
        self._lock, self._errors = threading.Lock(), list[BaseException]()

    def run(self, workers: int, poll: Callable[[], None]) -> None:
        """Train in `workers` threads until all slices are done or `stop` is set; call `poll` in this thread meanwhile.

        No thread runs when it returns or raises.
        """
        self.stop = False
        threads = [threading.Thread(target=self._take, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(POLL_SECONDS)
                    poll()
        finally:
            self.stop = True
            for thread in threads:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def _take(self) -> None:
        try:
            trainer = self._new_trainer()
            try:
                while self._take_one(trainer):
                    pass
            finally:
                trainer.close()  # only then are the tables complete
        except BaseException as error:  # the main thread raises it
            self._errors.append(error)
            self.stop = True

    def _take_one(self, trainer: Trainer) -> bool:
        """Train one slice; False if none is left, or if the threads should stop."""
        with self._lock:
            if self.stop or self.position >= self.n_slices:
                return False
            begin = self.position * self._slice
            self.position += 1
        end = min(begin + self._slice, self._n_tokens)
        loss, measured, pairs = trainer.train(self._first + begin, self._first + end)
        with self._lock:
            self.sums.loss += loss
            self.sums.measured += measured
            self.sums.pairs += pairs
        return True
