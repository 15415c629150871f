"""A process that runs tasks: lines of JSON come from the standard input, and results go to the standard output."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import traceback

__all__ = ["main"]

END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


def main() -> None:
    """Run tasks until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print does not belong to the answers
    from kerazoo.forecast.groups.tasks import run_task

    for line in sys.stdin:
        try:
            answer = {"result": run_task(json.loads(line))}
        except Exception as error:
            note = {"type": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}
            answer = {"error": note}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
    os._exit(0)  # all is written; taking the interpreter down takes a second


if __name__ == "__main__":
    main()
