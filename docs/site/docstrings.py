"""An extension of griffe: docstrings as Markdown.

The docstrings are written for `help` and editors: roles such as ``:class:`Plan` `` name other objects, and examples
start with ``>>>`` in the middle of a text, which Markdown would take for a quotation.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:func|class|mod|meth|attr|data|obj|exc):`(~?)([^`]+)`")
PROMPT = re.compile(r"^( *)>>> ")
RULER = re.compile(r"^( *)=+(?: +=+)+ *$")  # of a table of reStructuredText


class Markdown(griffe.Extension):
    """Rewrites the docstring of every object when its package is loaded."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """All objects are there, so that names can be resolved."""
        visit(pkg)


def visit(thing: griffe.Object) -> None:
    """Rewrite the docstrings of an object and of its members."""
    if thing.docstring:
        thing.docstring.value = markdown(thing.docstring.value, thing)
    for member in thing.members.values():
        if not member.is_alias:
            visit(member)  # type: ignore[arg-type]


def markdown(text: str, thing: griffe.Object) -> str:
    """The docstring of `thing` with links for roles and fences around examples."""
    return fenced(ROLE.sub(lambda found: reference(found[2], bool(found[1]), thing), text))


def reference(name: str, short: bool, thing: griffe.Object) -> str:
    """A link to the object of this name, seen from `thing`; only code where the reference does not have it."""
    path, owner = name, thing
    while owner is not None:
        try:
            path = owner.resolve(name)
            break
        except griffe.NameResolutionError:
            owner = owner.parent
    else:
        if "." in name and not name.startswith("kerazoo"):
            try:
                first, _, rest = name.partition(".")
                path = f"{thing.resolve(first)}.{rest}"
            except griffe.NameResolutionError:
                path = name
    shown = name.rpartition(".")[2] if short else name
    return f'<autoref optional identifier="{path}"><code>{shown}</code></autoref>'


def fenced(text: str) -> str:
    """The text with a fence around every example and every table, from their first line to the next blank line.

    A table may have blank lines inside, and ends with a ruler.
    """
    lines: list[str] = []
    inside: str | None = None
    before = ""
    for line in [*text.split("\n"), ""]:
        start = PROMPT.match(line) or RULER.match(line)
        if inside is None and start:
            inside = start[1]
            if lines and lines[-1].strip():
                lines.append("")
            lines.append(f"{inside}```{'pycon' if '>' in line else 'text'}")
            table = ">" not in line
        elif inside is not None and not line.strip() and (not table or RULER.match(before)):
            lines.append(f"{inside}```")
            inside = None
        # A comparison at the start of a text, `>= 0`, is no quotation.
        lines.append(re.sub(r"^( *(?:[\w, ]+: )?)>(?!>> )", r"\1\\>", line) if inside is None else line)
        before = line
    return "\n".join(lines[:-1])
