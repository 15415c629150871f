"""What the delta rules promise: a stored value is found again, a new one replaces it, and chunks have no seam."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from kerazoo.cells import Recurrent, make_cell
from kerazoo.errors import InvalidArgumentError
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, *slow_on_jax_marks]

UNITS = 4


@pytest.mark.parametrize("parallel", [False, True])
def test_a_value_is_stored_under_its_key_and_replaced(parallel):
    """With alpha = beta = 1 and orthonormal keys. Features: key (4), value (4), the strength of writing."""
    cell = make_cell("gateddelta", UNITS, activation="linear")
    cell.build((None, 9))
    kernel = np.zeros((9, 3 * UNITS + 2))
    kernel[:4, :4] = kernel[:4, 4:8] = 100 * np.eye(4)  # query = key, long, so that the 1e-6 does not matter
    kernel[4:8, 8:12] = np.eye(4)
    kernel[8, 12] = 1.0
    cell.kernel.assign(kernel)
    cell.step_bias.assign([-200.0])  # alpha = 1
    values = np.random.default_rng(0).normal(size=(5, 4))
    keys = np.eye(4)[[0, 1, 2, 3, 1]]
    writes = np.concatenate([keys, values, np.full((5, 1), 200.0)], axis=1)
    reads = np.concatenate([np.eye(4), np.zeros((4, 4)), np.full((4, 1), -200.0)], axis=1)
    sequences = np.concatenate([writes, reads])[None].astype("float32")
    outputs = ops.convert_to_numpy(Recurrent(cell, return_sequences=True, parallel=parallel)(sequences))[0]
    np.testing.assert_allclose(outputs[5:], values[[0, 4, 2, 3]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["gateddelta", "rwkv7"])
@pytest.mark.parametrize("steps", [65, 150])
def test_chunks_are_joined_without_a_seam(name, steps):
    cell = make_cell(name, UNITS, heads=2)
    rng = np.random.default_rng(0)
    sequences, mask = rng.normal(size=(2, steps, 3)).astype("float32"), rng.random((2, steps)) < 0.7
    one, other = (
        Recurrent(cell, return_sequences=True, return_state=True, parallel=parallel)(sequences, mask=mask)
        for parallel in (False, True)
    )
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(left), ops.convert_to_numpy(right), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gateddelta", "rwkv7"])
def test_units_that_are_no_multiple_of_heads_are_refused(name):
    with pytest.raises(InvalidArgumentError, match="expected a multiple of heads=3"):
        make_cell(name, UNITS, heads=3)
