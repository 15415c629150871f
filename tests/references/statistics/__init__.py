"""Reference of `kerazoo_ext._statistics`: each header has a module here, written for clarity, in float64 NumPy."""

from tests.references.statistics.panel import fit_series

__all__ = ["fit_series"]
