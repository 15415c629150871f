"""What the process can compute on: CPU cores, accelerators, and the kernels of the backend."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["accelerator_visible", "prefer_fast_kernels", "usable_cores"]

# Device files of the drivers of NVIDIA, AMD and Google's TPUs, on Linux.
_DEVICE_FILES = ("nvidia[0-9]*", "kfd", "accel[0-9]*", "vfio/[0-9]*")
_HIDING_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
_DEVICE_FOLDER = Path("/dev")


def usable_cores() -> int:
    """Number of CPU cores that this process may use, at least 1.

    The affinity mask counts, not the machine: under `taskset`, in many containers and in batch systems a process
    gets only some of the cores.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def accelerator_visible() -> bool:
    """Whether Keras's backend can use a GPU or TPU.

    Without a device file, or where the environment hides the devices, the answer is False and nothing is imported.
    Otherwise the backend is imported and asked.
    """
    if not _has_device_file() or any(os.environ.get(name, "0") in ("", "-1") for name in _HIDING_VARIABLES):
        return False
    import keras

    if keras.backend.backend() == "torch":  # Keras lists no devices for torch
        import torch  # type: ignore[import-not-found,unused-ignore]

        return bool(torch.cuda.is_available())
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())


def prefer_fast_kernels() -> None:
    """Enable TensorFlow's oneDNN kernels, unless the user has decided or TensorFlow is already imported.

    oneDNN selects instructions at run time, while TensorFlow's own matrix products are compiled for CPUs without FMA:
    small matrix products take a third of the time. TensorFlow enables oneDNN by itself only on CPUs with AVX512-VNNI.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def _has_device_file() -> bool:
    return any(next(_DEVICE_FOLDER.glob(pattern), None) is not None for pattern in _DEVICE_FILES)
