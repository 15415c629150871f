"""How much two words belong together: the scores of pairs, with gensim's names."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError

__all__ = ["ENGLISH_CONNECTOR_WORDS", "Scoring", "npmi_scorer", "original_scorer"]

# Articles, prepositions and conjunctions; the set is gensim's.
ENGLISH_CONNECTOR_WORDS = frozenset(
    ("a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or")
)

# The arguments of a scoring function, all passed by name.
ARGUMENTS = ("worda_count", "wordb_count", "bigram_count", "len_vocab", "min_count", "corpus_word_count")


def original_scorer(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: int, corpus_word_count: int
) -> float:
    """The score of Mikolov et al. 2013 ("Distributed representations of words and phrases", equation 6), times V.

    ``(bigram_count - min_count) * len_vocab / (worda_count * wordb_count)``, where `len_vocab` is the number of
    distinct words and pairs.

    >>> original_scorer(10, 20, 9, 1000, 5, 12345)
    20.0
    """
    del corpus_word_count
    product = worda_count * wordb_count
    return (bigram_count - min_count) / float(product) * len_vocab if product else -math.inf


def npmi_scorer(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: int, corpus_word_count: int
) -> float:
    """Normalized pointwise mutual information (Bouma 2009), from -1 to 1; -inf below `min_count`.

    ``ln(p(a, b) / (p(a) p(b))) / -ln(p(a, b))``, where p is a count divided by `corpus_word_count`.

    >>> npmi_scorer(10, 10, 10, 1000, 5, 10000)
    1.0
    """
    del len_vocab
    if bigram_count < min_count or not worda_count or not wordb_count:
        return -math.inf
    total = float(corpus_word_count)
    both = bigram_count / total
    return math.log(both / (worda_count / total * (wordb_count / total))) / -math.log(both)


class Scoring:
    """A checked scoring and its threshold; scores one pair, or arrays of them with the same results to the bit.

    Args:
        scoring: ``"default"`` (:func:`original_scorer`), ``"npmi"`` (:func:`npmi_scorer`), one of these functions, or a
            function of the same arguments.
        threshold: a pair is a phrase if its score is higher.
        min_count: passed to the function.

    Attributes:
        function: the function.
        name: ``"default"``, ``"npmi"``, or None for another function.
        least: the smallest count that a phrase can have.
    """

    def __init__(self, scoring: Any, threshold: Any, min_count: int) -> None:
        named: dict[str, Callable[..., float]] = {"default": original_scorer, "npmi": npmi_scorer}
        if isinstance(scoring, str):
            if scoring not in named:
                raise InvalidArgumentError(
                    f"scoring={scoring!r}; expected 'default', 'npmi' or a function of {', '.join(ARGUMENTS)}."
                )
            scoring = named[scoring]
        self.function = scoring
        self.name = next((name for name, function in named.items() if function is scoring), None)
        if self.name is None:
            _check_function(scoring)
        if self.name == "default":
            self.threshold = check_real("threshold", threshold, 0, exclusive=True, hint="The usual value is 10.")
        elif self.name == "npmi":
            self.threshold = check_real("threshold", threshold, -1, 1, hint="npmi goes from -1 to 1; try 0.5.")
        else:
            self.threshold = check_real("threshold", threshold)
        self.min_count = min_count
        self.least = {"default": min_count + 1, "npmi": min_count}.get(self.name or "", 1)

    def one(self, first: int, last: int, both: int, n_types: int, total: int) -> float | None:
        """The score of a pair with these counts, or None if it is no phrase."""
        if first <= 0 or last <= 0 or both <= 0:
            return None
        score = self.function(
            worda_count=first, wordb_count=last, bigram_count=both, len_vocab=n_types, min_count=self.min_count,
            corpus_word_count=total,
        )  # fmt: skip
        return score if score > self.threshold else None

    def many(
        self, first: NDArray[np.int64], last: NDArray[np.int64], both: NDArray[np.int64], n_types: int, total: int
    ) -> NDArray[np.float64]:
        """The scores of pairs with these counts, each (n,), all > 0; NaN for those that are no phrase."""
        if self.name is None:
            triples = zip(first.tolist(), last.tolist(), both.tolist(), strict=True)
            found = [self.one(a, b, c, n_types, total) for a, b, c in triples]
            return np.array([np.nan if score is None else score for score in found], np.float64)
        if self.name == "default":
            product = first.astype(np.float64) * last.astype(np.float64)
            scores = (both - self.min_count) / product * float(n_types)
        else:
            # NumPy's logarithm differs from that of the C library in the last bit.
            pair = both / float(total)
            ratio = pair / (first / float(total) * (last / float(total)))
            logarithms = [
                math.log(x) / -math.log(y) if count >= self.min_count else -math.inf
                for x, y, count in zip(ratio.tolist(), pair.tolist(), both.tolist(), strict=True)
            ]
            scores = np.array(logarithms, np.float64)
        return np.where(scores > self.threshold, scores, np.nan)


def _check_function(scoring: Any) -> None:
    try:
        parameters = inspect.signature(scoring).parameters
    except (TypeError, ValueError):
        parameters = {}  # type: ignore[assignment]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    missing = [name for name in ARGUMENTS if name not in parameters]
    if missing:
        raise InvalidArgumentError(
            f"scoring={scoring!r} has no argument {', '.join(missing)}; expected 'default', 'npmi' or a function of "
            f"{', '.join(ARGUMENTS)}, which are passed by name."
        )
