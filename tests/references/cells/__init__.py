"""What the NumPy references of the cells share. A reference is one step in float64:

``reference(w, x, states, config) -> (output, states)`` with w the cell's weights by name, x (B, F), states a list of
(B, n), and config the cell's `get_config()`.
"""

from __future__ import annotations

import importlib

import numpy as np

from kerazoo.cells.registry import FAMILIES


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "linear": lambda x: x,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.log1p(np.exp(x)),
}


def activation(name):
    return ACTIVATIONS[name]


def references():
    found = {}
    for family in FAMILIES:
        found.update(importlib.import_module(f"tests.references.cells.{family}").REFERENCES)
    return found


def run(reference, weights, sequences, states, config, mask=None):
    """The reference over (B, T, F): outputs (B, T, U) and last states. Masked steps keep states and output."""
    outputs = []
    output = None
    for t in range(sequences.shape[1]):
        new_output, new_states = reference(weights, sequences[:, t], states, config)
        output = np.zeros_like(new_output) if output is None else output
        valid = np.ones((len(sequences), 1), bool) if mask is None else mask[:, t : t + 1]
        output = np.where(valid, new_output, output)
        states = [np.where(valid, new, old) for new, old in zip(new_states, states, strict=True)]
        outputs.append(output)
    return np.stack(outputs, axis=1), states
