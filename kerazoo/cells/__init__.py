"""Recurrent cells: those of Keras, those from `tf.contrib.rnn`, those since; the layer that runs them; wrappers.

>>> import numpy as np
>>> from kerazoo.cells import Recurrent, list_cells, make_cell
>>> layer = Recurrent(make_cell("mingru", 8), return_sequences=True)
>>> tuple(layer(np.zeros((2, 5, 3), "float32")).shape)
(2, 5, 8)
"""

from __future__ import annotations

from kerazoo.cells.wrappers.attention import AttentionCell
from kerazoo.cells.base import RecurrentCell
from kerazoo.cells.bidirectional import Bidirectional
from kerazoo.cells.wrappers.dropout import DropoutCell
from kerazoo.cells.families.elementwise import IndRNNCell, QRNNCell, SRUCell
from kerazoo.cells.families.gated import CIFGCell, IntersectionRNNCell, MGUCell, RANCell, UGRNNCell
from kerazoo.cells.families.grid import GridLSTMCell
from kerazoo.cells.families.lstm_variants import GroupLSTMCell, LayerNormLSTMCell, NASCell, ProjectedLSTMCell
from kerazoo.cells.families.minimal import MinGRUCell, MinLSTMCell
from kerazoo.cells.families.phased import PhasedLSTMCell
from kerazoo.cells.families.reservoir import ESNCell
from kerazoo.cells.families.state_space import LMUCell, LRUCell, S5Cell
from kerazoo.cells.families.xlstm import MLSTMCell, SLSTMCell
from kerazoo.cells.gru import GRU
from kerazoo.cells.recurrent import Recurrent
from kerazoo.cells.registry import CellInfo, cell_info, list_cells, make_cell, register_cell, unregister_cell
from kerazoo.cells.stacked import StackedCells
from kerazoo.cells.wrappers.base import (
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
    "CIFGCell",
    "CellInfo",
    "DropoutCell",
    "ESNCell",
    "EmbeddingCell",
    "GridLSTMCell",
    "GroupLSTMCell",
    "HighwayCell",
    "IndRNNCell",
    "InputProjectionCell",
    "IntersectionRNNCell",
    "LMUCell",
    "LRUCell",
    "LayerNormLSTMCell",
    "MGUCell",
    "MLSTMCell",
    "MinGRUCell",
    "MinLSTMCell",
    "NASCell",
    "OutputProjectionCell",
    "PhasedLSTMCell",
    "ProjectedLSTMCell",
    "QRNNCell",
    "RANCell",
    "Recurrent",
    "RecurrentCell",
    "ResidualCell",
    "S5Cell",
    "SLSTMCell",
    "SRUCell",
    "StackedCells",
    "TimeStampedCell",
    "UGRNNCell",
    "WrapperCell",
    "cell_info",
    "list_cells",
    "make_cell",
    "register_cell",
    "unregister_cell",
]
