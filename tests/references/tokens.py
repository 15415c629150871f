"""Twins of `kerazoo_ext._pairs`, `_blocks` and `_noise`: a whole epoch, written for reading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.references.random import HALF, LOW, below, draw


@dataclass
class Settings:
    """What decides the tokens and pairs of an epoch; `keep` are thresholds uint32 (V,) or None."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    keep: NDArray[np.uint32] | None
    window: int
    shrink: bool
    max_contexts: int
    keys: NDArray[np.uint64]

    def arguments(self) -> tuple:
        """The leading arguments of the kernels."""
        return self.ids, self.offsets, self.keep, self.keys, self.window, self.shrink, self.max_contexts


@dataclass
class Kept:
    """Kept tokens of the epoch laid end to end: (n,) each."""

    ids: NDArray[np.int32]
    positions: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]


def kept_tokens(s: Settings) -> Kept:
    positions = np.arange(len(s.ids))
    draws = draw(s.keys[0], positions)
    radius = 1 + below(draws, s.window) if s.shrink else np.full(len(s.ids), s.window)
    kept = np.ones(len(s.ids), bool) if s.keep is None else (draws >> HALF) <= s.keep[s.ids]
    left, right = [], []
    for start, end in zip(s.offsets[:-1], s.offsets[1:], strict=True):
        b = radius[start:end][kept[start:end]]
        place = np.arange(len(b))
        left.append(np.minimum(b, place))
        right.append(np.minimum(b, len(b) - 1 - place))
    return Kept(s.ids[kept], positions[kept], np.concatenate(left), np.concatenate(right))


def pairs(s: Settings) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Contexts, centres and the centres' raw positions of all pairs of the epoch, in order."""
    kept = kept_tokens(s)
    contexts, centres, positions = [], [], []
    for k in range(len(kept.ids)):
        places = [*range(k - kept.left[k], k), *range(k + 1, k + 1 + kept.right[k])]
        if s.max_contexts and s.max_contexts < 2 * s.window:
            key = draw(s.keys[1], kept.positions[k])[0]
            take = min(s.max_contexts, len(places))
            for j in range(take):  # the first steps of a Fisher-Yates shuffle
                other = j + int(below(draw(key, j), len(places) - j)[0])
                places[j], places[other] = places[other], places[j]
            places = places[:take]
        contexts += [kept.ids[place] for place in places]
        centres += [kept.ids[k]] * len(places)
        positions += [kept.positions[k]] * len(places)
    return np.array(contexts, np.int32), np.array(centres, np.int32), np.array(positions, np.int64)


def block(s: Settings, first: int, size: int) -> dict[str, NDArray | int]:
    """Block of the kept tokens first..first + size - 1, as `_blocks.make` gives it."""
    kept = kept_tokens(s)
    padded = np.concatenate([np.zeros(s.window), kept.ids, np.zeros(size + 2 * s.window)]).astype(np.int32)
    none = np.zeros(size, np.int64)
    positions = np.append(kept.positions, np.full(size + 1, len(s.ids)))
    return {
        "ids": padded[first : first + size + 2 * s.window],
        "left": np.append(kept.left, none)[first : first + size],
        "right": np.append(kept.right, none)[first : first + size],
        "tokens": min(size, len(kept.ids) - first),
        "start": int(positions[first]) if first else 0,
        "end": int(positions[first + size]),
    }


def noise(table: NDArray[np.uint64], key: int, stream: int | None, n: int) -> NDArray[np.int32]:
    """Words of the stream number `stream` of `key`, or of `key` itself."""
    r = draw(key if stream is None else draw(key, stream)[0], np.arange(n))
    size = np.uint64(len(table))
    t = (r >> HALF) * size + (((r & LOW) * size) >> HALF)
    place = t >> HALF
    entry = table[place.astype(np.int64)]
    return np.where((t & LOW) < (entry >> HALF), place, entry & LOW).astype(np.int32)
