"""A sine, and random windows of it that start between grid points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_seed
from kerazoo.errors import InvalidArgumentError

__all__ = ["Sine", "sine"]

Values = NDArray[np.float64]


def sine(num_points: int = 250, xmin: float = 0.0, xmax: float = 10.0, seed: int | None = None) -> Sine:
    """The sine on an interval, see :class:`Sine`; the defaults are those of the examples.

    Args:
        num_points: int >= 2, points on the interval.
        xmin: float, start of the interval.
        xmax: float > xmin, end of the interval.
        seed: int >= 0 or None, seed of the window starts.

    >>> series = sine(seed=1)
    >>> inputs, targets = series.next_batch(batch_size=4, steps=30)
    >>> inputs.shape, targets.shape, bool((inputs[:, 1:] == targets[:, :-1]).all())
    ((4, 30, 1), (4, 30, 1), True)
    """
    return Sine(num_points, xmin, xmax, seed)


class Sine:
    """The function sin(x) for x from `xmin` to `xmax`, and batches of windows that start at random x.

    Args:
        num_points: int >= 2, points on the interval.
        xmin: float, start of the interval.
        xmax: float > xmin, end of the interval.
        seed: int >= 0 or None, seed of the window starts.

    Attributes:
        resolution: float, distance between neighbouring points of a window: (xmax - xmin) / num_points.
        x_data: float64 (num_points,), equally spaced from `xmin` to `xmax`, both included.
        y_true: float64 (num_points,), the sine at `x_data`.

    Raises:
        InvalidArgumentError: fewer than two points, or an empty interval.

    >>> data = Sine(num_points=5, xmax=4.0)
    >>> data.x_data.tolist(), data.resolution
    ([0.0, 1.0, 2.0, 3.0, 4.0], 0.8)
    """

    def __init__(self, num_points: int = 250, xmin: float = 0.0, xmax: float = 10.0, seed: int | None = None) -> None:
        self.num_points = check_int("num_points", num_points, 2)
        if not (np.isfinite(xmin) and np.isfinite(xmax) and xmin < xmax):
            raise InvalidArgumentError(f"xmin={xmin!r}, xmax={xmax!r}; expected finite numbers, xmin < xmax.")
        self.xmin, self.xmax = float(xmin), float(xmax)
        self.resolution = (self.xmax - self.xmin) / num_points
        self.x_data = np.linspace(xmin, xmax, num_points)
        self.y_true = np.sin(self.x_data)
        self._rng = np.random.default_rng(None if seed is None else check_seed("seed", seed))

    def ret_true(self, x_series: Any) -> Values:
        """The sine at any x: float64, of the shape of `x_series`."""
        return np.sin(np.asarray(x_series, np.float64))

    def next_batch(self, batch_size: int, steps: int, return_batch_ts: bool = False) -> tuple[Values, ...]:
        """Windows of `steps` points at random real-valued starts, and the same windows one step later.

        Args:
            batch_size: int >= 1, number of windows.
            steps: int from 1 to num_points, points per window.
            return_batch_ts: bool, whether to return x as well.

        Returns:
            `(inputs, targets)`, float64 (batch_size, steps, 1) each; with `return_batch_ts` also x,
            float64 (batch_size, steps + 1).

        Raises:
            InvalidArgumentError: no windows, or windows longer than the interval.
        """
        check_int("batch_size", batch_size)
        check_int("steps", steps)
        if steps > self.num_points:
            raise InvalidArgumentError(f"steps={steps}; expected at most num_points={self.num_points}.")
        starts = self._rng.random((batch_size, 1)) * (self.xmax - self.xmin - steps * self.resolution)
        x = self.xmin + starts + np.arange(steps + 1) * self.resolution
        values = np.sin(x)[..., None]
        windows = values[:, :-1], values[:, 1:]
        return (*windows, x) if return_batch_ts else windows
