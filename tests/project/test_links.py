"""Relative links in the documents point to files and headings that exist; the index links every page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def links_of(page):
    """(path, anchor) of every relative link."""
    for target in LINK.findall(CODE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        yield (page if not path else (page.parent / path).resolve()), anchor


def anchors_of(page):
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ +(.*)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_point_somewhere(page):
    for path, anchor in links_of(page):
        assert path.exists(), f"{page.name}: {path} does not exist"
        if anchor:
            assert anchor in anchors_of(path), f"{page.name}: {path.name} has no heading #{anchor}"


def test_every_page_of_the_docs_is_in_the_index():
    linked = {path for path, _ in links_of(ROOT / "docs" / "index.md")}
    assert set((ROOT / "docs").glob("*.md")) - linked == {ROOT / "docs" / "index.md"}
