"""Compiles and times comparisons on a device until a deadline."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.harness.device_workers import DeviceSide

__all__ = ["Comparison", "Limits", "describe_rates", "run_comparisons", "short_error"]

GRACE = 10.0  # seconds beyond the deadline within which functions that are already compiled are still timed

Emit = Callable[[dict[str, Any]], None]


@dataclass
class Comparison:
    """Sides that alternate; their models are built just before they are compiled.

    Attributes:
        row: columns that its rows share.
        sides: name -> function that builds the model.
        reference: name of the side that ratios relate to, or None.
        mode: "inference" or "training".
        batch: sequences.
        steps: of each sequence.
        features: of each step.
    """

    row: dict[str, Any]
    sides: dict[str, Callable[[], Any]]
    reference: str | None
    mode: str
    batch: int
    steps: int
    features: int

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (batch, steps, features) and targets (batch, steps, 1), float32."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.batch, self.steps, self.features)).astype("float32")
        return x, np.zeros((self.batch, self.steps, 1), "float32")


@dataclass(frozen=True)
class Limits:
    """How long to measure.

    Attributes:
        repeats: rounds of each comparison.
        round_seconds: of one side in one round.
        deadline: in seconds of `time.perf_counter`.
    """

    repeats: int
    round_seconds: float
    deadline: float


def run_comparisons(comparisons: Sequence[Comparison], worker: Any, limits: Limits, emit: Emit) -> None:
    """Measure until the deadline; `emit` gets the rows.

    The functions of a group of comparisons are compiled at the same time, then timed one after the other. A comparison
    that the deadline leaves out has a row with `measured=False`.
    """
    waiting = list(comparisons)
    with ThreadPoolExecutor(worker.threads) as pool:
        while waiting:
            group: list[tuple[Comparison, list[DeviceSide]]] = []
            while waiting and sum(len(sides) for _, sides in group) < 2 * worker.threads:
                comparison = waiting.pop(0)
                if time.perf_counter() > limits.deadline:
                    emit({**comparison.row, "measured": False})
                    continue
                group.append((comparison, _make_sides(comparison, worker, emit)))
            pending = [(comparison, side, pool.submit(side.compile)) for comparison, sides in group for side in sides]
            for comparison, side, future in pending:
                try:
                    future.result()
                except Exception as error:  # one function that does not compile must not end the others
                    emit({**comparison.row, "side": side.name, "error": short_error(error)})
                    side.notes["failed"] = True
            for comparison, sides in group:
                _compare(comparison, [side for side in sides if "failed" not in side.notes], limits, emit)
            del group, pending
            gc.collect()


def _make_sides(comparison: Comparison, worker: Any, emit: Emit) -> list[DeviceSide]:
    x, y = (worker.put(values) for values in comparison.data())
    sides = []
    for name, make in comparison.sides.items():
        try:
            sides.append(worker.side(name, make(), x, y, comparison.mode))
        except Exception as error:
            emit({**comparison.row, "side": name, "error": short_error(error)})
    return sides


def _compare(comparison: Comparison, sides: list[DeviceSide], limits: Limits, emit: Emit) -> None:
    if time.perf_counter() > limits.deadline + GRACE:
        emit({**comparison.row, "measured": False})
        return
    try:
        _time(sides, limits)
    except Exception as error:
        emit({**comparison.row, "error": short_error(error)})
        return
    base = next((side for side in sides if side.name == comparison.reference), None)
    for side in sides:
        row = {**comparison.row, "side": side.name, "unit": "steps/s", **describe_rates(side.rates)}
        if base is not None:
            row["ratio"] = statistics.median(a / b for a, b in zip(side.rates, base.rates, strict=True))
        emit({**row, **side.notes})


def _time(sides: Sequence[DeviceSide], limits: Limits) -> None:
    """Time the sides in rounds, each side for about `round_seconds`."""
    counts = []
    for side in sides:
        side.run()
        side.wait()
        start = time.perf_counter()
        side.run()
        side.wait()
        counts.append(max(1, min(200, int(limits.round_seconds / max(time.perf_counter() - start, 1e-6)))))
    for repeat in range(limits.repeats):
        if repeat > 1 and time.perf_counter() > limits.deadline:  # two rounds in any case, as the sides are compiled
            break
        for side, count in zip(sides, counts, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                side.run()
            side.wait()
            side.rates.append(count / (time.perf_counter() - start))


def describe_rates(rates: Sequence[float]) -> dict[str, Any]:
    """Columns of a row: median, minimum, maximum and number of the rates."""
    median = statistics.median(rates)
    return {"rate": median, "min_rate": min(rates), "max_rate": max(rates), "repeats": len(rates)}


def short_error(error: Exception) -> str:
    """Type and message of an error, 300 characters at most."""
    return f"{type(error).__name__}: {error}"[:300]
