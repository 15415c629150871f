"""Keras's own cells. They are used unchanged, because Keras's layers have fused paths for them."""

from __future__ import annotations

import keras

from kerazoo.cells.registry import CellInfo

__all__ = ["CELLS"]

CELLS = (
    CellInfo(
        name="rnn",
        make=keras.layers.SimpleRNNCell,
        title="Simple recurrent network, h = tanh(W x + U h + b).",
        paper='Elman 1990, "Finding Structure in Time", Cognitive Science 14(2)',
        aliases=("simplernn", "basicrnn"),
    ),
    CellInfo(
        name="lstm",
        make=keras.layers.LSTMCell,
        title="Long short-term memory with forget gate.",
        paper='Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8); forget gate: '
        "Gers et al. 2000",
        aliases=("basiclstm",),
        states=("h", "c"),
        fused=("tensorflow", "jax", "torch"),
    ),
    CellInfo(
        name="gru",
        make=keras.layers.GRUCell,
        title="Gated recurrent unit.",
        paper='Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", arXiv:1406.1078',
        fused=("tensorflow", "torch"),
    ),
    CellInfo(
        name="convlstm",
        make=keras.layers.ConvLSTM1D,
        title="LSTM with convolutions over the features instead of matrix products.",
        paper='Shi et al. 2015, "Convolutional LSTM Network", arXiv:1506.04214',
        states=("h", "c"),
        options={"kernel_size": 3, "padding": "same"},
        layer="convolution",
        note="a layer, not a cell: no wrappers; convolves over the features; states F U wide",
    ),
)
