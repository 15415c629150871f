"""Trains `SkipGram` by `keras.Model.fit`, on blocks of text or on pairs, on any backend and device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

from kerazoo.batching import NoiseDistribution, SkipGramBatches, TokenBlocks
from kerazoo.errors import TrainingError
from kerazoo.word2vec.model import SkipGram
from kerazoo.word2vec.optimizer import RowClippedSGD
from kerazoo.word2vec.progress import TrainingProgress
from kerazoo.word2vec.settings import TrainingResult, TrainingSettings

if TYPE_CHECKING:
    from kerazoo.text import EncodedCorpus
    from kerazoo.word2vec.estimator import Word2Vec

__all__ = ["model_of", "train"]

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


def train(corpus: EncodedCorpus, settings: TrainingSettings) -> TrainingResult:
    """Train on `corpus`; a Ctrl-C ends the training and keeps what was learned so far."""
    batches, alpha_scale = _batches(corpus, settings)
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
        decay_steps=settings.epochs * len(batches),
        end_learning_rate=settings.min_alpha * alpha_scale,
    )
    model.compile(
        optimizer=RowClippedSGD(rate), steps_per_execution=STEPS_PER_EXECUTION.get(keras.backend.backend(), 1)
    )

    progress = TrainingProgress(corpus.n_raw_words, settings.epochs, settings.verbose)
    interrupted = False
    progress.start()
    try:
        model.fit(
            batches,
            epochs=settings.epochs,
            shuffle=False,  # text in its own order, as gensim reads it
            verbose=0,
            callbacks=[_Recorder(progress, len(batches)), *settings.callbacks],
        )
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.close()
    biases = model.output_biases
    return TrainingResult(
        input_vectors=keras.ops.convert_to_numpy(model.input_vectors),
        output_vectors=keras.ops.convert_to_numpy(model.output_vectors),
        output_biases=None if biases is None else keras.ops.convert_to_numpy(biases),
        history=progress.history,
        model=model,
        interrupted=interrupted,
    )


def model_of(estimator: Word2Vec) -> SkipGram:
    """A Keras model with the tables of a fitted estimator."""
    noise = NoiseDistribution(estimator.noise, estimator.vocabulary_.counts, estimator.ns_exponent)
    model = SkipGram(
        vocabulary_size=len(estimator.vocabulary_),
        vector_size=estimator.vectors_.shape[1],
        loss=estimator.loss,
        noise_probabilities=noise.probabilities,
        negative=estimator.negative,
    )
    model.input_vectors.assign(estimator.vectors_)
    model.output_vectors.assign(estimator.output_vectors_)
    if model.output_biases is not None:
        model.output_biases.assign(estimator.output_biases_)
    return model


def _batches(corpus: EncodedCorpus, settings: TrainingSettings) -> tuple[SkipGramBatches | TokenBlocks, int]:
    """The data set, and what alpha (a step a pair) is multiplied with to be its learning rate."""
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


def default_block_size(n_tokens: int) -> int:
    """A power of two from 256 to 4096 that gives an epoch about 200 blocks.

    >>> default_block_size(50_000), default_block_size(200_000), default_block_size(17_000_000)
    (256, 512, 4096)
    """
    wanted = max(1, n_tokens // STEPS_WANTED)
    return min(LARGEST_BLOCK, max(SMALLEST_BLOCK, 2 ** int(math.log2(wanted))))


class _Recorder(keras.callbacks.Callback):
    """Feeds `TrainingProgress`, and stops a training whose loss is no longer a number."""

    def __init__(self, progress: TrainingProgress, n_batches: int) -> None:
        super().__init__()
        self.progress = progress
        self.n_batches = n_batches
        self._next_report = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._next_report = 0
        self.progress.start_epoch()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Reading the loss waits for the device, so it is done a hundred times an epoch and not at every step.
        if batch >= self._next_report:
            self._next_report = batch + max(1, self.n_batches // 100)
            self.progress.advance((batch + 1) / self.n_batches, float((logs or {}).get("loss", math.nan)))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", math.nan))
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} after epoch {epoch + 1}. The usual remedy is a smaller alpha or batch_size."
            )
        self.progress.end_epoch(loss)
