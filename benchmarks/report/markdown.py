"""Tables in Markdown, and pages in which they are replaced."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.harness.results import RESULTS

__all__ = ["table", "update_pages"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    >>> print(table(["", "a"], [["x", "1"]]))
    |  | a |
    | --- | --- |
    | x | 1 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def update_pages(description: str, fill: Callable[[str, Path], str]) -> None:
    """A command whose arguments are pages: replace their tables.

    Args:
        description: of the command.
        fill: (text of a page, folder of the results) -> text with new tables.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("pages", nargs="+", type=Path)
    for page in parser.parse_args().pages:
        page.write_text(fill(page.read_text(), RESULTS))
        print(page)
