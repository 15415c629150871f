"""gensim's `Word2Vec`, trained by kerazoo's native engine: change the import, keep the program.

    from kerazoo.gensim import Word2Vec     # was: from gensim.models import Word2Vec

The other names are gensim's own, so that one import line is enough. docs/gensim.md says what differs.
"""

from gensim.models import KeyedVectors
from gensim.models.callbacks import CallbackAny2Vec
from gensim.models.word2vec import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus

from kerazoo.gensim.model import Word2Vec

__all__ = [
    "BrownCorpus",
    "CallbackAny2Vec",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "Text8Corpus",
    "Word2Vec",
]
