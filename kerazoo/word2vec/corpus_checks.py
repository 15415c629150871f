"""Checks that a corpus has something to learn from."""

from __future__ import annotations

from kerazoo.errors import VocabularyError
from kerazoo.text import EncodedCorpus
from kerazoo.text.tokens import Tokens

__all__ = ["check_corpus"]


def check_corpus(encoded: EncodedCorpus, min_count: int) -> None:
    """Check that the corpus has something to learn from; a message says what was dropped.

    Raises:
        VocabularyError: there are fewer than two words.
        CorpusError: no document has two of them.
    """
    vocabulary = encoded.vocabulary
    if len(vocabulary) < 2:
        dropped = f" (min_count={min_count} dropped {vocabulary.n_dropped_types:,})" * bool(vocabulary.n_dropped_types)
        raise VocabularyError(
            f"the vocabulary has {len(vocabulary)} word{dropped}; expected at least 2, since training needs noise "
            "words. Use a larger corpus or a smaller min_count."
        )
    tokens = Tokens(encoded.ids, encoded.offsets, vocabulary.counts)
    tokens.check_pairs_possible(encoded.n_dropped, f"min_count={min_count} (or max_final_vocab)")
