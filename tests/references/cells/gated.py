"""CIFG, MGU, UGRNN, +RNN and RAN in NumPy, one step, gate by gate after the equations of their papers."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def blocks(weight, names):
    """The weights of each gate by its letter."""
    return dict(zip(names, np.split(weight, len(names), axis=-1), strict=True))


def cifg(w, x, states, config):
    h, c = states
    g = activation(config["activation"])
    W, U, b = (blocks(w[name], "fco") for name in ("kernel", "recurrent_kernel", "bias"))
    p_f, p_o = w["peephole_kernel"] if config["peephole"] else (0, 0)
    i = 1 - sigmoid(x @ W["f"] + h @ U["f"] + p_f * c + b["f"])
    c = (1 - i) * c + i * g(x @ W["c"] + h @ U["c"] + b["c"])
    o = sigmoid(x @ W["o"] + h @ U["o"] + p_o * c + b["o"])
    h = o * g(c)
    return h, [h, c]


def mgu(w, x, states, config):
    (h,) = states
    W, U, b = (blocks(w[name], "fh") for name in ("kernel", "recurrent_kernel", "bias"))
    f = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
    candidate = activation(config["activation"])(x @ W["h"] + (f * h) @ U["h"] + b["h"])
    h = h + f * (candidate - h)
    return h, [h]


def ugrnn(w, x, states, config):
    (h,) = states
    W, U, b = (blocks(w[name], "gc") for name in ("kernel", "recurrent_kernel", "bias"))
    c = activation(config["activation"])(x @ W["c"] + h @ U["c"] + b["c"])
    g = sigmoid(x @ W["g"] + h @ U["g"] + b["g"])
    h = g * h + (1 - g) * c
    return h, [h]


def intersection(w, x, states, config):
    (h,) = states
    gh, hh, gy, yy = range(4)
    W, U, b = (np.split(w[name], 4, axis=-1) for name in ("kernel", "recurrent_kernel", "bias"))
    if x.shape[1] != h.shape[1]:
        x = x @ w["projection_kernel"] + w["projection_bias"]
    y_in = activation(config["y_activation"])(x @ W[yy] + h @ U[yy] + b[yy])
    h_in = activation(config["activation"])(x @ W[hh] + h @ U[hh] + b[hh])
    g_y = sigmoid(x @ W[gy] + h @ U[gy] + b[gy])
    g_h = sigmoid(x @ W[gh] + h @ U[gh] + b[gh])
    return g_y * x + (1 - g_y) * y_in, [g_h * h + (1 - g_h) * h_in]


def ran(w, x, states, config):
    h, c = states
    W = blocks(w["kernel"], "cif")
    U, b = (blocks(w[name], "if") for name in ("recurrent_kernel", "bias"))
    i = sigmoid(h @ U["i"] + x @ W["i"] + b["i"])
    f = sigmoid(h @ U["f"] + x @ W["f"] + b["f"])
    c = i * (x @ W["c"]) + f * c
    h = activation(config["activation"])(c)
    return h, [h, c]


REFERENCES = {"cifg": cifg, "mgu": mgu, "ugrnn": ugrnn, "intersection": intersection, "ran": ran}
