"""IndRNN, SRU and QRNN in NumPy, one step, after the equations of their papers."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def indrnn(w, x, states, config):
    h = activation(config["activation"])(x @ w["kernel"] + states[0] @ np.diag(w["recurrent_kernel"]) + w["bias"])
    return h, [h]


def sru(w, x, states, config):
    c = states[0]
    units = c.shape[1]
    W = [w["kernel"][:, at : at + units] for at in range(0, w["kernel"].shape[1], units)]
    b_f, b_r = np.split(w["bias"], 2)
    v_f, v_r = w["peephole_kernel"] if config["peephole"] else (0, 0)
    alpha = np.sqrt(1 + np.exp(config["highway_bias"]) * 2) if config["highway_scale"] else 1
    f = sigmoid(x @ W[1] + v_f * c + b_f)
    r = sigmoid(x @ W[2] + v_r * c + b_r)
    carried = x if x.shape[1] == units else x @ W[3]
    c = f * c + (1 - f) * (x @ W[0])
    return r * activation(config["activation"])(c) + (1 - r) * carried * alpha, [c]


def pool(config, c, sums):
    """The candidate and the gates before their functions -> (h, c)."""
    z, f, *others = np.split(sums, {"f": 2, "fo": 3, "ifo": 4}[config["pooling"]], axis=-1)
    z, f = activation(config["activation"])(z), sigmoid(f)
    o = sigmoid(others[0]) if others else 1
    i = sigmoid(others[1]) if len(others) > 1 else 1 - f
    c = f * c + i * z
    return o * c, c


def qrnn(w, x, states, config):
    c, window = states[0], config["window"]
    # Row j: what is known of the sums j steps from now. The filter's last tap reads the current step.
    line = np.zeros((window, len(x), w["kernel"].shape[-1]))
    for j in range(window):
        line[j] = x @ w["kernel"][window - 1 - j]
        if j + 1 < window:
            line[j] += states[j + 1]
    h, c = pool(config, c, line[0] + w["bias"])
    return h, [c, *line[1:]]


def qrnn_of_inputs(w, sequences, config):
    """QRNN over (B, T, F) as the paper has it: a masked convolution of the raw inputs, then pooling; zeros before."""
    batch, steps, features = sequences.shape
    window = config["window"]
    padded = np.concatenate([np.zeros((batch, window - 1, features)), sequences], axis=1)
    c, outputs = np.zeros((batch, config["units"])), []
    for t in range(steps):
        h, c = pool(config, c, np.einsum("bwf,wfg->bg", padded[:, t : t + window], w["kernel"]) + w["bias"])
        outputs.append(h)
    return np.stack(outputs, axis=1)


REFERENCES = {"indrnn": indrnn, "sru": sru, "qrnn": qrnn}
