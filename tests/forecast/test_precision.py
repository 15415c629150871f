"""Global settings of Keras do not reach the networks of a forecaster."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerazoo import Forecaster
from tests.forecast.helpers import assert_equal, numbers, tiny
from tests.helpers.speed import slow_on_jax_marks

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("uncompiled")]


def made():
    return tiny(epochs=1, steps_per_epoch=1, min_gain=0.0, transforms=["difference"], horizon=3).fit(numbers())


def set_policy(config, name):
    config.set_dtype_policy(name)


def set_floatx(config, name):
    config.set_floatx(name)


@pytest.mark.parametrize(
    "change",
    [(set_policy, "mixed_float16"), pytest.param((set_floatx, "float64"), marks=slow_on_jax_marks)],
    ids=lambda each: each[1],
)
def test_a_fit_and_its_forecasts_are_the_same_whatever_the_settings(change, keras_settings, tmp_path):
    expected = made()
    change[0](keras_settings, change[1])
    before = keras_settings.floatx(), keras_settings.dtype_policy().name
    found = made()
    assert (keras_settings.floatx(), keras_settings.dtype_policy().name) == before
    assert all(keras.backend.standardize_dtype(each.dtype) == "float32" for each in found._fitted.ensemble.nets.weights)
    found.save(tmp_path / "made.kerazoo")
    loaded = Forecaster.load(tmp_path / "made.kerazoo")
    for each in (found, loaded):
        np.testing.assert_allclose(each.predict(5), expected.predict(5), rtol=1e-6)
    assert_equal(found.fitted_values(), loaded.fitted_values())
    np.testing.assert_allclose(found.fitted_values(), expected.fitted_values(), rtol=1e-6)
