"""RG-LRU and Mamba's S6 in NumPy, one step, after the equations of De et al. 2024 and Gu & Dao 2023."""

from __future__ import annotations

import numpy as np

from tests.references.cells import ACTIVATIONS, sigmoid


def as_wide_as_the_state(w, x):
    return x @ w["input_kernel"] if "input_kernel" in w else x


def rglru(w, x, states, config):
    units = config["units"]
    x = as_wide_as_the_state(w, x)
    w_a, w_x = w["kernel"][:, :units], w["kernel"][:, units:]
    b_a, b_x = w["bias"][:units], w["bias"][units:]
    r, i = sigmoid(x @ w_a + b_a), sigmoid(x @ w_x + b_x)
    a = sigmoid(w["decay_logit"]) ** (config["c"] * r)
    h = a * states[0] + np.sqrt(1 - a**2) * (i * x)
    return h, [h]


def mamba(w, x, states, config):
    units, n, rank = config["units"], config["state_units"], config["step_rank"]
    x = as_wide_as_the_state(w, x)
    s, b, c = np.split(x @ w["kernel"], [rank, rank + n], axis=-1)
    step = ACTIVATIONS["softplus"](s @ w["step_kernel"] + w["step_bias"])
    h = states[0].reshape(len(x), units, n).copy()
    y = np.zeros((len(x), units))
    for row in range(len(x)):
        for channel in range(units):
            transition = np.diag(np.exp(step[row, channel] * -np.exp(w["a_log"][channel])))  # zero-order hold
            entry = step[row, channel] * b[row]  # Euler
            h[row, channel] = transition @ h[row, channel] + entry * x[row, channel]
            y[row, channel] = c[row] @ h[row, channel] + w["skip"][channel] * x[row, channel]
    return y, [h.reshape(len(x), -1)]


REFERENCES = {"rglru": rglru, "mamba": mamba}
