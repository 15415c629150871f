"""Trains `SkipGram` by `keras.Model.fit`, on blocks of text or on pairs, on any backend and device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.batching import NoiseDistribution, SkipGramBatches, TokenBlocks
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.word2vec import gpu as device
from kerazoo.word2vec.engines.divergence import Safeguard, untrained_loss
from kerazoo.word2vec.engines.progress import TrainingProgress
from kerazoo.word2vec.keras.model import SkipGram
from kerazoo.word2vec.keras.optimizer import RowClippedSGD
from kerazoo.word2vec.options import Tables, TrainingResult, TrainingSettings, TrainingState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.io.checkpoints import Checkpoints
    from kerazoo.word2vec.estimator import Word2Vec

__all__ = ["TrainingCallbacks", "assign_tables", "model_of", "tables_of", "train"]

# Every pair of a block sees the tables as they were before it: a block should be a small part of an epoch, or words
# are moved by stale gradients. Above 4096 tokens quality falls (docs/word2vec.md).
SMALLEST_BLOCK, LARGEST_BLOCK = 256, 4096
STEPS_WANTED = 200

# Centres that share noise words, and how many: small groups waste least of the products (docs/word2vec.md). The
# softmax has no weights that make few noise words stand for many.
NOISE_GROUP = 16
NOISE_PER_GROUP = {"nce": 16, "negative_sampling": 16, "sampled_softmax": 64}

# Steps in one call of the backend, where that pays (measured, docs/word2vec.md): TensorFlow spends much time between
# the steps of a small model; JAX does not. Threads for the batches pay on neither: a batch takes microseconds.
STEPS_PER_EXECUTION = {"tensorflow": 32}


def train(
    corpus: EncodedCorpus,
    settings: TrainingSettings,
    start: TrainingState | None = None,
    checkpoints: Checkpoints | None = None,
) -> TrainingResult:
    """Train on `corpus`, from the beginning or from `start`; a Ctrl-C or a divergence ends it and keeps the tables."""
    _check(settings)
    start = start or TrainingState()
    on_device = device.is_wanted(corpus, settings, start)
    batches, alpha_scale = _batches(corpus, settings, on_device)
    noise = batches.noise_distribution
    model = SkipGram(
        vocabulary_size=len(corpus.vocabulary.words),
        vector_size=settings.vector_size,
        loss=settings.loss,
        noise_probabilities=noise.probabilities if noise is not None else None,
        negative=settings.negative,
        seed=settings.seeds[0],
    )
    rate = keras.optimizers.schedules.PolynomialDecay(
        settings.alpha * alpha_scale,
        decay_steps=settings.epochs * (batches.n_steps if isinstance(batches, device.DevicePlan) else len(batches)),
        end_learning_rate=settings.min_alpha * alpha_scale,
    )
    model.compile(
        optimizer=RowClippedSGD(rate), steps_per_execution=STEPS_PER_EXECUTION.get(keras.backend.backend(), 1)
    )
    if start.tables is not None:
        assign_tables(model, start.tables)
    if start.engine:
        model.optimizer.iterations.assign(start.engine["iterations"])

    progress = TrainingProgress(corpus.n_raw_words, settings.epochs, settings.verbose, start)
    n_noise = NOISE_PER_GROUP["sampled_softmax"] if _shares_softmax_noise(settings) else settings.negative
    safeguard = Safeguard(tables_of(model), untrained_loss(settings.loss, n_noise))
    interrupted, error = False, None
    with DeferredInterrupt() as interrupt:
        conductor = _Conductor(len(batches), progress, safeguard, checkpoints, interrupt, start, on_device)
        callbacks = TrainingCallbacks([conductor, *settings.callbacks], add_history=True, model=model,
                               verbose=0, epochs=settings.epochs, steps=len(batches))  # fmt: skip
        progress.start(start.position / len(batches))
        try:
            if isinstance(batches, device.DevicePlan):
                device.fit(model, batches, callbacks, start, settings.epochs)
            else:
                _fit(model, batches, callbacks, start, settings.epochs)
        except KeyboardInterrupt:
            interrupted = True
        except TrainingError as caught:
            error = caught
        finally:
            progress.close()
    tables = tables_of(model) if error is None else safeguard.good
    if error is not None:
        assign_tables(model, tables)
    elif checkpoints is not None:
        if not interrupted:
            checkpoints.write(TrainingState(tables, progress.history), complete=True)
        elif conductor.is_between_steps:
            conductor.write_checkpoint()
    return TrainingResult(tables, progress.history, model, interrupted, error)


def _check(settings: TrainingSettings) -> None:
    for name, value in (("sg", 1), ("hs", 0)):
        if getattr(settings, name) != value:
            raise InvalidArgumentError(
                f"{name}={getattr(settings, name)} with engine='keras'; expected {value}. engine='native' has both."
            )


class _Epochs(keras.utils.PyDataset):
    """The batches of an epoch from batch `first` on, whatever Keras looks at, fetches ahead or repeats.

    Attributes:
        epoch, first: may be set between two calls of `fit`.
    """

    def __init__(self, batches: SkipGramBatches | TokenBlocks) -> None:
        super().__init__()
        self._batches = batches
        self.epoch = self.first = 0
        self._datasets: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._batches) - self.first

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self._batches.at(self.epoch, self.first + index)

    def for_fit(self) -> Any:
        """What `fit` takes."""
        if keras.backend.backend() != "tensorflow":
            return self
        from kerazoo.word2vec.keras._tensorflow import dataset

        if self.first not in self._datasets:  # kept: making one takes as long as ten steps
            self._datasets[self.first] = dataset(self._dictionaries, len(self), self[0][0])
        return self._datasets[self.first]

    def _dictionaries(self) -> Iterator[dict[str, Any]]:
        for index in range(len(self)):
            yield self[index][0]


def _fit(
    model: SkipGram,
    batches: SkipGramBatches | TokenBlocks,
    callbacks: TrainingCallbacks,
    start: TrainingState,
    epochs: int,
) -> None:
    """Train from where `start` stands: a call of `fit` for each epoch, as the first one may be the rest of an epoch."""
    callbacks.begin(start.history["loss"])
    source = _Epochs(batches)
    source.first = start.position
    for epoch in range(start.epoch, epochs):
        if model.stop_training:
            break
        source.epoch = epoch
        # In the order of the text, as gensim reads it.
        model.fit(
            source.for_fit(), initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=callbacks
        )
        source.first = 0
    callbacks.end()


def tables_of(model: SkipGram) -> Tables:
    """Copies of the model's tables."""
    biases = model.output_biases
    return Tables(_copy(model.input_vectors), _copy(model.output_vectors), None if biases is None else _copy(biases))


def tables_of_checked(model: Any, n_words: int) -> Tables:
    """Copies of the tables of what should be a `SkipGram` of that many words."""
    if not isinstance(model, SkipGram):
        raise InvalidArgumentError(f"got a {type(model).__name__}; expected a kerazoo.word2vec.SkipGram.")
    if model.vocabulary_size != n_words:
        raise InvalidArgumentError(
            f"the model has {model.vocabulary_size} words, the vocabulary {n_words}; expected as many. "
            "Give the vocabulary that the model was trained with."
        )
    return tables_of(model)


def _copy(variable: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable), dtype=np.float32, copy=True)


def assign_tables(model: SkipGram, tables: Tables) -> None:
    """Give the model these tables."""
    model.input_vectors.assign(tables.input_vectors)
    model.output_vectors.assign(tables.output_vectors)
    if model.output_biases is not None:
        model.output_biases.assign(tables.output_biases)


def model_of(estimator: Word2Vec) -> SkipGram:
    """A Keras model with the tables of a fitted estimator; :class:`InvalidArgumentError` for CBOW and hs."""
    if not estimator.sg or estimator.output_vectors_ is None or estimator.node_vectors_ is not None:
        raise InvalidArgumentError(
            f"model_ is the Keras model of skip-gram with noise words; this Word2Vec has sg={estimator.sg}, "
            f"hs={estimator.hs}, negative={estimator.negative}. vectors_ fits into any keras.layers.Embedding."
        )
    noise = NoiseDistribution(estimator.noise, estimator.vocabulary_.counts, estimator.ns_exponent)
    model = SkipGram(
        vocabulary_size=len(estimator.vocabulary_),
        vector_size=estimator.vectors_.shape[1],
        loss=estimator.loss,
        noise_probabilities=noise.probabilities,
        negative=estimator.negative,
    )
    assign_tables(model, estimator._tables())
    return model


def _batches(
    corpus: EncodedCorpus, settings: TrainingSettings, on_device: bool
) -> tuple[SkipGramBatches | TokenBlocks | device.DevicePlan, int]:
    """The data set, and what alpha (a step a pair) is multiplied with to be its learning rate."""
    if on_device:
        return device.DevicePlan(corpus, settings, NOISE_GROUP, NOISE_PER_GROUP[settings.loss]), 1
    common: dict[str, Any] = {
        "window": settings.window,
        "shrink_windows": settings.shrink_windows,
        "sample": settings.sample,
        "noise": settings.noise,
        "ns_exponent": settings.ns_exponent,
        "seed": settings.seeds[1],
    }
    if settings.batch_size is not None:
        # The loss is the mean over the pairs of a batch.
        pairs = SkipGramBatches(corpus, batch_size=settings.batch_size, negative=settings.negative, **common)
        return pairs, settings.batch_size
    blocks = TokenBlocks(
        corpus,
        block_size=settings.block_size or default_block_size(corpus.n_tokens),
        noise_group=NOISE_GROUP,
        noise_per_group=NOISE_PER_GROUP[settings.loss],
        **common,
    )
    return blocks, 1  # the gradients of a block are sums


def _shares_softmax_noise(settings: TrainingSettings) -> bool:
    return settings.loss == "sampled_softmax" and settings.batch_size is None


def default_block_size(n_tokens: int) -> int:
    """A power of two from 256 to 4096 that gives an epoch about 200 blocks.

    >>> default_block_size(50_000), default_block_size(200_000), default_block_size(17_000_000)
    (256, 512, 4096)
    """
    wanted = max(1, n_tokens // STEPS_WANTED)
    return min(LARGEST_BLOCK, max(SMALLEST_BLOCK, 2 ** int(math.log2(wanted))))


class TrainingCallbacks(keras.callbacks.CallbackList):
    """The callbacks of one training, whose beginning and end are not those of a call of `fit` (there are several)."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """`begin` has said so."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """`end` will say so."""

    def begin(self, losses: list[float]) -> None:
        """Training begins; `losses` are those of the epochs that a resumed training has done."""
        super().on_train_begin()
        for callback in self.callbacks:
            if isinstance(callback, keras.callbacks.EarlyStopping):  # it counts epochs without progress
                for epoch, loss in enumerate(losses):
                    callback.on_epoch_end(epoch, {"loss": loss})

    def end(self) -> None:
        super().on_train_end()


class _Conductor(keras.callbacks.Callback):
    """Between steps: progress, a look at the loss, checkpoints, and the end on Ctrl-C."""

    def __init__(
        self,
        n_batches: int,
        progress: TrainingProgress,
        safeguard: Safeguard,
        checkpoints: Checkpoints | None,
        interrupt: DeferredInterrupt,
        start: TrainingState,
        on_device: bool,
    ) -> None:
        super().__init__()
        self.on_device = on_device
        self.progress = progress
        self.safeguard = safeguard
        self.checkpoints = checkpoints
        self.interrupt = interrupt
        self.is_between_steps = False
        self._n_batches = n_batches
        self._epoch = start.epoch
        self._first = self._done = start.position  # batches of the epoch: when `fit` was called, and by now
        self._metric = start.engine.get("pair_loss")  # of an epoch that is resumed in its middle
        self._next_report = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch, self._done, self._next_report = epoch, self._first, 0
        if self._metric is not None:  # Keras has just set it to zero
            for variable, value in zip(self.model.pair_loss.variables, self._metric, strict=True):
                variable.assign(value)
            self._metric = None
        self.progress.start_epoch()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.is_between_steps = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._done = self._first + batch + 1
        self.is_between_steps = True
        # Reading the loss waits for the device, so it is done a hundred times an epoch and not at every step.
        if batch >= self._next_report:
            self._next_report = batch + max(1, self._n_batches // 100)
            loss = float((logs or {}).get("loss", math.nan))
            self.safeguard.check(loss, self._epoch, self._done / self._n_batches)
            self.safeguard.keep(lambda: tables_of(self.model))
            self.progress.advance(self._done / self._n_batches, loss)
        if self._done < self._n_batches:  # else the epoch ends first
            self._write_if_due()
            self.interrupt.raise_if_pending()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", math.nan))
        self.safeguard.check(loss, epoch)
        if self._done < self._n_batches:  # a callback of the user's has ended it early: nothing to go on from
            self.checkpoints = None
        self.progress.end_epoch(loss)
        self._first = self._done = 0
        self._epoch = epoch + 1
        self._write_if_due()
        self.interrupt.raise_if_pending()

    def _write_if_due(self) -> None:
        if self.checkpoints is not None and self.checkpoints.due():
            self.write_checkpoint()

    def write_checkpoint(self) -> None:
        """Write where the training stands, between two steps."""
        if self.checkpoints is None:
            return
        tables = tables_of(self.model)  # `self.model` brings the variables up to date on JAX
        if not tables.are_finite():
            return
        middle = self._done > 0
        metric = [float(keras.ops.convert_to_numpy(value)) for value in self.model.pair_loss.variables]
        engine = {
            "iterations": int(self.model.optimizer.iterations),
            "on_device": self.on_device,
            **({"pair_loss": metric} if middle else {}),
        }
        seconds = self.progress.seconds if middle else 0.0
        history = {name: list(values) for name, values in self.progress.history.items()}
        self.checkpoints.write(TrainingState(tables, history, self._done, seconds, engine))
