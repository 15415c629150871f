"""Log probabilities of sentences under hierarchical softmax (Taddy 2015)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import InvalidArgumentError
from kerazoo.gensim.sources import source_of
from kerazoo.gensim.training import tree_of

__all__ = ["log_probabilities"]

LARGEST_STEP = 1 << 22  # numbers of a product


def log_probabilities(model: Any, sentences: Iterable[Any], most: int) -> NDArray[np.float32]:
    """Log P of each sentence, float32 (n_sentences,); see :meth:`Word2Vec.score`."""
    text = source_of(itertools.islice(iter(sentences), most)).encode(model.wv.key_to_index)
    offsets, paths = tree_of(model).paths()
    nodes = np.asarray(getattr(model, "syn1", np.empty(0)), np.float32)
    if nodes.shape != model.wv.vectors.shape:
        raise InvalidArgumentError(
            f"syn1 has shape {nodes.shape}; expected {model.wv.vectors.shape}, one row per word. Build the vocabulary "
            "with hs=1, and train."
        )
    scores = np.zeros(text.n_sentences, np.float32)
    for number in range(text.n_sentences):
        ids = text.ids[text.offsets[number] : text.offsets[number + 1]]
        scores[number] = _of_sentence(model, ids, offsets, paths, nodes)
    return scores


def _of_sentence(
    model: Any,
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    paths: NDArray[np.int32],
    nodes: NDArray[np.float32],
) -> float:
    total, vectors = 0.0, model.wv.vectors
    for place, centre in enumerate(ids.tolist()):
        first = max(0, place - model.window)
        around = np.delete(ids[first : place + model.window + 1], place - first)
        path = paths[offsets[centre] : offsets[centre + 1]]
        rows = vectors[around]
        if not model.sg:  # without contexts the sum is 0, as in gensim
            rows = rows.sum(axis=0, keepdims=True)
            if model.cbow_mean and len(around):
                rows = rows / np.float32(len(around))
        logits = (rows @ nodes[path >> 1].T).astype(np.float64)
        total -= float(np.logaddexp(0, -logits * (1 - 2 * (path & 1))).sum())
    return total
