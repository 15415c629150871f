"""Small fits again and again: memory, open files and threads do not grow. `tests.reliability.leaks` has longer runs."""

from __future__ import annotations

import sys

import pytest

from tests.reliability.leaks import measured

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def check(workload, repetitions, warm):
    found = measured(workload, repetitions, warm, timeout=900)
    assert found["open_files_more"] <= 0
    assert found["threads_more"] <= 0
    # A table that is not freed has 10 kB or more; the allocator's pools scatter less.
    assert found["growth"] < 0.01, found
    assert found["python_bytes_per_repetition"] < 4000, found


@pytest.mark.parametrize("workload", ["word2vec", "encode", "phrases", "files"])
def test_many_small_fits_do_not_grow(workload):
    check(workload, 150, 50)


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["word2vec", "fasttext", "encode", "phrases", "forecaster", "files"])
def test_very_many_small_fits_do_not_grow(workload):
    check(workload, 1000, 200)


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["network", "global_network"])
def test_many_networks_of_one_kind_do_not_grow(workload):
    """XLA's programs are 17 MB for each network that is compiled anew, 2 % of the process."""
    found = measured(workload, 80, 20, timeout=900)
    assert found["open_files_more"] <= 0
    assert found["growth"] < 0.01, found
