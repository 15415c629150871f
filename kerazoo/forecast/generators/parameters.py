"""Parameters of generators: given by the caller and checked, or drawn at random for each series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = ["LARGEST", "Values", "check_shape", "choose", "log_normal", "log_uniform", "parameter", "split"]

Values = NDArray[np.float64]

#: Parameters in units of the series are at most this large, so that no square and no sum over a series overflows.
LARGEST = 1e12


def check_shape(rng: Any, n_series: Any, length: Any) -> tuple[int, int]:
    """The checked number of series and of steps; `rng` must be a NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise InvalidArgumentError(
            f"rng={rng!r}; expected a numpy.random.Generator. numpy.random.default_rng(seed) makes one."
        )
    return check_int("n_series", n_series, 0), check_int("length", length, 1, hint="Series have at least one step.")


def parameter(
    name: str, given: ArrayLike | None, n_series: int, minimum: float, maximum: float, draw: Callable[[], ArrayLike]
) -> Values:
    """A parameter of each series, float64 (S,): what is given, checked; else what `draw` draws.

    >>> parameter("drift", 0.5, 3, -1.0, 1.0, lambda: np.zeros(3))
    array([0.5, 0.5, 0.5])
    """
    if given is None:
        return np.clip(np.asarray(draw(), np.float64), minimum, maximum)
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}={given!r}; expected numbers, one or one of each series.") from None
    if values.shape not in ((), (n_series,)):
        raise InvalidArgumentError(
            f"{name} of shape {values.shape}; expected a number, or shape ({n_series},): one of each series."
        )
    if not np.all((values >= minimum) & (values <= maximum)):  # NaN fails, too
        wrong = values[~((values >= minimum) & (values <= maximum))]
        raise InvalidArgumentError(f"{name}={wrong.flat[0]:g}; expected numbers from {minimum:g} to {maximum:g}.")
    return np.broadcast_to(values, (n_series,)).copy()


def log_uniform(rng: np.random.Generator, low: float, high: float, size: Any) -> Values:
    """Numbers whose logarithm is uniform between those of `low` and `high`."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def log_normal(rng: np.random.Generator, median: float, spread: float, low: float, high: float, size: Any) -> Values:
    """Numbers whose logarithm is normal around that of `median` with standard deviation `spread`, clipped."""
    return np.clip(median * np.exp(spread * rng.standard_normal(size)), low, high)


def choose(rng: np.random.Generator, weights: Sequence[float] | Values, size: int) -> NDArray[np.int64]:
    """Integers 0, 1, ..., int64 (size,), with probabilities in proportion to the weights."""
    share = np.cumsum(np.asarray(weights, np.float64))
    return np.asarray(np.searchsorted(share / share[-1], rng.random(size), side="right"), np.int64)


def split(labels: NDArray[np.int64], n_labels: int) -> list[NDArray[np.int64]]:
    """Positions of each label, in order."""
    return [np.flatnonzero(labels == label) for label in range(n_labels)]
