"""`after_import`: what is to be done to another package's module, once the program imports it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["after_import"]


def after_import(name: str, function: Callable[[ModuleType], None]) -> None:
    """Call a function with a module: at once if it is imported, else right after its import.

    Nothing is imported here. Calls with the same module and function wait once.

    Args:
        name: of the module, such as `"sklearn.base"`.
        function: gets the module. It may be called again if the module is imported again.

    >>> after_import("sys", lambda module: print(module.__name__))
    sys
    """
    if name in sys.modules:
        function(sys.modules[name])
        return
    watcher = _Watcher(name, function)
    if not any(getattr(each, "watches", None) == watcher.watches for each in sys.meta_path):
        sys.meta_path.insert(0, watcher)


class _Watcher:
    """Sees the import of a module and calls a function after it (an `importlib.abc.MetaPathFinder`)."""

    def __init__(self, name: str, function: Callable[[ModuleType], None]) -> None:
        self._name, self._function = name, function
        self.watches = (name, function.__module__, function.__qualname__)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders have, with a loader that calls the function afterwards; else None."""
        if fullname != self._name:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(fullname, path, target) if find else None
            if spec is not None:
                self._call_after(spec)
                return spec
        return None

    def _call_after(self, spec: ModuleSpec) -> None:
        run = getattr(spec.loader, "exec_module", None)
        if run is None:
            return

        def exec_module(module: ModuleType) -> None:
            run(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            self._function(module)

        # On this loader alone: it stays what it is, so that the source and the data of the module are found. With a
        # loader that takes no attributes, the module is as it would be without kerazoo.
        with contextlib.suppress(AttributeError):
            spec.loader.exec_module = exec_module  # type: ignore[union-attr,method-assign]
