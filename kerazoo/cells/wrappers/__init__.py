"""Wrappers: cells around a cell, one subject per file. They run wherever a cell runs.

A wrapper keeps what the cell inside can do. The states of the cell come first, then those of the wrapper. Masks pass
through. If the cell is linear in its state, the wrapped cell keeps its parallel form; the exception is attention, whose
steps read earlier outputs. The wrappers follow those of `tf.contrib.rnn`.
"""

from __future__ import annotations

from kerazoo.cells.wrappers.attention import AttentionCell
from kerazoo.cells.wrappers.base import WrapperCell
from kerazoo.cells.wrappers.connections import HighwayCell, ResidualCell
from kerazoo.cells.wrappers.dropout import DropoutCell
from kerazoo.cells.wrappers.embedding import EmbeddingCell
from kerazoo.cells.wrappers.projections import InputProjectionCell, OutputProjectionCell
from kerazoo.cells.wrappers.timestamps import TimeStampedCell

__all__ = [
    "AttentionCell",
    "DropoutCell",
    "EmbeddingCell",
    "HighwayCell",
    "InputProjectionCell",
    "OutputProjectionCell",
    "ResidualCell",
    "TimeStampedCell",
    "WrapperCell",
]
