"""The gated delta rule and RWKV-7 in NumPy, one step, head by head, after Yang et al. 2024 and Peng et al. 2025."""

from __future__ import annotations

import numpy as np

from tests.references.cells import ACTIVATIONS, activation, sigmoid


def normalized(vector):
    return vector / np.sqrt(vector @ vector + 1e-6)


def heads_of(config):
    width = config["units"] // config["heads"]
    return width, [slice(head * width, (head + 1) * width) for head in range(config["heads"])]


def gateddelta(w, x, states, config):
    units, heads = config["units"], config["heads"]
    width, slices = heads_of(config)
    g = activation(config["activation"])
    product = x @ w["kernel"]
    q, k, v = (g(product[:, j * units : (j + 1) * units]) for j in range(3))
    beta = sigmoid(product[:, 3 * units : 3 * units + heads])
    step = ACTIVATIONS["softplus"](product[:, 3 * units + heads :] + w["step_bias"])
    alpha = np.exp(-np.exp(w["a_log"]) * step)
    memories = states[0].reshape(len(x), heads, width, width).copy()
    out = np.zeros((len(x), units))
    for row in range(len(x)):
        for head, own in enumerate(slices):
            key, b = normalized(k[row, own]), beta[row, head]
            transition = alpha[row, head] * (np.eye(width) - b * np.outer(key, key))
            memories[row, head] = memories[row, head] @ transition + b * np.outer(v[row, own], key)
            out[row, own] = memories[row, head] @ normalized(q[row, own])
    return out, [memories.reshape(len(x), -1)]


def rwkv7(w, x, states, config):
    units, heads = config["units"], config["heads"]
    width, slices = heads_of(config)
    x = x @ w["input_kernel"] if "input_kernel" in w else x
    memories, last = states[0].reshape(len(x), heads, width, width).copy(), states[1]
    of_r, of_w, of_k, of_v, of_a = ((1 - mu) * x + mu * last for mu in w["shift"])
    r, k, v = of_r @ w["kernel"][0], of_k @ w["kernel"][1], of_v @ w["kernel"][2]
    d = np.tanh(of_w @ w["low_kernel"][0]) @ w["high_kernel"][0] + w["bias"][:units]
    decay = np.exp(-np.exp(-0.5) * sigmoid(d))
    a = sigmoid(of_a @ w["low_kernel"][1] @ w["high_kernel"][1] + w["bias"][units:])
    removal = k * w["key_scales"][0]
    replacement = k * ((1 - w["key_scales"][1]) + w["key_scales"][1] * a)
    out = np.zeros((len(x), units))
    for row in range(len(x)):
        for head, own in enumerate(slices):
            key = normalized(removal[row, own])
            transition = np.diag(decay[row, own]) - np.outer(key, a[row, own] * key)
            written = np.outer(v[row, own], replacement[row, own])
            memories[row, head] = memories[row, head] @ transition + written
            out[row, own] = memories[row, head] @ r[row, own]
    return out, [memories.reshape(len(x), -1), x]


REFERENCES = {"gateddelta": gateddelta, "rwkv7": rwkv7}
