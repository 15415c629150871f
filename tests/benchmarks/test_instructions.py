"""Instruction counts of the kernels, and the comparison with the baseline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from benchmarks.harness import ROOT
from benchmarks.harness.kernel_workloads import workloads
from benchmarks.questions import instructions
from kerazoo_ext import _word2vec

BASELINE = ROOT / "benchmarks" / "results" / "instructions.json"
SETTINGS = {"instruction_set": "avx2", "compiler": "GCC: 12", "valgrind": "valgrind-3"}


def kernel(name, count):
    return {"name": name, "unit": "instructions/pair", "instructions": count, "units": 10.0}


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Compares counts with a baseline of 100 and 200; returns the status and the output."""

    def check(rows, valgrind="/usr/bin/valgrind", compiler="GCC: 12", **settings):
        path = tmp_path / "baseline.json"
        rows_before = [kernel("nce", 100.0), kernel("noise", 200.0)]
        path.write_text(
            json.dumps({"benchmark": "instructions", "settings": SETTINGS, "results": {"kernels": rows_before}})
        )
        monkeypatch.setattr(instructions.shutil, "which", lambda name: valgrind)
        monkeypatch.setattr(instructions, "compiler", lambda: compiler)
        monkeypatch.setattr(instructions, "measure", lambda: (rows, {**SETTINGS, **settings}))
        monkeypatch.setattr(sys, "argv", ["instructions", "--check", str(path), "--tolerance", "0.05"])
        return instructions.main(), capsys.readouterr().out

    return check


def test_more_instructions_fail_beyond_the_tolerance(check):
    status, shown = check([kernel("nce", 104.0), kernel("noise", 200.0)])
    assert (status, "more instructions\n" in shown) == (0, False)
    status, shown = check([kernel("nce", 106.0), kernel("noise", 150.0)])
    assert status == 1
    more, fewer = shown.split("fewer instructions")
    assert "kernels, nce" in more
    assert "+6.0 %" in more
    assert "-25.0 %" in fewer
    assert "1 of 2 kernels take over 5 % more instructions than in baseline.json" in shown


def test_kernels_without_a_baseline_are_listed(check):
    status, shown = check([kernel("nce", 100.0), kernel("pairs", 9.0)])
    assert status == 0
    assert "only in the baseline: kernels, noise, instructions/pair" in shown
    assert "not in the baseline: kernels, pairs, instructions/pair" in shown


def test_counts_of_another_compiler_or_cpu_are_not_compared(check):
    slow = [kernel("nce", 999.0)]
    assert check(slow, valgrind=None) == (0, "not compared: valgrind is not installed\n")
    assert check(slow, compiler="GCC: 14") == (0, "not compared: compiled by GCC: 14, the baseline by GCC: 12\n")
    assert check(slow, instruction_set="plain") == (0, "not compared: plain code, the baseline avx2\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is not a result"),
        ('{"benchmark": "batching", "results": {}}', "is the result of batching; expected one of"),
    ],
)
def test_a_baseline_without_counts_is_refused(text, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "other.json").write_text(text)
    monkeypatch.setattr(sys, "argv", ["instructions", "--check", str(tmp_path / "other.json")])
    with pytest.raises(SystemExit) as error:
        instructions.main()
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_counts_are_read_in_the_order_of_the_marks(tmp_path):
    for part, count in ((2, 7), (10, 30), (1, 5)):
        (tmp_path / f"counts.{part}").write_text(
            f"version: 1\npart: {part}\nevents: Ir\nsummary: {count}\n\ntotals: 1\n"
        )
    (tmp_path / "counts").write_text("version: 1\npart: 11\nsummary: 3\n")
    assert instructions.counts_in(tmp_path) == [5, 7, 30, 3]


def test_rows_are_of_the_second_call_of_each_workload(monkeypatch):
    """Parts: up to the first mark, a warm-up and a count per kernel, and the rest."""
    lines = [
        {"instruction_set": "avx2"},
        {"name": "a", "unit": "pair", "units": 10},
        {"name": "b", "unit": "word", "units": 4},
    ]

    def run(command, **_):
        printed = "\n".join(map(json.dumps, lines))
        return subprocess.CompletedProcess(command, 0, printed, "")

    monkeypatch.setattr(instructions.subprocess, "run", run)
    monkeypatch.setattr(instructions, "valgrind_version", lambda: "valgrind-3")
    monkeypatch.setattr(instructions, "counts_in", lambda folder: [1, 500, 100, 600, 200, 2])
    rows, settings = instructions.measure()
    assert [(row["name"], row["unit"], row["instructions"]) for row in rows] == [
        ("a", "instructions/pair", 10.0), ("b", "instructions/word", 50.0)
    ]  # fmt: skip
    assert settings["instruction_set"] == "avx2"
    monkeypatch.setattr(instructions, "counts_in", lambda folder: [0])
    with pytest.raises(SystemExit, match=r"1 counts of 2 kernels; expected 6\. Are the symbols stripped"):
        instructions.measure()


def test_the_compiler_of_the_kernels_is_known():
    assert any(name in instructions.compiler() for name in ("GCC: ", "clang version "))


@pytest.mark.kernels
def test_every_workload_is_repeatable():
    """The warm-up call and the counted call must do the same work."""
    works = list(workloads(_word2vec.INSTRUCTION_SETS[0]))
    names = [name for name, _, _ in works]
    assert len(set(names)) == len(names) > 15
    for name, _, run in works:
        first = run()
        assert first > 100, name
        assert run() == first, name


def test_every_kernel_module_has_a_workload():
    source = (ROOT / "benchmarks" / "harness" / "kernel_workloads.py").read_text()
    for path in (ROOT / "kerazoo_ext").glob("*.pyx"):
        assert f"{path.stem}." in source, path.stem


@pytest.mark.skipif(not BASELINE.exists(), reason="benchmarks/results is missing")
def test_the_baseline_has_every_workload():
    """If this fails, run `python -m benchmarks.questions.instructions`."""
    kept = json.loads(BASELINE.read_text())
    names = [row["name"] for row in kept["results"]["kernels"]]
    assert names == [name for name, _, _ in workloads(kept["settings"]["instruction_set"])]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_counts_repeat_under_valgrind():
    first, second = (instructions.measure()[0] for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a["instructions"] == pytest.approx(b["instructions"], rel=2e-3), a["name"]
        assert a["instructions"] > 0
