"""Training windows: transformed values of series beside the known features of the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.transforms.base import Values

__all__ = ["KnownScale", "WindowArrays", "Windows", "windows_of"]

#: Scaled values above this size count as that: a first jump after constants, of which 32 bits hold no square.
LARGEST = 1e18


@dataclass(frozen=True, eq=False)
class KnownScale:
    """Scales the features that are known in the future.

    Attributes:
        mean: float64 (K,), means in the training part.
        deviation: float64 (K,), standard deviations there; infinite for constant features, which are scaled to 0: the
            networks have learned nothing about their changes.
    """

    mean: Values
    deviation: Values

    @classmethod
    def of(cls, features: Sequence[Values]) -> KnownScale:
        """Fit to the features (T, K) of the training part of each series."""
        rows = np.concatenate(list(features))
        deviation = rows.std(axis=0) if len(rows) else np.ones(rows.shape[1])
        constant = deviation <= 1e-12 * np.maximum(1.0, np.abs(rows).max(axis=0, initial=0.0))
        return cls(rows.mean(axis=0), np.where(constant, np.inf, deviation))

    def apply(self, features: Values) -> Values:
        """Features (T, K), standardized."""
        return (features - self.mean) / self.deviation


@dataclass(frozen=True)
class Windows:
    """How series are cut into windows.

    Attributes:
        length: int, steps L per window.
        ahead: int, steps O that are forecast at each step.
        last_only: bool, whether only the last step of a window has targets.
    """

    length: int
    ahead: int
    last_only: bool

    def inputs(self, z: Values, known: Values, end: int) -> tuple[Values, Values]:
        """The window of the steps before `end`: float64 (L, 1 + K), and a mask (L,), 1 where it is valid.

        A step has its value and the known features of the step after it.

        Args:
            z: float64 (T,), transformed values; NaN at the start.
            known: float64 (end + 1 or more, K), known features.
            end: int, one step after the last of the window.
        """
        rows = np.zeros((self.length, 1 + known.shape[1]))
        valid = np.zeros(self.length)
        first = max(0, end - self.length)
        n = end - first
        if n:
            rows[self.length - n :, 0] = np.nan_to_num(z[first:end])
            rows[self.length - n :, 1:] = known[first + 1 : end + 1]
            valid[self.length - n :] = np.isfinite(z[first:end])
        rows[valid == 0] = 0.0
        return rows, valid

    def ends(self, lost: int, total: int) -> list[int]:
        """Ends of windows (one step after their last).

        Windows with outputs at all steps overlap by a half, so that all targets but those of the first window have at
        least half a window of inputs before them. Targets reach one step beyond a window.

        Args:
            lost: int, values at the start that the transforms lose.
            total: int, values of the series.
        """
        if self.last_only:
            shortest = lost + min(self.length, max(2, (total - lost) // 4))
            return list(range(min(shortest, total - 1), total))
        stride = max(1, self.length // 2)
        ends = [total - 1]
        while ends[-1] - self.length > lost:
            ends.append(max(ends[-1] - stride, lost + self.length))
        return ends[::-1]


@dataclass(frozen=True, eq=False)
class WindowArrays:
    """The training data of M members: N windows of L steps.

    Attributes:
        inputs: float32 (M, N, L, F).
        valid: float32 (M, N, L, 1), 1 where there is an input, else 0.
        targets: float32 (M, N, L, O), per step; (M, N, 1, O) for networks with one output per window.
        train: float32, the shape of `targets`, weights of the targets in the training loss.
        held: float32, the shape of `targets`, weights of the targets in the held-out loss.
    """

    inputs: Values
    valid: Values
    targets: Values
    train: Values
    held: Values


def windows_of(
    layout: Windows,
    members: Sequence[tuple[Sequence[Values], Sequence[Values], Sequence[int]]],
) -> WindowArrays:
    """The training data.

    Args:
        layout: Windows.
        members: one (zs, knowns, cuts) per member: the transformed values (T,) of each series, the known features
            (T, K) of its steps, and the end of its training part; the steps after it are held out.

    Raises:
        InvalidArgumentError: no target is left to train on.
    """
    # Chains lose different numbers of values; the windows of all members have the same positions.
    lost = [max(int(np.isnan(zs[i]).sum()) for zs, _, _ in members) for i in range(len(members[0][0]))]
    made: dict[int, list[Values]] = {}
    stacked: list[list[Values]] = []
    for zs, knowns, cuts in members:
        key = id(zs)
        if key not in made:
            made[key] = _windows_of_member(layout, zs, knowns, cuts, lost)
        stacked.append(made[key])
    arrays = [np.clip(np.stack(parts), -LARGEST, LARGEST).astype(np.float32) for parts in zip(*stacked, strict=True)]
    if not (arrays[3].sum(axis=(1, 2, 3)) > 0).all():
        raise InvalidArgumentError(
            "no step is left to train on; expected a longer series, fewer steps held out (val), a smaller horizon or "
            "transforms that lose fewer values."
        )
    return WindowArrays(*arrays)


def _windows_of_member(
    layout: Windows, zs: Sequence[Values], knowns: Sequence[Values], cuts: Sequence[int], losts: Sequence[int]
) -> list[Values]:
    inputs, valid, targets, train, held = [], [], [], [], []
    steps = 1 if layout.last_only else layout.length
    for z, known, cut, lost in zip(zs, knowns, cuts, losts, strict=True):
        total = len(z)
        done = 0  # targets before this step belong to an earlier window
        for end in layout.ends(lost, total):
            rows, here = layout.inputs(z, known, end)
            inputs.append(rows)
            valid.append(here[:, None])
            # Step t of the window forecasts the values from `origins[t]` on.
            origins = np.arange(end - steps + 1, end + 1)
            positions = origins[:, None] + np.arange(layout.ahead)
            inside = (positions < total) & (here[-steps:, None] > 0) & (origins[:, None] >= done)
            targets.append(np.where(inside, z[np.clip(positions, 0, total - 1)], 0.0))
            train.append(inside & (positions < cut))
            held.append(inside & (origins[:, None] >= cut))
            done = end + 1
    return [np.stack(part).astype(np.float64) for part in (inputs, valid, targets, train, held)]
