"""A dict that belongs to a Keras model, for functions compiled for it; Keras neither tracks nor saves it."""

from __future__ import annotations

from typing import Any

__all__ = ["model_cache"]


class _Holder:
    """Hides the dict: Keras tracks dicts and lists that are attributes of a model, but not unknown objects."""

    def __init__(self) -> None:
        self.values: dict[Any, Any] = {}


def model_cache(model: Any, name: str) -> dict[Any, Any]:
    """The dict with this name that belongs to `model`, made at the first call; it lives as long as the model."""
    attribute = f"_kerazoo_{name}"
    if attribute not in model.__dict__:
        object.__setattr__(model, attribute, _Holder())
    holder: _Holder = model.__dict__[attribute]
    return holder.values
