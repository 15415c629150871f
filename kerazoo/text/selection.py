"""Which of the counted words get an id, and which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo.errors import VocabularyError

__all__ = ["Selected", "Totals", "select_words"]


class Totals(NamedTuple):
    """What was counted in all, kept or not.

    Attributes:
        words: number of words.
        types: number of distinct words.
        occurring: number of those whose count is not 0.
        most: count of the most frequent word.
        n_most: number of the words that occur as often as that.
    """

    words: int
    types: int
    occurring: int
    most: int
    n_most: int


class Selected(NamedTuple):
    """The words of a vocabulary.

    Attributes:
        words: in the order of their ids, with `unk`.
        counts: int64 (n_words,).
        ids: int32 (n_ranked,), the id of each word that was ranked; `unknown` if it has none.
        unknown: int, the id of all other words: that of `unk`, or -1.
        n_types: int, distinct words that were counted, without `unk`.
    """

    words: list[str]
    counts: NDArray[np.int64]
    ids: NDArray[np.int32]
    unknown: int
    n_types: int


def select_words(
    ranked: list[str],
    tallies: NDArray[np.int64],
    totals: Totals,
    min_count: int,
    max_final_vocab: int | None,
    unk: str | None,
) -> Selected:
    """Select words that are in order of rank.

    Args:
        ranked: words that occur at least `min_count` times, in order of rank; at least the first `max_final_vocab`, and
            with `unk` one more, as `unk` may be one of them.
        tallies: int64 (n_ranked,), their counts.
        totals: of all words.
        min_count: see :class:`kerazoo.text.Vocabulary`, as `max_final_vocab` and `unk`.
        max_final_vocab: see `min_count`.
        unk: see `min_count`.

    Raises:
        VocabularyError: `ranked` is empty.

    >>> totals = Totals(words=9, types=4, occurring=4, most=5, n_most=1)
    >>> found = select_words(["the", "cat"], np.array([5, 2]), totals, 2, None, "<unk>")
    >>> found.words, found.counts.tolist(), found.ids.tolist(), found.unknown
    (['the', '<unk>', 'cat'], [5, 2, 2], [0, 2], 1)
    """
    n_types = totals.types
    order = np.arange(len(ranked))
    if unk in ranked:  # spelled out in the text: such tokens count towards `unk`
        order = np.delete(order, ranked.index(unk))
        n_types -= 1
    order = order[:max_final_vocab]
    if not len(order):
        raise _nothing_left(totals, min_count)
    words = [ranked[i] for i in order.tolist()] if len(order) < len(ranked) else ranked
    kept = tallies[order]
    ids = np.arange(len(words), dtype=np.int32)
    unknown = -1
    if unk is not None:
        unk_count = totals.words - int(kept.sum())
        unknown = int(np.searchsorted(-kept, -unk_count, side="left"))
        while unknown < len(words) and kept[unknown] == unk_count and words[unknown] < unk:
            unknown += 1
        words = [*words[:unknown], unk, *words[unknown:]]
        kept = np.insert(kept, unknown, unk_count)
        ids[unknown:] += 1
    final = np.full(len(ranked), unknown, np.int32)
    final[order] = ids
    return Selected(words, kept, final, unknown, n_types)


def _nothing_left(totals: Totals, min_count: int) -> VocabularyError:
    """The error for an empty vocabulary; it names a `min_count` that would keep some words, and how many."""
    most = totals.most
    if most == 0:
        return VocabularyError("No word was counted, so the vocabulary would be empty. Check that the corpus has text.")
    remedy = f"min_count={most} would keep {totals.n_most:,}"
    if most > 1:
        remedy += f", min_count=1 all {totals.occurring:,}"
    return VocabularyError(
        f"min_count={min_count} keeps none of the {totals.occurring:,} words: "
        f"the most frequent one occurs {most:,} times. {remedy}."
    )
