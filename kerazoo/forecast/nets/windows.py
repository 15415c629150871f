"""Series as nets see them: transformed, scaled, beside what is known of the next step, and cut into windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerazoo.errors import InvalidArgumentError
from kerazoo.forecast.nets.trainer import WindowArrays
from kerazoo.forecast.transforms.base import Values

__all__ = ["KnownScale", "Windows", "windows_of"]


@dataclass(frozen=True, eq=False)
class KnownScale:
    """Mean and deviation of the features that are known in the future, (K,) each: of the training part."""

    mean: Values
    deviation: Values

    @classmethod
    def of(cls, features: Sequence[Values]) -> KnownScale:
        rows = np.concatenate(list(features))
        deviation = rows.std(axis=0) if len(rows) else np.ones(rows.shape[1])
        constant = deviation <= 1e-12 * np.maximum(1.0, np.abs(rows).max(axis=0, initial=0.0))
        return cls(rows.mean(axis=0), np.where(constant, 1.0, deviation))

    def apply(self, features: Values) -> Values:
        return (features - self.mean) / self.deviation


@dataclass(frozen=True)
class Windows:
    """How series are cut.

    Attributes:
        length: int, steps L of a window.
        ahead: int, steps O that are foretold at each step.
        last_only: bool, targets stand at the end of a window only.
    """

    length: int
    ahead: int
    last_only: bool

    def inputs(self, z: Values, known: Values, end: int) -> tuple[Values, Values]:
        """The window of the steps before `end`: float64 (L, 1 + K) and where it is valid (L,).

        A step has its value and what is known of the step after it; `known` (T + 1 or more, K) has one row more.
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
        """Where windows end (one step after their last), for a series of `total` values of which the first are lost.

        Windows with all their outputs overlap by a half, so that all targets but those of the first window have half a
        window before them. Targets reach one step beyond a window.
        """
        if self.last_only:
            shortest = lost + min(self.length, max(2, (total - lost) // 4))
            return list(range(min(shortest, total - 1), total))
        stride = max(1, self.length // 2)
        ends = [total - 1]
        while ends[-1] - self.length > lost:
            ends.append(max(ends[-1] - stride, lost + self.length))
        return ends[::-1]


def windows_of(
    layout: Windows,
    members: Sequence[tuple[Sequence[Values], Sequence[Values], Sequence[int]]],
) -> WindowArrays:
    """Arrays to learn from.

    Args:
        layout: Windows.
        members: one (zs, knowns, cuts) a member: z (T,) of each series, what is known (T, K) of its steps, and where
            its training part ends; what comes behind is held out.

    Raises:
        InvalidArgumentError: no target is left to learn from.
    """
    # Chains lose different numbers of values; the windows of all members lie in the same places.
    lost = [max(int(np.isnan(zs[place]).sum()) for zs, _, _ in members) for place in range(len(members[0][0]))]
    made: dict[int, list[Values]] = {}
    stacked: list[list[Values]] = []
    for zs, knowns, cuts in members:
        key = id(zs)
        if key not in made:
            made[key] = _windows_of_member(layout, zs, knowns, cuts, lost)
        stacked.append(made[key])
    arrays = [np.stack(parts).astype(np.float32) for parts in zip(*stacked, strict=True)]
    if not (arrays[3].sum(axis=(1, 2, 3)) > 0).all():
        raise InvalidArgumentError(
            "no step is left to learn from; expected a longer series, fewer steps held out (val), a smaller horizon or "
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
        done = 0  # targets of steps before this one are in an earlier window
        for end in layout.ends(lost, total):
            rows, here = layout.inputs(z, known, end)
            inputs.append(rows)
            valid.append(here[:, None])
            # The step at place t of the window foretells the values from `origins[t]` on.
            origins = np.arange(end - steps + 1, end + 1)
            places = origins[:, None] + np.arange(layout.ahead)
            inside = (places < total) & (here[-steps:, None] > 0) & (origins[:, None] >= done)
            targets.append(np.where(inside, z[np.clip(places, 0, total - 1)], 0.0))
            train.append(inside & (places < cut))
            held.append(inside & (origins[:, None] >= cut))
            done = end + 1
    return [np.stack(part).astype(np.float64) for part in (inputs, valid, targets, train, held)]
