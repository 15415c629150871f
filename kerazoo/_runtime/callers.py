"""Where a warning points to: the line of the caller's program, whatever lies between."""

from __future__ import annotations

import sys

__all__ = ["outside_level"]

_BETWEEN = ("kerazoo", "contextlib")


def outside_level() -> int:
    """The `stacklevel` of :func:`warnings.warn` that names the innermost line outside this package.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.warn("a message", stacklevel=outside_level())
    >>> len(caught)
    1
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).split(".")[0] in _BETWEEN:
        level, frame = level + 1, frame.f_back
    return level
