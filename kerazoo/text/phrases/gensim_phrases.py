"""Phrases from gensim's `Phrases` and `FrozenPhrases`, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerazoo._runtime.optional import needed
from kerazoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from kerazoo.text.phrases.base import PhraseJoiner

__all__ = ["arguments_of", "exported"]


def arguments_of(phrases: Any) -> dict[str, Any]:
    """The arguments of `FrozenPhrases` for a gensim object.

    Raises:
        InvalidArgumentError: another object.
    """
    with needed("FrozenPhrases.from_gensim"):
        from gensim.models import phrases as gensim_phrases

    if isinstance(phrases, gensim_phrases.Phrases):
        phrases = phrases.freeze()
    if not isinstance(phrases, gensim_phrases.FrozenPhrases):
        raise InvalidArgumentError(
            f"from_gensim got a {type(phrases).__name__}; expected a gensim Phrases or FrozenPhrases. Load a file with "
            "gensim: gensim.models.phrases.FrozenPhrases.load(path), if you trust its source."
        )
    return {
        "phrasegrams": phrases.phrasegrams,
        "threshold": phrases.threshold,
        "min_count": phrases.min_count,
        "delimiter": phrases.delimiter,
        "connector_words": phrases.connector_words,
    }


def exported(phrases: PhraseJoiner) -> Any:
    """A gensim ``FrozenPhrases`` with the phrases of a `FrozenPhrases`."""
    with needed("to_gensim"):
        from gensim.models.phrases import FrozenPhrases, original_scorer

    frozen: Any = phrases
    made = FrozenPhrases.__new__(FrozenPhrases)  # its constructor takes a gensim Phrases with all counts
    made.threshold = frozen.threshold
    made.min_count = frozen.min_count
    made.delimiter = frozen.delimiter
    made.connector_words = frozen.connector_words
    made.scoring = original_scorer  # not used by a frozen object
    made.phrasegrams = dict(frozen.phrasegrams)
    return made
