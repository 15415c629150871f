"""The networks of a forecaster of several series: those that it has trained, and those of presets, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kerazoo._presets import PresetFile
from kerazoo.errors import StorageError
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.global_nets.checks import check_network
from kerazoo.forecast.global_nets.inputs import InputCoder
from kerazoo.forecast.presets.forecaster import PresetForecaster
from kerazoo.forecast.presets.network import computes
from kerazoo.forecast.presets.settings import check_forecaster
from kerazoo_ext import _panel_windows

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets import GlobalNet
    from kerazoo.forecast.global_nets.inputs import Inputs

__all__ = ["PanelNet", "PresetNet", "forecast_of", "has_distribution", "net_from_plain", "quantiles_of"]

#: Of `GlobalNet.to_plain`, whose form :meth:`PresetNet.to_plain` has: files of both are the same.
VERSION = 2


class PresetNet:
    """A network that is trained already, in the units of any series. It knows no further inputs.

    NumPy computes it where it can: a Keras backend alone takes seconds to import. Layers that NumPy does not know are
    those of a :class:`kerazoo.forecast.global_nets.GlobalNet`.

    Args:
        preset: PresetFile of a forecaster.
        periods: steps of the seasons that are taken out, which may be several and not whole.
        tuned: whether it was trained further on the series of a fit.

    Raises:
        InvalidArgumentError: a preset of something else.

    Attributes:
        loss: `"quantiles"`.
        levels: levels of the quantiles that it tells.
        horizon: steps that it forecasts at once.
    """

    loss = "quantiles"

    def __init__(self, preset: PresetFile, periods: Sequence[float], *, tuned: bool = False) -> None:
        check_forecaster(preset)
        self.tuned = tuned
        self._preset, self._periods = preset, tuple(periods)
        self.levels = tuple(float(level) for level in preset.settings["levels"])
        self.horizon = int(preset.spec["horizon"])

    @property
    def _period(self) -> float | tuple[float, ...]:
        return self._periods if len(self._periods) > 1 else self._periods[0]

    @cached_property
    def _forecaster(self) -> PresetForecaster:
        return PresetForecaster(self._preset)

    def check(self) -> None:
        """Refuse what a file says of a network that cannot forecast: layers and weights, season, patch.

        Raises:
            InvalidArgumentError: weights of other shapes, infinite numbers, or a season that is none.
        """
        patch = self._preset.settings.get("patch", 1)
        features = patch * _panel_windows.FEATURES
        check_network(self._preset.spec, self._preset.weights, self._periods, patch, features, len(self.levels))
        if computes(self._preset.spec):
            _ = self._forecaster  # which compares the shapes of the weights

    def as_global_net(self) -> GlobalNet:
        """The same networks for Keras, which can train them further."""
        from kerazoo.forecast.presets.keras_networks import global_net_of

        return global_net_of(self._preset, self._periods)

    def forecast(self, ys: Sequence[Values], horizon: int) -> Values:
        """Point forecasts, float64 (S, H).

        Args:
            ys: float64 (T,) per series.
            horizon: int >= 1, H.
        """
        return self._forecaster.forecast(ys, horizon, self._period)

    def quantiles(self, ys: Sequence[Values], levels: Sequence[float], horizon: int) -> Values:
        """Quantiles, float64 (S, H, Q).

        Args:
            ys: float64 (T,) per series.
            levels: Q numbers within those of `self.levels`.
            horizon: int >= 1, H.
        """
        return self._forecaster.forecast_quantiles(ys, levels, horizon, self._period)

    def to_plain(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and the rest as values that JSON can hold: as `GlobalNet.to_plain` has them."""
        preset, period = self._preset, self._period
        arrays: dict[str, NDArray[Any]] = {"limits": np.array(preset.settings["limits"], np.float64)}
        members = preset.members()
        for member, values in enumerate(members):
            arrays |= {f"net{member}.{place}": value for place, value in enumerate(values)}
        moments, vocabularies = InputCoder().to_plain()
        arrays |= moments
        notes = {
            "version": VERSION,
            "spec": dict(preset.spec),
            "period": list(period) if isinstance(period, tuple) else period,
            "loss": self.loss,
            "levels": list(self.levels),
            "steps": [int(preset.card.get("steps", 0))] * len(members),
            "losses": [preset.card.get("loss")] * len(members),
            "interrupted": False,
            "vocabularies": vocabularies,
            "recency": float(preset.settings["recency"]),
            "any_scale": True,
            "patch": int(preset.settings.get("patch", 1)),
            "views": int(preset.settings.get("views", 1)),
            "as_it_was": not self.tuned,
        }
        return arrays, notes

    @classmethod
    def from_plain(cls, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> PresetNet:
        """The inverse of :meth:`to_plain`.

        Raises:
            StorageError: something is missing.
        """
        try:
            return cls(*_preset_of(arrays, notes), tuned=not notes.get("as_it_was", False))
        except KeyError as error:
            raise StorageError(f"{error} is missing; expected the arrays and notes that to_plain() returns.") from None


def _preset_of(arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> tuple[PresetFile, Sequence[float]]:
    """The preset, and its periods, in what :meth:`PresetNet.to_plain` returns."""
    n_members = len(notes["steps"])
    count = sum(name.startswith("net0.") for name in arrays)
    settings = {
        "levels": list(notes["levels"]), "limits": np.asarray(arrays["limits"]).tolist(),
        "recency": notes["recency"], "patch": int(notes.get("patch", 1)), "n_members": n_members,
        "views": int(notes.get("views", 1)),
    }  # fmt: skip
    period = notes["period"]
    preset = PresetFile(
        dict(notes["spec"]),
        [
            np.asarray(arrays[f"net{member}.{place}"], np.float32)
            for member in range(n_members)
            for place in range(count)
        ],
        settings,
        {"steps": notes["steps"][0], "loss": notes["losses"][0]},
    )
    return preset, period if isinstance(period, list | tuple) else (period,)


PanelNet: TypeAlias = "GlobalNet | PresetNet"


def net_from_plain(arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> PanelNet:
    """The inverse of `to_plain` of a network.

    Raises:
        StorageError: something is missing, or the notes are of another version.
    """
    # Windows of any scale are those of networks that have learned from other series.
    if notes.get("version") == VERSION and notes.get("any_scale"):
        return PresetNet.from_plain(arrays, notes)
    from kerazoo.forecast.global_nets import GlobalNet

    return GlobalNet.from_plain(arrays, notes)


def has_distribution(net: PanelNet) -> bool:
    """Whether a network tells quantiles."""
    return isinstance(net, PresetNet) or net.make_loss().has_distribution


def forecast_of(
    nets: Sequence[PanelNet],
    ys: Sequence[Values],
    horizon: int,
    inputs: Inputs | None = None,
    shares: Sequence[float] | None = None,
) -> Values:
    """Mean forecast of networks, float64 (S, H).

    Args:
        nets: at least one.
        ys: float64 (T,) per series.
        horizon: int >= 1, H.
        inputs: further inputs of the trained networks, or None.
        shares: of each network in the mean, of sum 1; None: equal ones.
    """
    return np.average([_forecast(net, ys, horizon, inputs) for net in nets], axis=0, weights=shares)


def _forecast(net: PanelNet, ys: Sequence[Values], horizon: int, inputs: Inputs | None) -> Values:
    if isinstance(net, PresetNet):
        return net.forecast(ys, horizon)
    from kerazoo.forecast.global_nets import forecast

    return forecast(net, ys, horizon, inputs=inputs)


def quantiles_of(
    nets: Sequence[PanelNet], ys: Sequence[Values], levels: Sequence[float], horizon: int, inputs: Inputs | None = None
) -> Values:
    """Mean quantiles of networks that tell them, float64 (S, H, Q).

    Args:
        nets: at least one, each with :func:`has_distribution`.
        ys: float64 (T,) per series.
        levels: Q numbers, within those of each network.
        horizon: int >= 1, H.
        inputs: further inputs of the trained networks, or None.
    """
    return np.asarray(np.mean([_quantiles(net, ys, levels, horizon, inputs) for net in nets], axis=0))


def _quantiles(
    net: PanelNet, ys: Sequence[Values], levels: Sequence[float], horizon: int, inputs: Inputs | None
) -> Values:
    if isinstance(net, PresetNet):
        return net.quantiles(ys, levels, horizon)
    from kerazoo.forecast.global_nets import forecast_quantiles

    return forecast_quantiles(net, ys, levels, horizon, inputs=inputs)
