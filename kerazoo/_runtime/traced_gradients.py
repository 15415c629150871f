"""Gradient functions that TensorFlow registers when it traces `tf.custom_gradient`, and keeps for ever.

Such a function refers to the tensors of its graph, so every network that is trained and forgotten would leave its
graphs behind. TensorFlow looks it up while it builds the gradient. For a step of training, this is the same trace; a
trace that only computes forecasts never does. Keras's optimizers register one with each trace, too, for the sum of
gradients over devices, which nothing differentiates.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["forgotten", "note"]

_START = "CustomGradient-"
_SUM = "ReplicaContextBase.all_reduce."
_current = threading.local()


def note(name: str) -> None:
    """Say that a gradient function was registered under this name."""
    names = getattr(_current, "names", None)
    if names is not None:
        names.append(name)


@contextmanager
def forgotten() -> Iterator[None]:
    """The gradient functions that this thread notes inside are removed at the end, and those of optimizers.

    No function that is traced inside may be differentiated from outside later.
    """
    outer = getattr(_current, "names", None)
    names: list[str] = []
    _current.names = names
    try:
        yield
    finally:
        _current.names = outer
        if "tensorflow" in sys.modules:
            _remove(names)


def _remove(names: list[str]) -> None:
    from tensorflow.python.framework import ops

    # No public name: where TensorFlow has another registry, graphs are kept, as without this module.
    registry = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    of_optimizers = [name for name, entry in list(registry.items()) if name.startswith(_START) and _is_sum(entry)]
    for name in [*names, *of_optimizers]:
        registry.pop(name, None)


def _is_sum(entry: Any) -> bool:
    """Whether the function is that of `ReplicaContext.all_reduce`, two closures below the registered one."""
    functions = [entry["type"]] if isinstance(entry, dict) and "type" in entry else []
    for _ in range(2):
        cells = [cell for function in functions for cell in getattr(function, "__closure__", None) or ()]
        functions = [value for value in map(_content, cells) if callable(value)]
    return any(getattr(function, "__qualname__", "").startswith(_SUM) for function in functions)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet, in another thread
        return None
