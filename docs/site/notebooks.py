"""The notebooks of `examples/` as pages, with the outputs that are stored in them; nothing is executed.

Their pictures become files of the site, and tables that are stored as HTML stay tables.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docs.site.repository import ROOT

IMAGES = {"image/png": "png", "image/jpeg": "jpg"}
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Page:
    """A notebook as a page.

    Attributes:
        stem: its name without the suffix.
        text: Markdown.
        title: the text of its first heading.
        files: pictures: path in the site -> bytes.
    """

    stem: str
    text: str
    title: str
    files: dict[str, bytes] = field(default_factory=dict)


def read(folder: Path = ROOT / "examples") -> list[Page]:
    """All notebooks, in the order of the numbers that their names begin with."""

    def place(path: Path) -> tuple[int, str]:
        number = re.match(r"\d+", path.name)
        return (int(number[0]) if number else 10**6, path.name)

    return [page(path) for path in sorted(folder.glob("*.ipynb"), key=place)]


def page(path: Path) -> Page:
    """The page of a notebook."""
    document = json.loads(path.read_text(encoding="utf-8"))
    language = document.get("metadata", {}).get("language_info", {}).get("name", "python")
    made = Page(path.stem, "", path.stem)
    blocks: list[str] = []
    above = 0  # the level of the last heading
    for number, cell in enumerate(document["cells"]):
        source = joined(cell["source"])
        if cell["cell_type"] == "markdown":
            source, above = levelled(source, above)
            blocks.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            blocks.append(fence(source, language))
            blocks += outputs(cell.get("outputs", ()), f"notebooks/{path.stem}_{number}", made.files)
    text = "\n\n".join(blocks)
    first = re.search(r"^# +(.+)$", text, re.MULTILINE)
    made.title = first[1].strip() if first else path.stem
    head = "" if first else f"# {path.stem}\n\n"
    # Not a link of Markdown: that to a notebook leads to its page.
    made.text = f'{head}{text}\n\n<a href="../{path.name}" download>Download {path.name}</a>\n'
    made.files[f"notebooks/{path.name}"] = path.read_bytes()
    return made


def levelled(text: str, above: int) -> tuple[str, int]:
    """Text whose headings have the levels that their numbers say, with one title, and the level of the last one.

    The notebooks keep the headings of their model, whose levels go up and down; a table of contents needs a tree.
    """
    lines, fenced = [], False
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        found = re.match(r"(#+) +((\d+(?:\.\d+)*)\b.*|.*)", line)
        if found and not fenced:
            parts = (found[3] or "").count(".") + 1 if found[3] else len(found[1])
            above = min(max(parts, 2), above + 1) if above else 1
            line = f"{'#' * above} {found[2]}"
        lines.append(line)
    return "\n".join(lines), above


def outputs(every: Any, stem: str, files: dict[str, bytes]) -> Iterator[str]:
    """The outputs of a cell as blocks; pictures are added to `files`."""
    for place, output in enumerate(every):
        if output["output_type"] == "stream":
            yield fence(ANSI.sub("", joined(output["text"])), "text")
            continue
        if output["output_type"] == "error":
            yield fence(f"{output['ename']}: {output['evalue']}", "text")
            continue
        data = output.get("data", {})
        image = next((kind for kind in IMAGES if kind in data), None)
        if image:
            name = f"{stem}_{place}.{IMAGES[image]}"
            files[name] = base64.b64decode(joined(data[image]))
            yield f"![Output of the cell above]({Path(name).name})"
        elif "text/html" in data:
            # Blank lines would end the block of HTML; scripts and styles belong to the notebook.
            html = re.sub(r"<(script|style)\b.*?</\1>", "", joined(data["text/html"]), flags=re.DOTALL)
            yield '<div class="notebook-html">' + re.sub(r"\n\s*", "\n", html).strip() + "</div>"
        elif "text/markdown" in data:
            yield joined(data["text/markdown"])
        elif "text/plain" in data:
            yield fence(joined(data["text/plain"]), "text")


def joined(text: str | list[str]) -> str:
    """Text of a notebook, which may be a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def fence(text: str, language: str) -> str:
    """A block of code."""
    ticks = "````" if "```" in text else "```"
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def index(pages: list[Page]) -> str:
    """The page that lists them."""
    lines = [
        "# Notebooks\n",
        "One for each chapter of a notebook of 2017 on recurrent networks and word vectors, with its section numbers,",
        "and others. They are executed and have their outputs. Each page ends with a link that downloads its",
        "notebook. What to install, and how to run them: [Examples](../../examples/README.md).\n",
    ]
    lines += [f"- [{each.title}]({each.stem}.md)" for each in pages]
    if not pages:
        lines.append("This version has none.")
    return "\n".join(lines) + "\n"
