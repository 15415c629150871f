"""The one door from `kerazoo.word2vec` to the compiled modules."""

from kerazoo_ext import _word2vec as word2vec

__all__ = ["word2vec"]
