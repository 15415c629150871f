"""The transforms by name, and transforms from configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerazoo._validation import check_choice
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms.base import Transform, constructor_arguments

__all__ = ["list_transforms", "register_transform", "transform_from_config"]

_REGISTRY: dict[str, type[Transform]] = {}


def register_transform(cls: type[Transform]) -> type[Transform]:
    """Class decorator that registers a subclass of :class:`Transform` under its `name`.

    Raises:
        InvalidArgumentError: the class has no name, or another class has the same name.
    """
    if not cls.name or not cls.name.isidentifier():
        raise InvalidArgumentError(f"name={cls.name!r}; expected a class attribute like name = 'my_transform'.")
    if _REGISTRY.get(cls.name, cls).__qualname__ != cls.__qualname__:
        raise InvalidArgumentError(
            f"name={cls.name!r} is the name of {_REGISTRY[cls.name].__qualname__}; expected a name that is not in use."
        )
    _REGISTRY[cls.name] = cls
    return cls


def list_transforms() -> dict[str, type[Transform]]:
    """The registered transforms: name -> class, sorted by name.

    >>> "log" in list_transforms()
    True
    """
    return dict(sorted(_REGISTRY.items()))


def transform_from_config(config: str | Mapping[str, Any] | Transform) -> Transform:
    """Build an unfitted transform; the inverse of :meth:`Transform.to_config`.

    Args:
        config: mapping with the `name` of a transform and the arguments of its constructor; or a name alone; or a
            transform, which is returned unchanged.

    Raises:
        InvalidArgumentError: an unknown name or argument.

    >>> transform_from_config({"name": "difference", "lag": 12})
    Difference(lag=12)
    >>> transform_from_config("log")
    Log()
    """
    if isinstance(config, Transform):
        return config
    arguments = {"name": config} if isinstance(config, str) else dict(config)
    if "name" not in arguments:
        raise InvalidArgumentError(f"config={config!r}; expected the name of a transform under 'name'.")
    known = list_transforms()
    cls = known[check_choice("name of a transform", arguments.pop("name"), known)]
    for argument in arguments:
        check_choice(f"argument of {cls.name}", argument, constructor_arguments(cls))
    return cls(**arguments)
