"""Reference of `kerazoo_ext/panel_windows.h`: one window at a time, from the formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.references import random as random_reference

VALUES, LOGARITHMS, COUNTS = 0, 1, 2


def draw(
    lengths: Sequence[int], eligible: Sequence[int], history: int, future: int, key: int, positions: Sequence[int]
) -> list[tuple[int, int]]:
    """(series, end) of each draw: low half of the bits for the series, high half for the end."""
    found = []
    for position in positions:
        bits = int(random_reference.draw(key, position)[0])
        series = eligible[(bits & 0xFFFFFFFF) * len(eligible) >> 32]
        n_ends = lengths[series] - future - history + 1
        found.append((series, history + ((bits >> 32) * n_ends >> 32)))
    return found


def window(
    y: NDArray[np.float64], kind: int, end: int, lookback: int, horizon: int, least_unit: float
) -> tuple[NDArray[Any], NDArray[Any], float, float]:
    """(inputs (L, 3), targets (H, 3), centre, scale) of one window of one series."""
    padded = np.concatenate([np.full(lookback, np.nan), y, np.full(horizon, np.nan)])
    seen, ahead = padded[end : end + lookback], padded[end + lookback : end + lookback + horizon]
    known = seen[~np.isnan(seen)]
    before = y[:end][~np.isnan(y[:end])]
    size = np.abs(np.diff(known)).mean() if len(known) > 1 else 0.0
    centre, level = (before[-1] if len(before) else 0.0), 1.0
    if kind != LOGARITHMS:
        level = np.abs(known).mean() if len(known) else 0.0
        if kind == COUNTS:
            centre, size = 0.0, 1.0 + level
        if level == 0:
            level = np.abs(before).mean() if len(before) else 0.0
        if level == 0:
            level = 1.0
    unit = size / level
    if unit < least_unit:
        unit, size = least_unit, least_unit * level
    inputs = np.zeros((lookback, 3))
    inputs[:, 0] = np.where(np.isnan(seen), 0.0, (seen - centre) / size)
    inputs[:, 1] = ~np.isnan(seen)
    inputs[:, 2] = np.log(unit)
    is_target = ~np.isnan(ahead) & (len(known) > 0)
    targets = np.zeros((horizon, 3))
    targets[:, 0] = np.clip(np.where(is_target, (ahead - centre) / size, 0.0), -1e6, 1e6)
    targets[:, 1] = is_target
    targets[:, 2] = size if kind == COUNTS else unit
    return inputs, targets, float(centre), float(size)
