"""Word2vec: losses, the Keras model `SkipGram`, the layer `NCE`, and the estimators `Word2Vec` and `FastText`.

Names load on first use: the module of the estimator imports no Keras backend, that of the model does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.word2vec.estimator import Word2Vec
    from kerazoo.word2vec.fasttext import FastText
    from kerazoo.word2vec.io.vector_files import load_vectors, save_vectors
    from kerazoo.word2vec.io.word_vectors import WordVectors
    from kerazoo.word2vec.keras.embedding import to_embedding
    from kerazoo.word2vec.keras.losses import (
        LOSSES,
        candidate_logits,
        negative_sampling_loss,
        noise_contrastive_loss,
        sampled_softmax_loss,
    )
    from kerazoo.word2vec.keras.model import SkipGram
    from kerazoo.word2vec.keras.nce import NCE
    from kerazoo.word2vec.keras.optimizer import RowClippedSGD
    from kerazoo.word2vec.keras.word_embedding import WordEmbedding

__all__ = [
    "LOSSES",
    "NCE",
    "FastText",
    "RowClippedSGD",
    "SkipGram",
    "Word2Vec",
    "WordEmbedding",
    "WordVectors",
    "candidate_logits",
    "load_vectors",
    "negative_sampling_loss",
    "noise_contrastive_loss",
    "sampled_softmax_loss",
    "save_vectors",
    "to_embedding",
]

_HOMES = {
    "FastText": "fasttext",
    "LOSSES": "keras.losses",
    "NCE": "keras.nce",
    "RowClippedSGD": "keras.optimizer",
    "SkipGram": "keras.model",
    "Word2Vec": "estimator",
    "WordEmbedding": "keras.word_embedding",
    "WordVectors": "io.word_vectors",
    "candidate_logits": "keras.losses",
    "load_vectors": "io.vector_files",
    "negative_sampling_loss": "keras.losses",
    "noise_contrastive_loss": "keras.losses",
    "sampled_softmax_loss": "keras.losses",
    "save_vectors": "io.vector_files",
    "to_embedding": "keras.embedding",
}


# Internal since version 0.2; the old names warn.
_INTERNAL = {"CompensatedMean": "keras.metrics", "block_gradients": "keras.block_gradients"}


def __getattr__(name: str) -> Any:
    if name in _INTERNAL:
        from kerazoo._runtime.deprecation import warn_renamed

        warn_renamed(f"{__name__}.{name}", f"{__name__}.{_INTERNAL[name]}.{name}, which is internal")
        return getattr(importlib.import_module(f"{__name__}.{_INTERNAL[name]}"), name)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
