"""Forecasts of a :class:`GlobalNet`, for any series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from kerazoo._runtime.locks import module_lock
from kerazoo._runtime.precision import in_float32
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.global_nets.adjustment import AdjustedPanel, adjust
from kerazoo.forecast.global_nets.extrapolation import extrapolate
from kerazoo.forecast.global_nets.inputs import Inputs
from kerazoo.forecast.global_nets.network import make_network
from kerazoo.forecast.global_nets.passes import are_equal
from kerazoo.forecast.global_nets.results import GlobalNet
from kerazoo.forecast.global_nets.windows import Windows

__all__ = ["forecast", "forecast_quantiles", "outputs_of"]

Values = NDArray[np.float64]

#: Windows of one call of a network, all of equal shape so that it is compiled once.
ROWS = 512


def forecast(
    net: GlobalNet, series: Iterable[Any], horizon: int | None = None, *, inputs: Inputs | None = None
) -> Values:
    """Point forecasts of series, fitted or not: the median over the networks.

    A series shorter than a window is forecast from what there is; one of a single value keeps it. Forecasts further
    ahead than the networks predict at once continue from their own forecasts. The change from the last value stays
    within nearly all changes of the training windows, in units of the scale, and within three ranges of the window
    beyond its values; with covariates, which may announce what the window has not, of the whole series.

    Args:
        net: of :func:`fit_global_net`.
        series: S sequences of numbers; NaN is missing.
        horizon: H >= 1, steps; None: those that the networks predict at once.
        inputs: of these series, the kinds and columns of the training; known covariates with H rows after the end of
            each series. Past covariates count as their means there.

    Returns:
        float64 (S, H), finite.

    Raises:
        InvalidArgumentError: a series that :func:`kerazoo.forecast.global_nets.adjustment.adjust` refuses, or inputs
            that are not those of the training.

    >>> import numpy as np
    >>> from kerazoo.forecast.global_nets import fit_global_net
    >>> net = fit_global_net([np.arange(10.0, 40.0)], 4, model="gru_1x8", n_nets=1, steps=3, seed=1)
    >>> forecast(net, [[5.0, 6.0, 7.0], [3.0]], horizon=6).shape
    (2, 6)
    """
    return _forecast(net, series, horizon, (), inputs)[..., 0]


def forecast_quantiles(
    net: GlobalNet,
    series: Iterable[Any],
    levels: Sequence[float],
    horizon: int | None = None,
    *,
    inputs: Inputs | None = None,
) -> Values:
    """Quantiles of the forecasts: the median over the networks of each.

    Beyond the steps that the networks predict at once, the distances from the point forecast add up like standard
    deviations of independent errors.

    Args:
        net: trained with a loss that has a distribution: quantiles, normal, Student's t or negative binomial.
        series: as in :func:`forecast`.
        levels: Q numbers > 0 and < 1; within those of loss `"quantiles"`.
        horizon: as in :func:`forecast`.
        inputs: as in :func:`forecast`.

    Returns:
        float64 (S, H, Q), rising with the levels.

    Raises:
        InvalidArgumentError: the loss has no distribution, a level is out of range, or as :func:`forecast`.

    >>> import numpy as np
    >>> from kerazoo.forecast.global_nets import fit_global_net
    >>> net = fit_global_net([np.arange(10.0, 40.0)], 4, model="gru_1x8", loss="normal", n_nets=1, steps=3, seed=1)
    >>> found = forecast_quantiles(net, [np.arange(20.0)], [0.1, 0.5, 0.9])
    >>> found.shape, bool((np.diff(found) > 0).all())
    ((1, 4, 3), True)
    """
    checked = [check_real("levels", level, 0.0, 1.0, exclusive=True) for level in levels]
    if not checked or 1.0 in checked:
        raise InvalidArgumentError(f"levels={list(levels)}; expected at least one number > 0 and < 1.")
    order = np.argsort(np.argsort(checked, kind="stable"), kind="stable")
    return _forecast(net, series, horizon, sorted(checked), inputs)[..., 1:][..., order]


@in_float32()
def _forecast(
    net: GlobalNet, series: Iterable[Any], horizon: int | None, levels: Sequence[float], inputs: Inputs | None
) -> Values:
    """Points and quantiles, (S, H, 1 + Q)."""
    wanted = net.horizon if horizon is None else check_int("horizon", horizon)
    loss = net.make_loss()
    panel = adjust(series, net.period, counts=net.loss == "negative_binomial", recency=net.recency)
    extra = None if inputs is None and net.coder.empty else net.coder.code(inputs, panel.lengths, wanted)

    def of_windows(windows: Windows, history: AdjustedPanel) -> list[Values]:
        if extra is None:
            return outputs_of(net, (windows.inputs,))
        series = np.arange(len(history.kinds), dtype=np.int64)
        return outputs_of(net, extra.join(windows.inputs, series, history.lengths, net.horizon))

    return extrapolate(
        panel, wanted, of_windows, loss, lookback=net.lookback, limits=net.limits, levels=levels,
        whole_series=bool(net.coder.n_columns), counts=net.loss == "negative_binomial",
        any_scale=net.any_scale,
    )  # fmt: skip


#: Models that were compiled for forecasts, by spec, and the lock of their weights.
_models = lru_cache(maxsize=4)(make_network)
_lock = module_lock()


@in_float32()
def outputs_of(net: GlobalNet, inputs: Sequence[NDArray[Any]]) -> list[Values]:
    """Outputs (S, H, O) of each network, for windows (S, L, 3 + P + K) and further inputs (S, ...)."""
    n = len(inputs[0])
    found = []
    with _lock:
        model = _models(net.spec, None, net.coder.categories, net.patch)
        for weights in net.weights:
            if [each.shape for each in weights] != [tuple(each.shape) for each in model.weights]:
                raise InvalidArgumentError(
                    f"weights {[each.shape for each in weights]!r:.200}; expected "
                    f"{[tuple(each.shape) for each in model.weights]!r:.200}, as the layers have. The file is damaged."
                )
            model.set_weights(list(weights))
            parts = []
            for first in range(0, n, ROWS):
                part = [each[first : first + ROWS] for each in inputs]
                rows = len(part[0])
                if rows < ROWS and (n > ROWS or are_equal()):
                    part = [np.concatenate([x, np.zeros((ROWS - rows, *x.shape[1:]), x.dtype)]) for x in part]
                outputs = model.predict_on_batch(part if len(part) > 1 else part[0])
                parts.append(np.asarray(ops.convert_to_numpy(outputs), np.float64)[:rows])
            found.append(np.concatenate(parts))
    return found
