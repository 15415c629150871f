"""Arguments and names of version 0.1 that still work and warn. Version 0.3 removes this file and its callers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kerazoo._runtime.deprecation import warn_renamed
from kerazoo.errors import InvalidArgumentError
from kerazoo.word2vec.options import ENGINE_OPTIONS

__all__ = ["MOVED", "check_given_once", "moved_arguments", "moved_attribute", "state_with_moved", "with_moved"]

# Constructor arguments that are now keys of `engine_options`.
MOVED = ENGINE_OPTIONS["keras"]

F = TypeVar("F", bound=Callable[..., Any])


def with_moved(arguments: dict[str, Any], options: Mapping[str, Any] | None, stacklevel: int = 2) -> dict[str, Any]:
    """The arguments with the moved ones among `engine_options`, and a DeprecationWarning for each.

    Args:
        arguments: constructor argument -> value.
        options: the engine options without those of the moved arguments.
        stacklevel: as in `warnings.warn`, from the caller of this function.
    """
    moved = [name for name in arguments if name in MOVED]
    if not moved:
        return arguments
    if options is not None and not isinstance(options, Mapping):
        raise InvalidArgumentError(
            f"{moved[0]}= with engine_options={options!r}; expected engine_options to be a dict or None."
        )
    merged = {name: value for name, value in (options or {}).items() if name not in moved}
    for name in moved:
        warn_renamed(f"{name}=", f"engine_options={{{name!r}: ...}}", stacklevel + 1)
        if arguments[name] is not None:
            merged[name] = arguments[name]
    rest = {name: value for name, value in arguments.items() if name not in MOVED}
    return {**rest, "engine_options": merged or None}


def check_given_once(arguments: Mapping[str, Any]) -> None:
    """Raise if a moved argument is given both by its old name and in `engine_options`."""
    options = arguments.get("engine_options")
    for name in MOVED:
        if name in arguments and isinstance(options, Mapping) and name in options:
            raise InvalidArgumentError(f"{name}= is given twice; expected it in engine_options= only.")


def state_with_moved(state: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an estimator that version 0.1 pickled, with the moved ones in `engine_options`."""
    if "engine_options" in state:
        return state
    options = {name: state[name] for name in MOVED if state.get(name) is not None}
    return {**{name: value for name, value in state.items() if name not in MOVED}, "engine_options": options or None}


def moved_arguments(init: F) -> F:
    """Decorator of the constructor: it takes the moved arguments too, which its signature does not show."""

    @functools.wraps(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        check_given_once(kwargs)
        init(self, *args, **with_moved(kwargs, kwargs.get("engine_options")))

    return wrapper  # type: ignore[return-value]


def moved_attribute(name: str) -> Any:
    """A property in place of the attribute of a moved argument."""

    def read(self: Any) -> Any:
        warn_renamed(f"Word2Vec.{name}", f"Word2Vec.engine_options[{name!r}]")
        return self.engine_options.get(name) if isinstance(self.engine_options, Mapping) else None

    def write(self: Any, value: Any) -> None:
        self.engine_options = with_moved({name: value}, self.engine_options)["engine_options"]

    return property(read, write, doc=f"Deprecated; use ``engine_options[{name!r}]``.")
