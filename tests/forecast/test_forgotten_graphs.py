"""TensorFlow's registry of gradient functions does not grow with the networks that are trained, used and forgotten."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

from kerazoo import Forecaster

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's registry")

Y = pd.Series(np.sin(np.arange(60)), pd.date_range("2020-01-01", periods=60, freq="MS"))
SMALL = {"horizon": 3, "period": 12, "n_members": 1, "epochs": 1, "steps_per_epoch": 1, "seed": 1, "verbose": 0}


def registered() -> int:
    from tensorflow.python.framework import ops

    return sum(name.startswith("CustomGradient-") for name in ops.gradient_registry._registry)


@pytest.mark.parametrize("y", [Y, pd.DataFrame({"a": Y, "b": 2 * Y})], ids=["one series", "two series"])
def test_a_forecaster_leaves_no_gradient_function(y):
    before = registered()
    fitted = Forecaster("lstm_1x3", **SMALL).fit(y)
    first = fitted.predict(3)
    assert registered() == before
    # What was forgotten is not needed again.
    np.testing.assert_array_equal(fitted.predict(3), first)
    fitted.set_params(epochs=2).fit(y).predict(3)
    assert registered() == before


def test_a_network_of_the_user_keeps_its_gradient():
    """It may be differentiated after it was traced."""
    import tensorflow as tf

    from kerazoo import zoo

    model = zoo.build("lstm_1x3", seed=1)
    traced = tf.function(model)
    x = tf.ones((2, 5, 1))
    Forecaster("lstm_1x3", **SMALL).fit(Y)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(traced(x))
    assert all(gradient is not None for gradient in tape.gradient(loss, model.trainable_variables))
