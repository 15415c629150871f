"""What the process can compute on: CPU cores, accelerators, and the kernels of the backend."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from kerazoo._runtime.optional import how_to_install
from kerazoo.errors import InvalidArgumentError

__all__ = [
    "BACKENDS",
    "accelerator_visible",
    "backend_name",
    "check_backend",
    "check_one_device",
    "core_numbers",
    "gpu_driver_found",
    "how_to_install",
    "is_installed",
    "limited_to",
    "prefer_fast_kernels",
    "usable_cores",
]

#: Backends of Keras that kerazoo runs on, and the command that installs each.
BACKENDS = {name: how_to_install(name) for name in ("tensorflow", "jax", "torch")}

# Device files of the drivers of NVIDIA, AMD and Google's TPUs, on Linux; dxg is that of GPUs on Windows' Linux.
_GPU_FILES = ("nvidia[0-9]*", "kfd", "dxg")
_DEVICE_FILES = (*_GPU_FILES, "accel[0-9]*", "vfio/[0-9]*")
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


def core_numbers() -> list[int] | None:
    """Numbers of the cores that this process may use; None where the system knows no such thing."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@contextmanager
def limited_to(cores: Iterable[int] | None) -> Iterator[None]:
    """Within it, this process uses some of its cores only; None: all."""
    before = core_numbers()
    if cores is None or before is None:
        yield
        return
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def accelerator_visible() -> bool:
    """Whether Keras's backend can use a GPU or TPU.

    Without a device file, or where the environment hides the devices, the answer is False and nothing is imported.
    Otherwise the backend is imported and asked.
    """
    if not _has_device_file(_DEVICE_FILES) or _hidden():
        return False
    import keras

    if keras.backend.backend() == "torch":  # Keras lists no devices for torch
        import torch  # type: ignore[import-not-found,unused-ignore]

        return bool(torch.cuda.is_available())
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())


def gpu_driver_found() -> bool:
    """Whether a driver of a GPU has a device file that the environment does not hide; nothing is imported."""
    return _has_device_file(_GPU_FILES) and not _hidden()


def check_one_device(what: str) -> None:
    """Check that no distribution of Keras over several devices is set.

    Args:
        what: the training that does not divide its batches, for the message.

    Raises:
        InvalidArgumentError: one is set.
    """
    import keras

    distribution = keras.distribution.distribution()
    n = 1 if distribution is None else int(distribution.device_mesh.devices.size)
    if n > 1:
        raise InvalidArgumentError(
            f"a distribution over {n} devices is set, and {what} on one device; expected none. Call "
            "keras.distribution.set_distribution(None) before."
        )


def check_backend(name: str | None = None) -> str:
    """The Keras backend, if kerazoo runs on it and it is installed; nothing is imported.

    Args:
        name: that of the backend; None: that of the environment variable KERAS_BACKEND or of Keras's configuration.

    Raises:
        InvalidArgumentError: it is unknown or not installed; the message says how to install it.
    """
    given = "backend"
    if name is None:
        given, name = _configured_backend()
    if name not in BACKENDS:
        raise InvalidArgumentError(f"{given}={name!r}; expected one of {', '.join(map(repr, BACKENDS))}.")
    if not is_installed(name):
        there = [other for other in BACKENDS if is_installed(other)]
        installed = f"one that is installed ({', '.join(there)})" if there else "an installed one"
        select = f". Or select an installed one: KERAS_BACKEND={there[0]}" if there else ""
        raise InvalidArgumentError(
            f"{given}={name!r}; expected {installed}. The package {name} is missing: {how_to_install(name)}{select}"
        )
    return name


def backend_name() -> str:
    """The Keras backend, installed or not; nothing is imported.

    >>> backend_name() in BACKENDS
    True
    """
    return _configured_backend()[1]


def is_installed(package: str) -> bool:
    """Whether a package can be found; it is not imported."""
    try:
        return package in sys.modules or find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _configured_backend() -> tuple[str, str]:
    """(where it is set, its name), as Keras finds it: from the environment, its file, or its default."""
    if "keras" in sys.modules:
        return "Keras's backend", sys.modules["keras"].backend.backend()
    if "KERAS_BACKEND" in os.environ:
        return "KERAS_BACKEND", os.environ["KERAS_BACKEND"]
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        name = json.loads((folder / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        name = None  # no file, or one that Keras ignores, too
    if not name:
        return "the default of Keras", "tensorflow"
    return f"backend in {folder / 'keras.json'}", name


def prefer_fast_kernels() -> None:
    """Enable TensorFlow's oneDNN kernels, unless the user has decided or TensorFlow is already imported.

    oneDNN selects instructions at run time, while TensorFlow's own matrix products are compiled for CPUs without FMA:
    small matrix products take a third of the time. TensorFlow enables oneDNN by itself only on CPUs with AVX512-VNNI.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def _has_device_file(patterns: Iterable[str]) -> bool:
    return any(next(_DEVICE_FOLDER.glob(pattern), None) is not None for pattern in patterns)


def _hidden() -> bool:
    return any(os.environ.get(name, "0") in ("", "-1") for name in _HIDING_VARIABLES)
