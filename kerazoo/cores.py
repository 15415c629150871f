"""How many threads to use when the user does not say."""

from __future__ import annotations

import os

__all__ = ["usable_cores"]


def usable_cores() -> int:
    """Cores that this process may use, at least 1.

    The affinity mask counts, not the machine: under `taskset`, in many containers and in batch systems a process
    gets a part of it.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
