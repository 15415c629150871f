"""The one door from `kerazoo.batching` to the compiled modules."""

from kerazoo_ext import _blocks as blocks
from kerazoo_ext import _noise as noise
from kerazoo_ext import _order as order
from kerazoo_ext import _pairs as pairs
from kerazoo_ext import _sequences as sequences

__all__ = ["blocks", "noise", "order", "pairs", "sequences"]
