"""Word2vec: losses, the Keras model `SkipGram`, the head `NCE` of language models, and the estimator `Word2Vec`.

Names load on first use: the estimator's module imports no Keras backend, the model's does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.word2vec.estimator import Word2Vec
    from kerazoo.word2vec.keras.block_gradients import block_gradients
    from kerazoo.word2vec.keras.losses import (
        LOSSES,
        candidate_logits,
        negative_sampling_loss,
        noise_contrastive_loss,
        sampled_softmax_loss,
    )
    from kerazoo.word2vec.keras.metrics import CompensatedMean
    from kerazoo.word2vec.keras.model import SkipGram
    from kerazoo.word2vec.keras.nce import NCE
    from kerazoo.word2vec.keras.optimizer import RowClippedSGD

__all__ = [
    "LOSSES",
    "NCE",
    "CompensatedMean",
    "RowClippedSGD",
    "SkipGram",
    "Word2Vec",
    "block_gradients",
    "candidate_logits",
    "negative_sampling_loss",
    "noise_contrastive_loss",
    "sampled_softmax_loss",
]

_HOMES = {
    "LOSSES": "keras.losses",
    "NCE": "keras.nce",
    "CompensatedMean": "keras.metrics",
    "RowClippedSGD": "keras.optimizer",
    "SkipGram": "keras.model",
    "Word2Vec": "estimator",
    "block_gradients": "keras.block_gradients",
    "candidate_logits": "keras.losses",
    "negative_sampling_loss": "keras.losses",
    "noise_contrastive_loss": "keras.losses",
    "sampled_softmax_loss": "keras.losses",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
