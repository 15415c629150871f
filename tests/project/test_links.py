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


def test_the_tree_in_the_architecture_page_is_the_tree():
    """Every file of the package is named there, in the line of its folder."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    tree = re.search(r"^    kerazoo/\n(.*?)^    kerazoo_ext/", page, re.MULTILINE | re.DOTALL)[1]
    named = set(re.findall(r"\w+", tree))
    files = {path.stem for path in (ROOT / "kerazoo").rglob("*.py") if path.parent != ROOT / "kerazoo"}
    # The cells are listed in docs/cells.md, data sets and wrappers in their packages.
    left_out = {path.stem for folder in ("datasets", "cells/families", "cells/wrappers") for path in
                (ROOT / "kerazoo" / folder).glob("*.py")}  # fmt: skip
    left_out |= {"__init__", "__main__", "_jax_loop", "_deprecated", "looped"}
    assert files - named - left_out == set()
