"""`kerazoo.devices.limit_memory` with stand-ins for the backends and the driver: there is no GPU where tests run."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from kerazoo import devices
from kerazoo._runtime import devices as found
from kerazoo.errors import DeviceError, InvalidArgumentError


@pytest.fixture(autouse=True)
def visible(monkeypatch):
    for name in found._HIDING_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in (devices._JAX_FRACTION, devices._JAX_FRACTION_TOO):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def backend(monkeypatch):
    """Sets the backend and a module in its place."""

    def use(name, module=None):
        monkeypatch.setattr(devices, "check_backend", lambda: name)
        if module is not None:
            monkeypatch.setitem(sys.modules, name, module)

    return use


@pytest.fixture
def driver(monkeypatch):
    """A driver of two GPUs of 10 GiB and 20 GiB."""
    sizes = [10 * 2**30, 20 * 2**30]

    def put(reference, value):
        reference._obj.value = value
        return 0

    stand_in = SimpleNamespace(
        cuInit=lambda flags: 0,
        cuDeviceGetCount=lambda count: put(count, len(sizes)),
        cuDeviceGet=lambda device, number: put(device, 7 + number),
        cuDeviceTotalMem_v2=lambda size, device: put(size, sizes[device.value - 7]),
    )
    monkeypatch.setattr(devices, "_cuda_driver", lambda: stand_in)
    return stand_in


class Tensorflow:
    """`tensorflow.config` with GPUs, which records the limits."""

    def __init__(self, numbers, error=None):
        self.numbers, self.error, self.limits = numbers, error, {}
        self.config = self

    def get_visible_devices(self, kind):
        assert kind == "GPU"
        return [SimpleNamespace(name=f"/physical_device:GPU:{number}") for number in self.numbers]

    def LogicalDeviceConfiguration(self, memory_limit):
        return memory_limit

    def set_logical_device_configuration(self, gpu, limits):
        if self.error is not None:
            raise self.error
        self.limits[gpu.name] = limits


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan"), float("inf"), True, "0.4", None])
@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_bad_fractions_are_refused_before_anything_is_set(backend, name, fraction):
    backend(name, SimpleNamespace())
    with pytest.raises(InvalidArgumentError, match=r"fraction=.*; expected a finite number > 0 and <= 1"):
        devices.limit_memory(fraction)


def test_tensorflow_gets_a_limit_of_each_visible_gpu(backend, driver):
    tf = Tensorflow([1, 0])
    backend("tensorflow", tf)
    assert devices.limit_memory(0.25) is True
    assert tf.limits == {"/physical_device:GPU:0": [2560], "/physical_device:GPU:1": [5120]}


def test_tensorflow_that_has_started_says_so(backend, driver):
    backend("tensorflow", Tensorflow([0], RuntimeError("Virtual devices cannot be modified after being initialized")))
    with pytest.raises(DeviceError, match=r"TensorFlow has started .* before the first tensor"):
        devices.limit_memory(0.5)


def test_memory_growth_and_a_limit_exclude_each_other(backend, driver):
    backend("tensorflow", Tensorflow([0], ValueError("Cannot configure virtual devices with memory growth")))
    with pytest.raises(DeviceError, match=r"memory growth\. Expected no other setting"):
        devices.limit_memory(0.5)


@pytest.mark.parametrize("failing", ["cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceTotalMem_v2", None])
def test_tensorflow_on_a_gpu_of_unknown_size(backend, driver, monkeypatch, failing):
    if failing is None:
        monkeypatch.setattr(devices, "_cuda_driver", lambda: None)
    else:
        setattr(driver, failing, lambda *arguments: 999)
    backend("tensorflow", Tensorflow([0]))
    with pytest.raises(DeviceError, match=r"memory of /physical_device:GPU:0 is not known.*lists 0 GPUs"):
        devices.limit_memory(0.5)


def test_torch_gets_the_fraction_for_each_gpu(backend):
    set_for = {}
    cuda = SimpleNamespace(
        is_available=lambda: True,
        device_count=lambda: 3,
        set_per_process_memory_fraction=lambda fraction, device: set_for.update({device: fraction}),
    )
    backend("torch", SimpleNamespace(cuda=cuda))
    assert devices.limit_memory(1) is True
    assert set_for == {0: 1.0, 1: 1.0, 2: 1.0}


@pytest.fixture
def jax_with_gpu(monkeypatch, backend):
    """JAX, whose stand-in has started or not, on a machine with a GPU."""

    def use(started=False, platforms=("gpu",)):
        listed = [SimpleNamespace(platform=platform) for platform in platforms]
        backend("jax", SimpleNamespace(devices=lambda: listed))
        bridge = SimpleNamespace(backends_are_initialized=lambda: started)
        monkeypatch.setitem(sys.modules, "jax._src.xla_bridge", bridge)
        monkeypatch.setattr(found, "_GPU_FILES", ("null",))
        monkeypatch.setattr(devices, "_jax_has_plugins", lambda: True)

    return use


def test_jax_reads_the_fraction_from_the_environment(jax_with_gpu, monkeypatch):
    jax_with_gpu()
    monkeypatch.setenv(devices._JAX_FRACTION, "0.9")
    monkeypatch.setenv(devices._JAX_FRACTION_TOO, "0.8")
    assert devices.limit_memory(1 / 3) is True
    assert os.environ[devices._JAX_FRACTION] == "0.333333"
    assert devices._JAX_FRACTION_TOO not in os.environ


def test_jax_that_has_started_says_so(jax_with_gpu):
    jax_with_gpu(started=True)
    with pytest.raises(DeviceError, match=r"JAX has started .* before the first array"):
        devices.limit_memory(0.5)
    assert devices._JAX_FRACTION not in os.environ


def test_the_variable_of_jax_is_one_that_it_reads():
    xla_client = pytest.importorskip("jaxlib.xla_client")
    options = xla_client.generate_pjrt_gpu_plugin_options
    assert "memory_fraction" not in options()
    os.environ[devices._JAX_FRACTION] = "0.25"
    try:
        assert options()["memory_fraction"] == 0.25
    finally:
        del os.environ[devices._JAX_FRACTION]


def test_plugins_of_jax_are_found_as_jax_finds_them(tmp_path, monkeypatch):
    monkeypatch.setattr(devices.importlib.metadata, "entry_points", lambda group: [])
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "jax_plugins", raising=False)
    assert not devices._jax_has_plugins()
    (tmp_path / "jax_plugins" / "xla_cuda").mkdir(parents=True)
    assert not devices._jax_has_plugins()
    (tmp_path / "jax_plugins" / "xla_cuda" / "__init__.py").touch()
    assert devices._jax_has_plugins()
    (tmp_path / "jax_plugins" / "xla_cuda" / "__init__.py").unlink()
    monkeypatch.setattr(devices.importlib.metadata, "entry_points", lambda group: [group])
    assert devices._jax_has_plugins()


def no_gpu(monkeypatch, backend, jax_with_gpu, case):
    if case == "tensorflow":
        backend("tensorflow", Tensorflow([]))
    elif case == "torch":
        backend("torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))
    elif case == "jax without a driver":
        jax_with_gpu()
        monkeypatch.setattr(found, "_GPU_FILES", ("no_such_device*",))
    elif case == "jax for CPUs":
        jax_with_gpu()
        monkeypatch.setattr(devices, "_jax_has_plugins", lambda: False)
    elif case == "jax that started on CPUs":
        jax_with_gpu(started=True, platforms=("cpu", "cpu"))
    elif case == "jax with hidden GPUs":
        jax_with_gpu()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.parametrize(
    "case",
    [
        "tensorflow",
        "torch",
        "jax without a driver",
        "jax for CPUs",
        "jax that started on CPUs",
        "jax with hidden GPUs",
    ],
)
def test_without_a_gpu_nothing_is_set_and_a_warning_says_so(monkeypatch, backend, jax_with_gpu, case):
    no_gpu(monkeypatch, backend, jax_with_gpu, case)
    with pytest.warns(UserWarning, match=f"{case.split()[0]} sees no GPU of NVIDIA or AMD, so no memory is limited"):
        assert devices.limit_memory(0.5) is False
    assert devices._JAX_FRACTION not in os.environ


@pytest.mark.backend
def test_the_installed_backend_without_a_gpu():
    """In a process of its own, where nothing has started; then the backend computes."""
    code = """
import warnings
import kerazoo
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    print(kerazoo.devices.limit_memory(0.5), sum("no memory is limited" in str(each.message) for each in caught))
import keras
print(float(keras.ops.sum(keras.ops.ones((3,)))))
"""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["False", "1", "3.0"], done.stderr


def test_an_unknown_backend_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(InvalidArgumentError, match="KERAS_BACKEND='theano'; expected one of"):
        devices.limit_memory(0.5)
