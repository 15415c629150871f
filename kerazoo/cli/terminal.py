"""What the command line does with the terminal: exit codes, messages, colours, and streams that are closed."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, TextIO

import click

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "WRONG_INPUT",
    "discard_output",
    "error_line",
    "is_terminal",
    "note",
    "reserve_streams",
    "say",
]

#: Exit codes besides 0; docs/command-line.md says what they mean.
FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130

_LABEL = re.compile(r"([a-z]+)(?= {2})")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; there is none where it is closed."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _no_colours() -> bool:
    """Whether NO_COLOR (https://no-color.org) is set, or the terminal has no colours."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def _echo(text: str, err: bool = False) -> None:
    # None: click colours what goes to a terminal, and nothing else.
    click.echo(text, err=err, color=False if _no_colours() else None)


def error_line(message: str) -> None:
    """An error as one line on stderr."""
    _echo(f"{click.style('kerazoo:', fg='red', bold=True)} {' '.join(message.split())}", err=True)


def note(message: str) -> None:
    """A line on stderr that is no error."""
    _echo(f"{click.style('kerazoo:', fg='yellow')} {' '.join(message.split())}", err=True)


def say(text: str) -> None:
    """A line of a report on stdout; its label, before two blanks or more, is bold on a terminal.

    >>> say("data        milk.csv")
    data        milk.csv
    """
    label = _LABEL.match(text)
    _echo(text if label is None else click.style(label[1], bold=True) + text[label.end(1) :])


def reserve_streams() -> None:
    """Open the null device where standard streams are closed.

    Otherwise the next file that is opened gets the number of one, and what a library prints goes into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)


def discard_output() -> None:
    """Let what is still to be written to stdout go nowhere, so that Python does not try it again when it ends."""
    try:
        null: Any = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (AttributeError, OSError, ValueError):  # no stdout, or one that is no file
        return
