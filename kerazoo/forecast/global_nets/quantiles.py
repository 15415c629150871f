"""Quantiles from the outputs of a network, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["at_levels", "rising"]

Values = NDArray[np.float64]


def rising(outputs: Values, middle: int) -> Values:
    """Quantiles (..., Q) that do not cross, of outputs (..., Q) of which each but the middle one is a step to the next.

    Args:
        outputs: the median, and what the softplus of is the distance from one quantile to the next.
        middle: place of the median.

    >>> rising(np.array([0.0, 5.0, 0.0]), 1).round(2).tolist()
    [4.31, 5.0, 5.69]
    """
    centre = outputs[..., middle : middle + 1]
    steps = np.logaddexp(0.0, outputs)
    above = centre + np.cumsum(steps[..., middle + 1 :], axis=-1)
    below = centre - np.cumsum(steps[..., :middle][..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([below, centre, above], axis=-1)


def at_levels(found: Values, levels: Sequence[float], wanted: Sequence[float]) -> Values:
    """Quantiles of other levels, on straight lines between those that are known.

    Args:
        found: (..., Q), of the `levels`, which rise.
        levels: Q of them.
        wanted: levels within their range.

    >>> at_levels(np.array([1.0, 3.0]), [0.1, 0.5], [0.2]).round(2).tolist()
    [1.5]
    """
    place = np.interp(wanted, levels, np.arange(len(levels)))
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, len(levels) - 1)
    return np.asarray(found[..., lower] + (place - lower) * (found[..., upper] - found[..., lower]))
