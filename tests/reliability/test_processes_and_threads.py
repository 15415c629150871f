"""Every entry point in threads, in children of each start method, and in one that is forked amid the work of threads.

All must give what they give alone, to the bit.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.reliability.entry_points import ENTRY_POINTS

WITHOUT_KERAS = [name for name in ENTRY_POINTS if name != "zoo"]
FORKS = ["fork", "busy", "forkserver"] if sys.platform == "linux" else []


def run(names, places, seconds):
    """What the program prints; it ends within a time limit, so that a deadlock is an error and not a hang."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.reliability.entry_points", *names, "--places", *places]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(found, names, places):
    assert [*found] == ["here", *places]
    for name in names:
        assert ":" not in found["here"][name], found["here"][name]
    for place in places:
        assert found[place] == found["here"], place


def test_entry_points_without_keras():
    places = ["threads", *FORKS, "spawn"]
    check(run(WITHOUT_KERAS, places, 900), WITHOUT_KERAS, places)


@pytest.mark.backend
def test_networks_of_a_seed_have_the_same_weights_in_threads_and_in_a_forked_child():
    places = ["threads", *FORKS[:1]]
    check(run(["zoo"], places, 900), ["zoo"], places)


@pytest.mark.slow
@pytest.mark.backend
def test_all_entry_points_after_keras_is_imported():
    """Spawned children import it again, which takes most of the time."""
    places = ["threads", *FORKS[:1], *FORKS[2:], "spawn"]
    check(run([*ENTRY_POINTS], places, 1800), [*ENTRY_POINTS], places)
