"""From text to ids: corpus readers, `Vocabulary`, `EncodedCorpus`; `Phrases` joins words that belong together."""

from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.phrases import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrases, npmi_scorer, original_scorer
from kerazoo.text.vocabulary import Vocabulary

__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "EncodedCorpus",
    "FrozenPhrases",
    "Phrases",
    "Vocabulary",
    "npmi_scorer",
    "original_scorer",
]
