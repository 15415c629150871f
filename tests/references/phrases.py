"""Pure Python reference of `kerazoo_ext._phrases`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

Pair = tuple[int, tuple[int, ...], int]  # first word, connector words between, last word


def pairs_of(document: Sequence[int], connectors: frozenset[int]) -> list[tuple[int, int, Pair]]:
    """(position of the first word, of the last word, pair) of all pairs of a document."""
    words = [i for i, word in enumerate(document) if word not in connectors]
    return [
        (first, last, (document[first], tuple(document[first + 1 : last]), document[last]))
        for first, last in pairwise(words)
    ]


def count(documents: Sequence[Sequence[int]], connectors: frozenset[int]) -> tuple[Counter[Pair], dict[Pair, int]]:
    """How often each pair occurs, and the position in the text of its first word where it occurs first."""
    counts: Counter[Pair] = Counter()
    places: dict[Pair, int] = {}
    start = 0
    for document in documents:
        for first, _, pair in pairs_of(document, connectors):
            counts[pair] += 1
            places.setdefault(pair, start + first)
        start += len(document)
    return counts, places


def join(document: Sequence[int], connectors: frozenset[int], phrases: Mapping[Pair, int]) -> list[int]:
    """The document with its phrases replaced by their ids, from left to right; no word is in two phrases."""
    joined: list[int] = []
    done = 0
    for first, last, pair in pairs_of(document, connectors):
        if first >= done and pair in phrases:
            joined += [*document[done:first], phrases[pair]]
            done = last + 1
    return [*joined, *document[done:]]
