"""Progress bars of long steps, which the command line shows: on stderr, if it is a terminal, after two seconds.

A function that takes long reports its progress to a bar of :func:`progress_bar`. In a program there is none; the
command line asks for them with :func:`shown_progress`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["DELAY", "progress_bar", "shown_progress"]

#: Seconds before a bar appears: shorter steps need none.
DELAY = 2.0

_shown = False


@contextlib.contextmanager
def shown_progress(shown: bool = True) -> Iterator[None]:
    """Within it, long steps have a bar, on a terminal."""
    global _shown
    before, _shown = _shown, shown
    try:
        yield
    finally:
        _shown = before


def progress_bar(total: float | None, unit: str, title: str, **settings: Any) -> Any:
    """A bar with rate and time left, as a context: `update(n)` adds n, `update_to(n)` sets it to n.

    Args:
        total: number of units, None if it is not known: the bar then shows what is done and the rate.
        unit: of the rate, such as `"word"`.
        title: what is being done.
        **settings: further ones of tqdm.

    >>> with progress_bar(3, "file", "reading") as bar:     # nothing is shown
    ...     bar.update(1)
    """
    if not _shown or sys.stderr is None or sys.stderr.closed or not sys.stderr.isatty():
        return _NoBar()
    from tqdm import tqdm

    class Bar(tqdm):
        def update_to(self, n: float) -> None:
            self.update(n - self.n)

    return Bar(
        total=total,
        unit=unit,
        desc=title,
        file=sys.stderr,
        leave=False,
        **{"unit_scale": True, "delay": DELAY, **settings},
    )


class _NoBar(contextlib.nullcontext["_NoBar"]):
    def __enter__(self) -> _NoBar:
        return self

    def update(self, n: float = 1) -> None:
        pass

    def update_to(self, n: float) -> None:
        pass

    def set_description(self, title: str, refresh: bool = True) -> None:
        pass
