"""What callbacks see of the estimator while it trains: its present vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerazoo.text import Vocabulary
from kerazoo.word2vec.options import TrainingSettings
from kerazoo.word2vec.results import Tables

__all__ = ["present_vectors"]


@contextmanager
def present_vectors(
    estimator: Any, vocabulary: Vocabulary, settings: TrainingSettings, history: dict[str, list[float]]
) -> Iterator[TrainingSettings]:
    """Within it, the estimator has the vectors of the last epoch, for callbacks that ask for `wv`, or save the model.

    If the training ends by an error, the estimator is as it was before.

    Args:
        estimator: the `Word2Vec` that trains.
        vocabulary: of the training.
        settings: of the training.
        history: of the trainings before it.

    Yields:
        The settings, with one callback more if there are any.
    """
    if not settings.callbacks:
        yield settings
        return
    from kerazoo.word2vec.engines.callbacks import PresentVectors

    before = dict(vars(estimator))

    def show(tables: Tables) -> None:
        estimator.vocabulary_, estimator.history_ = vocabulary, history
        estimator.seed_, estimator.n_fits_ = settings.seed, settings.number + 1
        estimator.pooling_statistics_ = None
        estimator._set_tables(tables)

    try:
        yield dataclasses.replace(settings, callbacks=(PresentVectors(show), *settings.callbacks))
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
    estimator.pooling_statistics_ = before.get("pooling_statistics_")
