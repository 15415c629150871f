"""minGRU and minLSTM in NumPy, one step, after the equations of Feng et al. 2024."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def mingru(w, x, states, config):
    z, candidate = np.split(x @ w["kernel"] + w["bias"], 2, axis=-1)
    z = sigmoid(z)
    h = (1 - z) * states[0] + z * activation(config["activation"])(candidate)
    return h, [h]


def minlstm(w, x, states, config):
    f, i, candidate = np.split(x @ w["kernel"] + w["bias"], 3, axis=-1)
    f, i = sigmoid(f), sigmoid(i)
    h = f / (f + i) * states[0] + i / (f + i) * activation(config["activation"])(candidate)
    return h, [h]


REFERENCES = {"mingru": mingru, "minlstm": minlstm}
