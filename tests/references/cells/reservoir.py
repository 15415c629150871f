"""Echo state network in NumPy, one step, unit by unit of the batch."""

from __future__ import annotations

import numpy as np

from tests.references.cells import activation


def esn(w, x, states, config):
    leak, f = config["leak"], activation(config["activation"])
    rows = []
    for u, h in zip(x, states[0], strict=True):
        rows.append((1 - leak) * h + leak * f(w["kernel"].T @ u + w["recurrent_kernel"].T @ h + w["bias"]))
    h = np.stack(rows)
    return h, [h]


REFERENCES = {"esn": esn}
