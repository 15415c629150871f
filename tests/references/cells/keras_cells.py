"""Keras's own cells in NumPy: the equations as Keras documents them."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def rnn(w, x, states, config):
    h = activation(config["activation"])(x @ w["kernel"] + states[0] @ w["recurrent_kernel"] + w["bias"])
    return h, [h]


def lstm(w, x, states, config):
    h, c = states
    g = activation(config["activation"])
    i, f, candidate, o = np.split(x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * g(candidate)
    h = sigmoid(o) * g(c)
    return h, [h, c]


def gru(w, x, states, config):
    h = states[0]
    g = activation(config["activation"])
    xz, xr, xh = np.split(x @ w["kernel"] + w["bias"][0], 3, axis=-1)
    hz, hr, hh = np.split(h @ w["recurrent_kernel"] + w["bias"][1], 3, axis=-1)
    z = sigmoid(xz + hz)
    h = z * h + (1 - z) * g(xh + sigmoid(xr + hr) * hh)
    return h, [h]


REFERENCES = {"rnn": rnn, "lstm": lstm, "gru": gru}
