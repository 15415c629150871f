"""The benchmark of load: phases, orders of growth, and what becomes of a process that crashes, hangs or grows."""

from __future__ import annotations

import sys

import pytest

from benchmarks.harness.load_phases import Phases, supervise
from benchmarks.questions import load
from kerazoo.errors import InvalidArgumentError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

PROGRAM = """
import os, signal, sys, time
case = sys.argv[2]
print('{"phase": "first", "outcome": "done"}', flush=True)
if case == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if case == "hang":
    time.sleep(60)
if case == "grow":
    kept = bytearray(b"x" * (200 << 20))
    time.sleep(60)
if case == "raise":
    raise IndexError("of something")
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    (tmp_path / "of_a_test.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "of_a_test"


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ("crash", "crashed: SIGSEGV"),
        ("hang", "killed: more than 1 s"),
        ("grow", "killed: more than 100 MiB"),
        ("raise", "failed: IndexError: of something"),
        ("end", None),
    ],
)
def test_what_a_process_does_is_its_outcome(program, case, outcome):
    seconds = 1 if case == "hang" else 30
    first, *rest = supervise(program, case, 5, limit_mib=100, seconds=seconds)
    assert first == {"phase": "first", "outcome": "done"}
    assert [row["outcome"] for row in rest] == ([] if outcome is None else [outcome])


def test_a_phase_has_its_own_peak_and_a_refusal_is_a_result():
    phases = Phases()
    with phases.phase("large"):
        kept = bytearray(b"x" * (64 << 20))
        del kept
    with phases.phase("small"):
        pass

    def refuse():
        with phases.phase("refused"):
            raise InvalidArgumentError("n=3; expected 2.")

    with pytest.raises(InvalidArgumentError):
        refuse()
    large, small, refused = phases.rows
    assert large["grown_mib"] >= 60
    assert small["grown_mib"] <= large["grown_mib"] - 50
    assert [large["outcome"], refused["outcome"], refused["message"]] == ["done", "refused", "n=3; expected 2."]


def test_orders_are_those_of_the_size_before():
    rows = [
        {"phase": phase, "n": n, "processor_seconds": seconds, "grown_mib": grown}
        for n in (10, 100, 1000)
        for phase, seconds, grown in (("linear", n / 10, 100), ("quadratic", n * n / 100, n * 10), ("short", 1e-3, 1))
    ]
    found = load.merged([], rows)
    orders = {(row["phase"], row["n"]): (row.get("order_of_time"), row.get("order_of_memory")) for row in found}
    assert orders["linear", 10] == (None, None)
    assert orders["linear", 1000] == (1.0, 0.0)
    assert orders["quadratic", 100] == (2.0, 1.0)
    assert orders["short", 1000] == (None, None)


def test_a_size_that_runs_again_replaces_its_rows_alone():
    earlier = [
        {"phase": phase, "n": n, "outcome": "done", "processor_seconds": n / 10, "order_of_time": 5.0}
        for n in (10, 100, 1000)
        for phase in ("fit", "predict")
    ]
    new = [{"phase": "fit", "n": 100, "outcome": "refused", "message": "no"}]
    found = load.merged(earlier, new)
    kept = [(row["n"], row["phase"], row["outcome"]) for row in found]
    assert kept == [
        (10, "fit", "done"), (10, "predict", "done"), (100, "fit", "refused"), (1000, "fit", "done"),
        (1000, "predict", "done"),
    ]  # fmt: skip
    # Orders are those of the present rows: none beside a size without a figure.
    assert [row.get("order_of_time") for row in found] == [None, None, None, None, 1.0]
    assert earlier[0]["order_of_time"] == 5.0


@pytest.mark.parametrize("case", ["vocabulary", "empty_documents", "min_count", "series_data"])
def test_a_case_runs_at_a_small_size(case, capsys):
    load.run_one(case, 200)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all('"outcome": "done"' in line for line in lines) or case == "min_count"
