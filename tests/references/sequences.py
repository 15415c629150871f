"""Reference of `SequenceWindows`: tries every start of every series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def windows(
    series: Sequence[NDArray[Any]],
    targets: Sequence[NDArray[Any]],
    lookback: int,
    horizon: int,
    offset: int,
    stride: int,
    target: str,
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """All inputs and all targets, in order."""
    inputs, outputs = [], []
    for x, y in zip(series, targets, strict=True):
        for start in range(0, len(x), stride):
            steps = list(range(start, start + lookback))
            if target == "horizon":
                wanted = [steps[-1] + 1 + offset + i for i in range(horizon)]
            else:
                wanted = [step + 1 + offset for step in steps]
            if max(steps + wanted) < len(x):
                inputs.append(np.array([x[i] for i in steps]))
                outputs.append(np.array([y[i] for i in wanted]))
    return inputs, outputs
