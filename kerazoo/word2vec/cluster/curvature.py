"""The curvature of the loss along the rows of each table, estimated from the tables themselves.

The loss of a pair with logit z = x . y has the second derivative s(1 - s), s the logistic function of z, so the Hessian
of a row is the mean of ``s(1 - s) o o'`` over the rows o that it is trained with. Pairs of an input row and noise words
are drawn like those of the training, and their slopes computed. True pairs would have to be read from the text: their
slope is set to a value between that of the start, 1/4, and that of the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kerazoo.word2vec.engines.native_kernel import NativeKernel
    from kerazoo.word2vec.engines.native_tables import PaddedTables

__all__ = ["Curvature", "CurvatureEstimate", "eigen"]

TRUE_SLOPE = 0.2
# Estimates are multiplied by it: rows move while others train, and too little makes trainings diverge. It lowers the
# loss of 8 and 32 workers by .0003 and .001.
MARGIN = 1.5
SAMPLES = 512  # rows of each kind: a few milliseconds for all pairs of them


class Curvature(NamedTuple):
    """The curvature of the loss along a row, for one update.

    Attributes:
        values: float32 (d,), eigenvalues, >= 0.
        vectors: float32 (d, d), eigenvectors in columns.
    """

    values: NDArray[np.float32]
    vectors: NDArray[np.float32]


def eigen(moments: NDArray[np.floating]) -> Curvature:
    """The eigenvalues and eigenvectors of a symmetric matrix (d, d); none, if it is not finite."""
    if not np.isfinite(moments).all():  # a training that diverges: its loss says so
        return Curvature(np.zeros(len(moments), np.float32), np.eye(len(moments), dtype=np.float32))
    values, vectors = np.linalg.eigh(moments)
    return Curvature((MARGIN * np.maximum(values, 0)).astype(np.float32), vectors.astype(np.float32))


class CurvatureEstimate:
    """Samples of words and inner nodes, as they occur in the training of a kernel.

    Args:
        kernel: its vocabulary, noise and settings are used, not its tables.
    """

    def __init__(self, kernel: NativeKernel) -> None:
        self._kernel = kernel
        kept = kernel.tokens.counts.astype(np.float64)
        if kernel.keep is not None:
            kept *= kernel.keep / 2.0**32
        self._words = _drawn(kept)
        self._noise = _drawn(kernel.noise.probabilities)
        self._nodes, self._path = self._words[:0], 0.0
        if kernel.paths is not None:
            offsets, entries = kernel.paths
            lengths = np.diff(offsets)
            self._path = float(kept @ lengths / kept.sum())
            self._nodes = _drawn(np.bincount(entries >> 1, np.repeat(kept, lengths)).astype(np.float64))

    def of(self, tables: PaddedTables) -> dict[str, Curvature]:
        """The curvature along the rows of each table: of inputs per pair, of outputs and nodes per update.

        The bias of an output row is its last component.

        Args:
            tables: as one worker has trained them.
        """
        size, negative = tables.size, self._kernel.settings.negative
        inputs = tables.inputs[self._words, :size]
        found, of_inputs = {}, np.zeros((size, size), np.float32)
        if tables.outputs is not None:
            noise = tables.outputs[self._noise, :size]
            logits = inputs @ noise.T + self._kernel.settings.logit_offset
            if tables.biases is not None and self._kernel.log_expected is not None:
                logits += tables.biases[self._noise] - self._kernel.log_expected[self._noise]
                inputs = np.column_stack([inputs, np.ones(len(inputs), np.float32)])
            with np.errstate(over="ignore"):
                share = 1 / (1 + np.exp(-logits))
            slopes = share * (1 - share)
            true = tables.outputs[self._words, :size]
            of_inputs += TRUE_SLOPE * _moments(true) + negative * _moments(noise, slopes.mean(0))
            per_update = TRUE_SLOPE * _moments(inputs) + negative * _moments(inputs, slopes.mean(1))
            found["outputs"] = eigen(per_update / (1 + negative))
        if tables.nodes is not None:
            of_inputs += self._path * TRUE_SLOPE * _moments(tables.nodes[self._nodes, :size])
            found["nodes"] = eigen(TRUE_SLOPE * _moments(inputs[:, :size]))
        found["inputs"] = eigen(of_inputs)
        return found


def _drawn(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices in proportion to their weights, the same for the same weights."""
    ends = np.cumsum(weights)
    n = min(SAMPLES, 4 * len(weights))
    return np.minimum(np.searchsorted(ends, ends[-1] * (np.arange(n) + 0.5) / n), len(weights) - 1)


def _moments(rows: NDArray[np.float32], weights: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Mean of ``weight row row'``."""
    weighted = rows if weights is None else rows * weights[:, None]
    return np.asarray(weighted.T @ rows / len(rows), np.float32)
