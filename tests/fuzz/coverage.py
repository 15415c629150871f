"""Which lines of kerazoo follow which: the edges that an input reaches, by which inputs are chosen for more mutations.

`sys.settrace` calls a function for each line of kerazoo's modules alone; a function of another package costs one call.
An edge is a pair of lines that ran one after the other in a call of a function, so that a branch that is taken for the
first time is new even where both of its lines are known. Functions that have shown nothing new for a while are traced
in one call of 16: most of the cost is theirs. Compiled code has no lines.
"""

from __future__ import annotations

import os
import sys
import zlib
from types import CodeType, FrameType
from typing import Any

from tests.fuzz.watch import ROOT

__all__ = ["Coverage"]

#: Lines of an input after which it runs untraced: the time of a loop is for the input, not for the tracer.
MOST_LINES = 20_000
#: Calls of a function without a new edge after which it is traced seldom.
QUIET, SELDOM = 64, 16
_PACKAGE = os.path.join(str(ROOT), "kerazoo") + os.sep


class _Function:
    """What is known of a function: its number, and its calls since the last new edge."""

    __slots__ = ("calls", "number")

    def __init__(self, number: int) -> None:
        self.number, self.calls = number, 0


class Coverage:
    """The edges of one input after the other.

    Args:
        known: edges that are not new; new ones are added to it.

    >>> from kerazoo._validation import check_int
    >>> coverage = Coverage(set())
    >>> coverage.start()
    >>> _ = check_int("window", 5)
    >>> len(coverage.stop()) > 0
    True
    >>> coverage.start()
    >>> _ = check_int("window", 5)
    >>> coverage.stop()
    []
    """

    def __init__(self, known: set[int]) -> None:
        self._known = known
        self._functions: dict[CodeType, _Function | None] = {}
        self._fresh: list[int] = []
        self._left = 0

    def start(self) -> None:
        """Trace what this thread does from here on."""
        self._fresh, self._left = [], MOST_LINES
        sys.settrace(self._called)

    def stop(self) -> list[int]:
        """The new edges since `start`, as numbers that are the same in every process."""
        sys.settrace(None)
        return self._fresh

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        try:
            function = self._functions[code]
        except KeyError:
            function = self._functions[code] = self._function_of(code)
        if function is None or self._left < 0:
            return None
        function.calls += 1
        if function.calls > QUIET and function.calls % SELDOM:
            return None
        number, known, before = function.number, self._known, 0

        def traced(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            if event == "line":
                line = frame.f_lineno
                edge = number + (before << 14) + line
                if edge not in known:
                    known.add(edge)
                    self._fresh.append(edge)
                    function.calls = 0
                before = line
                self._left -= 1
                if self._left < 0:
                    return None
            return traced

        return traced

    @staticmethod
    def _function_of(code: CodeType) -> _Function | None:
        """A function of kerazoo with a number whose lowest bits are free for two lines; None for others."""
        name = code.co_filename
        if not name.startswith(_PACKAGE):
            return None
        text = f"{name[len(_PACKAGE) :]}:{code.co_qualname}:{code.co_firstlineno}"
        return _Function(zlib.crc32(text.encode()) + 1 << 28)
