"""Processes that are killed at random moments, and go on: see `kills.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and kills them")

PROGRAM = """
import json, sys
from tests.faults.kills import SCENARIOS, kill
(scenario,) = [each for each in SCENARIOS if each.name == sys.argv[1]]
print(json.dumps(vars(kill(scenario, int(sys.argv[2]), int(sys.argv[3])))))
"""


def killed(name, moments, seed=1):
    """Kills in a process of their own, which has no threads."""
    command = [sys.executable, "-c", PROGRAM, name, str(moments), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check(found, moments):
    assert not found["problems"], "\n".join(found["problems"])
    assert found["kills"] >= moments
    assert found["resumed"] > 0
    assert found["before_the_first_file"] <= found["kills"] / 2


def test_some_kills():
    check(killed("native Word2Vec, one worker", 3), 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["native Word2Vec, one worker", "native Word2Vec, two workers", "encode to disk", "Keras Word2Vec"]
)
def test_many_kills(name):
    check(killed(name, 50, seed=2), 50)


@pytest.mark.slow
def test_many_kills_of_a_forecaster():
    check(killed("Forecaster", 20, seed=2), 20)
