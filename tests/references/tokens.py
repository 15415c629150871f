"""References of `kerazoo_ext._pairs`, `_blocks` and `_noise`: a whole epoch at a time, written for readability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.references.random import HALF, LOW, below, draw


@dataclass
class Settings:
    """The inputs that determine the tokens and pairs of an epoch; `keep` is uint32 thresholds (V,) or None."""

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
    """Kept tokens of the epoch, concatenated over documents: (n,) each."""

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
        index = np.arange(len(b))
        left.append(np.minimum(b, index))
        right.append(np.minimum(b, len(b) - 1 - index))
    return Kept(s.ids[kept], positions[kept], np.concatenate(left), np.concatenate(right))


def pairs(s: Settings) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Contexts, centres and the centres' raw positions of all pairs of the epoch, in order."""
    kept = kept_tokens(s)
    contexts, centres, positions = [], [], []
    for k in range(len(kept.ids)):
        window = [*range(k - kept.left[k], k), *range(k + 1, k + 1 + kept.right[k])]
        if s.max_contexts and s.max_contexts < 2 * s.window:
            key = draw(s.keys[1], kept.positions[k])[0]
            take = min(s.max_contexts, len(window))
            for j in range(take):  # the first steps of a Fisher-Yates shuffle
                other = j + int(below(draw(key, j), len(window) - j)[0])
                window[j], window[other] = window[other], window[j]
            window = window[:take]
        contexts += [kept.ids[i] for i in window]
        centres += [kept.ids[k]] * len(window)
        positions += [kept.positions[k]] * len(window)
    return np.array(contexts, np.int32), np.array(centres, np.int32), np.array(positions, np.int64)


def block(s: Settings, first: int, size: int) -> dict[str, NDArray | int]:
    """The block of kept tokens first..first + size - 1, as `_blocks.make` fills it."""
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
    """Words drawn from stream number `stream` of `key`, or from `key` itself."""
    r = draw(key if stream is None else draw(key, stream)[0], np.arange(n))
    size = np.uint64(len(table))
    t = (r >> HALF) * size + (((r & LOW) * size) >> HALF)
    index = t >> HALF
    entry = table[index.astype(np.int64)]
    return np.where((t & LOW) < (entry >> HALF), index, entry & LOW).astype(np.int32)
