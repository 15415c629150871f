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
            ahead = [[step + 1 + offset + i for i in range(horizon)] for step in steps]
            if max(steps + ahead[-1]) < len(x):
                inputs.append(np.array([x[i] for i in steps]))
                if target == "horizon":
                    outputs.append(np.array([y[i] for i in ahead[-1]]))
                elif horizon == 1:
                    outputs.append(np.array([y[i] for (i,) in ahead]))
                else:
                    outputs.append(np.array([[y[i] for i in each] for each in ahead]))
    return inputs, outputs
