"""The training by several workers, as the main process sees it: rounds, exchanges, checkpoints, and lost workers."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from kerazoo._runtime.callers import outside_level
from kerazoo._runtime.checkpoints import DEFAULT_MINUTES
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.errors import ClusterError, InvalidArgumentError, TrainingError
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.cluster.logical import LogicalTeam
from kerazoo.word2vec.cluster.partition import bytes_per_row
from kerazoo.word2vec.cluster.schedule import Schedule
from kerazoo.word2vec.cluster.worker import Round
from kerazoo.word2vec.engines.divergence import DivergenceGuard
from kerazoo.word2vec.engines.native import check_settings
from kerazoo.word2vec.engines.native_kernel import NativeKernel, mean_untrained_loss
from kerazoo.word2vec.engines.native_slices import LossSums
from kerazoo.word2vec.engines.progress import TrainingProgress
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.results import TrainingResult, TrainingState
from kerazoo.word2vec.subword_options import FastTextSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kerazoo.distributed.options import ClusterOptions
    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.engines.callbacks import EpochCallbacks
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint
    from kerazoo.word2vec.options import TrainingSettings
    from kerazoo.word2vec.results import Tables

__all__ = ["ClusterTrainer", "Team", "check_trainable", "train"]


AHEAD = 2  # rounds that are asked for before one is done


class Team(Protocol):
    """The workers. Tables are equal, and may be asked for, after an exchange of all rows.

    Attributes:
        bytes_on_wire: sent by workers to others, in all exchanges.
        may_be_lost: whether workers are processes that may die.
    """

    bytes_on_wire: int
    may_be_lost: bool

    @property
    def n_workers(self) -> int:
        """How many there are now."""
        ...

    def submit(self, rounds: Sequence[Round], n_rows: int) -> Any:
        """Ask the workers to train one range each, and then to exchange the most frequent words."""
        ...

    def collect(self, submitted: Any, sums: LossSums) -> None:
        """Wait for what was submitted; adds to `sums`."""
        ...

    def are_finite(self) -> bool:
        """Whether no value of the tables is NaN or infinite."""
        ...

    def snapshot(self) -> Any:
        """A copy of the tables, for :class:`DivergenceGuard`."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        ...

    def finish(self) -> None:
        """Make sure that the tables can be had, after the last exchange."""
        ...

    def copy(self) -> Tables:
        """The tables as they are now; they may lie in a file."""
        ...

    def release(self) -> Tables:
        """The tables, of which the workers keep nothing."""
        ...

    def restart(self, tables: Tables | None) -> None:
        """Start new workers after one was lost, with these tables, or with those of the start."""
        ...


def check_trainable(settings: TrainingSettings) -> None:
    """Check that workers can train with these settings.

    Raises:
        InvalidArgumentError: the native engine cannot, or the model has subwords.
    """
    check_settings(settings)
    if isinstance(settings, FastTextSettings):
        raise InvalidArgumentError(
            "cluster= with FastText: rows of n-grams are not exchanged between workers. Word2Vec trains on a cluster; "
            "FastText(workers=...) trains on all cores of one machine."
        )


def train(
    corpus: EncodedCorpus,
    settings: TrainingSettings,
    start: TrainingState,
    checkpoint: TrainingCheckpoint | None,
    options: ClusterOptions,
) -> TrainingResult:
    """Train on `corpus` with logical workers (``options.simulate``), as an engine does.

    Raises:
        InvalidArgumentError: the settings are not those of the native engine, or the model has subwords.
        TrainingError: the training diverges, and no snapshot of good tables could be kept.
    """
    check_trainable(settings)
    one_thread = dataclasses.replace(settings, workers=1)
    kernel = NativeKernel(Tokens.of(corpus), one_thread, start.tables, lambda: corpus.vocabulary.words)
    start.tables = None  # memory holds the tables once
    return ClusterTrainer(corpus, settings, start, checkpoint, LogicalTeam(kernel, options), options).run()


class ClusterTrainer:
    """One training: the epochs, and the work of the main process between rounds.

    Args:
        corpus: the text; only its sizes and counts are used.
        settings: checked.
        start: the state at which the training starts or continues.
        checkpoint: where the state is written from time to time, or None.
        team: the workers, with the tables of `start`.
        options: `sync_words`, `full_syncs` and `retries`.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        start: TrainingState,
        checkpoint: TrainingCheckpoint | None,
        team: Team,
        options: ClusterOptions,
    ) -> None:
        self.settings, self.checkpoint, self.team, self.options = settings, checkpoint, team, options
        self.n_tokens, self.counts = corpus.n_tokens, corpus.vocabulary.counts
        self.progress = TrainingProgress(corpus.n_raw_words, settings.epochs, settings.verbose, start)
        paths = HuffmanTree.from_counts(self.counts).paths() if settings.hs else None
        self.untrained = mean_untrained_loss(settings, self.counts, paths)
        self.position = start.position
        self.sums = LossSums(**start.engine) if start.position else LossSums()
        self.pairs = 0
        # Where the training goes on after a worker was lost: its tables are a file, or None for those at the start.
        self.saved = dataclasses.replace(start, tables=None, history=_copied(start.history))
        self.saved_at = time.monotonic()
        self.retries = options.retries
        try:
            snapshot = team.snapshot()
        except ClusterError as lost:
            snapshot = self._restarted(lost)
        self.guard = DivergenceGuard(snapshot, self.untrained, settings.epochs, self.n_tokens)
        self.started_at_first_epoch = start.epoch == 0

    def run(self) -> TrainingResult:
        """Train all epochs that are left."""
        interrupted, error = False, None
        callbacks = self._callbacks()
        self.progress.start(self.position / self.n_tokens)
        with DeferredInterrupt() as self.interrupt:
            try:
                if callbacks is not None:
                    callbacks.begin(self.progress.history["loss"])
                while not self._is_done(callbacks):
                    try:
                        self._run_epoch(callbacks)
                        if self._is_done(callbacks):
                            self.team.finish()
                    except ClusterError as lost:
                        self._go_back(lost)
                if callbacks is not None:
                    callbacks.end()
            except KeyboardInterrupt:
                interrupted = True
            except TrainingError as caught:
                error = caught
            finally:
                self.progress.close()
        if not self.pairs and self.started_at_first_epoch and not interrupted and error is None:
            warnings.warn(
                f"no epoch has a pair: sample={self.settings.sample:g} leaves no two words in one document, so nothing "
                "was learned. It is too small for this corpus; sample=0 keeps all words.",
                UserWarning,
                stacklevel=outside_level(),
            )
        if error is not None:
            if not self.guard.good.is_usable():  # a warning has said that there is none
                raise error
            self.team.restore(self.guard.good)
        elif self.checkpoint is not None and not interrupted:
            self.checkpoint.write(TrainingState(self.team.copy(), self.progress.history), complete=True)
        return TrainingResult(self.team.release(), self.progress.history, None, interrupted, error)

    def _is_done(self, callbacks: EpochCallbacks | None) -> bool:
        return self.progress.epoch >= self.settings.epochs or (callbacks is not None and callbacks.stopped)

    def _run_epoch(self, callbacks: EpochCallbacks | None) -> None:
        number, n_words = self.progress.epoch, len(self.counts)
        if callbacks is not None:
            callbacks.begin_epoch(number)
        self.progress.start_epoch()
        options = self.options
        changes, counts = bytes_per_row(self.settings, options.wire)
        schedule = Schedule(
            self.n_tokens, n_words, self.team.n_workers, options.sync_words, options.full_syncs, 2 * changes + counts
        )
        submitted: deque[tuple[Any, int]] = deque()
        for step in schedule.steps(self.position):
            words = (number * self.n_tokens + step.begin, self.settings.epochs * self.n_tokens)
            n_active = max(1, sum(end > begin for begin, end in step.ranges))
            rounds = [Round(number, begin, end, *words, n_active) for begin, end in step.ranges]
            stop = self.interrupt.pending
            whole = stop or step.n_rows == n_words  # at Ctrl-C, so that nothing is lost
            submitted.append((self.team.submit(rounds, n_words if whole else step.n_rows), step.end))
            # The workers have their next round before this process has seen the end of the last one.
            while len(submitted) > (0 if whole else AHEAD):
                waited, self.position = submitted.popleft()
                self.team.collect(waited, self.sums)
                self._check(number, self.position)
            if whole and step.end < self.n_tokens:
                self._after_exchange(number, stop)
        self._end_epoch(number, callbacks)

    def _check(self, number: int, position: int) -> None:
        fraction = position / self.n_tokens
        if self.sums.measured:
            self.guard.check(self.sums.mean, number, fraction)
            self.progress.advance(fraction, self.sums.mean)

    def _after_exchange(self, number: int, stop: bool) -> None:
        """Whole tables are equal on all workers."""
        if not self.team.are_finite():
            self.guard.check(float("nan"), number)
        self.guard.keep(self.team.snapshot)
        if self.checkpoint is not None:
            due = self.checkpoint.is_due()
        else:  # for lost workers alone
            due = self.team.may_be_lost and time.monotonic() - self.saved_at >= 60 * DEFAULT_MINUTES
        if due or (stop and self.checkpoint is not None):
            self._save()
        self.interrupt.raise_if_pending()

    def _end_epoch(self, number: int, callbacks: EpochCallbacks | None) -> None:
        sums = self.sums
        self.pairs += sums.pairs
        loss = sums.mean if sums.pairs else (self.progress.history["loss"] or [self.untrained])[-1]
        self.guard.check(loss, number)
        self.position, self.sums = 0, LossSums()
        self.progress.end_epoch(loss)
        if callbacks is not None:
            callbacks.end_epoch(number, loss, self.team.copy(), None)
        if self.progress.epoch < self.settings.epochs:
            self._after_exchange(number, self.interrupt.pending)
        elif not self.team.are_finite():
            self.guard.check(float("nan"), number)

    def _save(self) -> None:
        """Keep the state from which the training can go on: a checkpoint, and for lost workers."""
        state = TrainingState(self.team.copy(), _copied(self.progress.history))
        if self.position:
            state.position, state.seconds = self.position, self.progress.seconds
            state.engine = dataclasses.asdict(self.sums)
        if self.checkpoint is not None:
            self.checkpoint.write(state)
        self.saved, self.saved_at = state, time.monotonic()

    def _go_back(self, lost: ClusterError) -> None:
        """After a worker was lost: go on from the last state that was kept, or from the start."""
        self.guard.good = self._restarted(lost)  # the one before was lost with its worker
        self.position = self.saved.position
        self.sums = LossSums(**self.saved.engine) if self.saved.position else LossSums()
        self.progress.history.clear()
        self.progress.history.update(_copied(self.saved.history))

    def _restarted(self, lost: ClusterError) -> Any:
        """New workers with the tables of the last state that was kept, and a snapshot of these."""
        while True:
            if self.retries <= 0:
                raise lost
            self.retries -= 1
            warnings.warn(
                f"{lost} The training goes on from epoch {self.saved.epoch + 1}, "
                f"{100 * self.saved.position / self.n_tokens:.0f} % of it done.",
                RuntimeWarning,
                stacklevel=outside_level(),
            )
            self.team.restart(self.saved.tables)
            try:
                return self.team.snapshot()
            except ClusterError as again:
                lost = again

    def _callbacks(self) -> EpochCallbacks | None:
        settings = self.settings
        if not settings.callbacks:
            return None
        from kerazoo.word2vec.engines.callbacks import EpochCallbacks

        noise = NoiseDistribution(settings.noise, self.counts, settings.ns_exponent)
        return EpochCallbacks(
            settings.callbacks,
            settings.epochs,
            vocabulary_size=len(self.counts),
            vector_size=settings.vector_size,
            loss=settings.loss,
            noise_probabilities=noise.probabilities,
            negative=settings.negative,
            tree=HuffmanTree.from_counts(self.counts) if settings.hs else None,
        )


def _copied(history: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: list(values) for name, values in history.items()}
