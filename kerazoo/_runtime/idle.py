"""Compiled models that no training uses, kept for the next training of the same kind.

Compiling takes seconds; and TensorFlow keeps every program that XLA compiled until the process ends, 17 MB for a small
network, also when the model and its functions are gone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from kerazoo._runtime.locks import module_lock

__all__ = ["IdleModels"]


class IdleModels:
    """The models that were used last; make one while a module is imported.

    A model is in use by one training: taken out before, and kept after it, unless an exception left any state. The
    next training must set all that it depends on.

    Args:
        most: int, models that are kept.

    >>> idle = IdleModels(2)
    >>> for name in "abc":
    ...     idle.keep(name, name.upper())
    >>> idle.take("a"), idle.take("c"), idle.take("c")
    (None, 'C', None)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._models: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = module_lock()

    def take(self, key: Hashable) -> Any:
        """The model that was kept with this key, which is now the caller's; None: there is none."""
        with self._lock:
            return self._models.pop(key, None)

    def keep(self, key: Hashable, model: Any) -> None:
        """Keep a model, in place of one with the same key."""
        with self._lock:
            self._models[key] = model
            self._models.move_to_end(key)
            while len(self._models) > self._most:
                self._models.popitem(last=False)
