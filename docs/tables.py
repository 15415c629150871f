"""Write the tables and counts in the documents that come from the code, or from results of the benchmarks.

A region between ``<!-- from code: NAME -->`` and ``<!-- /from code -->`` is the text that the function for NAME below
returns. A test fails when a region is stale.

    python -m docs.tables            # list stale documents; exit status 1 if there are any
    python -m docs.tables --write    # update them
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from docs import measured
from kerazoo.cells import RecurrentCell, cell_info, list_cells
from kerazoo.cells.registry import CellInfo
from kerazoo.zoo import HeadSpec, LayerSpec, RNNSpec
from kerazoo.zoo.names import ACTIVATIONS, words_of

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REGION = re.compile(r"(<!-- from code: ([a-z ]+) -->)(.*?)(<!-- /from code -->)", re.DOTALL)


def table(header: str, rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; `header` is its first line."""
    lines = [header, "|" + "---|" * (header.count("|") - 1)]
    lines += ["| " + " | ".join(cell for cell in row) + " |" for row in rows]
    return "\n" + re.sub(r"\|  (?=\|)", "| ", "\n".join(lines)) + "\n"


def code(values: Iterable[object]) -> str:
    """Values in backquotes, separated by commas."""
    return ", ".join(f"`{value}`" for value in values)


def cell_table() -> str:
    """Every cell: names, class, states, whether it is linear, paper."""
    rows = []
    for info in map(cell_info, list_cells()):
        kind = f"{info.make.__module__.removeprefix('kerazoo.cells.families.')}.{info.make.__name__}"
        if info.make.__module__.startswith("keras."):
            kind = f"keras.layers.{info.make.__name__}"
        linear = "yes" if info.linear else ""
        paper = short_paper(info.paper)
        rows.append([f"`{info.name}`", code(info.aliases), f"`{kind}`", states_of(info), linear, paper])
    return table("| name | aliases | class | states | linear | paper |", rows)


def states_of(info: CellInfo) -> str:
    """Names of the states, each with its width unless that is U, the number of units."""
    if info.layer != "cell":
        return ", ".join(info.states)
    widths = [width_text(*sizes) for sizes in zip(info.state_sizes(12), info.state_sizes(24), strict=True)]
    return ", ".join(name + (f" ({width})" if width else "") for name, width in zip(info.states, widths, strict=True))


def width_text(at_12: int, at_24: int) -> str:
    """The width of a state as a function of U, from its values for 12 and 24 units."""
    if at_12 == at_24:
        return str(at_12)
    if at_24 == 4 * at_12:
        return "U U" if at_12 == 144 else f"{at_12 / 144:g} U U"
    if at_12 == 12:
        return ""
    return f"{at_12 // 12} U" if at_12 % 12 == 0 else f"U / {12 // at_12}"


def short_paper(paper: str) -> str:
    """The paper without its title."""
    return re.sub(r',? "[^"]*"', "", paper)


def option_table() -> str:
    """Every cell with options of its own: their defaults, and the note of its entry."""
    shared = set(inspect.signature(RecurrentCell.__init__).parameters)
    rows = []
    for info in map(cell_info, list_cells()):
        options: dict[str, Any] = {}
        if inspect.isclass(info.make) and issubclass(info.make, RecurrentCell):
            options = {
                name: parameter.default
                for name, parameter in inspect.signature(info.make).parameters.items()
                if name not in shared and name not in info.options
            }
        elif info.options:
            options = dict(info.options)
        if options or info.note:
            rows.append([f"`{info.name}`", code(map(assignment, options.items())), info.note])
    return table("| name | options and defaults | note |", rows)


def assignment(option: tuple[str, Any]) -> str:
    """`name=default` as in code, with floats to four digits."""
    name, default = option
    if isinstance(default, str):
        return f'{name}="{default}"'
    return f"{name}={default:.4g}" if isinstance(default, float) else f"{name}={default}"


#: How a name states the fields that are not words of their own.
GRAMMAR = {"cell": "`lstm`", "units": "`64`, `2x64`", "bidirectional": "`bi` before the cell", "options": "`[order=8]`"}


def spec_table(spec: type) -> str:
    """The fields of a spec: default, words of a name that set it, meaning."""
    meanings = attributes_of(spec)
    rows = []
    for field in dataclasses.fields(spec):
        default = field.default
        shown = "" if default is dataclasses.MISSING else f"`{default!r}`".replace("'", '"')
        words = [] if spec is HeadSpec else words_of(field.name)  # no name can express several heads
        activations = [word for word in words if word.removeprefix("out") in {a.replace("_", "") for a in ACTIVATIONS}]
        if len(activations) > 3:  # the list is in the text
            words = [*activations[:2], "...", *[word for word in words if word not in activations]]
        named = ", ".join(word if word == "..." else f"`{word}`" for word in words) or GRAMMAR.get(field.name, "")
        rows.append([f"`{field.name}`", shown, named, meanings[field.name]])
    return table(f"| `{spec.__name__}` | default | words of a name | |", rows)


def attributes_of(spec: type) -> dict[str, str]:
    """The Attributes section of a docstring: name -> text in one line; names that share a text are separate keys."""
    section = re.search(r"Attributes:\n(.*?)\n\n", inspect.getdoc(spec) or "", re.DOTALL)
    assert section is not None
    text = re.sub(r"\n {8,}", " ", section[1])
    found = {}
    for line in text.splitlines():
        names, _, meaning = line.strip().partition(": ")
        found.update(dict.fromkeys(names.split(", "), meaning.rstrip(".")))
    return found


def activation_words() -> str:
    """The activations, as words of a name."""
    return code(name.replace("_", "") for name in ACTIVATIONS)


SOURCES: dict[str, Callable[[], str]] = {
    "cells": cell_table,
    "options": option_table,
    "number of cells": lambda: str(len(list_cells())),
    "linear cells": lambda: code(list_cells(linear=True)),
    "layer spec": lambda: spec_table(LayerSpec),
    "model spec": lambda: spec_table(RNNSpec),
    "head spec": lambda: spec_table(HeadSpec),
    "activations": activation_words,
    **measured.SOURCES,
}


def updated(text: str) -> str:
    """The text of a document with all regions filled."""
    return REGION.sub(lambda found: found[1] + SOURCES[found[2]]() + found[4], text)


def stale() -> list[Path]:
    """The documents whose regions differ from the code."""
    return [path for path in DOCUMENTS if updated(path.read_text()) != path.read_text()]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="update the documents")
    write = parser.parse_args().write
    paths = stale()
    for path in paths:
        print(f"{path.relative_to(ROOT)}: {'updated' if write else 'stale; run `python -m docs.tables --write`'}")
        if write:
            path.write_text(updated(path.read_text()))
    sys.exit(bool(paths) and not write)


if __name__ == "__main__":
    main()
