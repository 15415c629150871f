"""The progress of a training, as a bar or as one line per epoch. Does not import Keras."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from kerazoo.word2vec.results import TrainingState

__all__ = ["TrainingProgress"]


class TrainingProgress:
    """Counts raw words, keeps the history of the epochs, and shows both.

    Args:
        n_words: raw words of one epoch.
        epochs: number of epochs.
        verbose: 0 silent, 1 a progress bar, 2 one line per epoch.
        state: the state at which the training starts or continues; None: a new training.

    Attributes:
        history: see :class:`kerazoo.word2vec.results.TrainingResult`.
    """

    def __init__(self, n_words: int, epochs: int, verbose: int, state: TrainingState | None = None) -> None:
        state = state or TrainingState()
        self.n_words = n_words
        self.epochs = epochs
        self.verbose = verbose
        self.history = {name: list(values) for name, values in state.history.items()}
        self._bar: tqdm | None = None
        self._epoch_start = 0.0
        self._seconds_before = state.seconds  # on the current epoch, by the run that is resumed

    @property
    def epoch(self) -> int:
        """The current epoch, from 0."""
        return len(self.history["loss"])

    @property
    def seconds(self) -> float:
        """Time spent on the current epoch so far."""
        return self._seconds_before + time.perf_counter() - self._epoch_start

    def start(self, fraction: float = 0.0) -> None:
        """Start the training, with `fraction` of the current epoch already done."""
        if self.verbose == 1 and sys.stderr is not None:  # there is none under pythonw, and in some services
            self._bar = tqdm(
                total=self.n_words * self.epochs,
                initial=self._words(fraction),
                unit="word",
                unit_scale=True,
                mininterval=0.2,
                file=sys.stderr,
            )

    def start_epoch(self) -> None:
        """Start the clock of an epoch."""
        self._epoch_start = time.perf_counter()
        if self._bar is not None:
            self._bar.set_description(f"epoch {len(self.history['loss']) + 1}/{self.epochs}", refresh=False)

    def advance(self, fraction: float, loss: float | None = None) -> None:
        """Show that `fraction` of the current epoch is done, and the mean loss so far."""
        if self._bar is None:
            return
        if loss is not None:
            self._bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        self._bar.update(self._words(min(fraction, 1.0)) - self._bar.n)

    def end_epoch(self, loss: float) -> None:
        """Add an epoch with this mean loss to the history, and show it."""
        seconds = self.seconds
        self._seconds_before = 0.0
        self.history["loss"].append(loss)
        self.history["seconds"].append(seconds)
        self.history["words_per_second"].append(self.n_words / seconds)
        if self._bar is not None:
            self.advance(0.0, loss)
        elif self.verbose >= 2:
            print(
                f"epoch {len(self.history['loss']):>3}/{self.epochs}  loss {loss:.4f}  "
                f"{self.n_words / seconds:>12,.0f} words/s  {seconds:.2f} s",
                flush=True,
            )

    def close(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _words(self, fraction: float) -> int:
        """Words done after `fraction` of the current epoch."""
        return int(self.n_words * (len(self.history["loss"]) + fraction))
