"""An audit hook that notes what a reader must not do: write or read outside of its folder, start programs, import code.

Python calls it on every such event, also in compiled modules that use Python's functions. It cannot be removed, so it
belongs into a child.
"""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

__all__ = ["Watch"]

ROOT = Path(__file__).resolve().parents[2]
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "subprocess.Popen",
              "pty.spawn", "socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request", "webbrowser.open",
              "ctypes.dlopen", "sys.setprofile", "sys.settrace", "os.kill")  # fmt: skip
_MOVES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
          "os.chown", "shutil.rmtree", "shutil.move", "shutil.copyfile")  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes forbidden events while `active`; `data` is the input.

    Args:
        folders: in which a reader may do anything.
    """

    def __init__(self, *folders: Path) -> None:
        self.active = False
        self.data = b""
        self.seen: list[str] = []
        own = [Path.home() / name / "matplotlib" for name in (".cache", ".config")]  # which some error paths import
        self._folders = tuple(os.path.realpath(folder) + os.sep for folder in (*folders, *own))
        # Code, data of packages and time zones are read on first use.
        paths = [ROOT, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "/usr/share/zoneinfo", "/proc",
                 "/dev/null", "/sys/fs/cgroup", "/sys/devices", "/etc/localtime", Path.home() / ".keras",
                 *sys.path]  # fmt: skip
        self._readable = tuple({os.path.realpath(path) for path in paths if path})
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            self._opened(*arguments)
        elif event in _FORBIDDEN:
            self._note(f"{event}{arguments!r:.200}")
        elif event in _MOVES:
            self._moved(event, arguments)
        elif event == "import":
            package = str(arguments[0]).partition(".")[0]
            # Packages try others that may not be installed; only what an input names is of its making.
            if package not in sys.modules and package.encode() in self.data:
                self._note(f"import {arguments[0]!s:.200}")

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes):
            return
        real = self._real(path)
        if real is None or self._inside(real):
            return
        writes = (isinstance(mode, str) and any(sign in mode for sign in "wax+")) or bool(flags & _WRITING)
        if writes or not real.startswith(self._readable):
            self._note(f"open {real:.200} mode={mode!r} flags={flags:o}")

    def _moved(self, event: str, arguments: tuple[Any, ...]) -> None:
        # Relative to the folder of a descriptor, as `shutil.rmtree` removes files.
        open_folder = next((each for each in arguments[1:] if type(each) is int and each > 2), None)
        if open_folder is not None and event in ("os.remove", "os.rmdir", "os.mkdir"):
            with contextlib.suppress(OSError):
                arguments = (os.path.join(os.readlink(f"/proc/self/fd/{open_folder}"), os.fsdecode(arguments[0])),)
        for path in arguments[:2]:
            real = self._real(path) if isinstance(path, str | bytes | os.PathLike) else None
            if real is not None and not self._inside(real):
                self._note(f"{event} {real:.200}")

    def _inside(self, real: str) -> bool:
        return (real + os.sep).startswith(self._folders)

    @staticmethod
    def _real(path: Any) -> str | None:
        try:
            return os.path.realpath(os.fsdecode(path))
        except (OSError, ValueError):  # no path at all
            return None

    def _note(self, what: str) -> None:
        if len(self.seen) < 100:
            self.seen.append(what)
