"""Keras callbacks as arguments of estimators: one, several, or nested sequences of them."""

from __future__ import annotations

from typing import Any

from kerazoo._runtime.optional import needed
from kerazoo.errors import InvalidArgumentError

__all__ = ["flatten_callbacks"]


def flatten_callbacks(given: Any) -> list[Any]:
    """The callbacks as a flat list, in order. Imports Keras unless nothing is given.

    Args:
        given: None, a `keras.callbacks.Callback`, a `CallbackList`, or nested sequences of them, as `keras.Model.fit`
            takes them.

    Raises:
        InvalidArgumentError: something else is among them.

    >>> flatten_callbacks(None), flatten_callbacks(())
    ([], [])
    """
    if given is None or (isinstance(given, list | tuple) and not given):
        return []
    with needed("callbacks="):
        import keras

    found: list[Any] = []
    for each in keras.tree.flatten(given):
        if isinstance(each, keras.callbacks.CallbackList):
            found += each.callbacks
        elif isinstance(each, keras.callbacks.Callback):
            found.append(each)
        elif each is not None:
            kind = (
                f"the class {each.__name__}" if isinstance(each, type) else f"an object of type {type(each).__name__}"
            )
            raise InvalidArgumentError(
                f"callbacks contains {kind}; expected keras.callbacks.Callback objects. "
                "keras.callbacks.LambdaCallback makes one from a function."
            )
    return found
