"""Trains `SkipGram` by `keras.Model.fit` on `SkipGramBatches`, on any backend and device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

from kerazoo.batching import SkipGramBatches
from kerazoo.errors import TrainingError
from kerazoo.word2vec.model import SkipGram
from kerazoo.word2vec.optimizer import RowClippedSGD
from kerazoo.word2vec.progress import TrainingProgress
from kerazoo.word2vec.settings import TrainingResult, TrainingSettings

if TYPE_CHECKING:
    from kerazoo.text import EncodedCorpus

__all__ = ["train"]

# Every pair of a batch sees the tables as they were before it. Measured on small corpora (docs/word2vec.md):
# a batch should be a small part of an epoch, or words are moved by stale gradients.
SMALLEST_BATCH, LARGEST_BATCH = 256, 8192
STEPS_WANTED = 200

# Steps in one call of the backend, where that pays (measured, docs/word2vec.md): TensorFlow spends more time between
# the steps of a small model than in them; JAX does not. Threads for the batches pay on neither, since a batch is made
# in a hundredth of a step.
STEPS_PER_EXECUTION = {"tensorflow": 32}


def train(corpus: EncodedCorpus, settings: TrainingSettings) -> TrainingResult:
    """Train on `corpus`; a Ctrl-C ends the training and keeps what was learned so far."""
    table_seed, batch_seed = settings.seeds
    batches = SkipGramBatches(
        corpus,
        batch_size=settings.batch_size or default_batch_size(corpus.n_tokens, settings.window),
        window=settings.window,
        shrink_windows=settings.shrink_windows,
        sample=settings.sample,
        noise=settings.noise,
        negative=settings.negative,
        ns_exponent=settings.ns_exponent,
        seed=batch_seed,
    )
    noise = batches.noise_distribution
    model = SkipGram(
        vocabulary_size=len(corpus.vocabulary.words),
        vector_size=settings.vector_size,
        loss=settings.loss,
        noise_probabilities=noise.probabilities if noise is not None else None,
        seed=table_seed,
    )
    # The loss is the mean over the batch: word2vec's step a pair is that rate times the batch size.
    rate = keras.optimizers.schedules.PolynomialDecay(
        settings.alpha * batches.batch_size,
        decay_steps=settings.epochs * len(batches),
        end_learning_rate=settings.min_alpha * batches.batch_size,
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


def default_batch_size(n_tokens: int, window: int) -> int:
    """A power of two from 256 to 8192 that gives an epoch about 200 steps.

    >>> default_batch_size(50_000, window=5), default_batch_size(17_000_000, window=5)
    (1024, 8192)
    """
    wanted = n_tokens * (window + 1) / STEPS_WANTED
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, 2 ** int(math.log2(max(wanted, 1)))))


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
