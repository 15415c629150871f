"""Settings of the process that a block changes and restores: also when blocks of several threads overlap."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
import warnings
from contextlib import ExitStack

import numpy as np
import pytest

from benchmarks.harness import ROOT
from kerazoo._runtime.ignored_warnings import warnings_ignored
from kerazoo.errors import StorageError
from kerazoo.word2vec import load_vectors


def overlapping(block, inside=lambda: None):
    """The first thread leaves the block while the second is in it; then `inside` is called there."""
    entered, left = threading.Event(), threading.Event()
    found = []

    def first():
        with block():
            entered.wait(30)
        left.set()

    def second():
        with block():
            entered.set()
            left.wait(30)
            found.append(inside())

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    threads[1].start()
    for thread in threads:
        thread.join(60)
    return found[0]


def test_warnings_are_ignored_in_overlapping_blocks_and_not_afterwards():
    before = list(warnings.filters)

    def seen():
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn("seen?", UserWarning, stacklevel=1)
        return len(caught)

    assert overlapping(warnings_ignored, seen) == 0
    assert list(warnings.filters) == before


def test_filters_of_the_program_stay():
    """One that is equal, one that is added inside, and `catch_warnings` that begins inside and ends after the block."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore", UserWarning)
        with warnings_ignored(UserWarning):
            warnings.simplefilter("error", DeprecationWarning)
            assert len(warnings.filters) == 3
        assert [(action, category) for action, _, category, *_ in warnings.filters] == [
            ("error", DeprecationWarning), ("ignore", UserWarning),
        ]  # fmt: skip
        before = list(warnings.filters)
        later = ExitStack()
        with warnings_ignored():
            later.enter_context(warnings.catch_warnings())
        assert list(warnings.filters) == before
        later.close()
        assert list(warnings.filters) == before


def test_the_library_does_not_restore_filters_over_those_of_other_threads():
    """`catch_warnings` does. The command line is a program of its own, with one thread."""
    users = {
        path.relative_to(ROOT / "kerazoo").as_posix()
        for path in (ROOT / "kerazoo").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "catch_warnings"
    }
    assert users == {"cli/forecast_report.py"}


@pytest.mark.parametrize("end", ["2x", "x", "1e", "0x10", "2,5", "--1"])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_text_that_is_no_number_is_refused_whatever_the_filters(tmp_path, end, action):
    path = tmp_path / "vectors.txt"
    path.write_text(f"2 2\na 1 2\nb 1 {end}\n")
    with warnings.catch_warnings(action=action), pytest.raises(StorageError, match="line 3"):
        load_vectors(path)
    path.write_text("2 2\na 1 2\nb 1 nan\n")
    with warnings.catch_warnings(action=action):
        np.testing.assert_array_equal(load_vectors(path).vectors, [[1, 2], [1, np.nan]])


HELD_WHILE_FORKED = """
import os, sys, threading
from kerazoo._runtime.locks import module_lock
lock, held, end = module_lock(), threading.Event(), threading.Event()
def hold():
    with lock:
        held.set()
        end.wait(60)
thread = threading.Thread(target=hold)
thread.start()
held.wait(60)
child = os.fork()
if not child:
    os._exit(0 if lock.acquire(timeout=120) else 3)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert not lock.acquire(blocking=False)
end.set()
thread.join()
sys.exit(status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_forked_child_has_the_lock_of_a_module_free():
    done = subprocess.run([sys.executable, "-c", HELD_WHILE_FORKED], timeout=300, check=False)
    assert done.returncode == 0


def test_modules_have_no_other_locks():
    """One that a thread holds stays locked in a child that is forked meanwhile."""
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "kerazoo").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for part in ast.walk(node.value)
        if isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] in {"Lock", "RLock", "Condition"}
    }
    assert found == set()


@pytest.mark.backend
def test_overlapping_blocks_compute_in_float32(keras_settings):
    from kerazoo._runtime.precision import in_float32

    keras_settings.set_floatx("float64")
    inside = overlapping(in_float32, lambda: (keras_settings.floatx(), keras_settings.dtype_policy().name))
    assert inside == ("float32", "float32")
    assert keras_settings.floatx() == "float64"
