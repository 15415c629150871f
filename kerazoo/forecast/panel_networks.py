"""`PanelNetworks`: trains the networks of a forecaster of several series, and keeps finished ones in a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kerazoo._runtime.checkpoints import CheckpointFile
from kerazoo.forecast.data.types import Values
from kerazoo.forecast.fit_settings import FitSettings
from kerazoo.forecast.mixture import share_beside
from kerazoo.forecast.options import DISTRIBUTION_LEVELS
from kerazoo.forecast.panel_nets import PanelNet, net_from_plain
from kerazoo.forecast.preset_options import preset_net

if TYPE_CHECKING:
    from kerazoo.forecast.global_nets import GlobalNet, Inputs

__all__ = ["PanelNetworks"]


class PanelNetworks:
    """Trains networks, one kind for each strategy.

    Args:
        settings: FitSettings.
        checkpoints: CheckpointFile, or None. Networks that it holds are not trained again.

    Attributes:
        seed: of the networks: that of the checkpoint if there is one.
        history: "loss" -> the mean loss of each network, in the order of their training.
        interrupted: whether Ctrl-C has ended a training early.
    """

    def __init__(self, settings: FitSettings, checkpoints: CheckpointFile | None) -> None:
        self._settings, self._checkpoints = settings, checkpoints
        self._finished: dict[str, GlobalNet] = {}
        self.seed = settings.seed
        self.history: dict[str, list[float]] = {"loss": []}
        self.interrupted = False
        found = None if checkpoints is None else checkpoints.read()
        if found is not None:
            from kerazoo.forecast.global_nets import GlobalNet

            self.seed = found.seed
            for name, notes in found.metadata["networks"].items():
                start = f"{name}/"
                arrays = {key[len(start) :]: value for key, value in found.arrays.items() if key.startswith(start)}
                self._finished[name] = GlobalNet.from_plain(arrays, notes)

    def train(self, stage: str, ys: Sequence[Values], inputs: Inputs | None = None) -> tuple[PanelNet, ...]:
        """Networks for series; that of a preset is trained already.

        Args:
            stage: name of the series, in the checkpoint.
            ys: float64 (T,) per series.
            inputs: further inputs, or None.

        Raises:
            KeyboardInterrupt: Ctrl-C before a network of each kind was finished.
            TrainingError: the training of every network diverges.
        """
        settings = self._settings
        known = settings.preset or settings.beside
        own = () if known is None else (preset_net(known, settings.periods),)
        if settings.preset_alone:
            return own
        strategies = ("recursive", "direct") if settings.strategy == "mean" else (settings.strategy,)
        nets: list[PanelNet] = []
        for strategy in strategies:
            name = f"{stage}.{strategy}"
            net = self._finished.get(name)
            if net is None or len(net.weights) < self._n_members:
                net = self._trained(name, strategy, ys, inputs)
                self.interrupted |= net.interrupted
            if min(net.steps) < settings.n_steps:
                raise KeyboardInterrupt
            # As after a load: what is trained from a preset, NumPy computes.
            nets.append(net if self._initial is None else net_from_plain(*net.to_plain()))
            self.history["loss"] += net.losses
            if self.interrupted and strategy != strategies[-1]:
                raise KeyboardInterrupt
        return (*nets, *own) if settings.beside else tuple(nets)

    def shares(self, nets: Sequence[PanelNet], n_series: int) -> tuple[float, ...]:
        """The share of each network in their mean; :data:`kerazoo.forecast.mixture.SHARE_BESIDE`."""
        if not nets:
            return ()
        if self._settings.beside is None:
            return (1.0 / len(nets),) * len(nets)
        n_trained = len(nets) - 1
        trained = share_beside(n_series)
        return (*[trained / n_trained] * n_trained, 1.0 - trained)

    @cached_property
    def _initial(self) -> GlobalNet | None:
        """The networks of a preset, which are trained further."""
        preset, periods = self._settings.preset, self._settings.periods
        return None if preset is None else preset_net(preset, periods).as_global_net()

    @property
    def _n_members(self) -> int:
        return self._settings.n_members if self._initial is None else len(self._initial.weights)

    def _trained(self, name: str, strategy: str, ys: Sequence[Values], inputs: Inputs | None) -> GlobalNet:
        from kerazoo.forecast.global_nets import fit_global_net

        settings = self._settings

        def keep(net: GlobalNet) -> None:
            self._finished[name] = net
            last = "direct" if settings.strategy == "mean" else settings.strategy
            self._write(complete=name == f"final.{last}" and len(net.weights) == self._n_members)

        return fit_global_net(
            ys,
            1 if strategy == "recursive" else settings.horizon,
            settings.periods,
            model=settings.spec,
            loss=settings.loss,
            levels=DISTRIBUTION_LEVELS if settings.loss == "quantiles" else (),
            lookback=settings.lookback or settings.model.lookback,
            n_nets=self._n_members,
            steps=settings.n_steps,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=self.seed,
            inputs=inputs,
            callbacks=settings.callbacks,
            verbose=int(settings.verbose > 0),
            title=f"{name.split('.')[0]} network",
            start=self._finished.get(name),
            initial=self._initial,
            on_network=keep,
        )

    def _write(self, *, complete: bool) -> None:
        if self._checkpoints is None or not (complete or self._checkpoints.is_due()):
            return
        arrays: dict[str, Any] = {}
        notes = {}
        for name, net in self._finished.items():
            values, notes[name] = net.to_plain()
            arrays |= {f"{name}/{key}": value for key, value in values.items()}
        self._checkpoints.write(arrays, {"networks": notes}, seed=self.seed, complete=complete)
