"""Words drawn from logits, in NumPy: one row at a time, by the definitions."""

from __future__ import annotations

import numpy as np


def distribution(logits, temperature, top_k=None, top_p=None, banned=()):
    """Ids in the order of the draw, and their probabilities, for logits (V,) in float64."""
    logits = np.array(logits, "float64")
    allowed = np.array([i for i in range(len(logits)) if i not in set(banned)])
    with np.errstate(over="ignore"):
        weights = np.exp((logits[allowed] - logits[allowed].max()) / temperature)
    ids, probabilities = allowed, weights / weights.sum()
    if top_k is None and (top_p is None or top_p == 1):
        return ids, probabilities
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    ids, probabilities = ids[order], probabilities[order] / probabilities[order].sum()
    if top_p is not None:
        needed = 1
        while needed < len(ids) and probabilities[:needed].sum() < top_p:
            needed += 1
        ids, probabilities = ids[:needed], probabilities[:needed] / probabilities[:needed].sum()
    return ids, probabilities


def next_word(logits, uniform, temperature=0.0, top_k=None, top_p=None, banned=()):
    """The id that a uniform number selects; the most probable one at temperature 0."""
    if temperature == 0:
        return max((i for i in range(len(logits)) if i not in set(banned)), key=lambda i: (logits[i], -i))
    ids, probabilities = distribution(logits, temperature, top_k, top_p, banned)
    total = 0.0
    for word, probability in zip(ids, probabilities, strict=True):
        total += probability
        if uniform < total:
            return int(word)
    return int([word for word, probability in zip(ids, probabilities, strict=True) if probability > 0][-1])
