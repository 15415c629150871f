"""From text to ids: corpus readers, `Vocabulary`, `EncodedCorpus`."""

from kerazoo.text.corpus import EncodedCorpus
from kerazoo.text.vocabulary import Vocabulary

__all__ = ["EncodedCorpus", "Vocabulary"]
