"""The one door from `kerazoo.batching` to the compiled modules."""

from kerazoo_ext import _noise as noise
from kerazoo_ext import _order as order
from kerazoo_ext import _pairs as pairs

__all__ = ["noise", "order", "pairs"]
