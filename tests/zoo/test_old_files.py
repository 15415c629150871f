"""Models that the version before has saved load, and compute what they computed."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import kerazoo.zoo  # noqa: F401 - registers the layers

pytestmark = pytest.mark.backend

FOLDER = Path(__file__).resolve().parents[1] / "data" / "version_0_1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("zoo", np.linspace(-1, 1, 30).reshape(2, 5, 3).astype("float32")),
        ("language_model", np.array([[1, 2, 3]])),
    ],
)
def test_a_model_of_version_0_1_loads(name, inputs):
    model = keras.saving.load_model(FOLDER / f"{name}.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(model(inputs)), EXPECTED[name], rtol=1e-5, atol=1e-5)
