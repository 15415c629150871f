"""Detects a training that diverges, and keeps the last good tables."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from kerazoo._runtime.callers import outside_level
from kerazoo.errors import InvalidArgumentError, TrainingError

__all__ = ["DivergenceGuard", "untrained_loss"]

# The largest allowed mean loss, as a multiple of the loss of an untrained model. Measured on 60,000 words: trainings
# that learn stay below 1.1 (1.6 with a learning rate of 1, which still ends below 1), those that do not reach 2.3 and
# more. The mean over the first blocks of a small corpus varies more.
TOLERANCE = 2.0
TOLERANCE_AT_FIRST = 10.0
TOLERANCE_AT_LAST = 1.01  # a warning
SMALLEST_TEXT = 10_000  # tokens: the mean loss of a smaller one varies more than that
AT_FIRST = 0.25  # of an epoch
# Copies take at most this share of the time, and are at least a second apart.
LARGEST_SHARE = 0.02


def untrained_loss(loss: str, n_noise: int, logit_offset: float = 0.0) -> float:
    """Mean loss per pair before training, where all logits are equal.

    Args:
        loss: ``"nce"`` (with b = log q, so every logit is -log K), ``"negative_sampling"`` (every logit is 0) or
            ``"sampled_softmax"``.
        n_noise: noise words per pair, K.
        logit_offset: every logit instead, if it is not 0 (``"nce"`` with fixed biases).

    >>> round(untrained_loss("negative_sampling", 5), 3)
    4.159
    """
    if logit_offset:
        return math.log1p(math.exp(-logit_offset)) + n_noise * math.log1p(math.exp(logit_offset))
    if loss == "nce":
        return math.log1p(n_noise) + n_noise * math.log1p(1 / n_noise)
    if loss == "negative_sampling":
        return (1 + n_noise) * math.log(2)
    if loss == "sampled_softmax":
        return math.log1p(n_noise)
    raise InvalidArgumentError(f"loss={loss!r}; expected a loss whose value before training is known here.")


class TablesCopy(Protocol):
    """A copy of the tables, in memory or in a file."""

    def is_usable(self) -> bool:
        """Whether the tables can be restored from it: no value is NaN or infinite, and it could be stored."""
        ...


C = TypeVar("C", bound=TablesCopy)


class DivergenceGuard(Generic[C]):
    """Checks the loss from time to time, and copies the tables while the training is fine.

    Args:
        tables: a copy of the tables at the start.
        untrained: mean loss per pair before training.
        epochs: int, of the training; None for a part of one, of which the last loss says nothing.
        n_tokens: int, of the text.

    Attributes:
        good: the last copy of finite tables.
    """

    def __init__(self, tables: C, untrained: float, epochs: int | None = None, n_tokens: int = 0) -> None:
        self.good = tables
        self._untrained, self._epochs = untrained, epochs if n_tokens >= SMALLEST_TEXT else None
        self._last, self._cost = time.monotonic(), 0.0

    def check(self, loss: float, epoch: int, fraction: float | None = None) -> None:
        """Check that the loss is one of a training that learns.

        Args:
            loss: mean over the pairs of `epoch` so far.
            epoch: int, from 0.
            fraction: the part of the epoch that is done; None at its end.

        Warns:
            UserWarning: the loss of the last epoch is above that of an untrained model.

        Raises:
            TrainingError: the loss is not finite, or far above that of an untrained model.
        """
        limit = self._untrained * (TOLERANCE if fraction is None or fraction >= AT_FIRST else TOLERANCE_AT_FIRST)
        if math.isfinite(loss) and loss <= limit:
            is_end = fraction is None and self._epochs is not None and epoch == self._epochs - 1
            if is_end and loss > TOLERANCE_AT_LAST * self._untrained:
                warnings.warn(
                    f"nothing was learned: the loss of the last epoch is {loss:.4g}, and that of an untrained model "
                    f"{self._untrained:.4g}. The usual remedy is a smaller alpha (the usual value is 0.025).",
                    stacklevel=outside_level(),
                )
            return
        reason = "is no longer a number" if not math.isfinite(loss) else f"is above {limit:.3g}, worse than chance"
        raise TrainingError(
            f"the training diverges: the loss is {loss:.4g} in epoch {epoch + 1}, which {reason}. "
            "The last good vectors are kept. The usual remedy is a smaller alpha (the usual value is 0.025)."
        )

    def keep(self, copy: Callable[[], C]) -> None:
        """Copy the tables if the last copy is old enough for its cost; call it after :meth:`check`."""
        now = time.monotonic()
        if now - self._last < max(1.0, self._cost / LARGEST_SHARE):
            return
        tables = copy()
        if tables.is_usable():
            self.good = tables
        self._last = time.monotonic()
        self._cost = self._last - now
