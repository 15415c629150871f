"""Trains `SkipGram` by `keras.Model.fit`, on blocks of text or on pairs, on any backend and device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from kerazoo._runtime.devices import check_backend, check_one_device
from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo._runtime.precision import in_float32
from kerazoo.batching import SkipGramBatches, TokenBlocks
from kerazoo.batching.blocks import default_block_size
from kerazoo.errors import InvalidArgumentError, TrainingError
from kerazoo.word2vec import gpu
from kerazoo.word2vec.engines.callbacks import StepMonitor, TrainingCallbacks
from kerazoo.word2vec.engines.divergence import DivergenceGuard, untrained_loss
from kerazoo.word2vec.engines.native_tables import check_tables
from kerazoo.word2vec.engines.progress import TrainingProgress
from kerazoo.word2vec.keras.block_gradients import has_shared_softmax
from kerazoo.word2vec.keras.model import SkipGram
from kerazoo.word2vec.keras.optimizer import RowClippedSGD
from kerazoo.word2vec.keras.tables import assign_tables, tables_of
from kerazoo.word2vec.options import TrainingSettings
from kerazoo.word2vec.results import TrainingResult, TrainingState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.io.checkpoints import TrainingCheckpoint

__all__ = ["train"]

# Centres that share noise words, and the number of these: with small groups the fewest products are wasted
# (docs/word2vec.md). The softmax has no weights with which a few noise words could represent many.
NOISE_GROUP = 16
NOISE_PER_GROUP = {"nce": 16, "negative_sampling": 16, "sampled_softmax": 64}

# Steps per call of the backend, where that is faster (measured, docs/word2vec.md): TensorFlow spends much time between
# the steps of a small model; JAX does not. Threads that make batches help on neither: a batch takes microseconds.
STEPS_PER_EXECUTION = {"tensorflow": 32}


@in_float32()
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
        The tables, the history and the model, also after Ctrl-C or a divergence.

    Raises:
        InvalidArgumentError: the settings are not those of this engine, or a distribution over several devices is set.
        CorpusError: subsampling leaves no pair.
    """
    _check(settings)
    check_backend()
    check_one_device("Word2Vec(engine='keras') trains")
    start = start or TrainingState()
    on_device = gpu.is_wanted(corpus, settings, start)
    batches, alpha_scale = _batches(corpus, settings, on_device)
    noise = batches.noise_distribution
    # The tables, and a copy of them for a training that diverges.
    check_tables(len(corpus.vocabulary.words), settings.vector_size, 4)
    model = SkipGram(
        vocabulary_size=len(corpus.vocabulary.words),
        vector_size=settings.vector_size,
        loss=settings.loss,
        noise_probabilities=noise.probabilities if noise is not None else None,
        negative=settings.negative,
        learn_biases=settings.has_biases or settings.loss != "nce",
        seed=settings.seeds[0],
    )
    rate = keras.optimizers.schedules.PolynomialDecay(
        settings.alpha * alpha_scale,
        decay_steps=settings.epochs * (batches.n_steps if isinstance(batches, gpu.DevicePlan) else len(batches)),
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
    untrained = untrained_loss(settings.loss, n_noise, settings.logit_offset)
    guard = DivergenceGuard(tables_of(model), untrained, settings.epochs, corpus.n_tokens)
    interrupted, error = False, None
    with DeferredInterrupt() as interrupt:
        monitor = StepMonitor(len(batches), progress, guard, checkpoint, interrupt, start, on_device)
        callbacks = TrainingCallbacks([monitor, *settings.callbacks], add_history=True, model=model,
                               verbose=0, epochs=settings.epochs, steps=len(batches))  # fmt: skip
        progress.start(start.position / len(batches))
        try:
            if isinstance(batches, gpu.DevicePlan):
                gpu.fit(model, batches, callbacks, start, settings.epochs)
            else:
                _fit(model, batches, callbacks, start, settings.epochs)
        except KeyboardInterrupt:
            interrupted = True
        except TrainingError as caught:
            error = caught
        finally:
            progress.close()
    tables = tables_of(model) if error is None else guard.good
    if error is not None:
        assign_tables(model, tables)
    elif checkpoint is not None:
        if not interrupted:
            checkpoint.write(TrainingState(tables, progress.history), complete=True)
        elif monitor.is_between_steps:
            monitor.write_checkpoint()
    return TrainingResult(tables, progress.history, model, interrupted, error)


def _check(settings: TrainingSettings) -> None:
    for name, value in (("sg", 1), ("hs", 0)):
        if getattr(settings, name) != value:
            raise InvalidArgumentError(
                f"{name}={getattr(settings, name)} with engine='keras'; expected {value}. engine='native' has both."
            )


class _Epochs(keras.utils.PyDataset):
    """The batches of epoch `epoch` from batch `first` on, each a function of (epoch, index).

    So it does not matter in which order Keras reads them, or whether it reads ahead or twice.

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
        """The data set to give to `fit`: this one, or a `tf.data.Dataset` of it on TensorFlow."""
        if keras.backend.backend() != "tensorflow":
            return self
        from kerazoo.word2vec.keras._tensorflow import dataset

        if self.first not in self._datasets:  # making one takes as long as ten steps
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
    """Train from `start` on, with one call of `fit` per epoch, since the first may be the rest of an epoch."""
    callbacks.begin(start.history["loss"])
    source = _Epochs(batches)
    source.first = start.position
    for epoch in range(start.epoch, epochs):
        if model.stop_training:
            break
        source.epoch = epoch
        # In the order of the text, as in gensim.
        model.fit(
            source.for_fit(), initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=callbacks
        )
        source.first = 0
    callbacks.end()


def _batches(
    corpus: EncodedCorpus, settings: TrainingSettings, on_device: bool
) -> tuple[SkipGramBatches | TokenBlocks | gpu.DevicePlan, int]:
    """The data set, and the factor between alpha, which is per training pair, and its learning rate."""
    if on_device:
        return gpu.DevicePlan(corpus, settings, NOISE_GROUP, _noise_per_group(settings.loss)), 1
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
        noise_per_group=_noise_per_group(settings.loss),
        **common,
    )
    return blocks, 1  # the gradients of a block are sums


def _noise_per_group(loss: str) -> int:
    has_shared_softmax(loss)  # raises for a loss without a block step
    return NOISE_PER_GROUP[loss]


def _shares_softmax_noise(settings: TrainingSettings) -> bool:
    return settings.loss == "sampled_softmax" and settings.batch_size is None
