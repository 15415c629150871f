"""Positions of times on axes that pandas has drawn on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._runtime.ignored_warnings import warnings_ignored

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axis_freq", "on_axis"]


def axis_freq(ax: Axes) -> Any:
    """The frequency of the periods that pandas counts on the axis of `Series.plot`; None for other axes."""
    return getattr(ax.xaxis, "freq", None) or getattr(ax, "freq", None)


def on_axis(ax: Axes, x: NDArray[Any]) -> NDArray[Any]:
    """Times as positions on an axis that pandas has drawn on: it counts periods where a series has a frequency."""
    import pandas as pd

    freq = axis_freq(ax)
    if freq is None or x.dtype.kind != "M":
        return x
    times = pd.DatetimeIndex(x)
    with warnings_ignored(FutureWarning):  # periods of business days
        periods = times.to_period(freq)
        if periods.is_unique:
            return np.asarray(periods.asi8)
        # Finer steps than those of the axis lie between its periods.
        length = (periods + 1).to_timestamp() - periods.to_timestamp()
        return np.asarray(periods.asi8 + periods.freq.n * ((times - periods.to_timestamp()) / length))
