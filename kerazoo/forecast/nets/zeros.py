"""`ZeroRollout`: the forecasts of networks that do not exist, of chains of transforms alone. It needs no Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ZeroRollout"]

Values = NDArray[Any]


class ZeroRollout:
    """In place of a :class:`kerazoo.forecast.nets.rollout.Rollout` whose networks output zeros, whatever they see.

    Args:
        ahead: int, steps in one output of a network.
    """

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead

    def outputs_after(self, x: Values, valid: Values) -> Values:
        """Outputs (M, B, O) after the last step of x (M, T, B, F)."""
        return np.zeros((x.shape[0], x.shape[2], self._ahead), np.float32)

    def paths(self, x: Values, valid: Values, known: Values, noise: Values | None = None) -> Values:
        """Forecasts (M, B, H): zeros, or the noise (M, H, B) of normal distributions of mean 0 and deviation 1.

        >>> ZeroRollout(1).paths(np.ones((2, 5, 3, 1)), np.ones((2, 5, 3, 1)), np.zeros((2, 4, 3, 0))).shape
        (2, 3, 4)
        """
        members, steps, batch = known.shape[:3]
        if noise is None:
            return np.zeros((members, batch, steps), np.float32)
        return np.moveaxis(np.asarray(noise, np.float32), 1, 2)
