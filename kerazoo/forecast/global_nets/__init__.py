"""One network for all series of a panel: training on scaled windows, and forecasts of any series.

>>> import numpy as np
>>> from kerazoo.forecast.global_nets import fit_global_net, forecast
>>> series = [np.arange(10.0, 40.0) * factor for factor in (1, 5, 20)]
>>> net = fit_global_net(series, horizon=4, model="gru_1x8", n_nets=1, steps=3, seed=1)
>>> forecast(net, [np.arange(100.0, 120.0)]).shape  # a series that was not fitted
(1, 4)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets.forecasting import forecast, forecast_quantiles
    from kerazoo.forecast.global_nets.inputs import Inputs
    from kerazoo.forecast.global_nets.results import GlobalNet
    from kerazoo.forecast.global_nets.training import fit_global_net

__all__ = ["GlobalNet", "Inputs", "fit_global_net", "forecast", "forecast_quantiles"]

_HOMES = {
    "GlobalNet": "results", "Inputs": "inputs", "fit_global_net": "training", "forecast": "forecasting",
    "forecast_quantiles": "forecasting",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # On first use: windows and seasons need no Keras.
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
