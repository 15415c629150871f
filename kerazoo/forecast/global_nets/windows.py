"""Windows of a panel, each scaled by itself, made in C; and how long they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerazoo.forecast.global_nets.adjustment import AdjustedPanel
from kerazoo.forecast.global_nets.seasons import check_periods
from kerazoo_ext import _panel_windows

__all__ = ["Windows", "default_lookback", "equal_weights", "limits_of", "rescaled", "windows_at"]

#: Lowest unit (relative change from step to step), for windows of constant values.
LEAST_UNIT = 1e-4
#: Lowest unit that a network is shown that has learned from other series: it has seen few of smaller ones.
LEAST_SHOWN = 1e-3
#: Share of the targets beyond each limit of forecasts.
BEYOND_LIMITS = 5e-4
#: Longest window that :func:`default_lookback` chooses; the time of a training step grows with it.
LONGEST_LOOKBACK = 160


class Windows(NamedTuple):
    """B windows of L steps.

    Attributes:
        inputs: float32 (B, L, 3): scaled value, 1 where it is known (else 0), logarithm of the unit.
        targets: float32 (B, H, 3): scaled value, 1 where it is known, unit (of counts the scale).
        centres: float64 (B,).
        scales: float64 (B,): value = centre + scale * scaled value.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    centres: NDArray[np.float64]
    scales: NDArray[np.float64]


def windows_at(
    panel: AdjustedPanel, series: NDArray[np.int64], ends: NDArray[np.int64], lookback: int, horizon: int
) -> Windows:
    """The windows of `series` (B,) whose inputs end before the steps `ends` (B,).

    >>> import numpy as np
    >>> from kerazoo.forecast.global_nets.adjustment import adjust
    >>> found = windows_at(adjust([[-1.0, 2.0, 4.0, 5.0]]), np.array([0]), np.array([3]), lookback=4, horizon=1)
    >>> found.inputs[0, :, 0].tolist(), found.targets[0, 0, 0].tolist()
    ([0.0, -2.0, -0.800000011920929, 0.0], 0.4000000059604645)
    """
    n = len(series)
    found = Windows(
        np.empty((n, lookback, _panel_windows.FEATURES), np.float32),
        np.empty((n, horizon, _panel_windows.TARGETS), np.float32),
        np.empty(n),
        np.empty(n),
    )
    _panel_windows.fill(panel.values, panel.offsets, panel.kinds, LEAST_UNIT, series, ends, *found)
    return found


def equal_weights(targets: NDArray[np.float32]) -> None:
    """Turn what says whether targets (B, H, 3) are known into weights, in place: 0 or equal ones, with mean 1."""
    weights = targets[:, :, 1]
    weights *= weights.size / max(float(weights.sum()), 1.0)


def limits_of(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Range of nearly all scaled targets (B, H, 3), by step, (H, 2); it never narrows with the step."""
    limits = np.zeros((targets.shape[1], 2))
    for step in range(len(limits)):
        values = targets[targets[:, step, 1] > 0, step, 0]
        if len(values):
            limits[step] = np.quantile(values, [BEYOND_LIMITS, 1 - BEYOND_LIMITS])
    limits[:, 0] = np.minimum.accumulate(np.minimum(limits[:, 0], 0.0))
    limits[:, 1] = np.maximum.accumulate(np.maximum(limits[:, 1], 0.0))
    return limits


def rescaled(windows: Windows) -> Windows:
    """The windows with scales of their own also where the unit is the lowest, if anything changes there.

    A unit of at least `LEAST_UNIT` keeps the jumps after constant values small in a training. But to a network that has
    learned from other series, a million plus or minus one would look like a constant, of which it forecasts changes in
    parts of a million.

    >>> import numpy as np
    >>> from kerazoo.forecast.global_nets.adjustment import adjust
    >>> found = windows_at(adjust([[1e6, 1e6 + 1, 1e6]]), np.array([0]), np.array([3]), lookback=3, horizon=0)
    >>> found.inputs[0, :, 0].round(4).tolist(), rescaled(found).inputs[0, :, 0].round(4).tolist()
    ([0.0, 0.009999999776482582, 0.0], [0.0, 1.0, 0.0])
    """
    inputs, targets, scales = windows.inputs.copy(), windows.targets.copy(), windows.scales.copy()
    smallest = inputs[:, 0, 2] <= np.float32(np.log(LEAST_UNIT))
    inputs[:, :, 2] = np.maximum(inputs[:, :, 2], np.float32(np.log(LEAST_SHOWN)))
    for place in np.flatnonzero(smallest):
        known = inputs[place, inputs[place, :, 1] > 0, 0].astype(np.float64)
        size = float(np.abs(np.diff(known)).mean()) if len(known) > 1 else 0.0
        if 0.0 < size < 1.0:
            inputs[place, :, 0] /= np.float32(size)
            targets[place, :, 0] /= np.float32(size)
            targets[place, :, 2] *= np.float32(size)
            scales[place] *= size
    return Windows(inputs, targets, windows.centres, scales)


def default_lookback(
    lengths: Sequence[int] | NDArray[np.int64], horizon: int, period: float | Sequence[float] = 1
) -> int:
    """Steps of a window: three (longest) seasons or two horizons, whichever is longer, if the series have as many.

    At least a quarter of the series have less than this and a horizon after it; their windows have missing steps at
    the start. Windows of more than 160 steps are chosen for longer horizons only.

    >>> [default_lookback([66] * 100, 18, 12), default_lookback([40] * 100, 8, 4), default_lookback([14] * 100, 6)]
    [36, 16, 8]
    """
    wanted = max(3, round(3 * max(check_periods(period), default=1)), 2 * horizon)
    room = int(np.quantile(np.asarray(lengths), 0.25)) - horizon
    return max(2, min(wanted, max(room, min(horizon, int(np.max(lengths)))), max(LONGEST_LOOKBACK, horizon)))
