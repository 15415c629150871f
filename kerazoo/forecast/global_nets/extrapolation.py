"""From the outputs of networks to forecasts of any length: scales, bounds, and blocks that follow each other.

Nothing here needs Keras: what a network says of windows comes from a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kerazoo.forecast.global_nets.adjustment import AdjustedPanel
from kerazoo.forecast.global_nets.windows import Windows, rescaled, windows_at

__all__ = ["RANGES", "Meaning", "extrapolate"]

Values = NDArray[np.float64]

#: Forecasts stay within this many ranges of a window, or with covariates of a series, beyond its values, whatever the
#: network says.
RANGES = 3.0


class Meaning(Protocol):
    """What outputs mean: a :class:`kerazoo.forecast.global_nets.losses.Loss` says it."""

    def point(self, outputs: Values, scales: Values) -> Values:
        """Scaled point forecasts (...,) of outputs (..., O)."""

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """Scaled quantiles (..., Q) of outputs (..., O)."""


def extrapolate(
    panel: AdjustedPanel,
    horizon: int,
    outputs_of: Callable[[Windows, AdjustedPanel], Sequence[Values]],
    meaning: Meaning,
    *,
    lookback: int,
    limits: Values,
    levels: Sequence[float] = (),
    whole_series: bool = False,
    counts: bool = False,
    any_scale: bool = False,
) -> Values:
    """Forecasts of series by networks of B steps at once, which continue from their own forecasts beyond these.

    Args:
        panel: S adjusted series.
        horizon: H >= 1, steps to forecast.
        outputs_of: function of the last windows and of the series that they belong to; it returns the outputs (S, B, O)
            of each network.
        meaning: of the outputs.
        lookback: steps of a window.
        limits: float64 (B, 2), the range of the scaled changes.
        levels: Q levels of quantiles, rising.
        whole_series: whether forecasts stay within three ranges of the whole series, instead of its last window.
        counts: whether forecasts are not below 0.
        any_scale: whether windows are :func:`kerazoo.forecast.global_nets.windows.rescaled`.

    Returns:
        float64 (S, H, 1 + Q), point forecasts and quantiles in the units of the series. Beyond B steps, the distances
        of the quantiles from the point forecast add up like standard deviations of independent errors.
    """
    blocks: list[Values] = []
    history, spread = panel, np.zeros((len(panel.kinds), 1, len(levels)))
    for _ in range(0, horizon, len(limits)):
        windows = windows_at(history, np.arange(len(history.kinds), dtype=np.int64), history.lengths, lookback, 0)
        if any_scale:
            windows = rescaled(windows)
        outputs = outputs_of(windows, history)
        bounds = (_range_of_series if whole_series else _range)(history, windows)
        found = _block(windows, outputs, meaning, levels, limits, bounds)
        away = found[..., 1:] - found[..., :1]
        if blocks:  # independent errors: squares of their sizes add up
            away = np.sign(away + spread) * np.hypot(away, spread)
            found[..., 1:] = np.sort(found[..., :1] + away, axis=-1)
        spread = away[:, -1:]
        if counts:
            found = np.maximum(found, 0.0)
        blocks.append(found)
        history = _extended(history, found[..., 0])
    return panel.undo(np.concatenate(blocks, axis=1)[:, :horizon])


def _block(
    windows: Windows,
    outputs: Sequence[Values],
    meaning: Meaning,
    levels: Sequence[float],
    limits: Values,
    bounds: tuple[Values, Values],
) -> Values:
    """Adjusted values of the next steps that the networks predict at once, (S, B, 1 + Q)."""
    scales = np.repeat(windows.scales[:, None], len(limits), axis=1)
    every = []
    for of_network in outputs:
        parts = [meaning.point(of_network, scales)[..., None]]
        if levels:
            parts.append(meaning.quantiles(of_network, scales, levels))
        every.append(np.concatenate(parts, axis=-1))
    scaled: Values = every[0] if len(every) == 1 else np.median(every, axis=0)
    scaled = np.where(np.isfinite(scaled), scaled, 0.0)
    scaled[..., 0] = np.clip(scaled[..., 0], limits[:, 0], limits[:, 1])
    low, high = (each[:, None, None] for each in bounds)
    reach = RANGES * np.maximum(high - low, 1.0)
    scaled = np.clip(scaled, low - reach, high + reach)
    if levels:
        scaled[..., 1:] = np.sort(scaled[..., 1:], axis=-1)
    values: Values = windows.centres[:, None, None] + windows.scales[:, None, None] * scaled
    return values


def _range(panel: AdjustedPanel, windows: Windows) -> tuple[Values, Values]:
    """Lowest and highest scaled values (S,) of the windows."""
    known = np.where(windows.inputs[:, :, 1] > 0, windows.inputs[:, :, 0], np.nan)
    # A window without a value stays where it is: its scaled values are 0.
    known[np.isnan(known).all(axis=1)] = 0.0
    return np.nanmin(known, axis=1), np.nanmax(known, axis=1)


def _range_of_series(panel: AdjustedPanel, windows: Windows) -> tuple[Values, Values]:
    """Lowest and highest values (S,) of the series in the scales of their last windows."""
    low, high = (each.reduceat(panel.values, panel.offsets[:-1]) for each in (np.fmin, np.fmax))
    return (low - windows.centres) / windows.scales, (high - windows.centres) / windows.scales


def _extended(panel: AdjustedPanel, values: Values) -> AdjustedPanel:
    """The panel with values (S, H) after each series."""
    horizon = values.shape[1]
    lengths = panel.lengths
    offsets = np.concatenate(([0], np.cumsum(lengths + horizon))).astype(np.int64)
    longer = np.empty(offsets[-1])
    is_new = np.zeros(offsets[-1], bool)
    is_new[(offsets[1:, None] - horizon + np.arange(horizon)).ravel()] = True
    longer[is_new] = values.ravel()
    longer[~is_new] = panel.values
    return AdjustedPanel(longer, offsets, panel.kinds, panel.seasons, panel.periods)
