"""Phased LSTM in NumPy, one step, after the equations of Neil et al. 2016."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid
from tests.references.cells.lstm_variants import gates


def openness(t, tau, s, r, leak):
    """Eq. 6 and 7 of Neil et al. 2016, unit by unit."""
    k = np.empty((len(t), len(tau)))
    for row, column in np.ndindex(*k.shape):
        phi = ((t[row, 0] - s[column]) % tau[column]) / tau[column]
        if phi < r[column] / 2:
            k[row, column] = 2 * phi / r[column]
        elif phi < r[column]:
            k[row, column] = 2 - 2 * phi / r[column]
        else:
            k[row, column] = leak * phi
    return k


def phased(w, x, states, config, leak=0.0):
    h, c = states[:2]
    if config["time"] == "feature":
        x, t = x[:, :-1], x[:, -1:]
    else:
        t = states[2] @ [[1.0], [256.0]]
    g = activation(config["activation"])
    W, U, b = gates(w["kernel"]), gates(w["recurrent_kernel"]), gates(w["bias"])
    p_i, p_f, p_o = w["peephole_kernel"] if config["peephole"] else (0, 0, 0)
    tau = np.exp(w["log_period"])
    k = openness(t, tau, w["shift"] * tau, sigmoid(w["ratio_logit"]), leak)
    i = sigmoid(x @ W["i"] + h @ U["i"] + p_i * c + b["i"])
    f = sigmoid(x @ W["f"] + h @ U["f"] + p_f * c + b["f"])
    proposed_c = f * c + i * g(x @ W["c"] + h @ U["c"] + b["c"])
    o = sigmoid(x @ W["o"] + h @ U["o"] + p_o * proposed_c + b["o"])
    proposed_h = o * g(proposed_c)
    h = k * proposed_h + (1 - k) * h
    c = k * proposed_c + (1 - k) * c
    clock = [np.stack([(t[:, 0] + 1) % 256, (t[:, 0] + 1) // 256], axis=-1)] if config["time"] == "step" else []
    return h, [h, c, *clock]


REFERENCES = {"phased": phased}
