"""What Keras's backend may use of the GPUs.

>>> from kerazoo import devices
>>> devices.limit_memory(0.4)                                      # doctest: +SKIP
True
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import pkgutil
import sys
import warnings
from typing import Any

from kerazoo._runtime.devices import check_backend, gpu_driver_found
from kerazoo._validation import check_real
from kerazoo.errors import DeviceError

__all__ = ["limit_memory"]

_JAX_FRACTION, _JAX_FRACTION_TOO = "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION"
_CUDA = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libcuda.so")


def limit_memory(fraction: float) -> bool:
    """Let Keras's backend use a part of the memory of each GPU; the first thing that a program does.

    It is what ``GPUOptions(per_process_gpu_memory_fraction=...)`` of TensorFlow 1 was: several programs can share a
    GPU.

    ==========  ======================================  =====================================================
    backend     sets                                    when
    ==========  ======================================  =====================================================
    TensorFlow  ``set_logical_device_configuration``,   before the first tensor or layer with weights; replaces
                a limit in MiB                          other logical devices of the GPUs; NVIDIA's GPUs only
    JAX         ``XLA_PYTHON_CLIENT_MEM_FRACTION``      before the first array or layer with weights. JAX takes
                                                        all of it at its start, unless
                                                        ``XLA_PYTHON_CLIENT_PREALLOCATE`` is ``false``
    PyTorch     ``set_per_process_memory_fraction``     any time, for what is allocated later
    ==========  ======================================  =====================================================

    The limit holds for this process, and for what the backend's allocator gives out. Libraries such as cuDNN, and the
    driver itself, need some hundred MB besides. The native engine of `Word2Vec` and statistics use no GPU.

    Args:
        fraction: of the memory of each GPU that the process sees, > 0 and <= 1.

    Returns:
        True if the limit is set; False, with a warning, where the backend sees no GPU of NVIDIA or AMD. So a program
        with this line also runs on a computer without one.

    Raises:
        InvalidArgumentError: the fraction is out of range, or the backend is not installed.
        DeviceError: the backend has started and uses the GPUs already, or the size of their memory is not known.

    >>> import os, warnings
    >>> os.environ["CUDA_VISIBLE_DEVICES"] = "-1"        # as on a computer without a GPU
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     limit_memory(0.4)
    False
    >>> "no memory is limited" in str(caught[0].message)
    True
    >>> del os.environ["CUDA_VISIBLE_DEVICES"]
    """
    number = check_real(
        "fraction", fraction, 0.0, 1.0, exclusive=True, hint="0.4 lets the process use 40 % of the memory of each GPU."
    )
    backend = check_backend()
    limited = {"tensorflow": _limit_tensorflow, "jax": _limit_jax, "torch": _limit_torch}[backend](number)
    if not limited:
        warnings.warn(
            f"{backend} sees no GPU of NVIDIA or AMD, so no memory is limited. On a computer with one, check its "
            f"driver, that {backend} is installed with support for it, and CUDA_VISIBLE_DEVICES.",
            UserWarning,
            stacklevel=2,
        )
    return limited


def _limit_tensorflow(fraction: float) -> bool:
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return False
    sizes = _cuda_memory()
    for gpu in gpus:
        number = int(gpu.name.rpartition(":")[2])
        if number >= len(sizes):
            raise DeviceError(
                f"the memory of {gpu.name} is not known: it is read from CUDA's driver, which lists {len(sizes)} GPUs. "
                "Use tf.config.set_logical_device_configuration with a memory_limit in MiB."
            )
        limit = tf.config.LogicalDeviceConfiguration(memory_limit=max(1, int(fraction * sizes[number] / 2**20)))
        try:
            tf.config.set_logical_device_configuration(gpu, [limit])
        except RuntimeError as error:
            raise _started("TensorFlow", "tensor") from error
        except ValueError as error:  # memory growth is set
            raise DeviceError(
                f"TensorFlow refuses a limit for {gpu.name}: {error}. Expected no other setting of its memory, such as "
                "set_memory_growth."
            ) from error
    return True


def _limit_jax(fraction: float) -> bool:
    if not gpu_driver_found() or not _jax_has_plugins():
        return False
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is not None and bridge.backends_are_initialized():
        import jax

        if all(device.platform == "cpu" for device in jax.devices()):
            return False
        raise _started("JAX", "array")
    os.environ.pop(_JAX_FRACTION_TOO, None)  # JAX refuses both
    os.environ[_JAX_FRACTION] = f"{fraction:.6g}"
    return True


def _jax_has_plugins() -> bool:
    """Whether JAX was installed with a plugin for accelerators, where it looks for them; JAX is not imported."""
    spec = importlib.util.find_spec("jax_plugins")  # a namespace package, without a file of its own
    folders = (spec and spec.submodule_search_locations) or ()
    named = importlib.metadata.entry_points(group="jax_plugins")
    return bool(named) or any(True for _ in pkgutil.iter_modules(folders))


def _limit_torch(fraction: float) -> bool:
    import torch  # type: ignore[import-not-found,unused-ignore]

    if not torch.cuda.is_available():
        return False
    for number in range(torch.cuda.device_count()):
        torch.cuda.set_per_process_memory_fraction(fraction, number)
    return True


def _started(backend: str, what: str) -> DeviceError:
    return DeviceError(
        f"{backend} has started and uses the GPUs already; expected limit_memory before the first {what} and the first "
        "layer with weights. Call it right after the imports."
    )


def _cuda_memory() -> list[int]:
    """Bytes of memory of each GPU that CUDA's driver shows this process, in its order; [] without the driver."""
    driver = _cuda_driver()
    if driver is None or driver.cuInit(0):
        return []
    count = ctypes.c_int()
    if driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    sizes = []
    for number in range(count.value):
        device, size = ctypes.c_int(), ctypes.c_size_t()
        if driver.cuDeviceGet(ctypes.byref(device), number) or driver.cuDeviceTotalMem_v2(ctypes.byref(size), device):
            break
        sizes.append(size.value)
    return sizes


def _cuda_driver() -> Any:
    for name in _CUDA:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
