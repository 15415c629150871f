"""The command line in a process of its own, with pipes, terminals and closed streams."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

START = "from kerazoo.cli.main import main; main()"
# Bars appear at once instead of after two seconds, and a test need not take as long.
AT_ONCE = "from kerazoo._runtime import progress; progress.DELAY = 0.0\n" + START


def environment(**changes):
    """That of this process, with changes; None removes a variable."""
    found = {**os.environ, "TERM": "xterm", **changes}
    found.pop("NO_COLOR", None) if "NO_COLOR" not in changes else None
    return {name: value for name, value in found.items() if value is not None}


def piped(*arguments, code=START, folder=None, env=None, **settings):
    """Run a command whose stdout and stderr are pipes."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output="stdout" not in settings,
        text=True,
        cwd=folder,
        env=environment(**(env or {})),
        timeout=300,
        check=False,
        **settings,
    )


def on_terminal(*arguments, code=START, folder=None, env=None):
    """Run a command whose stdout and stderr are terminals: (exit code, what stdout shows, what stderr shows)."""
    import fcntl  # not on Windows, as the next two
    import pty
    import termios

    pairs = [pty.openpty() for _ in range(2)]
    for _, end in pairs:
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=pairs[0][1],
        stderr=pairs[1][1],
        cwd=folder,
        env=environment(**(env or {})),
    )
    for _, end in pairs:
        os.close(end)
    shown = [_all_of(start) for start, _ in pairs]
    return process.wait(timeout=300), *shown


def _all_of(descriptor):
    parts = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts).decode().replace("\r\n", "\n")
        parts.append(part)
