"""Warnings that a block of this library ignores, also while other threads do the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerazoo._runtime.locks import module_lock

__all__ = ["warnings_ignored"]

_lock = module_lock()


@contextmanager
def warnings_ignored(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore warnings of a category within a block. Meanwhile they are ignored in other threads, too.

    `warnings.catch_warnings` is not for several threads: the filters of one thread that ends after another one are
    restored to what the other had set, and the program ignores warnings ever after. Here each block adds a filter of
    its own and removes the same.

    Args:
        category: class of the warnings.

    >>> with warnings_ignored(UserWarning):
    ...     warnings.warn("not seen", UserWarning)
    """
    entry = ("ignore", None, category, None, 0)
    with _lock:
        filters: list[Any] = warnings.filters  # type: ignore[assignment]  # typed as read-only
        filters.insert(0, entry)
    try:
        yield
    finally:
        with _lock:
            # Within a `catch_warnings` of the program, they are another list meanwhile, a copy.
            for each in (filters, warnings.filters):
                _remove(each, entry)


def _remove(filters: Any, entry: tuple[Any, ...]) -> None:
    """Remove this very entry, not an equal one, if it is there."""
    for place, each in enumerate(filters):
        if each is entry:
            del filters[place]
            return
