"""Fresh interpreters, and the peak memory of a process."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import ROOT

__all__ = ["peak_memory", "peak_rss_of", "run_fresh"]

# VmHWM of the Linux kernel starts at 0 on exec; getrusage also counts the memory of the parent at the fork.
_PEAK = """
import resource, sys
from pathlib import Path
status = Path("/proc/self/status")
if status.exists():
    peak = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak, file=sys.stderr)
"""


def run_fresh(code: str, *arguments: str) -> tuple[str, int]:
    """Run `code` in a fresh interpreter; its standard output, and its peak resident memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", code + _PEAK, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout, int(done.stderr.strip().splitlines()[-1])


def peak_rss_of(code: str, *arguments: str) -> int:
    """Peak resident memory in bytes of a fresh interpreter that runs `code`."""
    return run_fresh(code, *arguments)[1]


def peak_memory() -> dict[str, int | None]:
    """Peak memory of this process so far, in bytes.

    Returns:
        `host_bytes`, the resident memory, and `device_bytes`, what the allocator of a framework has had allocated on
        the first GPU at the same time, without its reserve. Only frameworks that this process has already imported
        count; None if none of them uses a GPU.
    """
    status = Path("/proc/self/status")
    if status.exists():  # see _PEAK
        host = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    else:
        host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    found = []
    jax, torch, tensorflow = (sys.modules.get(name) for name in ("jax", "torch", "tensorflow"))
    bridge = sys.modules.get("jax._src.xla_bridge")
    if jax is not None and bridge is not None and bridge.backends_are_initialized():
        found += [(device.memory_stats() or {}).get("peak_bytes_in_use") for device in jax.local_devices()[:1]]
    if torch is not None and hasattr(torch, "cuda") and torch.cuda.is_available() and torch.cuda.is_initialized():
        found.append(torch.cuda.max_memory_allocated())
    if tensorflow is not None and tensorflow.config.list_physical_devices("GPU"):
        found.append(tensorflow.config.experimental.get_memory_info("GPU:0")["peak"])
    on_device = [int(each) for each in found if each]
    return {"host_bytes": host, "device_bytes": max(on_device) if on_device else None}
