"""LMU, LRU and S5 in NumPy, one step: complex numbers where the papers have them, matrices that act from the left."""

from __future__ import annotations

from math import erf, sqrt

import numpy as np

from tests.references.cells import ACTIVATIONS


def f(config):
    named = {**ACTIVATIONS, "gelu": lambda x: 0.5 * x * (1 + np.vectorize(erf)(x / sqrt(2)))}
    return named[config["activation"]]


def lmu(w, x, states, config):
    h, m = states
    e_x, w_x = w["kernel"][:, 0], w["kernel"][:, 1:]
    e_h, w_h = w["recurrent_kernel"][:, 0], w["recurrent_kernel"][:, 1:]
    e_m, w_m = w["memory_encoder"][:, 0], w["memory_kernel"]
    a, b = w["transition"].T, w["write"]
    u = [e_x @ x[n] + e_h @ h[n] + e_m @ m[n] for n in range(len(x))]
    m = np.stack([a @ m[n] + b * u[n] for n in range(len(x))])
    h = f(config)(np.stack([w_x.T @ x[n] + w_h.T @ h[n] + w_m.T @ m[n] for n in range(len(x))]))
    return h, [h, m]


def complex_parts(w, n):
    """B (N, F), C (units, N) and D (units, F) of the papers."""
    b = (w["kernel"][:, :n] + 1j * w["kernel"][:, n:]).T
    c = (w["output_kernel"][:n] - 1j * w["output_kernel"][n:]).T
    return b, c, w["skip_kernel"].T


def lru(w, x, states, config):
    eigenvalues = np.exp(-np.exp(w["nu_log"]) + 1j * np.exp(w["theta_log"]))
    b, c, d = complex_parts(w, len(eigenvalues))
    state = (states[0] + 1j * states[1]).T
    state = np.diag(eigenvalues) @ state + np.diag(np.exp(w["gamma_log"])) @ b @ x.T
    y = f(config)(((c @ state).real + d @ x.T).T)
    return y, [state.real.T, state.imag.T]


def s5(w, x, states, config):
    eigenvalues = w["lambda_re"] + 1j * w["lambda_im"]
    b, c, d = complex_parts(w, len(eigenvalues))
    continuous = np.diag(eigenvalues)
    discrete = np.diag(np.exp(eigenvalues * np.exp(w["log_step"])))
    held = np.linalg.inv(continuous) @ (discrete - np.eye(len(eigenvalues))) @ b
    state = discrete @ (states[0] + 1j * states[1]).T + held @ x.T
    y = f(config)((2 * (c @ state).real + d @ x.T).T)
    return y, [state.real.T, state.imag.T]


REFERENCES = {"lmu": lmu, "lru": lru, "s5": s5}
