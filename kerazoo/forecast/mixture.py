"""How much of a forecast comes from the networks and how much from the statistics, for each step ahead.

Global networks and statistics err differently, so their mean is often better than both (Makridakis, Spiliotis and
Assimakopoulos 2020, "The M4 Competition": finding 1). What each deserves is measured: on the part of every series that
both have not seen, pooled over the series.
"""

from __future__ import annotations

import numpy as np

from kerazoo.forecast.data.types import Values

__all__ = ["USUAL_WEIGHT", "extended", "mixed", "network_weights", "share_beside", "usual_weight"]

#: Weights that are compared.
GRID = np.linspace(0.0, 1.0, 21)
#: Equal weights are the usual ones of a large panel; of S series the networks have half of S / (S + FEW).
USUAL_WEIGHT, FEW = 0.5, 20.0
#: Of a large panel, statistics, trained networks and a preset have the weights .4, .4 and .2: MORE_WITH_BOTH is added
#: to the usual weight, and the trained ones have SHARE_BESIDE of their mean with the preset. On the ends of the
#: training parts of M3 and Tourism, the MASE was lower than without the preset on six of seven sets
#: (docs/many-series.md).
MORE_WITH_BOTH, SHARE_BESIDE = 0.1, 2 / 3
#: Strength of the usual weights, in parts of the loss. All series share the time that is held out, so that even large
#: panels tell little: over sets of M3 and Tourism, weights by evidence alone gained a third of what nearly equal
#: weights did (docs/many-series.md).
RIDGE = 0.8
#: Series that the evidence of all steps together counts as, beside that of one step.
POOLED_SERIES = 200.0
#: Networks with a lower mean weight are not worth their time.
LEAST_WEIGHT = 0.1
#: Errors above so many times the scale of a series count as that.
WORST = 50.0


def usual_weight(n_series: int, *, with_preset: bool = False) -> float:
    """Weight of the networks where nothing was held out to measure it.

    Args:
        n_series: that they are trained on.
        with_preset: whether a preset is among them, which has learned from other series, however few these are.

    >>> usual_weight(20), usual_weight(1980)
    (0.25, 0.495)
    >>> usual_weight(0, with_preset=True)
    0.5
    """
    known = n_series / (n_series + FEW)
    return USUAL_WEIGHT + MORE_WITH_BOTH * known if with_preset else USUAL_WEIGHT * known


def share_beside(n_series: int) -> float:
    """Share of trained networks in their mean with a preset.

    >>> share_beside(0), round(share_beside(10**9), 3)
    (0.0, 0.667)
    """
    return SHARE_BESIDE * n_series / (n_series + FEW)


def network_weights(
    truth: Values,
    statistics: Values,
    networks: Values,
    scale: Values,
    min_gain: float = 0.0,
    usual: float | None = None,
) -> Values:
    """Weights that minimise the mean absolute error of the mixed forecasts, close to usual weights.

    The loss of a step ahead is that of this step, and that of all steps together as if it were known from
    `POOLED_SERIES` further series: the weights of neighbouring steps hardly differ. Errors count relative to those of
    the statistics, and `RIDGE` (w - usual)^2 is added.

    Args:
        truth: float64 (S, K, H), held-out values from K origins; NaN where there is none.
        statistics: float64 (S, K, H), forecasts of the statistics.
        networks: float64 (S, K, H), forecasts of the networks; NaN where there is none.
        scale: float64 (S,) or (S, K, H), > 0, by which errors are divided; NaN where they do not count.
        min_gain: fraction by which the networks must lower the mean absolute error, if it is above 0; their gain must
            then also be larger than its standard error, over the series.
        usual: the usual weight; None: :func:`usual_weight`.

    Returns:
        Weights of the networks from 0 to 1, float64 (H,); zeros where they would be too small to matter, or where the
        gain is too small.

    >>> truth = np.array([[[1.0, 1.0]]] * 2000)
    >>> network_weights(truth, truth + 1, truth - 1, np.ones(2000)).round(2).tolist()
    [0.5, 0.5]
    >>> network_weights(truth, truth + 0.1, truth + 2, np.ones(2000)).tolist()
    [0.0, 0.0]
    """
    horizon = truth.shape[-1]
    unit = np.broadcast_to(scale if scale.ndim == 3 else scale[:, None, None], truth.shape)
    known = np.isfinite(truth) & np.isfinite(statistics) & np.isfinite(networks) & np.isfinite(unit)
    with np.errstate(over="ignore", invalid="ignore"):
        base = np.where(known, np.clip((statistics - truth) / unit, -WORST, WORST), 0.0)
        other = np.where(known, np.clip((networks - truth) / unit, -WORST, WORST), 0.0)
    if not base.any():  # nothing is known, or the statistics have no error
        return np.zeros(horizon)
    sizes = [np.abs((1 - weight) * base + weight * other) for weight in GRID]
    by_series = np.array([size.sum(axis=(1, 2)) for size in sizes])  # (grid, S)
    by_step = np.array([size.sum(axis=(0, 1)) for size in sizes])  # (grid, H)
    counted = known.any(axis=1).sum(axis=0)  # series, (H,)
    pooled = by_series.sum(axis=1) / by_series[0].sum()
    of_step = by_step / np.maximum(by_step[0], 1e-300)
    loss = (counted * of_step + POOLED_SERIES * pooled[:, None]) / (counted + POOLED_SERIES)
    usual = usual_weight(int(known.any(axis=(1, 2)).sum())) if usual is None else usual
    weights = GRID[(loss + RIDGE * (GRID[:, None] - usual) ** 2).argmin(axis=0)]
    if min_gain:
        gains = by_series[0] - by_series[int(np.abs(GRID - weights.mean()).argmin())]
        needed = max(float(np.sqrt((gains**2).sum())), min_gain * float(by_series[0].sum()))
        if not gains.sum() > needed:
            return np.zeros(horizon)
    return weights if weights.mean() >= LEAST_WEIGHT else np.zeros(horizon)


def mixed(statistics: Values, networks: Values, weights: Values) -> Values:
    """Forecasts of both, weighted; those of the statistics where the networks have none.

    Args:
        statistics: float64 (..., H).
        networks: float64 (..., H); NaN where there is none.
        weights: float64 (H,), of the networks.

    >>> mixed(np.array([0.0, 4.0]), np.array([2.0, np.nan]), np.array([0.25, 0.5])).tolist()
    [0.5, 4.0]
    """
    return np.where(np.isfinite(networks), (1 - weights) * statistics + weights * networks, statistics)


def extended(weights: Values, horizon: int) -> Values:
    """The weights of `horizon` steps: the last one holds for all further ones.

    >>> extended(np.array([0.2, 0.4]), 3).tolist(), extended(np.array([0.2, 0.4]), 1).tolist()
    ([0.2, 0.4, 0.4], [0.2])
    """
    return np.concatenate([weights[:horizon], np.repeat(weights[-1:], max(0, horizon - len(weights)))])
