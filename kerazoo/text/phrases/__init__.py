"""Phrases: neighbouring words that belong together, such as ``new_york``, found by their counts and joined."""

from kerazoo.text.phrases.model import FrozenPhrases, Phrases
from kerazoo.text.phrases.scoring import ENGLISH_CONNECTOR_WORDS, npmi_scorer, original_scorer

__all__ = ["ENGLISH_CONNECTOR_WORDS", "FrozenPhrases", "Phrases", "npmi_scorer", "original_scorer"]
