"""sLSTM and mLSTM in NumPy, one step, after the stabilised equations of Beck et al. 2024, head by head."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def forget(a, config):
    return {"sigmoid": sigmoid, "exp": np.exp}[config["forget_gate"]](a)


def slstm(w, x, states, config):
    h, c, n, m = states
    units, heads = config["units"], config["heads"]
    width = units // heads
    recurrent = np.zeros((units, 4 * units))  # the block-diagonal matrices of the four gates, in full
    for head in range(heads):
        rows = slice(head * width, (head + 1) * width)
        for gate in range(4):
            block = w["recurrent_kernel"][head][:, gate * width : (gate + 1) * width]
            recurrent[rows, gate * units + head * width : gate * units + (head + 1) * width] = block
    a = x @ w["kernel"] + h @ recurrent + w["bias"]
    i, f, z, o = (a[:, gate * units : (gate + 1) * units] for gate in range(4))
    f = forget(f, config)
    new_m = np.where(n == 0, i, np.maximum(np.log(f) + m, i))
    i_prime, f_prime = np.exp(i - new_m), f * np.exp(m - new_m)
    c = f_prime * c + i_prime * activation(config["activation"])(z)
    n = f_prime * n + i_prime
    h = sigmoid(o) * (c / n)
    return h, [h, c, n, new_m]


def mlstm(w, x, states, config):
    units, heads = config["units"], config["heads"]
    d = units // heads
    at = np.cumsum([0, units, units, units, units, heads, heads])
    part = [slice(at[j], at[j + 1]) for j in range(6)]
    product = x @ w["kernel"]
    q, v, o, i, f = (product[:, part[j]] + w["bias"][part[j]] for j in (0, 2, 3, 4, 5))
    k = product[:, part[1]] / np.sqrt(d) + w["bias"][part[1]]
    f, o = forget(f, config), sigmoid(o)
    out, new_c, new_n, new_m = (np.zeros(y.shape) for y in (q, *states))
    for b in range(len(x)):
        for head in range(heads):
            own = slice(head * d, (head + 1) * d)
            matrix = slice(head * d * d, (head + 1) * d * d)
            m = max(np.log(f[b, head]) + states[2][b, head], i[b, head])
            i_prime, f_prime = np.exp(i[b, head] - m), f[b, head] * np.exp(states[2][b, head] - m)
            c = f_prime * states[0][b, matrix].reshape(d, d) + i_prime * np.outer(v[b, own], k[b, own])
            n = f_prime * states[1][b, own] + i_prime * k[b, own]
            out[b, own] = o[b, own] * (c @ q[b, own]) / max(abs(n @ q[b, own]), np.exp(-m))
            new_c[b, matrix], new_n[b, own], new_m[b, head] = c.ravel(), n, m
    return out, [new_c, new_n, new_m]


REFERENCES = {"slstm": slstm, "mlstm": mlstm}
