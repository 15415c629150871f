"""Data sets: small ones that work offline, and larger ones that are downloaded once."""

from kerazoo.datasets.lee import lee
from kerazoo.datasets.text8 import text8

__all__ = ["lee", "text8"]
