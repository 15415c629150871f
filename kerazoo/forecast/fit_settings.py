"""`FitSettings`: the checked parameters of a forecaster, with all defaults resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kerazoo.forecast.net_spec import NetSpec
from kerazoo.forecast.transforms import Transform

if TYPE_CHECKING:
    from kerazoo.zoo.spec import RNNSpec

__all__ = ["FitSettings", "Transforms"]

Transforms: TypeAlias = Literal["auto"] | tuple[Transform, ...]


@dataclass(frozen=True)
class FitSettings:
    """The checked parameters of a :class:`kerazoo.Forecaster`, which documents them.

    Attributes:
        model: NetSpec of the network.
        transforms: "auto", or the transforms, not fitted.
        seed: int, drawn if the parameter is None.
        callbacks: flat list of Keras callbacks.
        by_series: whether each series has its own weights of compiled statistics, and global networks: several series,
            gaps or several seasons, with transforms "auto".
        periods: steps of the seasons of statistics by series, which may be several and not whole.
        embed_ids: whether networks know each series by name.
        preset: name of the network that is trained already, or None.
        beside: name of the preset that forecasts beside the trained networks, or None.
        fine_tune: steps that the preset is trained further on the series.
    """

    model: NetSpec
    strategy: str
    horizon: int
    lookback: int | None
    period: int
    transforms: Transforms
    calendar: tuple[str, ...]
    calendar_order: int
    n_members: int
    floor: float | None
    loss: str
    epochs: int
    steps_per_epoch: int
    batch_size: int
    learning_rate: float
    patience: int
    min_gain: float
    seed: int
    verbose: int
    callbacks: Sequence[Any]
    by_series: bool = False
    periods: tuple[float, ...] = ()
    embed_ids: bool = False
    preset: str | None = None
    beside: str | None = None
    fine_tune: int = 0

    @property
    def preset_alone(self) -> bool:
        """Whether the network is that of a preset as it is."""
        return self.preset is not None and not self.fine_tune

    @property
    def n_steps(self) -> int:
        """Training steps of a network of several series."""
        return self.fine_tune or self.epochs * self.steps_per_epoch

    @property
    def spec(self) -> RNNSpec:
        """RNNSpec of `model`; imports Keras."""
        return self.model.rnn

    @property
    def steps_per_output(self) -> int:
        """Forecast steps in one output of a network: 1 for the recursive strategy, else the horizon."""
        return 1 if self.strategy == "recursive" else self.horizon
