"""The site is built, and all of its links and anchors point somewhere; `make docs` checks these as well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.crawl import broken_links, documents, foreign_parts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_all_links_and_anchors_point_somewhere(site):
    assert len(documents(site)) > 100
    assert broken_links(site) == []


@pytest.mark.slow
def test_nothing_comes_from_another_host(site):
    assert foreign_parts(site) == []


@pytest.mark.slow
def test_every_public_name_has_an_anchor(site):
    """Of the reference, under the name that a program writes or the one where it is defined."""
    from docs.site import api

    anchors = set().union(*(page.anchors for path, page in documents(site).items() if path.startswith("api/")))
    names = [name for section in api.sections() for each in section.packages for name in api.names_of(each)]
    assert len(names) > 200
    assert [name.public for name in names if not {name.public, name.path, name.target.path} & anchors] == []


@pytest.mark.slow
def test_docstrings_are_read_as_markdown(site):
    for path in (site / "api").rglob("*.html"):
        text = path.read_text()
        assert ":func:`" not in text
        assert ":class:<code>" not in text
        assert "<blockquote>" not in text, f"{path}: an example is taken for a quotation"


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text(
        '<a href="a/#there">1</a><a href="a/#gone">2</a><a href="gone/">3</a><a href="https://keras.io">4</a>'
        '<img src="//host/x.png"><a href="a">5</a><script src="x.js"></script><a href="#top">6</a><h1 id="top"></h1>'
    )
    (tmp_path / "a" / "index.html").write_text('<p id="there"><a href="../">up</a></p>')
    assert broken_links(tmp_path) == [
        "index.html: a/#gone (no such anchor)", "index.html: gone/", "index.html: a", "index.html: x.js",
    ]  # fmt: skip
    assert foreign_parts(tmp_path) == ["index.html: //host/x.png"]
