"""Notices a training that diverges, and keeps the tables as they last were good."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from kerazoo.errors import TrainingError
from kerazoo.word2vec.settings import Tables

__all__ = ["Safeguard", "untrained_loss"]

# A mean loss beyond this many times that of a model that knows nothing is no transient: the loss of a training that
# learns lies below it from the first blocks on.
TOLERANCE = 2.0
# Copies take at most this share of the time, and are not made more often than once a second.
LARGEST_SHARE = 0.02


def untrained_loss(loss: str, n_noise: int) -> float:
    """Mean loss of a pair before training, where all logits are alike.

    Args:
        loss: ``"nce"`` (with b = log q, so every logit is -log K), ``"negative_sampling"`` (every logit is 0) or
            ``"sampled_softmax"``.
        n_noise: noise words a pair, K.

    >>> round(untrained_loss("negative_sampling", 5), 3)
    4.159
    """
    if loss == "nce":
        return math.log1p(n_noise) + n_noise * math.log1p(1 / n_noise)
    if loss == "negative_sampling":
        return (1 + n_noise) * math.log(2)
    return math.log1p(n_noise)


class Safeguard:
    """Looks at the loss now and then, and copies the tables while all is well.

    Args:
        tables: the tables at the start.
        untrained: mean loss of a pair before training.
    """

    def __init__(self, tables: Tables, untrained: float) -> None:
        self.good = tables
        self.limit = TOLERANCE * untrained
        self._last, self._cost = time.monotonic(), 0.0

    def check(self, loss: float, epoch: int) -> None:
        """Raise :class:`TrainingError` unless `loss`, the mean so far in `epoch` (from 0), is that of learning."""
        if math.isfinite(loss) and loss <= self.limit:
            return
        reason = "is no longer a number" if not math.isfinite(loss) else f"is above {self.limit:.3g}, worse than chance"
        raise TrainingError(
            f"the training diverges: the loss is {loss:.4g} in epoch {epoch + 1}, which {reason}. "
            "The last good vectors are kept. The usual remedy is a smaller alpha (the usual value is 0.025)."
        )

    def keep(self, copy: Callable[[], Tables]) -> None:
        """Call after a `check`: copies the tables if the last copy is old enough for its cost."""
        now = time.monotonic()
        if now - self._last < max(1.0, self._cost / LARGEST_SHARE):
            return
        tables = copy()
        if tables.are_finite():
            self.good = tables
        self._last = time.monotonic()
        self._cost = self._last - now
