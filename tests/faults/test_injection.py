"""System calls that fail, in every operation that writes or reads files: see `injection.py` for what must hold then."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.layer import can_build, environment

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not can_build(), reason="needs gcc and glibc")


def outcomes(folder, *options):
    """What `python -m tests.faults.injection` found."""
    path = folder / "outcomes.json"
    command = [sys.executable, "-m", "tests.faults.injection", "--json", str(path), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert path.exists(), f"exit code {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return {each["name"]: each for each in json.loads(path.read_text())}


def check(found):
    problems = [line for each in found.values() for line in each["problems"]]
    assert not problems, "\n".join(problems)


def test_files_are_old_or_new_after_some_of_the_faults(tmp_path):
    found = outcomes(tmp_path, "--quick")
    check(found)
    without = {name for name, each in found.items() if not each["faults"]}
    assert without == {"copy.deepcopy(Forecaster)", "pickle of Forecaster"}  # which need no files
    assert len(found) > 55
    assert sum(each["faults"] for each in found.values()) > 1000
    assert sum(each["kills"] for each in found.values()) > 60


@pytest.mark.slow
def test_files_are_old_or_new_after_every_fault(tmp_path):
    check(outcomes(tmp_path))


DAMAGED = """
import errno, sys
from pathlib import Path
from tests.faults import injection, layer, operations
def careless(folder):  # writes over the old file, and says nothing of errors
    try:
        (folder / "out" / "f").write_text("x" * 30000)
    except OSError:
        pass
def earlier(folder):
    (folder / "out" / "f").write_text("old")
operation = operations.Operation("careless", careless, earlier=earlier)
found = injection.run_operation(operation, layer.Layer(), True, lambda fault: True, kills=True)
killed = [line for line in found.problems if "kill" in line]
mixed = [line for line in found.problems if "neither the old files nor the new" in line]
print(found.faults, len(found.problems), bool(mixed), len(killed))
"""


def test_a_careless_writer_is_found_out():
    done = subprocess.run(
        [sys.executable, "-c", DAMAGED], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    faults, problems, mixed, killed = done.stdout.split()
    assert int(faults) >= 5
    assert int(problems) >= 5
    assert mixed == "True"
    assert int(killed) >= 2  # before and in the write, when the old file is empty
