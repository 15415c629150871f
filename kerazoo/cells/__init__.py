"""Recurrent cells of Keras, of `tf.contrib.rnn` and of later papers; the layer that runs them; wrappers around them.

The classes of the cells (`MGUCell`, `LRUCell`, ...) come from the files in :mod:`kerazoo.cells.families`.

>>> import numpy as np
>>> from kerazoo.cells import Recurrent, list_cells, make_cell
>>> layer = Recurrent(make_cell("mingru", 8), return_sequences=True)
>>> tuple(layer(np.zeros((2, 5, 3), "float32")).shape)
(2, 5, 8)
"""

from __future__ import annotations

from typing import Any

from kerazoo.cells.base import RecurrentCell
from kerazoo.cells.bidirectional import Bidirectional
from kerazoo.cells.families import CLASSES
from kerazoo.cells.gru import GRU
from kerazoo.cells.recurrent import Recurrent
from kerazoo.cells.registry import CellInfo, cell_info, list_cells, make_cell, register_cell, unregister_cell
from kerazoo.cells.stacked import StackedCells
from kerazoo.cells.wrappers import (
    AttentionCell,
    DropoutCell,
    EmbeddingCell,
    HighwayCell,
    InputProjectionCell,
    OutputProjectionCell,
    ResidualCell,
    TimeStampedCell,
    WrapperCell,
)

__all__ = [
    "GRU",
    "AttentionCell",
    "Bidirectional",
    "CellInfo",
    "DropoutCell",
    "EmbeddingCell",
    "HighwayCell",
    "InputProjectionCell",
    "OutputProjectionCell",
    "Recurrent",
    "RecurrentCell",
    "ResidualCell",
    "StackedCells",
    "TimeStampedCell",
    "WrapperCell",
    "cell_info",
    "list_cells",
    "make_cell",
    "register_cell",
    "unregister_cell",
]
__all__ += sorted(CLASSES)  # a new cell needs no entry here


def __getattr__(name: str) -> Any:
    if name in CLASSES:
        return CLASSES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
