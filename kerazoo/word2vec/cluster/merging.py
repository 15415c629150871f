"""How the changes of several workers to one row are combined.

With d_w the change of worker w since the last exchange of the row, c_w the number of updates that it made (in units of
training pairs), and N the number of workers, the new row is the old one plus

    mean         sum_w d_w / N
    weighted     sum_w c_w d_w / sum_w c_w
    sum          sum_w d_w
    saturating   g(sum_w c_w) / sum_w g(c_w) * sum_w d_w,   g(c) = 1 - exp(-rate c)

The mean divides by N what a rare word learned from all workers together, and what it learned from one alone. The sum
takes N times too long a step for a frequent word, for which each worker alone has come close to where all together
would: trainings diverge. `saturating` is between them. Near a minimum, c updates of a stochastic gradient take a row
the part g(c) of its way, on average, where `rate` is the learning rate times the curvature of the loss. Workers that
start from one row, with c_w updates each, have gone the parts g(c_w) of the same way, and one worker with all updates
would have gone g(sum c_w). So a row with few updates gets the sum of the changes, one with many their mean, and a row
that one worker alone has changed gets that change.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["CURVATURE", "merged", "row_scales"]

# Of the loss along one row, per training pair: the saturating rate is this times the learning rate. Measured, see
# docs/distributed.md.
CURVATURE = 0.25


def row_scales(counts: Sequence[NDArray[np.float32]], rule: str, rate: float) -> list[NDArray[np.float32]]:
    """What the change of each worker is multiplied by, for each row.

    Args:
        counts: per worker float32 (rows,), updates of each row since its last exchange.
        rule: one of :data:`kerazoo.distributed.options.MERGE_RULES`.
        rate: float > 0, of `saturating`.

    Returns:
        Per worker float32 (rows,).

    >>> one, other = np.array([1.0, 0.0], np.float32), np.array([3.0, 2.0], np.float32)
    >>> [scale.tolist() for scale in row_scales([one, other], "weighted", 1.0)]
    [[0.25, 0.0], [0.75, 1.0]]
    """
    n = len(counts)
    if rule == "mean":
        return [np.full(len(counts[0]), 1 / n, np.float32)] * n
    if rule == "sum":
        return [np.ones(len(counts[0]), np.float32)] * n
    total = np.sum(counts, axis=0, dtype=np.float64)
    if rule == "weighted":
        safe = np.maximum(total, np.finfo(np.float32).tiny)
        return [(count / safe).astype(np.float32) for count in counts]
    parts = np.zeros_like(total)
    for count in counts:
        parts -= np.expm1(-rate * count.astype(np.float64))
    scale = -np.expm1(-rate * total) / np.maximum(parts, np.finfo(np.float32).tiny)
    return [np.where(total > 0, scale, 1.0).astype(np.float32)] * n


def merged(
    changes: Sequence[NDArray[np.floating]], scales: Sequence[NDArray[np.float32]], wire: str
) -> NDArray[np.floating]:
    """The combined change of some rows.

    Args:
        changes: per worker float16 or float32 (rows, D) or (rows,).
        scales: per worker float32 (rows,), see :func:`row_scales`.
        wire: dtype of the result.
    """
    total = np.zeros(changes[0].shape, np.float32)
    for change, scale in zip(changes, scales, strict=True):
        total += change.astype(np.float32) * (scale if change.ndim == 1 else scale[:, None])
    with np.errstate(over="ignore"):  # a training that diverges: the loss says so
        return total.astype(wire)
