"""`GlobalNet`: what a training leaves, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerazoo._validation import check_int, check_real
from kerazoo.errors import InvalidArgumentError, StorageError
from kerazoo.forecast.global_nets.checks import check_network
from kerazoo.forecast.global_nets.inputs import InputCoder
from kerazoo.forecast.global_nets.losses import Loss, make_loss
from kerazoo.forecast.global_nets.network import embedding_width
from kerazoo.zoo import RNNSpec
from kerazoo_ext import _panel_windows

__all__ = ["GlobalNet"]

VERSION = 2
#: Versions that can be read. Version 1 has no further inputs and one whole period.
READABLE = (1, 2)


@dataclass(frozen=True, eq=False)
class GlobalNet:
    """Networks of one kind, trained on the windows of all series of a panel.

    They forecast any series (:func:`kerazoo.forecast.global_nets.forecast`), because a window knows nothing of the
    series that it comes from, unless further inputs tell.

    Attributes:
        spec: RNNSpec of the zoo model; its `horizon` is that of the windows.
        period: steps of the season that is taken out of each series, or a tuple of several; 1: none.
        loss: name of the loss.
        levels: levels of the quantiles that were trained, () for other losses.
        weights: for each of M networks the weights of the model, float32 arrays.
        limits: float64 (H, 2), the range of the scaled changes that forecasts are limited to.
        steps: training steps of each network, (M,).
        losses: mean training loss of each network, (M,).
        interrupted: whether Ctrl-C ended the training early; fewer networks are then left, or one of fewer steps.
        coder: how further inputs become numbers; it has no columns if there are none.
        recency: of :func:`kerazoo.forecast.global_nets.adjustment.adjust`.
        any_scale: whether windows are :func:`kerazoo.forecast.global_nets.windows.rescaled`: of networks that have
            learned from other series.
        patch: steps of a window that the network reads as one.
    """

    spec: RNNSpec
    period: float | tuple[float, ...]
    loss: str
    levels: tuple[float, ...]
    weights: tuple[tuple[NDArray[np.float32], ...], ...]
    limits: NDArray[np.float64]
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    interrupted: bool = False
    coder: InputCoder = field(default_factory=InputCoder)
    recency: float = 1.0
    any_scale: bool = False
    patch: int = 1

    @property
    def lookback(self) -> int:
        """Steps of a window."""
        return self.patch * int(self.spec.lookback or 0)

    @property
    def horizon(self) -> int:
        """Steps that are predicted at once."""
        return self.spec.horizon

    def make_loss(self) -> Loss:
        """The loss that the outputs belong to."""
        return make_loss(self.loss, self.levels)

    def check(self) -> None:
        """Refuse what a file says of networks that cannot forecast; :func:`outputs_of` compares shapes of weights.

        Raises:
            InvalidArgumentError: a field that is out of range, or does not fit the others.
        """
        check_int("patch of a network", self.patch)
        outputs, coder = self.make_loss().n_outputs, self.coder
        features = self.patch * (_panel_windows.FEATURES + coder.n_columns)
        if not self.weights:
            raise InvalidArgumentError("no networks; expected at least one.")
        for each in self.weights:
            check_network(self.spec.to_dict(), each, self.period, self.patch, features, outputs)
        if self.limits.shape != (self.horizon, 2) or not (self.limits[:, 0] <= self.limits[:, 1]).all():
            raise InvalidArgumentError(
                f"limits of shape {self.limits.shape}; expected ranges of shape {self.horizon, 2}."
            )
        check_real("recency of a network", self.recency, 0.0, exclusive=True)
        static = coder.n_numbers(self.horizon) + sum(map(embedding_width, coder.categories))
        if self.spec.static != static:
            raise InvalidArgumentError(f"a network of {self.spec.static} static features; expected {static}.")

    def to_plain(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and the rest as values that JSON can hold."""
        arrays: dict[str, NDArray[Any]] = {"limits": self.limits}
        for member, values in enumerate(self.weights):
            arrays |= {f"net{member}.{place}": value for place, value in enumerate(values)}
        moments, vocabularies = self.coder.to_plain()
        arrays |= moments
        notes = {
            "version": VERSION,
            "spec": self.spec.to_dict(),
            "period": list(self.period) if isinstance(self.period, tuple) else self.period,
            "loss": self.loss,
            "levels": list(self.levels),
            "steps": list(self.steps),
            "losses": list(self.losses),
            "interrupted": self.interrupted,
            "vocabularies": vocabularies,
            "recency": self.recency,
            "any_scale": self.any_scale,
            "patch": self.patch,
        }
        return arrays, notes

    @classmethod
    def from_plain(cls, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> GlobalNet:
        """The inverse of :meth:`to_plain`.

        Raises:
            StorageError: something is missing, or the notes are of another version.
        """
        if notes.get("version") not in READABLE:
            raise StorageError(f"networks of version {notes.get('version')!r}; expected one of {READABLE}.")
        try:
            coder = InputCoder() if notes["version"] == 1 else InputCoder.from_plain(arrays, notes["vocabularies"])
            weights = []
            for member in range(len(notes["steps"])):
                count = sum(name.startswith(f"net{member}.") for name in arrays)
                weights.append(tuple(np.asarray(arrays[f"net{member}.{place}"]) for place in range(count)))
            return cls(
                spec=RNNSpec.from_dict(notes["spec"]),
                period=tuple(notes["period"]) if isinstance(notes["period"], list | tuple) else notes["period"],
                loss=str(notes["loss"]),
                levels=tuple(notes["levels"]),
                weights=tuple(weights),
                limits=np.asarray(arrays["limits"], np.float64),
                steps=tuple(notes["steps"]),
                losses=tuple(notes["losses"]),
                interrupted=bool(notes["interrupted"]),
                coder=coder,
                recency=float(notes.get("recency", 1.0)),
                any_scale=bool(notes.get("any_scale", False)),
                patch=int(notes.get("patch", 1)),
            )
        except KeyError as error:
            raise StorageError(f"{error} is missing; expected the arrays and notes that to_plain() returns.") from None
