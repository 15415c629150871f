"""Whether an accelerator is visible, mostly without asking a backend."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import pytest

from kerazoo._runtime import devices


def test_no_device_file_is_no_accelerator_and_imports_no_backend():
    code = """
import sys
from kerazoo._runtime import devices
devices._DEVICE_FILES = ("no_such_device*",)
print(devices.accelerator_visible(), sorted({"keras", "tensorflow", "jax", "torch"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "[]"]


@pytest.mark.parametrize("value", ["", "-1"])
def test_hidden_devices_do_not_count(monkeypatch, value):
    monkeypatch.setattr(devices, "_DEVICE_FILES", ("null",))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert not devices.accelerator_visible()


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras lists no devices for torch")
@pytest.mark.parametrize(("listed", "expected"), [(["cpu:0"], False), (["gpu:0", "gpu:1"], True), (["tpu:0"], True)])
def test_where_there_is_a_device_file_the_backend_is_asked(monkeypatch, listed, expected):
    monkeypatch.setattr(devices, "_DEVICE_FILES", ("null",))
    for name in devices._HIDING_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: listed)
    assert devices.accelerator_visible() is expected


ON_NUMPY = """
import numpy as np
from kerazoo import Forecaster, Word2Vec, zoo
from kerazoo.errors import InvalidArgumentError
from kerazoo.training import compiled, fit

model = zoo.build("lstm_1x3_seq2one", seed=1)
model.compile("adam", "mse")
x = np.ones((2, 3, 1), "float32")
print(compiled(model)(x).shape)
for train in (
    lambda: fit(model, x, np.ones((2, 1), "float32"), verbose=0),
    lambda: Forecaster(horizon=2, model="lstm_1x4", n_members=1, epochs=1, verbose=0).fit(np.sin(np.arange(60.0))),
    lambda: Word2Vec(engine="keras", min_count=1, verbose=0).fit([["a", "b", "a"]]),
):
    try:
        train()
        print("trained")
    except InvalidArgumentError as error:
        print(error)
print(len(Word2Vec(vector_size=4, min_count=1, verbose=0).fit([["a", "b", "a"]]).vectors_))
"""


def test_numpy_predicts_and_every_training_on_it_says_that_it_does_not_train():
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ON_NUMPY], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    message = "Keras's backend='numpy'; expected one of 'tensorflow', 'jax', 'torch'."
    assert done.stdout.splitlines() == ["(2, 1)", *[message] * 3, "2"]
