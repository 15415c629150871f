"""The one door from `kerazoo.forecast` to the compiled modules."""

from kerazoo_ext import _smoothing as smoothing

__all__ = ["smoothing"]
