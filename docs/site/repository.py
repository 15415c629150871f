"""Pages of the repository as pages of the site: where each file goes, and links between them.

The pages under `docs/`, and `README.md` and its like, are written for a code host, where a link to `../examples/x.py`
shows the file. On the site the file has a page of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
#: Files of the repository that are pages of the site under another name.
PAGES = {
    "README.md": "index.md",
    "docs": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CITATION.cff": "citing.md",
    "benchmarks": "benchmarks/index.md",
    "benchmarks/README.md": "benchmarks/index.md",
    "benchmarks/CELLS.md": "benchmarks/cells.md",
    "benchmarks/results": "benchmarks/index.md",
    "examples": "examples/index.md",
    "examples/README.md": "examples/index.md",
    "examples/cluster": "examples/cluster.md",
    "examples/cluster/README.md": "examples/cluster.md",
}
#: Of these the site shows the text of the repository.
GENERATED = {
    name: page
    for name, page in PAGES.items()
    if name.endswith(".md") and name != "README.md" and (ROOT / name).is_file()
}

LANGUAGES = {
    ".py": "python", ".pyi": "python", ".pyx": "cython", ".h": "c", ".sh": "bash", ".toml": "toml", ".yaml": "yaml",
    ".yml": "yaml", ".cff": "yaml", ".json": "json",
}  # fmt: skip
# A fence, inline code, or a link or image; the first two are matched so that links inside them are left alone.
TOKEN = re.compile(
    r"(?P<fence>^(?P<indent> *)```.*?^(?P=indent)```[^\S\n]*$)"
    r"|(?P<code>(?<!`)`[^`\n]+`(?!`))"
    r"|(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def origin_of(page: str) -> str:
    """The file of the repository that a page of the site shows: `api/x.md` has none and stands for itself."""
    for name, made in GENERATED.items():
        if made == page:
            return name
    if page.startswith("notebooks/") and page != "notebooks/index.md":
        return f"examples/{Path(page).stem}.ipynb"
    return f"docs/{page}"


def resolve(target: str, origin: str) -> tuple[str, str] | None:
    """(path in the repository, anchor) of a relative link in the file `origin`; None for other links."""
    if re.match(r"[a-zA-Z][\w+.-]*:|#|/", target):
        return None
    path, _, anchor = target.partition("#")
    return os.path.normpath(PurePosixPath(origin).parent / path), anchor


def page_of(path: str) -> str | None:
    """The page of the site for a file or folder of the repository; None if the repository has no such file."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/") and (ROOT / path).suffix != ".py":
        return path.removeprefix("docs/")
    if path.startswith("benchmarks/results/") and path.endswith(".json"):
        return f"benchmarks/{Path(path).stem}.md"
    if path.startswith("examples/") and path.endswith(".ipynb"):
        return f"notebooks/{Path(path).stem}.md"
    return f"source/{path}.md" if (ROOT / path).is_file() else None


def sources_in(text: str, origin: str) -> Iterator[str]:
    """The files that a text links to and that have no page but that of their source."""
    for found in TOKEN.finditer(text):
        link = found["target"] and resolve(found["target"], origin)
        if link and (page_of(link[0]) or "").startswith("source/"):
            yield link[0]


def source_page(path: str) -> str:
    """A page that shows a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    fence = "````" if "```" in text else "```"
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"# {path}\n\nA file of the repository.\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


@cache
def title_of(path: str) -> str:
    """The first heading of a page of the repository; empty if it has none."""
    if not path.endswith(".md") or not (ROOT / path).is_file():
        return ""
    found = re.search(r"^# +(.+?) *$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def relative(page: str, start: str) -> str:
    """The path from one page to another, as a link has it."""
    return os.path.relpath(page, PurePosixPath(start).parent)


def rewrite(text: str, page: str, api: frozenset[str] = frozenset()) -> str:
    """The text of a page with its links to files of the repository turned into links of the site.

    A link whose text is the name of a page gets the title of the page. Names of result files become links to their page
    of benchmarks, and full names of `api` links to the reference.
    """
    origin = origin_of(page)

    def replaced(found: re.Match[str]) -> str:
        if found["fence"]:
            return found[0]
        if found["code"]:
            heading = text.rfind("\n", 0, found.start()) + 1
            return found[0] if text.startswith("#", heading) else linked(found[0], page, api)
        link = resolve(found["target"], origin)
        target = link and page_of(link[0])
        if not link or target is None:
            return found[0]  # strict mode names what is missing
        shown = found["text"]
        if re.fullmatch(r"\[[\w./-]+\.md\]", shown):
            shown = f"[{title_of(link[0]) or shown[1:-1]}]"
        return f"{shown}({relative(target, page)}{'#' + link[1] if link[1] else ''})"

    return TOKEN.sub(replaced, text)


def linked(code: str, page: str, api: frozenset[str]) -> str:
    """Inline code as a link, where it names a result or an object of the reference."""
    name = code.strip("`")
    if (
        re.fullmatch(r"(benchmarks/results/)?\w+\.json", name)
        and (ROOT / "benchmarks/results" / Path(name).name).is_file()
    ):
        return f"[{code}]({relative(f'benchmarks/{Path(name).stem}.md', page)})"
    path = re.sub(r"\(.*\)$", "", name)
    if path in api:
        # The text is code, in which only these three mean something in HTML.
        shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f'<autoref optional identifier="{path}"><code>{shown}</code></autoref>'
    return code


def for_python_markdown(text: str) -> str:
    """Text as Python-Markdown reads it: it wants a blank line before lists and tables, and four spaces inside a list.

    Comments go, as a comment in the line before a table hides the table.
    """
    lines: list[str] = []
    fence, width, blank = "", 0, True
    every = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).split("\n")
    for place, line in enumerate(every):
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if not fence:
            item = re.match(r"([-*]|\d+\.) +", line)
            if item:
                if not width and not blank:
                    lines.append("")
                width = len(item[0])
            elif stripped and blank and indent < width:
                width = 0  # a paragraph after the list
            following = every[place + 1] if place + 1 < len(every) else ""
            if stripped.startswith("|") and re.fullmatch(r"[|:\- ]+", following.strip() or "x") and not blank:
                lines.append("")
        if width and indent >= width:
            line = " " * max(4 - width, 0) + line
        marker = re.match(r"(`{3,}|~{3,})", stripped)
        if marker and (not fence or stripped.startswith(fence)):
            fence = "" if fence else marker[0]
        lines.append(line)
        blank = not stripped
    return "\n".join(lines)
