r"""How the changes of several workers to one row are combined.

With d_w the change of worker w since the last exchange of the row, c_w the number of updates that it made, C their sum,
and N the number of workers, the new row is the old one plus

    mean         sum_w d_w / N
    weighted     sum_w c_w d_w / C
    sum          sum_w d_w
    curvature    sum_w d_w, of which every component along an eigenvector of the curvature of the loss is multiplied by
                 g(C) / (M g(C / M)),   g(c) = 1 - exp(-alpha mu c),   M = C^2 / sum_w c_w^2

The mean divides by N what a rare word learned from all workers together, and what it learned from one alone. The sum
takes N times too long a step where each worker alone has come close to where all together would: trainings diverge.
`curvature` is exact between them, where the loss is a quadratic function of the row. Then c updates of a stochastic
gradient with learning rate alpha take the row, along an eigenvector of its Hessian with eigenvalue mu, the part g(c) of
its way to the minimum. Workers that start from one row and make C / M updates each have together gone M times the part
g(C / M) of one way, and one worker with all updates would have gone g(C). So along a direction in which the loss is
flat for so few updates the changes are summed, and along a steep one they are averaged; what one worker alone has
changed is kept (M, the effective number of workers, is 1).

One matrix serves all rows of a table (:mod:`kerazoo.word2vec.cluster.curvature`). Its first eigenvector is what all
rows of the other table have in common: with one curvature for all directions, trainings of many workers diverge in
their first rounds, in which this part grows fastest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kerazoo.word2vec.cluster.curvature import Curvature
from kerazoo_ext import _exchange

FLAT = 0.05  # half of it is the largest relative error of a component: in a step of stochastic gradients nothing

__all__ = ["combined_by_curvature", "weighted_mean"]


def weighted_mean(changes: Sequence[NDArray[np.float32]], counts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of the changes of all workers, weighted by the updates that each row had.

    Args:
        changes: per worker float32 (rows, d) or (rows,).
        counts: per worker float32 (rows,).

    >>> changes = [np.float32([[1, 1]]), np.float32([[0, 0]])]
    >>> weighted_mean(changes, [np.float32([3]), np.float32([1])]).tolist()
    [[0.75, 0.75]]
    """
    total = np.zeros(changes[0].shape, np.float32)
    safe = np.maximum(np.sum(counts, axis=0), np.finfo(np.float32).tiny)
    for change, count in zip(changes, counts, strict=True):
        share = count / safe
        total += change * (share if change.ndim == 1 else share[:, None])
    return total


def combined_by_curvature(
    total: NDArray[np.float32], counts: Sequence[NDArray[np.float32]], curvature: Curvature, alpha: float
) -> NDArray[np.float32]:
    """The combined change of some rows, by the rule `curvature`.

    Args:
        total: float32 (rows, d), sum of the changes of all workers; it is changed.
        counts: per worker float32 (rows,), updates of each row since its last exchange.
        curvature: of these rows.
        alpha: learning rate.
    """
    updates, squares = np.zeros(len(total)), np.zeros(len(total))
    for count in counts:
        updates += count
        squares += np.square(count, dtype=np.float64)
    workers = np.where(updates > 0, updates**2 / np.maximum(squares, np.finfo(np.float64).tiny), 1.0)
    # Along flat directions changes are summed: of rare words those are nearly all.
    steep = alpha * curvature.values * updates.max(initial=0) > FLAT
    vectors = np.ascontiguousarray(curvature.vectors[:, steep])
    less = total @ vectors
    _exchange.scale(
        less, curvature.values[steep], (alpha * updates).astype(np.float32), workers.astype(np.float32), FLAT
    )
    total += less @ vectors.T
    return total
