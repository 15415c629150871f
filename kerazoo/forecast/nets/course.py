"""`Course`: how a training went, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["Course"]


@dataclass
class Course:
    """How the training went.

    Attributes:
        history: name -> one value per epoch.
        best_epoch: int, epochs trained when the kept weights were reached; 0: the initial ones are kept.
        start: float, held-out loss of the initial networks.
        best: float, held-out loss of the kept ones.
        correction_weight: float, fraction of the networks' correction that forecasts apply.
        error: KeyboardInterrupt or TrainingError that ended the training early; None if it ended regularly.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    start: float = math.nan
    best: float = math.nan
    correction_weight: float = 1.0
    error: BaseException | None = None
