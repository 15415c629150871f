"""Exceptions of kerazoo, and the checks that raise them.

Every message says what was got, what is allowed and, where there is one, the remedy:
``window=0; expected an integer >= 1. The usual value is 5.``

Each class also inherits from the built-in exception that a reader would expect (`ValueError`,
`FileNotFoundError`, ...), so that code which knows nothing of kerazoo can catch it.
"""

from __future__ import annotations

import difflib
import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

__all__ = [
    "CorpusError",
    "CorpusNotFoundError",
    "DatasetUnavailableError",
    "IntervalError",
    "InvalidArgumentError",
    "KerazooError",
    "NotFittedError",
    "StorageError",
    "TrainingError",
    "VocabularyError",
]


class KerazooError(Exception):
    """Base of all errors that kerazoo raises on purpose."""


class InvalidArgumentError(KerazooError, ValueError):
    """An argument has a value or a type that is not allowed."""


class IntervalError(InvalidArgumentError):
    """A prediction interval was asked for that too few steps were held out for, or none."""


class CorpusError(KerazooError, ValueError):
    """A corpus cannot be read: empty, not UTF-8, truncated, or of the wrong type."""


class CorpusNotFoundError(CorpusError, FileNotFoundError):
    """A corpus file or directory does not exist."""


class VocabularyError(KerazooError, ValueError):
    """No vocabulary can be made, or a vocabulary does not fit the data."""


class StorageError(KerazooError, OSError):
    """A file written by kerazoo is damaged, cut short, or not one of ours."""


class DatasetUnavailableError(KerazooError, OSError):
    """A data set is neither in the cache nor to be had from the network."""


class TrainingError(KerazooError, ArithmeticError):
    """Training went wrong: the loss is no longer a number."""


class NotFittedError(KerazooError, ValueError, AttributeError):
    """A result was asked for before `fit`."""


def check_int(name: str, value: Any, minimum: int = 1, maximum: int | None = None, hint: str = "") -> int:
    """Return `value` as an int, or raise :class:`InvalidArgumentError`. Booleans and floats are refused.

    >>> check_int("window", 5)
    5
    """
    allowed = f"an integer >= {minimum}" if maximum is None else f"an integer from {minimum} to {maximum}"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise InvalidArgumentError(_message(name, value, allowed, hint)) from None
    if number < minimum or (maximum is not None and number > maximum):
        raise InvalidArgumentError(_message(name, value, allowed, hint))
    return number


def check_real(
    name: str,
    value: Any,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    *,
    exclusive: bool = False,
    hint: str = "",
) -> float:
    """Return `value` as a finite float within [minimum, maximum], or raise :class:`InvalidArgumentError`.

    With `exclusive`, the minimum itself is not allowed.
    """
    allowed = "a finite number"
    if minimum > -math.inf:
        allowed += f" {'>' if exclusive else '>='} {minimum:g}"
    if maximum < math.inf:
        allowed += f"{' and' if minimum > -math.inf else ''} <= {maximum:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise InvalidArgumentError(_message(name, value, allowed, hint))
    number = float(value)
    if number < minimum or number > maximum or (exclusive and number == minimum):
        raise InvalidArgumentError(_message(name, value, allowed, hint))
    return number


def check_flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False, or raise.

    >>> check_flag("peephole", True)
    True
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(_message(name, value, "True or False", ""))
    return value


def check_dropout(name: str, value: Any) -> float:
    """Return `value` as a float from 0 up to, but not including, 1, or raise :class:`InvalidArgumentError`."""
    number = check_real(name, value, 0.0, 1.0, hint="It is the probability of a value to be dropped.")
    if number == 1.0:
        raise InvalidArgumentError(f"{name}=1; expected a number >= 0 and < 1: nothing would be left.")
    return number


def check_choice(name: str, value: Any, choices: Iterable[str], hint: str = "") -> str:
    """Return `value` if it is one of `choices`, or raise with the list and the nearest known name."""
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    near = difflib.get_close_matches(value, known, n=1) if isinstance(value, str) else []
    guess = f"Did you mean {near[0]!r}?" if near else ""
    allowed = "one of " + ", ".join(repr(choice) for choice in known)
    raise InvalidArgumentError(_message(name, value, allowed, " ".join(part for part in (guess, hint) if part)))


def _message(name: str, value: Any, allowed: str, hint: str) -> str:
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return f"{name}={shown}; expected {allowed}.{' ' + hint if hint else ''}"
