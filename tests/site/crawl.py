"""Links of a site of HTML files: what they point to must exist, and nothing may come from another host.

`python -m tests.site.crawl build/site` prints what is wrong, with exit status 1; `make docs` does so after the build.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

__all__ = ["Document", "broken_links", "documents", "foreign_parts"]

BASE = "http://site/"
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"), ("audio", "src")}


@dataclass
class Document(HTMLParser):
    """The links and anchors of a page.

    Attributes:
        path: in the site, `zoo/index.html`.
        links: targets of `a` elements and of what the page loads.
        loaded: of these, what the browser loads by itself.
        anchors: ids and names.
    """

    path: str
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the element points to, and how it can be pointed to."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        loads = [value for name, value in values.items() if (tag, name) in LOADED]
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "shortcut icon", "preload", "preconnect"):
            loads.append(values["href"])
        self.loaded += loads
        self.links += loads


@cache
def documents(folder: Path) -> dict[str, Document]:
    """All pages of a site but that for errors, whose links start at the root of the host: path -> page."""
    found = {}
    for file in sorted(folder.rglob("*.html")):
        if file.name != "404.html":
            document = Document(file.relative_to(folder).as_posix())
            document.feed(file.read_text(encoding="utf-8"))
            found[document.path] = document
    return found


def broken_links(folder: Path) -> list[str]:
    """Links to files that are not there, and to anchors that their page has not: `page: link` each."""
    pages = documents(folder)
    broken = []
    for page in pages.values():
        for link in page.links:
            url = urlsplit(urljoin(BASE + page.path, link))
            if f"{url.scheme}://{url.netloc}/" != BASE:
                continue
            path = unquote(url.path).lstrip("/")
            path = path + "index.html" if path.endswith("/") or not path else path
            anchor = unquote(url.fragment)
            if not (folder / path).is_file():
                broken.append(f"{page.path}: {link}")
            elif anchor and path in pages and anchor not in pages[path].anchors:
                broken.append(f"{page.path}: {link} (no such anchor)")
    return broken


def foreign_parts(folder: Path) -> list[str]:
    """What pages load from other hosts: `page: link` each."""
    return [
        f"{page.path}: {link}"
        for page in documents(folder).values()
        for link in page.loaded
        if urlsplit(link).netloc or link.startswith("//")
    ]


def main(folder: Path) -> int:
    """Print what is wrong with a site; the exit status."""
    wrong = [f"broken link: {each}" for each in broken_links(folder)]
    wrong += [f"from another host: {each}" for each in foreign_parts(folder)]
    print(*wrong, f"{len(documents(folder))} pages, {len(wrong)} broken or foreign links", sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
