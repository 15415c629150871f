"""Column labels of forecast tables: `forecast`, and `lower_80`, `upper_80` for the interval of level 0.8."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["FORECAST", "bound_columns", "levels_of"]

FORECAST = "forecast"
_BOUND = re.compile(r"(?:lower|upper)_(\d+(?:\.\d+)?)")


def bound_columns(level: float) -> tuple[str, str]:
    """Labels of the lower and the upper bound of the interval of `level`, a fraction: in percent, at most 6 digits.

    >>> bound_columns(0.8), bound_columns(0.995)
    (('lower_80', 'upper_80'), ('lower_99.5', 'upper_99.5'))
    """
    label = f"{100 * level:g}"
    return f"lower_{label}", f"upper_{label}"


def levels_of(columns: Iterable[object]) -> list[float]:
    """Levels of the intervals that have a bound among the labels `columns`: each level once, ascending.

    A label counts if :func:`bound_columns` writes it; all others are skipped.

    >>> levels_of(["forecast", "lower_95", "upper_95", "lower_80", "upper_80"])
    [0.8, 0.95]
    """
    levels = set()
    for column in columns:
        match = _BOUND.fullmatch(str(column))
        if match is not None:
            level = float(f"{match[1]}e-2")  # a division by 100 would round once more: 0.7 / 100 is not 0.007
            if str(column) in bound_columns(level):
                levels.add(level)
    return sorted(levels)
