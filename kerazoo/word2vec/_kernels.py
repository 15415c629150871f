"""The one door from `kerazoo.word2vec` to the compiled modules."""

from kerazoo_ext import _skipgram as skipgram

__all__ = ["skipgram"]
