"""Argument checks: each returns the value, or raises an error with the value, the allowed range and the remedy.

``window=0; expected an integer >= 1. The usual value is 5.``
"""

from __future__ import annotations

import difflib
import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

from kerazoo.errors import InvalidArgumentError

__all__ = ["check_choice", "check_dropout", "check_flag", "check_int", "check_real", "check_seed", "check_workers"]

LARGEST_INT = 2**63 - 1  # of the arrays, and of the compiled code
LARGEST_WORKERS = 4096  # threads or processes; more than any machine has cores, and each takes memory


def check_int(name: str, value: Any, minimum: int = 1, maximum: int | None = None, hint: str = "") -> int:
    """Return `value` as an int, or raise :class:`InvalidArgumentError`. Booleans and floats are refused.

    Without a maximum, integers that do not fit into 64 bits are refused, too.

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
    if maximum is None and number > LARGEST_INT:
        allowed = f"an integer from {minimum} to {LARGEST_INT} (2^63 - 1)"
        raise InvalidArgumentError(_message(name, value, allowed, hint))
    return number


def check_seed(name: str, value: Any, hint: str = "") -> int:
    """Return `value` as an int >= 0 of any size, as ``numpy.random.SeedSequence`` takes it, or raise.

    >>> check_seed("seed", 2**80) == 2**80
    True
    """
    if isinstance(value, int) and value > LARGEST_INT:
        return value
    return check_int(name, value, 0, hint=hint)


def check_workers(name: str, value: Any, hint: str = "") -> int:
    """Return `value` as a number of threads or processes, from 1 to 4096, or raise.

    >>> check_workers("workers", 2)
    2
    """
    return check_int(name, value, 1, LARGEST_WORKERS, hint)


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
    if isinstance(value, bool):
        return value
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):  # without importing NumPy
        return bool(value)
    raise InvalidArgumentError(_message(name, value, "True or False", ""))


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
