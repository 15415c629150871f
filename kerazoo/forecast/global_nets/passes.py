"""Passes of equal size: the outputs of a network for a window that do not depend on the windows beside it.

Products of matrices with other numbers of rows may add their terms in another order, so the last digits of a forecast
depend on how many series are forecast together. Where they must not, as in buckets of series, every pass of Keras has
the same number of rows: zeros are added to those that lack some. In NumPy each window has products of its own, since
the order may depend on the place of a row, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["are_equal", "equal_passes"]

_equal: ContextVar[bool] = ContextVar("_equal", default=False)


@contextmanager
def equal_passes() -> Iterator[None]:
    """Within it, networks compute passes of equal size only.

    >>> with equal_passes():
    ...     are_equal()
    True
    >>> are_equal()
    False
    """
    token = _equal.set(True)
    try:
        yield
    finally:
        _equal.reset(token)


def are_equal() -> bool:
    """Whether passes of equal size are asked for."""
    return _equal.get()
