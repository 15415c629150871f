"""What the values of a panel must be: not below a floor, or 0, or counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerazoo._validation import check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.index import text_of
from kerazoo.forecast.data.panel import Panel

__all__ = ["check_counts", "check_floor", "check_not_negative", "check_range"]


def check_range(floor: float | None, loss: str | None, panel: Panel) -> None:
    """Refuse values that a fitted forecaster with this floor and loss cannot continue.

    Raises:
        InvalidArgumentError: as :func:`check_floor` and :func:`check_not_negative`.
    """
    check_floor(floor, panel)
    if loss == "mape":
        check_not_negative(panel)


def check_counts(panel: Panel) -> None:
    """Refuse values that are no counts, which `loss="negative_binomial"` needs.

    Args:
        panel: the series.

    Raises:
        InvalidArgumentError: a value is negative or not whole.
    """
    for each in panel.series:
        wrong = (each.values < 0) | (each.values != np.floor(each.values)) & ~np.isnan(each.values)
        if wrong.any():
            at = int(wrong.argmax())
            raise InvalidArgumentError(
                f"loss='negative_binomial', but series {each.id!r} is {each.values[at]:g} at "
                f"{text_of(each.index[at])}; expected counts: whole numbers >= 0."
            )


def check_not_negative(panel: Panel) -> None:
    """Refuse values below 0, of which `loss="mape"` knows no percentage.

    Args:
        panel: the series.

    Raises:
        InvalidArgumentError: a value is negative.
    """
    for each in panel.series:
        wrong = each.values < 0
        if wrong.any():
            at = int(wrong.argmax())
            raise InvalidArgumentError(
                f"loss='mape', but series {each.id!r} is {each.values[at]:g} at {text_of(each.index[at])}; expected "
                "values >= 0, or another loss, such as 'mae'."
            )


def check_floor(floor: Any, panel: Panel) -> float | None:
    """The parameter `floor`, which no value of a panel may lie below.

    Args:
        floor: a number, or None.
        panel: the series.

    Raises:
        InvalidArgumentError: no number, or values below it.
    """
    if floor is None:
        return None
    floor = check_real("floor", floor, hint="It is the least possible value: 0 for counts; None for any.")
    for each in panel.series:
        below = np.flatnonzero(each.values < floor)
        if len(below):
            where = f" of series {each.id!r}" if len(panel.series) > 1 else ""
            raise InvalidArgumentError(
                f"floor={floor:g}, but {len(below)} of {len(each.values)} values{where} are below, the first is "
                f"{each.values[below[0]]:g} at {text_of(each.index[below[0]])}; expected values >= floor. Correct the "
                "values, or choose a lower floor."
            )
    return floor
