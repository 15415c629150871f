"""Timing of sides, and results as files."""

from __future__ import annotations

import json
import time

import pytest

from benchmarks.harness import results
from benchmarks.harness.timing import Side, alternate, summarise


def test_sides_alternate_after_a_warm_up():
    calls = []

    def side(name, units):
        return Side(name, lambda: calls.append(name) or units, notes={"note": name})

    sides = [side("a", 3.0), side("b", 5.0)]
    alternate(sides, 2)
    assert calls == ["a", "b"] * 3
    assert [each.units for each in sides] == [[3.0, 3.0], [5.0, 5.0]]
    alternate(sides[:1], 1, warm_up=False)
    assert calls[6:] == ["a"]


def test_ratios_are_medians_of_the_ratios_within_a_round():
    fast, slow = Side("fast", lambda: 1.0), Side("slow", lambda: 1.0, notes={"threads": 2})
    fast.seconds, slow.seconds = [1.0, 2.0, 4.0], [2.0, 8.0, 12.0]
    fast.units = slow.units = [8.0, 8.0, 8.0]
    rows = summarise([fast, slow], "fast", "words")
    assert rows[0]["ratio_to_fast"] == 1.0
    assert rows[1] == {"name": "slow", "unit": "words/s", "median_rate": 1.0, "min_rate": pytest.approx(8 / 12),
                       "max_rate": 4.0, "median_seconds": 8.0, "repeats": 3, "ratio_to_fast": pytest.approx(1 / 3),
                       "threads": 2}  # fmt: skip


def test_the_seconds_are_those_of_the_run():
    side = Side("sleep", lambda: time.sleep(0.05) or 1.0)
    alternate([side], 1, warm_up=False)
    assert 0.05 <= side.seconds[0] < 5.0


def test_tables_show_large_numbers_with_units(capsys):
    results.print_table("Title", [{"name": "a", "rate": 12_345_678.0, "gone": None}, {"name": "b", "rate": 0.5}],
                        ["name", "rate", "gone"])  # fmt: skip
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [["Title"], ["name", "rate", "gone"], ["a", "12.35", "M", "-"], ["b", "0.5", "-"]]


def test_a_result_is_written_atomically(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "new")
    path = results.write_result("some", "Is it?", {"a": 1}, {"rows": [{"b": 2}]})
    before = path.read_text()
    document = json.loads(before)
    assert (document["benchmark"], document["settings"], document["results"]) == (
        "some",
        {"a": 1},
        {"rows": [{"b": 2}]},
    )
    with pytest.raises(TypeError, match="not JSON serializable"):
        results.write_result("some", "Is it?", {}, {"rows": [object()]})
    assert path.read_text() == before
    assert [file.name for file in path.parent.iterdir()] == ["some.json"]
