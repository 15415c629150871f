"""Trains skip-gram and CBOW in C on all cores. Imports Keras only if callbacks are given.

The text is divided into slices; threads take them in order and train on the same tables without locks (Hogwild, Niu
et al. 2011). Between two slices a thread can stop: for a checkpoint, at Ctrl-C, or at a divergence. With one worker the
slices are trained in order and every random draw is a function of (seed, epoch, position), so the same seed repeats the
same vectors to the bit on the same machine.
"""

from __future__ import annotations

import dataclasses
import math
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._validation import check_choice
from kerazoo.batching.sampling import NoiseDistribution, epoch_keys, keep_thresholds
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.text.tokens import Tokens
from kerazoo.word2vec.engines.divergence import DivergenceGuard, untrained_loss
from kerazoo.word2vec.engines.native_slices import EpochSlices, LossSums
from kerazoo.word2vec.engines.native_subwords import LARGEST_SPAN, SubwordTables
from kerazoo.word2vec.engines.native_tables import PaddedTables, TablesSnapshot
from kerazoo.word2vec.engines.progress import TrainingProgress
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.options import LARGEST_NEGATIVE, NATIVE_LOSSES, TrainingSettings
from kerazoo.word2vec.results import TrainingResult, TrainingState
from kerazoo.word2vec.subword_options import FastTextSettings
from kerazoo_ext import _word2vec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.engines.callbacks import EpochCallbacks
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint

__all__ = ["NativeTrainer", "train"]

INSTRUCTION_SET_VARIABLE = "KERAZOO_INSTRUCTION_SET"

CHUNK = 256  # positions; slices start at multiples of it
LARGEST_SLICE = 1 << 16  # about 20 ms with vectors of 100 numbers and windows of 5
SLICES_WANTED = 64
LARGEST_GROUP = 32  # centres that are trained together (docs/native-engine.md)
NOISE_PER_GROUP = 16  # noise words that they share, for up to 7 noise words per pair, and 16 more for every 5 more
# With fewer tokens, the loss of every group is measured, otherwise that of one in 64.
SMALL_CORPUS = 200_000


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
    _check(settings)
    return NativeTrainer(corpus, settings, start or TrainingState(), checkpoint).run()


def instruction_set() -> str:
    """The widest instruction set of this CPU, or the one that the variable KERAZOO_INSTRUCTION_SET names."""
    known = _word2vec.INSTRUCTION_SETS
    widest = _word2vec.widest()
    wanted = os.environ.get(INSTRUCTION_SET_VARIABLE)
    if wanted is None:
        return widest
    return check_choice(INSTRUCTION_SET_VARIABLE, wanted, known[: known.index(widest) + 1])


def _check(settings: TrainingSettings) -> None:
    if settings.loss not in NATIVE_LOSSES:
        raise InvalidArgumentError(
            f"loss={settings.loss!r} with engine='native'; expected one of {', '.join(map(repr, NATIVE_LOSSES))}. "
            "engine='keras' has the others."
        )
    if settings.negative > LARGEST_NEGATIVE:
        raise InvalidArgumentError(
            f"negative={settings.negative} with engine='native'; expected at most {LARGEST_NEGATIVE}."
        )


class NativeTrainer:
    """One training: the tables, the epochs, and the work of the main thread between slices."""

    def __init__(
        self,
        corpus: EncodedCorpus,
        settings: TrainingSettings,
        start: TrainingState,
        checkpoint: TrainingCheckpoint | None,
    ) -> None:
        self.settings, self.checkpoint, self.start = settings, checkpoint, start
        self.tokens = Tokens.of(corpus)
        self.reach = min(settings.window, self.tokens.longest_document(settings.window))
        self.noise = NoiseDistribution(settings.noise, self.tokens.counts, settings.ns_exponent)
        self.keep = keep_thresholds(self.tokens.counts, settings.sample)
        self.instruction_set = instruction_set()
        self.n_noise = NOISE_PER_GROUP * max(1, round(settings.negative / 5)) if settings.negative else 0
        self.slice = self._slice_size()
        self.log_expected = None
        if settings.has_biases:
            self.log_expected = self.noise.log_probabilities + np.float32(np.log(settings.negative))
        tree = start.tables.tree if start.tables is not None else None
        if settings.hs and tree is None:
            tree = HuffmanTree.from_counts(self.tokens.counts)
        self.paths = None if tree is None else tree.paths()
        self.tables = self._make_tables(corpus, tree)
        self.group, self.span = self._group_and_span()
        if start.tables is None:
            self.tables.draw(settings.seeds[0], self.noise.log_probabilities)
        else:
            self.tables.assign(start.tables)
            start.tables = None  # memory holds the tables once
        self.progress = TrainingProgress(corpus.n_raw_words, settings.epochs, settings.verbose, start)
        self.guard = self._new_guard()
        self.words_done = np.zeros(1, np.int64)
        self.epoch: EpochSlices | None = None
        self.pairs = 0

    def _make_tables(self, corpus: EncodedCorpus, tree: HuffmanTree | None) -> PaddedTables:
        settings, start = self.settings, self.start.tables
        if isinstance(settings, FastTextSettings):
            buckets = None if start is None else start.ngram_buckets
            return SubwordTables(
                corpus.vocabulary.words, self.tokens.counts, settings.vector_size, settings.has_biases, settings.ngrams,
                buckets,
            )  # fmt: skip
        return PaddedTables(
            len(self.tokens.counts), settings.vector_size, settings.negative > 0, settings.has_biases, tree
        )

    def _untrained_loss(self) -> float:
        """Mean loss per pair before training: that of the noise words, and log 2 for each node on the path."""
        settings, loss = self.settings, 0.0
        if settings.negative:
            loss += untrained_loss(settings.loss, settings.negative)
        if self.paths is not None:
            counts = self.tokens.counts
            loss += float(counts @ np.diff(self.paths[0])) / float(counts.sum()) * math.log(2)
        return loss

    def _slice_size(self) -> int:
        """Tokens per slice: 64 slices per epoch, none of which takes long, since Ctrl-C waits for the end of one."""
        settings = self.settings
        products = 3 * (settings.window + 1) * (1 + 20 * settings.hs) + 4 * self.n_noise  # of vectors, per token
        largest = LARGEST_SLICE * 8200 // (settings.vector_size * products)
        wanted = -(-len(self.tokens.ids) // SLICES_WANTED)
        return max(1, -(-min(largest, wanted, LARGEST_SLICE) // CHUNK)) * CHUNK

    def _group_and_span(self) -> tuple[int, int]:
        """Centres per group: LARGEST_GROUP, or fewer if the most frequent word would often occur twice in a group.

        All updates of a group are computed from the same stale values, so a word that occurs in it ten times moves ten
        times as far. With subwords also groups per span, see :meth:`SubwordTables.largest_span`.
        """
        kept = self.tokens.counts.astype(np.float64)
        if self.keep is not None:
            kept *= self.keep / 2.0**32
        shares = kept / max(kept.sum(), 1.0)
        group = int(np.clip(0.5 / max(shares.max(), 1e-9), 1, LARGEST_GROUP))
        if not isinstance(self.tables, SubwordTables):
            return group, 1
        settings = self.settings
        largest = self.tables.largest_span(shares, settings.alpha * (self.reach + 1) * settings.workers)
        group = int(np.clip(largest, 1, group))
        return group, int(np.clip(largest / group, 1, LARGEST_SPAN))

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
                stacklevel=4,
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
        return DivergenceGuard(TablesSnapshot(self.tables), self._untrained_loss())

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
        epoch = self.epoch = EpochSlices(self._kernel(keys, number), n_tokens, self.slice, resumed, sums)
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

    def _kernel(self, keys: NDArray[np.uint64], number: int) -> Callable[[int, int], tuple[float, int, int]]:
        """The kernel for positions begin..end - 1 of epoch `number`."""
        settings, tokens, tables = self.settings, self.tokens, self.tables
        n_tokens = len(tokens.ids)
        path_offsets, paths = (None, None) if self.paths is None else self.paths
        more = tables.kernel_arguments(self.span)
        longest_path = 0 if path_offsets is None else int(np.diff(path_offsets).max())

        def train_slice(begin: int, end: int) -> tuple[float, int, int]:
            return _word2vec.train(
                tokens.ids,
                tokens.offsets,
                self.keep,
                keys,
                settings.window,
                settings.shrink_windows,
                inputs=tables.inputs,
                alias_table=self.noise.table,
                outputs=tables.outputs,
                biases=tables.biases,
                log_expected=self.log_expected,
                nodes=tables.nodes,
                path_offsets=path_offsets,
                paths=paths,
                longest_path=longest_path,
                cbow=not settings.sg,
                mean=bool(settings.cbow_mean),
                size=settings.vector_size,
                reach=self.reach,
                group=self.group,
                n_noise=self.n_noise,
                noise_weight=settings.negative / max(self.n_noise, 1),
                remove_hits=settings.loss == "negative_sampling",
                measured_every=1 if n_tokens < SMALL_CORPUS else 64,
                alpha=settings.alpha,
                min_alpha=settings.min_alpha,
                words_before=number * n_tokens,
                words=settings.epochs * n_tokens,
                words_done=self.words_done,
                instruction_set=self.instruction_set,
                begin=begin,
                end=end,
                **more,
            )

        return train_slice

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
