"""What every benchmark shares: alternated repeats, medians and ratios, the machine described, JSON out.

The machine may be noisy, so the sides of a comparison are run in turn (A B C, A B C, ...) rather than one after
the other, and a ratio is the median of the ratios of the same turn.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(os.environ.get("OUT") or ROOT / "benchmarks" / "results")
PACKAGES = ("kerazoo", "numpy", "keras", "tensorflow", "jax", "torch", "gensim", "cython")


@dataclass
class Side:
    """One side of a comparison: `run` does the whole work and returns how many units it did."""

    name: str
    run: Callable[[], float]
    seconds: list[float] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def rates(self) -> list[float]:
        """Units a second, one value a repeat."""
        return [unit / second for unit, second in zip(self.units, self.seconds, strict=True)]


def alternate(sides: Sequence[Side], repeats: int, warm_up: bool = True) -> None:
    """Run the sides in turn, `repeats` times each, after one untimed turn if `warm_up`."""
    for turn in range(-1 if warm_up else 0, repeats):
        for side in sides:
            gc.collect()
            start = time.perf_counter()
            units = side.run()
            elapsed = time.perf_counter() - start
            if turn >= 0:
                side.seconds.append(elapsed)
                side.units.append(units)


def summarise(sides: Sequence[Side], reference: str, unit: str) -> list[dict[str, Any]]:
    """One row a side: median and spread of the rate, and the median ratio to `reference` in the same turn."""
    base = next(side for side in sides if side.name == reference)
    rows = []
    for side in sides:
        rates = side.rates
        ratios = [rate / other for rate, other in zip(rates, base.rates, strict=True)]
        rows.append(
            {
                "name": side.name,
                "unit": f"{unit}/s",
                "median_rate": statistics.median(rates),
                "min_rate": min(rates),
                "max_rate": max(rates),
                "median_seconds": statistics.median(side.seconds),
                "repeats": len(rates),
                f"ratio_to_{reference}": statistics.median(ratios),
                **side.notes,
            }
        )
    return rows


# On Linux the kernel's VmHWM, which begins anew at exec; getrusage would count the parent's memory at the fork.
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
    """What a fresh interpreter that runs `code` prints, and its peak resident memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", code + _PEAK, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout, int(done.stderr.strip().splitlines()[-1])


def peak_rss_of(code: str, *arguments: str) -> int:
    """Peak resident memory in bytes of a fresh interpreter that runs `code`."""
    return run_fresh(code, *arguments)[1]


def describe_machine() -> dict[str, Any]:
    """CPU, cores, memory, GPUs, versions and commit: what a figure depends on."""
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
    """Name, driver and memory of each NVIDIA GPU, as `nvidia-smi` has them; empty where there is none."""
    fields = ("name", "driver_version", "memory.total")
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    return [dict(zip(("name", "driver", "memory"), line, strict=False)) for line in lines]


def visible_devices() -> dict[str, list[str]]:
    """The devices that JAX and PyTorch see, of those that this process has imported: neither is imported for it.

    JAX takes hold of its devices when it is first asked for them, so one that is imported but idle is not asked.
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


def peak_memory() -> dict[str, int | None]:
    """Most memory in bytes that this process has held so far: resident on the host, and allocated on the first GPU.

    The second is what the allocator of the framework gave out at once (not what it keeps in reserve), of those that
    this process has imported; None where none of them uses a GPU.
    """
    status = Path("/proc/self/status")
    if status.exists():  # begins anew at exec, where getrusage would count the parent's memory at the fork
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


def _commit() -> str | None:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "kerazoo", "kerazoo_ext", "setup.py")
        return git("rev-parse", "--short=12", "HEAD") + ("-modified" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def write_result(name: str, question: str, settings: Mapping[str, Any], tables: Mapping[str, Any]) -> Path:
    """Write `benchmarks/results/NAME.json` ($OUT/NAME.json when OUT is set) and return its path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"benchmark": name, "question": question, "machine": describe_machine(),
                "peak_memory": peak_memory(), "settings": dict(settings), "results": dict(tables)}  # fmt: skip
    # At once: a benchmark that writes after each stage may be ended at any moment.
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=1, sort_keys=False) + "\n")
    partial.replace(path)
    return path


def print_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as an aligned text table; large numbers are shown in millions or thousands."""
    print(f"\n{title}")
    cells = [[_show(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[i]) for line in cells)) for i, column in enumerate(columns)]
    print("  ".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)))
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def _show(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
            if abs(value) >= limit:
                return f"{value / limit:.2f}{suffix}"
        return f"{value:.3g}"
    return "-" if value is None else str(value)
