"""Whether there is a GPU or TPU that Keras could use, found out as far as possible without importing a backend."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["visible"]

# Device files of the drivers of NVIDIA, AMD and Google's TPUs, on Linux.
DEVICES = ("nvidia[0-9]*", "kfd", "accel[0-9]*", "vfio/[0-9]*")
HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def visible() -> bool:
    """Whether Keras's backend has an accelerator.

    Where there is no device file, or the environment hides the devices, the answer is no without importing anything.
    Otherwise the backend, which is then imported, says what it can use.
    """
    if not _has_device(Path("/dev")) or any(os.environ.get(name, "0") in ("", "-1") for name in HIDING):
        return False
    import keras

    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        import torch  # type: ignore[import-not-found,unused-ignore]

        return bool(torch.cuda.is_available())
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())


def _has_device(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in DEVICES)
