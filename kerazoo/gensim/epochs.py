"""The epochs of one call of `train`, with gensim's callbacks, log and warnings."""

from __future__ import annotations

import logging
import time
from typing import Any

from kerazoo._runtime.interrupts import DeferredInterrupt
from kerazoo.gensim.sources import Text
from kerazoo.gensim.texts import EpochTexts
from kerazoo.gensim.training import ModelTrainer
from kerazoo.word2vec.options import TrainingSettings

__all__ = ["end_epoch", "train_epochs"]

logger = logging.getLogger(__name__)


def train_epochs(
    model: Any,
    texts: EpochTexts,
    settings: TrainingSettings,
    callbacks: list[Any],
    expected: tuple[int | None, int | None] | None,
) -> tuple[int, int]:
    """Train all epochs.

    Args:
        model: its arrays are trained in place.
        texts: of the epochs.
        settings: of this training.
        callbacks: gensim's.
        expected: number of sentences and of raw words of an epoch, or None for those that are not compared; None for
            a file, as in gensim.

    Returns:
        Words after subsampling (their mean), and raw words.
    """
    trainer: ModelTrainer | None = None
    n_trained, n_raw, start = 0.0, 0, time.perf_counter()
    for number in range(settings.epochs):
        for callback in callbacks:
            callback.on_epoch_begin(model)
        began = time.perf_counter()
        text = texts.of_epoch(number)
        n_words = 0.0
        if len(text.ids):
            if trainer is None:
                trainer = ModelTrainer(model, settings, text)
            elif callbacks:
                trainer.take()
            model.running_training_loss += _train_natively(trainer, number, text)
            n_words = trainer.expected_words
        n_trained, n_raw = n_trained + n_words, n_raw + text.n_raw_words
        end_epoch(model, number, text, n_words, time.perf_counter() - began, expected)
        for callback in callbacks:
            callback.on_epoch_end(model)
    seconds = time.perf_counter() - start
    model.add_lifecycle_event(
        "train",
        msg=f"training on {n_raw} raw words ({round(n_trained)} effective words) took {seconds:.1f}s, "
        f"{n_trained / max(seconds, 1e-9):.0f} effective words/s",
    )
    return round(n_trained), n_raw


def _train_natively(trainer: ModelTrainer, number: int, text: Text) -> float:
    """Train one epoch, also in part at Ctrl-C; its loss."""
    with DeferredInterrupt() as interrupt:
        try:
            loss = trainer.train_epoch(number, text, interrupt)
        except KeyboardInterrupt:
            trainer.give()
            raise
        trainer.give()
    return loss


def end_epoch(
    model: Any,
    number: int,
    text: Text,
    n_words: float,
    seconds: float,
    expected: tuple[int | None, int | None] | None,
) -> None:
    """Log the epoch, with gensim's warnings."""
    model.total_train_time += seconds
    model.min_alpha_yet_reached = max(
        model.min_alpha, model.alpha - (model.alpha - model.min_alpha) * (number + 1) / model.epochs
    )
    logger.info(
        "EPOCH %i: training on %i raw words (%i effective words) took %.1fs, %.0f effective words/s",
        number, text.n_raw_words, n_words, seconds, n_words / max(seconds, 1e-9),
    )  # fmt: skip
    if not text.n_sentences and model.train_count == 0:
        logger.warning(
            "train() called with an empty iterator (if not intended, be sure to provide a corpus that offers "
            "restartable iteration = an iterable)."
        )
    if expected is None:
        return
    for name, wanted, found in (
        ("example", expected[0], text.n_sentences),
        ("raw word", expected[1], text.n_raw_words),
    ):
        if wanted and wanted != found:
            logger.warning(
                "EPOCH %i: supplied %s count (%i) did not equal expected count (%i)", number, name, found, wanted
            )
