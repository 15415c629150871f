"""The preloaded library of `faults.c`: building it, and telling it what is to fail."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FAULTS", "KILLS", "MEMORY", "Fault", "Layer", "can_build", "environment"]

SOURCE = Path(__file__).with_name("faults.c")
#: Variable of the environment -> where the library is; set for processes that preload it.
VARIABLE = "KERAZOO_FAULTS"
NEVER = (1 << 62) - 1

# As in `faults.c`.
KINDS = (
    "open to write", "open to read", "open", "read", "read short", "write", "write short", "fsync", "rename", "mkdir",
    "mmap", "close", "truncate", "memory", "unlink", "rmdir", "lock", "seek", "stat", "list", "kill", "kill in a write",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What fails, and how.

    Attributes:
        kind: of the system call, one of `KINDS`.
        error: the value of `errno`.
        lasting: whether all later calls of the kind fail, too, as on a full disk; else only one does.
        least_bytes: of memory, the smallest piece that is refused.
        rare: left out of the quick selection.
    """

    kind: str
    error: int
    lasting: bool = False
    least_bytes: int = 0
    rare: bool = False

    @property
    def short(self) -> bool:
        """Whether the call does half of its work and reports no error, which every caller must expect."""
        return self.kind.endswith("short")

    def __str__(self) -> str:
        if not self.error:
            return self.kind
        return f"{self.kind} {errno.errorcode[self.error]}{' from then on' if self.lasting else ''}"


#: Of files. A full disk and a folder without permission last; an I/O error may pass.
FAULTS = (
    Fault("open to write", errno.EACCES),
    Fault("open to write", errno.ENOSPC, lasting=True),
    Fault("open to read", errno.EIO),
    Fault("open", errno.EMFILE, lasting=True),
    Fault("read", errno.EIO),
    Fault("read short", 0),
    Fault("write", errno.EIO),
    Fault("write", errno.ENOSPC, lasting=True),
    Fault("write short", 0),
    Fault("fsync", errno.EIO),
    Fault("rename", errno.EACCES),
    Fault("mkdir", errno.ENOSPC),
    Fault("mmap", errno.ENOMEM),
    Fault("close", errno.EIO),
    Fault("truncate", errno.EFBIG),
    Fault("unlink", errno.EACCES),
    Fault("rmdir", errno.EBUSY),
    Fault("lock", errno.ENOLCK),
    Fault("seek", errno.EIO),
    Fault("stat", errno.EIO),
    Fault("list", errno.EIO),
    # A quota; a network file system may say that it is used up when data are flushed, or at the end.
    Fault("write", errno.EDQUOT, lasting=True, rare=True),
    Fault("fsync", errno.EDQUOT, lasting=True, rare=True),
    Fault("close", errno.EDQUOT, rare=True),
    Fault("mkdir", errno.EDQUOT, lasting=True, rare=True),
    # Files that another machine has replaced.
    Fault("read", errno.ESTALE, rare=True),
    Fault("stat", errno.ESTALE, rare=True),
)
#: At every call that changes a file, and in the middle of every write.
KILLS = (Fault("kill", 0), Fault("kill in a write", 0))
#: Pieces of 256 kB and more: arrays, tables and buffers of the text. NumPy 2.4 crashes where a buffer of its iterators,
#: of 64 or 128 kB, cannot be had.
MEMORY = Fault("memory", errno.ENOMEM, least_bytes=1 << 18)


def can_build() -> bool:
    """Whether this system has gcc and glibc, whose names the library uses."""
    return shutil.which("gcc") is not None and "CS_GNU_LIBC_VERSION" in os.confstr_names


def _library() -> Path:
    """The library, built once for each version of its source."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"kerazoo-faults-{os.getuid()}-{digest}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / path.name
            command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o", built, SOURCE, "-ldl"]
            subprocess.run(command, check=True)
            shutil.copy(built, path.with_suffix(f".{os.getpid()}"))
            os.replace(path.with_suffix(f".{os.getpid()}"), path)
    return path


def environment() -> dict[str, str]:
    """The environment of a process in which calls can fail."""
    library = str(_library())
    return {**os.environ, "LD_PRELOAD": library, VARIABLE: library, "PYTHONDONTWRITEBYTECODE": "1"}


class Layer:
    """The library in this process, which must have been started with :func:`environment`."""

    def __init__(self) -> None:
        path = os.environ.get(VARIABLE)
        if path is None or path not in Path("/proc/self/maps").read_text():
            raise RuntimeError("no preloaded library; start the process with layer.environment().")
        self._library = ctypes.CDLL(path)
        self._library.faults_arm.argtypes = [
            ctypes.c_char_p, ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_long,
        ]  # fmt: skip
        for name in ("faults_seen", "faults_failed"):
            getattr(self._library, name).restype = ctypes.c_long
        self._library.faults_last.restype = ctypes.c_char_p

    @contextmanager
    def armed(self, fault: Fault, folder: Path, n: int = NEVER) -> Iterator[None]:
        """Within it, the n-th call of the kind under `folder` fails; without `n`, calls are only counted."""
        kind = KINDS.index(fault.kind)
        self._library.faults_arm(os.fsencode(folder), kind, n, fault.error, fault.lasting, fault.least_bytes)
        try:
            yield
        finally:
            self._library.faults_disarm()

    @property
    def seen(self) -> int:
        """Calls that counted since the last :meth:`armed`."""
        return int(self._library.faults_seen())

    @property
    def failed(self) -> int:
        """Calls that failed, or were short, since the last :meth:`armed`."""
        return int(self._library.faults_failed())

    @property
    def last(self) -> str:
        """The first call that failed, with its path."""
        return os.fsdecode(self._library.faults_last())
