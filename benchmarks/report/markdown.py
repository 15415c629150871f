"""Tables in Markdown, and pages in which they are replaced."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.harness.results import RESULTS

__all__ = ["between_marks", "set_title", "table", "update_pages"]


def between_marks(page: str, mark: str, text: Callable[[], str]) -> str:
    r"""The page with new lines between `<!-- MARK -->` and `<!-- /MARK -->`.

    Args:
        page: the text of a page.
        mark: the name of the place.
        text: makes the lines.

    Raises:
        ValueError: the page has no such place.

    >>> between_marks("<!-- x -->\nold\n<!-- /x -->", "x", lambda: "new").splitlines()
    ['<!-- x -->', 'new', '<!-- /x -->']
    """
    marked = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"no <!-- {mark} --> and <!-- /{mark} --> in the page")
    lines = text()
    return marked.sub(lambda found: f"{found[1]}{lines}\n{found[2]}", page)


def set_title(name: str) -> str:
    """How tables call a set of a competition.

    >>> set_title("m3_monthly")
    'M3 monthly'
    """
    return name.replace("_", " ").replace("m3", "M3").replace("tourism", "Tourism")


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
