"""gensim's `Word2Vec`, trained by kerazoo's native engine: change the import, keep the program.

    from kerazoo.gensim import Word2Vec     # was: from gensim.models import Word2Vec

`Phrases` and `FrozenPhrases` (`Phraser`) are those of `kerazoo.text`. The other names are gensim's own, so that one
import line is enough. docs/gensim.md says what differs.
"""

from typing import Any

from gensim.models import KeyedVectors
from gensim.models.callbacks import CallbackAny2Vec
from gensim.models.word2vec import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus

from kerazoo.gensim.model import Word2Vec
from kerazoo.text import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrases

Phraser = FrozenPhrases  # as in gensim

__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "BrownCorpus",
    "CallbackAny2Vec",
    "FrozenPhrases",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "Phraser",
    "Phrases",
    "Text8Corpus",
    "Word2Vec",
]

_ELSEWHERE = {
    "FastText": "kerazoo.FastText has gensim's parameter names, but fit(corpus) trains it: see docs/fasttext.md.",
    "load_facebook_model": "kerazoo.FastText.load_facebook_model(path) reads such files: see docs/fasttext.md.",
    "Doc2Vec": "kerazoo has no Doc2Vec. Word2Vec.transform makes vectors of documents: see docs/documents.md.",
}


def __getattr__(name: str) -> Any:
    # An AttributeError would become "cannot import name", without the hint.
    if name in _ELSEWHERE:
        raise ImportError(f"kerazoo.gensim has no {name}. {_ELSEWHERE[name]}", name=name)
    raise AttributeError(f"module 'kerazoo.gensim' has no attribute {name!r}")
