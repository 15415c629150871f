"""lstmp, lnlstm, glstm and nas in NumPy, one step, after the equations of their papers."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation, sigmoid


def gates(weight, names="ifco"):
    """The weights of each gate by its letter."""
    return dict(zip(names, np.split(weight, len(names), axis=-1), strict=True))


def lstmp(w, x, states, config):
    r, c = states
    g = activation(config["activation"])
    W, U, b = gates(w["kernel"]), gates(w["recurrent_kernel"]), gates(w["bias"])
    # Peepholes are diagonal matrices.
    p_i, p_f, p_o = (
        (np.diag(p) for p in w["peephole_kernel"]) if config["peephole"] else np.zeros((3, *c.shape[1:] * 2))
    )
    i = sigmoid(x @ W["i"] + r @ U["i"] + c @ p_i + b["i"])
    f = sigmoid(x @ W["f"] + r @ U["f"] + c @ p_f + b["f"])
    c = f * c + i * g(x @ W["c"] + r @ U["c"] + b["c"])
    o = sigmoid(x @ W["o"] + r @ U["o"] + c @ p_o + b["o"])
    m = o * g(c)
    r = m if config["projection"] is None else m @ w["projection_kernel"]
    return r, [r, c]


def layer_norm(z, epsilon):
    return (z - z.mean(axis=-1, keepdims=True)) / np.sqrt(z.var(axis=-1, keepdims=True) + epsilon)


def lnlstm(w, x, states, config):
    h, c = states
    g, epsilon = activation(config["activation"]), config["epsilon"]
    of_input = x @ w["kernel"]
    if config["normalize_inputs"]:
        of_input = layer_norm(of_input, epsilon) * w["input_gain"]
    of_state = layer_norm(h @ w["recurrent_kernel"], epsilon) * w["recurrent_gain"]
    s = gates(of_state + of_input + w["bias"])
    c = sigmoid(s["f"]) * c + sigmoid(s["i"]) * g(s["c"])
    h = sigmoid(s["o"]) * g(layer_norm(c, epsilon) * w["cell_gain"] + w["cell_bias"])
    return h, [h, c]


def glstm(w, x, states, config):
    g, groups = activation(config["activation"]), config["groups"]
    xs = np.split(x, groups, axis=-1) if x.shape[-1] % groups == 0 else [x] * groups
    hs, cs = (np.split(state, groups, axis=-1) for state in states)
    bs = [np.split(b, groups) for b in np.split(w["bias"], 4)]
    new_h, new_c = [], []
    for j in range(groups):  # one LSTM after the other
        W, U = gates(w["kernel"][j]), gates(w["recurrent_kernel"][j])
        i, f, candidate, o = (xs[j] @ W[k] + hs[j] @ U[k] + b[j] for k, b in zip("ifco", bs, strict=True))
        new_c.append(sigmoid(f) * cs[j] + sigmoid(i) * g(candidate))
        new_h.append(sigmoid(o) * g(new_c[-1]))
    h, c = np.concatenate(new_h, axis=-1), np.concatenate(new_c, axis=-1)
    return h, [h, c]


def nas(w, x, states, config):
    h, c = states
    b = w["bias"] if config["use_bias"] else np.zeros(8 * h.shape[-1])
    u, v = np.split(x @ w["kernel"], 8, axis=-1), np.split(h @ w["recurrent_kernel"] + b, 8, axis=-1)

    def node(function, combine, k):
        return function(combine(u[k], v[k]))

    relu, tanh = activation("relu"), np.tanh
    # The leaves of the tree from left to right, then what joins neighbours.
    leaves = [
        node(sigmoid, np.add, 0),
        node(relu, np.add, 1),
        node(sigmoid, np.add, 2),
        node(relu, np.multiply, 3),
        node(tanh, np.add, 4),
        node(sigmoid, np.add, 5),
        node(tanh, np.add, 6),
        node(sigmoid, np.add, 7),
    ]
    first, second = tanh(leaves[0] * leaves[1]), tanh(leaves[2] + leaves[3])
    third, fourth = tanh(leaves[4] * leaves[5]), sigmoid(leaves[6] + leaves[7])
    first = tanh(first + c)  # the memory is injected here
    left = first * second
    right = tanh(third + fourth)
    return tanh(left * right), [tanh(left * right), left]


REFERENCES = {"lstmp": lstmp, "lnlstm": lnlstm, "glstm": glstm, "nas": nas}
