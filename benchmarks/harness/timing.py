"""Alternated repeats, medians and ratios.

The machine may be noisy, so the sides of a comparison alternate (A B C, A B C, ...) instead of running one after the
other, and a ratio is the median of the ratios within each round.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Side", "alternate", "summarise"]


@dataclass
class Side:
    """One side of a comparison.

    Attributes:
        name: shown in the table.
        run: does the whole work once; returns the number of units of work.
        seconds: of each timed run.
        units: of each timed run.
        notes: further columns of its row.
    """

    name: str
    run: Callable[[], float]
    seconds: list[float] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def rates(self) -> list[float]:
        """Units per second of each timed run."""
        return [unit / second for unit, second in zip(self.units, self.seconds, strict=True)]


def alternate(sides: Sequence[Side], repeats: int, warm_up: bool = True) -> None:
    """Time `repeats` rounds, each of which runs every side once; with `warm_up` an untimed round comes first."""
    for number in range(-1 if warm_up else 0, repeats):
        for side in sides:
            gc.collect()
            start = time.perf_counter()
            units = side.run()
            elapsed = time.perf_counter() - start
            if number >= 0:
                side.seconds.append(elapsed)
                side.units.append(units)


def summarise(sides: Sequence[Side], reference: str, unit: str) -> list[dict[str, Any]]:
    """One row per side: median and range of the rate, and the median of its ratios to `reference` within each round."""
    base = next(side for side in sides if side.name == reference)
    rows = []
    for side in sides:
        rates = side.rates
        ratios = [rate / other for rate, other in zip(rates, base.rates, strict=True)]
        rows.append(
            {
                "name": side.name,
                "unit": f"{unit}/s",
                "median_rate": statistics.median(rates),
                "min_rate": min(rates),
                "max_rate": max(rates),
                "median_seconds": statistics.median(side.seconds),
                "repeats": len(rates),
                f"ratio_to_{reference}": statistics.median(ratios),
                **side.notes,
            }
        )
    return rows
