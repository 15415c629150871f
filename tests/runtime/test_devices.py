"""Whether an accelerator is visible, mostly without asking a backend."""

from __future__ import annotations

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
