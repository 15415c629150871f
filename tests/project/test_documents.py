"""The tables and counts in the documents are those of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import tables

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", tables.DOCUMENTS, ids=lambda path: path.name)
def test_regions_from_code_are_current(path):
    text = path.read_text()
    assert tables.updated(text) == text, f"{path.name} is stale; run `python -m docs.tables --write`"
    assert text.count("<!-- from code:") == len(tables.REGION.findall(text)) == text.count("<!-- /from code -->")


def test_every_source_is_used():
    used = {name for path in tables.DOCUMENTS for _, name, _, _ in tables.REGION.findall(path.read_text())}
    assert used == set(tables.SOURCES)


def test_a_stale_region_is_found_and_filled():
    text = "there are <!-- from code: number of cells -->0<!-- /from code --> cells"
    assert tables.updated(text) != text
    assert tables.updated(tables.updated(text)) == tables.updated(text)
    assert f"{len(tables.list_cells())}<!--" in tables.updated(text)


def test_the_names_in_the_documents_are_there_after_import_kerazoo():
    pages = [ROOT / "README.md", *(page for page in (ROOT / "docs").glob("*.md") if page.name != "architecture.md")]
    names = {name for page in pages for name in re.findall(r"`(kerazoo(?:\.\w+)+)[`(]", page.read_text())}
    assert len(names) > 30
    code = """
import functools, sys, kerazoo
for name in sys.argv[1:]:
    try:
        functools.reduce(getattr, name.split(".")[1:], kerazoo)
    except AttributeError as error:
        print(name, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *sorted(names)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_widths_of_states_are_functions_of_the_units():
    cases = {(12, 24): "", (6, 12): "U / 2", (36, 72): "3 U", (144, 576): "U U", (2, 2): "2"}
    assert {sizes: tables.width_text(*sizes) for sizes in cases} == cases
