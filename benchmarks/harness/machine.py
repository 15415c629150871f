"""The machine, the versions and the commit that a figure depends on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT

__all__ = ["describe_gpus", "describe_machine", "visible_devices"]

PACKAGES = ("kerazoo", "numpy", "keras", "tensorflow", "jax", "torch", "gensim", "cython")


def describe_machine() -> dict[str, Any]:
    """CPU, cores, memory, GPUs, versions and commit."""
    cpu, flags = platform.processor(), []
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line.partition(":") for line in cpuinfo.read_text().splitlines() if ":" in line]
        fields = {key.strip(): value.strip() for key, _, value in lines}
        cpu = fields.get("model name", cpu)
        flags = [flag for flag in ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl")
                 if flag in fields.get("flags", "").split()]  # fmt: skip
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": cpu,
        "cpu_flags": flags,
        "cores": usable,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": describe_gpus(),
        "devices": visible_devices(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def describe_gpus() -> list[dict[str, str]]:
    """Name, driver and memory of each NVIDIA GPU, from `nvidia-smi`; empty without one."""
    fields = ("name", "driver_version", "memory.total")
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    return [dict(zip(("name", "driver", "memory"), line, strict=False)) for line in lines]


def visible_devices() -> dict[str, list[str]]:
    """The devices that JAX and PyTorch see, for those of the two that this process has already imported.

    JAX allocates its devices on the first query, so a JAX that is imported but not yet initialised is not queried.
    """
    found = {}
    jax, torch = sys.modules.get("jax"), sys.modules.get("torch")
    bridge = sys.modules.get("jax._src.xla_bridge")
    if jax is not None and bridge is not None and bridge.backends_are_initialized():
        found["jax"] = [f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()]
    if torch is not None and hasattr(torch, "cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        found["torch"] = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(count)] or ["cpu"]
    return found


def _commit() -> str | None:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "kerazoo", "kerazoo_ext", "setup.py")
        return git("rev-parse", "--short=12", "HEAD") + ("-modified" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
