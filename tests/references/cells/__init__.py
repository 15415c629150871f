"""NumPy references of the cells: a file per file of `kerazoo/cells/families/`, and here what they share.

A reference computes one step in float64, ``reference(w, x, states, config) -> (output, states)``, with w the cell's
weights by name, x (B, F), states a list of (B, n), and config the cell's `get_config()`. Each file maps names of cells
to references in `REFERENCES`.
"""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np


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
    """Name of a cell -> its reference, of all files of this package."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        found.update(importlib.import_module(f"{__name__}.{module.name}").REFERENCES)
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
