"""A sine, from which windows are drawn at real-valued starts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int
from kerazoo.errors import InvalidArgumentError

__all__ = ["Sine", "sine"]

Values = NDArray[np.float64]


def sine(num_points: int = 250, xmin: float = 0.0, xmax: float = 10.0, seed: int | None = None) -> Sine:
    """The sine between two places: see :class:`Sine`. The defaults are those of the examples.

    >>> series = sine(seed=1)
    >>> inputs, targets = series.next_batch(batch_size=4, steps=30)
    >>> inputs.shape, targets.shape, bool((inputs[:, 1:] == targets[:, :-1]).all())
    ((4, 30, 1), (4, 30, 1), True)
    """
    return Sine(num_points, xmin, xmax, seed)


class Sine:
    """sin(x) for x from `xmin` to `xmax`, and batches of windows that start anywhere between.

    Args:
        num_points: int >= 2, points that the whole stretch is cut into.
        xmin: float, first x.
        xmax: float > xmin, last x.
        seed: int >= 0 or None, of the starts of the windows.

    Attributes:
        resolution: float, distance of neighbouring points of a window: (xmax - xmin) / num_points.
        x_data: float64 (num_points,), from `xmin` to `xmax`, both included.
        y_true: float64 (num_points,), the sine at `x_data`.

    Raises:
        InvalidArgumentError: fewer than two points, or an empty stretch.
    """

    def __init__(self, num_points: int = 250, xmin: float = 0.0, xmax: float = 10.0, seed: int | None = None) -> None:
        self.num_points = check_int("num_points", num_points, 2)
        if not (np.isfinite(xmin) and np.isfinite(xmax) and xmin < xmax):
            raise InvalidArgumentError(f"xmin={xmin!r}, xmax={xmax!r}; expected two finite numbers, the first smaller.")
        self.xmin, self.xmax = float(xmin), float(xmax)
        self.resolution = (self.xmax - self.xmin) / num_points
        self.x_data = np.linspace(xmin, xmax, num_points)
        self.y_true = np.sin(self.x_data)
        self._rng = np.random.default_rng(None if seed is None else check_int("seed", seed, 0))

    def ret_true(self, x_series: Any) -> Values:
        """The sine at any places: float64, in the shape of `x_series`."""
        return np.sin(np.asarray(x_series, np.float64))

    def next_batch(self, batch_size: int, steps: int, return_batch_ts: bool = False) -> tuple[Values, ...]:
        """Windows of `steps` points at random real-valued starts, and the same windows one step later.

        Args:
            batch_size: int >= 1, windows.
            steps: int >= 1, points of a window; it must fit into the stretch.
            return_batch_ts: bool, return the places as well.

        Returns:
            `(inputs, targets)`, float64 (batch_size, steps, 1) each; with `return_batch_ts` also their places x,
            float64 (batch_size, steps + 1).

        Raises:
            InvalidArgumentError: a window longer than the stretch, or none.
        """
        check_int("batch_size", batch_size)
        check_int("steps", steps)
        if steps > self.num_points:
            raise InvalidArgumentError(f"steps={steps}; expected at most num_points={self.num_points}.")
        starts = self._rng.random((batch_size, 1)) * (self.xmax - self.xmin - steps * self.resolution)
        places = self.xmin + starts + np.arange(steps + 1) * self.resolution
        values = np.sin(places)[..., None]
        windows = values[:, :-1], values[:, 1:]
        return (*windows, places) if return_batch_ts else windows
