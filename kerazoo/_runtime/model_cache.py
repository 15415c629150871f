"""A dict that belongs to a Keras model, for what was compiled for it, without Keras tracking or saving it."""

from __future__ import annotations

from typing import Any

__all__ = ["attached"]


class _Holder:
    """Keras walks dicts and lists that are attributes of a model, but no objects that it does not know."""

    def __init__(self) -> None:
        self.values: dict[Any, Any] = {}


def attached(model: Any, name: str) -> dict[Any, Any]:
    """The dict of this name of a model, made at the first call. It goes with the model, and is not in its files."""
    attribute = f"_kerazoo_{name}"
    if attribute not in model.__dict__:
        object.__setattr__(model, attribute, _Holder())
    holder: _Holder = model.__dict__[attribute]
    return holder.values
