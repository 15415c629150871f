"""The tables and counts in the documents are those of the code."""

from __future__ import annotations

import pytest

from docs import tables


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


def test_widths_of_states_are_functions_of_the_units():
    cases = {(12, 24): "", (6, 12): "U / 2", (36, 72): "3 U", (144, 576): "U U", (2, 2): "2"}
    assert {sizes: tables.width_text(*sizes) for sizes in cases} == cases
