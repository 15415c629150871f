"""Trains skip-gram and CBOW in C on all cores. Imports no Keras, unless Keras callbacks are given.

Text is cut into slices; threads take them in order and train on the same tables without locks (Hogwild). Between two
slices a thread can stop: for a checkpoint, at Ctrl-C, at a divergence. With one worker the slices come one after the
other and everything that is drawn depends on (seed, epoch, position), so the same seed repeats the same vectors to the
bit on the same machine.
"""

from __future__ import annotations

import dataclasses
import math
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._validation import check_choice
from kerazoo.batching.sampling import NoiseDistribution
from kerazoo.errors import CorpusError, InvalidArgumentError, TrainingError
from kerazoo.text.tokens import Tokens, epoch_keys, keep_thresholds
from kerazoo.word2vec import _kernels
from kerazoo.word2vec.engines.divergence import Safeguard, untrained_loss
from kerazoo.word2vec.engines.progress import TrainingProgress
from kerazoo.word2vec.hierarchy import HuffmanTree
from kerazoo.word2vec.options import Tables, TrainingResult, TrainingSettings, TrainingState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.io.checkpoints import Checkpoints

__all__ = ["LOSSES", "train"]

LOSSES = ("nce", "negative_sampling")
LARGEST_NEGATIVE = 64
INSTRUCTION_SET_VARIABLE = "KERAZOO_INSTRUCTION_SET"

CHUNK = 256  # positions; slices begin at multiples of it
LARGEST_SLICE = 1 << 16  # some 20 ms with vectors of 100 numbers and windows of 5
SLICES_WANTED = 64
LARGEST_GROUP = 32  # centres that are trained at once (docs/native-engine.md)
NOISE_PER_GROUP = 16  # noise words that they share, for up to 7 noise words a pair, and as many more for each 5 more
EVERY_GROUP = 200_000  # tokens; below, the loss of every group is measured, above, that of one in 64
GLANCE = 0.05  # seconds between two looks of the main thread

Table: TypeAlias = "NDArray[np.float32]"


def train(
    corpus: EncodedCorpus,
    settings: TrainingSettings,
    start: TrainingState | None = None,
    checkpoints: Checkpoints | None = None,
) -> TrainingResult:
    """Train on `corpus`, from the beginning or from `start`; a Ctrl-C or a divergence ends it and keeps the tables."""
    _check(settings)
    start = start or TrainingState()
    trainer = _Trainer(corpus, settings, start, checkpoints)
    return trainer.run()


def instruction_set() -> str:
    """The widest instruction set of this CPU, or what the variable KERAZOO_INSTRUCTION_SET names."""
    known = _kernels.word2vec.INSTRUCTION_SETS
    widest = _kernels.word2vec.widest()
    asked = os.environ.get(INSTRUCTION_SET_VARIABLE)
    if asked is None:
        return widest
    return check_choice(INSTRUCTION_SET_VARIABLE, asked, known[: known.index(widest) + 1])


def _check(settings: TrainingSettings) -> None:
    if settings.loss not in LOSSES:
        raise InvalidArgumentError(
            f"loss={settings.loss!r} with engine='native'; expected one of {', '.join(map(repr, LOSSES))}. "
            "engine='keras' has the others."
        )
    if settings.negative > LARGEST_NEGATIVE:
        raise InvalidArgumentError(
            f"negative={settings.negative} with engine='native'; expected at most {LARGEST_NEGATIVE}."
        )
    for name in ("block_size", "batch_size"):
        if getattr(settings, name) is not None:
            raise InvalidArgumentError(
                f"{name}={getattr(settings, name)} with engine='native'; expected None. It is for engine='keras'."
            )


class _PaddedTables:
    """The tables as the kernel wants them: rows of a multiple of 16 floats at multiples of 64 bytes.

    Args:
        n_words: rows.
        size: of the vectors.
        noise: whether there are output vectors.
        biased: whether they have biases.
        tree: of hierarchical softmax, or None.
    """

    def __init__(self, n_words: int, size: int, noise: bool, biased: bool, tree: HuffmanTree | None) -> None:
        self.size, self.tree = size, tree
        self.inputs = _aligned(n_words, size)
        self.outputs = _aligned(n_words, size) if noise else None
        self.biases = np.zeros(n_words, np.float32) if biased else None
        self.nodes = None if tree is None else _aligned(n_words - 1, size)

    def draw(self, seed: int, log_noise: NDArray[np.float32]) -> None:
        """W uniform in [-2/D, 2/D), the others zero, b = log q."""
        generator = np.random.default_rng(seed)
        for part in _parts(self.inputs):
            part[:, : self.size] = (generator.random((len(part), self.size), np.float32) - 0.5) * (4 / self.size)
        if self.biases is not None:
            self.biases[:] = log_noise

    def assign(self, tables: Tables) -> None:
        others = (tables.input_vectors, tables.output_vectors, tables.node_vectors)
        for table, values in zip((self.inputs, self.outputs, self.nodes), others, strict=True):
            if table is not None and values is not None:
                table[:, : self.size] = values
        if self.biases is not None:
            self.biases[:] = tables.output_biases

    def copy(self) -> Tables:
        return self._tables(lambda table: table[:, : self.size].copy(), lambda biases: biases.copy())

    def release(self) -> Tables:
        """The tables without padding, in the same memory; this object is of no use afterwards."""
        return self._tables(lambda table: _compact(table, self.size), lambda biases: biases)

    def _tables(self, of_table: Callable[[Table], Table], of_biases: Callable[[Table], Table]) -> Tables:
        outputs = None if self.outputs is None else of_table(self.outputs)
        biases = None if self.biases is None else of_biases(self.biases)
        nodes = None if self.nodes is None else of_table(self.nodes)
        return Tables(of_table(self.inputs), outputs, biases, nodes, self.tree)

    def arrays(self) -> list[Table]:
        arrays = (self.inputs, self.outputs, self.biases, self.nodes)
        return [array for array in arrays if array is not None]

    def are_finite(self) -> bool:
        return all(bool(np.isfinite(part).all()) for table in self.arrays() for part in _parts(table))


def _aligned(n_words: int, size: int) -> NDArray[np.float32]:
    stride = -(-size // 16) * 16
    memory = np.zeros(n_words * stride + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    return memory[start : start + n_words * stride].reshape(n_words, stride)


def _parts(table: NDArray[np.float32], n_rows: int = 4096) -> list[NDArray[np.float32]]:
    """Views of some rows each, so that what is made of them stays small."""
    return [table[first : first + n_rows] for first in range(0, len(table), n_rows)]


def _compact(table: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    flat = table.reshape(-1)
    done = 0
    for part in _parts(table):  # to the front, where the rows have been moved away already
        flat[done : done + len(part) * size] = part[:, :size].copy().reshape(-1)
        done += len(part) * size
    return flat[:done].reshape(-1, size)


@dataclass
class _Sums:
    """What the slices of an epoch add up to."""

    loss: float = 0.0
    measured: int = 0
    pairs: int = 0

    @property
    def mean(self) -> float:
        return self.loss / self.measured if self.measured else 0.0


class _Epoch:
    """The slices of one epoch from number `position` on, handed out in order to any number of threads."""

    def __init__(
        self,
        work: Callable[[int, int], tuple[float, int, int]],
        n_tokens: int,
        slice_size: int,
        position: int,
        sums: _Sums,
    ) -> None:
        self.position = position
        self.n_slices = -(-n_tokens // slice_size)
        self.sums = sums
        self.stop = False
        self._work, self._n_tokens, self._slice = work, n_tokens, slice_size
        self._lock, self._errors = threading.Lock(), list[BaseException]()

    def run(self, workers: int, glance: Callable[[], None]) -> None:
        """Work until all slices are done or `stop` is set; call `glance` in this thread meanwhile."""
        self.stop = False
        threads = [threading.Thread(target=self._take, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(GLANCE)
                    glance()
        finally:
            self.stop = True
            for thread in threads:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def _take(self) -> None:
        try:
            while True:
                with self._lock:
                    if self.stop or self.position >= self.n_slices:
                        return
                    begin = self.position * self._slice
                    self.position += 1
                loss, measured, pairs = self._work(begin, min(begin + self._slice, self._n_tokens))
                with self._lock:
                    self.sums.loss += loss
                    self.sums.measured += measured
                    self.sums.pairs += pairs
        except BaseException as error:  # handed to the main thread
            self._errors.append(error)
            self.stop = True


class _Trainer:
    """One training: tables, epochs, and what the main thread does between slices."""

    def __init__(
        self, corpus: EncodedCorpus, settings: TrainingSettings, start: TrainingState, checkpoints: Checkpoints | None
    ) -> None:
        self.settings, self.checkpoints, self.start = settings, checkpoints, start
        self.tokens = Tokens.of(corpus)
        longest = int(np.diff(self.tokens.offsets).max())
        if longest < 2:
            raise CorpusError("no document has two words, so there is no pair. Should the documents be joined?")
        self.reach = min(settings.window, longest)
        self.noise = NoiseDistribution(settings.noise, self.tokens.counts, settings.ns_exponent)
        self.keep = keep_thresholds(self.tokens.counts, settings.sample)
        self.instruction_set = instruction_set()
        n_tokens = len(self.tokens.ids)
        self.group = self._group()
        self.n_noise = NOISE_PER_GROUP * max(1, round(settings.negative / 5)) if settings.negative else 0
        self.slice = self._slice(n_tokens)
        with_noise, biased = settings.negative > 0, settings.negative > 0 and settings.loss == "nce"
        self.log_expected = self.noise.log_probabilities + np.float32(np.log(settings.negative)) if biased else None
        tree = start.tables.tree if start.tables is not None else None
        if settings.hs and tree is None:
            tree = HuffmanTree.from_counts(self.tokens.counts)
        self.paths = None if tree is None else tree.paths()
        self.tables = _PaddedTables(len(self.tokens.counts), settings.vector_size, with_noise, biased, tree)
        if start.tables is None:
            self.tables.draw(settings.seeds[0], self.noise.log_probabilities)
        else:
            self.tables.assign(start.tables)
            start.tables = None  # not kept twice
        self.progress = TrainingProgress(corpus.n_raw_words, settings.epochs, settings.verbose, start)
        self.guard = Safeguard(_Snapshot(self.tables), self._untrained_loss())
        self.words_done = np.zeros(1, np.int64)
        self.epoch: _Epoch | None = None

    def _untrained_loss(self) -> float:
        """Mean loss of a pair before training: that of the noise, and one bit for each node on the path."""
        settings, loss = self.settings, 0.0
        if settings.negative:
            loss += untrained_loss(settings.loss, settings.negative)
        if self.paths is not None:
            counts = self.tokens.counts
            loss += float(counts @ np.diff(self.paths[0])) / float(counts.sum()) * math.log(2)
        return loss

    def _slice(self, n_tokens: int) -> int:
        """Tokens of a slice: 64 slices an epoch, and none that takes long, for a Ctrl-C waits until one ends."""
        settings = self.settings
        products = 3 * (settings.window + 1) * (1 + 20 * settings.hs) + 4 * self.n_noise  # of vectors, for a token
        largest = LARGEST_SLICE * 8200 // (settings.vector_size * products)
        wanted = -(-n_tokens // SLICES_WANTED)
        return max(1, -(-min(largest, wanted, LARGEST_SLICE) // CHUNK)) * CHUNK

    def _group(self) -> int:
        """Centres of a group: LARGEST_GROUP, unless the most frequent word would meet itself in it time and again.

        A group is trained at one stale value, which a word that stands in it ten times moves ten times.
        """
        kept = self.tokens.counts.astype(np.float64)
        if self.keep is not None:
            kept *= self.keep / 2.0**32
        share = kept.max() / max(kept.sum(), 1.0)
        return int(np.clip(0.5 / max(share, 1e-9), 1, LARGEST_GROUP))

    def run(self) -> TrainingResult:
        """Train all epochs that are left."""
        interrupted, error = False, None
        callbacks = _Callbacks(self) if self.settings.callbacks else None
        self.progress.start(self.start.position * self.slice / len(self.tokens.ids))
        with DeferredInterrupt() as self.interrupt:
            try:
                if callbacks is not None:
                    callbacks.begin()
                for number in range(self.start.epoch, self.settings.epochs):
                    if callbacks is not None and callbacks.stopped():
                        break
                    self._run_epoch(number, callbacks)
                if callbacks is not None:
                    callbacks.end()
            except KeyboardInterrupt:
                interrupted = True
            except TrainingError as caught:
                error = caught
            finally:
                self.progress.close()
        if error is not None:
            self.guard.good.restore(self.tables)
        elif self.checkpoints is not None:
            if interrupted:
                self._write_checkpoint()
            else:
                self.checkpoints.write(TrainingState(self.tables.copy(), self.progress.history), complete=True)
        return TrainingResult(self.tables.release(), self.progress.history, None, interrupted, error)

    def _run_epoch(self, number: int, callbacks: _Callbacks | None) -> None:
        resumed, self.start.position = self.start.position, 0
        sums = _Sums(**self.start.engine) if resumed else _Sums()
        n_tokens = len(self.tokens.ids)
        keys = epoch_keys(self.settings.seeds[1], number)
        epoch = self.epoch = _Epoch(self._work(keys, number), n_tokens, self.slice, resumed, sums)
        self.words_done[0] = min(resumed * self.slice, n_tokens)
        if callbacks is not None:
            callbacks.begin_epoch(number)
        self.progress.start_epoch()
        while epoch.position < epoch.n_slices:
            epoch.run(self.settings.workers, lambda: self._glance(epoch))
            if epoch.position < epoch.n_slices:  # else the epoch ends first
                self._write_if_due()
                self.interrupt.raise_if_pending()
        if sums.pairs == 0 and not self.progress.history["loss"]:
            raise CorpusError(
                f"epoch {number} has no pair: sample={self.settings.sample:g} leaves no two words in one document. "
                "It is too small for this corpus; 0 keeps all."
            )
        # A later epoch may draw no pair, which must not lose the others: it changes nothing, its loss neither.
        loss = sums.mean if sums.pairs else self.progress.history["loss"][-1]
        self.guard.check(loss, number)
        if not self.tables.are_finite():
            self.guard.check(float("nan"), number)
        self.progress.end_epoch(loss)
        if callbacks is not None:
            callbacks.end_epoch(number, loss)
        self._write_if_due()
        self.interrupt.raise_if_pending()

    def _write_if_due(self) -> None:
        if self.checkpoints is not None and self.checkpoints.due():
            self._write_checkpoint()

    def _work(self, keys: NDArray[np.uint64], number: int) -> Callable[[int, int], tuple[float, int, int]]:
        """The kernel on positions begin..end - 1 of epoch `number`."""
        settings, tokens, tables = self.settings, self.tokens, self.tables
        n_tokens = len(tokens.ids)
        path_offsets, paths = (None, None) if self.paths is None else self.paths
        longest_path = 0 if path_offsets is None else int(np.diff(path_offsets).max())

        def work(begin: int, end: int) -> tuple[float, int, int]:
            return _kernels.word2vec.train(
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
                measured_every=1 if n_tokens < EVERY_GROUP else 64,
                alpha=settings.alpha,
                min_alpha=settings.min_alpha,
                words_before=number * n_tokens,
                words=settings.epochs * n_tokens,
                words_done=self.words_done,
                instruction_set=self.instruction_set,
                begin=begin,
                end=end,
            )

        return work

    def _glance(self, epoch: _Epoch) -> None:
        """In the main thread, some times a second while the others work."""
        sums, fraction = epoch.sums, float(self.words_done[0]) / len(self.tokens.ids)
        if sums.measured:
            self.guard.check(sums.mean, self.progress.epoch, fraction)
            self.guard.keep(lambda: _Snapshot(self.tables))
            self.progress.advance(fraction, sums.mean)
        if self.interrupt.pending or (self.checkpoints is not None and self.checkpoints.due()):
            epoch.stop = True

    def _write_checkpoint(self) -> None:
        """While no thread works."""
        if self.checkpoints is None or self.epoch is None:
            return
        tables = self.tables.copy()
        if not tables.are_finite():
            return
        history = {name: list(values) for name, values in self.progress.history.items()}
        middle = 0 < self.epoch.position < self.epoch.n_slices
        state = TrainingState(tables, history)
        if middle:
            state.position, state.seconds = self.epoch.position, self.progress.seconds
            state.engine = dataclasses.asdict(self.epoch.sums)
        self.checkpoints.write(state)


class _Snapshot:
    """The tables as they were, in a file without a name: memory holds them once only."""

    def __init__(self, tables: _PaddedTables) -> None:
        self._finite = tables.are_finite()
        self._file = None
        if self._finite:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as this object
            for table in tables.arrays():
                table.tofile(self._file)
            self._file.flush()

    def are_finite(self) -> bool:
        return self._finite

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def restore(self, tables: _PaddedTables) -> None:
        """Write the values back."""
        assert self._file is not None
        self._file.seek(0)
        for table in tables.arrays():
            self._file.readinto(table.reshape(-1).view(np.uint8).data)


class _Callbacks:
    """Keras callbacks, which want a Keras model: it gets the tables at the end of every epoch."""

    def __init__(self, trainer: _Trainer) -> None:
        from kerazoo.word2vec.engines import keras as keras_engine

        self._trainer = trainer
        settings = trainer.settings
        self._engine = keras_engine
        self._model = keras_engine.SkipGram(
            vocabulary_size=len(trainer.tokens.counts),
            vector_size=settings.vector_size,
            loss=settings.loss,
            noise_probabilities=trainer.noise.probabilities,
            negative=settings.negative,
        )
        self._list = keras_engine.TrainingCallbacks(
            list(settings.callbacks), add_history=True, model=self._model, verbose=0, epochs=settings.epochs, steps=1
        )

    def begin(self) -> None:
        self._model.stop_training = False
        self._list.begin(self._trainer.start.history["loss"])

    def stopped(self) -> bool:
        return bool(self._model.stop_training)

    def begin_epoch(self, number: int) -> None:
        self._list.on_epoch_begin(number)

    def end_epoch(self, number: int, loss: float) -> None:
        self._engine.assign_tables(self._model, self._trainer.tables.copy())
        self._list.on_epoch_end(number, {"loss": loss})

    def end(self) -> None:
        """Callbacks may have put other weights back, as EarlyStopping does."""
        self._list.end()
        if self._trainer.progress.history["loss"]:
            self._trainer.tables.assign(self._engine.tables_of(self._model))
