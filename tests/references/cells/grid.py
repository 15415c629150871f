"""Grid LSTM in NumPy, one step, after the equations of Kalchbrenner et al. 2016."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def transform(hidden, memory, matrix, bias, config):
    """The paper's LSTM(H, m, W), gate by gate."""
    g, n = activation(config["activation"]), config["units"]
    g_u, g_f, g_o, g_c = (
        rule(hidden @ matrix[:, j * n : (j + 1) * n] + bias[j * n : (j + 1) * n])
        for j, rule in enumerate((sigmoid, sigmoid, sigmoid, g))
    )
    memory = g_f * memory + g_u * g_c
    return g(g_o * memory), memory


def grid(w, x, states, config):
    n, dimensions = config["units"], config["dimensions"]
    h = {0: x @ w["kernel"][:, :n]}
    m = {0: x @ w["kernel"][:, n:]}
    for i in range(1, max(dimensions, 2)):
        h[i], m[i] = states[2 * i - 2], states[2 * i - 1]

    def weights(i):
        if config["shared"]:
            return w["recurrent_kernel"], w["bias"]
        if i == 0:
            return w["depth_kernel"], w["depth_bias"]
        own = slice((i - 1) * 4 * n, i * 4 * n)
        return w["recurrent_kernel"][:, own], w["bias"][own]

    before = np.hstack([h[i] for i in sorted(h)])
    for i in range(1, max(dimensions, 2)):
        h[i], m[i] = transform(before, m[i], *weights(i), config)
    after = [array for i in range(1, max(dimensions, 2)) for array in (h[i], m[i])]
    if dimensions == 1:
        return h[1], after
    everything = np.hstack([h[i] for i in sorted(h)])
    if config["depth_activation"] is not None:
        return activation(config["depth_activation"])(everything @ w["depth_kernel"] + w["depth_bias"]), after
    return transform(everything, m[0], *weights(0), config)[0], after


REFERENCES = {"grid1lstm": grid, "grid2lstm": grid, "grid3lstm": grid}
