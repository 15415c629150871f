"""The benchmark of imports."""

from __future__ import annotations

import pytest

from benchmarks.questions import startup


def test_imports_are_timed_in_fresh_processes(monkeypatch):
    slow = "import time\ntime.sleep(0.3)\nheld = bytearray(50_000_000)"
    monkeypatch.setattr(
        startup, "IMPORTS", {"kerazoo": "import kerazoo", "slow": slow, "none": "import no_such_package"}
    )
    quick, slow, none = startup.measure(2)
    assert [quick["name"], slow["name"], none] == ["kerazoo", "slow", {"name": "none", "note": "not installed"}]
    assert quick["min_seconds"] <= quick["seconds"] <= quick["max_seconds"]
    assert slow["seconds"] > 0.3
    assert slow["ratio_to_kerazoo"] == pytest.approx(slow["seconds"] / quick["seconds"], rel=2)
    assert slow["ratio_to_kerazoo"] > 1
    assert slow["peak_bytes"] - quick["peak_bytes"] > 40_000_000
    assert (quick["repeats"], quick["ratio_to_kerazoo"]) == (2, 1)


def test_every_import_names_its_package():
    assert {code.split()[1] for code in startup.IMPORTS.values()} == {"time", "kerazoo", "gensim", "keras", "darts"}
