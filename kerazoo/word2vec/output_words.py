"""Probabilities of the output words of a context, as in gensim's `predict_output_word`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError, VocabularyError
from kerazoo.text import Vocabulary
from kerazoo.word2vec.results import Tables

__all__ = ["most_probable"]


def most_probable(
    vocabulary: Vocabulary, tables: Tables, context_words: Sequence[str], topn: int, mean: bool
) -> list[tuple[str, float]]:
    """See :meth:`kerazoo.Word2Vec.predict_output_word`; without `mean`, the vectors of the context are summed."""
    check_int("topn", topn)
    if isinstance(context_words, str):
        raise InvalidArgumentError(f"context_words={context_words!r}; expected a list of words. Split it: .split()")
    known = [vocabulary[word] for word in context_words if word in vocabulary]
    if not known:
        raise VocabularyError(
            f"none of the words {list(context_words)!r} is in the vocabulary of {len(vocabulary):,} words."
        )
    average = tables.input_vectors[known].mean(axis=0, dtype=np.float32)
    if not mean:
        average *= len(known)
    if tables.output_vectors is not None:
        logits = (tables.output_vectors @ average).astype(np.float64)
        if tables.output_biases is not None:
            logits += tables.output_biases
    else:
        assert tables.node_vectors is not None
        assert tables.tree is not None
        logits = tables.tree.log_probabilities(tables.node_vectors @ average)
    probabilities = np.exp(logits - logits.max())
    probabilities /= probabilities.sum()
    best = np.argsort(-probabilities, kind="stable")[:topn]
    return [(vocabulary.words[word], float(probabilities[word])) for word in best]
