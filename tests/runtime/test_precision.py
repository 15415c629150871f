"""Estimators compute in float32, whatever Keras's dtype policy is."""

import numpy as np
import pytest

from kerazoo import Word2Vec
from kerazoo._runtime.precision import in_float32

pytestmark = pytest.mark.backend


def test_settings_are_restored_after_an_error(keras_settings):
    @in_float32()
    def fails():
        raise ZeroDivisionError(keras_settings.dtype_policy().name)

    keras_settings.set_dtype_policy("mixed_bfloat16")
    with pytest.raises(ZeroDivisionError, match="float32"):
        fails()
    assert keras_settings.dtype_policy().name == "mixed_bfloat16"


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_the_keras_engine_trains_the_same_vectors_whatever_the_policy(keras_settings, policy):
    def vectors():
        model = Word2Vec(vector_size=4, engine="keras", min_count=1, epochs=1, seed=1, verbose=0)
        return model.fit([list("abcd") * 5] * 20).wv.vectors

    expected = vectors()
    keras_settings.set_dtype_policy(policy)
    np.testing.assert_allclose(vectors(), expected, rtol=1e-6)
