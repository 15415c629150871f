"""`PresetForecaster`: forecasts of any series by a network that is trained already, in NumPy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._presets import PresetFile, read_preset
from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.data.validation import series_array
from kerazoo.forecast.global_nets.adjustment import AdjustedPanel, adjust
from kerazoo.forecast.global_nets.extrapolation import extrapolate
from kerazoo.forecast.global_nets.quantiles import at_levels, rising
from kerazoo.forecast.global_nets.windows import Windows
from kerazoo.forecast.presets.network import NumpyNet, computes
from kerazoo.forecast.presets.settings import check_forecaster
from kerazoo_ext import _panel_windows

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets import GlobalNet

__all__ = ["PresetForecaster", "load_forecaster"]

Values = NDArray[np.float64]


class PresetForecaster:
    """Forecasts series that the network has never seen: of any unit, length and season.

    The season of a series is estimated and taken out, a window of its last values is scaled by its own changes, and
    the network tells quantiles of the next steps. Beyond its horizon, forecasts continue from themselves. They stay
    within nearly all changes of the windows that it was trained on, in units of the scale, and within three ranges of
    the window beyond its values. Where all values in the window are equal, and no season was found, they stay what they
    are.

    Of positive series there are two views, their logarithms with multiplicative seasons, and their values with additive
    ones: the forecast is the mean of both, where that of the values counts as 0 if it is negative. Other series have
    the mean of the forecast and of the negative one of the negative series.

    Args:
        preset: PresetFile of networks with `"levels"`, `"limits"` and `"recency"` in its settings, and, if they are not
            1, `"patch"`, the steps that a network reads as one, `"n_members"`, of which the median counts, and the
            `"views"` of positive series. NumPy computes residual minGRUs, and Keras other layers.

    Raises:
        InvalidArgumentError: a preset of something else, or layers or weights that do not fit.

    Attributes:
        card: how the network was trained.
        lookback: L, values that it sees.
        horizon: H, steps that it forecasts at once.
        levels: Q levels of the quantiles that it tells, rising; .5 is among them.

    >>> import numpy as np
    >>> forecaster = load_forecaster("forecast_small")
    >>> months = np.tile(np.arange(12.0), 5) + 20
    >>> forecaster.forecast([months, [3.0, 4.0, 5.0]], horizon=12, period=12).shape
    (2, 12)
    """

    def __init__(self, preset: PresetFile) -> None:
        check_forecaster(preset)
        self.card = preset.card
        self._patch = int(preset.settings.get("patch", 1))
        self.lookback, self.horizon = self._patch * int(preset.spec["lookback"]), int(preset.spec["horizon"])
        self.levels = tuple(float(level) for level in preset.settings["levels"])
        self._recency = float(preset.settings["recency"])
        self._limits = np.array(preset.settings["limits"], np.float64)
        self._views = int(preset.settings.get("views", 1))
        self._preset = preset
        self._nets = [NumpyNet(preset.spec, each) for each in preset.members()] if computes(preset.spec) else None
        self._middle = self.levels.index(0.5)

    def forecast(
        self, series: Iterable[Any], horizon: int | None = None, period: float | Sequence[float] = 1
    ) -> Values:
        """Point forecasts: medians.

        Args:
            series: S sequences of numbers, of any lengths >= 1; NaN is missing.
            horizon: H >= 1, steps; None: those that the network forecasts at once.
            period: steps of a season, not necessarily whole; several, such as [24, 168] of hours; 1: none.

        Returns:
            float64 (S, H), finite.

        Raises:
            InvalidArgumentError: a series without numbers, or of numbers that are infinite or above 1e150.
        """
        return self._forecast(series, horizon, period, ())[..., 0]

    def forecast_quantiles(
        self,
        series: Iterable[Any],
        levels: Sequence[float],
        horizon: int | None = None,
        period: float | Sequence[float] = 1,
    ) -> Values:
        """Quantiles of the forecasts; between those of `levels`, they lie on lines.

        Args:
            series: as for :meth:`forecast`.
            levels: Q numbers from the lowest to the highest of `self.levels`.
            horizon: as for :meth:`forecast`.
            period: as for :meth:`forecast`.

        Returns:
            float64 (S, H, Q), finite, rising with the levels.

        Raises:
            InvalidArgumentError: a level out of range, or as :meth:`forecast`.

        >>> forecaster = load_forecaster("forecast_small")
        >>> found = forecaster.forecast_quantiles([range(20)], [0.1, 0.9], horizon=2)
        >>> found.shape, bool((found[..., 0] < found[..., 1]).all())
        ((1, 2, 2), True)
        """
        low, high = self.levels[0], self.levels[-1]
        if not isinstance(levels, Iterable) or isinstance(levels, str):
            raise InvalidArgumentError(f"levels={levels!r}; expected a list of numbers from {low:g} to {high:g}.")
        wanted = [check_real("levels", level, 0.0, 1.0, exclusive=True) for level in levels]
        if not wanted or not low <= min(wanted) <= max(wanted) <= high:
            raise InvalidArgumentError(f"levels={list(levels)}; expected numbers from {low:g} to {high:g}.")
        order = np.argsort(np.argsort(wanted, kind="stable"), kind="stable")
        return self._forecast(series, horizon, period, sorted(wanted))[..., 1:][..., order]

    def _forecast(self, series: Iterable[Any], horizon: int | None, period: Any, levels: Sequence[float]) -> Values:
        steps = self.horizon if horizon is None else check_int("horizon", horizon, hint="It is the number of steps.")
        if isinstance(series, str | Mapping) or not isinstance(series, Iterable) or hasattr(series, "columns"):
            raise InvalidArgumentError(
                f"series is a {type(series).__name__}; expected a list of sequences of numbers, [y] for one series y."
            )
        series = list(series)
        panel = adjust(series, period, recency=self._recency)
        found = self._extrapolated(panel, steps, levels)
        positive = np.flatnonzero(panel.kinds == _panel_windows.LOGARITHMS)
        if self._views > 1 and len(positive):
            values = adjust([series[place] for place in positive], period, recency=self._recency, logarithms=False)
            found[positive] = 0.5 * found[positive] + 0.5 * np.maximum(self._extrapolated(values, steps, levels), 0.0)
        others = np.flatnonzero(panel.kinds != _panel_windows.LOGARITHMS)
        if self._views > 1 and len(others) and self._is_symmetric:
            found[others] = 0.5 * found[others] + 0.5 * self._mirrored(series, others.tolist(), steps, period, levels)
        # A window of equal values has no scale, and what the network says of it means nothing. Where a season was taken
        # out, what is left is equal by an estimate only.
        starts = np.maximum(panel.offsets[:-1], panel.offsets[1:] - self.lookback)
        edges = np.column_stack([starts, panel.offsets[1:]]).ravel()[:-1]
        low, high = (each.reduceat(panel.values, edges)[::2] for each in (np.fmin, np.fmax))
        for place in np.flatnonzero((low == high) & ~panel.seasons.any(axis=1)):
            y = series_array(int(place), series[place])[-self.lookback :]
            if (constant := np.nanmin(y)) == np.nanmax(y):  # and not their logarithms alone
                found[place] = constant
        return found

    @property
    def _is_symmetric(self) -> bool:
        """Whether the levels of the quantiles are symmetric about 1/2."""
        levels = np.array(self.levels)
        return bool(np.allclose(levels, 1.0 - levels[::-1]))

    def _mirrored(
        self, series: Sequence[Any], numbers: Sequence[int], steps: int, period: Any, levels: Sequence[float]
    ) -> Values:
        """The negative of the forecasts of negative series: positive ones have taught the network to look upwards."""
        mirror = [-np.asarray(series[number], np.float64) for number in numbers]
        panel = adjust(mirror, period, recency=self._recency, logarithms=False)
        opposite = np.clip([1.0 - level for level in reversed(levels)], self.levels[0], self.levels[-1]).tolist()
        found = -self._extrapolated(panel, steps, opposite)
        return np.concatenate([found[..., :1], found[..., 1:][..., ::-1]], axis=-1)

    def _extrapolated(self, panel: AdjustedPanel, steps: int, levels: Sequence[float]) -> Values:
        return extrapolate(
            panel, steps, self._outputs, self, lookback=self.lookback, limits=self._limits, levels=levels,
            any_scale=True,
        )  # fmt: skip

    @cached_property
    def _global_net(self) -> GlobalNet:
        from kerazoo.forecast.presets.keras_networks import global_net_of

        return global_net_of(self._preset)

    def _outputs(self, windows: Windows, panel: AdjustedPanel) -> list[Values]:
        if self._nets is None:
            from kerazoo.forecast.global_nets.forecasting import outputs_of

            return [rising(each, self._middle) for each in outputs_of(self._global_net, (windows.inputs,))]
        inputs = windows.inputs.reshape(len(windows.inputs), self.lookback // self._patch, -1)
        return [rising(net(inputs).astype(np.float64), self._middle) for net in self._nets]

    def point(self, outputs: Values, scales: Values) -> Values:
        """The median of quantiles (..., Q)."""
        return outputs[..., self._middle]

    def quantiles(self, outputs: Values, scales: Values, levels: Sequence[float]) -> Values:
        """Those of other levels."""
        return at_levels(outputs, self.levels, levels)


def load_forecaster(name: str | os.PathLike[str] = "forecast_small") -> PresetForecaster:
    """A trained forecaster.

    Args:
        name: one of :func:`list_presets`, or the path of a file.

    Raises:
        InvalidArgumentError: an unknown name.
        StorageError: the file is missing or damaged.

    >>> load_forecaster().horizon
    24
    """
    return PresetForecaster(read_preset(name))
