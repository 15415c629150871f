"""Old names of arguments, methods and attributes: they work for one version and warn.

An old name that was deprecated in version 0.2 is removed in version 0.3.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from kerazoo.errors import InvalidArgumentError

__all__ = ["renamed_arguments", "renamed_attribute", "renamed_method", "warn_renamed"]

REMOVAL = "0.3"

F = TypeVar("F", bound=Callable[..., Any])


def warn_renamed(old: str, new: str, stacklevel: int = 2) -> None:
    """Warn that `old` is now called `new`.

    Args:
        old: the name that the caller used, as in code: ``interval=`` or ``Forecaster.backtest``.
        new: what to write instead.
        stacklevel: as in `warnings.warn`; 2 points at the caller of the function that calls this one.
    """
    warnings.warn(
        f"{old} is deprecated and will be removed in version {REMOVAL}; use {new}.",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )


def renamed_arguments(**new_names: str) -> Callable[[F], F]:
    """Decorator: a function takes old keyword arguments under their new names, with a DeprecationWarning.

    Args:
        **new_names: old name -> new name.

    Returns:
        The decorator. The signature that `inspect` shows is that of the function, with the new names only.

    >>> @renamed_arguments(interval="level")
    ... def predict(*, level=None):
    ...     return level
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     predict(interval=0.8)
    0.8
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            for old in [name for name in kwargs if name in new_names]:
                new = new_names[old]
                if new in kwargs:
                    raise InvalidArgumentError(f"{old}= and {new}= are both given; expected {new}= only.")
                warn_renamed(f"{old}=", f"{new}=")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def renamed_attribute(owner: str, old: str, new: str) -> Any:
    """A read-only property that returns the attribute `new` and warns; `owner` is the name of the class.

    >>> class Model:
    ...     weight_ = 3
    ...     share_ = renamed_attribute("Model", "share_", "weight_")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     Model().share_
    3
    """

    def read(self: Any) -> Any:
        warn_renamed(f"{owner}.{old}", f"{owner}.{new}")
        return getattr(self, new)

    return property(read, doc=f"Deprecated; use `{new}`.")


def renamed_method(owner: str, old: str, new: str) -> Any:
    """A method that calls the method `new` and warns; `owner` is the name of the class."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        warn_renamed(f"{owner}.{old}", f"{owner}.{new}")
        return getattr(self, new)(*args, **kwargs)

    call.__name__, call.__doc__ = old, f"Deprecated; use :meth:`{new}`."
    return call
