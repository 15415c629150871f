"""Weights of the candidates: those of the panel, and those of each series, shrunk towards them.

Three steps, each of which the errors at the rolled origins may leave out:

1. **The panel.** Weights that sum to 1 and minimise the mean absolute error of the combined forecasts, over all series,
   origins and steps, each series divided by its scale; plus a ridge towards usual weights (:data:`USUAL`). The ridge is
   as strong as `RIDGE` in a large panel, since all its series share the times of the few origins, and stronger where
   series or origins are few.
2. **Likelihood.** Weights of smoothing models fall with their AICc, as exp(-a difference). a is 0 or the value of a
   grid that most reduces the errors: the AICc at an origin knows nothing of what is forecast there.
3. **Own errors.** The weights of a series fall with the relative errors of its candidates, as exp(-r n excess), n the
   number of horizons that its origins cover. r is 0 or the value of a grid that most reduces the errors at later
   origins when the weights are computed from origins at least a horizon earlier. So the evidence of the data decides
   how far the series of this panel differ, and r = 0 where too few origins can tell.

A grid value other than 0 must gain more than a standard error, over the series of the panel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_flag
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.statistics.results import Statistics, Values, Weights

__all__ = ["combine", "combine_one_step", "weigh"]

#: Usual weights: of series with a season, and of those without. Means of step 1 over the rolled origins of the training
#: parts of M3 and Tourism, a fifth spread evenly. `python -m benchmarks.questions.forecast_statistics --usual`.
USUAL = {
    "naive": (0.01, 0.10), "seasonal_naive": (0.07, 0.0), "mean": (0.01, 0.01), "ses": (0.02, 0.01),
    "holt": (0.02, 0.14), "damped": (0.02, 0.06), "log_ses": (0.03, 0.01), "log_holt": (0.02, 0.08),
    "log_damped": (0.02, 0.05), "ets_ana": (0.07, 0.0), "ets_aaa": (0.05, 0.0), "ets_aada": (0.05, 0.0),
    "log_ets_ana": (0.05, 0.0), "log_ets_aaa": (0.05, 0.0), "log_ets_aada": (0.04, 0.0), "ets": (0.12, 0.08),
    "theta": (0.04, 0.11), "level_ar": (0.07, 0.03), "ar": (0.05, 0.17), "log_ar": (0.03, 0.10),
    "seasonal_ar": (0.08, 0.0), "log_seasonal_ar": (0.09, 0.0),
}  # fmt: skip
RIDGE = 1.0
#: Series that the usual weights count as, where there are fewer.
RIDGE_SERIES = 10.0
LIKELIHOOD_RATES = (0.0, 0.02, 0.05, 0.1, 0.2)
ERROR_RATES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
#: Errors above so many times those of the combination count as that.
WORST = 20.0
#: Rows of errors that the weights of the panel are computed from; of more, every n-th.
MOST_ROWS = 200_000
SMOOTHING = (
    "ses", "holt", "damped", "log_ses", "log_holt", "log_damped", "ets_ana", "ets_aaa", "ets_aada", "log_ets_ana",
    "log_ets_aaa", "log_ets_aada",
)  # fmt: skip


def weigh(found: Statistics, *, by_series: bool = True, by_step: bool = False, like: Weights | None = None) -> Weights:
    """Weights of the candidates by their errors at the rolled origins.

    Args:
        found: fits and rolled forecasts; without origins, or where no value follows one, the weights are the usual.
        by_series: whether each series has weights of its own; False: those of the panel.
        by_step: whether each step ahead has weights of its own, shrunk towards those of all steps.
        like: the weights of another panel with the same candidates and horizon. Its weights of the panel and its rates
            are taken over, so that the weights of a series depend on that series alone; None: they are chosen here.

    Returns:
        The weights of the panel and of each series.

    >>> import numpy as np
    >>> from kerazoo.forecast.statistics import fit_statistics, weigh
    >>> trend, season = np.arange(60.0), np.tile([5.0, 0.0, -5.0, 0.0], 15)
    >>> weights = weigh(fit_statistics([trend + season, season + 20], period=4, horizon=4))
    >>> weights.panel.shape, weights.by_series.shape
    ((22, 4), (2, 22, 4))
    """
    by_series, by_step = check_flag("by_series", by_series), check_flag("by_step", by_step)
    errors, seen = _scaled_errors(found)
    if like is not None:
        likelihood = _likelihood_factors(found, like.panel, like.likelihood_rate)
        own = _error_factors(found, errors, seen, like.panel, like.rate)
        return _normalised_weights(found, like.panel, likelihood * own, like.rate, like.likelihood_rate)
    usual = _usual(found)
    spans = (found.backs[0] - found.backs[-1]) / found.horizon + 1 if len(found.backs) else 1.0
    n_seen = int(seen.any(axis=(1, 2)).sum())
    ridge = RIDGE * (1 + RIDGE_SERIES / max(1, n_seen)) * 2 / (1 + spans)
    panel = np.repeat(_panel_weights(errors, usual, ridge)[:, None], found.horizon, axis=1)
    if by_step:
        panel = np.stack(
            [_panel_weights(errors[..., step : step + 1], panel[:, 0], ridge) for step in range(found.horizon)], axis=1
        )
    factors, rate, likelihood_rate = np.ones((len(found.lengths), len(found.names))), 0.0, 0.0
    if by_series and n_seen:
        likelihood_rate = _likelihood_rate(found, errors, seen, panel)
        rate = _error_rate(found, errors, seen, panel)
        factors = _likelihood_factors(found, panel, likelihood_rate) * _error_factors(found, errors, seen, panel, rate)
    return _normalised_weights(found, panel, factors, rate, likelihood_rate)


def _normalised_weights(
    found: Statistics, panel: Values, factors: Values, rate: float, likelihood_rate: float
) -> Weights:
    """The weights of the panel (C, H), times the factors (S, C) of each series."""
    weights = panel * factors[:, :, None] * found.possible[:, :, None]
    total = weights.sum(axis=1, keepdims=True)
    # Where all possible candidates have the weight 0, they share it.
    weights = np.where(total > 0, weights, found.possible[:, :, None])
    normalised = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    return Weights(panel, normalised, rate, likelihood_rate)


def combine(found: Statistics, weights: Weights | str | None = None, *, rolled: bool = False) -> Values:
    """Combined forecasts.

    Args:
        found: fits and forecasts of all candidates.
        weights: of :func:`weigh`; None: computed here; or `"mean"` or `"median"` of all possible candidates.
        rolled: whether to combine the forecasts from the rolled origins instead of those from the end.

    Returns:
        float64 (S, H); with `rolled` (S, K, H), NaN where an origin has no values before it.

    Raises:
        InvalidArgumentError: another word for `weights`.

    >>> from kerazoo.forecast.statistics import combine, fit_statistics
    >>> found = fit_statistics([[5.0, 5.0, 5.0, 5.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], horizon=2)
    >>> combine(found).shape, combine(found, "median")[0]
    ((2, 2), array([5., 5.]))
    """
    forecasts = found.rolled if rolled else found.forecasts
    known = np.isfinite(forecasts)
    if isinstance(weights, str):
        if weights not in ("mean", "median"):
            raise InvalidArgumentError(
                f"weights={weights!r}; expected 'mean', 'median', None or what weigh() returned."
            )
        if weights == "median":
            return _median(forecasts)
        share = known / np.maximum(known.sum(axis=-2, keepdims=True), 1)
    else:
        by_series = (weigh(found) if weights is None else weights).by_series
        share = (by_series[:, None] if rolled else by_series) * known
        total = share.sum(axis=-2, keepdims=True)
        # At an early origin only candidates without weight may be possible.
        share = np.where(total > 0, share, known)
        share = share / np.maximum(share.sum(axis=-2, keepdims=True), 1e-300)
    combined = np.einsum("...ch,...ch->...h", share, np.where(known, forecasts, 0.0))
    return np.where(known.any(axis=-2), combined, np.nan)


def combine_one_step(fitted: Values, weights: Values) -> Values:
    """Combined one-step forecasts of a series, float64 (T,); NaN where no candidate with a weight has one.

    Args:
        fitted: float64 (C, T), those of each candidate: the columns of a series in `Statistics.fitted`.
        weights: float64 (C,), those of the series.

    >>> combine_one_step(np.array([[np.nan, 4.0, 6.0], [np.nan, np.nan, 8.0]]), np.array([0.5, 0.5])).tolist()
    [nan, 4.0, 7.0]
    """
    share = weights[:, None] * np.isfinite(fitted)
    total = share.sum(axis=0)
    combined = (share * np.nan_to_num(fitted)).sum(axis=0)
    return np.where(total > 0, combined / np.where(total > 0, total, 1.0), np.nan)


def _median(forecasts: Values) -> Values:
    """Median of the finite values over the last axis but one, NaN where there is none."""
    ordered = np.sort(forecasts, axis=-2)  # NaN last
    count = np.isfinite(forecasts).sum(axis=-2, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=-2)
    high = np.take_along_axis(ordered, np.minimum(count // 2, np.maximum(count - 1, 0)), axis=-2)
    middle: Values = (0.5 * low + 0.5 * high)[..., 0, :]
    return middle


def _usual(found: Statistics) -> Values:
    place = 0 if found.periods else 1
    weights = np.array([USUAL[name][place] for name in found.names])
    return weights / weights.sum()


def _scaled_errors(found: Statistics) -> tuple[Values, NDArray[np.bool_]]:
    """Errors in units of each series, (S, K, C, H), 0 where unknown, and where they are known, (S, K, H).

    A candidate that is impossible at an origin gets the mean forecast of the others, as when the weights of the others
    are raised in proportion.
    """
    known = np.isfinite(found.rolled)
    seen = np.isfinite(found.truth) & known.any(axis=2)
    count = np.maximum(known.sum(axis=2, keepdims=True), 1)
    # Scaled before anything is added: forecasts may be as large as numbers can be.
    with np.errstate(over="ignore"):
        scaled = np.where(known, found.rolled, 0.0) / found.scale[:, None, None, None]
        scaled = np.clip(scaled, -1e12, 1e12)
        mean = scaled.sum(axis=2, keepdims=True) / count
        truth = np.clip(np.where(seen, found.truth, 0.0) / found.scale[:, None, None], -1e12, 1e12)
    errors = np.where(seen[:, :, None, :], np.where(known, scaled, mean) - truth[:, :, None, :], 0.0)
    return errors, seen


def _panel_weights(errors: Values, usual: Values, ridge: float) -> Values:
    """Weights (C,) >= 0 of sum 1 that minimise mean |errors w| / mean |errors usual| + ridge |w - usual|^2 / 2.

    By iteratively reweighted least squares: |e| = e^2 / |e|.
    """
    rows = np.moveaxis(errors, 2, -1).reshape(-1, errors.shape[2])
    rows = rows[(rows != 0).any(axis=1)]
    rows = rows[:: -(-len(rows) // MOST_ROWS)] if len(rows) else rows
    size = float(np.mean(np.abs(rows @ usual))) if len(rows) else 0.0
    if not size > 0:
        return usual
    weights = usual
    for _ in range(12):
        share = 1 / np.maximum(np.abs(rows @ weights), 0.02 * size)
        matrix = (rows * share[:, None]).T @ rows / (len(rows) * size)
        former, weights = weights, _least_squares(matrix + ridge * np.eye(len(usual)), ridge * usual, weights)
        if np.abs(weights - former).max() < 1e-7:
            break
    return weights


def _least_squares(matrix: Values, vector: Values, start: Values) -> Values:
    """The w >= 0 of sum 1 that minimises w' A w / 2 - b' w, A positive definite, from such a w on.

    Active sets (Nocedal and Wright 2006, Numerical Optimization, algorithm 16.3): the minimum over the weights that are
    free; the first that would become negative stays 0; one whose gradient says so becomes free again.
    """
    weights = start.copy()
    free = weights > 0
    for _ in range(20 * len(vector)):
        place = np.nonzero(free)[0]
        system = np.ones((len(place) + 1, len(place) + 1))
        system[:-1, :-1] = matrix[np.ix_(place, place)]
        system[-1, -1] = 0.0
        solved = np.linalg.solve(system, np.append(vector[place], 1.0))
        aim = np.zeros_like(weights)
        aim[place] = solved[:-1]
        falling = free & (aim < 0)
        if falling.any():
            steps = np.where(falling, weights / np.maximum(weights - aim, 1e-300), np.inf)
            stop = int(np.argmin(steps))
            weights = weights + steps[stop] * (aim - weights)
            weights[stop] = 0.0
            free[stop] = False
            continue
        weights = aim
        slope = matrix @ weights - vector + solved[-1]  # 0 for free weights
        slope[free] = 0.0
        lowest = int(np.argmin(slope))
        if slope[lowest] >= -1e-10 * np.abs(vector).max():
            break
        free[lowest] = True
    return weights


def _losses(errors: Values, seen: NDArray[np.bool_], weights: Values) -> Values:
    """Sums of the absolute errors of combinations with weights (S, K, C, H), any of them 1, for each series, (S,)."""
    combined = np.abs(np.einsum("skch,skch->skh", errors, np.broadcast_to(weights, errors.shape)))
    return np.where(seen, combined, 0.0).sum(axis=(1, 2))


def _clearly_best(losses: Values) -> int:
    """Of the ways (W, S) the one with the lowest sum after its gain over the first is reduced by a standard error."""
    change = losses - losses[0]
    return int(np.argmin(change.sum(axis=1) + np.sqrt((change**2).sum(axis=1))))


def _normalised(weights: Values) -> Values:
    return weights / np.maximum(weights.sum(axis=2, keepdims=True), 1e-300)


def _akaike(found: Statistics, origins: slice | int) -> Values:
    """Excess of the AICc of smoothing models over the lowest, (S, C) or (S, K, C); their mean where there is none."""
    criteria = found.criteria[:, origins]
    columns = np.array([name in SMOOTHING for name in found.names])
    values = np.where(columns & np.isfinite(criteria), criteria, np.inf)
    lowest = values.min(axis=-1, keepdims=True)
    excess = values - np.where(np.isfinite(lowest), lowest, 0.0)
    excess = np.where(np.isfinite(excess), np.minimum(excess, 60.0), 60.0)
    return np.where(columns & np.isfinite(lowest), excess, 0.0)


def _likelihood_rate(found: Statistics, errors: Values, seen: NDArray[np.bool_], panel: Values) -> float:
    """How far weights should fall with the AICc, by the errors at the origins."""
    excess = _akaike(found, slice(0, -1))
    losses = [
        _losses(errors, seen, _normalised(panel * _by_likelihood(found, excess, panel, rate)[..., None]))
        for rate in LIKELIHOOD_RATES
    ]
    return LIKELIHOOD_RATES[_clearly_best(np.array(losses))]


def _likelihood_factors(found: Statistics, panel: Values, rate: float) -> Values:
    """Factors (S, C) of the weights by the AICc of the fits to the whole series."""
    return _by_likelihood(found, _akaike(found, -1), panel, rate)


def _by_likelihood(found: Statistics, excess: Values, panel: Values, rate: float) -> Values:
    columns = np.array([name in SMOOTHING for name in found.names])
    mean = panel.mean(axis=1)
    raw = np.where(columns, np.exp(-rate * excess), 1.0)
    kept = (raw * mean * columns).sum(axis=-1, keepdims=True)
    return np.where(columns & (kept > 0), raw * (mean * columns).sum() / np.maximum(kept, 1e-300), raw)


def _own_errors(errors: Values, seen: NDArray[np.bool_], panel: Values) -> Values:
    """Mean absolute errors of the candidates relative to those of the combination, minus 1, (S, C); 0 where unknown."""
    count = seen.sum(axis=(1, 2))
    own = np.abs(errors).sum(axis=(1, 3)) / np.maximum(count, 1)[:, None]
    combined = np.abs(np.einsum("skch,ch->skh", errors, panel)).sum(axis=(1, 2)) / np.maximum(count, 1)
    excess = own / np.where(combined > 0, combined, 1.0)[:, None] - 1
    return np.where((count > 0) & (combined > 0), np.clip(excess.T, -1.0, WORST), 0.0).T


def _error_rate(found: Statistics, errors: Values, seen: NDArray[np.bool_], panel: Values) -> float:
    """How far weights should fall with the errors of each series, by those at later origins."""
    tried = np.zeros((len(ERROR_RATES), len(errors)))
    for later, back in enumerate(found.backs.tolist()):
        earlier = found.backs >= back + found.horizon
        if not earlier.any() or not seen[:, later].any():
            continue
        excess = _own_errors(errors[:, earlier], seen[:, earlier], panel)
        spans = _spans(found, seen[:, earlier])
        part, known = errors[:, later : later + 1], seen[:, later : later + 1]
        for place, rate in enumerate(ERROR_RATES):
            weights = _normalised((panel * np.exp(-rate * spans[:, None] * excess)[:, :, None])[:, None])
            tried[place] += _losses(part, known, weights)
    return ERROR_RATES[_clearly_best(tried)]


def _error_factors(found: Statistics, errors: Values, seen: NDArray[np.bool_], panel: Values, rate: float) -> Values:
    """Factors (S, C) of the weights by the errors of each series."""
    return np.exp(-rate * _spans(found, seen)[:, None] * _own_errors(errors, seen, panel))


def _spans(found: Statistics, seen: NDArray[np.bool_]) -> Values:
    """Horizons that the origins of each series cover, (S,): origins that overlap tell less than others."""
    count = seen.any(axis=2).sum(axis=1)
    step = max(1, found.horizon // 3)
    return np.where(count > 0, 1 + (count - 1) * step / found.horizon, 0.0)
