"""Trains skip-gram and CBOW in C on all cores. Imports Keras only if callbacks are given.

The text is divided into slices; threads take them in order and train on the same tables without locks (Hogwild, Niu
et al. 2011). Between two slices a thread can stop: for a checkpoint, at Ctrl-C, or at a divergence. With one worker the
slices are trained in order and every random draw is a function of (seed, epoch, position), so the same seed repeats the
same vectors to the bit on the same machine.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

from kerazoo._runtime.callers import outside_level
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.batching.sampling import epoch_keys
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.engines.divergence import DivergenceGuard
from kerazoo.word2vec.engines.native_kernel import NativeKernel
from kerazoo.word2vec.engines.native_slices import EpochSlices, LossSums
from kerazoo.word2vec.engines.native_tables import TablesSnapshot
from kerazoo.word2vec.engines.progress import TrainingProgress
from kerazoo.word2vec.options import LARGEST_NEGATIVE, TrainingSettings
from kerazoo.word2vec.results import TrainingResult, TrainingState

if TYPE_CHECKING:
    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.engines.callbacks import EpochCallbacks
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint

__all__ = ["NativeTrainer", "check_settings", "train"]


def train(
    corpus: EncodedCorpus,
    settings: TrainingSettings,
    start: TrainingState | None = None,
    checkpoint: TrainingCheckpoint | None = None,
) -> TrainingResult:
    """Train on `corpus`.

    Args:
        corpus: has a document of two words.
        settings: checked.
        start: the state at which the training starts or continues; None: a new model.
        checkpoint: where the state is written from time to time, or None.

    Returns:
        The tables and the history, also after Ctrl-C or a divergence.

    Raises:
        InvalidArgumentError: the settings are not those of this engine.
        TrainingError: the training diverges, and no snapshot of good tables could be kept.
    """
    check_settings(settings)
    return NativeTrainer(corpus, settings, start or TrainingState(), checkpoint).run()


def check_settings(settings: TrainingSettings) -> None:
    """Check that this engine has these settings.

    Raises:
        InvalidArgumentError: it has not.
    """
    if settings.negative > LARGEST_NEGATIVE:
        raise InvalidArgumentError(
            f"negative={settings.negative} with engine='native'; expected at most {LARGEST_NEGATIVE}. The usual value "
            "is 5; engine='keras' takes more."
        )


class NativeTrainer(NativeKernel):
    """One training: the tables, the epochs, and the work of the main thread between slices."""

    def __init__(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        start: TrainingState,
        checkpoint: TrainingCheckpoint | None,
    ) -> None:
        self.checkpoint, self.start = checkpoint, start
        super().__init__(Tokens.of(corpus), settings, start.tables, lambda: corpus.vocabulary.words)
        start.tables = None  # memory holds the tables once
        self.progress = TrainingProgress(corpus.n_raw_words, settings.epochs, settings.verbose, start)
        self.guard = self._new_guard()
        self.epoch: EpochSlices | None = None
        self.pairs = 0

    def run(self) -> TrainingResult:
        """Train all epochs that are left."""
        interrupted, error = False, None
        callbacks = self._callbacks()
        self.progress.start(self.start.position * self.slice / len(self.tokens.ids))
        with DeferredInterrupt() as self.interrupt:
            try:
                if callbacks is not None:
                    callbacks.begin(self.start.history["loss"])
                for number in range(self.start.epoch, self.settings.epochs):
                    if callbacks is not None and callbacks.stopped:
                        break
                    self._run_epoch(number, callbacks)
                if callbacks is not None:
                    tables = callbacks.end()
                    if self.progress.history["loss"]:
                        self.tables.take_from_callbacks(tables)
            except KeyboardInterrupt:
                interrupted = True
            except TrainingError as caught:
                error = caught
            finally:
                self.progress.close()
        if not self.pairs and self.start.epoch == 0 and not interrupted and error is None:
            warnings.warn(
                f"no epoch has a pair: sample={self.settings.sample:g} leaves no two words in one document, so nothing "
                "was learned. It is too small for this corpus; sample=0 keeps all words.",
                UserWarning,
                stacklevel=outside_level(),
            )
        if error is not None:
            if not self.guard.good.is_usable():  # a warning has said that there is none
                raise error
            self.guard.good.restore(self.tables)
        elif self.checkpoint is not None:
            if interrupted:
                self._write_checkpoint()
            else:
                self.checkpoint.write(TrainingState(self.tables.copy(), self.progress.history), complete=True)
        return TrainingResult(self.tables.release(), self.progress.history, None, interrupted, error)

    def _new_guard(self) -> DivergenceGuard[TablesSnapshot]:
        snapshot = TablesSnapshot(self.tables)
        return DivergenceGuard(snapshot, self._untrained_loss(), self.settings.epochs, len(self.tokens.ids))

    def _callbacks(self) -> EpochCallbacks | None:
        settings = self.settings
        if not settings.callbacks:
            return None
        from kerazoo.word2vec.engines.callbacks import EpochCallbacks

        return EpochCallbacks(
            settings.callbacks,
            settings.epochs,
            vocabulary_size=len(self.tokens.counts),
            vector_size=settings.vector_size,
            loss=settings.loss,
            noise_probabilities=self.noise.probabilities,
            negative=settings.negative,
            tree=self.tables.tree,
        )

    def _run_epoch(self, number: int, callbacks: EpochCallbacks | None) -> None:
        resumed, self.start.position = self.start.position, 0
        sums = LossSums(**self.start.engine) if resumed else LossSums()
        n_tokens = len(self.tokens.ids)
        keys = epoch_keys(self.settings.seeds[1], number)
        new_trainer = self._kernel(keys, number * n_tokens, self.settings.epochs * n_tokens)
        epoch = self.epoch = EpochSlices(new_trainer, 0, n_tokens, self.slice, resumed, sums)
        self.words_done[0] = min(resumed * self.slice, n_tokens)
        if callbacks is not None:
            callbacks.begin_epoch(number)
        self.progress.start_epoch()
        while epoch.position < epoch.n_slices:
            epoch.run(self.settings.workers, lambda: self._poll(epoch))
            if epoch.position < epoch.n_slices:  # otherwise the epoch ends first
                self._write_if_due()
                self.interrupt.raise_if_pending()
        # Subsampling may leave an epoch of a tiny corpus without a pair. It changes no table, so the loss stays what it
        # was: at first that of an untrained model.
        self.pairs += sums.pairs
        loss = sums.mean if sums.pairs else (self.progress.history["loss"] or [self._untrained_loss()])[-1]
        self.guard.check(loss, number)
        if not self.tables.are_finite():
            self.guard.check(float("nan"), number)
        self.progress.end_epoch(loss)
        if callbacks is not None:
            callbacks.end_epoch(number, loss, self.tables.for_callbacks(), self.tables.with_subwords())
        self._write_if_due()
        self.interrupt.raise_if_pending()

    def _write_if_due(self) -> None:
        if self.checkpoint is not None and self.checkpoint.is_due():
            self._write_checkpoint()

    def _poll(self, epoch: EpochSlices) -> None:
        """In the main thread, several times per second while the others train."""
        sums, fraction = epoch.sums, float(self.words_done[0]) / len(self.tokens.ids)
        if sums.measured:
            self.guard.check(sums.mean, self.progress.epoch, fraction)
            self.guard.keep(lambda: TablesSnapshot(self.tables))
            self.progress.advance(fraction, sums.mean)
        if self.interrupt.pending or (self.checkpoint is not None and self.checkpoint.is_due()):
            epoch.stop = True

    def _write_checkpoint(self) -> None:
        """While no thread trains."""
        if self.checkpoint is None or self.epoch is None:
            return
        tables = self.tables.copy()
        if not tables.are_finite():
            return
        history = {name: list(values) for name, values in self.progress.history.items()}
        state = TrainingState(tables, history)
        if 0 < self.epoch.position < self.epoch.n_slices:
            state.position, state.seconds = self.epoch.position, self.progress.seconds
            state.engine = dataclasses.asdict(self.epoch.sums)
        self.checkpoint.write(state)
