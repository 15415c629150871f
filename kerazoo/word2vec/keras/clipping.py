"""Clipping of the updates of embedding tables, row by row."""

from __future__ import annotations

from typing import Any

from keras import ops

__all__ = ["clip_rows"]


def clip_rows(update: Any, clip: float) -> Any:
    """Scale each row of `update` (N, D) to a length of at most `clip`; clamp the elements of a vector (N,)."""
    if len(update.shape) < 2:
        return ops.clip(update, -clip, clip)
    length = ops.sqrt(ops.sum(ops.square(update), axis=-1, keepdims=True))
    # max() before the division keeps rows of zeros at zero.
    return update * (clip / ops.maximum(length, clip))
