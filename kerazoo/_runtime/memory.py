"""How much memory this process can still take, and a check before large arrays are made.

Linux promises memory that it does not have, and kills a process that uses it. So large tables are compared with what is
available before they are made, and what does not fit is an error that says what to change.
"""

from __future__ import annotations

from pathlib import Path

from kerazoo.errors import MemoryLimitError

__all__ = ["available_memory", "check_memory"]

_SYSTEM = Path("/proc/meminfo")
_PROCESS = Path("/proc/self/statm")
_GROUP = Path("/sys/fs/cgroup")  # version 2
_GROUP_OF = Path("/proc/self/cgroup")
SMALL = 1 << 26  # bytes that are not worth a look at the system


def available_memory() -> int | None:
    """Bytes that this process can still take, or None where the system does not say (not Linux).

    The least of: the memory and swap that the system could free, what the limit of the control group leaves
    (containers, batch systems), and what the limit of the address space leaves (`ulimit -v`).
    """
    found = [each for each in (_of_system(), _of_groups(), _of_address_space()) if each is not None]
    return max(0, min(found)) if found else None


def check_memory(needed: int, what: str, remedy: str) -> None:
    """Raise :class:`MemoryLimitError` if arrays of `needed` bytes do not fit into the available memory.

    Args:
        needed: bytes, an exact int of any size.
        what: the reason: the arguments and their values.
        remedy: what to change.

    >>> check_memory(1000, "n=1000", "A smaller n fits.")
    """
    if needed < SMALL:
        return
    available = available_memory()
    if available is None:
        available = 2**62  # no array is larger, whatever the system has
    if needed > available:
        raise MemoryLimitError(f"{what} need {_shown(needed)} of memory; {_shown(available)} are available. {remedy}")


def _shown(n: int) -> str:
    return f"{n / 2**30:,.1f} GiB" if n < 2**80 else f"2^{n.bit_length()} bytes"


def _of_system() -> int | None:
    try:
        fields = dict(line.split(":") for line in _SYSTEM.read_text().splitlines())
        return sum(int(fields[name].split()[0]) << 10 for name in ("MemAvailable", "SwapFree"))
    except (OSError, KeyError, ValueError):
        return None


def _of_groups() -> int | None:
    """The least that a limit of the groups above leaves; pages of files can be freed."""
    found = []
    try:
        name = next(line for line in _GROUP_OF.read_text().splitlines() if line.startswith("0::"))[3:]
    except (OSError, StopIteration):
        return None
    folder = _GROUP / name.lstrip("/")
    for each in (folder, *folder.parents):
        try:
            limit = int((each / "memory.max").read_text())  # "max": none
            used = int((each / "memory.current").read_text())
            freed = dict(line.split() for line in (each / "memory.stat").read_text().splitlines())
            found.append(limit - used + int(freed.get("inactive_file", 0)) + int(freed.get("active_file", 0)))
        except (OSError, ValueError):
            pass
        if each == _GROUP:
            break
    return min(found, default=None)


def _of_address_space() -> int | None:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        return limit - int(_PROCESS.read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return None
